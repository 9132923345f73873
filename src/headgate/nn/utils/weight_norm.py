"""Weight normalisation by a hook: w = g v / |v| (Salimans and Kingma, 2016), computed anew before every call.

PyTorch's older form; `parametrizations.weight_norm` is the newer. Nothing here knows layers.
"""

from __future__ import annotations

import warnings
from typing import Any

from headgate.core.typed import Tensor
from headgate.nn.modules.module import Module
from headgate.nn.parameter import Parameter, UninitializedParameter

OLD = "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`."


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The 2-norm over all dims but one (-1: over all), with length 1 in the others."""
    if dim == -1:
        return v.norm()
    return v.transpose(0, dim).flatten(1).norm(dim=1).view([-1] + [1] * (v.dim() - 1)).transpose(0, dim)


def scaled(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """g v / |v|."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook of one parameter."""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Any) -> Tensor:
        """The weight from its two parts."""
        return scaled(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def remove(self, module: Any) -> None:
        """Make the weight one parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[self.name + "_g"], module._parameters[self.name + "_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def found_hook(module: Any, kind: type, name: str) -> int | None:
    """The id of a module's hook of a kind for a parameter."""
    for number, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return int(number)
    return None


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Module:
    """Replace a parameter by `name_g` (a norm per index of `dim`, or one with None) and `name_v`.

    RuntimeError if it has been replaced already; ValueError for a parameter without a shape yet.
    """
    warnings.warn(OLD, FutureWarning, stacklevel=2)
    if found_hook(module, WeightNorm, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name)
    if isinstance(weight, UninitializedParameter):
        raise ValueError("The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the "
                         "dummy forward before applying weight normalization")
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight, hook.dim).data))
    module.register_parameter(name + "_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module  # type: ignore[no-any-return]


def remove_weight_norm(module: Any, name: str = "weight") -> Module:
    """Undo `weight_norm`. ValueError where there is none."""
    number = found_hook(module, WeightNorm, name)
    if number is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(number).remove(module)
    return module  # type: ignore[no-any-return]
