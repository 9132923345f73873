"""What a Categorical computes, and checks of plain values, without the way through the public functions.

Each function does for plain tensors what the public ones would do, and answers None, or False, where that is not sure.
It knows tensors and ops, and no distribution.
"""
import cython

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)
else:
    import numpy as np

    from headgate.core.apply import apply1, apply2
    from headgate.core.arrays import is_float
    from headgate.core.operators import slots
    from headgate.core.records import Tensor
    from headgate.ops.bounds import CLAMP, NO_HIGH
    from headgate.ops.reduce import LOGSUMEXP, SUM_OVER
    from headgate.ops.scatter import GATHER
    from headgate.ops.softmax import SOFTMAX
    from headgate.ops.view import SQUEEZE_DIM, UNSQUEEZE, VIEW, reshaped

    ndarray = np.ndarray

from headgate.core.modes import grad_enabled, inference_enabled, set_grad
from headgate.ops.parameter import Parameter
from headgate.ops.sampling import multinomial

LARGE = 16384  # elements from which on the ops' own loops, which have threads, are faster
INFINITY = float("inf")


def is_plain(x: object) -> cython.bint:
    """Whether a value is a tensor that no class answers for."""
    return type(x) is Tensor or type(x) is Parameter


def recorded(function: object, argument: object) -> object:
    """What a function gives for its argument while operations are recorded."""
    before = grad_enabled()
    set_grad(not inference_enabled())
    try:
        return function(argument)
    finally:
        set_grad(before)


# ---- checks ---------------------------------------------------------------------------------------------------------


def within(x: object, low: object, high: object, open_low: cython.bint = False, open_high: cython.bint = False) -> bool:
    """Whether it is sure, and cheap to say, that all numbers of a float tensor lie between two Python numbers."""
    if not is_plain(x) or type(low) not in (int, float) or type(high) not in (int, float):
        return False
    return lies_within(cython.cast(Tensor, x)._array, low, high, open_low, open_high)


def whole_within(x: object, low: object, high: object) -> bool:
    """The same for a tensor of int64."""
    if not is_plain(x) or type(low) not in (int, float) or type(high) not in (int, float):
        return False
    return whole_lies_within(cython.cast(Tensor, x)._array, low, high)


def has_no_nan(x: object, dims: cython.int = 0) -> bool:
    """Whether it is sure that a float tensor of at least that many dims holds no nan."""
    return within(x, -INFINITY, INFINITY) and cython.cast(Tensor, x)._array.ndim >= dims


def lies_within(
    a: ndarray, low: cython.double, high: cython.double, open_low: cython.bint, open_high: cython.bint
) -> cython.bint:
    """`within` for an array."""
    i: cython.Py_ssize_t
    count: cython.Py_ssize_t
    value: cython.double
    single: cython.bint
    if not cython.compiled:
        return False
    count = PyArray_SIZE(a)  # noqa: F821
    single = PyArray_TYPE(a) == 11  # noqa: F821
    if count > LARGE or not PyArray_ISCARRAY_RO(a) or not single and PyArray_TYPE(a) != 12:  # noqa: F821
        return False
    if single and (cython.cast(cython.float, low) != low or cython.cast(cython.float, high) != high):
        return False  # the comparison would be made with the rounded bounds
    for i in range(count):
        if single:
            value = cython.cast(cython.p_float, PyArray_DATA(a))[i]  # noqa: F821
        else:
            value = cython.cast(cython.p_double, PyArray_DATA(a))[i]  # noqa: F821
        if not (value > low if open_low else value >= low) or not (value < high if open_high else value <= high):
            return False
    return True


def whole_lies_within(a: ndarray, low: cython.double, high: cython.double) -> cython.bint:
    """`whole_within` for an array."""
    i: cython.Py_ssize_t
    value: cython.double
    if not cython.compiled or PyArray_TYPE(a) != NPY_INT64 or not PyArray_ISCARRAY_RO(a):  # noqa: F821
        return False
    if PyArray_SIZE(a) > LARGE:  # noqa: F821
        return False
    for i in range(PyArray_SIZE(a)):  # noqa: F821
        value = cython.cast(cython.p_longlong, PyArray_DATA(a))[i]  # noqa: F821
        if value < low or value > high:
            return False
    return True


# ---- a Categorical --------------------------------------------------------------------------------------------------


def normalized(logits: object) -> object:
    """Logits minus the logarithm of the sum of their exponentials along the last dim."""
    x: Tensor
    if not is_plain(logits):
        return None
    x = cython.cast(Tensor, logits)
    if x._array.ndim < 1 or not is_float(x._array):
        return None
    return slots.sub.call2(x, apply1(LOGSUMEXP, x, ((x._array.ndim - 1,), True)), None)


def softened(logits: object) -> object:
    """softmax along the last dim."""
    x: Tensor
    if not is_plain(logits):
        return None
    x = cython.cast(Tensor, logits)
    if x._array.ndim < 1 or not is_float(x._array):
        return None
    return apply1(SOFTMAX, x, x._array.ndim - 1)


def drawn(probs: object, shape: object) -> object:
    """One category for each row of probabilities, in the batch's shape."""
    rows: Tensor
    count: cython.Py_ssize_t = 1
    one: object
    if not is_plain(probs):
        return None
    rows = probs.detach()
    if rows._array.ndim != 2:
        for one in shape:
            count *= one
        rows = reshaped(rows, (count, rows._array.shape[rows._array.ndim - 1]))
    return apply1(VIEW, multinomial(rows, 1, True), tuple(shape))


def picked(logits: object, value: object) -> object:
    """The logits at the categories of a batch, int64 in just the batch's shape."""
    x: Tensor
    y: Tensor
    i: cython.int
    last: cython.int
    if not is_plain(logits) or not is_plain(value):
        return None
    x, y = cython.cast(Tensor, logits), cython.cast(Tensor, value)
    last = y._array.ndim
    if x._array.ndim != last + 1 or not is_long(y._array):
        return None
    for i in range(last):
        if x._array.shape[i] != y._array.shape[i]:
            return None
    return apply1(SQUEEZE_DIM, apply2(GATHER, x, apply1(UNSQUEEZE, y, last), last), (last,))


def is_long(a: ndarray) -> cython.bint:
    """Whether an array is one of int64."""
    return PyArray_TYPE(a) == NPY_INT64 if cython.compiled else a.dtype == np.int64  # noqa: F821


def entropy(logits: object, probs: object, least: object) -> object:
    """The sum of -p log p along the last dim; logits count as at least `least`."""
    x: Tensor
    product: Tensor
    if not is_plain(logits) or not is_plain(probs):
        return None
    x = cython.cast(Tensor, logits)
    product = slots.mul.call2(CLAMP.call1p(x, (least, NO_HIGH), None), probs, None)
    return slots.neg.call1(apply1(SUM_OVER, product, ((x._array.ndim - 1,), False, None)), None)
