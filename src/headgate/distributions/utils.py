"""What the distributions share: broadcasting of parameters, probabilities and logits, lazy properties."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from headgate import dtypes
from headgate.core.overrides import is_tensor_like
from headgate.core.size import Size
from headgate.core.typed import Tensor
from headgate.distributions import functions as F
from headgate.ops import categories

euler_constant = 0.57721566490153286060
NOT_NUMBERS = (
    "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
)


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Numbers and tensors as tensors of one shape; numbers get the tensors' type. ValueError for other values."""
    if not all(is_tensor_like(one) or isinstance(one, Number) for one in values):
        raise ValueError(NOT_NUMBERS)
    if not all(is_tensor_like(one) for one in values):
        options = {"dtype": dtypes.default_dtype()}
        for one in values:
            if isinstance(one, Tensor):
                options = {"dtype": one.dtype}
                break
        values = tuple(one if is_tensor_like(one) else F.tensor(one, **options) for one in values)
    return tuple(F.broadcast_tensors(*values))


def batch_of(numbers: bool, value: Tensor) -> Size:
    """The batch shape of a parameter: none if only numbers were given."""
    return Size() if numbers else value.size()


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    """Fresh normal numbers of a shape in the type of a parameter."""
    return F.empty(shape, dtype=like.dtype).normal_()


_standard_normal = standard_normal


def sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


_sum_rightmost = sum_rightmost


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log odds (binary) or from logarithms of weights along the last dimension."""
    if is_binary:
        return logits.sigmoid()
    found = categories.softened(logits)
    return F.softmax(logits, dim=-1) if found is None else found


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept an eps of their type away from 0 and 1."""
    eps = dtypes.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds (binary) or logarithms of probabilities."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property:
    """A property that is computed, with its history, when it is first asked for, and kept from then on."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__
        self.__name__ = wrapped.__name__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = categories.recorded(self.wrapped, instance)
        vars(instance)[self.__name__] = value
        return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangles of matrices, row by row, as vectors."""
    count = mat.shape[-1]
    if not -count <= diag < count:
        raise ValueError(f"diag ({diag}) provided is outside [{-count}, {count - 1}].")
    place = F.arange(count)
    return mat[..., place < place.view(-1, 1) + (diag + 1)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Matrices with vectors as their lower triangles, row by row, and zeros elsewhere."""
    size = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(size) - size > dtypes.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as the lower triangular part of "
            "a square D x D matrix.")
    count = round(size)
    made = vec.new_zeros((*vec.shape[:-1], count, count))
    place = F.arange(count)
    made[..., place < place.view(-1, 1) + (diag + 1)] = vec
    return made
