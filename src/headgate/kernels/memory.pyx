# sources: memory_blocks.c
"""Fresh result arrays: small ones from NumPy, large ones from a bounded cache of aligned blocks.

The arrays own their memory and give it back through NumPy's allocator interface, so they behave as any other. It knows
sizes and dtypes' numbers; it must not know kernels.
"""

import os

cimport numpy as cnp
from cpython.ref cimport Py_INCREF, PyObject
from numpy cimport ndarray, npy_intp

cnp.import_array()

cdef extern from "memory.h":
    void *hg_block_take(size_t nbytes) nogil
    void hg_block_give(void *block) nogil
    size_t hg_block_kept() nogil
    void hg_block_limit(size_t nbytes) nogil
    object hg_block_handler()

cdef extern from "memory_small.h":
    int HG_SMALL_BYTES, HG_SMALL_AXES
    PyObject *hg_small_take(int nd, const npy_intp *dims, npy_intp size, int typenum, npy_intp itemsize)
    int hg_small_give(PyObject *o)

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    static PyObject *hg_new_array(int nd, npy_intp *dims, int typenum, void *data) {
        PyArray_Descr *descr = PyArray_DescrFromType(typenum);
        return descr ? PyArray_NewFromDescr(&PyArray_Type, descr, nd, dims, NULL, data,
                                            data ? NPY_ARRAY_CARRAY : 0, NULL) : NULL;
    }
    static void hg_own(PyObject *array, PyObject *handler) {
        PyArrayObject_fields *fields = (PyArrayObject_fields *)array;
        Py_XDECREF(fields->mem_handler);
        Py_INCREF(handler);
        fields->mem_handler = handler;
        fields->flags |= NPY_ARRAY_OWNDATA;
    }
    static PyObject *hg_small_giver(void) { return PyCapsule_New((void *)hg_small_give, "headgate.small_give", NULL); }
    static npy_intp hg_item_size(int typenum) {
        static const unsigned char sizes[] = {1, 1, 1, 2, 2, 4, 4, sizeof(long), sizeof(long), 8, 8, 4, 8};
        return typenum < 13 ? sizes[typenum] : typenum == NPY_HALF ? 2 : 0;
    }
    """
    object hg_new_array(int nd, npy_intp *dims, int typenum, void *data)
    void hg_own(object array, object handler)
    npy_intp hg_item_size(int typenum)
    object hg_small_giver()
    ndarray hg_owned "(PyArrayObject *)" (PyObject *o)

cdef Py_ssize_t block_from = 16384      # below it NumPy's own allocator is as fast
cdef object handler = hg_block_handler()


cdef ndarray fresh(int nd, npy_intp *dims, int typenum):
    """An uninitialised C-contiguous array."""
    cdef npy_intp count = 1, size = hg_item_size(typenum)
    cdef PyObject *kept
    cdef int i
    if size == 0:
        return hg_new_array(nd, dims, typenum, NULL)
    for i in range(nd):
        count *= dims[i]
        if count > HG_SMALL_BYTES:
            return fresh_large(nd, dims, typenum)
    if count * size > HG_SMALL_BYTES or count == 0 or nd > HG_SMALL_AXES:
        return fresh_large(nd, dims, typenum)
    kept = hg_small_take(nd, dims, count, typenum, size)
    return hg_owned(kept) if kept != NULL else hg_new_array(nd, dims, typenum, NULL)


cdef ndarray fresh_large(int nd, npy_intp *dims, int typenum):
    """The same for an array that may be large."""
    cdef npy_intp size = hg_item_size(typenum)
    cdef int i
    cdef void *data
    cdef object array
    for i in range(nd):
        if dims[i] != 0 and size > (<npy_intp> 1 << 62) // dims[i]:
            raise MemoryError("array is too big")
        size *= dims[i]
    if size < block_from:
        return hg_new_array(nd, dims, typenum, NULL)
    data = hg_block_take(size)
    if data == NULL:
        raise MemoryError(f"cannot allocate {size} bytes")
    try:
        array = hg_new_array(nd, dims, typenum, data)
    except BaseException:
        hg_block_give(data)
        raise
    hg_own(array, handler)
    return array


cdef ndarray fresh_like(ndarray x):
    """An uninitialised C-contiguous array of x's shape and dtype (built-in dtypes)."""
    return fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


def small_giver():
    """A capsule with the C function to which a record that dies offers its small array."""
    return hg_small_giver()


cpdef object set_cache_limit(Py_ssize_t nbytes):
    """Bytes of freed blocks to keep; 0 keeps none."""
    hg_block_limit(max(nbytes, 0))


cpdef Py_ssize_t cache_held() noexcept:
    """Bytes of freed blocks kept now."""
    return hg_block_kept()


if "HEADGATE_CACHE_MB" in os.environ:
    set_cache_limit(int(os.environ["HEADGATE_CACHE_MB"]) << 20)
