"""Norm and scaling of all gradients of some parameters as one compiled pass, rounded where PyTorch rounds.

It knows tensors and their fields; what it cannot do at once it leaves to the Tensor operations of `clip_grad`.
"""

from libc.math cimport INFINITY, sqrt

cimport numpy as cnp
from numpy cimport ndarray

from headgate.core.apply cimport wrap
from headgate.core.records cimport INFERENCE, Tensor
from headgate.core.writes cimport note_write
from headgate.kernels.optimize cimport kind_of, scale, size_of

import numpy as np

cnp.import_array()


cdef bint plain(Tensor g, int number):
    """Whether the loops can measure and scale a gradient: of that type, contiguous, without history or guard."""
    return (
        type(g) is Tensor and g._node is None and g._root is None and cnp.PyArray_TYPE(g._array) == number
        and kind_of(g._array) >= 0 and cnp.PyArray_ISWRITEABLE(g._array) and not g._flags & INFERENCE
        and g._storage.shield is None
    )


cdef int power_of(double norm_type):
    return 2 if norm_type == 2 else 1 if norm_type == 1 else 0 if norm_type == INFINITY else -1


cdef double rounded(double x, int number):
    return <float> x if number == cnp.NPY_FLOAT else x


cdef double total_of(list gradients, int power, int number):
    """The norm of the norms of some gradients, each rounded to their type."""
    cdef double total = 0, one
    cdef object item
    for item in gradients:
        one = size_of(power, (<Tensor> item)._array)
        if power == 2:
            one = rounded(sqrt(one), number)
            total += one * one
        elif power == 1:
            total += rounded(one, number)
        elif one != one or one > total:
            total = one
            if one != one:
                break
    return rounded(sqrt(total) if power == 2 else total, number)


cdef double factor_of(double max_norm, double total, int number):
    """max_norm / (total + 1e-6), at most 1, by the roundings of a tensor of that type."""
    cdef float narrow
    cdef double wide
    if number == cnp.NPY_FLOAT:
        narrow = <float> total + <float> 1e-6
        narrow = <float> 1 / narrow
        narrow = narrow * <float> max_norm
        wide = narrow
    else:
        wide = 1 / (total + 1e-6) * max_norm
    return 1.0 if wide > 1.0 else wide


def gradients_of(list parameters):
    """The gradients that are there, or None if one must be asked for in full."""
    cdef Tensor p
    cdef object item
    cdef list found = []
    for item in parameters:
        if not isinstance(item, Tensor):
            return None
        p = <Tensor> item
        if p._gradient is not None:
            found.append(p._gradient)
        elif p._node is not None:
            return None
    return found


def total_norm(list gradients, double norm_type):
    """The total norm as a tensor, or None where Tensor operations must find it."""
    cdef int power = power_of(norm_type), number
    cdef object item
    if power < 0 or not gradients or not isinstance(gradients[0], Tensor):
        return None
    number = cnp.PyArray_TYPE((<Tensor> gradients[0])._array)
    for item in gradients:
        if not isinstance(item, Tensor) or not plain(<Tensor> item, number):
            return None
        if power == 0 and cnp.PyArray_SIZE((<Tensor> item)._array) == 0:
            return None
    return wrap(np.array(total_of(gradients, power, number), "f4" if number == cnp.NPY_FLOAT else "f8"))


def scale_all(list gradients, double max_norm, Tensor total):
    """Scale gradients down to `max_norm` in place; False, and nothing done, where Tensor operations must."""
    cdef int number = cnp.PyArray_TYPE(total._array)
    cdef double factor
    cdef object item
    if kind_of(total._array) < 0 or cnp.PyArray_SIZE(total._array) != 1:
        return False
    for item in gradients:
        if not isinstance(item, Tensor) or not plain(<Tensor> item, number):
            return False
    factor = factor_of(max_norm, float(total), number)
    for item in gradients:
        scale((<Tensor> item)._array, factor)
        note_write(<Tensor> item, "mul_")
    return True
