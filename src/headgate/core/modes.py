# built for speed
"""The modes of a thread: grad, inference, allowed stale writes, overrides and saved-tensor hooks.

Only states live here; the context managers that users see are in `headgate.autograd.grad_mode`.
"""
import threading

import cython


class _State(threading.local):
    """What one thread's modes are; new threads start with gradients on."""

    def __init__(self) -> None:
        self.grad = 1
        self.inference = False
        self.quiet = False
        self.overrides_off = False
        self.saved_hooks: list = []
        self.hooks_forbidden: object = None
        self.function_modes: list = []  # see function_modes
        self.functions_off = False  # DisableTorchFunction
        self.casting: object = None  # autocast's hand in listed entries
        self.casts_off = False  # within one of them, and in a pass


STATE = _State()
_hooked_threads: cython.int = 0


def grad_enabled() -> bool:
    """Whether operations of this thread are recorded."""
    if not cython.compiled:
        return STATE.grad > 0
    return hg_grad > 0


def set_grad(value: cython.bint) -> None:
    """Switch recording for this thread."""
    global hg_grad
    if cython.compiled:
        hg_grad = value
    else:
        STATE.grad = int(bool(value))


def grad_state() -> cython.int:
    """1 if operations are recorded, 0 if not, -1 if not because a pass pulls gradients: then no cut is noted."""
    return hg_grad if cython.compiled else STATE.grad


def set_grad_state(value: cython.int) -> None:
    """Set what `grad_state` gave."""
    global hg_grad
    if cython.compiled:
        hg_grad = value
    else:
        STATE.grad = value


def inference_enabled() -> bool:
    """Whether this thread is in inference mode."""
    if not cython.compiled:
        return STATE.inference
    return hg_inference != 0


def set_inference(value: cython.bint) -> None:
    """Switch inference mode for this thread."""
    global hg_inference
    if cython.compiled:
        hg_inference = value
    else:
        STATE.inference = bool(value)


def stale_allowed() -> bool:
    """Whether writes made now are meant not to be seen by backward."""
    if not cython.compiled:
        return STATE.quiet
    return hg_quiet != 0


def set_stale_allowed(value: cython.bint) -> None:
    """Switch `allow_stale` for this thread."""
    global hg_quiet
    if cython.compiled:
        hg_quiet = value
    else:
        STATE.quiet = bool(value)


def overrides_off() -> bool:
    """Whether `__torch_function__` is ignored in this thread."""
    if not cython.compiled:
        return STATE.overrides_off
    return hg_overrides_off != 0


def set_overrides_off(value: cython.bint) -> None:
    """Switch the overrides of subclasses off or on."""
    global hg_overrides_off
    if cython.compiled:
        hg_overrides_off = value
    else:
        STATE.overrides_off = bool(value)


def push_saved_hooks(pack: object, unpack: object) -> None:
    """Enter `saved_tensors_hooks` in this thread."""
    global _hooked_threads
    if STATE.hooks_forbidden is not None:
        raise RuntimeError(STATE.hooks_forbidden)
    STATE.saved_hooks.append((pack, unpack))
    _hooked_threads += 1


def pop_saved_hooks() -> None:
    """Leave the innermost `saved_tensors_hooks` of this thread."""
    global _hooked_threads
    STATE.saved_hooks.pop()
    _hooked_threads -= 1


def forbid_saved_hooks(message: object) -> object:
    """Make entering hooks an error with this message (None: allow them); the message before."""
    before = STATE.hooks_forbidden
    if message is not None and STATE.saved_hooks:
        raise RuntimeError(message)
    STATE.hooks_forbidden = message
    return before


def saved_hooks() -> object:
    """The innermost (pack, unpack) of this thread, or None; one integer test while nobody uses them."""
    if _hooked_threads == 0 or not STATE.saved_hooks:
        return None
    return STATE.saved_hooks[len(STATE.saved_hooks) - 1]
