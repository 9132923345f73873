# sources: recurrent_loops.c ctc_loops.c
"""Recurrent cells and layers (LSTM, GRU, tanh and relu), forward and backward through all steps in one call; and the
sums over all alignments of labels to steps (connectionist temporal classification).

The input's product with its weights is one product for all steps; the rest is fused step by step. Odd dtypes go to the
NumPy form. Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_recurrent as reference

cimport numpy as cnp
from libc.string cimport memcpy, memset
from numpy cimport ndarray, npy_intp

from headgate.kernels.gemm cimport addmm, matmul
from headgate.kernels.memory cimport fresh, fresh_like
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "recurrent_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    enum:
        HG_LSTM, HG_GRU, HG_TANH_CELL, HG_RELU_CELL
    ctypedef struct hg_recurrent:
        int kind, type, reverse, keep, turned
        Py_ssize_t steps, rows, hidden, width
        const Py_ssize_t *sizes
        const Py_ssize_t *starts
        char *gates
        char *aside
        char *cells
        char *out
        char *h
        char *c
        const char *weight
        const char *bias
        const char *first_c
        const char *first_h
        const char *grad_out
        char *grad_gates
        char *grad_aside
    void hg_recurrent_forward(const hg_recurrent *r, hg_splitter parallel)
    void hg_recurrent_backward(const hg_recurrent *r, hg_splitter parallel)
    void hg_rows_times(int type, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const void *a, Py_ssize_t am, Py_ssize_t ak,
                       const void *b, void *c, int add, hg_splitter parallel)
    void hg_rows_dot(int type, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const void *a, const void *b, void *c, int add,
                     hg_splitter parallel)
    void hg_turned(int type, const void *x, Py_ssize_t rows, Py_ssize_t columns, void *out)
    void hg_column_sums(int type, const void *x, Py_ssize_t rows, Py_ssize_t columns, void *out)
    void hg_fill_rows(int type, const void *a, const void *b, Py_ssize_t rows, Py_ssize_t columns, void *out)

cdef extern from "ctc_loops.h" nogil:
    ctypedef long long i64
    ctypedef struct hg_ctc:
        int type, lost_is_zero, failed
        Py_ssize_t times, samples, classes, pitch, blank
        const void *x
        const void *g
        const i64 *labels
        const i64 *starts
        const i64 *lengths
        const i64 *ends
        double *alpha
        double *losses
        void *grad
    Py_ssize_t hg_ctc_pitch(Py_ssize_t longest)
    void hg_ctc_forward(hg_ctc *c, hg_splitter parallel)
    void hg_ctc_backward(hg_ctc *c, hg_splitter parallel)

cdef Py_ssize_t OWN = 16000000   # multiplications up to which the own products serve better than a library's
cdef Py_ssize_t NARROW = 16      # columns below which they serve a layer's input better
cdef Py_ssize_t HELD = 16384     # multiplications below which letting go of the interpreter costs more than it gives


cdef class Steps:
    """How the rows of a layer are divided into steps."""

    cdef Py_ssize_t count, rows, all, first
    cdef Py_ssize_t *sizes           # of each step; of a single one, the field `rows`
    cdef Py_ssize_t *starts          # where each begins
    cdef ndarray memory

    def __cinit__(self, ndarray x, object sizes):
        cdef Py_ssize_t t
        self.count = 1 if cnp.PyArray_NDIM(x) == 2 and sizes is None else cnp.PyArray_DIMS(x)[0]
        self.rows = cnp.PyArray_DIMS(x)[cnp.PyArray_NDIM(x) - 2]
        if sizes is None and self.count == 1:
            self.sizes, self.starts, self.all = &self.rows, &self.first, self.rows
            return
        if sizes is not None:
            self.count = len(sizes)
        self.memory = np.empty((2, self.count), np.intp)
        self.sizes = <Py_ssize_t *> cnp.PyArray_DATA(self.memory)
        self.starts = self.sizes + self.count
        for t in range(self.count):
            self.sizes[t] = self.rows if sizes is None else sizes[t]
            self.starts[t] = self.all
            self.all += self.sizes[t]
        if self.count:
            self.rows = self.sizes[0]


cdef inline ndarray straight(ndarray x):
    """x itself if it is contiguous, aligned and in native order, else such a copy."""
    if x is None or (cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISBEHAVED_RO(x)):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef inline void *data(ndarray x):
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef inline ndarray matrix(Py_ssize_t rows, Py_ssize_t columns, ndarray like):
    """An uninitialised matrix of the type of another array."""
    cdef npy_intp[2] dims
    dims[0], dims[1] = rows, columns
    return fresh(2, dims, cnp.PyArray_TYPE(like))


cdef inline ndarray vector(Py_ssize_t count, ndarray like):
    cdef npy_intp[1] dims
    dims[0] = count
    return fresh(1, dims, cnp.PyArray_TYPE(like))


cdef ndarray turned(ndarray x):
    """The matrix transposed, as a contiguous copy."""
    cdef ndarray out = matrix(cnp.PyArray_DIMS(x)[1], cnp.PyArray_DIMS(x)[0], x)
    hg_turned(hg_type_of(cnp.PyArray_TYPE(x)), cnp.PyArray_DATA(x), cnp.PyArray_DIMS(x)[0], cnp.PyArray_DIMS(x)[1],
              cnp.PyArray_DATA(out))
    return out


cdef inline bint is_fast(ndarray x):
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    return kind == HG_F32 or kind == HG_F64


cdef ndarray input_part(int kind, ndarray x, Steps steps, tuple weights):
    """The input's part of all gates, the biases that belong to it included."""
    cdef ndarray w = straight(weights[0]), b = weights[2], other = None, other_w, out
    cdef Py_ssize_t all = cnp.PyArray_DIMS(w)[0], k = cnp.PyArray_DIMS(w)[1], work = steps.all * all * k
    cdef int type = hg_type_of(cnp.PyArray_TYPE(x))
    if kind != HG_GRU and b is not None:
        other = straight(weights[3])
    b = straight(b)
    if work > OWN and k >= NARROW:
        if b is None:
            return matmul(x.reshape(steps.all, k), w.T)
        return addmm(b if other is None else b + other, x.reshape(steps.all, k), w.T, 1, 1)
    out = matrix(steps.all, all, x)
    if steps.count == 1 and k >= 8:
        hg_fill_rows(type, data(b), data(other), steps.all, all, cnp.PyArray_DATA(out))
        hg_rows_dot(type, steps.all, all, k, cnp.PyArray_DATA(x), cnp.PyArray_DATA(w), cnp.PyArray_DATA(out), True,
                    <hg_splitter> parallel)
    else:
        other_w = turned(w)
        hg_fill_rows(type, data(b), data(other), steps.all, all, cnp.PyArray_DATA(out))
        hg_rows_times(type, steps.all, all, k, cnp.PyArray_DATA(x), k, 1, cnp.PyArray_DATA(other_w),
                      cnp.PyArray_DATA(out), True, <hg_splitter> parallel)
    return out


cdef int describe(hg_recurrent *r, int kind, ndarray x, Steps steps, ndarray w, bint reverse) except -1:
    """What forward and backward have in common."""
    r.kind, r.type, r.reverse = kind, hg_type_of(cnp.PyArray_TYPE(x)), reverse
    r.steps, r.rows, r.width = steps.count, steps.rows, cnp.PyArray_DIMS(w)[1]
    r.hidden = cnp.PyArray_DIMS(w)[0] // (4 if kind == HG_LSTM else 3 if kind == HG_GRU else 1)
    r.sizes, r.starts = steps.sizes, steps.starts
    r.keep = steps.count > 1
    r.turned = False
    r.bias = r.grad_out = r.first_c = r.first_h = NULL
    r.aside = r.cells = r.grad_aside = r.c = NULL
    return 0


cdef ndarray shaped(ndarray y, ndarray x, object sizes):
    """Rows as a layer's result: by steps where the input was."""
    if cnp.PyArray_NDIM(x) == 3:
        return y.reshape(x.shape[0], x.shape[1], cnp.PyArray_DIMS(y)[1])
    return y


cpdef tuple forward(int kind, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, bint reverse):
    """A cell (x with two axes), or a layer in one direction: (y, last h, last c, cell states, gates, GRU's aside).

    x: (rows, I), or (steps, rows, I), or (all rows, I) with the `sizes` of steps. weights: (of the input, of the hidden
    state, bias, bias), biases or None. What does not exist is None; a cell's last h and c are y and its cell state.
    """
    cdef hg_recurrent r
    cdef Steps steps
    cdef ndarray w, y, last_h, last_c = None, cells = None, aside = None, gates, b
    if not is_fast(x):
        return reference.forward(kind, x, sizes, h, c, weights, reverse)
    steps = Steps(x, sizes)
    x, h, c, w = straight(x), straight(h), straight(c), straight(weights[1])
    describe(&r, kind, x, steps, w, reverse)
    gates = input_part(kind, x, steps, weights)
    y = matrix(steps.all, r.hidden, x)
    if kind == HG_LSTM:
        cells = fresh_like(y)
    if kind == HG_GRU:
        aside = fresh_like(y)
        b = straight(weights[3])
        r.bias = <char *> data(b)
    last_h, last_c = h, c
    if r.keep:
        last_h = h.copy()
        last_c = None if c is None else c.copy()
        w, r.turned = turned(w), True
    r.gates, r.aside, r.cells = <char *> cnp.PyArray_DATA(gates), <char *> data(aside), <char *> data(cells)
    r.out, r.h, r.c = <char *> cnp.PyArray_DATA(y), <char *> cnp.PyArray_DATA(last_h), <char *> data(last_c)
    r.weight = <char *> cnp.PyArray_DATA(w)
    if steps.all * r.hidden * r.width <= HELD:
        hg_recurrent_forward(&r, <hg_splitter> parallel)
    else:
        with nogil:
            hg_recurrent_forward(&r, <hg_splitter> parallel)
    if not r.keep:
        if steps.count == 1 and cnp.PyArray_NDIM(x) == 2 and sizes is None:
            return y, y, cells, cells, gates, aside
        last_h, last_c = y.copy(), None if cells is None else cells.copy()
    return shaped(y, x, sizes), last_h, last_c, cells, gates, aside


cdef ndarray states_before(ndarray y, ndarray first, Steps steps, bint reverse):
    """The hidden state that each row started from."""
    cdef Py_ssize_t t, last, kept, rows, width = cnp.PyArray_DIMS(first)[1] * cnp.PyArray_ITEMSIZE(first)
    cdef Py_ssize_t *sizes = steps.sizes
    cdef Py_ssize_t *starts = steps.starts
    cdef ndarray out
    cdef char *to
    cdef char *own = <char *> cnp.PyArray_DATA(y)
    if steps.count == 1:
        return first
    out = matrix(steps.all, cnp.PyArray_DIMS(first)[1], first)
    to = <char *> cnp.PyArray_DATA(out)
    for t in range(steps.count):
        last = t + 1 if reverse else t - 1
        rows = sizes[t]
        kept = 0 if last < 0 or last == steps.count else min(rows, sizes[last])
        if kept:
            memcpy(to + starts[t] * width, own + starts[last] * width, kept * width)
        if kept < rows:
            memcpy(to + (starts[t] + kept) * width, <char *> cnp.PyArray_DATA(first) + kept * width, (rows - kept) * width)
    return out


cdef ndarray product(ndarray a, ndarray b):
    """a b, for matrices."""
    cdef Py_ssize_t m = cnp.PyArray_DIMS(a)[0], k = cnp.PyArray_DIMS(a)[1], n = cnp.PyArray_DIMS(b)[1]
    cdef ndarray out
    if m * n * k > OWN:
        return matmul(a, b)
    out = matrix(m, n, a)
    hg_rows_times(hg_type_of(cnp.PyArray_TYPE(a)), m, n, k, cnp.PyArray_DATA(a), k, 1, cnp.PyArray_DATA(b),
                  cnp.PyArray_DATA(out), False, <hg_splitter> parallel)
    return out


cdef ndarray product_over_rows(ndarray a, ndarray b):
    """a^T b, for matrices of as many rows."""
    cdef Py_ssize_t k = cnp.PyArray_DIMS(a)[0], m = cnp.PyArray_DIMS(a)[1], n = cnp.PyArray_DIMS(b)[1]
    cdef ndarray out
    if m * n * k > OWN:
        return matmul(a.T, b)
    out = matrix(m, n, a)
    hg_rows_times(hg_type_of(cnp.PyArray_TYPE(a)), m, n, k, cnp.PyArray_DATA(a), 1, m, cnp.PyArray_DATA(b),
                  cnp.PyArray_DATA(out), False, <hg_splitter> parallel)
    return out


cdef ndarray column_sums(ndarray x):
    cdef ndarray out = vector(cnp.PyArray_DIMS(x)[1], x)
    hg_column_sums(hg_type_of(cnp.PyArray_TYPE(x)), cnp.PyArray_DATA(x), cnp.PyArray_DIMS(x)[0], cnp.PyArray_DIMS(x)[1],
                   cnp.PyArray_DATA(out))
    return out


cdef ndarray started(object g, ndarray like):
    """A gradient that the backward may write over: a copy, or zeros where none arrived."""
    cdef ndarray out = fresh_like(like), given
    if g is None:
        memset(cnp.PyArray_DATA(out), 0, cnp.PyArray_NBYTES(out))
        return out
    given = straight(g)
    memcpy(cnp.PyArray_DATA(out), cnp.PyArray_DATA(given), cnp.PyArray_NBYTES(out))
    return out


cdef list parameter_grads(int need, ndarray x, ndarray y, ndarray h, Steps steps, tuple weights, ndarray dg, ndarray da,
                          bint reverse):
    """Gradients of the weights and biases from those of all gates; None where they are not wanted."""
    cdef list found = [None] * 4
    if need & 8:
        if cnp.PyArray_NDIM(x) != 2:
            x = x.reshape(steps.all, cnp.PyArray_DIMS(weights[0])[1])
        found[0] = product_over_rows(dg, x)
    if need & 16:
        found[1] = product_over_rows(da, states_before(y, h, steps, reverse))
    if need & 32:
        found[2] = column_sums(dg)
    if need & 64:
        found[3] = found[2].copy() if found[2] is not None and da is dg else column_sums(da)
    return found


cpdef list backward(int kind, int need, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, tuple kept,
                    tuple grads, bint reverse):
    """Gradients of (x, h, c, the two weights, the two biases) where a bit of `need` asks for them, else None.

    kept: (y, cell states, gates, aside) of the forward call. grads: of (y, last h, last c), each an array or None; for a
    cell, (h, None, c).
    """
    cdef hg_recurrent r
    cdef Steps steps
    cdef ndarray y, cells, gates, aside, w, dg, da, dh, dc = None, dout
    cdef list found = [None] * 7
    if not is_fast(x):
        return reference.backward(kind, need, x, sizes, h, c, weights, kept, grads, reverse)
    steps = Steps(x, sizes)
    x, h, c, w = straight(x), straight(h), straight(c), straight(weights[1])
    describe(&r, kind, x, steps, w, reverse)
    y, cells, gates, aside = straight(kept[0]), straight(kept[1]), straight(kept[2]), straight(kept[3])
    if gates is None:
        dg = matrix(steps.all, r.hidden, x)
    else:
        dg = fresh_like(gates)
    da = fresh_like(dg) if kind == HG_GRU else dg
    dout = straight(grads[0])
    dh = started(grads[1], h if r.hidden == r.width else c)
    if kind == HG_LSTM:
        dc = started(grads[2], c)
    r.gates, r.aside, r.cells, r.out = <char *> data(gates), <char *> data(aside), <char *> data(cells), <char *> data(y)
    r.h, r.c, r.first_h, r.first_c = <char *> cnp.PyArray_DATA(dh), <char *> data(dc), <char *> data(h), <char *> data(c)
    r.grad_out, r.weight = <char *> data(dout), <char *> cnp.PyArray_DATA(w)
    r.grad_gates, r.grad_aside = <char *> cnp.PyArray_DATA(dg), <char *> cnp.PyArray_DATA(da)
    with nogil:
        hg_recurrent_backward(&r, <hg_splitter> parallel)
    if need & 1:
        found[0] = product(dg, straight(weights[0]))
        if cnp.PyArray_NDIM(x) != 2:
            found[0] = found[0].reshape((<object> x).shape)
    if need & 2:
        found[1] = dh if r.keep else first_state_grad(kind, dh, da, w)
    if need & 4:
        found[2] = dc
    found[3:] = parameter_grads(need, x, y, h, steps, weights, dg, da, reverse)
    return found


cdef ndarray first_state_grad(int kind, ndarray dh, ndarray da, ndarray w):
    """The gradient of the state before a single step, what passed a GRU's gate added."""
    cdef ndarray out = product(da, w)
    if kind == HG_GRU:
        return np.add(out, dh, out=out)
    return out


# ---- alignments -----------------------------------------------------------------------------------------------------


cdef int describe_ctc(hg_ctc *c, ndarray x, ndarray labels, ndarray starts, ndarray lengths, ndarray ends) except -1:
    """The sizes, and labels counted from the end as NumPy counts them; IndexError for one that is no class."""
    cdef Py_ssize_t k, i, longest = 0
    cdef i64 *all = <i64 *> cnp.PyArray_DATA(labels)
    c.type, c.failed, c.lost_is_zero = hg_type_of(cnp.PyArray_TYPE(x)), 0, 0
    c.times, c.samples, c.classes = cnp.PyArray_DIMS(x)[0], cnp.PyArray_DIMS(x)[1], cnp.PyArray_DIMS(x)[2]
    c.x, c.labels = cnp.PyArray_DATA(x), all
    c.starts, c.lengths = <i64 *> cnp.PyArray_DATA(starts), <i64 *> cnp.PyArray_DATA(lengths)
    c.ends = <i64 *> cnp.PyArray_DATA(ends)
    for k in range(c.samples):
        longest = max(longest, c.lengths[k])
        for i in range(c.starts[k], c.starts[k] + c.lengths[k]):
            if all[i] < 0:
                all[i] += c.classes
            if all[i] < 0 or all[i] >= c.classes:
                raise IndexError(f"index {all[i]} is out of bounds for axis 2 with size {c.classes}")
    c.pitch = hg_ctc_pitch(longest)
    return 0


cpdef tuple ctc_forward(ndarray x, tuple targets, Py_ssize_t blank):
    """(minus the log of the sum over all alignments for each sample, the forward sums), in float64. targets: labels,
    where those of each sample start, how many they are, and the sample's steps, all int64."""
    cdef hg_ctc c
    cdef ndarray alpha, losses
    cdef npy_intp[3] dims
    x = straight(x)
    describe_ctc(&c, x, targets[0], targets[1], targets[2], targets[3])
    c.blank = blank
    dims[0], dims[1], dims[2] = c.samples, c.times, c.pitch
    alpha, losses = fresh(3, dims, cnp.NPY_DOUBLE), fresh(1, dims, cnp.NPY_DOUBLE)
    c.alpha, c.losses = <double *> cnp.PyArray_DATA(alpha), <double *> cnp.PyArray_DATA(losses)
    with nogil:
        hg_ctc_forward(&c, <hg_splitter> parallel)
    if c.failed:
        raise MemoryError("no memory for the alignments")
    return losses, alpha


cpdef ndarray ctc_backward(ndarray g, ndarray x, tuple targets, Py_ssize_t blank, tuple kept, bint lost_is_zero):
    """The gradient of the losses, as PyTorch has it: of logarithms of a softmax. kept: what the way there gave."""
    cdef hg_ctc c
    cdef ndarray alpha = kept[1], losses = kept[0], out
    x, g = straight(x), straight(g)
    describe_ctc(&c, x, targets[0], targets[1], targets[2], targets[3])
    out = fresh_like(x)
    c.blank, c.lost_is_zero = blank, lost_is_zero
    c.alpha, c.losses = <double *> cnp.PyArray_DATA(alpha), <double *> cnp.PyArray_DATA(losses)
    c.g, c.grad = cnp.PyArray_DATA(g), cnp.PyArray_DATA(out)
    with nogil:
        hg_ctc_backward(&c, <hg_splitter> parallel)
    if c.failed:
        raise MemoryError("no memory for the alignments")
    return out
