"""Adadelta: steps scaled by past steps. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_not_negative, check_rate, new_number, plain_number


class Adadelta(SteppingOptimizer):
    """v = rho * v + (1 - rho) * g², d = sqrt(u + eps) / sqrt(v + eps) * g, u = rho * u + (1 - rho) * d²,
    p = p - lr * d.

    State: "step", "square_avg", "acc_delta". ValueError for options out of range. Agrees with PyTorch bit for bit.
    Source: Zeiler, 2012.
    """

    _written = "adadelta step"
    _group_defaults = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps, "Invalid epsilon value")
        check_not_negative(weight_decay, "Invalid weight_decay value")
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        options = (group["lr"], group["rho"], group["eps"])
        return "adadelta", ("square_avg", "acc_delta", "step"), 2, options, group["weight_decay"]

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0)
            state["square_avg"] = zeros_like(param)
            state["acc_delta"] = zeros_like(param)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        rho, eps = group["rho"], group["eps"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        square, moved = state["square_avg"], state["acc_delta"]
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = moved.add(eps).sqrt().div(square.add(eps).sqrt()).mul(grad)
        moved.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-plain_number(group["lr"]))
