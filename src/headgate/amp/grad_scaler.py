"""GradScaler: scales a loss so that small gradients survive half precision, and skips steps whose gradients overflow.

Without CUDA the default one is disabled, as in PyTorch; one for "cpu" works. It knows optimizers by their groups only.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor
from headgate.dtypes import NAMES

NOT_AVAILABLE = "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling."
NOT_SCALED = (
    "Attempted {name} but {field} is None.  This may indicate your script did not use scaler.scale(loss or outputs) "
    "earlier in the iteration."
)
BAD_SCALE = (
    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with requires_grad=False."
)
EMPTY_STATE = "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."


class OptState(Enum):
    """How far an optimizer has come since the last update."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """`scale(loss).backward()`, then `step(optimizer)` and `update()`, with a factor that follows the gradients' range.

    The factor is `init_scale`, times `backoff_factor` after a step with infinite or NaN gradients (which is skipped),
    times `growth_factor` after `growth_interval` steps without. device: "cuda" (the default) warns and is disabled:
    everything passes through; "cpu" is not. AssertionError for factors on the wrong side of 1; RuntimeError for calls
    out of order; ValueError for float16 gradients.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        self._device = device
        self._enabled = enabled
        if device == "cuda" and enabled:
            warnings.warn(NOT_AVAILABLE, UserWarning, stacklevel=2 if type(self) is GradScaler else 3)
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Any = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker: Any = None
        self._per_optimizer_states: dict[int, dict[str, Any]] = defaultdict(_fresh_state)

    def _check(self, name: str) -> None:
        """AssertionError unless something was scaled before."""
        for field in ("_scale", "_growth_tracker"):
            if getattr(self, field) is None:
                raise AssertionError(NOT_SCALED.format(name=name, field=field))

    def scale(self, outputs: Any) -> Any:
        """A tensor times the factor, or each tensor in (nested) iterables. ValueError for anything else."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                full = PUBLIC["full"]
                self._scale = full((), self._init_scale, dtype=NAMES["float32"])
                self._growth_tracker = full((), self._init_growth_tracker, dtype=NAMES["int32"])
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled  # type: ignore[call-arg]
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    @no_grad()
    def _unscale_grads(self, optimizer: Any, inverse: float, allow_half: bool) -> Any:
        """Multiply all gradients by `inverse`; 1.0 as a tensor if one was infinite or NaN, else 0.0."""
        found = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not allow_half and any(gradient.dtype is NAMES["float16"] for gradient in found):
            raise ValueError("Attempting to unscale FP16 gradients.")
        finite = all([bool(gradient.isfinite().all()) for gradient in found])
        if inverse != 1.0:
            for gradient in found:
                gradient.mul_(inverse)
        return {"cpu": PUBLIC["tensor"](0.0 if finite else 1.0)} if found else {}

    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the factor, for clipping them before `step`. RuntimeError if that was done
        already since the last update."""
        if not self._enabled:
            return
        self._check("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = self._scale.double().reciprocal().float().item()
        state["found_inf_per_device"] = self._unscale_grads(optimizer, inverse, False)
        state["stage"] = OptState.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()` on unscaled gradients, left out if one is infinite or NaN. RuntimeError for a closure, and
        for a second step since the last update."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if len(state["found_inf_per_device"]) == 0:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        overflow = any(found.item() for found in state["found_inf_per_device"].values())
        result = None if overflow else optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def update(self, new_scale: Any = None) -> None:
        """Change the factor after the steps, or set it to `new_scale`."""
        if not self._enabled:
            return
        self._check("update")
        if new_scale is not None:
            self._set_scale(new_scale)
        else:
            found = [
                one for state in self._per_optimizer_states.values() for one in state["found_inf_per_device"].values()
            ]
            if len(found) == 0:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._follow(any(one.item() for one in found))
        self._per_optimizer_states = defaultdict(_fresh_state)

    def _set_scale(self, new_scale: Any) -> None:
        if isinstance(new_scale, float):
            self._scale.fill_(new_scale)
            return
        if new_scale.device.type != self._device or new_scale.numel() != 1 or new_scale.requires_grad:
            raise AssertionError(BAD_SCALE)
        self._scale.copy_(new_scale)

    def _follow(self, overflow: bool) -> None:
        """Back off after an overflow, grow after long enough without; never to infinity."""
        if overflow:
            self._scale.mul_(self._backoff_factor)
            self._growth_tracker.fill_(0)
            return
        count = self._growth_tracker.item() + 1
        if count == self._growth_interval:
            grown = self._scale * self._growth_factor
            if grown.isfinite():
                self._scale.copy_(grown)
            count = 0
        self._growth_tracker.fill_(count)

    def get_scale(self) -> float:
        """The factor; 1.0 if disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """By what the factor grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set by what the factor grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the factor backs off."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set by what the factor backs off."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps the factor grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else self._growth_tracker.item()

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The factor and what it follows; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._get_growth_tracker(),
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave; nothing if disabled. RuntimeError for an empty one."""
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(EMPTY_STATE)
        self._init_scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
            self._growth_tracker.fill_(state_dict["_growth_tracker"])

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._enabled:
            if len(self._per_optimizer_states) != 0:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                    "scaler.update()."
                )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = state["_growth_tracker"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
