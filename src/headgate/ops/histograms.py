"""`histogram` and `histogramdd`: counts, or sums of weights, in bins that are given or equal. No gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.declare import composite
from headgate.core.entry import PUBLIC
from headgate.core.family import refused_error
from headgate.core.options import no_combination
from headgate.core.results import result_type
from headgate.core.typed import Tensor
from headgate.ops.margins import tensor
from headgate.ops.rules import written

FOUND, FOUND_DD = result_type("histogram", "hist bin_edges"), result_type("histogramdd", "hist bin_edges")
BAD_WEIGHT_SHAPE = (
    "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its "
    "innermost dimension, but got input with shape {shape} and weight with shape {given}"
)
BAD_WEIGHT_TYPE = (
    "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but "
    "got input({kind}), and weight({given})"
)
BAD_BIN_TYPE = (
    "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype {kind} and "
    "bins for dimension {dim} with dtype {given}"
)


def kind_name(x: Any) -> str:
    """An element type as PyTorch's texts of this function call it."""
    return errors.C_NAMES[x.dtype.name]


def check(x: Any, weight: Any) -> None:
    """RuntimeError for points without dims, and for weights of another shape or type."""
    if x.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if weight is None:
        return
    if tuple(weight.shape) != tuple(x.shape[:-1]):
        raise RuntimeError(BAD_WEIGHT_SHAPE.format(shape=list(x.shape), given=list(weight.shape)))
    if weight.dtype is not x.dtype:
        raise RuntimeError(BAD_WEIGHT_TYPE.format(kind=kind_name(x), given=kind_name(weight)))


def check_edges(x: Any, edges: list[Any]) -> None:
    """RuntimeError unless each tensor of edges is of x's type, of one dim and not empty."""
    for dim, one in enumerate(edges):
        if one.dtype is not x.dtype:
            raise RuntimeError(BAD_BIN_TYPE.format(kind=kind_name(x), dim=dim, given=kind_name(one)))
        if one.ndim != 1:
            raise RuntimeError(f"torch.histogramdd: bins tensor should have one dimension, but got {one.ndim} "
                               f"dimensions in the bins tensor for dimension {dim}")
        if one.shape[0] == 0:
            raise RuntimeError(f"torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in "
                               f"the bins tensor for dimension {dim}")


def limits(points: Any, given: Any) -> list[tuple[float, float]]:
    """The lowest and the highest edge of each dim: those given, or the data's; RuntimeError for what is none."""
    count = points.shape[1]
    if given is not None:
        if len(given) != 2 * count:
            raise RuntimeError(f"torch.histogramdd: for a {count}-dimensional histogram range should have {2 * count} "
                               f"elements, but got {len(given)}")
        found = [(float(given[2 * dim]), float(given[2 * dim + 1])) for dim in range(count)]
    elif points.shape[0] == 0:
        found = [(0.0, 1.0)] * count
    else:
        found = [(float(low), float(high)) for low, high in zip(points.min(0), points.max(0))]
    for dim, (low, high) in enumerate(found):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise RuntimeError(f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite")
        if low > high:
            raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
                               f"dimension {dim}")
    return [(low - 0.5, high + 0.5) if low == high else (low, high) for low, high in found]


def counted(points: Any, edges: list[Any], weight: Any, density: bool) -> Any:
    """The histogram of points (count, dims) by the edges of each dim; the last edge belongs to the last bin."""
    shape = tuple(max(len(one) - 1, 0) for one in edges)
    inside = np.ones(len(points), bool)
    places = []
    for dim, one in enumerate(edges):
        values = points[:, dim]
        inside &= (values >= one[0]) & (values <= one[-1])
        places.append(np.minimum(np.searchsorted(one, values, side="right") - 1, shape[dim] - 1))
    hist = np.zeros(shape, points.dtype)
    if hist.size:
        at = places[0][inside]
        for place, size in zip(places[1:], shape[1:]):
            at = at * size + place[inside]
        counts = np.bincount(at, None if weight is None else weight.reshape(-1)[inside], hist.size)
        hist = counts.reshape(shape).astype(points.dtype)
    if density:
        with np.errstate(all="ignore"):
            hist /= hist.sum()
            for dim, one in enumerate(edges):
                hist /= np.diff(one).reshape([-1 if axis == dim else 1 for axis in range(len(edges))])
    return hist


def found_in(x: Any, bins: list[Any], given: Any, weight: Any, density: bool, name: str) -> tuple[Any, list[Any]]:
    """The histogram of the last dim's points, and the edges: `bins` are tensors of edges, or numbers of bins."""
    check(x, weight)
    equal = not isinstance(bins[0], Tensor)
    if not equal:
        check_edges(x, bins)
    elif given is None and x.numel() and x.dtype.name not in ("float32", "float64"):
        raise refused_error("histogramdd", x.dtype)
    points = plain(x).reshape(-1, x.shape[-1])
    ends = limits(points, given) if equal else []
    if len(bins) != x.shape[-1]:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for dim, one in enumerate(bins):
        count = one if equal else one.shape[0] - 1
        if count <= 0:
            raise RuntimeError(f"torch.{name}(): bins must be > 0, but got {count} for dimension {dim}")
    if not x.dtype.is_floating_point:
        raise refused_error("histogram_cpu", x.dtype)
    if equal:
        bins = [PUBLIC["linspace"](*end, count + 1, dtype=x.dtype) for end, count in zip(ends, bins)]
    edges = [one.detach() for one in bins]
    weights = None if weight is None else plain(weight)
    return wrap(counted(points, [plain(one) for one in edges], weights, density)).to(x.dtype), edges


def plain(x: Any) -> Any:
    """The values as an array; those of bfloat16, which NumPy has not, in float32."""
    return (x.detach().float() if x.dtype.name == "bfloat16" else x.detach()).numpy()


def histogram(
    input: Any, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False, out: Any = None,
) -> Any:
    """(hist, bin_edges) of all values; NaN and values outside are in no bin.

    bins: their number, or a tensor of ascending edges. range: the lowest and the highest edge, by default those of the
    values. weight: what each value counts, in a tensor of input's shape and type. density: make the area 1.
    """
    x = tensor(input, "histogram")
    if not isinstance(bins, (int, Tensor)) or isinstance(bins, bool) or isinstance(bins, Tensor) and range is not None:
        raise no_combination("histogram", (input, bins))
    flat = None if weight is None else tensor(weight, "histogram", "weight").reshape(-1)
    hist, edges = found_in(x.reshape(-1, 1), [bins], range, flat, density, "histogram")
    return FOUND(written("histogram", (hist, edges[0]), out))


def histogramdd(input: Any, bins: Any, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """(hist, bin_edges) of points, whose coordinates are along the last dim: one dim of `hist` for each coordinate.

    bins: a number for all, or a list with a number, or a tensor of edges, for each. Else as `histogram`.
    """
    x = tensor(input, "histogramdd")
    check(x, weight)
    sizes = [bins] * x.shape[-1] if isinstance(bins, int) else list(bins)
    hist, edges = found_in(x, sizes, range, weight, density, "histogramdd")
    return FOUND_DD((hist, tuple(edges)))


composite("histogram", histogram, differentiable=False, dtypes="f", samples=lambda make: [
    ((make(40), 5), {}), ((make(3, 4), 3), {"density": True}), ((make(20), 4), {"range": (-1.0, 2.0)}),
    ((make(20), make(5).sort()[0]), {}), ((make(20), 4), {"weight": make(20), "range": (-2.0, 2.0)}),
    ((make(0), 2), {}), ((make(1), 2), {}), ((make(6), 0), {})])
composite("histogramdd", histogramdd, method=False, differentiable=False, dtypes="f", samples=lambda make: [
    ((make(30, 2), [3, 4]), {}), ((make(2, 10, 2), 3), {"density": True}), ((make(4), 3), {}), ((make(4, 2), [3]), {}),
    ((make(20, 1), [make(4).sort()[0]]), {"weight": make(20)}),
    ((make(9, 2), [2, 2]), {"range": [-1.0, 1.0, 0.0, 2.0]})])
