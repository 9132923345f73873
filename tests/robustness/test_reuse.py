"""What is used again or found by the collector: small arrays, cycles through tensors and nodes, passes that an error
ended. Each test looks at what a user can see of it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headgate

SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 3), (3, 2), (1, 6), (2, 3, 4), (600,)]


class Marker:
    """Something whose end can be seen."""


def filled(shape: tuple[int, ...], value: float) -> Any:
    return headgate.zeros(shape) + value


@pytest.mark.parametrize("shape", SHAPES)
def test_an_array_that_is_held_is_not_used_again(shape: tuple[int, ...]) -> None:
    kept = [filled(shape, k).numpy() for k in range(40)]
    views = [memoryview(filled(shape, k).numpy()) for k in range(40)]
    for k in range(100):
        filled(shape, 1000 + k)
    assert [float(a.reshape(-1)[0]) for a in kept] == [float(k) for k in range(40)]
    assert [np.asarray(v).reshape(-1)[0] for v in views] == [float(k) for k in range(40)]


@pytest.mark.parametrize("first", SHAPES)
@pytest.mark.parametrize("second", SHAPES)
def test_an_array_used_again_has_the_new_shape(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    for k in range(30):
        filled(first, k)
    found = filled(second, 5.0).numpy()
    expected = np.full(second, 5.0, np.float32)
    assert found.shape == second and found.strides == expected.strides and (found == expected).all()
    assert found.flags.c_contiguous == expected.flags.c_contiguous
    assert found.flags.f_contiguous == expected.flags.f_contiguous and found.flags.writeable


def test_an_array_that_the_user_changed_is_not_used_again() -> None:
    for _ in range(30):
        x = filled((2, 3), 1.0)
        a = np.asarray(x)
        base = a if a.base is None else a.base
        if isinstance(base, np.ndarray):
            base.flags.writeable = False
        del x, a, base
    assert filled((2, 3), 2.0).mul_(2).tolist() == [[4.0] * 3] * 2


def through_attribute(x: Any, marker: Marker) -> None:
    x.me, x.marker = x, marker


def through_view(x: Any, marker: Marker) -> None:
    x.row, x.marker = x[0], marker


def through_two(x: Any, marker: Marker) -> None:
    y = headgate.zeros(3)
    x.other, y.other, y.marker = y, x, marker


def through_hook(x: Any, marker: Marker) -> None:
    x.requires_grad_()
    x.register_hook(lambda g, held=(x, marker): None)


def through_node(x: Any, marker: Marker) -> None:
    y = x.requires_grad_() * 2
    y.register_hook(lambda g, held=(y, marker): None)


def through_gradient(x: Any, marker: Marker) -> None:
    y = headgate.zeros(x.shape)
    x.grad, y.grad = y, x
    y.marker = marker


def through_context(x: Any, marker: Marker) -> None:
    class Double(headgate.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.held = [marker]
            ctx.held.append(x * 2)
            return ctx.held[-1]

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    Double.apply(x.requires_grad_())


CYCLES = [through_attribute, through_view, through_two, through_hook, through_node, through_gradient, through_context]


@pytest.mark.parametrize("close", CYCLES, ids=lambda one: one.__name__)
def test_the_collector_finds_cycles(close: Callable[[Any, Marker], None]) -> None:
    x, marker = headgate.zeros(2, 3), Marker()
    close(x, marker)
    gone = weakref.ref(marker)
    del x, marker
    gc.collect()
    assert gone() is None


def test_a_pass_that_an_error_ended_leaves_no_gradient_behind() -> None:
    x = headgate.ones(3, requires_grad=True)
    y = x * 2
    z = (y * 3 + y.exp()).sum()
    refused = y.register_hook(lambda g: (_ for _ in ()).throw(ValueError("no")))
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            z.backward(retain_graph=True)
    assert x.grad is None
    refused.remove()
    z.backward()
    expected = 2 * (3 + np.exp(2.0))
    assert np.allclose(x.grad.numpy(), expected)


def test_plain_calls_ask_a_subclass() -> None:
    asked: list[str] = []

    class Asked(headgate.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            asked.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    x = headgate.ones(3).as_subclass(Asked)
    x.exp()
    x.sum()
    x.mul_(2)
    x.detach()
    assert asked == ["exp", "sum", "mul_", "detach"]


@pytest.mark.parametrize("call", [lambda: headgate.exp(3), lambda: headgate.sum([1.0]), lambda: headgate.add(1, 2),
                                  lambda: headgate.ones(2).mul_("a"), lambda: headgate.detach(1)])
def test_plain_calls_with_no_tensor_are_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()
