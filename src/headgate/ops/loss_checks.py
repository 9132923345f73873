"""What the likelihood of classes refuses: scores, targets and weights that do not fit, in PyTorch's words.

Knows no operation.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import requires
    from headgate.core.arrays import shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Tensor

from headgate import errors

NO_WEIGHT_GRADIENT = (
    "The function 'nll_loss_forward' is not differentiable with respect to argument 'weight'. This input cannot have "
    "requires_grad True."
)


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
        if len(mine) > 0 and mine != (1,):
            raise ValueError(errors.TARGET_BATCH.format(input=batch, target=mine[0]))
    elif len(mine) == 0 or mine[0] != batch:
        raise ValueError(errors.TARGET_BATCH.format(input=batch, target=mine[0] if mine else 0))
    elif len(shape) == 2 and len(mine) != 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    elif len(shape) > 2 and mine[1:] != shape[2:]:
        if len(shape) == 3:
            raise RuntimeError(f"Expected target size {list((batch,) + shape[2:])}, got {list(mine)}")
        raise RuntimeError(f"size mismatch (got input: {list(shape)}, target: {list(mine)}")
    if cython.cast(object, target._array).dtype not in (np.int64, np.uint8):
        raise RuntimeError(errors.TARGET_DTYPE.format(dtype=errors.TYPE_NAMES[dtypes.of(target._array).name]))
    if len(shape) > 2 and cython.cast(object, target._array).dtype == np.uint8:
        raise RuntimeError("expected scalar type Long but found Byte")
    if weight is not None and shape_of(cython.cast(Tensor, weight)._array) != (classes,):
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
