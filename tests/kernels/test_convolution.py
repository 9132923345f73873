"""The loops of convolutions and pooling beside their NumPy forms, on random shapes, and on any number of threads."""

import random

import numpy as np
import pytest

from headgate.kernels import reference_convolution as plain
from headgate.kernels import reference_pooling as plain_pooling
from headgate.ops import windows

pytestmark = pytest.mark.compiled_only


def geometry(seed: int) -> tuple:
    """(type, batch, groups, channels, sizes, kernel, stride, padding, dilation, result sizes) at random."""
    pick = random.Random(seed)
    dims = pick.choice([1, 2, 2, 2, 3])

    def several(*values: int) -> tuple[int, ...]:
        return tuple(pick.choice(values) for _ in range(dims))

    kernel, stride = several(1, 2, 3, 4, 5), several(1, 1, 2, 3)
    padding, dilation = several(0, 0, 1, 2, 4), several(1, 1, 2, 3)
    sizes = tuple(max(size, d * (k - 1) + 1 - 2 * p, 1) for size, d, k, p in
                  zip(several(1, 4, 7, 12, 40 // dims), dilation, kernel, padding))
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, p, d, k, s in zip(sizes, padding, dilation, kernel, stride))
    channels = (pick.choice([1, 2, 3, 5, 9]), pick.choice([1, 2, 3, 4, 6, 10, 17]))
    return (pick.choice(["f4", "f8"]), pick.choice([1, 2, 3, 9]), pick.choice([1, 1, 2, 3]), channels, sizes, kernel,
            stride, padding, dilation, out)


@pytest.mark.parametrize("block", range(6))
def test_convolution_loops(block: int) -> None:
    from headgate.kernels.convolution import conv_forward, conv_input, conv_weight

    for seed in range(25 * block, 25 * block + 25):
        kind, batch, groups, (inputs, outputs), sizes, kernel, stride, padding, dilation, out = geometry(seed)
        draw = np.random.default_rng(seed)
        x = draw.normal(size=(batch, inputs * groups, *sizes)).astype(kind)
        w = draw.normal(size=(outputs * groups, inputs, *kernel)).astype(kind)
        b = draw.normal(size=outputs * groups).astype(kind)
        c = draw.normal(size=inputs * groups).astype(kind)
        y = draw.normal(size=(batch, outputs * groups, *out)).astype(kind)
        wide = [one.astype("f8") for one in (x, w, b, c, y)]
        rest = (stride, padding, dilation, groups)
        pairs = [
            (conv_forward(x, w, b, out, *rest), plain.conv_forward(wide[0], wide[1], wide[2], out, *rest)),
            (conv_input(y, w, c, sizes, *rest), plain.conv_input(wide[4], wide[1], wide[3], sizes, *rest)),
            (conv_weight(x, y, kernel, *rest), plain.conv_weight(wide[0], wide[4], kernel, *rest)),
        ]
        for mine, exact in pairs:
            assert mine.shape == exact.shape and mine.dtype == kind
            error = np.abs(mine - exact).max() / (1 + np.abs(exact).max())
            assert error < (2e-6 if kind == "f4" else 1e-13), f"seed {seed}: {error}"


@pytest.mark.parametrize(("batch", "inputs", "outputs", "size", "kernel", "stride", "padding"), [
    (5, 8, 40, 4, 3, 1, 1), (3, 40, 33, 2, 3, 1, 1), (33, 64, 64, 4, 3, 1, 1), (7, 40, 48, 5, 3, 2, 1),
    (9, 35, 64, 7, 5, 1, 2), (1, 64, 64, 1, 3, 1, 1),
])  # fmt: skip
def test_small_planes(
    batch: int, inputs: int, outputs: int, size: int, kernel: int, stride: int, padding: int
) -> None:
    """Many channels over few places, where the places are gathered first."""
    from headgate.kernels.convolution import conv_forward, conv_input

    draw = np.random.default_rng(0)
    out = (size + 2 * padding - kernel) // stride + 1
    x, w = draw.normal(size=(batch, inputs, size, size)), draw.normal(size=(outputs, inputs, kernel, kernel))
    y, b, rest = draw.normal(size=(batch, outputs, out, out)), draw.normal(size=outputs), (
        (stride,) * 2, (padding,) * 2, (1, 1), 1)
    np.testing.assert_allclose(conv_forward(x, w, b, (out, out), *rest), plain.conv_forward(x, w, b, (out, out), *rest),
                               rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(conv_input(y, w, None, (size, size), *rest),
                               plain.conv_input(y, w, None, (size, size), *rest), rtol=1e-11, atol=1e-12)


def test_threads_do_not_change_a_bit() -> None:
    from headgate.kernels.convolution import conv_forward, conv_input, conv_weight
    from headgate.kernels.pool import get_num_threads, set_num_threads

    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(11, 6, 13, 12)).astype("f4"), draw.normal(size=(40, 6, 3, 3)).astype("f4")
    y, rest = draw.normal(size=(11, 40, 13, 12)).astype("f4"), ((1, 1), (1, 1), (1, 1), 1)
    before = get_num_threads()
    results = []
    try:
        for threads in (1, 2, 5):
            set_num_threads(threads)
            results.append([conv_forward(x, w, None, (13, 12), *rest), conv_input(y, w, None, (13, 12), *rest),
                            conv_weight(x, y, (3, 3), *rest)])
    finally:
        set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other):
            np.testing.assert_array_equal(one, two)


def test_places_outside_do_not_count() -> None:
    """What stands beside the places of a result, in another row or image, is never added to it."""
    from headgate.kernels.convolution import conv_forward

    x = np.ones((2, 1, 5, 5), "f4")
    x[0, 0, 0, 4] = x[1, 0, 4, 0] = np.inf
    y = conv_forward(x, np.ones((1, 1, 2, 2), "f4"), None, (4, 4), (1, 1), (0, 0), (1, 1), 1)
    assert np.isinf(y).sum() == 2 and np.isinf(y[0, 0, 0, 3]) and np.isinf(y[1, 0, 3, 0])


@pytest.mark.parametrize("seed", range(12))
def test_pooling_loops(seed: int) -> None:
    from headgate.kernels.pooling import average_back, average_pool, max_pool, put, take

    pick, draw = random.Random(seed), np.random.default_rng(seed)
    dims = 1 + seed % 3
    shape = (2, 3, *(pick.randint(4, 9) for _ in range(dims)))
    kernel = tuple(pick.randint(1, 3) for _ in range(dims))
    stride = tuple(pick.randint(1, 3) for _ in range(dims))
    padding = tuple(pick.randint(0, k // 2) for k in kernel)
    x = draw.normal(size=shape)
    x[draw.random(shape) < 0.05] = np.nan
    for ceil in (False, True):
        largest = windows.largest(shape, kernel, stride, padding, (1,) * dims, ceil)
        values, places = max_pool(x, largest)
        for one, two in zip((values, places), plain_pooling.max_pool(x, largest)):
            np.testing.assert_array_equal(one, two)
        x = np.nan_to_num(x)
        mean = windows.averages(shape, kernel, stride, padding, ceil, bool(seed % 2), None)
        np.testing.assert_allclose(average_pool(x, mean), plain_pooling.average_pool(x, mean), rtol=1e-13, atol=1e-14)
        g = draw.normal(size=values.shape)
        np.testing.assert_allclose(average_back(g, mean), plain_pooling.average_back(g, mean), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(put(g, places, shape[2:]), plain_pooling.put(g, places, shape[2:]), rtol=1e-13)
        np.testing.assert_array_equal(take(x, places, dims), plain_pooling.take(x, places, dims))
