"""`torch.cuda` on a machine without it: questions answer no, what would need a device raises AssertionError.

Seeding is accepted and has no effect, as in a PyTorch without CUDA.
"""

from typing import Any, NoReturn

from headgate.core.device import NO_CUDA
from headgate.cuda import amp as amp


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device."""


def seed() -> None:
    """Nothing: there is no device."""


def seed_all() -> None:
    """Nothing: there is no device."""


def empty_cache() -> None:
    """Nothing: there is no device."""


def memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def get_rng_state_all() -> list[Any]:
    """An empty list."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Nothing: there is no device."""


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises AssertionError: there is no CUDA device."""
    raise AssertionError(NO_CUDA)


init = synchronize = current_device = set_device = get_device_name = get_device_properties = _refuse
get_device_capability = get_rng_state = set_rng_state = initial_seed = ipc_collect = current_stream = _refuse
reset_peak_memory_stats = mem_get_info = _refuse


class _Absent:
    """A type of tensors on CUDA devices: nothing is one, and none can be made. TypeError."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled.")


globals().update({
    _name + "Tensor": type(_name + "Tensor", (_Absent,), {"__module__": "torch.cuda", "__doc__": _Absent.__doc__})
    for _name in ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
})
