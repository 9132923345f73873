"""Window functions of signals: `hann_window` and its like.

Each is a few operations on `arange`, in PyTorch's order, so that the numbers are the same in every type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from headgate import errors
from headgate.core.device import strided
from headgate.core.entry import PUBLIC, publish
from headgate.core.options import check_flag, check_options, kind_of, no_combination

OPTIONS = (
    "TensorOptions(dtype={dtype}, device=cpu, layout={layout}, requires_grad=false (default), pinned_memory=false, "
    "memory_format=(nullopt))"
)


def taper(name: str, length: Any, periodic: bool, shape: Callable[[Any, int], Any], options: dict[str, Any]) -> Any:
    """A window of `length` values, from those of a symmetric one: one longer, without its last, if periodic."""
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="window_length", position=1, expected="int", type=type(length).__name__))
    given, layout = options.get("dtype"), options.get("layout")
    kind = kind_of(given, name)
    check_options(name, layout, options.get("device"), options.get("pin_memory"))
    check_flag(name, options.get("requires_grad", False))
    if not kind.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: " + OPTIONS.format(
            dtype=errors.C_NAMES[kind.name], layout="Strided" + " (default)" * (layout in (None, strided))))
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if length < 2:
        window = PUBLIC["ones"](length, dtype=kind)
    else:
        whole = length + 1 if periodic else length
        window = shape(PUBLIC["arange"](whole, dtype=kind), whole).narrow(0, 0, length)
    return window.requires_grad_() if options.get("requires_grad") else window


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """(1 - cos(2 pi i / n)) / 2 for i below `window_length`; n is that, or one less if not `periodic`."""
    return taper("hann_window", window_length, periodic, lambda x, n: cosine(x, n, 0.5, 0.5), options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any,
) -> Any:
    """alpha - beta cos(2 pi i / n) for i below `window_length`; n is that, or one less if not `periodic`."""
    return taper("hamming_window", window_length, periodic, lambda x, n: cosine(x, n, alpha, beta), options)


def cosine(x: Any, n: int, alpha: float, beta: float) -> Any:
    """alpha - beta cos(2 pi x / (n - 1))."""
    return x.mul_(math.pi * 2.0 / (n - 1)).cos_().mul_(-beta).add_(alpha)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """0.42 - 0.5 cos(2 pi i / n) + 0.08 cos(4 pi i / n) for i below `window_length`."""

    def shape(x: Any, n: int) -> Any:
        x.mul_(math.pi / (n - 1))
        return x.mul(4).cos_().mul_(0.08) - x.mul(2).cos_().mul_(0.5) + 0.42

    return taper("blackman_window", window_length, periodic, shape, options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """A triangle: from 0 up to 1 and down."""

    def shape(x: Any, n: int) -> Any:
        x.mul_(2.0 / (n - 1))
        first = ((n - 1) >> 1) + 1
        x[first:].mul_(-1).add_(2)
        return x

    return taper("bartlett_window", window_length, periodic, shape, options)


def kaiser_window(window_length: int, *args: Any, **options: Any) -> Any:
    """kaiser_window(window_length, periodic=True, beta=12.0): I0(beta sqrt(1 - x²)) / I0(beta) for x from -1 to 1."""
    if len(args) > 2 or (args and not isinstance(args[0], bool)) or (len(args) == 2 and "beta" in options):
        raise no_combination("kaiser_window", (window_length, *args), options)
    if ("beta" in options) and not args and "periodic" not in options:
        raise no_combination("kaiser_window", (window_length,), options)
    periodic = args[0] if args else options.pop("periodic", True)
    beta = float(args[1] if len(args) > 1 else options.pop("beta", 12.0))
    i0 = PUBLIC["i0"]

    def shape(x: Any, n: int) -> Any:
        place = x * (2.0 / (n - 1)) - 1
        scale = 1 / i0(PUBLIC["tensor"](beta, dtype=x.dtype))
        return i0((1 - place * place).clamp_(min=0).sqrt_() * beta) * scale

    return taper("kaiser_window", window_length, periodic, shape, options)


for _function in (hann_window, hamming_window, blackman_window, bartlett_window, kaiser_window):
    publish(_function.__name__, _function)
