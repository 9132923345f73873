"""Optimizers that update each parameter from its gradient and its state alone: the one way in which they step.

Parameters that the compiled pass can work on (float32 and float64, contiguous, plain) go there together; others, and
steps that shall be differentiable, take the optimizer's form in Tensor operations. It knows no rule.
"""

from __future__ import annotations

from typing import Any

from headgate._loading import WANTED as UNCOMPILED
from headgate.autograd.grad_mode import enable_grad, set_grad_enabled
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor
from headgate.core.writes import check_writable
from headgate.dtypes import NAMES
from headgate.ops.settings import get_default_dtype
from headgate.optim.optimizer import Optimizer, _type_name, is_tensor

Pass: Any = None
if not UNCOMPILED:
    from headgate.optim.fused import Pass  # type: ignore[no-redef]

#: What PyTorch names where a step should be capturable; none of them is here.
CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone", "xla"]


def scalar_dtype(fused: Any = None) -> Any:
    """The type of the numbers in a state: float32, or float64 if that is the default type."""
    wide = not fused and get_default_dtype() is NAMES["float64"]
    return NAMES["float64"] if wide else NAMES["float32"]


def plain_number(value: Any) -> Any:
    """An option that is a tensor of one element without dimensions; others as they are."""
    return value.squeeze() if is_tensor(value) and value.dim() != 0 else value


def check_not_negative(value: Any, text: str) -> None:
    """ValueError unless 0 <= value."""
    if not 0.0 <= value:
        raise ValueError(f"{text}: {value}")


def check_rate(lr: Any, text: str = "Invalid learning rate") -> None:
    """Refuse a learning rate that is negative or a tensor of several elements."""
    if is_tensor(lr) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative(lr, text)


def check_betas(betas: Any) -> None:
    """Refuse decay rates outside [0, 1)."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def check_fused(optimizer: Any, fused: Any, foreach: Any, differentiable: Any) -> None:
    """Refuse `fused=True` beside what excludes it. Headgate's step is one pass with and without it."""
    if fused:
        if differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        optimizer._step_supports_amp_scaling = True


def new_number(value: float, fused: Any = None) -> Any:
    """A number of a state: a tensor without dimensions."""
    return PUBLIC["tensor"](value, dtype=scalar_dtype(fused))


class SteppingOptimizer(Optimizer):
    """Base of the optimizers whose step goes parameter by parameter.

    A subclass gives `_fused_rule` (the compiled rule for a group and its numbers; none if it is not `_compiled`),
    `_begin` (fill an empty state) and `_update` (the same step in Tensor operations).
    """

    _passes: dict[int, Any]
    _written = "optimizer step"
    _compiled = True
    _group_defaults: dict[str, Any] = {}
    _numbers: tuple[str, ...] = ("step",)
    _captured = "params and state_steps"
    _parts_apart = True  # for complex parameters, in PyTorch

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.pop("_passes", None)
        for group in self.param_groups:
            for name, value in self._group_defaults.items():
                group.setdefault(name, value)
            for param in group["params"]:
                self._restore_numbers(self.state.get(param, {}), group)

    def _restore_numbers(self, state: dict[str, Any], group: dict[str, Any]) -> None:
        """States of old files have numbers where tensors are wanted now."""
        for name in self._numbers:
            if state and not isinstance(state[name], Tensor):
                state[name] = new_number(float(state[name]), group.get("fused"))

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        """(rule, names of the state, how many of them are elementwise, numbers for the rule, coupled weight decay)."""
        raise NotImplementedError

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        """Fill the state of a parameter if it is empty; whether it was, where the rule must know that."""
        raise NotImplementedError

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        """One step of one parameter, in Tensor operations."""
        raise NotImplementedError

    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient; returns what `closure` returned, or None.

        AssertionError if a group is `capturable`: there is no device for that.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            self._step_group(index, group)
        return loss

    def _step_group(self, index: int, group: dict[str, Any]) -> None:
        if group.get("capturable"):
            raise AssertionError(
                f"If capturable=True, {self._captured} must be on supported devices: {CAPTURABLE}."
            )
        if UNCOMPILED or group.get("differentiable") or not self._compiled:
            self._step_plainly(group)
            return
        try:
            found = self._passes[index]
        except (AttributeError, KeyError):
            found = self.__dict__.setdefault("_passes", {})[index] = Pass()
        others = found.run(
            self._fused_rule(group), group["params"], self.state, group.get("maximize", False), self._written,
            lambda param: self._begin(group, param),
        )  # fmt: skip
        if others is NotImplemented:
            self._step_plainly(group)
            return
        if others:
            with set_grad_enabled(False):
                for param, fresh in others:
                    self._update_one(group, param, fresh)

    def _step_plainly(self, group: dict[str, Any]) -> None:
        """Step a group in Tensor operations, recorded if the optimizer was made differentiable."""
        recorded = bool(self.defaults.get("differentiable"))
        for param in group["params"]:  # what must not be written is refused before anything is
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_type_name(param)}")
            if param.grad is not None and not recorded:
                check_writable(param, False)
        with set_grad_enabled(recorded):
            for param in group["params"]:
                if param.grad is not None:
                    self._update_one(group, param, self._begin(group, param))

    def _update_one(self, group: dict[str, Any], param: Any, fresh: bool) -> None:
        if param.is_complex() and self._parts_apart:
            raise RuntimeError(
                f"{type(self).__name__} works on the real and the imaginary parts apart, and Headgate does not compute "
                "with complex numbers"
            )
        grad = -param.grad if group.get("maximize") else param.grad
        self._update(group, param, grad, self.state.get(param, {}), fresh)

