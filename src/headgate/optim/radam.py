"""RAdam: Adam whose adaptive rate is rectified in the first steps. It shares Adam's moments and knows nothing else."""

from __future__ import annotations

from typing import Any

from headgate.optim.adam import adam_options, begin_moments, decay_weights, update_moments
from headgate.optim.stepping import SteppingOptimizer, check_betas, check_not_negative, check_rate, plain_number


class RAdam(SteppingOptimizer):
    """Adam with the variance of its adaptive rate rectified, and plain momentum while that cannot be done.

    rho = 2 / (1 - beta2) - 1, rho_t = rho - 2 t beta2^t / (1 - beta2^t); where rho_t > 5 the step is
    lr * m / (1 - beta1^t) * r_t * sqrt(1 - beta2^t) / (sqrt(v) + eps) with
    r_t = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t)), else lr * m / (1 - beta1^t).
    State: "step", "exp_avg", "exp_avg_sq".

    ValueError for options out of range. Agrees with PyTorch bit for bit. Source: Liu et al., 2019.
    """

    _written = "radam step"
    _group_defaults = {
        "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        check_not_negative(eps, "Invalid epsilon value")
        check_betas(betas)
        check_not_negative(weight_decay, "Invalid weight_decay value")
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        decay = 0.0 if group["decoupled_weight_decay"] else group["weight_decay"]
        return "radam", ("exp_avg", "exp_avg_sq", "step"), 2, adam_options(group), decay

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        return begin_moments(self.state[param], param, group)

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr = plain_number(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        grad = decay_weights(group, param, grad, lr)
        mean, square = update_moments(state, grad, beta1, beta2)
        correction = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * (beta2**step) / correction
        change = mean / (1 - beta1**step) * lr
        if length > 5.0:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            change = change * ((correction**0.5) / square.sqrt().add(group["eps"])) * rectified**0.5
        param.add_(change, alpha=-1.0)
