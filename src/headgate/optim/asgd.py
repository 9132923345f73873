"""ASGD: gradient descent that averages its way. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_not_negative, check_rate, new_number, plain_number


class ASGD(SteppingOptimizer):
    """p = p * (1 - lambd * eta) - eta * g, a = a + (p - a) * mu; then eta = lr / (1 + lambd * lr * t)^alpha and
    mu = 1 / max(1, t - t0). The average a is in the state as "ax", beside "step", "eta" and "mu".

    ValueError for a negative rate or decay. Agrees with PyTorch bit for bit. Source: Polyak & Juditsky, 1992.
    """

    _written = "asgd step"
    _numbers = ("step", "eta", "mu")
    _captured = "params, mus, etas, and state_steps"
    _group_defaults = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self, params: Any, lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(weight_decay, "Invalid weight_decay value")
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        options = (group["lr"], group["lambd"], group["alpha"], group["t0"])
        return "asgd", ("ax", "step", "eta", "mu"), 1, options, group["weight_decay"]

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0)
            state["eta"] = new_number(float(plain_number(group["lr"])))
            state["mu"] = new_number(1.0)
            state["ax"] = zeros_like(param)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr, lambd, average = plain_number(group["lr"]), group["lambd"], state["ax"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        eta = state["eta"].item()
        param.mul_(1 - lambd * eta)
        param.add_(grad, alpha=-eta)
        if state["mu"].item() != 1:
            average.add_(param.sub(average).mul_(state["mu"]))
        else:
            average.copy_(param)
        step = state["step"].item()
        eta = lr / ((1 + lambd * lr * step) ** group["alpha"])
        state["eta"].fill_(float(eta))
        state["mu"].fill_(1 / max(1, step - group["t0"]))
