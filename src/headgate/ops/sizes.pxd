# C types of sizes.py.
from numpy cimport ndarray
from headgate.core.arrays cimport count_of, same_shape, shape_of
from headgate.core.arrays cimport is_contiguous as dense
from headgate.core.records cimport Tensor
from headgate.ops.arguments cimport given, other, place
from headgate.ops.convert cimport layout_of, lies_as
from headgate.ops.strided cimport first_element

cdef extern from "shapes.h":
    tuple hg_steps(ndarray a)

cdef tuple strides_of(Tensor x)
cdef Tensor another(object x, str function)
cdef read_only(str name, object get)
