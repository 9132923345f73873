# One step of an optimizer over a list of parameters, for compiled callers; it knows arrays, not tensors.
from numpy cimport ndarray

cdef extern from "optimize_loops.h" nogil:
    enum hg_rule:
        HG_SGD, HG_SGD_MOMENTUM, HG_SGD_NESTEROV, HG_ADAM, HG_ADAM_MAX, HG_ADAMAX, HG_NADAM, HG_RADAM, HG_ADAGRAD
        HG_ADADELTA, HG_RMSPROP, HG_RMSPROP_CENTERED, HG_RPROP, HG_ASGD, HG_RULES
    enum:
        HG_F32, HG_F64, HG_RULE_STATES, HG_RULE_NUMBERS
    ctypedef struct hg_update:
        char *param
        const char *grad
        char *state[3]
        Py_ssize_t n, first
        int type, fresh, negate
        double decay, eps
        double c[8]

# The numbers of a state that are kept as tensors of one element: float32 or float64.
ctypedef struct Number:
    void *place
    bint wide

cdef double get(Number *x) noexcept nogil
cdef void put(Number *x, double value) noexcept nogil
cdef int rule_named(str name) except -1
cdef int kind_of(ndarray x) noexcept
cdef void prepare(int rule, hg_update *u, const double *o, Number *numbers) noexcept nogil
cdef void update(int rule, hg_update *updates, Py_ssize_t count) noexcept
cdef double size_of(int power, ndarray x) noexcept
cdef void scale(ndarray x, double factor) noexcept
