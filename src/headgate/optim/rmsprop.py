"""RMSprop: rates by the moving mean of squared gradients. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_not_negative, check_rate, new_number, plain_number


class RMSprop(SteppingOptimizer):
    """v = alpha * v + (1 - alpha) * g², d = sqrt(v) + eps; p = p - lr * g / d, or with momentum
    b = momentum * b + g / d and p = p - lr * b. `centered` takes the mean gradient's square off v first.

    State: "step", "square_avg", with momentum "momentum_buffer", centered "grad_avg". ValueError for options out of
    range. Agrees with PyTorch bit for bit. Source: Hinton's lecture 6, 2012; centered: Graves, 2013.
    """

    _written = "rmsprop step"
    _group_defaults = {
        "momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False,
        "capturable": False,
    }  # fmt: skip

    def __init__(
        self, params: Any, lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(eps, "Invalid epsilon value")
        check_not_negative(momentum, "Invalid momentum value")
        check_not_negative(weight_decay, "Invalid weight_decay value")
        check_not_negative(alpha, "Invalid alpha value")
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        names: tuple[str, ...] = ("square_avg",)
        if group["centered"]:
            names += ("grad_avg",)
        if group["momentum"] > 0:
            names += ("momentum_buffer",)
        options = (group["lr"], group["alpha"], group["eps"], group["momentum"])
        rule = "rmsprop_centered" if group["centered"] else "rmsprop"
        return rule, (*names, "step"), len(names), options, group["weight_decay"]

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0)
            state["square_avg"] = zeros_like(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = zeros_like(param)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        alpha, rate = group["alpha"], plain_number(group["lr"])
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        square = state["square_avg"]
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            size = square.addcmul(mean, mean, value=-1).sqrt()
        else:
            size = square.sqrt()
        size = size.add(group["eps"])
        if group["momentum"] > 0:
            state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(grad, size)
            param.add_(state["momentum_buffer"], alpha=-rate)
        else:
            param.addcdiv_(grad, size, value=-rate)
