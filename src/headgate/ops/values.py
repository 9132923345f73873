"""Tensors from what other code holds: numbers, nested lists, arrays, buffers, DLPack capsules.

`tensor` copies; `from_numpy`, `as_tensor`, `asarray`, `frombuffer` and `from_dlpack` share memory where they can. What
had a gradient and loses it here notes the place.
"""
import warnings

import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import cut_here, requires
    from headgate.core.records import Tensor
    from headgate.core.reports import cut_of
    from headgate.core.storage import Cut
    from headgate.core.values import array_of_values
    from headgate.kernels.reference import copy_into
    from headgate.ops.creation import leaf

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import install_method
from headgate.core.entry import publish
from headgate.core.operators import set_tensor_of
from headgate.core.options import check_options, kind_of
from headgate.core.taken import cut_of_taken
from headgate.core.values import tensors_in


class ReadOnly:
    """The shield of memory that may not be written, as of a read-only array."""

    def refuse(self, x: object) -> None:
        """Refuse a write."""
        raise ValueError("assignment destination is read-only")


READ_ONLY = ReadOnly()


class Exported:
    """Owns the memory of an array that was exported from a tensor cut out of a graph, and remembers the cut."""

    def __init__(self, array: object, cut: object) -> None:
        self.__array_interface__ = array.__array_interface__
        self.array = array
        self.cut = cut


def cut_of_array(array: object) -> object:
    """The cut behind an array that `numpy()` exported from a tensor without its history, or None."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base.cut if isinstance(base, Exported) else None


def as_leaf(array: object, requires_grad: object, name: str, source: object) -> Tensor:
    """A leaf from `source`; if a tensor with history, or cut from one, is in it, that is what is noted."""
    t: Tensor = leaf(array, requires_grad, name)
    x: Tensor
    item: object
    if t._cut is None:
        return t
    if isinstance(source, np.ndarray):
        cut = cut_of_array(source)
        if cut is not None:
            t._cut = cut
        return t
    if isinstance(source, (float, int, list, tuple)):
        cut = cut_of_taken(source)
        if cut is not None:
            t._cut = cut
            return t
    for item in tensors_in(source):
        x = item
        if requires(x):
            t._cut = cut_here("tensor", name)
            if not isinstance(source, Tensor):
                warnings.warn(errors.SCALAR_GRAD, UserWarning, stacklevel=3)
            break
        why: Cut = cut_of(x)
        if why is not None and why.kind != "leaf":
            t._cut = why
    return t


def checked_array(array: object) -> object:
    """The array, if a tensor can share its memory; TypeError or ValueError with PyTorch's text if not."""
    if cython.compiled and PyArray_ISCARRAY_RO(array):  # noqa: F821  (in C order, aligned, native)
        dtypes.of(array)
        return array
    dtypes.from_numpy(array.dtype)
    if array.size:
        if array.strides and min(array.strides) < 0:
            raise ValueError(errors.NEGATIVE_STRIDE)
        if any([stride % array.itemsize for stride in array.strides]):
            raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy "
                             "array to reallocate the memory.")
    return array


def new_array(data: object, dtype: object, name: str) -> object:
    """A fresh array of the values of `data`."""
    kind = None if dtype is None else kind_of(dtype, name)
    if isinstance(data, Tensor):
        array: object = cython.cast(Tensor, data)._array
    elif isinstance(data, np.ndarray):
        array = checked_array(data)
    else:
        return array_of_values(data, kind)
    if kind is not None and kind.name == "float16" and array.dtype.char == "d":
        return copy_into(np.empty_like(array, kind.numpy, "C" if array.ndim < 2 else "K", False), array)
    if kind is None or kind is dtypes.of(array):
        return np.array(array, order="C" if array.ndim < 2 else "K")
    with np.errstate(invalid="ignore", over="ignore"):
        return np.array(array, kind.numpy, order="C" if array.ndim < 2 else "K")


def tensor(
    data: object, *, dtype: object = None, device: object = None, requires_grad: object = False,
    pin_memory: object = False,
) -> object:
    """A new leaf tensor with a copy of `data`: a number, nested sequences of numbers, an array, a tensor.

    Python floats become the default float, ints int64, bools bool; arrays and NumPy numbers keep their type, unless
    `dtype` is given. ValueError for ragged sequences, RuntimeError for what has no element type. Where a tensor that
    requires grad is copied, its history ends, which the error for a loss without history then names.
    """
    if device is not None or pin_memory:
        check_options("tensor", None, device, pin_memory)
    if isinstance(data, Tensor):
        warnings.warn(errors.COPY_CONSTRUCT, UserWarning, stacklevel=2)
    return as_leaf(new_array(data, dtype, "tensor"), requires_grad, "tensor", data)


def new_tensor(
    self: object, data: object, *, dtype: object = None, device: object = None, requires_grad: object = False,
    layout: object = None, pin_memory: object = False,
) -> object:
    """A new leaf tensor with a copy of `data`, in this tensor's type unless `dtype` is given."""
    check_options("new_tensor", layout, device, pin_memory)
    if isinstance(data, Tensor):
        warnings.warn(errors.COPY_CONSTRUCT, UserWarning, stacklevel=2)
    return as_leaf(new_array(data, dtype or self.dtype, "new_tensor"), requires_grad, "new_tensor", data)


def shared(array: object, name: str) -> Tensor:
    """A tensor over the memory of an array."""
    t: Tensor
    writeable: cython.bint = PyArray_ISWRITEABLE(array) if cython.compiled else array.flags.writeable  # noqa: F821
    if not writeable:
        warnings.warn(errors.READ_ONLY_ARRAY, UserWarning, stacklevel=3)
    t = as_leaf(checked_array(array), False, name, array)
    t._storage.foreign = True
    if not writeable:
        t._storage.shield = READ_ONLY
    return t


def from_numpy(ndarray: object) -> object:
    """A tensor over the memory of an array: a write to one is seen in the other.

    TypeError for what is no array or has no element type here, ValueError for negative strides and foreign byte
    order. A read-only array warns, and writing to the tensor raises ValueError (PyTorch writes).
    """
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        named = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        raise TypeError(errors.NOT_AN_ARRAY.format(type=named))
    return shared(ndarray, "from_numpy")


def converted(t: object, dtype: object) -> object:
    """The tensor in another type; itself if it has it."""
    if dtype is None or kind_of(dtype, "as_tensor") is t.dtype:
        return t
    return t.to(dtype)


def as_tensor(data: object, dtype: object = None, device: object = None) -> object:
    """`data` as a tensor: itself if it is one of that type, over the same memory if it is an array, else a copy.

    A tensor keeps its history; `dtype` converts, with a gradient.
    """
    check_options("as_tensor", None, device, False)
    if isinstance(data, Tensor):
        return converted(data, dtype)
    if isinstance(data, np.ndarray):
        return converted(shared(data, "as_tensor"), dtype)
    if hasattr(data, "__dlpack__") and not isinstance(data, np.generic):
        return converted(from_dlpack(data), dtype)
    return as_leaf(new_array(data, dtype, "as_tensor"), False, "as_tensor", data)


def asarray(
    obj: object, *, dtype: object = None, device: object = None, copy: object = None, requires_grad: object = None,
) -> object:
    """`obj` as a tensor: shares memory with a tensor, an array, a DLPack or buffer object where it can.

    copy: True always copies; False raises ValueError where a copy would be needed. requires_grad: by default that of
    a tensor given, else False.
    """
    check_options("asarray", None, device, False)
    kind = None if dtype is None else kind_of(dtype, "asarray")
    if not isinstance(obj, (Tensor, np.ndarray)) and (not hasattr(obj, "__dlpack__") or isinstance(obj, np.generic)):
        return from_object(obj, kind, copy, bool(requires_grad))
    t = obj if isinstance(obj, Tensor) else (
        shared(obj, "asarray") if isinstance(obj, np.ndarray) else from_dlpack(obj))
    if copy is False and kind is not None and kind is not t.dtype:
        raise ValueError(
            f"can't alias tensor with dtype '{errors.TYPE_NAMES[t.dtype.name]}' into dtype "
            f"'{errors.TYPE_NAMES[kind.name]}'.")
    t = converted(t, kind)
    if copy and (t is obj or not isinstance(obj, Tensor)):
        t = t.clone()
    if requires_grad is None:
        if isinstance(obj, Tensor) and obj.requires_grad:
            warnings.warn(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
                "requires_grad=False explicitly to get the old behavior and silence this warning.",
                UserWarning, stacklevel=2)
        return t
    if not requires_grad:
        return t.detach() if t.requires_grad else t
    if not t.dtype.is_floating_point:
        raise RuntimeError(errors.INTEGER_CREATION)
    return t if t.requires_grad else t.requires_grad_()


def from_object(obj: object, kind: object, copy: object, requires_grad: bool) -> object:
    """A tensor from a buffer (shared) or from numbers (copied)."""
    try:
        memoryview(obj)  # type: ignore[arg-type]
    except TypeError:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.") from None
        return as_leaf(new_array(obj, kind, "asarray"), requires_grad, "asarray", obj)
    if isinstance(obj, np.generic):
        return as_leaf(new_array(obj, kind, "asarray"), requires_grad, "asarray", obj)
    t = frombuffer(obj, dtype=kind or dtypes.default_dtype(), requires_grad=requires_grad)
    return t.clone() if copy else t


def frombuffer(
    buffer: object, *, dtype: object, count: object = -1, offset: object = 0, requires_grad: object = False,
) -> object:
    """A one-dimensional tensor over the memory of a buffer: `count` elements (-1: all) from byte `offset`.

    ValueError where they are not there. A read-only buffer warns, and writing to the tensor raises ValueError.
    """
    kind = kind_of(dtype, "frombuffer")
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    length, size = view.nbytes, kind.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1")
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({size})")
    if count > 0 and offset + count * size > length:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({length} bytes)")
    if view.readonly:
        warnings.warn("The given buffer is not writable, and PyTorch does not support non-writable tensors.",
                      UserWarning, stacklevel=2)
    array = np.frombuffer(view, np.uint8, -1 if count < 0 else count * size, offset).view(kind.numpy)
    t: Tensor = leaf(array, requires_grad, "frombuffer")
    t._storage.foreign = True
    if view.readonly:
        t._storage.shield = READ_ONLY
    return t


# ---- DLPack ---------------------------------------------------------------------------------------------------------


def from_dlpack(ext_tensor: object, *, device: object = None, copy: object = None) -> object:
    """A tensor over the memory of any object with `__dlpack__` on the CPU. BufferError if it cannot be exported."""
    if isinstance(ext_tensor, Tensor) and not copy:
        return ext_tensor.detach() if ext_tensor.requires_grad is False else ext_tensor.__dlpack__()
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = Capsule(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError("from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only "
                           "once, so you might have already constructed a tensor from it once.")
    array = np.from_dlpack(ext_tensor)
    t: Tensor = as_leaf(array.copy() if copy else array, False, "from_dlpack", array)
    if not copy:
        t._storage.foreign = True
        if not array.flags.writeable:
            t._storage.shield = READ_ONLY
    return t


class Capsule:
    """Hands on a DLPack capsule that was made already."""

    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: object) -> object:
        return self.capsule

    def __dlpack_device__(self) -> tuple:
        return (1, 0)


def to_dlpack(
    self: object, *, stream: object = None, max_version: object = None, dl_device: object = None, copy: object = None,
) -> object:
    """A DLPack capsule of the tensor's memory. BufferError for a tensor that requires grad, as in PyTorch."""
    t: Tensor = self
    if requires(t):
        raise BufferError(errors.DLPACK_GRAD)
    if max_version is None and copy is None and dl_device is None:
        return cython.cast(object, t._array).__dlpack__()
    return cython.cast(object, t._array).__dlpack__(
        stream=None, max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(self: object) -> object:
    """(1, 0): the CPU."""
    return (1, 0)


for _function in (tensor, from_numpy, as_tensor, asarray, frombuffer, from_dlpack):
    publish(_function.__name__, _function)
set_tensor_of(tensor)
install_method("new_tensor", new_tensor)
install_method("__dlpack__", to_dlpack)
install_method("__dlpack_device__", dlpack_device)
