"""Convolutions and pools beside PyTorch on random shapes: values, gradients and second gradients, in both types."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

import headgate

TOLERANCE = {"float32": 3e-6, "float64": 1e-12}


def drawn(seed: int, dims: int, transposed: bool) -> tuple[list[np.ndarray[Any, Any]], dict[str, Any]]:
    """(input, weight, bias) and options of one call."""
    pick, draw = random.Random(seed), np.random.default_rng(seed)
    groups, inputs, outputs = pick.choice([1, 1, 2, 3]), pick.randint(1, 4), pick.randint(1, 4)
    kernel = [pick.randint(1, 3) for _ in range(dims)]
    options: dict[str, Any] = {
        "stride": tuple(pick.randint(1, 3) for _ in kernel), "padding": tuple(pick.randint(0, k - 1) for k in kernel),
        "dilation": tuple(pick.randint(1, 2) for _ in kernel), "groups": groups,
    }  # fmt: skip
    if transposed:
        options["output_padding"] = tuple(pick.randint(0, s - 1) for s in options["stride"])
    sizes = [pick.randint(5, 6 if dims == 3 else 9) for _ in kernel]
    first, second = (inputs * groups, outputs) if transposed else (outputs * groups, inputs)
    shapes = [(pick.randint(1, 3), inputs * groups, *sizes), (first, second, *kernel), (outputs * groups,)]
    return [draw.normal(size=shape) for shape in shapes], options


def computed(library: Any, call: Any, arrays: list[np.ndarray[Any, Any]], kind: str) -> list[np.ndarray[Any, Any]]:
    """[value, gradients, gradients of a sum of squares of the gradients]."""
    inputs = [library.from_numpy(one.astype(kind)).requires_grad_() for one in arrays]
    y = call(library, *inputs)
    weight = library.from_numpy(np.random.default_rng(1).normal(size=tuple(y.shape)).astype(kind))
    first = library.autograd.grad((y * y * weight).sum(), inputs, create_graph=True)
    second = library.autograd.grad(sum((g * g).sum() for g in first), inputs)
    return [one.detach().numpy() for one in (y, *first, *second)]


def compare(call: Any, arrays: list[np.ndarray[Any, Any]], kind: str) -> None:
    for mine, theirs in zip(computed(headgate, call, arrays, kind), computed(torch, call, arrays, kind)):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        error = np.abs(mine - theirs).max() / (1 + np.abs(theirs).max())
        assert error <= TOLERANCE[kind], error


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_convolution(dims: int, transposed: bool, kind: str) -> None:
    name = f"conv_transpose{dims}d" if transposed else f"conv{dims}d"
    for seed in range(12):
        arrays, options = drawn(seed, dims, transposed)
        compare(lambda library, x, w, b, o=options: getattr(library.nn.functional, name)(x, w, b, **o), arrays, kind)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_pools(dims: int, kind: str) -> None:
    """Max, average, adaptive and fractional pools, with random windows."""
    for seed in range(8):
        pick, draw = random.Random(seed), np.random.default_rng(seed)
        kernel = tuple(pick.randint(1, 3) for _ in range(dims))
        stride = tuple(pick.randint(1, 3) for _ in range(dims))
        padding = tuple(pick.randint(0, k // 2) for k in kernel)
        x = draw.normal(size=(2, 3, *(pick.randint(5, 7) for _ in range(dims))))
        ceil, size = pick.random() < 0.5, tuple(pick.randint(1, 4) for _ in range(dims))

        def call(library: Any, x: Any, name: str, *args: Any, **named: Any) -> Any:
            return getattr(library.nn.functional, name)(x, *args, **named)

        for name, args, named in [
            (f"max_pool{dims}d", (kernel, stride, padding), {"ceil_mode": ceil}),
            (f"avg_pool{dims}d", (kernel, stride, padding, ceil, pick.random() < 0.5), {}),
            (f"adaptive_avg_pool{dims}d", (size,), {}), (f"adaptive_max_pool{dims}d", (size,), {}),
        ]:  # fmt: skip
            compare(lambda library, x, n=name, a=args, o=named: call(library, x, n, *a, **o), [x], kind)


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_windows(dims: int) -> None:
    """The same windows from the same seed, and the same indices."""
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 8, 7)[: dims + 2])
    for kind in ("float32", "float64"):
        found = []
        for library in (headgate, torch):
            library.manual_seed(3)
            function = getattr(library.nn.functional, f"fractional_max_pool{dims}d_with_indices")
            found.append([one.numpy() for one in function(library.from_numpy(x.astype(kind)), 2, output_size=4)])
        np.testing.assert_array_equal(found[0][0], found[1][0])
        np.testing.assert_array_equal(found[0][1], found[1][1])


def test_large_sums_keep_their_digits() -> None:
    """Relative to the exact result, float32 is as near as PyTorch's."""
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(2, 64, 16, 16)), draw.normal(size=(32, 64, 3, 3))
    exact = torch.nn.functional.conv2d(torch.from_numpy(x), torch.from_numpy(w), padding=1).numpy()
    errors = []
    for library in (headgate, torch):
        inputs = [library.from_numpy(one.astype("f4")) for one in (x, w)]
        y = library.nn.functional.conv2d(*inputs, padding=1)
        errors.append(np.abs(y.numpy() - exact).max() / np.abs(exact).max())
    assert errors[0] < 1e-6 and errors[0] < 4 * errors[1]
