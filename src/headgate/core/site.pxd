# C types of site.py.
from headgate.core.storage cimport Site

cdef extern from "site.h":
    object hg_site_code()
    int hg_site_lasti()
    void hg_site_own(const char* folder, Py_ssize_t length)

cdef void mark(Site site) noexcept
cpdef tuple here(Site site)
cpdef str line_of(Site site)
