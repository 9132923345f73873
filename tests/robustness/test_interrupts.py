"""An exception in the middle of a pass, or of a write, leaves modes, counters, values and graphs as they should be.

The same programs run on PyTorch and on Headgate where PyTorch defines the outcome. Public names only.
"""

from __future__ import annotations

import importlib
import signal
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module", params=["headgate", "torch"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def interrupting(library: Any, kind: type[BaseException]) -> Any:
    """A Function that doubles, whose backward raises while `armed`."""

    class Double(library.autograd.Function):  # type: ignore[misc]
        armed = True

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (x,) = ctx.saved_tensors
            if Double.armed:
                with library.no_grad():
                    raise kind("stop")
            return gradient * 2 + 0 * x

    return Double


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError, SystemExit, MemoryError])
@pytest.mark.parametrize("create_graph", [False, True])
def test_interrupt_in_a_hook(library: Any, kind: type[BaseException], create_graph: bool) -> None:
    x, w = library.ones(3, requires_grad=True), library.full((3,), 2.0, requires_grad=True)
    y = x.exp()
    z = (y * w).sum()

    def hook(gradient: Any) -> None:
        raise kind("stop")

    handle = y.register_hook(hook)
    for _ in range(3):
        with pytest.raises(kind, match="stop"):
            z.backward(retain_graph=True, create_graph=create_graph)
        assert library.is_grad_enabled() and not library.is_inference_mode_enabled()
    assert x.grad is None
    assert (x._version, y._version, w._version) == (0, 0, 0)
    handle.remove()
    (gradient,) = library.autograd.grad(z, x)
    assert gradient.tolist() == (y * 2).tolist()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_interrupt_in_a_custom_backward(library: Any, kind: type[BaseException]) -> None:
    double = interrupting(library, kind)
    x = library.ones(3, requires_grad=True)
    y = x * 3
    z = (double.apply(y) * x).sum()
    for _ in range(3):
        with pytest.raises(kind, match="stop"):
            z.backward(retain_graph=True)
        assert library.is_grad_enabled()
    x.grad = None
    double.armed = False
    z.backward()
    assert x.grad.tolist() == [12.0, 12.0, 12.0]
    assert (x._version, y._version) == (0, 0)
    assert (x * 2).requires_grad


def test_interrupt_in_a_leaf_hook_and_in_a_post_accumulate_hook(library: Any) -> None:
    x = library.ones(2, requires_grad=True)

    def stop(value: Any) -> None:
        raise KeyboardInterrupt

    handle = x.register_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        (x * 2).sum().backward()
    assert x.grad is None
    handle.remove()
    handle = x.register_post_accumulate_grad_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        (x * 2).sum().backward()
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_interrupt_inside_modes(library: Any) -> None:
    for mode, expected in ((library.no_grad, False), (library.enable_grad, True), (library.inference_mode, False)):
        with pytest.raises(KeyboardInterrupt), mode():
            assert library.is_grad_enabled() is expected
            raise KeyboardInterrupt
        assert library.is_grad_enabled() and not library.is_inference_mode_enabled()

    @library.no_grad()
    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert library.is_grad_enabled()


def test_a_signal_in_the_middle_of_a_pass(library: Any) -> None:
    """A timer interrupts passes at many points; whenever it strikes, what follows must be sound."""
    x = library.ones(3, requires_grad=True)

    def strike(*arguments: Any) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, strike)
    struck = 0
    try:
        for turn in range(30):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0004 * (turn + 1))
                y = x
                for _ in range(3000):
                    y = y * 1.0001 + 0.0
                y.sum().backward()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                struck += 1
            assert library.is_grad_enabled()
            assert x._version == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert struck > 0
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


FAILING_WRITES = {
    "shape": "y.add_(torch.ones(4))",
    "growing shape": "y.mul_(torch.ones(2, 3))",
    "object": "y.sub_('x')",
    "none": "y.copy_(None)",
    "setitem shape": "y.__setitem__(slice(0, 2), torch.ones(3))",
    "setitem index": "y.__setitem__(7, 1.0)",
    "index out of range": "y.index_add_(0, torch.tensor([0, 9]), torch.ones(2))",
    "mask shape": "y.masked_fill_(torch.tensor([True, False]), 1.0)",
    "scatter index": "y.scatter_(0, torch.tensor([0, 5]), 1.0)",
    "dim": "y.cumsum_(3)",
    "out": "torch.add(x, 1, out=y)",
    "fill": "y.fill_(torch.ones(2))",
    "cut view": "y[0:1].detach_()",
    "multi-output view": "y.split(1)[0].mul_(2)",
    "resize": "y.resize_(9)",
}


@pytest.mark.parametrize("write", FAILING_WRITES.values(), ids=FAILING_WRITES.keys())
def test_a_failed_write_changes_nothing(library: Any, write: str) -> None:
    x = library.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    view, alias, saved = y[1:], y.detach(), y * y
    node = y.grad_fn.name()
    with pytest.raises((RuntimeError, TypeError, IndexError, ValueError)):
        eval(write, {"torch": library, "x": x, "y": y})
    if library.__name__ == "headgate":  # PyTorch bumps the version, and writes a part, before some of these fail
        assert y.tolist() == [2.0, 4.0, 6.0] and view.tolist() == [4.0, 6.0]
        assert (y._version, view._version, alias._version) == (0, 0, 0)
        (saved.sum() + y.sum() + view.sum()).backward()
        assert x.grad.tolist() == [10.0, 20.0, 28.0]
    assert y.grad_fn.name() == node and view.requires_grad and not alias.requires_grad
