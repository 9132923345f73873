"""What the likelihood of classes refuses: scores, targets and weights that do not fit, in PyTorch's words.

Knows no operation.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import requires
    from headgate.core.arrays import count_of, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Tensor

from headgate import errors
from headgate.core.family import broadcast_error

NO_WEIGHT_GRADIENT = (
    "The function 'nll_loss_forward' is not differentiable with respect to argument 'weight'. This input cannot have "
    "requires_grad True."
)


MANY_TARGETS = "0D or 1D target tensor expected, multi-target not supported"
TARGET_PLANES = "size mismatch (got input: {input}, target: {target}"


def fits(weight: Tensor, classes: object, rank: cython.int) -> bool:
    """Whether there is a weight for each class; for planes their shape does not count."""
    return count_of(weight._array) == classes and (rank > 2 or weight._array.ndim == 1)


def check_targets(x: Tensor, target: Tensor, weight: object):
    """Refuse scores, targets and weights that do not fit."""
    shape: tuple = shape_of(x._array)
    mine: tuple = shape_of(target._array)
    if weight is not None and not isinstance(weight, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="nll_loss_nd", name="weight", position=3, expected="Tensor", type=type(weight).__name__))
    classes: object = shape[0] if len(shape) == 1 else shape[1]
    batch: object = shape[0]
    if len(shape) == 1:
        if len(mine) > 1:
            raise RuntimeError(MANY_TARGETS)
        if len(mine) == 1 and mine[0] != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {mine[0]}")
    elif len(mine) == 0 or mine[0] != batch:
        raise ValueError(errors.TARGET_BATCH.format(input=batch, target=mine[0] if mine else 0))
    elif len(shape) == 2 and len(mine) != 1:
        raise RuntimeError(MANY_TARGETS)
    elif len(shape) > 2 and mine[1:] != shape[2:]:
        if len(shape) == 3:
            raise RuntimeError(f"Expected target size {list((batch,) + shape[2:])}, got {list(mine)}")
        raise RuntimeError(TARGET_PLANES.format(input=list(shape), target=list(mine)))
    elif len(shape) > 2 and len(shape) != 4 and 0 in shape and 0 not in mine:  # as planes, the scores have none
        planes = [batch, 1, count_of(target._array) // batch]
        raise RuntimeError(TARGET_PLANES.format(input=f"{[batch, classes, 0, 0]} ", target=planes))
    if cython.cast(object, target._array).dtype not in (np.int64, np.uint8):
        raise RuntimeError(errors.TARGET_DTYPE.format(dtype=errors.TYPE_NAMES[dtypes.of(target._array).name]))
    if len(shape) > 2 and cython.cast(object, target._array).dtype == np.uint8:
        raise RuntimeError("expected scalar type Long but found Byte")
    if weight is not None and not fits(weight, classes, len(shape)):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got "
                           f"weight "
                           f"tensor of shape: {list(shape_of(cython.cast(Tensor, weight)._array))}")


def check_weight(x: Tensor, weight: Tensor):
    """Refuse weights of another type, or ones that a gradient is wanted for: PyTorch has none."""
    names = errors.TYPE_NAMES
    kind, other = dtypes.of(x._array), dtypes.of(weight._array)
    if kind is not other:
        raise RuntimeError(f"expected scalar type {names[kind.name]} but found {names[other.name]}")
    if grad_enabled() and requires(weight):
        raise RuntimeError(NO_WEIGHT_GRADIENT)


def other_type(found: Tensor, expected: Tensor) -> object:
    """The error for two tensors that should be of one type."""
    names = errors.TYPE_NAMES
    return RuntimeError(f"Found dtype {names[dtypes.of(found._array).name]} but expected "
                        f"{names[dtypes.of(expected._array).name]}")


def refused_result(kind: dtypes.dtype, wanted: dtypes.dtype) -> object:
    """The error for a result that cannot be of the wanted type."""
    return RuntimeError(errors.RESULT_TYPE.format(
        result=errors.TYPE_NAMES[kind.name], output=errors.TYPE_NAMES[wanted.name]))


def second(target: object, name: str) -> Tensor:
    """The target itself; TypeError if it is no tensor."""
    if not isinstance(target, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="target", position=2, expected="Tensor", type=type(target).__name__))
    return cython.cast(Tensor, target)


def weights_like(x: Tensor, y: Tensor, weight: object) -> None:
    """ValueError unless the weights of a loss have the input's shape; RuntimeError for a target that does not fit."""
    try:
        np.broadcast_shapes(shape_of(x._array), shape_of(y._array))
    except ValueError:
        raise RuntimeError(broadcast_error(x._array, y._array)) from None
    if tuple(weight.shape) != shape_of(x._array):
        raise ValueError("Weights and input must have the same size.")
