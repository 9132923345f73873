# C-level declarations of dtypes.py: the element type's fields, the singletons by upper-case name, and the
# functions that other compiled rooms call without a Python frame. Knows nothing of arrays beyond their type number.
cimport numpy as cnp

cdef class dtype:
    cdef readonly str name
    cdef readonly int itemsize
    cdef readonly int category
    cdef readonly int index
    cdef readonly int num
    cdef readonly bint is_floating_point
    cdef readonly bint is_complex
    cdef readonly bint is_signed
    cdef object _array_type
    cpdef object array_type(self)

cdef dtype BOOL
cdef dtype UINT8
cdef dtype INT8
cdef dtype INT16
cdef dtype INT32
cdef dtype INT64
cdef dtype FLOAT16
cdef dtype BFLOAT16
cdef dtype FLOAT32
cdef dtype FLOAT64
cdef dtype COMPLEX64
cdef dtype COMPLEX128

cdef list _PROMOTED
cdef list _BY_NUMBER
cdef dtype _default

cpdef dtype of(cnp.ndarray array)
cpdef dtype from_numpy(object array_type)
cpdef dtype promote(dtype first, dtype second)
cpdef dtype result_type(object operands)
cpdef dtype result_pair(dtype first, int first_dims, dtype second, int second_dims)
cpdef dtype scalar_dtype(object value)
cpdef dtype inferred_dtype(object value)
cpdef bint can_cast(dtype source, dtype target)
cpdef dtype default_dtype()
cpdef dtype default_complex_dtype()
cdef dtype _combine(dtype higher, dtype lower)
cdef dtype _as_wrapped(dtype kind)
