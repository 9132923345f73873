"""Reductions: sum and its relatives over some or all dimensions."""
import cython

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.dims import axes_of
    from headgate.core.inplace import write
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import reduce

    import numpy as np

    ndarray = np.ndarray

from headgate.core.declare import declare, overload


@cython.cclass
class Sum(Op):
    """The sum of all elements, or over dims. attrs: (axes or None, keepdim, NumPy dtype or None)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return reduce("sum", x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        axes, keepdim, _ = n.attrs
        return expand_reduced(g, axes, keepdim, n.shape(0))


def expand_reduced(g: Tensor, axes: object, keepdim: bool, shape: tuple) -> object:
    """A gradient of a reduction's result, spread over the shape that was reduced (a view, nothing is copied)."""
    if axes is not None and not keepdim and len(axes) < len(shape):
        g = slots.unsqueeze.call2(g, axes, None)
    return slots.expand.call2(g, shape, None)


SUM = Sum()
SUM_OVER = overload(Sum(), "sum", 1, shapes=1 << 0)


def sum(input, dim=None, keepdim=False, *, dtype=None, out=None):
    """Sum of the elements of `input`, over `dim` (an int or several; all by default).

    Integers and bools sum to int64; `dtype` casts before summing. Returns a tensor without those dims (length 1 with
    `keepdim`). IndexError for a dim out of range.
    """
    axes = axes_of(dim, input.ndim)
    attrs = (axes, keepdim, None if dtype is None else dtype.numpy)
    op: Op = SUM if dim is None else SUM_OVER
    if out is not None:
        return write(op, (input,), attrs, out)
    return apply1(op, input, attrs)


declare(SUM, "sum", overload=0, shapes=1 << 0, function=sum, inplace=False,
        samples=lambda make: [((make(3, 4),), {}), ((make(3, 4),), {"dim": 1}), ((make(2, 3, 4),), {"dim": (0, -1), "keepdim": True}),
                              ((make(0, 3),), {"dim": 0}), ((make(),), {})])
