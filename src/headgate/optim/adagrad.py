"""Adagrad: rates by the sum of squared gradients. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import full_like
from headgate.optim.stepping import (
    SteppingOptimizer,
    check_fused,
    check_not_negative,
    check_rate,
    new_number,
    plain_number,
)


class Adagrad(SteppingOptimizer):
    """s = s + g², p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps). State, from the start: "step", "sum".

    ValueError for options out of range. Agrees with PyTorch bit for bit; `foreach` and `fused` are accepted and change
    nothing. Source: Duchi et al., 2011.
    """

    _written = "adagrad step"
    _group_defaults = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(
        self, params: Any, lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(lr_decay, "Invalid lr_decay value")
        check_not_negative(weight_decay, "Invalid weight_decay value")
        check_not_negative(initial_accumulator_value, "Invalid initial_accumulator_value value")
        check_not_negative(eps, "Invalid epsilon value")
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self._begin(group, param)

    def share_memory(self) -> None:
        """Let the sums be shared with other processes."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        options = (group["lr"], group["lr_decay"], group["eps"])
        return "adagrad", ("sum", "step"), 1, options, group["weight_decay"]

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0, group["fused"])
            state["sum"] = full_like(param, self.defaults["initial_accumulator_value"])
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        rate = plain_number(group["lr"]) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        state["sum"].addcmul_(grad, grad, value=1)
        param.addcdiv_(grad, state["sum"].sqrt() + group["eps"], value=-rate)
