"""no_grad, enable_grad, set_grad_enabled, inference_mode, allow_stale: each a context manager and a decorator.

The state they switch belongs to the thread and lives in `headgate.core.modes`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from headgate.core import modes


class Mode:
    """A context manager that is a decorator too: of functions, generators (per step) and classes' methods."""

    def clone(self) -> Mode:
        """A fresh one for each call of a decorated function."""
        return type(self)()

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs, and not between its steps."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self.clone():
                        value = step()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:
                    step = functools.partial(generator.throw, error)
                else:
                    step = functools.partial(generator.send, sent)

        return wrapped


class _Bare(Mode):
    """A mode without arguments may decorate without parentheses."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        if function is None:
            return super().__new__(cls)
        return cls()(function)


class no_grad(_Bare):
    """Within it, results have requires_grad False and no history. Of this thread only."""

    def __enter__(self) -> None:
        self.before = modes.grad_enabled()
        modes.set_grad(False)

    def __exit__(self, *_: object) -> None:
        modes.set_grad(self.before)


class enable_grad(_Bare):
    """Within it, operations are recorded, also inside no_grad. Of this thread only."""

    def __enter__(self) -> None:
        self.before = modes.grad_enabled()
        modes.set_grad(not modes.inference_enabled())

    def __exit__(self, *_: object) -> None:
        modes.set_grad(self.before)


class set_grad_enabled(Mode):
    """Switch recording on or off, at once; as a context manager it is restored."""

    def __init__(self, mode: bool) -> None:
        self.before = modes.grad_enabled()
        self.mode = mode
        modes.set_grad(mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        modes.set_grad(self.before)
        return super().__call__(function)

    def clone(self) -> Mode:
        return set_grad_enabled(self.mode)

    def __enter__(self) -> None:
        modes.set_grad(self.mode)

    def __exit__(self, *_: object) -> None:
        modes.set_grad(self.before)


class inference_mode(Mode):
    """Like no_grad, and new tensors are marked: they can never take part in a gradient. Of this thread only."""

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return cls()(mode)
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def clone(self) -> Mode:
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        self.before = modes.grad_enabled(), modes.inference_enabled()
        modes.set_inference(self.mode)
        modes.set_grad(not self.mode)

    def __exit__(self, *_: object) -> None:
        modes.set_grad(self.before[0])
        modes.set_inference(self.before[1])


class allow_stale(_Bare):
    """Writes made within it are meant: the guards do not report them (a straight-through estimator's copy).

    PyTorch has no such guard and needs no such permission.
    """

    def __enter__(self) -> None:
        self.before = modes.stale_allowed()
        modes.set_stale_allowed(True)

    def __exit__(self, *_: object) -> None:
        modes.set_stale_allowed(self.before)


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    return modes.grad_enabled()


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return modes.inference_enabled()
