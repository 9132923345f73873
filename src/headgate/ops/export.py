"""From a tensor to Python and NumPy: `item()`, `tolist()`, `numpy()` and NumPy's protocols.

What leaves carries no gradient; an array exported from a tensor that was cut out of a graph remembers the cut.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import cut_here, requires, telling
    from headgate.core.arrays import count_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import DATA, DETACHED, Tensor
    from headgate.core.reports import cut_of
    from headgate.core.storage import Cut
    from headgate.core.surface import plain_item
    from headgate.ops.arguments import given

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import install_method
from headgate.core.device import NO_ACCELERATOR, NO_CUDA
from headgate.core.reports import get_write_guard
from headgate.core.taken import note_taken
from headgate.ops.convert import cast_to
from headgate.ops.values import Exported, shared

#: PyTorch's names of tensor types, as `x.type()` gives them after "torch.".
TYPES: dict = {
    "FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "BFloat16Tensor": "bfloat16",
    "ByteTensor": "uint8", "CharTensor": "int8", "ShortTensor": "int16", "IntTensor": "int32", "LongTensor": "int64",
    "BoolTensor": "bool", "ComplexFloatTensor": "complex64", "ComplexDoubleTensor": "complex128",
}  # fmt: skip
TYPE_OF: dict = {kind: name for name, kind in TYPES.items()}
#: The kinds of cut after which an array is no plain constant.
CUTS = frozenset(["detach", "data", "detach_", "no_grad", "inference", "numpy"])


def type_(self: object, dtype: object = None, non_blocking: object = False, **kwargs: object) -> object:
    """Without arguments the type's name ("torch.FloatTensor"); else the tensor in the type named or given."""
    kind: object = dtype
    if type(dtype) is dtypes.dtype:
        return cast_to(self, dtype, False, None)
    if dtype is None:
        return "torch." + TYPE_OF[dtypes.of(given(self, "type")._array).name]
    if isinstance(dtype, str):
        kind = dtypes.NAMES.get(TYPES.get(dtype.removeprefix("torch."), ""))
    elif not isinstance(dtype, dtypes.dtype):
        kind = getattr(dtype, "dtype", None)
    if not isinstance(kind, dtypes.dtype):
        raise ValueError(f"invalid type: '{dtype if isinstance(dtype, str) else getattr(dtype, '__name__', dtype)}'")
    return self.to(kind)


def cuda(self: object, device: object = None, non_blocking: object = False, memory_format: object = None) -> None:
    """Raises AssertionError: there is no CUDA device."""
    raise AssertionError(NO_CUDA)


def pin_memory(self: object, device: object = None) -> None:
    """Raises RuntimeError: there is no device that memory could be pinned for."""
    raise RuntimeError(NO_ACCELERATOR)


def same(self: object) -> object:
    """The tensor itself: nothing is lazily conjugated or negated."""
    return self


def item(self: object) -> object:
    """The only element as a Python number. RuntimeError if there are more, or none. It carries no gradient."""
    x: Tensor = given(self, "item")
    if count_of(x._array) != 1:
        raise RuntimeError(errors.ITEM.format(count=count_of(x._array)))
    if requires(x):
        return note_taken(plain_item(x._array), "item()")
    return plain_item(x._array)


def tolist(self: object) -> object:
    """The elements as nested lists of Python numbers; a number for zero dimensions."""
    array: object = given(self, "tolist")._array
    if array.dtype.kind not in "biufc":
        array = array.astype(np.float32)
    if requires(self):
        return note_taken(array.tolist(), "tolist()")
    return array.tolist()


def array_of(x: Tensor, name: str) -> object:
    """The tensor's memory as an array: writable, over the same bytes.

    In the write guard's strict mode it is read-only if a graph may need the memory: writes to it would not be seen.
    """
    array: object = x._array
    if array.dtype.kind not in "biufc":
        raise TypeError("Got unsupported ScalarType BFloat16")
    cut: Cut = cut_of(x)
    if cut is None or cut.kind not in CUTS:
        return array.view()
    exported = np.asarray(Exported(array, cut_here("numpy", name)))
    if get_write_guard() == "error" and (x._flags & (DETACHED | DATA) or cut.kind == "detach_"):
        exported.flags.writeable = False
    return exported


def numpy_(self: object, *, force: object = False) -> object:
    """The tensor's memory as a NumPy array: a write to one is seen in the other (and is not counted).

    RuntimeError for a tensor that requires grad while gradients are recorded; `force=True` detaches first.
    """
    return array_of(untracked(self, bool(force)), "numpy")


def untracked(x: Tensor, force: cython.bint) -> Tensor:
    """The tensor, or a detached alias of one that requires grad: where nothing is recorded, or if forced."""
    if not requires(x):
        return x
    if grad_enabled() and not force:
        raise RuntimeError(errors.NUMPY_GRAD)
    return cython.cast(object, x).detach()


def array_protocol(self: object, dtype: object = None, copy: object = None) -> object:
    """What NumPy asks for an array. RuntimeError for a tensor that requires grad while gradients are recorded."""
    array = array_of(untracked(self, False), "__array__")
    if dtype is None:
        return array.copy() if copy else array
    return array.astype(dtype, copy=bool(copy))


def array_wrap(self: object, array: object, context: object = None, return_scalar: object = False) -> object:
    """A tensor from what a NumPy function made of one."""
    t: Tensor = shared(np.asarray(array), "numpy")
    t._cut = telling(t._cut, cut_of(self))
    return t


for _name, _function in (
    ("type", type_), ("cuda", cuda), ("pin_memory", pin_memory), ("resolve_conj", same), ("resolve_neg", same),
    ("item", item), ("tolist", tolist), ("numpy", numpy_), ("__array__", array_protocol),
    ("__array_wrap__", array_wrap),
):
    install_method(_name, _function)
