"""The old names by device, `torch.cuda.amp` and `torch.cpu.amp`: made for one device each, with a FutureWarning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from headgate.amp import autocast_mode, grad_scaler
from headgate.dtypes import NAMES

OLD = "`torch.{device}.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('{device}', args...)` instead."


def for_device(device: str, narrow: str) -> tuple[type, type]:
    """autocast and GradScaler for one type of device."""

    class autocast(autocast_mode.autocast):
        """`torch.amp.autocast` for this device; deprecated."""

        def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
            warnings.warn(OLD.format(device=device, name="autocast"), FutureWarning, stacklevel=2)
            super().__init__(device, dtype or NAMES[narrow], enabled, cache_enabled)

    class GradScaler(grad_scaler.GradScaler):
        """`torch.amp.GradScaler` for this device; deprecated."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            warnings.warn(OLD.format(device=device, name="GradScaler"), FutureWarning, stacklevel=2)
            super().__init__(device, *args, **kwargs)

    for kind in (autocast, GradScaler):
        kind.__qualname__ = kind.__name__
        kind.__module__ = f"headgate.{device}.amp"
    return autocast, GradScaler


def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: Any = None) -> Callable[..., Any]:
    """`torch.amp.custom_fwd` for "cuda"; deprecated."""
    warnings.warn(OLD.format(device="cuda", name="custom_fwd"), FutureWarning, stacklevel=2)
    return functools.partial(autocast_mode.custom_fwd, device_type="cuda", cast_inputs=cast_inputs)(fwd)


def custom_bwd(bwd: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.amp.custom_bwd` for "cuda"; deprecated."""
    warnings.warn(OLD.format(device="cuda", name="custom_bwd"), FutureWarning, stacklevel=2)
    return autocast_mode.custom_bwd(bwd, device_type="cuda")
