"""Quantiles, covariances and correlations, differences and integrals over samples, made of other ops."""

from __future__ import annotations

import warnings
from typing import Any

from headgate import errors
from headgate.core.declare import composite
from headgate.core.dims import wrap_dim
from headgate.core.entry import PUBLIC
from headgate.core.family import refused_error
from headgate.core.options import no_combination
from headgate.core.typed import Tensor
from headgate.ops.margins import tensor
from headgate.ops.rules import applied, ruled, written

MODES = ("linear", "lower", "higher", "midpoint", "nearest")
FEW_FREEDOMS = (
    "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations."
)


def number_or_tensor(q: Any, x: Any, name: str) -> Any:
    """The probabilities as a tensor of x's type. RuntimeError for what PyTorch refuses."""
    if isinstance(q, Tensor):
        return q
    if isinstance(q, bool) or not isinstance(q, (int, float)):
        raise no_combination(name, (x, q))
    if not 0 <= q <= 1:
        raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
    return PUBLIC["tensor"](float(q), dtype=x.dtype)


def check_quantile(x: Any, q: Any, interpolation: str, name: str) -> None:
    """RuntimeError for what has no quantiles, in PyTorch's words and order."""
    if x.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if x.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q.dtype is not x.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if interpolation not in MODES:
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
                           f"{interpolation}")
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")


def laid_last(x: Any, dim: int | None, keepdim: bool) -> Any:
    """What is ranked as the last dim; where `keepdim`, in its place a dim of length 1."""
    if dim is None:
        return x.reshape((1,) * x.ndim + (-1,)) if keepdim and x.ndim else x.flatten()
    if x.ndim == 0:
        return x.reshape(1)
    if keepdim:
        return x.unsqueeze(-1).transpose(dim, -1)
    return x if dim == x.ndim - 1 else x.movedim(dim, -1)


def between(ranked: Any, ranks: Any, interpolation: str) -> Any:
    """The values at places that need not be whole."""
    if interpolation in ("lower", "higher", "nearest"):
        whole = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
        return ranked.gather(-1, whole.long())
    below = ranks.long()
    weights = ranks - below if interpolation == "linear" else PUBLIC["full_like"](ranks, 0.5)
    return ranked.gather(-1, below).lerp_(ranked.gather(-1, ranks.ceil().long()), weights)


def quantiles(x: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool, name: str) -> Any:
    """Both kinds of quantiles."""
    if not isinstance(x, Tensor):
        raise no_combination(name, (x, q))
    q = number_or_tensor(q, x, name)
    if dim is not None:
        dim = wrap_dim(dim, x.ndim)
    check_quantile(x, q, interpolation, name)
    ranked = laid_last(x, dim, keepdim).sort(-1)[0]
    places = q.reshape(-1)
    if ignore_nan:
        ranks = places * ((~ranked.isnan()).sum(-1, keepdim=True) - 1)
        ranks = ranks.masked_fill(ranks < 0, 0)
    else:
        last = ranked.shape[-1] - 1
        ranks = (places * last).masked_fill(ranked.isnan().any(-1, keepdim=True), last)
    ranks = ranks.detach().expand(*ranked.shape[:-1], places.shape[0])
    found = between(ranked, ranks, interpolation)
    if q.ndim > 0:
        found.unsqueeze_(0).transpose_(0, -1)
    if x.ndim == 0 and keepdim and q.ndim == 0:
        return found.reshape(())
    return found.squeeze_(-1)


def quantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", out: Any = None,
) -> Any:
    """The value below which a part `q` (from 0 to 1) of the values lies, along a dim or of all; NaN where one is NaN.

    q: a number, or a tensor of one dim, whose dim then comes first. interpolation between the two nearest values:
    linear, lower, higher, midpoint, nearest. RuntimeError for empty tensors and for what is not float32 or float64.
    """
    result = quantiles(input, q, dim, keepdim, interpolation, False, "quantile")
    return written("quantile", (result,), None if out is None else (out,))[0]


def nanquantile(
    input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear", out: Any = None,
) -> Any:
    """`quantile` of the values that are not NaN; NaN where all are."""
    result = quantiles(input, q, dim, keepdim, interpolation, True, "nanquantile")
    return written("nanquantile", (result,), None if out is None else (out,))[0]


# ---- covariance -----------------------------------------------------------------------------------------------------


def check_weights(w: Any, count: int, name: str) -> None:
    """RuntimeError unless `w` has one weight of its kind for each observation."""
    kind = errors.TYPE_NAMES[w.dtype.name]
    if w.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} "
                           "dimensions")
    if name == "fweights" and (w.dtype.is_floating_point or w.dtype.name == "bool"):
        raise RuntimeError(f"cov(): expected fweights to have integral dtype but got fweights with {kind} dtype")
    if name == "aweights" and not w.dtype.is_floating_point:
        raise RuntimeError(f"cov(): expected aweights to have floating point dtype but got aweights with {kind} dtype")
    if w.numel() != count:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but "
                           f"got {w.numel()} != {count}")
    if count and w.min().item() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")


def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of variables (rows) over observations (columns); of a single variable, its variance.

    fweights: how often each observation counts, whole numbers; aweights: how much, floats. RuntimeError for more than
    two dims, bools, or weights that do not fit.
    """
    tensor(input, "cov")
    if input.ndim > 2:
        raise RuntimeError("cov(): expected input to have two or fewer dimensions but got an input with "
                           f"{input.ndim} dimensions")
    if input.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.view(1, -1) if input.ndim < 2 else input
    count, weights = x.shape[1], None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            check_weights(given, count, name)
            weights = given if weights is None else weights * given
    total = PUBLIC["tensor"](count) if weights is None else weights.sum()
    if weights is not None and total.item() == 0:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (x if weights is None else x * weights).sum(1) / total
    if weights is not None and aweights is not None and correction != 0:
        freedoms = total - correction * (weights * aweights).sum() / total
    else:
        freedoms = total - correction
    if freedoms.item() <= 0:
        warnings.warn(FEW_FREEDOMS, UserWarning, stacklevel=2)
        freedoms = PUBLIC["zeros_like"](freedoms)
    away = x - mean.unsqueeze(1)
    return (away.mm((away if weights is None else away * weights).t()) / freedoms).squeeze()


def corrcoef(input: Any) -> Any:
    """Pearson's correlations of variables (rows) over observations (columns), from -1 to 1."""
    if isinstance(input, Tensor) and input.ndim > 2:
        raise RuntimeError("corrcoef(): expected input to have two or fewer dimensions but got an input with "
                           f"{input.ndim} dimensions")
    found = cov(input)
    if found.ndim == 0:
        return found / found
    deviations = found.diag().sqrt()
    return (found / deviations.view(-1, 1) / deviations.view(1, -1)).clip(-1, 1)


# ---- over samples ---------------------------------------------------------------------------------------------------


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """Sums of the areas of the trapezoids under the samples `y` up to each place but the first.

    x: the places of the samples, along `dim` or of y's shape; else they are `dx` apart.
    """
    dim = wrap_dim(dim, tensor(y, "cumulative_trapezoid", "y").ndim)
    if y.ndim and y.dtype.name == "bool":
        raise RuntimeError("trapezoid: received a bool input for `y`, but bool is not supported")
    size = y.shape[dim]
    left, right = y.narrow(dim, 0, max(size - 1, 0)), y.narrow(dim, min(1, size), max(size - 1, 0))
    if x is None:
        return (dx / 2.0 * (left + right)).cumsum(dim)
    if x.ndim == 1:
        if x.shape[0] != size:
            raise RuntimeError("cumulative_trapezoid: There must be one `x` value for each sample point")
        x = x.view([-1 if axis == dim else 1 for axis in range(y.ndim)])
    steps = x.diff(dim=dim if x.ndim == y.ndim else -1)
    total = ((left + right) * steps).cumsum(dim)
    return applied(HALF, (total,), None) if total.dtype.is_floating_point else total / 2.0


#: Half of it, by PyTorch's division by a number, whose node has a number of its own.
HALF = ruled("div", lambda x, attrs: x / 2, lambda saved, grads, attrs, need: [grads[0] / 2], (), number=1)


def spaced(x: Any, dim: int, spacing: Any, order: int) -> Any:
    """The derivative along a dim, of samples that are a number apart or at the places of a tensor."""
    size = x.shape[dim]
    if size < order + 1:
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")

    def part(start: int, stop: int) -> Any:
        return x.narrow(dim, start % size, stop - start)

    if not isinstance(spacing, Tensor):
        inner = (part(2, size) - part(0, size - 2)) / (2 * spacing)
        first, last = (part(1, 2) - part(0, 1)) / spacing, (part(-1, 0) - part(-2, -1)) / spacing
        if order == 2:
            first = (-3 * part(0, 1) + 4 * part(1, 2) - part(2, 3)) / (2 * spacing)
            last = (3 * part(-1, 0) - 4 * part(-2, -1) + part(-3, -2)) / (2 * spacing)
        return PUBLIC["cat"]([first, inner, last], dim)
    steps = spacing.diff().view([-1 if axis == dim else 1 for axis in range(x.ndim)])
    before, after = steps.narrow(dim, 0, size - 2), steps.narrow(dim, 1, size - 2)
    inner = (-after / (before * (before + after)) * part(0, size - 2)
             + (after - before) / (before * after) * part(1, size - 1)
             + before / (after * (before + after)) * part(2, size))
    ends = steps.flatten()
    first, last = (part(1, 2) - part(0, 1)) / ends[0], (part(-1, 0) - part(-2, -1)) / ends[-1]
    if order == 2:
        one, two = ends[0], ends[1]
        first = (-(2 * one + two) / (one * (one + two)) * part(0, 1) + (one + two) / (one * two) * part(1, 2)
                 - one / (two * (one + two)) * part(2, 3))
        one, two = ends[-2], ends[-1]
        last = (two / (one * (one + two)) * part(-3, -2) - (one + two) / (one * two) * part(-2, -1)
                + (one + 2 * two) / (two * (one + two)) * part(-1, 0))
    return PUBLIC["cat"]([first, inner, last], dim)


def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> Any:
    """Derivatives along each of the dims from samples: a tuple, second-order inside, first-order (or second) at edges.

    spacing: one distance, or one for each dim, or the places along each dim as tensors. RuntimeError where a dim has
    too few samples.
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    tensor(input, "gradient")
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [wrap_dim(one, input.ndim) for one in dims]
    if len(set(dims)) < len(dims):
        raise RuntimeError("dim 0 appears multiple times in the list of dims")
    spacings = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
            f"'self.dim() = {input.ndim}', since dim argument was not given, but got a list of length {len(spacings)}")
    if input.dtype.name in ("uint8", "bool"):
        raise refused_error("gradient", input.dtype)
    return tuple(spaced(input, one, step, edge_order) for one, step in zip(dims, spacings))


composite("quantile", quantile, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4), 0.3), {}), ((make(3, 4), 0.3, 0), {}), ((make(3, 4), 0.6, 1, True), {}),
    ((make(3, 4), 0.5), {"keepdim": True}), ((make(3, 5), 0.33, 0), {"interpolation": "lower"}),
    ((make(3, 5), 0.33, -1), {"interpolation": "higher"}), ((make(3, 5), 0.3, 1), {"interpolation": "midpoint"}),
    ((make(3, 5), 0.3), {"interpolation": "nearest"})])
composite("nanquantile", nanquantile, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4), 0.3), {}), ((make(2, 3, 4), 0.7, 1), {}), ((make(3, 4), 0.6, 0, True), {})])
composite("cov", cov, dtypes="fi", samples=lambda make: [
    ((make(3, 5),), {}), ((make(5),), {}), ((make(3, 5),), {"correction": 0})])
composite("corrcoef", corrcoef, dtypes="fi", samples=lambda make: [((make(3, 6),), {}), ((make(6),), {})])
composite("cumulative_trapezoid", cumulative_trapezoid, method=False, dtypes="f", samples=lambda make: [
    ((make(3, 5),), {}), ((make(3, 5),), {"dx": 0.5, "dim": 0}), ((make(3, 5), make(5)), {}),
    ((make(3, 5), make(3, 5)), {"dim": 0})])
composite("gradient", gradient, method=False, dtypes="f", samples=lambda make: [
    ((make(4, 5),), {}), ((make(4, 5),), {"dim": 1, "spacing": 0.5}), ((make(6),), {"edge_order": 2}),
    ((make(4, 5),), {"spacing": [2.0, 3.0]})])
