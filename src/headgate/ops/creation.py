"""Making tensors of given shapes: filled with a number, or like another tensor.

Each notes where it was called, so that the error for a loss without history can name the constant it came from.
Tensors from values, arrays and buffers are made in `values`, ranges in `spaced`.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)
else:
    from headgate.core.apply import cut_here, requires, wrap
    from headgate.core.arrays import is_float, make_view, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Tensor
    from headgate.core.writes import check_writable, note_write
    from headgate.dtypes import dtype as Kind
    from headgate.kernels.reference import like_layout, repeated

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import install_method
from headgate.core.device import channels_last, channels_last_3d, contiguous_format
from headgate.core.entry import publish
from headgate.core.inplace import resize_out
from headgate.core.options import check_flag, check_options, kind_of, sizes_of, stored


def leaf(array: object, requires_grad: object, name: str) -> Tensor:
    """A new leaf that owns `array`; one that asks for no gradient notes the place, for the error that may need it."""
    t: Tensor = wrap(array)
    if requires_grad is False:
        t._cut = cut_here("leaf", name)
        return t
    check_flag(name, requires_grad)
    if requires_grad and not is_float(t._array):
        raise RuntimeError(errors.INTEGER_CREATION)
    t._wants = requires_grad
    return t


def check_tensor(x: object, name: str) -> Tensor:
    """The first argument, which must be a tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="input", position=1, expected="Tensor", type=type(x).__name__))
    return cython.cast(Tensor, x)


def target(out: Tensor, shape: tuple, dtype: object, name: str) -> object:
    """The array of an `out=` tensor, resized to `shape`, ready to be filled; the caller notes the write."""
    kind: object
    if not isinstance(out, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="out", position=0, expected="Tensor", type=type(out).__name__))
    if grad_enabled() and requires(out):
        raise RuntimeError(errors.OUT_GRAD.format(function=name))
    kind = dtypes.of(out._array)
    if dtype is not None and kind_of(dtype, name) is not kind:
        raise RuntimeError(
            f"dtype {errors.TYPE_NAMES[kind_of(dtype, name).name]} does not match dtype of out parameter "
            f"({errors.TYPE_NAMES[kind.name]})")
    check_writable(out, False)
    if shape_of(out._array) != shape:
        resize_out(out, np.empty(shape, kind.numpy))
    return out._array


def plain_sizes(sizes: tuple) -> tuple:
    """The shape, where sizes are given as ints that are not negative; None for all that must be looked at closer."""
    one: object
    if len(sizes) == 1 and type(sizes[0]) is tuple:
        sizes = sizes[0]
    if len(sizes) == 0:
        return None
    for one in sizes:
        if type(one) is not int or one < 0:
            return None
    return sizes


def small(shape: tuple, kind: Kind, value: object) -> ndarray:
    """A new array filled with `value` (None: with whatever is there), if it is small; else None."""
    i: cython.Py_ssize_t
    count: cython.Py_ssize_t = 1
    made: ndarray
    if not cython.compiled or len(shape) > 4 or kind.num < 0:
        return None
    dims = cython.declare(cython.Py_ssize_t[4])
    for i in range(len(shape)):
        if shape[i] > 1024:
            return None
        dims[i] = shape[i]
        count *= dims[i]
    if count > 1024:
        return None
    made = fresh(len(shape), cython.cast(cython.pointer(npy_intp), dims), kind.num)  # noqa: F821
    if value is not None:
        PyArray_FillWithScalar(made, value)  # noqa: F821
    return made


def filled(name: str, value: object, sizes: tuple, size: object, out: object, dtype: object, requires_grad: object):
    """A tensor of the size and type asked for, every element `value`; None for whatever the memory holds."""
    shape: tuple = plain_sizes(sizes) if size is None else None
    array: object
    if shape is None:
        shape = sizes_of(sizes, size, name)
    if out is not None:
        array = target(out, shape, dtype, name)
        if value is not None:
            array.fill(value)
        note_write(out, name)
        if requires_grad:
            cython.cast(Tensor, out).requires_grad = True
        return out
    kind = dtypes.default_dtype() if dtype is None else kind_of(dtype, name)
    array = small(shape, kind, value)
    if array is not None:
        return leaf(array, requires_grad, name)
    if value is None:
        array = np.empty(shape, kind.numpy)
    else:
        array = np.empty((), kind.numpy)
        array.fill(value)
        if shape:
            array = repeated(shape, array)
    return leaf(array, requires_grad, name)


def zeros(
    *sizes: object, size: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """A tensor of the given size filled with 0. `zeros(2, 3)` or `zeros((2, 3))`.

    dtype: the default float if not given. RuntimeError for a negative size.
    """
    if layout is not None or device is not None or pin_memory:
        check_options("zeros", layout, device, pin_memory)
    return filled("zeros", 0, sizes, size, out, dtype, requires_grad)


def ones(
    *sizes: object, size: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """A tensor of the given size filled with 1. Arguments as for `zeros`."""
    if layout is not None or device is not None or pin_memory:
        check_options("ones", layout, device, pin_memory)
    return filled("ones", 1, sizes, size, out, dtype, requires_grad)


def empty(
    *sizes: object, size: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False, memory_format: object = None,
) -> object:
    """A tensor of the given size with whatever the memory holds. Arguments as for `zeros`."""
    if layout is not None or device is not None or pin_memory:
        check_options("empty", layout, device, pin_memory)
    t = filled("empty", None, sizes, size, out, dtype, requires_grad)
    if memory_format is channels_last or memory_format is channels_last_3d:
        t = leaf(last_channels(t, memory_format), requires_grad, "empty")
    return t


def last_channels(x: Tensor, memory_format: object) -> object:
    """An empty array of the tensor's shape and type whose second dimension varies fastest in memory."""
    rank: cython.int = 4 if memory_format is channels_last else 5
    if x._array.ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {memory_format.name} format")
    shape = shape_of(x._array)
    array = np.empty((shape[0],) + shape[2:] + (shape[1],), cython.cast(object, x._array).dtype)
    return np.moveaxis(array, rank - 1, 1)


def full(
    size: object, fill_value: object, *, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """A tensor of the given size filled with a number, whose type it takes unless `dtype` is given.

    RuntimeError for a number that the type does not hold.
    """
    check_options("full", layout, device, pin_memory)
    if not isinstance(size, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(
            function="full", name="size", position=1, expected="tuple of ints", type=type(size).__name__))
    value = number_of(fill_value, "full", "fill_value", 2)
    if out is not None:
        return filled("full", stored(value, dtypes.of(cython.cast(Tensor, out)._array)), (), size, out, dtype,
                      requires_grad)
    kind = dtypes.scalar_dtype(value) if dtype is None else kind_of(dtype, "full")
    if dtype is None and isinstance(fill_value, Tensor):
        kind = dtypes.of(cython.cast(Tensor, fill_value)._array)
    return filled("full", stored(value, kind), (), size, None, kind, requires_grad)


def number_of(value: object, name: str, argument: str, position: cython.int) -> object:
    """A number argument, which may be a tensor without dimensions, as a Python number. TypeError for anything else, and
    where a tensor would get no gradient."""
    if isinstance(value, (bool, int, float, complex)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Tensor) and cython.cast(Tensor, value)._array.ndim == 0:
        if not value.requires_grad or name in ("linspace", "logspace"):
            return value.item()
    raise TypeError(errors.ARGUMENT.format(
        function=name, name=argument, position=position, expected="Number", type=type(value).__name__))


# ---- like another tensor --------------------------------------------------------------------------------------------


def empty_as(x: object, kind: object, memory_format: object) -> object:
    """An uninitialized array of the shape of array `x` and the dtype `kind`, its dimensions in the same order."""
    if memory_format is contiguous_format:
        return np.empty(x.shape, kind.numpy)
    if memory_format is channels_last or memory_format is channels_last_3d:
        return last_channels(wrap(np.empty(x.shape, kind.numpy)), memory_format)
    return like_layout(x, kind.numpy)


def like(name: str, value: object, x: object, dtype: object, layout: object, device: object, pin_memory: object,
         requires_grad: object, memory_format: object) -> object:
    """A tensor of the shape, and unless told otherwise the type, of another one."""
    t: Tensor = check_tensor(x, name)
    if layout is not None or device is not None or pin_memory:
        check_options(name, layout, device, pin_memory)
    kind = dtypes.of(t._array) if dtype is None else kind_of(dtype, name)
    array = empty_as(t._array, kind, memory_format)
    if value is not None:
        array.fill(value if name != "full_like" else stored(value, kind))
    return leaf(array, requires_grad, name)


def zeros_like(
    input: object, *, dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False, memory_format: object = None,
) -> object:
    """Zeros of the shape, type and memory order of `input`; requires no gradient unless asked."""
    return like("zeros_like", 0, input, dtype, layout, device, pin_memory, requires_grad, memory_format)


def ones_like(
    input: object, *, dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False, memory_format: object = None,
) -> object:
    """Ones of the shape, type and memory order of `input`; requires no gradient unless asked."""
    return like("ones_like", 1, input, dtype, layout, device, pin_memory, requires_grad, memory_format)


def empty_like(
    input: object, *, dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False, memory_format: object = None,
) -> object:
    """Uninitialized memory of the shape, type and memory order of `input`."""
    return like("empty_like", None, input, dtype, layout, device, pin_memory, requires_grad, memory_format)


def full_like(
    input: object, fill_value: object, *, dtype: object = None, layout: object = None, device: object = None,
    pin_memory: object = False, requires_grad: object = False, memory_format: object = None,
) -> object:
    """`fill_value` in the shape, type and memory order of `input`. RuntimeError for a number that does not fit."""
    value = number_of(fill_value, "full_like", "fill_value", 2)
    return like("full_like", value, input, dtype, layout, device, pin_memory, requires_grad, memory_format)


# ---- methods: a new tensor of this one's type -----------------------------------------------------------------------


def new_zeros(
    self: object, *sizes: object, size: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """Zeros of the given size in this tensor's type."""
    check_options("new_zeros", layout, device, pin_memory)
    return filled("new_zeros", 0, sizes, size, None, dtype or self.dtype, requires_grad)


def new_ones(
    self: object, *sizes: object, size: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """Ones of the given size in this tensor's type."""
    check_options("new_ones", layout, device, pin_memory)
    return filled("new_ones", 1, sizes, size, None, dtype or self.dtype, requires_grad)


def new_empty(
    self: object, *sizes: object, size: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """Uninitialized memory of the given size in this tensor's type."""
    check_options("new_empty", layout, device, pin_memory)
    return filled("new_empty", None, sizes, size, None, dtype or self.dtype, requires_grad)


def new_full(
    self: object, size: object, fill_value: object, *, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """`fill_value` in the given size and this tensor's type."""
    check_options("new_full", layout, device, pin_memory)
    kind = kind_of(dtype or self.dtype, "new_full")
    value = stored(number_of(fill_value, "new_full", "fill_value", 2), kind)
    return filled("new_full", value, (), size, None, kind, requires_grad)


# ---- strided --------------------------------------------------------------------------------------------------------


def empty_strided(
    size: object, stride: object, *, dtype: object = None, layout: object = None, device: object = None,
    requires_grad: object = False, pin_memory: object = False,
) -> object:
    """Uninitialized memory seen with the given sizes and strides (in elements)."""
    check_options("empty_strided", layout, device, pin_memory)
    shape: tuple = sizes_of((), tuple(size), "empty")
    steps: tuple = tuple(stride)
    if len(shape) != len(steps):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides ({len(steps)})")
    if steps and min(steps) < 0:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(steps)}")
    kind = kind_of(dtype, "empty_strided")
    count = 1 + sum([(length - 1) * step for length, step in zip(shape, steps)]) if 0 not in shape else 0
    t: Tensor = leaf(np.empty(count, kind.numpy), requires_grad, "empty_strided")
    if 0 in shape:
        t._array = cython.cast(object, t._array).reshape(shape)
    else:
        t._array = make_view(t._array, shape, tuple([step * kind.itemsize for step in steps]), 0)
    return t


def new_empty_strided(
    self: object, size: object, stride: object, dtype: object = None, layout: object = None, device: object = None,
    pin_memory: object = False, requires_grad: object = False,
) -> object:
    """Like `empty_strided`, in this tensor's type."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, layout=layout, device=device,
                         requires_grad=requires_grad, pin_memory=pin_memory)


def empty_permuted(
    size: object, physical_layout: object, *, dtype: object = None, layout: object = None, device: object = None,
    requires_grad: object = False, pin_memory: object = False,
) -> object:
    """Uninitialized memory whose dimensions lie in memory in the order of `physical_layout`, outermost first."""
    steps: list = [0] * len(size)
    step = 1
    for axis in reversed(physical_layout):
        steps[axis] = step
        step *= size[axis]
    return empty_strided(size, steps, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad,
                         pin_memory=pin_memory)


def scalar_tensor(
    s: object, *, dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False,
) -> object:
    """A zero-dimensional tensor of a number, in the default float unless `dtype` is given."""
    check_options("scalar_tensor", layout, device, pin_memory)
    kind = kind_of(dtype, "scalar_tensor")
    value = number_of(s, "scalar_tensor", "s", 1)
    return leaf(np.array(stored(value, kind), kind.numpy), requires_grad, "scalar_tensor")


def given(name: str, array: object, out: object, dtype: object, requires_grad: object) -> object:
    """What a function that computes its values returns: a new leaf, or `out` with them."""
    if out is None:
        return leaf(array, requires_grad, name)
    np.copyto(target(out, array.shape, dtype, name), array, casting="unsafe")
    note_write(out, name)
    return out


for _function in (
    zeros, ones, empty, full, zeros_like, ones_like, empty_like, full_like, empty_strided, empty_permuted,
    scalar_tensor,
):
    publish(_function.__name__, _function)
for _method in (new_zeros, new_ones, new_empty, new_full, new_empty_strided):
    install_method(_method.__name__, _method)
