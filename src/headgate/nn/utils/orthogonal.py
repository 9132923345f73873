"""The parametrisation that keeps a matrix orthogonal. Its public name is `parametrizations.orthogonal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate import dtypes
from headgate.autograd.grad_mode import no_grad
from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.nn.modules.module import Module
from headgate.nn.utils import parametrize

MAPS = ("matrix_exp", "cayley", "householder")
NO_INVERSE = ("It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
              "use_trivialization=False.")


def decomposed(tall: Tensor) -> tuple[Any, Any]:
    """(A, tau) of LAPACK's QR decomposition: R in and above A's diagonal, the reflections below it."""
    array = tall.detach().numpy()
    h, tau = np.linalg.qr(array, mode="raw")
    return (PUBLIC["from_numpy"](np.ascontiguousarray(np.swapaxes(h, -1, -2))).to(tall.dtype),
            PUBLIC["from_numpy"](np.ascontiguousarray(tau)).to(tall.dtype))


def is_orthogonal(q: Any) -> bool:
    """Whether the columns are orthonormal, up to rounding."""
    size = q.size(-1)
    one = PUBLIC["eye"](size, dtype=q.dtype)
    return bool(PUBLIC["allclose"](q.mT @ q, one, atol=10 * size * dtypes.finfo(q.dtype).eps))


def made_orthogonal(tall: Any) -> Any:
    """Q of the QR decomposition whose R has a positive diagonal."""
    reflections, tau = decomposed(tall)
    q = PUBLIC["linalg.householder_product"](reflections, tau)
    return q * reflections.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    base: Any

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.size(-2) < X.size(-1)
        tall = X.mT if wide else X
        q = reflections_of(tall) if self.orthogonal_map == "householder" else self._rotation(tall)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _rotation(self, tall: Any) -> Any:
        """The first columns of what a skew-symmetric matrix, made of the lower triangle, is mapped to."""
        rows, columns = tall.size(-2), tall.size(-1)
        lower = tall.tril()
        if rows != columns:
            beside = tall.new_zeros(rows, rows - columns).expand(*tall.shape[:-2], -1, -1)
            lower = PUBLIC["cat"]([lower, beside], dim=-1)
        skew = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            q = PUBLIC["matrix_exp"](skew)
        else:
            one = PUBLIC["eye"](rows, dtype=skew.dtype)
            q = PUBLIC["linalg.solve"](one - 0.5 * skew, one + 0.5 * skew)
        return q[..., :columns] if rows != columns else q

    def right_inverse(self, Q: Any) -> Any:
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape "
                             f"{Q.shape}.")
        with no_grad():
            wide = Q.size(-2) < Q.size(-1)
            tall = Q.mT if wide else Q
            if hasattr(self, "base"):
                self.base = completed(tall)
                start = PUBLIC["zeros_like"](Q)
                start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # of which householder makes the identity
                return start
            if self.orthogonal_map != "householder":
                raise NotImplementedError(NO_INVERSE)
            reflections, tau = decomposed(tall)
            diagonal = reflections.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()
            diagonal[tau == 0.0] *= -1  # LAPACK gives zero exactly where it reflects nothing
            return reflections.mT if wide else reflections


def reflections_of(tall: Any) -> Any:
    """The product of reflections along the columns below the diagonal, with the diagonal's signs."""
    below = tall.tril(diagonal=-1)
    tau = 2.0 / (1.0 + (below * below).sum(dim=-2))
    q = PUBLIC["linalg.householder_product"](below, tau)
    return q * tall.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def completed(tall: Any) -> Any:
    """A square orthogonal matrix whose first columns are those given, made orthogonal where they are not."""
    rows, columns = tall.size(-2), tall.size(-1)
    if rows == columns:
        return tall.clone() if is_orthogonal(tall) else made_orthogonal(tall)
    drawn = PUBLIC["randn"](*tall.size()[:-2], rows, rows - columns, dtype=tall.dtype)
    return made_orthogonal(PUBLIC["cat"]([tall, drawn], dim=-1))


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep a matrix's columns orthonormal (its rows, where there are fewer): "matrix_exp", "cayley" or "householder".

    By default "matrix_exp" for square matrices, else "householder"; batches of matrices too. With `use_trivialization`
    an orthogonal `base` is multiplied to the left (Lezcano-Casado, 2019), and any matrix may be assigned. ValueError
    for what is no matrix, and for another map.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.size(-2) == weight.size(-1) else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
                         f"Got: {orthogonal_map}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, made, unsafe=True)
    return module
