"""Spectral normalisation by a hook: w / σ(w), σ followed by power iteration (Miyato et al., 2018).

PyTorch's older form; `parametrizations.spectral_norm` is the newer.
"""

from __future__ import annotations

from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.module import Module
from headgate.nn.parameter import Parameter, UninitializedParameter
from headgate.nn.utils.weight_norm import found_hook

#: Layers whose outputs are dim 1 of their weight.
TRANSPOSED = ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with `dim` first and the others as one."""
    if dim != 0:
        weight = weight.permute(dim, *[one for one in range(weight.dim()) if one != dim])
    return weight.reshape(weight.size(0), -1)


def default_dim(module: Any) -> int:
    """Which dim of a layer's weight counts its outputs."""
    return 1 if any(kind.__name__ in TRANSPOSED for kind in type(module).__mro__) else 0


class SpectralNorm:
    """The hook of one parameter; u and v, the singular vectors followed, are buffers."""

    _version: int = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """The weight over its norm. The vectors are written in place, and copied for this call's graph."""
        weight, u, v = (getattr(module, self.name + end) for end in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))

    def remove(self, module: Any) -> None:
        """Make the weight one parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for end in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + end)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def note_version(self, module: Any, state_dict: Any, prefix: str, local_metadata: dict[str, Any]) -> None:
        """Put the version into a state_dict's metadata, where PyTorch looks for it."""
        versions = local_metadata.setdefault("spectral_norm", {})
        if self.name + ".version" in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {self.name}.version")
        versions[self.name + ".version"] = self._version


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Replace a parameter by `name_orig` over its largest singular value; `name_u` and `name_v` are buffers.

    RuntimeError if it has been replaced already; ValueError for a parameter that is None or has no shape yet.
    """
    if found_hook(module, SpectralNorm, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    if isinstance(weight, UninitializedParameter):
        raise ValueError("The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run "
                         "the dummy forward before applying spectral normalization")
    with no_grad():
        vectors = [F.normalize(weight.new_empty(length).normal_(0, 1), dim=0, eps=eps)
                   for length in as_matrix(weight, hook.dim).size()]
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(name + "_u", vectors[0])
    module.register_buffer(name + "_v", vectors[1])
    module.register_forward_pre_hook(hook)
    module._register_state_dict_hook(hook.note_version)
    return module  # type: ignore[no-any-return]


def remove_spectral_norm(module: Any, name: str = "weight") -> Module:
    """Undo `spectral_norm`. ValueError where there is none."""
    number = found_hook(module, SpectralNorm, name)
    if number is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(number).remove(module)
    for key, kept in list(module._state_dict_hooks.items()):
        owner = getattr(kept, "__self__", None)
        if isinstance(owner, SpectralNorm) and owner.name == name:
            del module._state_dict_hooks[key]
    return module  # type: ignore[no-any-return]
