"""The parametrisations that PyTorch brings: weight_norm and spectral_norm; orthogonal has its own file."""

from __future__ import annotations

from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.module import Module
from headgate.nn.utils import parametrize
from headgate.nn.utils.orthogonal import orthogonal as orthogonal
from headgate.nn.utils.spectral_norm import as_matrix, default_dim
from headgate.nn.utils.weight_norm import norm_except_dim, scaled


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """w = g v / |v| (Salimans and Kingma, 2016); g is `parametrizations.NAME.original0`, v is `original1`."""
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def accept_old_names(
        state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any, unexpected_keys: Any,
        error_msgs: Any,
    ) -> None:
        old, new = f"{prefix}{name}_", f"{prefix}parametrizations.{name}.original"
        if old + "g" in state_dict and old + "v" in state_dict:
            state_dict[new + "0"], state_dict[new + "1"] = state_dict.pop(old + "g"), state_dict.pop(old + "v")

    module._register_load_state_dict_pre_hook(accept_old_names)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        count = weight.ndim
        if not -count <= dim < count:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{count}, {count - 1}] but got "
                             f"{dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % count, eps
        if count > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim)
            vectors = [matrix.new_empty(length).normal_(0, 1) for length in matrix.size()]
            self.register_buffer("_u", F.normalize(vectors[0], dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(vectors[1], dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Follow the singular vectors; the buffers are written in place."""
        with no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.t().mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)  # type: ignore[no-any-return]
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / u.vdot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """w / σ(w), the largest singular value followed by power iteration (Miyato et al., 2018)."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    made = _SpectralNorm(weight, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    return parametrize.register_parametrization(module, name, made)
