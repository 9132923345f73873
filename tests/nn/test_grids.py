"""grid_sample and affine_grid beside PyTorch: every mode and padding, two and three axes, gradients, errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headgate

sys.path.insert(0, str(Path(__file__).parent))

from norm_beside import arrays, compare, leaves, same_error

IMAGE, BLOCK = arrays((2, 3, 5, 4), (2, 2, 3, 4, 3))
PLACES, BLOCK_PLACES = (1.2 * one for one in arrays((2, 6, 3, 2), (2, 2, 3, 4, 3)))
THETA, BLOCK_THETA = arrays((2, 2, 3), (2, 3, 4))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [False, True])
def test_grid_sample(mode: str, padding: str, aligned: bool) -> None:
    def call(library: Any, image: Any, grid: Any) -> Any:
        return library.nn.functional.grid_sample(image, grid, mode, padding, aligned)

    compare(call, IMAGE, PLACES, second=False, what=f"{mode} {padding} {aligned}")
    compare(call, IMAGE.astype("float32"), PLACES.astype("float32"), second=False)
    compare(call, IMAGE, np.clip(PLACES, -0.9, 0.9) * 3, second=False)
    if mode != "bicubic":
        compare(call, BLOCK, BLOCK_PLACES, second=False, what=f"three axes {mode} {padding} {aligned}")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_second_gradients(mode: str) -> None:
    """PyTorch has none; ours agree with differences."""
    image, grid = leaves(headgate, [IMAGE[:1, :1], PLACES[:1, :2]])
    assert headgate.autograd.gradgradcheck(
        lambda x, g: headgate.nn.functional.grid_sample(x, g, mode, align_corners=True), (image, grid))


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_affine_grid(aligned: bool) -> None:
    for size in ((2, 3, 5, 4), (2, 1, 1, 6)):
        compare(lambda library, t, s=size: library.nn.functional.affine_grid(t, s, aligned), THETA)
    compare(lambda library, t: library.nn.functional.affine_grid(t, (2, 1, 3, 2, 4), aligned), BLOCK_THETA)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [False, True])
def test_at_the_corners(padding: str, aligned: bool) -> None:
    """The grid of the identity, whose places lie on elements and borders."""
    theta = np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2)

    def call(library: Any, image: Any, theta: Any) -> Any:
        grid = library.nn.functional.affine_grid(theta, (2, 3, 5, 4), aligned)
        return library.nn.functional.grid_sample(image, grid, "bilinear", padding, aligned)

    for dtype in ("float64", "float32"):
        values = leaves(headgate, [IMAGE.astype(dtype), theta.astype(dtype)])
        np.testing.assert_allclose(call(headgate, *values).detach().numpy(), IMAGE, atol=2e-6)
    if aligned:
        compare(call, IMAGE, theta, second=False)


ERRORS: list[Any] = [
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g, "what"),
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g, padding_mode="what"),
    lambda m, x, g, t: m.nn.functional.grid_sample(x[0], g, align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g[0], align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g[:1], align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g[:, :, :, :1], align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(x, g.float(), align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(x[:, :, :0], g, align_corners=True),
    lambda m, x, g, t: m.nn.functional.grid_sample(m.ones(2, 1, 3, 3, 3), m.ones(2, 1, 1, 1, 3), "bicubic",
                                                   align_corners=True),
    lambda m, x, g, t: m.nn.functional.affine_grid(t.long(), (2, 3, 5, 4), True),
    lambda m, x, g, t: m.nn.functional.affine_grid(t, (2, 3, 5), True),
    lambda m, x, g, t: m.nn.functional.affine_grid(t, (2, 3, 5, 4, 4), True),
    lambda m, x, g, t: m.nn.functional.affine_grid(t[0], (2, 3, 5, 4), True),
    lambda m, x, g, t: m.nn.functional.affine_grid(t, (2, 3, 0, 4), True),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    same_error(ERRORS[case], IMAGE, PLACES, THETA)


@pytest.mark.filterwarnings("error")
def test_warnings() -> None:
    image, grid, theta = leaves(headgate, [IMAGE, PLACES, THETA])
    with pytest.raises(UserWarning, match="Default grid_sample"):
        headgate.nn.functional.grid_sample(image, grid)
    with pytest.raises(UserWarning, match="Default grid_sample"):
        headgate.nn.functional.affine_grid(theta, (2, 3, 5, 4))
