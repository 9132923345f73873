# C types of storage.py.
from numpy cimport ndarray
from headgate.core.apply cimport requires
from headgate.core.arrays cimport count_of, high_address, low_address, make_view, shape_of
from headgate.core.records cimport Tensor
from headgate.core.storage cimport Storage, Version
from headgate.core.views cimport MOVED
from headgate.core.writes cimport check_writable, note_write

cdef object bytes_of(ndarray memory)
cdef rebind(Tensor x, ndarray array, Storage storage)
cdef object seen(Storage storage, object kind, object offset, tuple shape, tuple strides)
