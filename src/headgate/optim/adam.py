"""Adam, with its variants AMSGrad and decoupled weight decay. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.optimizer import is_tensor
from headgate.optim.stepping import (
    SteppingOptimizer,
    check_betas,
    check_fused,
    check_not_negative,
    check_rate,
    new_number,
    plain_number,
)


def check_tensor(name: str, value: Any, foreach: Any, capturable: Any) -> None:
    """Refuse an option given as a tensor where PyTorch does."""
    if is_tensor(value):
        if foreach and not capturable:
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")


def check_beta_types(betas: Any, foreach: Any, capturable: Any) -> None:
    """Refuse betas of mixed types, and tensors where PyTorch does."""
    if not all(isinstance(beta, float) for beta in betas) and not all(is_tensor(beta) for beta in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    check_tensor("betas[0]", betas[0], foreach, capturable)
    check_tensor("betas[1]", betas[1], foreach, capturable)


def check_foreach(group: dict[str, Any]) -> None:
    """Refuse, at a step, tensors as options of a group that asks for `foreach`, as PyTorch's lists of tensors do."""
    if all(param.grad is None for param in group["params"]):
        return
    if is_tensor(group["lr"]):
        raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
    for index, beta in enumerate(group["betas"], 1):
        if is_tensor(beta) and not group["fused"]:
            raise ValueError(f"beta{index} as a Tensor is not supported for capturable=False and foreach=True")


def adam_options(group: dict[str, Any]) -> tuple[Any, ...]:
    """(lr, beta1, beta2, eps, decoupled weight decay), as the compiled rules of Adam's family want them."""
    beta1, beta2 = group["betas"]
    return (group["lr"], beta1, beta2, group["eps"], group["weight_decay"] if group["decoupled_weight_decay"] else 0.0)


def begin_moments(state: dict[str, Any], param: Any, group: dict[str, Any], *more: str) -> bool:
    """Fill an empty state with the step and the moving averages."""
    if len(state) == 0:
        state["step"] = new_number(0.0, group.get("fused"))
        for name in ("exp_avg", "exp_avg_sq", *more):
            state[name] = zeros_like(param)
    return False


def decay_weights(group: dict[str, Any], param: Any, grad: Any, lr: Any) -> Any:
    """The gradient with coupled weight decay; decoupled, the decay goes into the parameter."""
    decay = group["weight_decay"]
    if is_tensor(decay) and decay.requires_grad and not group["decoupled_weight_decay"]:
        return grad.addcmul(param.clone(), decay)
    if decay == 0:
        return grad
    if group["decoupled_weight_decay"]:
        param.mul_(1 - lr * decay)
        return grad
    return grad.add(param, alpha=decay)


def update_moments(state: dict[str, Any], grad: Any, beta1: Any, beta2: Any) -> tuple[Any, Any]:
    """Move the averages of the gradient and of its square towards this one."""
    mean, square = state["exp_avg"], state["exp_avg_sq"]
    mean.lerp_(grad, 1 - beta1)
    if is_tensor(beta2) and beta2.requires_grad:
        square.lerp_(grad.square(), 1 - beta2)
    else:
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    return mean, square


class Adam(SteppingOptimizer):
    """Adam: steps of about `lr`, scaled by moving averages of the gradient and its square.

    m = lerp(m, g, 1 - beta1), v = beta2 * v + (1 - beta2) * g²; p = p - lr / (1 - beta1^t) * m /
    (sqrt(v) / sqrt(1 - beta2^t) + eps). `amsgrad` takes the largest v so far. weight_decay is added to the gradient, or
    with `decoupled_weight_decay` multiplies the parameter by 1 - lr * weight_decay. State: "step", "exp_avg",
    "exp_avg_sq", "max_exp_avg_sq".

    ValueError for options out of range. Agrees with PyTorch's default path bit for bit in float32 and float64;
    `foreach` and `fused` are accepted and change nothing. Source: Kingma & Ba, 2014; AMSGrad: Reddi et al., 2018.
    """

    _written = "adam step"
    _group_defaults: dict[str, Any] = {
        "amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False, "fused": None,
    }  # fmt: skip

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        check_tensor("lr", lr, foreach, capturable)
        check_rate(lr)
        check_not_negative(eps, "Invalid epsilon value")
        check_betas(betas)
        check_not_negative(weight_decay, "Invalid weight_decay value")
        check_beta_types(betas, foreach, capturable)
        defaults = {
            "lr": lr, "betas": tuple(map(plain_number, betas)), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _step_group(self, index: int, group: dict[str, Any]) -> None:
        if group["foreach"] and not group["capturable"]:
            check_foreach(group)
        super()._step_group(index, group)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        decay = 0.0 if group["decoupled_weight_decay"] else group["weight_decay"]
        if group["amsgrad"]:
            names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step")
            return "adam_max", names, 3, adam_options(group), decay
        return "adam", ("exp_avg", "exp_avg_sq", "step"), 2, adam_options(group), decay

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        return begin_moments(self.state[param], param, group, *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr = plain_number(group["lr"])
        beta1, beta2 = map(plain_number, group["betas"])
        if group["differentiable"] and state["step"].requires_grad:
            raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
        state["step"] += 1
        grad = decay_weights(group, param, grad, lr)
        if is_tensor(beta1):
            beta1 = beta1.to(param.dtype)
        mean, square = update_moments(state, grad, beta1, beta2)
        if group["amsgrad"]:
            top = state["max_exp_avg_sq"]
            top.copy_(top.clone().maximum(square))
            square = top
        if group["differentiable"]:
            self._move_recorded(group, param, mean, square, state["step"].clone(), lr, beta1, beta2)
            return
        step = state["step"].item()
        below = (square.sqrt() / (1 - beta2**step) ** 0.5).add_(group["eps"])
        param.addcdiv_(mean, below, value=-(lr / (1 - beta1**step)))

    def _move_recorded(
        self, group: dict[str, Any], param: Any, mean: Any, square: Any, step: Any, lr: Any, beta1: Any, beta2: Any
    ) -> None:
        """The last part of a differentiable step: gradients reach lr and the betas too, if they are tensors."""
        negative = (lr / (1 - beta1**step)).neg()
        root = (1 - beta2**step).sqrt()
        below = (square.sqrt() / (root * negative)).add(group["eps"] / negative)
        param.addcdiv_(mean.clone(), below)
