"""Adamax: Adam with the infinity norm. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.stepping import (
    SteppingOptimizer,
    check_betas,
    check_not_negative,
    check_rate,
    new_number,
    plain_number,
)


class Adamax(SteppingOptimizer):
    """Adam with the largest recent gradient in place of the mean of squares.

    m = lerp(m, g, 1 - beta1), u = max(beta2 * u, |g| + eps), p = p - lr / (1 - beta1^t) * m / u. State: "step",
    "exp_avg", "exp_inf".

    ValueError for options out of range. Agrees with PyTorch bit for bit. Source: Kingma & Ba, 2014.
    """

    _written = "adamax step"
    _group_defaults = {"maximize": False, "foreach": None, "capturable": False, "differentiable": False}

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(eps, "Invalid epsilon value")
        check_betas(betas)
        check_not_negative(weight_decay, "Invalid weight_decay value")
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        beta1, beta2 = group["betas"]
        options = (group["lr"], beta1, beta2, group["eps"])
        return "adamax", ("exp_avg", "exp_inf", "step"), 2, options, group["weight_decay"]

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0)
            state["exp_avg"] = zeros_like(param)
            state["exp_inf"] = zeros_like(param)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        beta1, beta2 = group["betas"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        state["exp_avg"].lerp_(grad, 1 - beta1)
        largest = state["exp_inf"]
        largest.copy_((largest * beta2).maximum(grad.abs().add(group["eps"])))
        rate = plain_number(group["lr"]) / (1 - beta1 ** state["step"].item())
        param.addcdiv_(state["exp_avg"], largest, value=-rate)
