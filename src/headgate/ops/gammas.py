# cython: wraparound=True
"""The regularised incomplete gamma functions P and Q, by series and continued fraction (Abramowitz and Stegun, 1964).

Computed in float64 and rounded. They have a gradient for their second argument only, as in PyTorch.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply2, wrap
    from headgate.core.arrays import is_float
    from headgate.core.records import Node, Op, Tensor, X, Y
    from headgate.ops.arguments import other
    from headgate.ops.reducing import given, write_results

    ndarray = np.ndarray

from headgate.core.declare import overload
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.family import refused_error
from headgate.core.records import Tensor as _tensor_type

STEPS = 20_000
TINY = 1e-300
NO_DERIVATIVE = "the derivative for '{name}: input' is not implemented."


def factor(a: object, x: object) -> object:
    """x^a exp(-x) / Γ(a)."""
    logs: object = cython.cast(object, wrap(np.asarray(a))).lgamma().numpy()
    return np.exp(a * np.log(x) - x - logs)


def by_series(a: object, x: object) -> object:
    """P for x < a + 1."""
    term = 1.0 / a
    total = np.array(term)
    for step in range(1, STEPS):
        term = term * x / (a + step)
        total += term
        if not bool((np.abs(term) > np.abs(total) * 1e-17).any()):
            break
    return total * factor(a, x)


def by_fraction(a: object, x: object) -> object:
    """Q for x >= a + 1, by Lentz's method."""
    b = x + 1.0 - a
    c = np.full_like(b, 1.0 / TINY)
    d = 1.0 / b
    h = np.array(d)
    for step in range(1, STEPS):
        slope = -step * (step - a)
        b = b + 2.0
        d = 1.0 / guarded(slope * d + b)
        c = guarded(b + slope / c)
        h *= d * c
        if not bool((np.abs(d * c - 1.0) > 1e-16).any()):
            break
    return h * factor(a, x)


def guarded(values: object) -> object:
    """Values without zeros."""
    return np.where(np.abs(values) < TINY, TINY, values)


def lower_gamma(a: object, x: object, upper: cython.bint) -> object:
    """P(a, x), or Q = 1 - P, of arrays of one shape; nan where it is not defined."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    result = np.full(a.shape, np.nan)
    sound = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    low = sound & (x < a + 1.0)
    high = sound & ~low
    with np.errstate(all="ignore"):
        for where, function, whole in ((low, by_series, not upper), (high, by_fraction, upper)):
            if where.any():
                found = np.minimum(function(a[where], x[where]), 1.0)
                result[where] = found if whole else 1.0 - found
    none, all_ = (1.0, 0.0) if upper else (0.0, 1.0)
    result[sound_edge(a, x, np.isinf(x))] = all_
    result[sound_edge(a, x, np.isinf(a))] = none
    result[np.isinf(a) & np.isinf(x)] = np.nan
    result[sound_edge(a, x, x == 0)] = none
    result[(a == 0) & (x > 0)] = all_
    result[(a == 0) & ~(x > 0) | (x < 0) | (a < 0)] = np.nan
    return result


def sound_edge(a: object, x: object, edge: object) -> object:
    """Where an edge is met and neither argument is known to be negative or `a` to be zero; nan counts as not known."""
    return edge & ~(a <= 0) & ~(x < 0)


@cython.cclass
class IncompleteGamma(Op):
    """P(a, x) or Q(a, x). attrs: whether it is Q."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        kind: object = dtypes.promote(dtypes.of(x), dtypes.of(y))
        return np.asarray(lower_gamma(x, y, attrs), kind.numpy)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            raise NotImplementedError(NO_DERIVATIVE.format(name="igammac" if n.attrs else "igamma"))
        a: object = n.read(X)
        x: object = n.read(Y)
        slope = ((a - 1) * x.log() - x - a.lgamma()).exp()
        return reduced(-(g * slope) if n.attrs else g * slope, n.shape(1))


def reduced(g: object, shape: tuple) -> object:
    """A gradient summed over what was broadcast."""
    return g if tuple(g.shape) == shape else g.sum_to_size(shape)


P, Q = IncompleteGamma(), IncompleteGamma()


def called(op: Op, input: object, other_: object, out: object, upper: cython.bint) -> object:
    """Either function of checked arguments."""
    x: Tensor = given(input, op.name)
    y: Tensor = other(other_, op.name, "other")
    if not is_float(x._array):
        raise refused_error("igamma", dtypes.of(x._array))
    PUBLIC["broadcast_shapes"](x.shape, y.shape)  # raises where they do not fit
    result = apply2(op, x, y, upper)
    return result if out is None else write_results(op.name, (result,), (out,))[0]


def gammainc(input: object, other: object, *, out: object = None) -> object:
    """P(a, x) = ∫ from 0 to x of t^(a-1) exp(-t) dt / Γ(a), a the first argument. Only x gets a gradient."""
    return called(P, input, other, out, False)


def gammaincc(input: object, other: object, *, out: object = None) -> object:
    """Q(a, x) = 1 - P(a, x), a the first argument. Only x gets a gradient."""
    return called(Q, input, other, out, True)


overload(P, "igamma", 0, reads=[0, (1 << X) | (1 << Y)], shapes=3)
overload(Q, "igammac", 0, reads=[0, (1 << X) | (1 << Y)], shapes=3)
for _name, _alias, _function in (("gammainc", "igamma", gammainc), ("gammaincc", "igammac", gammaincc)):
    PUBLIC[_alias] = publish(f"special.{_name}", _function)
    install(_tensor_type, _alias, PUBLIC[_alias])
