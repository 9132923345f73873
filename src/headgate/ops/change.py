"""What ops have in common that change some elements of a tensor and leave the others: index_put, scatter, masked_fill.

Out of place they work on a copy, in place on the tensor's own memory, without an intermediate array; everything that
can be wrong is found before the first element is written. Also Python numbers as elements of a tensor's type.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import (
        apply,
        arrays_of,
        first_requiring,
        record,
        requires,
        save_inputs,
        save_outputs,
        see_all,
        wrap,
    )
    from headgate.core.arrays import is_contiguous, is_float, reshape_view, same_shape, same_type, set_meta, shape_of
    from headgate.core.inplace import adopt, check_apart, copy_before, write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.writes import check_allowed, check_writable, note_write
    from headgate.kernels.reference import clear, contiguous, copied, copy_into, fill, like_layout, zeros

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import overload

FEW = 1 << 12  # elements whose rows are written one by one sooner than NumPy finds out how to

# The C types' names in PyTorch's text for a number that does not fit.
NUMBER_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "bool": "bool",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
}  # fmt: skip


@cython.cclass
class Change(Op):
    """The family: input 0 is what is changed; `change` writes into the array it is given, after all its checks.

    `changed` copies first and then changes the copy, unless an op can do both at once.
    """

    def __init__(self):
        super().__init__()
        self.expanded = False
        self.apart = 9
        self.keeps = False

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        if out is None:
            return self.changed(inputs, attrs)
        self.change(out, inputs, attrs)
        return out

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.run((x,), attrs, out)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        raise RuntimeError(f"{self.name} does not say what it changes")

    @cython.cfunc
    def changed(self, inputs: tuple, attrs: object) -> object:
        out: ndarray = copied(inputs[0]) if self.keeps else contiguous(inputs[0])
        self.change(out, inputs, attrs)
        return out


def allow_expanded(op: Change) -> None:
    """Let the op write to expanded tensors, as PyTorch's does."""
    op.expanded = True


def keep_layout(op: Change) -> None:
    """Let the op's result have the layout of what is changed, where PyTorch clones it; else results are contiguous."""
    op.keeps = True


def allow_overlap(op: Change, apart: cython.int) -> None:
    """Let operands after the first `apart` share memory with the tensor that the op writes in place."""
    op.apart = apart


def change(op: Change, inputs: tuple, attrs: object, out: object) -> object:
    """Call an op of the family: a new tensor, into `out`, or in place."""
    if out is None:
        return apply(op, inputs, attrs)
    if out is INPLACE:
        return change_inplace(op, inputs, attrs)
    return write(op, inputs, attrs, out)


def change_inplace(op: Change, inputs: tuple, attrs: object) -> Tensor:
    """Change the first input in its own memory and make the call its history."""
    x: Tensor = inputs[0]
    n: Node = None
    recording: cython.bint = grad_enabled() and op.differentiable and first_requiring(inputs) is not None
    if op.expanded:
        check_allowed(x, recording)
    else:
        check_writable(x, recording)
    see_all(op, inputs)
    if op.apart:
        check_apart(x, inputs[1:1 + op.apart])
    if recording and is_float(x._array):
        n = record(op, inputs, attrs)
        save_inputs(n, (copy_before(x),) + inputs[1:] if op.needed(n) & 1 else inputs)
    op.run(separate(x, arrays_of(inputs)), attrs, x._array)
    note_write(x, op.written)
    if n is not None:
        set_meta(n, x._array)
        save_outputs(n, [x])
        adopt(x, n)
    return x


def separate(x: Tensor, arrays: tuple) -> tuple:
    """The operands' arrays, those that are the written one itself copied: it is read while it is written."""
    return (arrays[0],) + tuple(
        [contiguous(array) if isinstance(array, ndarray) and array is x._array else array for array in arrays[1:]]
    )


def flattened(x: ndarray) -> ndarray:
    """The elements in one line: the array itself, a view of it, or a copy if it has gaps."""
    if is_contiguous(x):
        return x if x.ndim == 1 else reshape_view(x, (x.size,))
    return cython.cast(object, x).flatten()


def few_written(target: ndarray, dim: cython.int, index: ndarray, source: ndarray, each: cython.int) -> bool:
    """Rows of a small target at `index` written, from `source` row by row, or all with its one element (`each` 0).

    False, and nothing written, for what is left to NumPy: large ones, gaps, a row that is not there.
    """
    if not cython.compiled or target.size > FEW or not (
            is_contiguous(target) and is_contiguous(index) and is_contiguous(source) and same_type(target, source)):
        return False
    if cython.compiled:
        shape: tuple = shape_of(target)
        d: cython.Py_ssize_t
        o: cython.Py_ssize_t
        k: cython.Py_ssize_t
        item: cython.Py_ssize_t = PyArray_ITEMSIZE(target)  # noqa: F821
        outer: cython.Py_ssize_t = 1
        width: cython.Py_ssize_t = item
        size: cython.Py_ssize_t = shape[dim] if len(shape) else 1
        count: cython.Py_ssize_t = index.size
        at: cython.Py_ssize_t
        places: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(index))  # noqa: F821
        to: cython.p_char = cython.cast(cython.p_char, PyArray_DATA(target))  # noqa: F821
        source_data: cython.p_char = cython.cast(cython.p_char, PyArray_DATA(source))  # noqa: F821
        for d in range(len(shape)):
            if d < dim:
                outer *= shape[d]
            elif d > dim:
                width *= shape[d]
        for k in range(count):
            if places[k] < -size or places[k] >= size:
                return False
        for o in range(outer):
            for k in range(count):
                at = (o * size + places[k] + (size if places[k] < 0 else 0)) * width
                if each:
                    memcpy(to + at, source_data + (o * count + k) * width, width)  # noqa: F821
                else:
                    for d in range(0, width, item):
                        memcpy(to + at + d, source_data, item)  # noqa: F821
    return True


def few_masked(target: ndarray, mask: ndarray, source: ndarray) -> bool:
    """The first elements of a source written where a mask of the small target's shape holds. False, nothing written,
    for what is left to NumPy: large ones, gaps, other shapes, too few elements."""
    if not cython.compiled or target.size > FEW or not (
            is_contiguous(target) and is_contiguous(mask) and is_contiguous(source) and same_type(target, source)
            and same_shape(target, mask)):
        return False
    if cython.compiled:
        i: cython.Py_ssize_t
        count: cython.Py_ssize_t = target.size
        taken: cython.Py_ssize_t = 0
        item: cython.Py_ssize_t = PyArray_ITEMSIZE(target)  # noqa: F821
        holds: cython.p_char = cython.cast(cython.p_char, PyArray_DATA(mask))  # noqa: F821
        to: cython.p_char = cython.cast(cython.p_char, PyArray_DATA(target))  # noqa: F821
        source_data: cython.p_char = cython.cast(cython.p_char, PyArray_DATA(source))  # noqa: F821
        for i in range(count):
            taken += holds[i]
        if taken > source.size:
            return False
        taken = 0
        for i in range(count):
            if holds[i]:
                memcpy(to + i * item, source_data + taken * item, item)  # noqa: F821
                taken += 1
    return True


def overflows(value: object, kind: dtypes.dtype) -> bool:
    """Whether a Python number is outside the type's range, by PyTorch's rule: unsigned types take negatives."""
    if kind.category == 0:
        return False
    if isinstance(value, complex):
        return value.imag != 0 or overflows(value.real, kind)
    if kind.category == 1:
        limits = np.iinfo(kind.numpy)
        lowest = limits.min if limits.min or isinstance(value, float) else -limits.max
        return value != value or not lowest <= value <= limits.max
    if isinstance(value, float) and (value != value or value in (np.inf, -np.inf)):
        return False
    largest = 65504.0 if kind.name == "float16" else 3.3895313892515355e38 if kind.name == "bfloat16" else float(
        np.finfo(kind.numpy).max)
    return not -largest <= value <= largest


def constant(value: object, kind: dtypes.dtype) -> ndarray:
    """A Python number as an array of no dims of that type, cut as C does. RuntimeError if it does not fit."""
    if kind.category == 2 and isinstance(value, (float, int)) and -6e4 < value < 6e4:
        return np.asarray(value if kind.itemsize > 2 else dtypes.single(value), kind.numpy)
    if overflows(value, kind):
        raise RuntimeError(errors.OVERFLOW.format(type=NUMBER_NAMES[kind.name]))
    if isinstance(value, complex) and kind.category < 3:
        value = value.real
    if kind.category == 0:
        value = bool(value)
    elif kind.category == 1:
        value = int(value)
        if value < 0 and not kind.is_signed:
            value += 256
    elif kind.itemsize == 2:
        value = dtypes.single(value)
    return np.asarray(value, kind.numpy)


def is_number(value: object) -> bool:
    """What PyTorch takes for a number: Python's own, and NumPy's integers and what else derives from them."""
    return isinstance(value, (int, float, complex, np.integer, np.floating, np.bool_))


def need_tensor(value: object, function: str, name: str, position: cython.int) -> Tensor:
    """The argument itself; TypeError if it is no tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name=name, position=position, expected="Tensor", type=type(value).__name__))
    return value


def need_int(value: object, function: str, name: str, position: cython.int) -> int:
    """The argument as an int; TypeError if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        if isinstance(value, Tensor) and cython.cast(Tensor, value)._array.size == 1:
            return value.__index__()
        raise TypeError(errors.ARGUMENT.format(
            function=function, name=name, position=position, expected="int", type=type(value).__name__))
    return int(value)


def kind_name(x: ndarray) -> str:
    """The element type in PyTorch's words (Float, Long)."""
    return errors.TYPE_NAMES[dtypes.of(x).name]


# ---- every element: fill ---------------------------------------------------------------------------------------------


@cython.cclass
class Fill(Change):
    """The same value everywhere. Inputs: x, and the value where it is a tensor of no dims; attrs: the number else."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        if out is None:  # nothing of the input is left: not copied first
            out = like_layout(inputs[0], inputs[0].dtype)
        self.change(out, inputs, attrs)
        return out

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        kind: dtypes.dtype = dtypes.of(target)
        if len(inputs) == 1 or inputs[1] is None:
            if type(attrs) is int and attrs == 0 and clear(target):
                return
            fill(target, constant(attrs, kind))
        else:
            copy_into(target, inputs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return g  # the engine sums it to the value's shape
        return wrap(zeros(shape_of(g._array), cython.cast(object, g._array).dtype))


def fill_with(x: Tensor, value: object) -> Tensor:
    """Write one value, a number that is known to fit or a tensor of no dims, everywhere into `x`."""
    if isinstance(value, Tensor):
        return change_inplace(FILL_TENSOR_, (x, value), None)
    if is_float(x._array) and not (grad_enabled() and requires(x)):
        check_writable(x, False)
        fill(x._array, constant(value, dtypes.of(x._array)))
        note_write(x, "fill_")
        return x
    return change_inplace(FILL_TENSOR_, (x, None), value)  # PyTorch makes it a tensor


FILL = overload(Fill(), "fill", 0)
FILL_TENSOR = overload(Fill(), "fill", 1)
FILL_ = overload(Fill(), "fill", 2)
FILL_TENSOR_ = overload(Fill(), "fill", 3)
ZERO_ = overload(Fill(), "zero", None)
for _op in (FILL, FILL_, ZERO_):
    allow_expanded(_op)
for _op in (FILL, FILL_TENSOR, FILL_, FILL_TENSOR_, ZERO_):
    keep_layout(_op)
    allow_overlap(_op, 0)
