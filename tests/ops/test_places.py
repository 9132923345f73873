"""The indices of triangles, and flat places taken apart, beside PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import headgate


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
@pytest.mark.parametrize("row, col, offset", [(3, 3, 0), (3, 5, 1), (4, 2, -1), (2, 3, 9), (0, 3, 0), (3, 4, -9)])
def test_triangles(name: str, row: int, col: int, offset: int) -> None:
    for kind in ("int64", "int32"):
        mine, theirs = (getattr(t, name)(row, col, offset, dtype=getattr(t, kind)) for t in (headgate, torch))
        assert str(mine.dtype).endswith(kind) and mine.tolist() == theirs.tolist()
    assert str(getattr(headgate, name)(2, 2).dtype).endswith("int64")
    with pytest.raises(RuntimeError, match="must be non-negative"):
        getattr(headgate, name)(-1, 2)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2), 12, (12, 1)])
def test_flat_places(shape: Any) -> None:
    places = np.array([[0, 5, 11], [7, 3, 1]])
    mine = headgate.unravel_index(headgate.from_numpy(places), shape)
    theirs = torch.unravel_index(torch.from_numpy(places), shape)
    assert isinstance(mine, tuple) and [one.tolist() for one in mine] == [one.tolist() for one in theirs]
    for t in (headgate, torch):
        with pytest.raises(TypeError, match="integer dtype"):
            t.unravel_index(t.ones(2), shape)
