"""The elements of a tensor in another shape: view, reshape, flatten, expand and their relatives.

The public functions, with PyTorch's arguments and errors, over the ops of `view`. Other orders of dims are in `axes`,
parts of a tensor in `parts`, splitting in `split`, joining in `join`.
"""
import cython

if not cython.compiled:
    from headgate.core.apply import apply1, cut_here, requires
    from headgate.core.arrays import shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.operators import slots
    from headgate.core.records import INFERENCE, Tensor
    from headgate.core.reports import cut_of
    from headgate.ops.arguments import given, ints, other, place, sequence, whole
    from headgate.ops.reducing import see
    from headgate.ops.view import EXPAND, SUM_TO, VIEW, reshaped

from headgate import dtypes, errors
from headgate.core.declare import composite
from headgate.core.entry import publish
from headgate.core.size import Size

SELF_LAST = "self.stride(-1) must be 1 to view {source} as {target} (different element sizes), but got {stride}"
SELF_SIZE = (
    "self.size(-1) must be divisible by {ratio} to view {source} as {target} (different element sizes), but got {size}"
)
SELF_ZERO_DIM = "self.dim() cannot be 0 to view {source} as {target} (different element sizes)"
SHAPES = (
    "Attempting to broadcast a dimension of length {length} at {at}! Mismatching argument at index {index} had "
    "{shape}; but expected shape should be broadcastable to {seen}"
)
NOT_EXPANDABLE = "size {{{shape}}} is not expandable to size {{{mine}}}."


# ---- the same elements in another shape -----------------------------------------------------------------------------


def inferred(shape: tuple, count: cython.Py_ssize_t) -> tuple:
    """The shape with its -1 worked out. RuntimeError if it does not hold `count` elements."""
    product: cython.Py_ssize_t = 1
    hole: cython.Py_ssize_t = -1
    i: cython.Py_ssize_t
    one: cython.Py_ssize_t
    for i in range(len(shape)):
        one = shape[i]
        if one == -1:
            if hole >= 0:
                raise RuntimeError(errors.VIEW_INFER)
            hole = i
        elif one < 0:
            raise RuntimeError(errors.VIEW_NEGATIVE.format(size=one, index=i, shape=list(shape)))
        else:
            product *= one
    if hole < 0:
        if product != count:
            raise RuntimeError(errors.VIEW_SIZE.format(shape=list(shape), size=count))
        return shape
    if product == 0 and count == 0:
        raise RuntimeError(errors.VIEW_EMPTY.format(shape=list(shape)))
    if product == 0 or count % product != 0:
        raise RuntimeError(errors.VIEW_SIZE.format(shape=list(shape), size=count))
    return shape[:hole] + (count // product,) + shape[hole + 1:]


def size_of(x: Tensor) -> cython.Py_ssize_t:
    """The number of elements."""
    return cython.cast(object, x._array).size


def view(input: object, *shape: object, size: object = None, dtype: object = None) -> object:
    """The same memory in another shape (one length may be -1), or its bytes as another dtype; never a copy.

    RuntimeError if the strides do not allow the shape (use `reshape`), or the sizes do not fit. A view as another
    dtype has no history.
    """
    x: Tensor = given(input, "view")
    if dtype is not None or len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        return view_as_type(x, shape[0] if dtype is None else dtype)
    if not shape and size is None:
        raise TypeError("view() received an invalid combination of arguments - got ()")
    return apply1(VIEW, x, inferred(ints(shape, size, "view", "size"), size_of(x)))


def view_as_type(x: Tensor, kind: object) -> Tensor:
    """The bytes of `x` as another element type: an alias without history."""
    t: Tensor = Tensor.__new__(Tensor)
    a: object = x._array
    mine = dtypes.of(x._array)
    if kind.itemsize != a.itemsize:
        check_view_type(a, mine, kind)
    t._array = a.view(kind.numpy)
    t._storage, t._counter, t._flags = x._storage, x._counter, x._flags & INFERENCE
    t._cut = cut_here("view", "view") if requires(x) else cut_of(x)
    return t


def check_view_type(a: object, mine: object, kind: object) -> bool:
    """RuntimeError unless the bytes can be seen as elements of another size."""
    words = {"source": errors.TYPE_NAMES[mine.name], "target": errors.TYPE_NAMES[kind.name]}
    if a.ndim == 0:
        raise RuntimeError(SELF_ZERO_DIM.format(**words))
    last = a.strides[a.ndim - 1]
    if last != a.itemsize and a.shape[a.ndim - 1] != 1:
        raise RuntimeError(SELF_LAST.format(stride=last // a.itemsize, **words))
    if kind.itemsize > a.itemsize and a.shape[a.ndim - 1] * a.itemsize % kind.itemsize:
        raise RuntimeError(SELF_SIZE.format(ratio=kind.itemsize // a.itemsize, size=a.shape[a.ndim - 1], **words))
    return True


def view_as(input: object, other: object) -> object:
    """`input` viewed in the shape of `other`. Errors as `view`."""
    x: Tensor = given(input, "view_as")
    return apply1(VIEW, x, inferred(shape_of(second(other, "view_as")._array), size_of(x)))


def second(x: object, function: str) -> Tensor:
    """The argument called `other`, which hides the checking function of that name."""
    return other(x, function, "other")


def reshape(input: object, *shape: object, **named: object) -> object:
    """The elements in another shape (one length may be -1): a view where the strides allow it, else a copy.

    RuntimeError if the sizes do not fit.
    """
    x: Tensor = given(input, "reshape")
    if named and list(named) != ["shape"]:
        raise TypeError(f"reshape() got an unexpected keyword argument '{next(iter(named))}'")
    return reshaped(x, inferred(ints(shape, named.get("shape"), "reshape", "shape"), size_of(x)))


def reshape_to(input: object, shape: object) -> object:
    """The elements in another shape (one length may be -1): a view where the strides allow it, else a copy.

    RuntimeError if the sizes do not fit.
    """
    x: Tensor = given(input, "reshape")
    return reshaped(x, inferred(sequence(shape, "reshape", "shape"), size_of(x)))


def reshape_as(input: object, other: object) -> object:
    """`input` reshaped to the shape of `other`. Errors as `reshape`."""
    x: Tensor = given(input, "reshape_as")
    return reshaped(x, inferred(shape_of(second(other, "reshape_as")._array), size_of(x)))


def flatten(input: object, start_dim: object = 0, end_dim: object = -1) -> object:
    """The dims from start_dim to end_dim as one. `input` itself if that is a single dim; else as `reshape`."""
    x: Tensor = given(input, "flatten")
    count: cython.int = x._array.ndim
    if type(start_dim) is not int or type(end_dim) is not int:  # types come before ranges
        start_dim = whole(start_dim, "flatten", "start_dim", 2)
        end_dim = whole(end_dim, "flatten", "end_dim", 3)
    start: cython.int = wrap_dim(start_dim, count)
    end: cython.int = wrap_dim(end_dim, count)
    shape: tuple = shape_of(x._array)
    length: cython.Py_ssize_t = 1
    i: cython.int
    if start > end:
        raise RuntimeError(errors.FLATTEN)
    if count == 0:
        return reshaped(x, (1,))
    if start == end:
        return input
    for i in range(start, end + 1):
        length *= shape[i]
    return reshaped(x, shape[:start] + (length,) + shape[end + 1:])


def unflatten(input: object, dim: object, sizes: object) -> object:
    """One dim split into several (one length may be -1). RuntimeError if they do not multiply up to it."""
    x: Tensor = given(input, "unflatten")
    at: cython.int = place(dim, x._array.ndim, "unflatten", "dim", 1)
    parts: tuple = ints((sizes,), None, "unflatten", "sizes")
    shape: tuple = shape_of(x._array)
    if not parts:
        raise RuntimeError("unflatten: sizes must be non-empty")
    length = shape[at] if shape else 1
    try:
        parts = inferred(parts, length)
    except RuntimeError:
        if parts.count(-1) > 1:
            raise
        raise RuntimeError(errors.UNFLATTEN.format(sizes=list(parts), dim=at, size=length)) from None
    return apply1(VIEW, x, shape[:at] + parts + shape[at + 1:])


def ravel(input: object) -> object:
    """All elements in one dim: a view of `input`, or of a contiguous copy."""
    x: Tensor = given(input, "ravel")
    if not cython.cast(object, x._array).flags.c_contiguous:
        x = slots.clone.call1(x, None)
    return apply1(VIEW, x, (size_of(x),))


# ---- repeated without copying ---------------------------------------------------------------------------------------


def expand(input: object, *size: object, implicit: object = False, **named: object) -> object:
    """Dims of length 1, and new leading ones, repeated to the given lengths without copying (-1 keeps a length).

    RuntimeError for a length that does not fit. Several elements share their memory: clone before writing in place.
    """
    x: Tensor = given(input, "expand")
    return expanded(x, ints(size, named.get("size"), "expand", "size"))


def expanded(x: Tensor, wanted: tuple) -> Tensor:
    """`x` expanded, after PyTorch's checks."""
    try:
        wanted = expanded_shape(x, wanted)
    except RuntimeError:
        see(x)
        raise
    return apply1(EXPAND, x, wanted)


def expanded_shape(x: Tensor, wanted: tuple) -> tuple:
    """The lengths to expand to. RuntimeError for those that do not fit."""
    shape: tuple = shape_of(x._array)
    lead: cython.Py_ssize_t = len(wanted) - len(shape)
    i: cython.Py_ssize_t
    target: list = list(wanted)
    if lead < 0:
        name = errors.TYPE_NAMES[dtypes.of(x._array).name]
        raise RuntimeError(errors.EXPAND_DIMS.format(
            type=f"torch.{name}Tensor", shape=list(shape), size=list(wanted), provided=len(wanted), dims=len(shape)))
    for i in range(len(wanted)):
        if target[i] < 0:
            if target[i] < -1 and i >= lead or target[i] < 0 and i < lead:
                raise RuntimeError(errors.EXPAND_LEADING.format(target=target[i], dim=i) if i < lead else
                                   expand_error(target[i], shape[i - lead], i, wanted, shape))
            target[i] = shape[i - lead]
    for i in range(len(wanted) - 1, lead - 1, -1):
        if target[i] != shape[i - lead] and shape[i - lead] != 1:
            raise RuntimeError(expand_error(target[i], shape[i - lead], i, wanted, shape))
    return tuple(target)


def expand_error(target: object, size: object, dim: object, wanted: tuple, shape: tuple) -> str:
    return errors.EXPAND.format(target=target, size=size, dim=dim, targets=list(wanted), sizes=list(shape))


def expand_as(input: object, other: object) -> object:
    """`input` expanded to the shape of `other`. Errors as `expand`."""
    return expanded(given(input, "expand_as"), shape_of(second(other, "expand_as")._array))


def broadcast_to(input: object, size: object) -> object:
    """`input` expanded to `size`."""
    return expanded(given(input, "broadcast_to"), sequence(size, "broadcast_to", "size"))


def broadcast_shapes(*shapes: object) -> object:
    """The shape to which tensors of the given shapes (or vector lengths) broadcast together. RuntimeError if none."""
    result: list = []
    for index, one in enumerate(shapes):
        shape = list(one) if isinstance(one, (tuple, list)) else [one]
        result = [1] * (len(shape) - len(result)) + result
        for at in range(1, len(shape) + 1):
            mine, new = result[len(result) - at], shape[len(shape) - at]
            if new < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({new}): ({new})")
            if mine == 1:
                result[len(result) - at] = new
            elif new != 1 and new != mine:
                raise RuntimeError(SHAPES.format(length=new, at=-at, index=index, shape=tuple(shape), seen=result))
    return Size(result)


def broadcast_tensors(*tensors: object) -> object:
    """All tensors expanded to the shape to which they broadcast together: a tuple of views (itself, what has it)."""
    inputs = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape: list = []
    for index, one in enumerate(inputs):
        if not isinstance(one, Tensor):
            raise TypeError(errors.CAT_ELEMENT.format(index=index, type=type(one).__name__))
        mine: list = list(shape_of(cython.cast(Tensor, one)._array))
        count = max(len(mine), len(shape))
        mine, shape = [1] * (count - len(mine)) + mine, [1] * (count - len(shape)) + shape
        for at in range(count - 1, -1, -1):
            if shape[at] != mine[at] and shape[at] != 1 and mine[at] != 1:
                raise RuntimeError(errors.BROADCAST.format(a=shape[at], b=mine[at], dim=at))
        shape = [b if a == 1 else a for a, b in zip(shape, mine)]
    wanted: tuple = tuple(shape)
    return tuple([one if shape_of(cython.cast(Tensor, one)._array) == wanted else expanded(one, wanted)
                  for one in inputs])


def sum_to_size(input: object, *size: object, **named: object) -> object:
    """The sum over the dims along which a tensor of shape `size` would be broadcast to `input`'s.

    RuntimeError if it would not be. `input` itself if it has that shape.
    """
    x: Tensor = given(input, "sum_to_size")
    shape: tuple = ints(size, named.get("size"), "sum_to_size", "size")
    mine: tuple = shape_of(x._array)
    i: cython.Py_ssize_t
    lead: cython.Py_ssize_t = len(mine) - len(shape)
    fits = lead >= 0
    for i in range(len(shape)):
        if fits and shape[i] != 1 and shape[i] != mine[lead + i]:
            fits = False
    if not fits:
        raise RuntimeError(NOT_EXPANDABLE.format(shape=list(shape), mine=list(mine)))
    if shape == mine:
        return input
    if lead == 0:
        return apply1(SUM_TO, x, shape)
    return apply1(VIEW, apply1(SUM_TO, x, (1,) * lead + shape), shape)


# ---- the table ------------------------------------------------------------------------------------------------------

composite("Tensor.view", view, samples=lambda make: [
    ((make(3, 4), 12), {}), ((make(3, 4), (2, -1)), {}), ((make(3, 4), 2, 3, 2), {}), ((make(0, 3), 3, 0), {}),
    ((make(), 1, 1), {}), ((make(3, 4),), {"size": (4, 3)}),
])
composite("Tensor.view_as", view_as, samples=lambda make: [((make(3, 4), make(2, 6)), {})])
composite("Tensor.reshape", reshape, samples=lambda make: [
    ((make(3, 4), (12,)), {}), ((make(3, 4).transpose(0, 1), (-1,)), {}), ((make(), (1, 1)), {}),
    ((make(2, 3, 4).transpose(0, 1), (3, -1)), {}), ((make(0, 3), (3, 0, 2)), {}),
])
composite("Tensor.reshape_as", reshape_as, samples=lambda make: [((make(3, 4).transpose(0, 1), make(2, 6)), {})])
composite("flatten", flatten, samples=lambda make: [
    ((make(2, 3, 4),), {}), ((make(2, 3, 4), 1), {}), ((make(2, 3, 4).transpose(0, 2),), {"end_dim": 1}),
    ((make(),), {}),
])
composite("unflatten", unflatten, samples=lambda make: [
    ((make(3, 4), 1, (2, 2)), {}), ((make(6, 2), 0, (-1, 3)), {}), ((make(6), -1, [2, 3]), {}),
])
composite("ravel", ravel, samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4).transpose(0, 1),), {}), ((make(),), {}),
])
composite("Tensor.expand", expand, samples=lambda make: [
    ((make(3, 1), 3, 4), {}), ((make(3, 1), (2, -1, 4)), {}), ((make(), 2, 3), {}), ((make(1), 0), {}),
])
composite("Tensor.expand_as", expand_as, samples=lambda make: [((make(3, 1), make(2, 3, 4)), {})])
composite("broadcast_to", broadcast_to, samples=lambda make: [((make(3, 1), (2, 3, 4)), {}), ((make(), (0,)), {})])
composite("Tensor.sum_to_size", sum_to_size, samples=lambda make: [
    ((make(3, 4), 1, 4), {}), ((make(3, 4), (4,)), {}), ((make(2, 3, 4), 3, 1), {}),
])
composite("broadcast_tensors", broadcast_tensors, method=False, samples=lambda make: [
    ((make(3, 1), make(2, 1, 4)), {}), ((make(), make(2)), {}),
])
publish("reshape", reshape_to)
publish("broadcast_shapes", broadcast_shapes)
