"""The old ways to make tensors: `Tensor(2, 3)`, `FloatTensor([1.0])`, `x.new(...)`; and instances of subclasses.

A size gives uninitialised memory, a sequence its values. `as_subclass`, `_make_subclass` give a tensor another class.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import is_float
    from headgate.core.records import Tensor
    from headgate.core.surface import bare, take_over
    from headgate.core.values import array_of_values
    from headgate.ops.creation import leaf
    from headgate.ops.view import ALIAS

from headgate import dtypes, errors
from headgate.core.declare import install_method
from headgate.core.device import check_device
from headgate.core.entry import PUBLIC, install
from headgate.core.options import sizes_of
from headgate.core.size import Size
from headgate.core.surface import set_constructor
from headgate.ops.export import TYPES
from headgate.ops.storage import TypedStorage, UntypedStorage, over_storage
from headgate.ops.values import as_leaf

OTHER_TYPE = (
    "expected TensorOptions(dtype={expected}, device=cpu, layout=Strided, requires_grad=false (default), "
    "pinned_memory=false (default), memory_format=(nullopt)) (got TensorOptions(dtype={got}, device=cpu, "
    "layout=Strided, requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt)))"
)


def construct(kind: object, args: tuple, kwargs: dict, name: str) -> Tensor:
    """A plain tensor of type `kind` from a legacy constructor's arguments: sizes, a Size, values, tensor or storage."""
    first: object
    if kwargs:
        check_device(kwargs.pop("device", None))
        if "size" in kwargs:
            args = (Size(kwargs.pop("size")),)
        elif "data" in kwargs:
            args = (kwargs.pop("data"),)
        if kwargs:
            raise TypeError(f"new(): got an unexpected keyword argument '{next(iter(kwargs))}'")
    if not args:
        return leaf(np.empty(0, kind.numpy), False, name)
    first = args[0]
    if len(args) > 1 or isinstance(first, (int, np.integer, Size)) and not isinstance(first, bool):
        return leaf(np.zeros(sizes_of(args, None, "new"), kind.numpy), False, name)
    if isinstance(first, Tensor):
        return cython.cast(Tensor, first.detach())
    if isinstance(first, (UntypedStorage, TypedStorage)):
        return cython.cast(Tensor, over_storage(first, kind))
    if isinstance(first, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if not hasattr(first, "__len__") or not hasattr(first, "__getitem__"):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return as_leaf(array_of_values(first, kind), False, name, first)


def construct_default(args: tuple, kwargs: dict) -> Tensor:
    """What `Tensor(...)` means: the same with the default float, but a tensor keeps its type."""
    return construct(dtypes.default_dtype(), args, kwargs, "Tensor")


set_constructor(construct_default)


def new(self: object, *args: object, **kwargs: object) -> object:
    """A new tensor of this one's type: `x.new(2, 3)` uninitialised, `x.new([1.0])` with values."""
    made = construct(self.dtype, args, kwargs, "new")
    return made.to(self.dtype)


class TensorKind(type):
    """The class of `FloatTensor` and its like: calling one makes a tensor, isinstance asks for the element type."""

    def __call__(cls, *args: object, **kwargs: object) -> object:
        kind = cls.dtype
        if args and isinstance(args[0], Tensor) and args[0].dtype is not kind:
            raise TypeError(OTHER_TYPE.format(
                expected=errors.C_NAMES[kind.name], got=errors.C_NAMES[args[0].dtype.name]))
        return construct(kind, args, kwargs, cls.__name__)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


for _name, _kind in TYPES.items():
    if not _kind.startswith("complex"):
        PUBLIC[_name] = TensorKind(_name, (), {
            "__module__": "torch", "dtype": dtypes.by_name(_kind), "is_cuda": False, "is_sparse": False,
            "__doc__": f"Legacy constructor of {_kind} tensors: of a size, of a sequence of numbers, of a tensor.",
        })


# ---- subclasses -----------------------------------------------------------------------------------------------------


def check_class(cls: object) -> None:
    """TypeError unless `cls` is a subclass of Tensor."""
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})")
    if not issubclass(cls, Tensor):
        raise TypeError(errors.SUBCLASS + " Make sure your class inherits from Tensor.")


def as_subclass(self: object, cls: object) -> object:
    """The tensor as an instance of a subclass: a view of the same memory that gradients pass."""
    check_class(cls)
    x: Tensor = bare(cls)
    take_over(x, apply1(ALIAS, self, None))
    return x


def make_subclass(
    cls: object, data: object, require_grad: object = False, *, dispatch_sizes_strides_policy: object = None,
    dispatch_device: object = False, dispatch_layout: object = False,
) -> object:
    """An instance of a subclass over the memory and version of a tensor, without its history."""
    check_class(cls)
    if not isinstance(data, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="_make_subclass", name="data", position=2, expected="Tensor", type=type(data).__name__))
    x: Tensor = bare(cls)
    t: Tensor = Tensor.detach.__wrapped__(data)  # no mode or class is asked
    if require_grad and not is_float(t._array):
        raise RuntimeError(errors.INTEGER_CREATION)
    take_over(x, t)
    x._wants = bool(require_grad)
    return x


install_method("as_subclass", as_subclass)
install(Tensor, "_make_subclass", staticmethod(make_subclass))
install_method("new", new)
