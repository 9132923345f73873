# C types of modes.py.
cdef extern from "modes.h":
    int hg_grad
    int hg_inference
    int hg_quiet
    int hg_overrides_off

cpdef bint grad_enabled() noexcept
cpdef bint inference_enabled() noexcept
cpdef bint stale_allowed() noexcept
cpdef bint overrides_off() noexcept
cpdef set_grad(bint value)
cpdef int grad_state() noexcept
cpdef set_grad_state(int value)
cpdef set_inference(bint value)
cpdef set_stale_allowed(bint value)
cpdef set_overrides_off(bint value)
cpdef object saved_hooks()
