"""AdamW: Adam with decoupled weight decay. It knows Adam and nothing else."""

from __future__ import annotations

from typing import Any

from headgate.optim.adam import Adam


class AdamW(Adam):
    """Adam whose weight decay multiplies the parameter by 1 - lr * weight_decay and stays out of the moments.

    Options, state and errors as for `Adam`, with `weight_decay` 0.01. Source: Loshchilov & Hutter, 2017.
    """

    _written = "adamw step"

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
