"""From nested Python values to an array, as `torch.tensor` reads them: shape, element type and errors are PyTorch's.

What holds only Python numbers takes a short road; tensors, arrays and NumPy numbers among the items take the long
one. Gradients and modes are not looked at here.
"""
import warnings

import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.arrays import count_of
    from headgate.core.records import Tensor
    from headgate.core.storage import plain_fields
    from headgate.kernels.reference import converted

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.options import fits, stored

BOOLS, INTEGERS, FLOATS, OTHERS = 1, 2, 4, 8
MAXIMUM = 128  # dimensions, as in PyTorch; what nests deeper is a text or contains itself


@cython.cclass
class Scan:
    """What was met while walking the items: kinds of numbers, and the shape that the first items tell."""

    def __init__(self, shape: tuple):
        self.shape = shape
        self.kinds = 0
        self.number = 0

    @cython.cfunc
    def walk(self, items: object, dim: cython.int):
        """Note the kinds of all items; ValueError or TypeError where the nesting is not even."""
        item: object
        if len(items) != self.shape[dim]:
            raise ValueError(errors.RAGGED.format(expected=self.shape[dim], dim=dim, got=len(items)))
        if dim + 1 < len(self.shape):
            for item in items:
                if not isinstance(item, (list, tuple)):
                    raise TypeError("not a sequence")
                self.walk(item, dim + 1)
            return
        for item in items:
            if type(item) is float:
                self.kinds |= 4
            elif type(item) is int:
                self.kinds |= 2
            elif type(item) is bool:
                self.kinds |= 1
            else:
                self.kinds |= 8


    @cython.cfunc
    def fill(self, items: object, dim: cython.int):
        """Write all items, which are Python numbers, from `to` on, as elements with NumPy's type number `number`."""
        item: object
        if dim + 1 < len(self.shape):
            for item in items:
                self.fill(item, dim + 1)
        elif self.number == 11:
            for item in items:
                cython.cast(cython.p_float, self.to)[0] = cython.cast(cython.double, item)
                self.to += 4
        elif self.number == 12:
            for item in items:
                cython.cast(cython.p_double, self.to)[0] = cython.cast(cython.double, item)
                self.to += 8
        else:
            for item in items:
                cython.cast(cython.p_longlong, self.to)[0] = cython.cast(cython.longlong, item)
                self.to += 8

    @cython.cfunc
    def array(self, value: object, kind: dtypes.dtype) -> object:
        """A new array of the items, of a type that `fill` knows."""
        i: cython.int
        result: ndarray
        for i in range(len(self.shape)):
            self.lengths[i] = self.shape[i]
        result = fresh(len(self.shape), self.lengths, kind.num)  # noqa: F821  (C, from memory.pxd)
        self.number = kind.num
        self.to = PyArray_BYTES(result)  # noqa: F821
        self.fill(value, 0)
        return result


def filled(kind: dtypes.dtype, kinds: cython.int) -> cython.bint:
    """Whether `fill` knows the type, and numbers of these kinds become its elements without further checks."""
    if not cython.compiled or kinds & 1 or kinds == 0:
        return False
    return kind.num == 11 or kind.num == 12 or (kinds == INTEGERS and kind is dtypes.INT64)


def is_sequence(value: object) -> bool:
    """Whether PyTorch reads `value` item by item."""
    if isinstance(value, (list, tuple)):
        return True
    if isinstance(value, (str, bytes, dict, set, frozenset, np.generic, Tensor)):
        return False
    return hasattr(type(value), "__len__") and hasattr(type(value), "__getitem__")


def listed(value: object) -> object:
    """The value with every sequence, arrays too, as a list, and NumPy's types kept on the items."""
    if isinstance(value, np.ndarray):
        return [listed(value[i]) for i in range(len(value))] if value.ndim else value[()]
    if is_sequence(value):
        return [listed(item) for item in value]
    return value


def shape_of_items(value: object) -> tuple:
    """The shape that the first item of every level tells."""
    shape: list = []
    first: object = value
    while isinstance(first, (list, tuple)):
        shape.append(len(first))
        if not first:
            break
        first = first[0]
        if isinstance(first, (str, bytes)) or len(shape) > MAXIMUM:
            raise ValueError(f"too many dimensions '{type(first).__name__}'")
    return tuple(shape)


def array_of_values(value: object, kind: object) -> object:
    """A new array from a number or nested sequences; `kind` is a dtype, or None to infer it.

    ValueError for ragged nesting, RuntimeError for what has no element type or a number that does not fit.
    """
    scan: Scan
    if type(value) is float or type(value) is int:
        return array_of_number(value, kind)
    if isinstance(value, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    if type(value) is not list and type(value) is not tuple:
        if not is_sequence(value):
            return array_of_number(value, kind)
        value = listed(value)
    scan = Scan(shape_of_items(value))
    try:
        scan.walk(value, 0)
    except TypeError:
        value = listed(value)
        scan = Scan(shape_of_items(value))
        scan.walk(value, 0)
    if scan.kinds & 8:
        return array_of_others(value, kind)
    return array_of_numbers(value, scan, kind)


def array_of_numbers(value: object, scan: Scan, kind: object) -> object:
    """An array from nested lists of Python numbers that were found even."""
    own: object
    if scan.kinds & 4:
        own = dtypes.default_dtype()
    elif scan.kinds & 2:
        own = dtypes.by_name("int64")
    else:
        own = dtypes.by_name("bool") if scan.kinds else dtypes.default_dtype()
    try:
        if len(scan.shape) <= 8 and filled(kind or own, scan.kinds):
            return scan.array(value, kind or own)
        if (kind or own).category == 2:  # by way of Python's own floats, because NumPy warns of those too large
            array = np.array(value, np.float64)
            return array if (kind or own).name == "float64" else converted(array, (kind or own).numpy)
        if (kind or own).category > 2:
            return np.array(value, (kind or own).numpy)
        if kind is None or kind is own:
            return np.array(value, own.numpy)
        return narrowed(np.array(value, np.float64 if scan.kinds & 4 else np.int64), kind)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None


def narrowed(array: object, kind: object) -> object:
    """Floats or int64 as an integer type or bool; RuntimeError where a value does not fit."""
    if kind.category == 1 and array.size:
        for value in (array.min(), array.max()):
            if not fits(value.item(), kind):
                raise RuntimeError(errors.OVERFLOW.format(type=kind.name))
    return array.astype(kind.numpy)


def array_of_number(value: object, kind: object) -> object:
    """A zero-dimensional array from a number or a one-element tensor."""
    own: object
    if type(value) is float and kind is None:
        kind = dtypes.default_dtype()
        return Scan(()).array([value], kind) if filled(kind, FLOATS) else np.array(value, kind.numpy)
    if type(value) is int and kind is None and cython.compiled and -(2**63) <= value < 2**63:
        return Scan(()).array([value], dtypes.INT64)
    own = item_kind(value)
    number = plain_number(value)
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    kind = kind or own
    if kind.category == 1 and not fits(number, kind):
        raise RuntimeError(errors.OVERFLOW.format(type=kind.name))
    with np.errstate(over="ignore"):
        if kind.category < 2:
            return np.array(stored(number, kind), kind.numpy)
        return np.array(dtypes.single(number) if kind.name == "float16" else number, kind.numpy)


def item_kind(value: object) -> object:
    """The element type that one item asks for."""
    if isinstance(value, Tensor):
        return dtypes.of(cython.cast(Tensor, value)._array)
    if isinstance(value, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    try:
        return dtypes.inferred_dtype(value)
    except TypeError:
        raise RuntimeError(errors.INFER_DTYPE.format(type=type(value).__name__)) from None


def plain_number(value: object) -> object:
    """An item as a Python number."""
    if isinstance(value, Tensor):
        if count_of(cython.cast(Tensor, value)._array) != 1:
            raise ValueError(errors.ONE_ELEMENT)
        return cython.cast(object, cython.cast(Tensor, value)._array).item()
    return value.item() if isinstance(value, np.generic) else value


def flat_items(value: object, dim: cython.int, count: cython.int, into: list) -> None:
    """Collect the items of evenly nested lists."""
    item: object
    for item in value:
        if dim + 1 < count:
            flat_items(item, dim + 1, count, into)
        elif isinstance(item, (list, tuple)):
            raise TypeError(f"'{type(item).__name__}' object cannot be interpreted as an integer")
        else:
            into.append(item)


def array_of_others(value: object, kind: object) -> object:
    """An array from nested sequences with tensors, arrays or NumPy numbers among the items."""
    scan: Scan
    items: list = []
    own: object = None
    item: object
    if isinstance(value[0], np.ndarray) and value[0].ndim:
        warnings.warn(
            "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list "
            "to a single numpy.ndarray with numpy.array() before converting to a tensor.", UserWarning, stacklevel=4)
    value = listed(value)
    shape = shape_of_items(value)
    scan = Scan(shape)
    scan.walk(value, 0)
    flat_items(value, 0, len(shape), items)
    if kind is None:
        for item in items:
            other = item_kind(item)
            own = other if own is None else dtypes.promote(own, other)
        kind = own or dtypes.default_dtype()
    else:
        for item in items:
            item_kind(item)
    numbers = [stored(plain_number(item), kind) if kind.category < 2 else plain_number(item) for item in items]
    if kind.name == "float16":
        numbers = [dtypes.single(number) for number in numbers]
    with np.errstate(over="ignore"):
        return np.array(numbers, kind.numpy).reshape(shape)


def tensors_in(value: object) -> list:
    """The tensors among nested items, for the record of what was cut."""
    found: list = []
    collect(value, found)
    return found


def collect(value: object, found: list):
    """Append the tensors among nested items; numbers, of which most lists are full, are passed over at once."""
    item: object
    if isinstance(value, Tensor):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) is not float and type(item) is not int:
                collect(item, found)


if not cython.compiled:
    plain_fields(Scan, shape=(), kinds=0)
