# C types of storage.py.
from numpy cimport ndarray
from headgate.core.apply cimport first_requiring, record, requires, wrap
from headgate.core.arrays cimport count_of, high_address, low_address, make_view, set_meta, shape_of
from headgate.core.inplace cimport adopt
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.storage cimport Storage, Version
from headgate.core.views cimport MOVED
from headgate.core.writes cimport check_writable, note_write
from headgate.ops.arguments cimport given

cdef object bytes_of(ndarray memory)
cdef see_other(Tensor x, object source, object storage_offset, object size, object stride)
cdef rebind(Tensor x, ndarray array, Storage storage)
cdef object seen(Storage storage, object kind, object offset, tuple shape, tuple strides)
