"""`renorm`, which holds norms of slices below a bound, and `frexp`, which takes numbers apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.declare import composite
from headgate.core.dims import wrap_dim
from headgate.core.entry import PUBLIC
from headgate.core.results import result_type
from headgate.ops.margins import tensor
from headgate.ops.rules import OUTPUT, WRITTEN, applied, applied_inplace, ruled, written

FREXP = result_type("frexp", "mantissa exponent")
SMALL = 1e-7  # added to a norm before it divides


def renorm_values(x: Any, attrs: tuple[float, tuple[int, ...], float]) -> Any:
    """Slices whose norm is above the bound, scaled to it."""
    p, dims, bound = attrs
    wide = wrap(x).float() if x.dtype.itemsize == 2 else wrap(x)
    norm = PUBLIC["linalg.vector_norm"](wide, p, dims, True)
    factor = PUBLIC["where"](norm > bound, bound / (norm + SMALL), 1.0)
    found = wrap(x) * factor.to(wrap(x).dtype)
    return found.float().numpy().astype(x.dtype) if x.dtype.itemsize == 2 else np.asarray(found.numpy())


def norm_slope(x: Any, norm: Any, p: float, dims: tuple[int, ...]) -> Any:
    """The derivative of the norm by each element."""
    if p == 1:
        return x.sgn()
    if p == float("inf"):
        peak = (x.abs() == norm).to(x.dtype)
        return x.sgn() * peak / peak.sum(dims, True)
    none = norm == 0
    safe = norm.masked_fill(none, 1)
    if p == 2:
        return (x / safe).masked_fill(none, 0)
    zero = x == 0
    power = x.masked_fill(zero, 1).abs().pow(p - 1).masked_fill(zero, 0)
    return x.sgn() * power / safe.pow(p - 1)


def renorm_slope(saved: list[Any], grads: list[Any], attrs: tuple[float, tuple[int, ...], float], need: int) -> Any:
    """The gradient: that of bound x / norm where the norm is above the bound."""
    (x,), (g,), (p, dims, bound) = saved, grads, attrs
    norm = PUBLIC["linalg.vector_norm"](x, p, dims, True)
    inverse = (norm + SMALL).reciprocal()
    along = (x * g).sum(dims, True) * norm_slope(x, norm, p, dims)
    return [PUBLIC["where"](norm > bound, bound * inverse * (g - inverse * along), g)]


RENORM = ruled("renorm", renorm_values, renorm_slope, (0,))


def renorm(input: Any, p: Any, dim: int, maxnorm: Any, *, out: Any = None) -> Any:
    """Each slice along `dim` whose p-norm is above `maxnorm`, scaled down to it; the others as they are.

    RuntimeError for fewer than two dims, p not above 0 or a negative bound.
    """
    x = tensor(input, "renorm")
    for name, value, position in (("p", p, 2), ("maxnorm", maxnorm, 4)):
        if not isinstance(value, (int, float)):
            raise TypeError(errors.ARGUMENT.format(function="renorm", name=name, position=position, expected="Number",
                                                   type=type(value).__name__))
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.ndim} dimensions")
    kept = wrap_dim(dim, x.ndim)
    if not x.dtype.is_floating_point:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           + errors.TYPE_NAMES[x.dtype.name])
    dims = tuple(one for one in range(x.ndim) if one != kept)
    attrs = (float(p), dims, float(maxnorm))
    if out is WRITTEN:
        return applied_inplace(RENORM, (x,), attrs)
    return written("renorm", (applied(RENORM, (x,), attrs),), None if out is None else (out,))[0]


# ---- frexp ----------------------------------------------------------------------------------------------------------


def frexp_values(x: Any, attrs: None) -> Any:
    """Mantissas from 1/2 to 1 and exponents of 2; those of infinity and NaN are 0."""
    mantissa, exponent = np.frexp(x)
    return np.asarray(mantissa), np.asarray(np.where(np.isfinite(x), exponent, 0), np.int32)


def frexp_slope(saved: list[Any], grads: list[Any], attrs: None, need: int) -> Any:
    """The gradient of x from that of the mantissa x / 2^exponent."""
    return [None if grads[0] is None else grads[0] / saved[0].exp2()]


FREXP_OP = ruled("frexp", frexp_values, frexp_slope, (OUTPUT + 1,))


def frexp(input: Any, *, out: Any = None) -> Any:
    """(mantissa, exponent) with input = mantissa 2^exponent: mantissas from 1/2 to 1 and int32 exponents.

    RuntimeError for whole numbers.
    """
    x = tensor(input, "frexp")
    if not x.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return FREXP(written("frexp", applied(FREXP_OP, (x,), None), out))


composite("renorm", renorm, inplace=True, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4), 2, 0, 2.5), {}), ((make(2, 3, 2), 2, 1, 3.0), {}), ((make(3, 4), 1, -1, 4.0), {}),
    ((make(3, 4), 3.5, 0, 2), {}), ((make(3, 4), float("inf"), 0, 1.5), {}), ((make(2, 0), 2, 0, 1.0), {}),
    ((make(3), 2, 0, 1.0), {}), ((make(2, 2), 0, 0, 1.0), {}), ((make(2, 2), 2, 0, -1.0), {})])
composite("frexp", frexp, smooth=False, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(),), {}), ((make(0),), {})])
