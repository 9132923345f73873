"""What the table cannot say of the elementwise families: operators, numbers as operands, ties, writes in place."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
import torch

import headgate


def pair(values: Any, dtype: str = "float64", grad: bool = True) -> tuple[Any, Any]:
    """The same tensor in both libraries."""
    array = np.array(values, dtype)
    mine, theirs = headgate.from_numpy(array.copy()), torch.from_numpy(array.copy())
    if grad:
        mine.requires_grad_(True)
        theirs.requires_grad_(True)
    return mine, theirs


@pytest.mark.parametrize("call", [
    lambda x: x + 1, lambda x: 1 + x, lambda x: x - 1, lambda x: 1 - x, lambda x: x * 2, lambda x: x / 2,
    lambda x: 2 / x, lambda x: x % 2, lambda x: x**2, lambda x: x**2.5, lambda x: 2**x, lambda x: x**x,
    lambda x: -x, abs, lambda x: x // 2,
])  # fmt: skip
def test_operators_are_named_as_pytorchs(call: Any) -> None:
    mine, theirs = pair([0.5, 1.5, 2.5])
    y, z = call(mine), call(theirs)
    assert y.grad_fn.name() == z.grad_fn.name()
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-14)


@pytest.mark.parametrize("other", [None, "a", [1.0], (1,), object(), {}])
def test_foreign_operands(other: Any) -> None:
    x = headgate.ones(2)
    assert (x == other) is False
    assert (x != other) is True
    for call in (operator.add, operator.sub, operator.mul, operator.truediv, operator.lt, operator.ge):
        with pytest.raises(TypeError):
            call(x, other)
        with pytest.raises(TypeError):
            call(other, x)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_ties_and_nan(name: str) -> None:
    left, right = [1.0, 2.0, 3.0, float("nan"), 1.0], [1.0, 3.0, 2.0, 1.0, float("nan")]
    x, a = pair(left)
    y, b = pair(right)
    g = headgate.autograd.grad(getattr(headgate, name)(x, y).sum(), [x, y])
    h = torch.autograd.grad(getattr(torch, name)(a, b).sum(), [a, b])
    for mine, theirs in zip(g, h):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["add_", "sub_"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_scaled_in_place(name: str, dtype: str) -> None:
    x, a = pair([1, 2, 3], dtype, grad=False)
    y, b = pair([3, 1, 2], dtype, grad=False)
    before = x._version
    assert getattr(x, name)(y, alpha=3) is x
    getattr(a, name)(b, alpha=3)
    np.testing.assert_array_equal(x.numpy(), a.numpy())
    assert x._version == before + 1
    getattr(x, name)(x, alpha=2)
    getattr(a, name)(a, alpha=2)
    np.testing.assert_array_equal(x.numpy(), a.numpy())


@pytest.mark.parametrize("name", ["addcmul_", "addcdiv_"])
def test_three_tensors_in_place(name: str) -> None:
    x, a = pair([1.0, 2.0, 3.0], "float32", grad=False)
    y, b = pair([3.0, 1.0, 2.0], "float32", grad=False)
    before = x._version
    assert getattr(x, name)(y, y, value=0.5) is x
    getattr(a, name)(b, b, value=0.5)
    np.testing.assert_allclose(x.numpy(), a.numpy(), rtol=1e-6)
    assert x._version == before + 1
    leaf = headgate.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError):
        getattr(leaf, name)(y, y)


def test_in_place_comparison_stops_the_gradient() -> None:
    x, a = pair([1.0, 2.0])
    y, b = x * 1, a * 1
    y.gt_(1.5)
    b.gt_(1.5)
    (g,) = headgate.autograd.grad((y * 3).sum(), x)
    (h,) = torch.autograd.grad((b * 3).sum(), a)
    np.testing.assert_array_equal(g.numpy(), h.numpy())


@pytest.mark.parametrize(("x", "power"), [(0.0, 0), (0.0, 1), (0.0, 2), (0.0, 0.5), (0.0, -1), (-2.0, 3), (-2.0, 0.5)])
def test_power_at_its_edges(x: float, power: float) -> None:
    mine, theirs = pair(x)
    np.testing.assert_array_equal(
        headgate.autograd.grad(mine**power, mine)[0].numpy(), torch.autograd.grad(theirs**power, theirs)[0].numpy())
    base, exponent = pair([x, x]), pair([power, power])
    g = headgate.autograd.grad((base[0] ** exponent[0]).sum(), [base[0], exponent[0]])
    h = torch.autograd.grad((base[1] ** exponent[1]).sum(), [base[1], exponent[1]])
    for one, other in zip(g, h):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize(("call", "error"), [
    (lambda t: t.tensor([True]) - t.tensor([True]), RuntimeError), (lambda t: t.tensor([1.0]) - True, RuntimeError),
    (lambda t: -t.tensor([True]), RuntimeError), (lambda t: t.tensor([1]) // 0, RuntimeError),
    (lambda t: t.tensor([1]) ** -1, RuntimeError), (lambda t: ~t.tensor([1.0]), TypeError),
    (lambda t: t.tensor([1.0]) & 1, NotImplementedError), (lambda t: t.maximum(t.ones(1), 2.0), TypeError),
    (lambda t: t.clamp(t.ones(1)), RuntimeError), (lambda t: t.add(t.tensor([1]), 1, alpha=0.5), RuntimeError),
    (lambda t: t.nn.functional.gelu(t.tensor([1])), NotImplementedError),
    (lambda t: t.tensor([1]).add_(0.5), RuntimeError), (lambda t: t.sin([1.0]), TypeError),
])  # fmt: skip
def test_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as mine:
        call(headgate)
    with pytest.raises(error) as theirs:
        call(torch)
    assert type(mine.value) is type(theirs.value)
    assert str(mine.value)[:20] == str(theirs.value)[:20]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_a_number_is_compared_in_the_type_of_the_tensor(name: str, dtype: str) -> None:
    for number in (0.3, 0.1, 1 / 3, 65504.5, 1e5, 2.0001, 2049, -1e9, float("nan")):
        found = []
        for t in (headgate, torch):
            x = t.tensor([0.3, 0.1, 1 / 3, 65504.0, 1e5, 2.0, 2048.0, -1e9]).to(getattr(t, dtype))
            found.append([getattr(x, name)(number).tolist(), getattr(operator, name)(x, number).tolist()])
        assert found[0] == found[1], number


def test_addcmul_and_addcdiv_take_a_tensor_as_value() -> None:
    for dtype in ("float32", "bfloat16"):
        found = []
        for t in (headgate, torch):
            x = t.tensor([1.0, 2.0], dtype=getattr(t, dtype))
            value = t.tensor(0.5, dtype=getattr(t, dtype))
            found.append([x.addcmul(x, x, value=value).tolist(), x.clone().addcdiv_(x, x + 1, value=value).tolist()])
        np.testing.assert_allclose(found[0], found[1], rtol=1e-2 if dtype == "bfloat16" else 1e-6)


TAKE_NUMBERS: dict[str, Any] = {
    "add": lambda t, x, v: x.add(x, alpha=v), "add_": lambda t, x, v: x.add_(x, alpha=v),
    "sub": lambda t, x, v: t.sub(x, x, alpha=v), "addcdiv": lambda t, x, v: x.addcdiv(x, x, value=v),
    "addcmul_": lambda t, x, v: x.addcmul_(x, x, value=v), "full": lambda t, x, v: t.full((2,), v),
    "full_like": lambda t, x, v: t.full_like(x, v), "new_full": lambda t, x, v: x.new_full((2,), v),
    "arange": lambda t, x, v: t.arange(v),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKE_NUMBERS)
def test_a_tensor_in_the_place_of_a_number(name: str) -> None:
    """One without dimensions is taken; one that would get no gradient is refused, not taken silently."""
    for make in (lambda t: t.tensor(2.5), lambda t: t.tensor(3), lambda t: t.tensor([2.5]),
                 lambda t: t.tensor(2.5, requires_grad=True), lambda t: "x"):
        found = []
        for t in (headgate, torch):
            try:
                found.append(TAKE_NUMBERS[name](t, t.ones(2), make(t)).tolist())
            except Exception as error:
                found.append(type(error).__name__)
        assert found[0] == found[1], make(torch)
