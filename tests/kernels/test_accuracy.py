"""exp and log of single precision over all their arguments, beside double precision."""

from __future__ import annotations

import numpy as np
import pytest

import headgate.kernels as kernels

pytestmark = pytest.mark.compiled_only


@pytest.mark.parametrize("name", ["exp", "log"])
def test_exponentials_and_logarithms_of_single_precision(name: str) -> None:
    """Within one unit in the last place over the whole range, and the same bits beside odd values as without them."""
    from headgate.kernels import door

    loop = kernels.make_loop(name)
    x = np.arange(0x00800000, 0x7F800000, 4099, np.uint32).view(np.float32)
    x = np.concatenate([x, -x])[np.abs(np.concatenate([x, x])) < 87] if name == "exp" else x
    result = door.map1(loop, x)
    exact = getattr(np, name)(x.astype(np.float64))
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    assert (np.abs(result - exact) <= unit).all()
    assert np.array_equal(door.map1(loop, np.stack([x, 0 * x], 1).reshape(-1))[::2], result)
