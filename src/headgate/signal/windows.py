"""`torch.signal.windows`: windows by name, symmetric unless asked otherwise.

Each is a function of equally spaced places, in PyTorch's operations, so that the numbers are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from headgate import dtypes
from headgate.core.device import strided
from headgate.core.entry import PUBLIC

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming",
           "hann", "kaiser", "nuttall"]  # fmt: skip


def check(name: str, M: int, dtype: Any, layout: Any) -> Any:
    """The element type of a window; ValueError for a negative length, another layout or type."""
    kind = dtypes.default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if kind.name not in ("float32", "float64"):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    return kind


def window(
    M: int, start: Any, step: Any, shape: Callable[[Any], Any], kind: Any, device: Any, requires_grad: bool, *,
    one: bool = True, last: Any = None,
) -> Any:
    """shape(start + i step) for i below M; a window of one value is 1 where `one`. last: where they end at most."""
    options = {"dtype": kind, "device": device, "requires_grad": requires_grad}
    if M == 0:
        return PUBLIC["empty"]((0,), **options)
    if M == 1 and one:
        return PUBLIC["ones"]((1,), **options)
    end = (start + (M - 1)) * step if last is None else last
    return shape(PUBLIC["linspace"](start * step if last is None else start, end, M, **options))


def around(M: int, sym: bool) -> int:
    """How many steps a window of more than one value spans."""
    return M if not sym and M > 1 else M - 1


def bartlett(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A triangle: 1 - |2 n / (M - 1) - 1|."""
    kind = check("bartlett", M, dtype, layout)
    step = 2 / max(around(M, sym), 1)
    return window(M, -1, step, lambda k: 1 - k.abs(), kind, device, requires_grad, last=-1 + (M - 1) * step)


def cosine(
    M: int, *, sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """sin(pi (n + 1/2) / M)."""
    kind = check("cosine", M, dtype, layout)
    step = math.pi / max(around(M, sym) + 1, 1)
    return window(M, 0.5, step, lambda k: k.sin(), kind, device, requires_grad, one=False)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Any = None,
    layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Any:
    """exp(-|n - center| / tau). ValueError for a tau that is not above 0, or a center of a symmetric window."""
    kind = check("exponential", M, dtype, layout)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = around(M, sym) / 2.0 if center is None else center
    return window(M, -middle, 1 / tau, lambda k: (-k.abs()).exp(), kind, device, requires_grad, one=False)


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """exp(-(n - middle)² / (2 std²)). ValueError for a deviation that is not above 0."""
    kind = check("gaussian", M, dtype, layout)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    step = 1 / (std * math.sqrt(2))
    return window(M, -around(M, sym) / 2.0, step, lambda k: (-(k**2)).exp(), kind, device, requires_grad, one=False)


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """I0(beta sqrt(1 - x²)) / I0(beta) for x from -1 to 1. ValueError for a negative beta."""
    kind = check("kaiser", M, dtype, layout)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    scale = PUBLIC["tensor"](beta, dtype=kind, device=device)
    last = PUBLIC["minimum"](scale, -scale + (M - 1) * (2.0 * scale / max(around(M, sym), 1)))
    i0 = PUBLIC["i0"]
    return window(M, -scale, 1, lambda k: i0((scale * scale - k.pow(2)).sqrt()) / i0(scale), kind, device,
                  requires_grad, last=last)


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The sum of (-1)^i a_i cos(2 pi i n / (M - 1)). TypeError or ValueError for coefficients that are none."""
    kind = check("general_cosine", M, dtype, layout)
    if M > 1:
        if not isinstance(a, Iterable):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")

    def shape(k: Any) -> Any:
        weights = PUBLIC["tensor"]([(-1) ** i * w for i, w in enumerate(a)], device=device, dtype=kind,
                                   requires_grad=requires_grad)
        order = PUBLIC["arange"](weights.shape[0], dtype=kind, requires_grad=requires_grad)
        return (weights.unsqueeze(-1) * PUBLIC["cos"](order.unsqueeze(-1) * k)).sum(0)

    return window(M, 0, 2 * math.pi / max(around(M, sym), 1), shape, kind, device, requires_grad)


def general_hamming(M: int, *, alpha: float = 0.54, **options: Any) -> Any:
    """alpha - (1 - alpha) cos(2 pi n / (M - 1)). Options as for `general_cosine`."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], **options)


def hamming(M: int, **options: Any) -> Any:
    """`general_hamming` with alpha 0.54. Options as for `general_cosine`."""
    return general_hamming(M, **options)


def hann(M: int, **options: Any) -> Any:
    """`general_hamming` with alpha 1/2. Options as for `general_cosine`."""
    return general_hamming(M, alpha=0.5, **options)


def blackman(M: int, **options: Any) -> Any:
    """0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1)). Options as for `general_cosine`."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], **options)


def nuttall(M: int, **options: Any) -> Any:
    """Nuttall's window of four cosines. Options as for `general_cosine`."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], **options)
