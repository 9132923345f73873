"""SGD: gradient descent, with momentum in PyTorch's form. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import zeros_like
from headgate.optim.optimizer import is_tensor
from headgate.optim.stepping import SteppingOptimizer, check_fused, plain_number


class SGD(SteppingOptimizer):
    """Stochastic gradient descent.

    g = grad + weight_decay * p; with momentum b = momentum * b + (1 - dampening) * g (b = g at first), then g = b, or
    g + momentum * b with `nesterov`; p = p - lr * g. The state has "momentum_buffer" where momentum is not 0.

    ValueError for negative options and for Nesterov without momentum or with dampening. Parameters and states agree bit
    for bit with PyTorch's default path; `foreach` and `fused` are accepted and change nothing.
    Source: Sutskever et al., 2013, in PyTorch's variant (the rate multiplies the velocity).
    """

    _written = "sgd step"
    _numbers = ()
    _parts_apart = False
    _group_defaults = {
        "nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False,
    }  # fmt: skip

    def __init__(
        self, params: Any, lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: Any = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        if is_tensor(lr) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        momentum = group["momentum"]
        decay = group["weight_decay"]
        if momentum == 0:
            return "sgd", (), 0, (group["lr"], 0.0, 0.0), decay
        rule = "sgd_nesterov" if group["nesterov"] else "sgd_momentum"
        return rule, ("momentum_buffer",), 1, (group["lr"], momentum, group["dampening"]), decay

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        if group["momentum"] == 0:
            return False
        state = self.state[param]
        if state.get("momentum_buffer") is not None:
            return False
        state["momentum_buffer"] = zeros_like(param)
        return True

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        decay, momentum, rate = group["weight_decay"], group["momentum"], plain_number(group["lr"])
        if is_tensor(decay) and decay.requires_grad:
            grad = grad.addcmul(param.clone(), decay)
        elif decay != 0:
            grad = grad.add(param, alpha=decay)
        if momentum != 0:
            if fresh:
                state["momentum_buffer"] = grad.detach().clone()
            else:
                state["momentum_buffer"].mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            buffer = state["momentum_buffer"]
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        if is_tensor(rate) and rate.requires_grad:
            param.addcmul_(grad, rate, value=-1)
        else:
            param.add_(grad, alpha=-rate)
