"""Mistakes with backward, in-place writes, a tensor's autograd state, hooks and Function, and the texts for them.

Each row provokes PyTorch and gives the fields that the text should have carried. Knows headgate.errors alone.
"""

from __future__ import annotations

import copy

import torch
from provoke import assign, doubled, expanded, function, integers, leaf, made, ones, passed, row, says
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from headgate import errors

# ---- backward -------------------------------------------------------------------------------------------------------


@says("INPLACE", RuntimeError, type="torch.FloatTensor", shape=[3, 2], version=2, expected=0,
      origin=errors.INPLACE_ORIGIN.format(number=0, node="Sigmoid"))  # fmt: skip
def _():
    output = leaf(3, 2).sigmoid()
    output.mul_(2).mul_(2)
    output.sum().backward()


@says("INPLACE", RuntimeError, "leaf", type="torch.DoubleTensor", shape=[3], version=1, expected=0, origin="")
def _():
    factor = torch.ones(3, dtype=torch.float64)
    output = torch.ones(3, dtype=torch.float64, requires_grad=True) * factor
    factor.mul_(2)
    output.sum().backward()


@says("SECOND_BACKWARD", RuntimeError)
def _():
    output = (leaf(3) ** 2).sum()
    output.backward()
    output.backward()


@says("SAVED_DETACHED", RuntimeError)
def _():
    middle = made(3)
    output = middle * middle
    middle.detach_()
    output.sum().backward()


def hooked(value):
    tensor = leaf(3)
    tensor.register_hook(lambda gradient: value)
    tensor.sum().backward()


def node_hooked(value):
    output = leaf(3) * 2
    output.grad_fn.register_hook(lambda inputs, outputs: value)
    output.sum().backward()


def from_none():
    class Cut(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return None

    middle = leaf(3) * 2
    middle.grad_fn.register_prehook(lambda outputs: (ones(3),))
    Cut.apply(middle).sum().backward()


def self_assigned():
    tensor = leaf(3)
    tensor.grad = tensor


grad = torch.autograd.grad
row("NO_GRAD_FN", RuntimeError, lambda: ones(3).sum().backward(), index=0)
row("NO_GRAD_FN", RuntimeError, lambda: torch.autograd.backward([leaf(1).sum(), ones(())]), index=1, case="second")
row("NOT_SCALAR", RuntimeError, lambda: made(3).backward())
row("GRAD_SHAPE", RuntimeError, lambda: made(3).backward(ones(2)),
    index=0, grad=torch.Size([2]), output=torch.Size([3]))  # fmt: skip
row("GRAD_COUNT", RuntimeError, lambda: grad([leaf(1), leaf(1)], [leaf(1)], [None]), tensors=2, gradients=1)
row("GRAD_TYPE", TypeError, lambda: grad([leaf(3).sum()], [leaf(3)], ["a"]), type="str")
row("NO_INPUTS", RuntimeError, lambda: leaf(3).sum().backward(inputs=[]))
row("UNUSED", RuntimeError, lambda: grad(leaf(3).sum(), [leaf(3)]), index=0)
row("INPUT_NO_GRAD", RuntimeError, lambda: grad(leaf(3).sum(), [ones(3)]))
row("MATERIALIZE_UNUSED", ValueError,
    lambda: grad(leaf(3).sum(), [leaf(3)], allow_unused=False, materialize_grads=True))  # fmt: skip
row("BAD_GRADIENT", RuntimeError, lambda: function(doubled, lambda c, g: ones(2)).apply(leaf(3)).sum().backward(),
    node="MineBackward", index=0, got=[2], expected=[3])  # fmt: skip

# ---- in-place writes ------------------------------------------------------------------------------------------------


def view_of_a_no_grad_view():
    base = made(3)
    with torch.no_grad():
        view = base[:2]
    view[:1].add_(1)


def no_grad_view():
    tensor = made(3)
    with torch.no_grad():
        view = tensor[0:1]
    view.mul_(2)


def inference_view():
    tensor = made(3)
    with torch.inference_mode():
        view = tensor[0:1]
    view.mul_(2)


def inference():
    with torch.inference_mode():
        return ones(3)


def partial_overlap():
    tensor = ones(4)
    tensor[1:].add_(tensor[:-1])


row("LEAF", RuntimeError, lambda: leaf(3).add_(1))
row("LEAF_VIEW", RuntimeError, lambda: leaf(3)[0:1].add_(1))
row("MULTI_VIEW", RuntimeError, lambda: made(3).split(1)[1].add_(1), number=1, node="Split", case="split")
row("MULTI_VIEW", RuntimeError, lambda: made(4).chunk(2)[0].add_(1), number=0, node="Split", case="chunk")
row("MULTI_VIEW", RuntimeError, lambda: made(3).unbind()[2].add_(1), number=2, node="Unbind", case="unbind")
row("NO_GRAD_VIEW", RuntimeError, no_grad_view)
row("INFERENCE_VIEW", RuntimeError, inference_view)
row("VIEW_OF_VIEW", RuntimeError, view_of_a_no_grad_view, number=0, node="Slice")
row("CUSTOM_VIEW", RuntimeError, lambda: function(lambda c, a: a.view_as(a), passed).apply(made(3)).add_(1),
    number=0, node="Mine")  # fmt: skip
row("INFERENCE_WRITE", RuntimeError, lambda: inference().add_(1))
row("OVERLAP", RuntimeError, lambda: expanded().add_(1))
row("OVERLAP", RuntimeError, lambda: torch.add(ones(3), 1, out=expanded()), case="out")
row("PARTIAL_OVERLAP", RuntimeError, partial_overlap)
row("INPLACE_SHAPE", RuntimeError, lambda: ones(3).add_(ones(2, 3)), output=[3], shape=[2, 3])
row("RESULT_TYPE", RuntimeError, lambda: integers(1).add_(1.5), result="Float", output="Long")
row("OUT_GRAD", RuntimeError, lambda: torch.add(leaf(3), 1, out=ones(3)), function="add")
row("OUT_RESIZED", UserWarning, lambda: torch.add(ones(3), 1, out=ones(2)), shape=[2], required=[3])
row("RESIZE_GRAD", RuntimeError, lambda: leaf(3).resize_(2))
row("INFERENCE_SAVED", RuntimeError, lambda: inference() * leaf(3))
row("INFERENCE_REQUIRES_GRAD", RuntimeError, lambda: inference().requires_grad_())
row("INFERENCE_VERSION", RuntimeError, lambda: inference()._version)

# ---- a tensor's autograd state, hooks -------------------------------------------------------------------------------


def unpacked():
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: 3, lambda value: 3):
        output = leaf(3) ** 3
    output.sum().backward()


def unpacked_positions():
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda value: value.float()):
        output = torch.nn.functional.adaptive_max_pool2d(leaf(1, 4, 4), 2)
    output.sum().backward()


def packed():
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.add_(1), lambda value: value):
        leaf(3).exp()


def hooks_twice():
    output = leaf(3) ** 2  # must live: PyTorch crashes where the node is gone
    saved = output.grad_fn._raw_saved_self
    saved.register_hooks(lambda value: value, lambda value: value)
    saved.register_hooks(lambda value: value, lambda value: value)


row("DETACH_VIEW", RuntimeError, lambda: ones(3)[0:1].detach_())
row("DEEPCOPY", RuntimeError, lambda: copy.deepcopy(made(3)))
row("NON_LEAF_FLAG", RuntimeError, lambda: made(3).requires_grad_(False))
row("INTEGER_FLAG", RuntimeError, lambda: assign(integers(1), "requires_grad", True))
row("INTEGER_REQUIRES_GRAD_", RuntimeError, lambda: integers(1).requires_grad_())
row("INTEGER_CREATION", RuntimeError, lambda: torch.tensor([1], requires_grad=True))
row("FLAG_BOOL", RuntimeError, lambda: assign(ones(3), "requires_grad", 1))
row("GRAD_ASSIGN_TYPE", TypeError, lambda: assign(leaf(3), "grad", "a"), type="str")
row("GRAD_ASSIGN_SHAPE", RuntimeError, lambda: assign(leaf(3), "grad", ones(2)), grad=[2], tensor=[3])
row("GRAD_ASSIGN_DTYPE", RuntimeError, lambda: assign(leaf(3), "grad", ones(3).double()),
    grad=errors.C_NAMES["float64"], tensor=errors.TYPE_NAMES["float32"])  # fmt: skip
row("GRAD_ASSIGN_SELF", RuntimeError, self_assigned)
row("GRAD_NON_LEAF", UserWarning, lambda: made(3).grad)
row("DATA_TYPE", TypeError, lambda: assign(leaf(3), "data", 3), type="int")
row("DATA_DTYPE", RuntimeError, lambda: assign(leaf(3), "data", integers(1)))
row("READ_ONLY", AttributeError, lambda: assign(ones(3), "shape", 3), name="shape")
row("VOLATILE", UserWarning, lambda: torch.autograd.Variable(ones(3), volatile=True))
row("VOLATILE_READ", UserWarning, lambda: ones(3).volatile)
row("HOOK_NO_GRAD", RuntimeError, lambda: ones(3).register_hook(print))
row("HOOK_POST_NON_LEAF", RuntimeError, lambda: made(3).register_post_accumulate_grad_hook(print))
row("RETAIN_NO_GRAD", RuntimeError, lambda: ones(3).retain_grad())
row("HOOK_RETURN", TypeError, lambda: hooked("a"), type="str")
row("HOOK_SIZE", RuntimeError, lambda: hooked(ones(2)), hook="<lambda>")
row("HOOK_TYPE", RuntimeError, lambda: hooked(ones(3).double()), hook="<lambda>",
    was="torch.FloatTensor", got="torch.DoubleTensor")  # fmt: skip
row("HOOK_RETURN_TUPLE", TypeError, lambda: node_hooked("a"), type="str")
row("HOOK_COUNT", RuntimeError, lambda: node_hooked((None,) * 3), hook="<lambda>", got=3, expected=2)
row("MULTI_HOOK", AssertionError,
    lambda: torch.autograd.graph.register_multi_grad_hook([leaf(1), ones(1)], print))  # fmt: skip
row("HOOK_FROM_NONE", RuntimeError, from_none)
row("UNPACK_TYPE", TypeError, unpacked, type="int")
row("UNPACKED_KIND", RuntimeError, unpacked_positions, got="Float")
row("PACK_WRITE", RuntimeError, packed)
row("HOOKS_TWICE", RuntimeError, hooks_twice)

# ---- custom Function ------------------------------------------------------------------------------------------------


def dirty(context, tensor):
    context.mark_dirty(tensor)
    return tensor.add_(1)


def dirty_lost(context, tensor):
    context.mark_dirty(tensor)
    return tensor * 1


def dirty_two(context, tensor):
    context.mark_dirty(tensor)
    return tensor.add_(1), tensor * 2


def calls(name, argument):
    """A forward that passes ``argument`` to a method of its context."""

    def forward(context, tensor):
        getattr(context, name)(argument)
        return tensor * 1

    return function(forward, passed)


def twice_once():
    tensor, factor = leaf(3), leaf(3)
    output = function(doubled, once_differentiable(passed)).apply(tensor) * factor
    (gradient,) = grad(output.sum(), tensor, create_graph=True)
    gradient.sum().backward()


def differentiated(backward, *inputs, forward=doubled):
    function(forward, backward).apply(*inputs).sum().backward()


def hooked_leaf():
    x = leaf(3)
    torch.autograd.graph.register_multi_grad_hook([x], lambda gradients: None)
    torch.autograd.grad((x * 2).sum(), [x])


def product(context, first, second):
    return first * second


row("FUNCTION_FORWARD", NotImplementedError, lambda: type("Mine", (Function,), {}).apply(leaf(3)))
row("FUNCTION_BACKWARD", NotImplementedError, lambda: differentiated(None, leaf(3)))
row("FUNCTION_JVP", NotImplementedError, lambda: function(doubled).jvp(None))
row("FUNCTION_COUNT", RuntimeError, lambda: differentiated(passed, leaf(3), leaf(3), forward=product),
    node="MineBackward", expected=2, got=1)  # fmt: skip
row("FUNCTION_RETURN", RuntimeError, lambda: differentiated(lambda c, g: "a", leaf(3)), type="str")
row("FUNCTION_NOT_NONE", RuntimeError, lambda: differentiated(lambda c, g: (g, g), leaf(3), 2, forward=product),
    node="MineBackward", position=2)  # fmt: skip
row("FUNCTION_SAVE", TypeError, lambda: calls("save_for_backward", 3).apply(leaf(3)), index=0, type="int")
row("LEAF_IN_GRAD", RuntimeError, hooked_leaf)
row("DIRTY_LEAF", RuntimeError, lambda: function(dirty, passed).apply(leaf(3)))
row("DIRTY_RETURNED", RuntimeError, lambda: function(dirty_lost, passed).apply(made(3)))
row("DIRTY_TYPE", RuntimeError, lambda: calls("mark_dirty", 3).apply(made(3)))
row("DIRTY_VIEW", RuntimeError, lambda: function(dirty_two, passed).apply(made(3)[0:1]))
row("NON_DIFFERENTIABLE_TYPE", RuntimeError, lambda: calls("mark_non_differentiable", 3).apply(made(3)))
row("MATERIALIZE_TYPE", TypeError, lambda: calls("set_materialize_grads", 3).apply(made(3)))
row("ONCE", RuntimeError, twice_once)
row("FUNCTION_LEGACY", RuntimeError, lambda: function(doubled)()(leaf(3)))
row("FUNCTION_INSTANCE", DeprecationWarning, lambda: function(doubled)(), type=f"<class '{function.__module__}.Mine'>")
