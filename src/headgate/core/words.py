"""Texts that PyTorch does not have: what Headgate adds to an error, what its guards say, why a tensor has no history.

Beside `errors`, which holds PyTorch's own words; split from it only for size.
"""

# The in-place error: PyTorch's opening words, then lines made in `reports`.
INPLACE = "one of the variables needed for gradient computation has been modified by an inplace operation:"
INPLACE_WAY_OUT = "To keep both values, write to a copy (clone()) instead."

# The guard on saved values (RuntimeError or WriteWarning).
SAVED_OVERWRITTEN = (
    "a value needed for gradient computation was overwritten by a write that its version counter did not see; "
    "the gradient is computed from the overwritten value:"
)
SAVED_OVERWRITTEN_WAY_OUT = "Write to a copy, or write through detach(), which is counted and refused in time."
KEPT_OVERWRITTEN = (
    "a value needed for gradient computation was kept by a saved-tensor hook in memory that was written since; "
    "the gradient is computed from the overwritten value:"
)
KEPT_OVERWRITTEN_WAY_OUT = "Let the pack hook return a copy, or write to a copy."
SAVED_REBOUND = (
    "a tensor needed for gradient computation was given other memory through .data after it was saved; "
    "the gradient is computed from its new value:"
)
RING_LOST = "more uncounted writes happened since than are remembered; one of them may have changed it"

# The guard on histories (RuntimeError or WriteWarning).
STALE_HISTORY = (
    "a tensor was written without its history being told, and used afterwards; backward ignores that write:"
)
STALE_HISTORY_WAY_OUT = (
    "If that is meant (a straight-through estimator), do the write under headgate.allow_stale()."
)

# CutWarning: requires_grad = True on a result whose history was cut, or backward() from such a leaf.
CUT_LEAF = "this tensor has no history, so backward() from it fills nothing but its own .grad:"

# After `element 0 of tensors does not require grad ...`: what cut it, by the kind of the cut.
CUT_REASONS = {
    "detach": "it comes from a detach(){place}",
    "data": "it comes from .data{place}",
    "detach_": "it was cut by detach_(){place}",
    "no_grad": "{what} was computed under no_grad(){place}",
    "inference": "{what} was computed under inference_mode(){place}",
    "integer": "{what} gives a result without gradient{place}",
    "constant": "{what} is not differentiable{place}",
    "leaf": "it comes from a tensor that does not require grad, made by {what}{place}",
    "numpy": "it comes from an array that numpy() exported{place}",
    "item": "it was made from Python numbers taken out of a tensor by {what}{place}",
    "tensor": "{what} copies the values and drops the history{place}",
    "frozen": "requires_grad was set to False{place}",
}
