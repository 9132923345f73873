"""torch.testing beside PyTorch: what is close, and the text where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

NAN = float("nan")
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "apart": lambda t, c: c(t.tensor([1.0, 2.0]), t.tensor([1.0, 2.1])),
    "two dims": lambda t, c: c(
        t.tensor([[1.0, 2.0], [3.0, 4.0]]), t.tensor([[1.0, 2.0], [3.0, 5.0]]), rtol=0, atol=0.5),
    "no dims": lambda t, c: c(t.tensor(1.0), t.tensor(1.1)),
    "numbers": lambda t, c: c(1.0, 1.1),
    "close numbers": lambda t, c: c(1.0, 1.0 + 1e-8),
    "whole numbers": lambda t, c: c(1, 2),
    "kinds of numbers": lambda t, c: c(1, 1.0),
    "by zero": lambda t, c: c(1.0, 0.0),
    "bools": lambda t, c: c(True, False),
    "lists": lambda t, c: c([1.0, 2], [1.0, 3]),
    "lengths": lambda t, c: c([1], [1, 2]),
    "deep": lambda t, c: c({"a": [t.ones(2), 1.0]}, {"a": [t.ones(2), 2.0]}),
    "keys": lambda t, c: c({"a": 1, "c": 2}, {"b": 1}),
    "same keys": lambda t, c: c({"b": t.ones(2), "a": 1}, {"a": 1, "b": t.ones(2)}),
    "shapes": lambda t, c: c(t.ones(2), t.ones(3)),
    "types": lambda t, c: c(t.ones(2), t.ones(2).double()),
    "types let be": lambda t, c: c(t.ones(2), t.ones(2).double(), check_dtype=False),
    "strides": lambda t, c: c(t.ones(2, 3).t(), t.ones(3, 2), check_stride=True),
    "strides let be": lambda t, c: c(t.ones(2, 3).t(), t.ones(3, 2)),
    "integers": lambda t, c: c(t.tensor([1, 2, 5]), t.tensor([1, 3, 9])),
    "truths": lambda t, c: c(t.tensor([True, False]), t.tensor([True, True])),
    "one tolerance": lambda t, c: c(t.ones(1), t.ones(1), rtol=0.1),
    "the other": lambda t, c: c(t.ones(1), t.ones(1), atol=0.1),
    "nan": lambda t, c: c(t.tensor([NAN, 1.0]), t.tensor([NAN, 1.0])),
    "equal nan": lambda t, c: c(t.tensor([NAN, 1.0]), t.tensor([NAN, 1.0]), equal_nan=True),
    "nan numbers": lambda t, c: c(NAN, NAN),
    "a text": lambda t, c: c(t.zeros(1), t.ones(1), msg="bad"),
    "a text made": lambda t, c: c(t.zeros(1), t.ones(1), msg=lambda text: "so: " + text),
    "strings": lambda t, c: c("a", "a"),
    "an array": lambda t, c: c(np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    "nothing": lambda t, c: c(None, None),
    "something": lambda t, c: c(None, 1.0),
    "halves": lambda t, c: c(t.tensor([1.0]).half(), t.tensor([1.001]).half()),
    "doubles": lambda t, c: c(t.tensor([1.0]).double(), t.tensor([1.000001]).double()),
    "empty": lambda t, c: c(t.ones(0), t.ones(0)),
    "with gradients": lambda t, c: c(t.ones(1).requires_grad_(), t.ones(1)),
    "infinite": lambda t, c: c(t.tensor([float("inf")]), t.tensor([1.0])),
}


def outcome(t: Any, name: str) -> Any:
    try:
        return CALLS[name](t, t.testing.assert_close)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", CALLS)
def test_beside_pytorch(name: str) -> None:
    assert outcome(headgate, name) == outcome(torch, name)


def test_tensor_and_list_cannot_be_compared() -> None:
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        headgate.testing.assert_close(headgate.ones(1), [1.0])


def test_the_old_form() -> None:
    with pytest.warns(FutureWarning, match="assert_allclose"):
        headgate.testing.assert_allclose(headgate.ones(2), headgate.ones(2).double())
    with pytest.warns(FutureWarning, match="assert_allclose"), pytest.raises(AssertionError, match="not close"):
        headgate.testing.assert_allclose(headgate.ones(2), headgate.zeros(2))


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_made_tensors(kind: str) -> None:
    dtype = getattr(headgate, kind)
    x = headgate.testing.make_tensor((20, 30), dtype=dtype, device="cpu", noncontiguous=True, exclude_zero=True)
    assert x.shape == (20, 30) and x.dtype is dtype and not x.is_contiguous() and bool((x != 0).all())
    if kind != "bool":
        assert x.double().max() < 10 and x.double().min() >= -9 and len(x.unique()) > 5
        assert headgate.testing.make_tensor(5, dtype=dtype, low=2, high=4).min() >= 2
    if x.is_floating_point():
        assert headgate.testing.make_tensor(2, 3, dtype=dtype, requires_grad=True).requires_grad
    else:
        with pytest.raises(ValueError, match="not supported"):
            headgate.testing.make_tensor(2, dtype=dtype, requires_grad=True)
    with pytest.raises(ValueError, match="must be less"):
        headgate.testing.make_tensor(2, dtype=dtype, low=3, high=3)
