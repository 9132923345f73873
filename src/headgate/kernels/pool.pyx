# sources: pool_threads.c
"""The process's one thread pool, for every kernel extension to share by cimport.

A range is split in pieces of at least `grain` over persistent workers and the caller. A nested call, a call while
another thread owns the pool, and a call after a fork run serially. It must not know arrays.
"""

cdef extern from "pool.h" nogil:
    void hg_parallel(range_function fn, void *context, Py_ssize_t n, Py_ssize_t grain)
    void hg_pool_setup()
    void hg_pool_set_threads(int count)
    int hg_pool_threads()


cdef void parallel(range_function fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept nogil:
    """Calls fn(context, low, high) over [0, n); the result must not depend on how the range is cut."""
    hg_parallel(fn, context, n, grain)


cpdef void set_num_threads(int n) except *:
    """Threads a kernel may use, the caller included."""
    if n < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    hg_pool_set_threads(n)


cpdef int get_num_threads() noexcept:
    """Threads a kernel may use; the cores available at first, 1 after a fork."""
    return hg_pool_threads()


hg_pool_setup()
