"""Muon: momentum made orthogonal, for matrices. It must not know the other optimizers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headgate.core.entry import PUBLIC
from headgate.ops.creation import zeros_like
from headgate.optim.stepping import SteppingOptimizer, check_rate, plain_number


def rounded(numbers: Any) -> Any:
    """float32 numbers rounded to the nearest bfloat16, ties to even, still as float32."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    half = 0x7FFF + ((bits >> 16) & 1)
    return ((bits + half) & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32)


def orthogonal(matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Nearly the orthogonal factor of a matrix, by `steps` Newton-Schulz iterations a X + b (XXᵀ)X + c (XXᵀ)²X.

    What each operation gives is rounded to bfloat16, as in PyTorch, whose iteration is one of bfloat16 tensors.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(matrix.shape) != 2:
        raise ValueError("Input tensor gradient must be a 2D matrix")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = map(np.float32, coefficients)
    high = matrix.size(0) > matrix.size(1)
    x = rounded(matrix.detach().numpy())
    x = x.T if high else x
    with np.errstate(all="ignore"):
        x = rounded(x / max(rounded(np.sqrt(np.square(x).sum())), rounded(eps + 0.0)))
        for _ in range(steps):
            gram = rounded(x @ x.T)
            x = rounded(a * x + rounded(b * gram + c * (gram @ gram)) @ x)
    return PUBLIC["from_numpy"](np.ascontiguousarray(x.T if high else x)).to(matrix.dtype)


class Muon(SteppingOptimizer):
    """Steps along the orthogonalised momentum of a matrix: b = lerp(b, g, 1 - momentum), u = b or with `nesterov`
    lerp(g, b, momentum); p = p * (1 - lr * weight_decay) - adjusted lr * orthogonal(u).

    adjust_lr_fn: "original" (the default) scales by sqrt(max(1, rows / columns)), "match_rms_adamw" by
    0.2 * sqrt(max(rows, columns)). ValueError for parameters that are not matrices and options out of range. The
    iteration rounds to bfloat16, as PyTorch's: another order of its sums may differ in the last bit of that type.
    Source: Jordan et al., 2024.
    """

    _compiled = False
    _numbers = ()

    def __init__(
        self, params: Any, lr: Any = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315), eps: float = 1e-7, ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        check_rate(lr, "Learning rate should be >= 0 but is")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    def _begin(self, group: dict[str, Any], param: Any) -> bool:
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(param.grad)
        return False

    def _update(self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], fresh: bool) -> None:
        lr, momentum, buffer = plain_number(group["lr"]), group["momentum"], state["momentum_buffer"]
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1, rows / columns))
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(update, alpha=-lr * ratio)
