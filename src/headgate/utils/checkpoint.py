"""checkpoint: a part of a network whose saved values are computed again in backward instead of being kept.

By saved-tensor hooks (use_reentrant=False), or by a Function that runs the part again (True). The part sees the random
numbers, and the autocast, that it saw the first time. It knows no layer.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from headgate.autograd.backward import backward
from headgate.autograd.function import Function
from headgate.autograd.grad_mode import enable_grad, no_grad
from headgate.autograd.saving import saved_tensors_hooks
from headgate.core.function_modes import casting_as, casting_now
from headgate.core.modes import grad_enabled
from headgate.core.records import Tensor
from headgate.nn.modules.container import Sequential
from headgate.ops.random import get_rng_state, set_rng_state

EXPLICIT = (
    "torch.utils.checkpoint{name}: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
    "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you "
    "need to preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on "
    "the differences between the two variants."
)
FEWER = (
    "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
    "Number of tensors saved during forward: {first}\nNumber of tensors saved during recomputation: {again}."
)
MORE = (
    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original forward pass."
)
OTHER = (
    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the "
    "forward pass.\ntensor at position {place}:\nsaved metadata: {first}\nrecomputed metadata: {again}"
)
NO_OUTPUT = "none of output has requires_grad=True, this checkpoint() is not necessary"
NO_INPUT = "None of the inputs have requires_grad=True. Gradients will be None"
_settings: dict[str, Any] = {"debug": None, "early_stop": None}


class CheckpointError(RuntimeError):
    """A part that did not do the same again."""


class _Enough(Exception):
    """Ends the second run: all that is needed has been computed."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts without effect."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def _setting(name: str, value: Any) -> Iterator[None]:
    before = _settings[name]
    _settings[name] = value
    try:
        yield
    finally:
        _settings[name] = before


def set_checkpoint_early_stop(enable: bool) -> Any:
    """A context that says whether second runs end as soon as all saved values are there."""
    return _setting("early_stop", enable)


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """A context that says whether checkpoints are made with `debug`. Accepted: messages are the same."""
    return _setting("debug", enabled)


@contextlib.contextmanager
def _random_state(state: Any) -> Iterator[None]:
    """The random numbers of the first run; afterwards they go on where they were."""
    if state is None:
        yield
        return
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)


def _described(x: Any) -> dict[str, Any]:
    """What must be the same of a saved tensor."""
    return {"shape": x.shape, "dtype": x.dtype, "device": x.device}


class _Frame:
    """One checkpointed call: how to run it again, what its saved values were like, and those computed again."""

    def __init__(self, run_again: Callable[[], Any], early_stop: bool, check: bool) -> None:
        self.run_again, self.early_stop, self.check = run_again, early_stop, check
        self.descriptions: list[Any] = []
        self.places: list[weakref.ref[_Place]] = []
        self.values: dict[int, Any] | None = None

    def pack(self, x: Any) -> _Place:
        """Keep a place in line instead of a value."""
        place = _Place(self, len(self.places))
        self.places.append(weakref.ref(place))
        self.descriptions.append(_described(x) if self.check else None)
        return place

    def recompute(self) -> None:
        """Run the call again and take the values that somebody still waits for."""
        values: dict[int, Any] = {}
        count = 0

        def take(x: Any) -> Any:
            nonlocal count
            place, count = count, count + 1
            if place >= len(self.places):
                raise CheckpointError(MORE)
            if self.places[place]() is not None:
                values[place] = x.detach() if x.requires_grad else x
            if self.early_stop and count == len(self.places):
                self.match(values)
                raise _Enough
            return x

        with contextlib.suppress(_Enough), saved_tensors_hooks(take, lambda x: x), enable_grad():
            self.run_again()
        if count < len(self.places):
            raise CheckpointError(FEWER.format(first=len(self.places), again=count))
        self.match(values)
        self.values = values

    def match(self, values: dict[int, Any]) -> None:
        """CheckpointError if a value is not like the one of the first run."""
        for place, value in values.items():
            first = self.descriptions[place]
            if first is not None and first != _described(value):
                raise CheckpointError(OTHER.format(place=place, first=first, again=_described(value)))


class _Place:
    """Stands for a saved value until it is asked for."""

    __slots__ = ("__weakref__", "frame", "number")

    def __init__(self, frame: _Frame, number: int) -> None:
        self.frame, self.number = frame, number

    def value(self) -> Any:
        """The value, computed again with all others of its call when the first of them is asked for."""
        if self.frame.values is None:
            self.frame.recompute()
        assert self.frame.values is not None
        return self.frame.values[self.number]


class CheckpointFunction(Function):
    """A call without history whose backward runs it again with one."""

    @staticmethod
    def forward(ctx: Any, run_function: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        """The call's results, computed without recording."""
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random_state = get_rng_state() if preserve_rng_state else None
        ctx.casting = casting_now()
        ctx.inputs = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.places = [place for place, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.save_for_backward(*(args[place] for place in ctx.places))
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Run again and pull the gradients through."""
        inputs = list(ctx.inputs)
        for place, value in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = value
        detached = detach_variable(tuple(inputs))
        with _random_state(ctx.random_state), casting_as(ctx.casting), enable_grad():
            outputs = ctx.run_function(*detached)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [
            (output, grad) for output, grad in zip(outputs, grads) if isinstance(output, Tensor) and requires(output)
        ]
        if not pairs:
            raise RuntimeError(NO_OUTPUT)
        backward([output for output, _ in pairs], [grad for _, grad in pairs])
        return (None, None, *(value.grad if isinstance(value, Tensor) else None for value in detached))


def requires(x: Any) -> bool:
    """Whether a tensor requires a gradient."""
    return bool(x.requires_grad)


def detach_variable(inputs: Any) -> tuple[Any, ...]:
    """Leaves over the memory of tensors, in a tuple; other values as they are. RuntimeError for what is no tuple."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    kind: Any = Tensor
    return tuple(kind._make_subclass(Tensor, x, x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Any) -> None:
    """A UserWarning if no tensor among the inputs requires a gradient."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn(NO_INPUT, UserWarning, stacklevel=4)


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default",
    debug: bool = False, early_stop: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """`function(*args, **kwargs)`, whose saved values are computed again when backward needs them.

    use_reentrant=False: by hooks, everything else as without; True (the default, with a UserWarning): as one Function
    of the positional arguments, which gives gradients only if one of them requires them. preserve_rng_state (True): the
    second run draws the same random numbers. context_fn gives contexts for the two runs. determinism_check "default"
    compares shape and type of the values, "none" nothing; CheckpointError if the second run saves others.

    Values computed again are kept until the graph is freed, so a second backward through a kept graph does not run the
    function a third time, as PyTorch's does.
    """
    if use_reentrant is None:
        warnings.warn(EXPLICIT.format(name=""), UserWarning, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    if not grad_enabled():
        return function(*args, **kwargs)
    return _run_with_hooks(function, args, kwargs, preserve, context_fn(), determinism_check == "default", early_stop)


def _run_with_hooks(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], preserve: bool,
    contexts: tuple[Any, Any], check: bool, early_stop: bool,
) -> Any:  # fmt: skip
    state = get_rng_state() if preserve else None
    first, again = contexts
    casting = casting_now()

    def run_again() -> None:
        with _random_state(state), casting_as(casting), again:
            function(*args, **kwargs)

    stop = early_stop if _settings["early_stop"] is None else _settings["early_stop"]
    frame = _Frame(run_again, stop, check)
    with saved_tensors_hooks(frame.pack, _Place.value), first:
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A Sequential, or functions in a row, cut in `segments` of which all but the last are checkpointed."""
    if use_reentrant is None:
        warnings.warn(EXPLICIT.format(name=".checkpoint_sequential"), UserWarning, stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children() if isinstance(functions, Sequential) else functions)
    size = len(steps) // segments
    done = 0
    for start in range(0, size * (segments - 1), size):
        done = start + size
        part = _InARow(steps[start:done])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return _InARow(steps[done:])(input)


class _InARow:
    """Functions, each applied to what the one before gave."""

    def __init__(self, functions: list[Any]) -> None:
        self.functions = functions

    def __call__(self, x: Any) -> Any:
        for function in self.functions:
            x = function(x)
        return x
