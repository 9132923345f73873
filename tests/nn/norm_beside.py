"""What the tests of normalisation, dropout, embedding, resampling and losses share: the same call on both libraries.

Arrays are made once from a seeded generator; values, gradients and second gradients are compared, errors by class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import headgate

TOLERANCE = {"float64": (1e-8, 1e-9), "float32": (2e-4, 2e-5), "float16": (2e-2, 2e-2)}


def arrays(*shapes: tuple[int, ...], dtype: str = "float64", seed: int = 0, positive: bool = False) -> list[Any]:
    """Random arrays of those shapes; in [0.5, 2) if `positive`."""
    random = np.random.default_rng(seed)
    if positive:
        return [np.asarray(random.uniform(0.5, 2, shape)).astype(dtype) for shape in shapes]
    return [np.asarray(random.normal(size=shape)).astype(dtype) for shape in shapes]


def leaves(library: Any, items: Any) -> list[Any]:
    """Tensors of a library from arrays, each with memory of its own; floats require grad. Other items stay."""
    found: list[Any] = []
    for item in items:
        if isinstance(item, np.ndarray):
            tensor = library.from_numpy(item.copy())
            found.append(tensor.requires_grad_() if item.dtype.kind == "f" else tensor)
        else:
            found.append(item)
    return found


def array(x: Any) -> np.ndarray[Any, Any]:
    """A tensor of either library as an array."""
    return np.asarray(x.detach().numpy(force=True))


def close(mine: Any, theirs: Any, what: str, loose: float = 0.0) -> None:
    """Shape, type and values alike."""
    assert tuple(mine.shape) == tuple(theirs.shape), what
    assert str(mine.dtype) == str(theirs.dtype), what
    relative, absolute = (max(one, loose) for one in TOLERANCE.get(mine.dtype.name, (0, 0)))
    scale = max(1.0, float(np.nan_to_num(np.abs(array(theirs).astype(float)), posinf=0).max(initial=0)))
    np.testing.assert_allclose(array(mine), array(theirs), rtol=relative, atol=absolute * scale, err_msg=what)


def weights(results: list[Any], library: Any, seed: int) -> list[Any]:
    """A random direction for every result."""
    random = np.random.default_rng(seed)
    return [library.from_numpy(random.normal(size=tuple(y.shape)).astype(str(y.dtype).removeprefix("torch.")))
            for y in results]


def gradients(library: Any, function: Callable[..., Any], items: Any, second: bool) -> list[Any]:
    """[results, first gradients, second gradients] of a call with a library's tensors."""
    tensors = leaves(library, items)
    wanted = [x for x in tensors if isinstance(x, library.Tensor) and x.requires_grad]
    result = function(library, *tensors)
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    tracked = [y for y in results if y.requires_grad]
    if not tracked:
        return [results, [], []]
    seeds = [w.requires_grad_(second) for w in weights(tracked, library, 1)]
    first = library.autograd.grad(tracked, wanted, seeds, create_graph=second, allow_unused=True)
    again = [g for g in first if g is not None and g.requires_grad] if second else []
    if not again:
        return [results, first, []]
    following = library.autograd.grad(again, [*wanted, *seeds], weights(again, library, 2), allow_unused=True)
    shaped = [*wanted, *seeds]
    zeros = [library.zeros_like(x) if g is None else g for g, x in zip(following, shaped)]
    return [results, first, zeros]


def compare(function: Callable[..., Any], *items: Any, second: bool = True, what: str = "", loose: float = 0.0) -> None:
    """`function(library, *tensors)` gives the same values, gradients and second gradients on both."""
    mine = gradients(headgate, function, items, second)
    theirs = gradients(torch, function, items, second)
    for order, (ours, others) in enumerate(zip(mine, theirs)):
        assert len(ours) == len(others), f"{what}: order {order}"
        for k, (x, y) in enumerate(zip(ours, others)):
            label = f"{what} order {order} [{k}]"
            assert (x is None) == (y is None), label
            if x is not None:
                close(x, y, label, loose)


def same_error(function: Callable[..., Any], *items: Any, words: int = 3) -> None:
    """Both libraries refuse a call with the same class and the same first words."""
    try:
        function(torch, *leaves(torch, items))
    except Exception as error:
        theirs = error
    else:
        raise AssertionError("PyTorch gives a value")
    try:
        function(headgate, *leaves(headgate, items))
    except Exception as error:
        assert type(error) is type(theirs), f"{error!r}, PyTorch {theirs!r}"
        assert str(error).split()[:words] == str(theirs).split()[:words], f"{error!r}, PyTorch {theirs!r}"
    else:
        raise AssertionError(f"no error, PyTorch {theirs!r}")
