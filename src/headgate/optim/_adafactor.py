"""Adafactor: the mean of squares kept as a row and a column. It must not know the other optimizers."""

from __future__ import annotations

from typing import Any

from headgate.dtypes import finfo
from headgate.ops.creation import zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_rate, new_number, plain_number


class Adafactor(SteppingOptimizer):
    """Adam without momentum whose second moments are the product of a row and a column of means, for matrices.

    beta = 1 - t^beta2_decay; rho = min(lr, 1 / sqrt(t)); the step is max(eps[1], rms(p)) * rho times the gradient over
    the root of its mean square, its own root mean square kept at most `d`. eps[0] None is the type's epsilon. State:
    "step" and "row_var" with "col_var", or "variance" for vectors. It steps in Tensor operations, parameter by
    parameter. ValueError for options out of range. Source: Shazeer & Stern, 2018.
    """

    _compiled = False
    _group_defaults = {"foreach": None}

    def __init__(
        self, params: Any, lr: Any = 1e-2, beta2_decay: float = -0.8, eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0, weight_decay: float = 0.0, *, foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        check_rate(lr, "Learning rate should be >= 0 but is")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state, grad = self.state[param], param.grad
        if len(state) == 0:
            state["step"] = new_number(0.0)
            if grad.dim() > 1:
                state["row_var"] = grad.new_zeros([*grad.shape[:-1], 1])
                state["col_var"] = grad.new_zeros([*grad.shape[:-2], 1, grad.shape[-1]])
            else:
                state["variance"] = zeros_like(grad)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr = plain_number(group["lr"])
        least, least_scale = group["eps"]
        least = finfo(param.dtype).eps if least is None else least
        state["step"] += 1
        step = state["step"].item()
        rate = max(least_scale, param.norm(2).item() / (param.numel() ** 0.5)) * min(lr, 1 / (step**0.5))
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        estimate = self._estimate(state, grad, step ** group["beta2_decay"], least)
        update = estimate.clamp_(min=least * least).rsqrt_().mul_(grad)
        size = max(1.0, update.norm(2).item() / ((update.numel() ** 0.5) * group["d"]))
        param.add_(update, alpha=-rate / size)

    def _estimate(self, state: dict[str, Any], grad: Any, weight: float, least: float) -> Any:
        """The mean of squares of every element, from the row and the column."""
        if grad.dim() <= 1:
            return state["variance"].lerp_(grad * grad, weight).clone()
        for name, dim in (("row_var", -1), ("col_var", -2)):
            mean = grad.norm(dim=dim, keepdim=True).square_().div_(grad.size(dim))
            state[name].lerp_(mean, weight)
        row = state["row_var"]
        return (row @ state["col_var"]).div_(row.mean(dim=-2, keepdim=True).clamp_(min=least))
