"""What leaves for NumPy and other libraries where gradients are not recorded, and fill_diagonal_, beside PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, outcome, same

import headgate

WAYS = {
    "numpy": lambda library, x: x.numpy(),
    "asarray": lambda library, x: np.asarray(x),
    "array": lambda library, x: np.array(x * 2),
    "a row": lambda library, x: np.asarray(x[0]),
    "to_dlpack": lambda library, x: np.asarray(library.utils.dlpack.from_dlpack(library.utils.dlpack.to_dlpack(x))),
}
MODES = ["enable_grad", "no_grad", "inference_mode"]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")  # PyTorch's
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", MODES)
def test_leaving(way: str, mode: str) -> None:
    def leave(library: Any) -> Any:
        x = library.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        with getattr(library, mode)():
            return outcome(lambda: WAYS[way](library, x).tolist())

    theirs, mine = map(leave, LIBRARIES)
    assert theirs == mine
    assert isinstance(mine, tuple) == (mode == "enable_grad" and way != "to_dlpack")


def test_what_leaves_shares_memory() -> None:
    x = headgate.ones(2, requires_grad=True)
    with headgate.no_grad():
        x.numpy()[0] = 5
    assert x.tolist() == [5, 1] and x.requires_grad


def test_device_types_have_the_numbers_of_dlpack() -> None:
    mine, theirs = headgate.utils.dlpack.DLDeviceType, torch.utils.dlpack.DLDeviceType
    assert {one.name: one.value for one in mine} == {one.name: one.value for one in theirs}


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (7, 2), (4, 2), (1, 1), (0, 3), (3, 3, 3), (2, 3, 2), (3,), ()])
@pytest.mark.parametrize("kind", ["float32", "float64", "int64", "bool"])
def test_fill_diagonal(shape: tuple[int, ...], wrap: bool, kind: str) -> None:
    def fill(library: Any) -> Any:
        x = library.arange(int(np.prod(shape))).reshape(shape).to(getattr(library, kind))
        return outcome(lambda: x.fill_diagonal_(7, wrap=wrap))

    theirs, mine = map(fill, LIBRARIES)
    if isinstance(theirs, tuple):
        assert theirs == mine
    else:
        same(theirs, mine, 0, 0)


@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal_passes_no_gradient_there(wrap: bool) -> None:
    results = []
    for library in LIBRARIES:
        x = library.linspace(1, 2, 10, dtype=library.float64).reshape(5, 2).requires_grad_()
        y = x * x
        assert y.t().fill_diagonal_(3.0)._version == 1
        y.fill_diagonal_(0.5, wrap)
        first, = library.autograd.grad((y**3).sum(), x, create_graph=True)
        second, = library.autograd.grad((first * first).sum(), x)
        results.append((y, first, second))
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            x.fill_diagonal_(1)
        assert library.zeros(2, 2).fill_diagonal_(library.tensor(2.5)).tolist() == [[2.5, 0], [0, 2.5]]
        for wrong in (library.ones(1), "1", None):
            with pytest.raises(TypeError):
                y.fill_diagonal_(wrong)
    same(results[0], results[1], 1e-12, 0)


def test_fill_diagonal_refuses_what_the_type_cannot_hold() -> None:
    for library in LIBRARIES:
        with pytest.raises(RuntimeError, match="value cannot be converted to type"):
            library.zeros(2, 2, dtype=library.uint8).fill_diagonal_(300)
