"""Indexing beside PyTorch: random indices read and assigned, with gradients, node names and errors; and what is shared.

The table test covers the functions one by one; here are brackets, whose arguments a table cannot hold.
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import headgate

torch = pytest.importorskip("torch")

FIXED = [
    "0", "-1", "5", "True", "False", "None", "...", ":", "0:1", "5:7", "::-1", "::0", "()", "0, ...", "..., 0", ":, 1",
    "None, 0", "0, None", "[0, 1]", "[[0, 1], [1, 0]]", "[True, False]", "[True, False, True]", "np.int64(1)",
    "np.array([0, 1])", "np.array([True, False])", "T.tensor(1)", "T.tensor(True)", "T.tensor([1.0, 0.0])", "range(2)",
    "[0], :, [1]", "0, :, [1]", ":, [0, 1]", "x > 3", ":, x[0] > 3", "x[0] > 3", "0, 0, 0, 0", "[]", "[5]", "[-3]",
    "[0, 1], [0, 1, 2]", "0.5", "'a'", "{}", "10**30", "None, None, ..., None", "..., ..., 0", "..., ..., None, None",
    "T.tensor(1):", "x[:, :, 0] > 3, 0", "[0.5]", "np.array([0.5])", "object()",
]  # fmt: skip


def leaf(lib: ModuleType, shape: tuple[int, ...]) -> Any:
    """The numbers from 0 on in some shape, as a leaf that wants a gradient."""
    return lib.tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)


def outcome(lib: ModuleType, code: str, shape: tuple[int, ...], assigned: bool) -> Any:
    """Values, node name and gradients of an index, or the error's class and opening words."""
    x = leaf(lib, shape)
    names = {"T": lib, "np": np, "x": x, "y": x * 1}
    try:
        if assigned:
            exec(f"y[{code}] = 2.5", names)
            y = names["y"]
        else:
            y = eval(f"x[{code}]", names)
    except Exception as error:
        return type(error), str(error)[:25]
    (y * y).sum().backward()
    name = y.grad_fn.name().removeprefix("torch::autograd::")
    return y.detach().tolist(), tuple(y.shape), name, x.grad.tolist()


@pytest.mark.parametrize("assigned", [False, True], ids=["read", "assigned"])
@pytest.mark.parametrize("code", FIXED)
def test_index_as_pytorch(code: str, assigned: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert outcome(headgate, code, (2, 3, 4), assigned) == outcome(torch, code, (2, 3, 4), assigned)


def random_part(rng: np.random.Generator, size: int) -> str:
    """The text of a random part of an index for a dim of some length."""
    kind = rng.integers(0, 8)
    if kind == 0:
        return str(rng.integers(-size, size))
    if kind < 3:
        ends = [rng.choice(["", str(rng.integers(-size - 1, size + 2))]) for _ in range(2)]
        return f"{ends[0]}:{ends[1]}{rng.choice(['', ':2', ':3'])}"
    if kind == 3:
        return "None"
    if kind == 4:
        return "..."
    if kind == 5:
        return f"T.tensor(np.array({(rng.random(size) < 0.5).tolist()}, bool))"
    return f"[{', '.join(str(rng.integers(-size, size)) for _ in range(2))}]"


@pytest.mark.parametrize("seed", range(150))
def test_random_index_as_pytorch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(length) for length in rng.integers(1, 5, rng.integers(1, 4)))
    code = ", ".join(random_part(rng, shape[min(k, len(shape) - 1)]) for k in range(rng.integers(1, len(shape) + 1)))
    assigned = bool(rng.integers(0, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert outcome(headgate, code, shape, assigned) == outcome(torch, code, shape, assigned), (code, shape)


@pytest.mark.parametrize(("code", "shared"), [("1", True), ("1:, 2", True), ("None", True), ("[1]", False)])
def test_basic_indices_share_memory(code: str, shared: bool) -> None:
    x = headgate.tensor(np.zeros((3, 4)))
    part = eval(f"x[{code}]", {"x": x})
    x.fill_(1.0)
    assert bool((part.detach().numpy() == 1).all()) is shared


def test_a_failed_assignment_changes_nothing() -> None:
    x = headgate.tensor([1.0, 2.0, 3.0])
    before = x._version
    for index, value in ((5, 1.0), ([0, 7], 1.0), (slice(0, 2), headgate.tensor([1.0, 2.0, 3.0])), (0, "a")):
        with pytest.raises((IndexError, RuntimeError, TypeError)):
            x[index] = value
    assert x.tolist() == [1.0, 2.0, 3.0]
    assert x._version == before
