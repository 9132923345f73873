"""autocast: the context in which PyTorch computes in a narrower type, and the settings that say whether it is on.

On the CPU alone: there, listed functions cast what they get (`casting`). For other devices the state is kept, and asked
for, as in PyTorch. Nothing here knows tensors but by their type.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headgate.amp.casting import Casting
from headgate.core.device import TYPES
from headgate.core.function_modes import set_casting
from headgate.core.modes import STATE
from headgate.core.records import Tensor
from headgate.dtypes import NAMES

NARROW = ("bfloat16", "float16")
NO_CUDA = "CUDA is not available or torch_xla is imported. Disabling autocast."
UNSUPPORTED = (
    "In {device} autocast, but the target dtype is not supported. Disabling autocast.\n"
    "{device} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently."
)
NOT_CALLABLE = (
    "autocast()(func) requires a callable, but got {kind}. Did you mean to use autocast as a context manager? For "
    "example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
)
#: Device types for which PyTorch has autocast.
AVAILABLE = frozenset(["cpu", "cuda", "ipu", "xpu", "hip", "xla", "mps", "hpu", "mtia", "maia", "privateuseone"])


class _State(threading.local):
    """What one thread has switched on, by type of device."""

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtype: dict[str, Any] = {}
        self.cache = True
        self.nesting = 0
        self.casting: Casting | None = None


_state = _State()


def _checked(device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise TypeError(f"argument 'device_type' (position 1) must be str, not {type(device_type).__name__}")
    if device_type not in TYPES:
        raise RuntimeError(f"Expected one of {', '.join(TYPES)} device type at start of device string: {device_type}")
    if device_type not in AVAILABLE:
        raise RuntimeError(
            f"unknown device type for autocast in get_autocast_dispatch_key_from_device_type: {device_type}"
        )
    return device_type


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast can be entered for a type of device."""
    return device_type in AVAILABLE


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is in an enabled autocast for a type of device ("cuda" if none is given, as in PyTorch)."""
    device_type = "cuda" if device_type is None else _checked(device_type)
    return STATE.casting is not None if device_type == "cpu" else _state.enabled.get(device_type, False)


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switch autocast for a type of device in this thread; with one argument, for "cuda"."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    if _checked(device_type) == "cpu":
        set_casting(_casting() if enabled else None)
    else:
        _state.enabled[device_type] = bool(enabled)


def _casting() -> Casting:
    """What casts in this thread, with the type and the cache that are set now."""
    casting = _state.casting
    if casting is None:
        casting = _state.casting = Casting(_dtype_set("cpu"), _state.cache)
    casting.cached = _state.cache
    if casting.dtype is not _dtype_set("cpu"):
        casting.clear()
        casting.dtype = _dtype_set("cpu")
    return casting


def get_autocast_dtype(device_type: str) -> Any:
    """The narrow type of a type of device: bfloat16 for "cpu", float16 for others, or what was set."""
    if _checked(device_type) == "cpu" and STATE.casting is not None:
        return STATE.casting.dtype
    return _dtype_set(device_type)


def _dtype_set(device_type: str) -> Any:
    """The narrow type of a type of device, whether autocast is on or not."""
    default = NAMES["bfloat16" if device_type in ("cpu", "xpu", "xla", "hpu") else "float16"]
    return _state.dtype.get(device_type, default)


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the narrow type of a type of device in this thread."""
    _state.dtype[_checked(device_type)] = dtype
    if device_type == "cpu":
        _casting()


def is_autocast_cache_enabled() -> bool:
    """Whether casts of weights are kept."""
    return _state.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether casts of weights are kept."""
    _state.cache = bool(enabled)
    _casting()


def clear_autocast_cache() -> None:
    """Forget the casts of this thread's weights."""
    if _state.casting is not None:
        _state.casting.clear()


def autocast_increment_nesting() -> int:
    """One autocast further in; how many there are."""
    _state.nesting += 1
    return _state.nesting


def autocast_decrement_nesting() -> int:
    """One autocast further out; how many are left."""
    _state.nesting -= 1
    return _state.nesting


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`."""
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype() -> Any:
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> Any:
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


class autocast:
    """`autocast(device_type, dtype=None, enabled=True, cache_enabled=None)`: a context, or a decorator.

    On "cpu", products (linear layers, convolutions, attention) are computed in `dtype`, bfloat16 if none is given;
    losses, some pools and decompositions in float32; `cat` and its like in the widest type they get; everything else in
    the type that comes. Gradients arrive in the type of the weights. A weight is cast once until the outermost context
    is left (cache_enabled), or until it is written. ImportError on entering if bfloat16 has no package. A UserWarning,
    and disabled, for "cuda" and for types other than bfloat16 and float16; ValueError or RuntimeError for what is no
    type of device.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda":
            warnings.warn(NO_CUDA, UserWarning, stacklevel=2 if type(self) is autocast else 3)
            enabled = False
        elif enabled and self.fast_dtype not in [NAMES[name] for name in NARROW]:
            warnings.warn(UNSUPPORTED.format(device=device_type.upper()), UserWarning, stacklevel=2)
            enabled = False
        self._enabled = enabled
        self.before: list[Any] = []

    def __enter__(self) -> autocast:
        if self._enabled and self.device == "cpu":
            self.fast_dtype.array_type()  # here, where it is asked for, and not at some product later
        self.before.append((
            is_autocast_cache_enabled(), is_autocast_enabled(self.device), get_autocast_dtype(self.device),
            STATE.casts_off,
        ))
        set_autocast_dtype(self.device, self.fast_dtype)
        set_autocast_cache_enabled(self._cache_enabled)
        set_autocast_enabled(self.device, self._enabled)
        autocast_increment_nesting()
        return self

    def __exit__(self, *_: object) -> None:
        cache, enabled, dtype, off = self.before.pop()
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()
        set_autocast_dtype(self.device, dtype)
        set_autocast_cache_enabled(cache)
        set_autocast_enabled(self.device, enabled)
        STATE.casts_off = off

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(func):
            raise TypeError(NOT_CALLABLE.format(kind=type(func).__name__))

        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return decorated


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Tensors of that device in another type, also inside containers; float64 and integers as they are."""
    if isinstance(value, Tensor):
        tensor: Any = value
        fits = tensor.is_floating_point() and tensor.device.type == device_type and tensor.dtype is not NAMES["float64"]
        return tensor.to(dtype) if fits else tensor
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) or hasattr(value, "__array__"):
        return value
    if isinstance(value, Mapping):
        return {_cast(key, device_type, dtype): _cast(item, device_type, dtype) for key, item in value.items()}
    items = (_cast(item, device_type, dtype) for item in value)
    return type(value)(items) if isinstance(value, (list, tuple)) else items


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorates `forward` of a custom Function: within autocast its inputs are cast to `cast_inputs`, if given, and
    autocast is off in it."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        enabled = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            cast_args, cast_kwargs = _cast(args, device_type, cast_inputs), _cast(kwargs, device_type, cast_inputs)
            return fwd(ctx, *cast_args, **cast_kwargs)

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorates `backward` of a custom Function: it runs with autocast as `forward` did."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return decorated
