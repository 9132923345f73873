# C types of taken.py.
from headgate.core.apply cimport cut_here

cpdef object note_taken(object value, str name)
cpdef object cut_of_taken(object source)
cpdef bint holds(object items, object value) except -1
cpdef bint alike(object source, object value) except -1
