# built for speed
"""Indexing: what `x[...]` means, read and assigned, and the ops behind its advanced part (index, index_put).

Ints, slices, None and Ellipsis become views, one step each; tensors, lists and masks become one index op after them.
The view ops themselves are in `view`. Differs from PyTorch: results are contiguous.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, apply1, check_followed, requires, wrap
    from headgate.core.arrays import is_float, same_shape, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE, Called, slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.ops.change import Change, allow_overlap, change, constant, fill_with, kind_name, need_tensor
    from headgate.ops.indices import (
        add_at,
        checked,
        from_sequence,
        is_sequence,
        means_tuple,
        pick,
        put_at,
        resolve,
    )
    from headgate.ops.view import ALIAS, EXPAND, SELECT, SLICE, UNSQUEEZE, VIEW

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import constants, declare, overload
from headgate.core.inplace import check_apart
from headgate.core.operators import fill_slot

# ---- the ops behind advanced indices --------------------------------------------------------------------------------


@cython.cclass
class Index(Op):
    """The elements at index arrays. Inputs: x, then the index tensors; attrs: the dim at which each of them stands."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return pick(inputs[0], resolve(inputs[0], inputs[1:], attrs))

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return (cython.cast(cython.longlong, 2) << (n.inputs - 1)) - 2 if n.needs & 1 else 0

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(SPREAD, (g,) + saved_indices(n, 1), (n.attrs, n.shape(0)))


@cython.cclass
class Spread(Op):
    """The gradient of `index`: values added into zeros. Inputs: values, index tensors; attrs: (their dims, shape)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        whole: ndarray = np.zeros(attrs[1], inputs[0].dtype)
        add_at(whole, resolve(whole, inputs[1:], attrs[0]), inputs[0])
        return whole

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return (cython.cast(cython.longlong, 2) << (n.inputs - 1)) - 2 if n.needs & 1 else 0

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(INDEX, (g,) + saved_indices(n, 1), n.attrs[0])


@cython.cclass
class IndexPut(Change):
    """Values put at index arrays, or added there. Inputs: x, values, index tensors; attrs: (their dims, accumulate)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        place = resolve(target, inputs[2:], attrs[0])
        if attrs[1]:
            add_at(target, place, inputs[1])
        else:
            put_at(target, place, inputs[1])

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return (cython.cast(cython.longlong, 2) << (n.inputs - 1)) - 4

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return apply(INDEX, (g,) + saved_indices(n, 2), n.attrs[0])
        if n.attrs[1]:
            return g
        zero = wrap(np.zeros((), cython.cast(object, g._array).dtype))
        return apply(INDEX_PUT, (g, zero) + saved_indices(n, 2), n.attrs)


def saved_indices(n: Node, first: cython.int) -> tuple:
    """The index tensors of a call, inputs `first` and later."""
    return tuple([n.tensor(i) for i in range(first, n.inputs)])


# ---- basic indices: one view each -----------------------------------------------------------------------------------


def select_at(x: Tensor, dim: cython.int, index: cython.Py_ssize_t, place: cython.int) -> Tensor:
    """One index of a dim; `place` is where in the brackets it stood, for the error."""
    count: cython.int = x._array.ndim
    size: cython.Py_ssize_t = x._array.shape[dim] if dim < count else 0
    if count == 0 and index == 0:
        raise IndexError(errors.INDEX_ZERO_DIM)
    if index >= size or index < -size:
        raise IndexError(errors.INDEX_RANGE.format(index=index, dim=place, size=size))
    return apply1(SELECT, x, (dim, index + size if index < 0 else index))


def slice_at(x: Tensor, dim: cython.int, part: slice, always: cython.bint) -> Tensor:
    """A range of a dim. `x` itself if the range is written as all of it, unless `always`."""
    start: cython.Py_ssize_t = 0
    stop: cython.Py_ssize_t = 0
    step: cython.Py_ssize_t = 1
    size: cython.Py_ssize_t
    count: cython.int = x._array.ndim
    if cython.compiled:
        PySlice_Unpack(part, cython.address(start), cython.address(stop), cython.address(step))  # noqa: F821
    else:
        start, stop, step = unpack(part)
    if step < 1:
        raise ValueError(errors.STEP)
    if count == 0:
        if grad_enabled() and requires(x):
            check_followed(x)  # as in PyTorch before it looks at dims
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if dim >= count:
        raise IndexError(errors.DIM.format(low=-count, high=count - 1, dim=dim))
    size = x._array.shape[dim]
    if start == 0 and stop >= size and step == 1 and not always:
        return x
    start = inside(start, size)
    stop = inside(stop, size)
    return apply1(SLICE, x, (dim, start, stop if stop > start else start, step))


def inside(end: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """An end of a range, counted from the front and brought inside the dim."""
    if end < 0:
        end += size
    return 0 if end < 0 else size if end > size else end


def unpack(part: slice) -> tuple:
    """The numbers of a slice with positive step (Python's C function does this when compiled)."""
    step = 1 if part.step is None else part.step.__index__()
    if step == 0:
        raise ValueError(errors.STEP_ZERO)
    ends = []
    for end, default in ((part.start, 0), (part.stop, (1 << 63) - 1)):
        if end is not None and not hasattr(end, "__index__"):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
        ends.append(default if end is None else end.__index__())
    return ends[0], ends[1], step


def position(value: object) -> cython.Py_ssize_t:
    """An index that fits a C integer; ValueError with PyTorch's text otherwise."""
    if not cython.compiled and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("Overflow when unpacking long long")
    try:
        return value
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None


def is_int(value: object) -> bool:
    """Whether an index is an integer (a bool is none)."""
    return (isinstance(value, int) and not isinstance(value, bool)) or isinstance(value, np.integer)


# ---- everything else ------------------------------------------------------------------------------------------------


def as_tuple(index: object) -> tuple:
    """The parts of an index: those of a tuple (or of a short list that holds sequences), else the one."""
    if isinstance(index, tuple):
        return tuple(index)
    return tuple(index) if means_tuple(index) else (index,)


def as_part(value: object) -> object:
    """A part of an index as an int, slice, None, Ellipsis, bool or Tensor; IndexError for anything else."""
    if value is None or value is Ellipsis or isinstance(value, (slice, bool, Tensor)):
        return value
    if is_int(value):
        return int(value)
    if is_sequence(value):
        return wrap(from_sequence(value))
    try:
        return value.__index__()
    except (AttributeError, TypeError):
        kind = type(value)
        name = f"{kind.__module__}.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
        raise IndexError(errors.INDEX_TYPE.format(type=name)) from None


def dims_of_part(part: object) -> int:
    """How many dims of the tensor a part speaks of."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    if isinstance(part, Tensor) and cython.cast(object, cython.cast(Tensor, part)._array).dtype.num in (0, 2):
        return cython.cast(Tensor, part)._array.ndim
    return 1


def apply_parts(x: Tensor, parts: list, picks: list) -> Tensor:
    """Apply the basic parts one after the other; (dim, tensor) of the others go to `picks`."""
    dim: cython.int = 0
    place: cython.int
    count: cython.int = 0
    whole: cython.int = x._array.ndim
    for part in parts:
        count += dims_of_part(part)
    if count > whole:
        raise IndexError(errors.INDEX_MANY.format(dims=whole))
    for place in range(len(parts)):
        part = parts[place]
        if isinstance(part, slice):
            x = slice_at(x, dim, part, False)
            dim += 1
        elif part is None:
            x = unsqueezed(x, dim)
            dim += 1
        elif part is Ellipsis:
            dim += whole - count
        elif isinstance(part, int) and not isinstance(part, bool):
            x = select_at(x, dim, position(part), place)
        else:
            x, dim = apply_tensor(x, part, dim, place, picks)
    return x


def unsqueezed(x: Tensor, dim: cython.int) -> Tensor:
    """A new dim of length 1. IndexError for a place beyond the last dim (two Ellipses lead there)."""
    count: cython.int = x._array.ndim
    if dim > count:
        raise IndexError(errors.DIM.format(low=-count - 1, high=count, dim=dim))
    return apply1(UNSQUEEZE, x, dim)


def apply_tensor(x: Tensor, part: object, dim: cython.int, place: cython.int, picks: list) -> tuple:
    """One tensor (or bool) of an index: an int's or a bool's worth if it has no dims, else noted in `picks`."""
    array: ndarray
    if isinstance(part, bool):
        array = np.asarray(part)
    else:
        array = cython.cast(Tensor, part)._array
    kind: str = cython.cast(object, array).dtype.char
    if array.ndim == 0 and kind in "?B":
        x = unsqueezed(x, dim)
        picks.append((dim, wrap(np.zeros(1 if array.item() else 0, np.int64))))
        return x, dim + 1
    if array.ndim == 0 and not is_float(array):
        return select_at(x, dim, array.item(), place), dim
    picks.append((dim, part))
    return x, dim + (array.ndim if kind in "?B" else 1)


def split_picks(picks: list) -> tuple:
    """(tensors, their dims) of what `apply_parts` collected."""
    return tuple([pick[1] for pick in picks]), tuple([pick[0] for pick in picks])


def get_parts(x: Tensor, index: object) -> Tensor:
    """`x[index]` for any index."""
    picks: list = []
    y: Tensor
    parts = [as_part(part) for part in as_tuple(index)]
    y = apply_parts(x, parts, picks)
    if not picks:
        return apply1(ALIAS, x, None) if y is x else y
    tensors, dims = split_picks(picks)
    for one in tensors:
        checked(cython.cast(Tensor, one)._array)
    return apply(INDEX, (y,) + tensors, dims)


@cython.cclass
class GetItem(Called):
    """`x[index]`."""

    @cython.cfunc
    def call2(self, x: object, index: object, out: object) -> object:
        t: Tensor = cython.cast(Tensor, x)
        if type(index) is int:
            return select_at(t, 0, position(index), 0)
        if type(index) is slice:
            return slice_at(t, 0, index, True)
        if index is None:
            return apply1(UNSQUEEZE, t, 0)
        if index is Ellipsis:
            return apply1(ALIAS, t, None)
        if is_int(index):
            return select_at(t, 0, position(int(index)), 0)
        return get_parts(t, index)


# ---- assignment -----------------------------------------------------------------------------------------------------


@cython.cclass
class SetItem(Called):
    """`x[index] = value`: a write to the view that a basic index gives, index_put_ for an advanced one."""

    @cython.cfunc
    def call3(self, x: object, index: object, value: object, out: object) -> object:
        t: Tensor = cython.cast(Tensor, x)
        y: Tensor
        picks: list = []
        if not isinstance(value, Tensor):
            value = number_for(t, value)
        if index is False:
            return None
        if type(index) is int or is_int(index):
            y = select_at(t, 0, position(int(index)), 0)
        elif type(index) is slice:
            y = slice_at(t, 0, index, False)
        elif index is True:
            y = apply1(UNSQUEEZE, t, 0)
        else:
            y = apply_parts(t, [as_part(part) for part in as_tuple(index)], picks)
        if not picks:
            assign(y, value)
            return None
        tensors, dims = split_picks(picks)
        value = without_ones(value if isinstance(value, Tensor) else wrap(constant(value, dtypes.of(t._array))))
        put_into(y, tensors, dims, value, False, INPLACE)
        return None


def number_for(x: Tensor, value: object) -> object:
    """A number that is assigned to elements of `x`; TypeError if it is none, RuntimeError if it does not fit."""
    if isinstance(value, (float, int)) or isinstance(value, (complex, np.integer)):
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
        if isinstance(value, float) and is_float(x._array) and -6e4 < value < 6e4:
            return value
        return constant(value, dtypes.of(x._array)).item()
    name = type(value).__module__ + "." if type(value).__module__ == "numpy" else ""
    raise TypeError(errors.INDEX_ASSIGN.format(
        value=name + type(value).__name__, tensor=f"torch.{kind_name(x._array)}Tensor"))


def assign(y: Tensor, value: object):
    """Write a number or a tensor, broadcast, into a view."""
    v: Tensor
    if not isinstance(value, Tensor):
        if y._array.ndim == 0 and grad_enabled() and requires(y):
            value = wrap(constant(value, dtypes.of(y._array)))
        else:
            fill_with(y, value)
            return
    v = cython.cast(Tensor, value)
    if not same_shape(y._array, v._array):
        if v._array.ndim == 0:
            fill_with(y, v)
            return
        v = expanded(without_ones(v), y)
    slots.copy.call2(y, v, INPLACE)


def without_ones(v: Tensor) -> Tensor:
    """The tensor without its leading dims of length 1."""
    shape: tuple = shape_of(v._array)
    k: cython.int = 0
    while k < len(shape) and shape[k] == 1:
        k += 1
    return v if k == 0 else apply1(VIEW, v, shape[k:])


def expanded(v: Tensor, y: Tensor) -> Tensor:
    """`v` in the shape of `y`; RuntimeError if it does not broadcast to it."""
    have: tuple = shape_of(v._array)
    want: tuple = shape_of(y._array)
    k: cython.int
    lead: cython.int = len(want) - len(have)
    if have == want:
        return v
    if lead < 0:
        raise RuntimeError(errors.EXPAND_DIMS.format(
            type=f"torch.{kind_name(v._array)}Tensor", shape=list(have), size=list(want), provided=len(want),
            dims=len(have)))
    for k in range(len(have) - 1, -1, -1):
        if have[k] != want[lead + k] and have[k] != 1:
            raise RuntimeError(errors.EXPAND.format(
                target=want[lead + k], size=have[k], dim=lead + k, targets=list(want), sizes=list(have)))
    return apply1(EXPAND, v, want)


# ---- index_put ------------------------------------------------------------------------------------------------------


def put_into(x: Tensor, tensors: tuple, dims: tuple, values: Tensor, accumulate: bool, out: object) -> object:
    """Put values at index tensors that stand at some dims of `x`."""
    for one in tensors:
        checked(cython.cast(Tensor, one)._array)
    if cython.cast(object, x._array).dtype.num != cython.cast(object, values._array).dtype.num:
        raise RuntimeError(errors.INDEX_PUT_DTYPE.format(
            destination=kind_name(x._array), source=kind_name(values._array)))
    if out is INPLACE and values._array.ndim > 0:
        check_apart(x, (values,) + tensors)
    return change(INDEX_PUT, (x, values) + tensors, (dims, accumulate), out)


def index_put(
    input: object, indices: object, values: object, accumulate: object = False, *, out: object = None,
) -> object:
    """`input` with `values` (broadcast) written at `indices`, a tuple of index tensors for its first dims.

    Index tensors are int64, int32, or masks (bool, uint8), and broadcast together. With `accumulate` the values are
    added, every one of several for one element; without it, one of them stays. IndexError for positions outside,
    RuntimeError where shapes or dtypes do not fit.
    """
    x: Tensor = need_tensor(input, "index_put", "input", 1)
    v: Tensor
    if not isinstance(indices, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(
            function="index_put", name="indices", position=1, expected="tuple of Tensors", type=type(indices).__name__))
    for place, one in enumerate(indices):
        if not isinstance(one, Tensor):
            raise TypeError(errors.CAT_ELEMENT.format(index=place, type=type(one).__name__))
    v = need_tensor(values, "index_put", "values", 2)
    dim = 0
    dims = []
    for one in indices:
        dims.append(dim)
        array = cython.cast(Tensor, one)._array
        dim += array.ndim if cython.cast(object, array).dtype.char in "?B" else 1
    return put_into(x, tuple(indices), tuple(dims), v, bool(accumulate), out)


INDEX = overload(Index(), "index", 0, shapes=1 << 0)
SPREAD = overload(Spread(), "_index_put_impl", None, node="IndexPutImplBackward")
INDEX_PUT = IndexPut()
constants(~1, INDEX, SPREAD)
constants(~3, INDEX_PUT)
allow_overlap(INDEX_PUT, 0)  # put_into has asked, of what it knows more about
INDEX_PUT.expanded = INDEX_PUT.keeps = True


def _index_put_samples(make: object) -> list:
    rows, columns = make(2, low=0, high=3, dtype="int64"), make(2, low=0, high=2, dtype="int64")
    return [
        ((make(3, 4), (rows,), make(2, 4)), {}),
        ((make(3, 4), (rows, columns), make(2)), {"accumulate": True}),
        ((make(3, 4), (rows,), make()), {"accumulate": True}),
    ]


declare(INDEX_PUT, "index_put", overload=None, function=index_put, inplace=True, out=False, looks=0xFFFC,
        samples=_index_put_samples)
fill_slot("getitem", GetItem())
fill_slot("setitem", SetItem())
