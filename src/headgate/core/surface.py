"""What Python's protocols ask of a tensor: construction, text, truth, numbers, iteration, and the requires_grad flag.

Also how an instance of a subclass is made. What the legacy constructor `Tensor(...)` means is told in `ops.legacy`,
which fills a slot here.
"""
import warnings
from numbers import Number

import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.apply import current_node, cut_here, requires
    from headgate.core.arrays import count_of, is_float
    from headgate.core.modes import inference_enabled
    from headgate.core.records import INFERENCE, Node, Surface, Tensor
    from headgate.core.reports import cut_leaf, cut_of

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.entry import install
from headgate.core.format import format_tensor
from headgate.core.records import set_surface
from headgate.core.taken import note_taken

_constructor: object = None


def set_constructor(function: object) -> None:
    """Fill the slot of the legacy constructor: called with (arguments, keywords), gives a plain tensor."""
    global _constructor
    _constructor = function


# ---- text and numbers -----------------------------------------------------------------------------------------------


def text_of(x: Tensor) -> str:
    """PyTorch's repr; a subclass's begins with its name."""
    n: Node = current_node(x)
    kind: object = type(x)
    prefix = "tensor(" if kind is Tensor or getattr(kind, "_prints_as_tensor", False) else f"{kind.__name__}("
    return format_tensor(
        x._array, dtype=dtypes.of(x._array), requires_grad=x._wants,
        grad_fn_name=n.op.label(n) if n is not None else None, prefix=prefix)


def plain_item(array: ndarray) -> object:
    """The only element of an array as a Python number."""
    value: object = cython.cast(object, array).item()
    if isinstance(value, (float, int, complex)):
        return value
    return float(value)  # bfloat16 is a type of its own to NumPy


def truth(x: Tensor) -> bool:
    """The truth value of a tensor of one element; RuntimeError otherwise."""
    if count_of(x._array) == 1:
        return bool(plain_item(x._array))
    raise RuntimeError(errors.BOOL_MANY if count_of(x._array) else errors.BOOL_EMPTY)


def number(x: Tensor, kind: object) -> object:
    """A tensor of one element as a Python number."""
    if count_of(x._array) != 1:
        raise ValueError(errors.ONE_ELEMENT)
    value = plain_item(x._array)
    if kind is float and requires(x):
        warnings.warn(errors.SCALAR_GRAD, UserWarning, stacklevel=2)
        note_taken(value, "float()")
    if kind is int and type(value) is float and value - value != 0 and value == value:
        raise OverflowError("cannot convert float infinity to integer")
    return kind(value)


def index(x: Tensor) -> int:
    """An integer tensor of one element as an index."""
    if count_of(x._array) != 1 or is_float(x._array):
        raise TypeError(errors.AS_INDEX)
    return int(x._array.item())


def length(x: Tensor) -> object:
    """The length of a tensor's first dimension."""
    if x._array.ndim == 0:
        raise TypeError("len() of a 0-d tensor")
    return x._array.shape[0]


def iterate(x: Tensor) -> object:
    """The rows of a tensor."""
    if x._array.ndim == 0:
        raise TypeError(errors.ITERATE_ZERO_DIM)
    return iter(cython.cast(object, x).unbind(0))


def contains(x: Tensor, element: object) -> bool:
    """Whether an element equals a number or tensor."""
    if not isinstance(element, (Tensor, Number)):
        raise RuntimeError(errors.CONTAINS.format(type=type(element)))
    return bool((x == element).any().item())


def formatted(self: object, format_spec: object) -> object:
    """A zero-dimensional tensor as its number is formatted; others as their text. TypeError for a format of these."""
    x: Tensor = self
    if x._array.ndim == 0 and type(self) is Tensor:
        return format(plain_item(x._array), format_spec)
    return object.__format__(self, format_spec)


# ---- construction ---------------------------------------------------------------------------------------------------

_raw_new = Tensor.__new__


def bare(kind: object) -> Tensor:
    """An instance of Tensor or a subclass of it with nothing in it."""
    return cython.cast(Tensor, _raw_new(kind))


#: Fields of the records, which uncompiled stand in an instance's dictionary beside the user's own attributes.
FIELDS: frozenset = frozenset(
    """_array _storage _counter _wants _flags _output _node _gradient _root _step _step_attrs _before _history
    _history_writes _cut _hooks _order _claim _pending _owned _useful
    _arrived _code _lasti""".split()
)


def attributes(x: object) -> dict:
    """The attributes that the user put on a tensor."""
    return {name: value for name, value in vars(x).items() if name not in FIELDS}


def take_over(x: Tensor, t: Tensor):
    """Make `x`, which is bare, the same tensor as `t`: memory, counter, history, view relation."""
    x._array, x._storage, x._counter = t._array, t._storage, t._counter
    x._wants, x._flags, x._output, x._node = t._wants, t._flags, t._output, t._node
    x._root, x._step, x._step_attrs, x._before = t._root, t._step, t._step_attrs, t._before
    x._history, x._history_writes, x._cut = t._history, t._history_writes, cut_of(t)


def new(cls: object, *args: object, **kwargs: object) -> Tensor:
    """A new instance of a subclass from the legacy constructor's arguments; of Tensor itself, one that init fills."""
    x: Tensor = bare(cls)
    if cls is not Tensor:
        take_over(x, cython.cast(Tensor, _constructor(args, kwargs)))
    return x


install(Tensor, "__new__", staticmethod(new))
install(Tensor, "__format__", formatted)


@cython.cclass
class Protocols(Surface):
    """Fills the protocol slot."""

    @cython.cfunc
    def construct(self, x: Tensor, args: tuple, kwargs: dict) -> object:
        if x._array is None:
            take_over(x, cython.cast(Tensor, _constructor(args, kwargs)))
        return None

    @cython.cfunc
    def set_requires_grad(self, x: Tensor, value: object) -> object:
        if not isinstance(value, bool):
            raise RuntimeError(errors.FLAG_BOOL)
        if x._node is not None:  # as it stands: that of a view whose base was written comes later, as in PyTorch
            raise RuntimeError(errors.NON_LEAF_FLAG if not value else errors.NON_LEAF_FLAG.partition(" If ")[0])
        if value and not is_float(x._array):
            raise RuntimeError(errors.INTEGER_FLAG)
        if value and x._flags & INFERENCE and not inference_enabled():
            raise RuntimeError(errors.INFERENCE_REQUIRES_GRAD)
        if value and x._array.ndim == 0 and not x._wants:
            cut_leaf(x)
        if x._wants and not value:
            x._cut = cut_here("frozen", "requires_grad")
        x._wants = value
        return None

    @cython.cfunc
    def protocol(self, name: str, x: Tensor, argument: object) -> object:
        if name == "float":
            return number(x, float)
        if name == "int":
            return number(x, int)
        if name == "len":
            return length(x)
        if name == "bool":
            return truth(x)
        if name == "repr":
            return text_of(x)
        if name == "iter":
            return iterate(x)
        if name == "index":
            return index(x)
        if name == "contains":
            return contains(x, argument)
        return number(x, complex)


set_surface(Protocols())
