"""Order: sort, topk, kthvalue, median, mode. NaN counts as the largest value; equal values keep their order.

All give values and where they stood; the gradient goes back to where a value came from.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import is_float, shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.inplace import write
    from headgate.core.operators import slots
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference import contiguous, copy_into, gather, like_layout, longest_runs
    from headgate.kernels.reference import missing as count_missing
    from headgate.kernels.reference import pick as pick_kernel
    from headgate.kernels.reference import select as select_kernel
    from headgate.kernels.reference import sort as sort_kernel
    from headgate.kernels.reference import topk as topk_kernel
    from headgate.ops.change import need_int, need_tensor
    from headgate.ops.scatter import SPREAD
    from headgate.ops.where import fill_where

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, overload
from headgate.core.results import result_type

SORTED = result_type("sort", "values indices")
TOP = result_type("topk", "values indices")
KTH = result_type("kthvalue", "values indices")
MEDIAN = result_type("median", "values indices")
NANMEDIAN = result_type("nanmedian", "values indices")
MODE = result_type("mode", "values indices")
SHORT = 256  # elements whose median is found sooner by sorting than by counting digits


# ---- the ops --------------------------------------------------------------------------------------------------------


@cython.cclass
class Ordered(Op):
    """The family: values and their indices along a dim, the first entry of the attrs. `dropped`: the dim is gone."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def dropped(self, attrs: object) -> cython.bint:
        return False

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 1 << (OUT + 1) if n.needs & 1 else 0

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if grads[0] is None:
            return [None]
        g: Tensor = grads[0]
        index: Tensor = n.tensor(OUT + 1)
        if self.dropped(n.attrs) and len(n.shape(0)):
            g = slots.unsqueeze.call2(g, (n.attrs[0],), None)
            index = slots.unsqueeze.call2(index, (n.attrs[0],), None)
        return [apply(SPREAD, (g, index), (n.attrs[0], n.shape(0)))]


def laid_as(result: ndarray, x: ndarray) -> ndarray:
    """The result of a sort in the layout of what was sorted."""
    if cython.cast(object, x).flags.c_contiguous and 1 not in cython.cast(object, x).shape:
        return result
    return copy_into(like_layout(x, cython.cast(object, result).dtype), result)


@cython.cclass
class Sort(Ordered):
    """In order along a dim. attrs: (dim, descending)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        values, index = sort_kernel(x, attrs[0], attrs[1], True)
        return laid_as(values, x), laid_as(index, x)


@cython.cclass
class Top(Ordered):
    """The k largest or smallest along a dim. attrs: (dim, k, largest, sorted)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return topk_kernel(x, attrs[1], attrs[0], attrs[2], attrs[3])


@cython.cclass
class Picked(Ordered):
    """One element along a dim, the k-th smallest or as `along` says. attrs: (dim, keepdim, k)."""

    @cython.cfunc
    def dropped(self, attrs: object) -> cython.bint:
        return not attrs[1]

    @cython.cfunc
    def along(self, line: ndarray, attrs: object) -> tuple:
        """The wanted one of each line along the last dim and where it stands, that dim kept with length 1."""
        return pick_kernel(line, attrs[2], -1)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if x.ndim == 0:
            return cython.cast(object, x).copy(), np.zeros((), np.int64)
        last: cython.bint = attrs[0] == x.ndim - 1
        found, index = self.along(contiguous(x if last else np.moveaxis(x, attrs[0], -1)), attrs)
        if attrs[1]:
            if last:
                return found, index
            return np.ascontiguousarray(np.moveaxis(found, -1, attrs[0])), np.ascontiguousarray(
                np.moveaxis(index, -1, attrs[0]))
        shape = shape_of(found)[:x.ndim - 1]
        return found.reshape(shape), index.reshape(shape)


def placed(values: object, order: object, at: object) -> tuple:
    """What stands at a place of its own in each sorted line, and where it stood; the last dim of length 1."""
    places: ndarray = at.reshape(shape_of(values)[:values.ndim - 1] + (1,))
    return gather(values, values.ndim - 1, places), gather(order, values.ndim - 1, places)


@cython.cclass
class MedianAlong(Picked):
    """The lower median along a dim; NaN if there is one."""

    @cython.cfunc
    def along(self, line: ndarray, attrs: object) -> tuple:
        found, index = pick_kernel(line, (line.shape[line.ndim - 1] + 1) // 2, -1)
        if is_float(line) and count_missing(line):
            missing = np.isnan(line)
            spoilt = missing.any(-1)
            found[spoilt], index[spoilt] = np.nan, missing[spoilt].argmax(-1)[..., None]
        return found, index


@cython.cclass
class NanMedianAlong(Picked):
    """The lower median along a dim of what is not NaN."""

    @cython.cfunc
    def along(self, line: ndarray, attrs: object) -> tuple:
        count = line.shape[line.ndim - 1]
        if is_float(line) and count_missing(line):
            missing = np.isnan(line).sum(-1, dtype=np.int64)
            values, order = sort_kernel(line, -1, False, True)
            return placed(values, order, np.asarray(np.maximum((count - missing - 1) // 2, 0)))
        return pick_kernel(line, (count + 1) // 2, -1)


@cython.cclass
class ModeAlong(Picked):
    """The most frequent value along a dim, the smallest of several; the index of its last occurrence."""

    @cython.cfunc
    def along(self, line: ndarray, attrs: object) -> tuple:
        values, order = sort_kernel(line, -1, False, True)
        return placed(values, order, longest_runs(values))


@cython.cclass
class MedianAll(Op):
    """The lower median of all elements. attrs: whether NaN is left out."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        flat: object = cython.cast(object, x).reshape(-1)
        count = flat.size
        if count == 0:
            return np.asarray(np.nan if is_float(x) else np.iinfo(flat.dtype).min, flat.dtype)
        missing = count_missing(flat) if is_float(x) else 0
        if missing and (missing == count or not attrs):
            return np.asarray(np.nan, flat.dtype)
        middle = (count - missing - 1) // 2
        wide = flat.astype(np.float32) if missing and flat.dtype.itemsize == 2 else flat  # bfloat16 has no order of NaN
        if count <= SHORT:
            return np.asarray(pick_kernel(wide, middle + 1, 0)[0].reshape(()), flat.dtype)
        return np.asarray(select_kernel(wide, middle), flat.dtype)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.tensor(0)
        y: Tensor = n.tensor(OUT)
        same: object = np.equal(x._array, y._array)
        if is_float(x._array) and np.isnan(y._array):
            same = np.isnan(x._array)
        share = g / int(same.sum())
        return fill_where(slots.expand.call2(share, shape_of(x._array), None), wrap(np.logical_not(same)), 0)


@cython.cclass
class Given(Op):
    """Results that are there already, to be written to `out=`. attrs: the array."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return attrs


def several(op: Op, x: Tensor, attrs: object, out: object, kind: object) -> object:
    """Call an op that gives values and indices, into `out` (a pair of tensors) if it is not None."""
    if out is None:
        return kind(apply(op, (x,), attrs))
    if not isinstance(out, (tuple, list)) or len(out) != 2:
        raise TypeError(errors.ARGUMENT.format(
            function=op.name, name="out", position=0, expected="tuple of Tensors", type=type(out).__name__))
    results = op.run1(x._array, attrs, None)
    GIVEN.name = op.name
    return kind([write(GIVEN, (x,), array, target) for array, target in zip(results, out)])


# ---- the functions --------------------------------------------------------------------------------------------------


def sort(
    input: object, dim: object = -1, descending: object = False, stable: object = None, *, out: object = None,
) -> object:
    """`input` in order along `dim`, as (values, indices). Always stable, whatever `stable` says."""
    x: Tensor = need_tensor(input, "sort", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "sort", "dim", 1), x._array.ndim)
    return several(SORT if stable is None else SORT_STABLE, x, (axis, bool(descending)), out, SORTED)


def argsort(
    input: object, dim: object = -1, descending: object = False, stable: object = None, *, out: object = None,
) -> object:
    """The indices that put `input` in order along `dim`."""
    x: Tensor = need_tensor(input, "argsort", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "argsort", "dim", 1), x._array.ndim)
    indices = laid_as(sort_kernel(x._array, axis, bool(descending), True)[1], x._array)
    return wrap(indices) if out is None else write(GIVEN, (x,), indices, out)


def msort(input: object, *, out: object = None) -> object:
    """`input` in order along its first dim: the values of sort."""
    if out is None:
        return sort(input, 0)[0]
    x: Tensor = need_tensor(input, "msort", "input", 1)
    return write(GIVEN, (x,), sort_kernel(x._array, 0, False, True)[0], out)


def topk(
    input: object, k: object, dim: object = -1, largest: object = True, sorted: object = True, *, out: object = None,
) -> object:
    """The `k` largest (or smallest) values along `dim` and their indices, in order."""
    x: Tensor = need_tensor(input, "topk", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "topk", "dim", 2), x._array.ndim)
    count = need_int(k, "topk", "k", 1)
    if count < 0 or count > (x._array.shape[axis] if x._array.ndim else 1):
        raise RuntimeError(errors.TOPK)
    if cython.cast(object, x._array).dtype.char == "?":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    return several(TOPK, x, (axis, count, bool(largest), bool(sorted)), out, TOP)


def reducible(x: Tensor, axis: cython.int, function: str):
    """IndexError for a dim without elements."""
    if x._array.ndim and x._array.shape[axis] == 0:
        raise IndexError(errors.REDUCE_EMPTY_DIM.format(function=function, dim=axis))


def kthvalue(input: object, k: object, dim: object = -1, keepdim: object = False, *, out: object = None) -> object:
    """The k-th smallest value along `dim` (k from 1) and its index."""
    x: Tensor = need_tensor(input, "kthvalue", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "kthvalue", "dim", 2), x._array.ndim)
    count = need_int(k, "kthvalue", "k", 1)
    reducible(x, axis, "kthvalue")
    if count < 1 or count > (x._array.shape[axis] if x._array.ndim else 1):
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(axis))
    if cython.cast(object, x._array).dtype.char == "?" and x._array.ndim:
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel="kthvalue_cpu", dtype="Bool"))
    return several(KTHVALUE, x, (axis, bool(keepdim), count), out, KTH)


def median(input: object, dim: object = None, keepdim: object = False, *, out: object = None) -> object:
    """The lower median of all elements, or (values, indices) along `dim`; NaN where there is one."""
    x: Tensor = need_tensor(input, "median", "input", 1)
    if cython.cast(object, x._array).dtype.char == "?":
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(
            kernel="median_cpu" if dim is None else "median_out", dtype="Bool"))
    if dim is None:
        return apply1(MEDIAN_ALL, x, False)
    axis: cython.int = wrap_dim(need_int(dim, "median", "dim", 1), x._array.ndim)
    reducible(x, axis, "median")
    return several(MEDIAN_ALONG, x, (axis, bool(keepdim)), out, MEDIAN)


def nanmedian(input: object, dim: object = None, keepdim: object = False, *, out: object = None) -> object:
    """The lower median of the elements that are not NaN, or (values, indices) along `dim`."""
    x: Tensor = need_tensor(input, "nanmedian", "input", 1)
    if cython.cast(object, x._array).dtype.char == "?":
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(
            kernel="median_cpu" if dim is None else "median_out", dtype="Bool"))
    if dim is None:
        return apply1(NANMEDIAN_ALL, x, True)
    axis: cython.int = wrap_dim(need_int(dim, "nanmedian", "dim", 1), x._array.ndim)
    reducible(x, axis, "median")
    return several(NANMEDIAN_ALONG, x, (axis, bool(keepdim)), out, NANMEDIAN)


def mode(input: object, dim: object = -1, keepdim: object = False, *, out: object = None) -> object:
    """The most frequent value along `dim`, the smallest of several, and the index of its last occurrence."""
    x: Tensor = need_tensor(input, "mode", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "mode", "dim", 1), x._array.ndim)
    reducible(x, axis, "mode")
    return several(MODE_ALONG, x, (axis, bool(keepdim)), out, MODE)


# ---- declarations ---------------------------------------------------------------------------------------------------

SORT = Sort()
SORT_STABLE = overload(Sort(), "sort", 1, shapes=1 << 0)
TOPK = Top()
KTHVALUE = Picked()
MEDIAN_ALL = MedianAll()
MEDIAN_ALONG = overload(MedianAlong(), "median", 1, shapes=1 << 0)
NANMEDIAN_ALL = MedianAll()
NANMEDIAN_ALONG = overload(NanMedianAlong(), "nanmedian", 1, shapes=1 << 0)
MODE_ALONG = ModeAlong()
GIVEN = overload(Given(), "given", None)
_BY_DIM = [{}, {"dim": 0}, {"dim": -1}]


def _along(*extra: object, **more: object) -> object:
    """Samples: the function with further arguments along several dims."""

    def samples(make: object) -> list:
        # A wide range: which of several equal values is named, nobody promises.
        return [((make(3, 5, low=-90, high=90), *extra), {**options, **more}) for options in _BY_DIM] + [
            ((make(), *extra), dict(more))]

    return samples


declare(SORT, "sort", overload=0, function=sort, inplace=False, shapes=1 << 0, smooth=False, samples=_along())
composite("argsort", argsort, differentiable=False, samples=_along())
composite("msort", msort, samples=lambda make: [((make(3, 4),), {})], method=True)
declare(TOPK, "topk", overload=None, function=topk, inplace=False, shapes=1 << 0, smooth=False, samples=_along(1))
declare(KTHVALUE, "kthvalue", overload=None, function=kthvalue, inplace=False, shapes=1 << 0, smooth=False,
        samples=_along(1), dtypes="fi")
declare(MEDIAN_ALL, "median", overload=0, function=median, inplace=False, reads=[1 << 0 | 1 << OUT], smooth=False,
        samples=lambda make: [((make(3, 5),), {}), ((make(3, 5),), {"dim": 1}), ((make(4),), {"dim": 0})],
        dtypes="fi")
declare(NANMEDIAN_ALL, "nanmedian", overload=0, function=nanmedian, inplace=False, reads=[1 << 0 | 1 << OUT],
        smooth=False, samples=lambda make: [((make(3, 5),), {}), ((make(3, 5),), {"dim": 1})], dtypes="fi")
declare(MODE_ALONG, "mode", overload=None, function=mode, inplace=False, shapes=1 << 0, smooth=False, samples=_along())
