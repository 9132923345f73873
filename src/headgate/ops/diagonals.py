"""fill_diagonal_: one number along the main diagonal, in place."""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply
    from headgate.core.operators import INPLACE
    from headgate.core.records import Node, Tensor
    from headgate.ops.change import Change, change, constant, is_number, keep_layout, need_tensor

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import install_method, overload


@cython.cclass
class FillDiagonal(Change):
    """One number where all indices are equal. Input: x; attrs: (number, whether a tall matrix begins anew)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        array: object = target
        value = constant(attrs[0], dtypes.of(target))
        if attrs[1] and array.ndim == 2:
            row = np.arange(array.shape[0])
            column = row % (array.shape[1] + 1)
            array[row[column < array.shape[1]], column[column < array.shape[1]]] = value
        else:
            array[(np.arange(min(array.shape)),) * array.ndim] = value

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(FILL_DIAGONAL, (g,), (0, n.attrs[1]))


FILL_DIAGONAL = overload(FillDiagonal(), "fill_diagonal", None)
keep_layout(FILL_DIAGONAL)


def fill_diagonal_(self: object, fill_value: object, wrap: object = False) -> object:
    """Write one number along the main diagonal; with `wrap`, the diagonal of a tall matrix begins anew below its end.

    RuntimeError for fewer than two dims, and for more than two that are not all of one length.
    """
    x: Tensor = need_tensor(self, "fill_diagonal_", "self", 1)
    if isinstance(fill_value, Tensor) and cython.cast(object, fill_value).ndim == 0:
        fill_value = fill_value.item()
    if not is_number(fill_value):
        raise TypeError(errors.ARGUMENT.format(
            function="fill_diagonal_", name="fill_value", position=1, expected="Number",
            type=type(fill_value).__name__))
    shape: tuple = cython.cast(object, x._array).shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    return change(FILL_DIAGONAL, (x,), (fill_value, bool(wrap)), INPLACE)


install_method("fill_diagonal_", fill_diagonal_)
