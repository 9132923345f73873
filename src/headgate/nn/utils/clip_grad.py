"""Clipping of gradients, by their total norm or element by element. It knows tensors, not modules or optimizers."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

from headgate._loading import WANTED as UNCOMPILED
from headgate.autograd.grad_mode import no_grad
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor

EMPTY_GENERATOR = "`parameters` is an empty generator, no gradient clipping will occur."
NOT_FINITE = (
    "The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
    "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
)
DEPRECATED = "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`."

if not UNCOMPILED:
    from headgate.nn.utils import clipping  # type: ignore[attr-defined]


def _listed(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: list[Any]) -> list[Any]:
    """The gradients that are there."""
    found = None if UNCOMPILED else clipping.gradients_of(parameters)
    return [param.grad for param in parameters if param.grad is not None] if found is None else found


def _total_norm(tensors: list[Any], norm_type: float, error_if_nonfinite: bool) -> Any:
    total = None if UNCOMPILED else clipping.total_norm(tensors, norm_type)
    if total is None:
        if not tensors:
            return PUBLIC["tensor"](0.0)
        norm = PUBLIC["linalg.vector_norm"]
        total = norm(PUBLIC["stack"]([norm(one.detach(), norm_type) for one in tensors]), norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(NOT_FINITE.format(norm_type=norm_type))
    return total


def _scale(gradients: list[Any], max_norm: float, total_norm: Any) -> None:
    if not UNCOMPILED and clipping.scale_all(gradients, max_norm, total_norm):
        return
    factor = (max_norm / (total_norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)


@no_grad()
def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Any:
    """The norm of the norms of some tensors, as of one vector of all their elements; a tensor without dimensions.

    norm_type: 2, 1, inf or any order of `linalg.vector_norm`. RuntimeError for a norm that is infinite or NaN if
    `error_if_nonfinite`. 0 for no tensors. Sums are kept in double: within rounding of PyTorch's.
    """
    return _total_norm(_listed(tensors), float(norm_type), error_if_nonfinite)


@no_grad()
def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None) -> None:
    """Multiply all gradients by min(1, max_norm / (total_norm + 1e-6)), in place."""
    gradients = _gradients(_listed(parameters))
    if gradients:
        _scale(gradients, float(max_norm), total_norm)


@no_grad()
def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:  # fmt: skip
    """Scale the gradients of some parameters so that their total norm is at most `max_norm`; the norm before.

    parameters: a tensor or an iterable of tensors; those without gradient are left out. A UserWarning for an empty
    generator. See `get_total_norm` for the other arguments and errors; a refused call changes nothing.
    """
    listed = _listed(parameters)
    if not listed and isinstance(parameters, types.GeneratorType):
        warnings.warn(EMPTY_GENERATOR, stacklevel=3)
    gradients = _gradients(listed)
    total = _total_norm(gradients, float(norm_type), error_if_nonfinite)
    if gradients:
        _scale(gradients, float(max_norm), total)
    return total


def clip_grad_norm(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:  # fmt: skip
    """Deprecated name of `clip_grad_norm_`."""
    warnings.warn(DEPRECATED, FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of the gradients to [-clip_value, clip_value], in place."""
    limit = float(clip_value)
    listed: Iterable[Any] = _listed(parameters)
    for gradient in [param.grad for param in listed if param.grad is not None]:
        gradient.clamp_(min=-limit, max=limit)
