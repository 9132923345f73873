"""NAdam: Adam with Nesterov's momentum. It shares Adam's moments and knows nothing else."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.adam import adam_options, decay_weights, update_moments
from headgate.optim.stepping import (
    SteppingOptimizer,
    check_betas,
    check_not_negative,
    check_rate,
    new_number,
    plain_number,
)


class NAdam(SteppingOptimizer):
    """Adam with Nesterov momentum whose coefficient grows over the steps.

    mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentum_decay)), M_t the product of all mu so far; with Adam's m and v and
    d = sqrt(v / (1 - beta2^t)) + eps: p = p - lr * (1 - mu_t) / (1 - M_t) * g / d
    - lr * mu_{t+1} / (1 - M_{t+1}) * m / d. State: "step", "mu_product", "exp_avg", "exp_avg_sq".

    ValueError for options out of range. Agrees with PyTorch bit for bit. Source: Dozat, 2016.
    """

    _written = "nadam step"
    _numbers = ("step", "mu_product")
    _captured = "params, mu_products and state_steps"
    _group_defaults = {
        "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(eps, "Invalid epsilon value")
        check_betas(betas)
        check_not_negative(weight_decay, "Invalid weight_decay value")
        check_not_negative(momentum_decay, "Invalid momentum_decay value")
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        decay = 0.0 if group["decoupled_weight_decay"] else group["weight_decay"]
        options = (*adam_options(group), group["momentum_decay"])
        return "nadam", ("exp_avg", "exp_avg_sq", "step", "mu_product"), 2, options, decay

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"], state["mu_product"] = new_number(0.0), new_number(1.0)
            state["exp_avg"], state["exp_avg_sq"] = zeros_like(param), zeros_like(param)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr = plain_number(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        grad = decay_weights(group, param, grad, lr)
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * group["momentum_decay"])))
        following = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * group["momentum_decay"])))
        state["mu_product"] *= mu
        mean, square = update_moments(state, grad, beta1, beta2)
        below = square.div(1 - beta2**step).sqrt().add(group["eps"])
        if group["differentiable"]:
            product = state["mu_product"].clone()
            param.addcdiv_(grad * (-lr * (1.0 - mu) / (1.0 - product)), below)
            param.addcdiv_(mean * (-lr * following / (1.0 - product * following)), below)
            return
        product = state["mu_product"].item()
        param.addcdiv_(grad, below, value=-lr * (1.0 - mu) / (1.0 - product))
        param.addcdiv_(mean, below, value=(-lr * following) / (1.0 - product * following))
