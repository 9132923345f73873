"""clone, contiguous, copy_ and conversion to another dtype or type: to, type, float and their like.

The public functions, with PyTorch's arguments and errors, over the ops of `copying`.
"""
import cython

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import is_contiguous, shape_of
    from headgate.core.records import Tensor
    from headgate.ops.arguments import given, other
    from headgate.ops.copying import CLONE, COPY, TO_COPY

from headgate import dtypes
from headgate.core.declare import composite, declare, install_method
from headgate.core.device import channels_last, check_device, contiguous_format, preserve_format
from headgate.core.device import memory_format as memory_format_type
from headgate.core.options import no_combination

ARGUMENTS = {"dtype", "device", "non_blocking", "copy", "memory_format"}
FORMAT_TYPE = "{name}(): argument 'memory_format' must be torch.memory_format, not {type}"
FORMAT_RANK = "required rank {rank} tensor to use {name} format"


def layout_of(x: Tensor, wanted: object, name: str, item: cython.Py_ssize_t) -> object:
    """The attrs of Clone for a memory format: None keeps the layout, True is contiguous, else strides in bytes."""
    if wanted is None or wanted is preserve_format:
        return None
    if not isinstance(wanted, memory_format_type):
        raise TypeError(FORMAT_TYPE.format(name=name, type=type(wanted).__name__))
    if wanted is contiguous_format:
        return True
    rank: cython.int = 4 if wanted is channels_last else 5
    if x._array.ndim != rank:
        raise RuntimeError(FORMAT_RANK.format(rank=rank, name=wanted.name))
    return channels_strides(shape_of(x._array), item)


def channels_strides(shape: tuple, item: cython.Py_ssize_t) -> tuple:
    """The strides in bytes with the channels (dim 1) innermost."""
    strides: list = [0] * len(shape)
    step: cython.Py_ssize_t = item
    for dim in [1] + list(range(len(shape) - 1, 1, -1)) + [0]:
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def clone(input: object, *, memory_format: object = None) -> object:
    """A copy with memory of its own, in the same layout if the tensor is dense; gradients pass to `input`.

    memory_format: `torch.contiguous_format` and its like ask for another layout.
    """
    x: Tensor = given(input, "clone")
    return apply1(CLONE, x, layout_of(x, memory_format, "clone", cython.cast(object, x._array).itemsize))


def contiguous(input: object, *, memory_format: object = contiguous_format) -> object:
    """The tensor itself if it lies in memory in the order of its dims (or as memory_format says), else such a copy."""
    x: Tensor = given(input, "contiguous")
    if memory_format is contiguous_format and is_contiguous(x._array):
        return input
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    layout = layout_of(x, memory_format, "contiguous", cython.cast(object, x._array).itemsize)
    if lies_as(x, layout):
        return input
    return apply1(CLONE, x, layout)


def lies_as(x: Tensor, layout: object) -> bool:
    """Whether a tensor has the layout that the attrs of Clone ask for."""
    if layout is None:
        return True
    if layout is True:
        return is_contiguous(x._array)
    for length, step, want in zip(shape_of(x._array), cython.cast(object, x._array).strides, layout):
        if length != 1 and step != want:
            return False
    return True


def copy_(self: object, src: object, non_blocking: object = False) -> object:
    """Write `src` (a tensor or number, broadcast, of any dtype) into this tensor; returns it.

    Gradients pass to `src`. RuntimeError if it does not broadcast to this shape, or both overlap in part.
    """
    return COPY.call2(self, src, None)


# ---- conversion -----------------------------------------------------------------------------------------------------


def converted(x: Tensor, kind: object, copy: bool, layout: object) -> Tensor:
    """`x` as another dtype: itself if nothing changes and no copy is asked for."""
    mine: object = dtypes.of(x._array)
    if kind is None or kind is mine:
        if not copy and (layout is None or lies_as(x, layout)):
            return x
        kind = mine
    return apply1(TO_COPY, x, (kind.numpy, layout))


def cast_to(x: object, kind: object, copy: object, layout: object) -> object:
    """`converted`, for modules that cannot call it at C speed."""
    return converted(x, kind, copy, layout)


def to(input: object, *args: object, **kwargs: object) -> object:
    """The tensor as another dtype: `to(dtype)`, `to(device, dtype)`, `to(other)`, with copy= and memory_format=.

    Itself if nothing changes, unless `copy`. Gradients pass, converted back. Headgate has the device "cpu" only:
    AssertionError or RuntimeError for others, as PyTorch without an accelerator.
    """
    x: Tensor = given(input, "to")
    if len(args) == 1 and not kwargs:  # most calls
        if isinstance(args[0], dtypes.dtype):
            return converted(x, args[0], False, None)
        if not isinstance(args[0], Tensor):
            check_device(args[0])
            return x
    kind, copy, wanted = asked(args, kwargs)
    item = cython.cast(object, x._array).itemsize if kind is None else kind.itemsize
    return converted(x, kind, copy, layout_of(x, wanted, "to", item))


def asked(args: tuple, kwargs: dict) -> tuple:
    """dtype, copy and memory format of a call of `to`; the device is checked."""
    rest: list = list(args)
    kind: object = kwargs.get("dtype")
    if len(rest) > 4:
        raise no_combination("to", args, kwargs)
    if rest and isinstance(rest[0], Tensor):
        kind = dtypes.of(cython.cast(Tensor, rest.pop(0))._array)
    elif rest and isinstance(rest[0], dtypes.dtype):
        kind = rest.pop(0)
    else:
        check_device(rest.pop(0) if rest else kwargs.get("device"))
        if rest:
            kind = rest.pop(0)
    if len(rest) > 2 or (kwargs and not set(kwargs) <= ARGUMENTS):
        raise no_combination("to", args, kwargs)
    if kind is not None and not isinstance(kind, dtypes.dtype):
        raise no_combination("to", args, kwargs)
    copy: object = rest[1] if len(rest) > 1 else kwargs.get("copy", False)
    return kind, bool(copy), kwargs.get("memory_format")


def type_as(input: object, other: object) -> object:
    """`input` as the dtype of `other`."""
    return converted(given(input, "type_as"), dtypes.of(another(other, "type_as")._array), False, None)


def another(x: object, function: str) -> Tensor:
    """The argument called `other`, which hides the checking function of that name."""
    return other(x, function, "other")


def converter(name: str, kind: object) -> object:
    """The method `x.double()` and its like."""

    def method(self: object, memory_format: object = None) -> object:
        x: Tensor = given(self, name)
        return converted(x, kind, False, layout_of(x, memory_format, name, kind.itemsize))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor as {kind.name}: itself if it is already, else a copy, through which gradients pass."
    return method


def cpu(self: object, memory_format: object = None) -> object:
    """The tensor itself: it is on the CPU."""
    x: Tensor = given(self, "cpu")
    return converted(x, None, False, layout_of(x, memory_format, "cpu", cython.cast(object, x._array).itemsize))


# ---- the table ------------------------------------------------------------------------------------------------------

declare(CLONE, "clone", function=clone, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4).transpose(0, 1),), {}), ((make(),), {}), ((make(0, 3),), {}),
])
composite("Tensor.contiguous", contiguous, samples=lambda make: [
    ((make(4, 3).contiguous().transpose(0, 1),), {}),
])
composite("Tensor.copy_", copy_, samples=None)
composite("Tensor.to", to, samples=lambda make: [
    ((make(3, 4), dtypes.float64), {"copy": True}), ((make(3), "cpu", dtypes.float64), {"copy": True}),
])
composite("Tensor.type_as", type_as, samples=None)
for _name, _kind in (
    ("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"), ("long", "int64"),
    ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8"), ("bool", "bool"),
):
    install_method(_name, converter(_name, dtypes.by_name(_kind)))
install_method("cpu", cpu)
