"""Rprop: steps by the signs of gradients alone. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.ops.creation import full_like, zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_rate, new_number, plain_number


class Rprop(SteppingOptimizer):
    """Each element has a step size: times etas[1] where the gradient keeps its sign, times etas[0] where it turns (and
    its gradient counts as 0 then), kept within `step_sizes`; p = p - sign(g) * step size.

    State: "step", "prev" (the last gradient), "step_size" (`lr` at first). ValueError for options out of range. Agrees
    with PyTorch bit for bit; with differentiable=True gradients do not pass the signs, as there.
    Source: Riedmiller & Braun, 1993.
    """

    _written = "rprop step"
    _group_defaults = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(
        self, params: Any, lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _fused_rule(self, group: dict[str, Any]) -> tuple[str, tuple[str, ...], int, tuple[Any, ...], Any]:
        (minus, plus), (least, most) = group["etas"], group["step_sizes"]
        return "rprop", ("prev", "step_size", "step"), 2, (minus, plus, least, most), 0.0

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        state = self.state[param]
        if len(state) == 0:
            state["step"] = new_number(0.0)
            state["prev"] = zeros_like(param)
            state["step_size"] = full_like(param.grad, plain_number(group["lr"]))
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        minus, plus = group["etas"]
        before, size = state["prev"], state["step_size"]
        state["step"] += 1
        factor = grad.mul(before.clone() if group["differentiable"] else before).sign()
        factor[factor.gt(0)] = plus
        factor[factor.lt(0)] = minus
        factor[factor.eq(0)] = 1
        size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.clone()
        grad[factor.eq(minus)] = 0
        param.addcmul_(grad.sign(), size, value=-1)
        before.copy_(grad)
