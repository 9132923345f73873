# sources: optimize_loops.c
"""One step of an optimizer over a list of parameters: the numbers that a step needs, in double as Python has them, and
the door to the loops.

The order of what each rule is told is that of its `_options` in the optimizer. Nothing here knows tensors or graphs.
"""

from libc.math cimport fmax, pow

cimport numpy as cnp
from numpy cimport ndarray

from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "optimize_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    void hg_optimize(int rule, hg_update *updates, Py_ssize_t count, hg_splitter parallel)
    double hg_gradient_size(int power, int type, const void *x, Py_ssize_t n)
    void hg_gradient_scale(int type, void *x, Py_ssize_t n, double factor)

cdef Py_ssize_t HELD = 32768     # elements below which threads cost more than they give

RULES = {
    "sgd": HG_SGD, "sgd_momentum": HG_SGD_MOMENTUM, "sgd_nesterov": HG_SGD_NESTEROV, "adam": HG_ADAM,
    "adam_max": HG_ADAM_MAX, "adamax": HG_ADAMAX, "nadam": HG_NADAM, "radam": HG_RADAM, "adagrad": HG_ADAGRAD,
    "adadelta": HG_ADADELTA, "rmsprop": HG_RMSPROP, "rmsprop_centered": HG_RMSPROP_CENTERED, "rprop": HG_RPROP,
    "asgd": HG_ASGD,
}


cdef int rule_named(str name) except -1:
    """The loops' number of a rule."""
    return RULES[name]


cdef int kind_of(ndarray x) noexcept:
    """The loops' number of an element type, -1 for one that they do not know."""
    cdef int number = cnp.PyArray_TYPE(x)
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        return -1
    return HG_F32 if number == cnp.NPY_FLOAT else HG_F64 if number == cnp.NPY_DOUBLE else -1


cdef double get(Number *x) noexcept nogil:
    """The value of a number kept in a tensor."""
    return (<double *> x.place)[0] if x.wide else (<float *> x.place)[0]


cdef void put(Number *x, double value) noexcept nogil:
    """Write such a number, rounded to its type."""
    if x.wide:
        (<double *> x.place)[0] = value
    else:
        (<float *> x.place)[0] = <float> value


cdef inline double counted(Number *x) noexcept nogil:
    """One step more; which it is."""
    put(x, get(x) + 1)
    return get(x)


cdef void moments(hg_update *u, const double *o) noexcept nogil:
    """What the Adam family has in common: (lr, beta1, beta2, eps, weight decay if it is decoupled, ...)."""
    u.c[0] = 1 - o[0] * o[4] if o[4] != 0 else 1
    u.c[1] = 1 - o[1]
    u.c[2] = o[2]
    u.c[3] = 1 - o[2]


cdef void prepare(int rule, hg_update *u, const double *o, Number *numbers) noexcept nogil:
    """The numbers of one parameter's step from the options `o` and the numbers in its state, which are written."""
    cdef double step, first, second
    if rule <= HG_SGD_NESTEROV:                         # lr, momentum, dampening
        u.c[0], u.c[1], u.c[2] = -o[0], o[1], 1 - o[2]
        return
    step = counted(&numbers[0])
    if rule == HG_ADAM or rule == HG_ADAM_MAX:
        moments(u, o)
        u.c[4], u.c[5], u.c[6] = pow(1 - pow(o[2], step), 0.5), o[3], -(o[0] / (1 - pow(o[1], step)))
    elif rule == HG_NADAM:                              # ..., momentum decay
        moments(u, o)
        first = o[1] * (1.0 - 0.5 * pow(0.96, step * o[5]))
        second = o[1] * (1.0 - 0.5 * pow(0.96, (step + 1) * o[5]))
        put(&numbers[1], get(&numbers[1]) * (first if numbers[1].wide else <float> first))
        u.c[4], u.c[5] = 1 - pow(o[2], step), o[3]
        u.c[6] = -o[0] * (1.0 - first) / (1.0 - get(&numbers[1]))
        u.c[7] = -o[0] * second / (1.0 - get(&numbers[1]) * second)
    elif rule == HG_RADAM:
        moments(u, o)
        rectify(u, o, step)
    elif rule == HG_ADAMAX:                             # lr, beta1, beta2, eps
        u.c[0], u.c[1], u.c[2], u.c[3] = 1 - o[1], o[2], o[3], -(o[0] / (1 - pow(o[1], step)))
    elif rule == HG_ADAGRAD:                            # lr, lr_decay, eps
        u.c[0], u.c[1] = o[2], -(o[0] / (1 + (step - 1) * o[1]))
    elif rule == HG_ADADELTA:                           # lr, rho, eps
        u.c[0], u.c[1], u.c[2], u.c[3] = o[1], 1 - o[1], o[2], -o[0]
    elif rule == HG_RMSPROP or rule == HG_RMSPROP_CENTERED:     # lr, alpha, eps, momentum
        u.c[0], u.c[1], u.c[2], u.c[3], u.c[4] = o[1], 1 - o[1], o[2], o[3], -o[0]
    elif rule == HG_RPROP:                              # etas, step sizes
        u.c[0], u.c[1], u.c[2], u.c[3] = o[0], o[1], o[2], o[3]
    else:                                               # ASGD: lr, lambd, alpha, t0
        u.c[0], u.c[1], u.c[2] = 1 - o[1] * get(&numbers[1]), -get(&numbers[1]), get(&numbers[2])
        put(&numbers[1], o[0] / pow(1 + o[1] * o[0] * step, o[2]))
        put(&numbers[2], 1 / fmax(1, step - o[3]))


cdef void rectify(hg_update *u, const double *o, double step) noexcept nogil:
    """RAdam's further numbers: how long the moving average effectively is, and what follows from that."""
    cdef double correction = 1 - pow(o[2], step), most = 2 / (1 - o[2]) - 1
    cdef double length = most - 2 * step * pow(o[2], step) / correction
    u.c[4], u.c[5], u.c[6], u.c[7], u.eps = 1 - pow(o[1], step), o[0], 0, 0, o[3]
    if length > 5.0:
        u.c[6] = pow(correction, 0.5)
        u.c[7] = pow((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length), 0.5)


cdef void update(int rule, hg_update *updates, Py_ssize_t count) noexcept:
    """Write all parameters and their states; large ones on several threads."""
    cdef Py_ssize_t total = 0, k
    for k in range(count):
        total += updates[k].n
    if total < HELD:
        hg_optimize(rule, updates, count, NULL)
    else:
        with nogil:
            hg_optimize(rule, updates, count, <hg_splitter> parallel)


cdef double size_of(int power, ndarray x) noexcept:
    """Sum of squares (2), of absolute values (1), or the largest (0), of an array that `kind_of` knows."""
    return hg_gradient_size(power, kind_of(x), cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x))


cdef void scale(ndarray x, double factor) noexcept:
    """x *= factor, the factor rounded to x's type first."""
    hg_gradient_scale(kind_of(x), cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), factor)
