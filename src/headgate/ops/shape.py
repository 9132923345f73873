"""Views and shapes: the same memory seen in another shape, order or part."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import make_view, shape_of
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import reduce

    ndarray = np.ndarray

from headgate.core.declare import declare, overload
from headgate.core.operators import fill_slot


@cython.cclass
class View(Op):
    """The family of ops that give a view. A view needs only `run1` (array to array over the same memory) and `pull`."""

    def __init__(self):
        super().__init__()
        self.view = True


@cython.cclass
class Expand(View):
    """Repeat dims of length 1 (and new leading ones) without copying. attrs: the shape."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return make_view(x, attrs, expanded_strides(x, attrs), 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g  # the engine sums it back to the input's shape

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, y)


def expanded_strides(x: ndarray, shape: tuple) -> tuple:
    """The strides with which `x` fills `shape`."""
    lead: cython.int = len(shape) - x.ndim
    strides = cython.cast(object, x).strides
    mine = shape_of(x)
    return (0,) * lead + tuple(
        [stride if length == wanted else 0 for stride, length, wanted in zip(strides, mine, shape[lead:])]
    )


@cython.cclass
class SumTo(Op):
    """Sum over the dims along which a tensor of `shape` was broadcast. attrs: the shape."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        mine = shape_of(x)
        lead: cython.int = len(mine) - len(attrs)
        axes = tuple(range(lead)) + tuple(
            [lead + i for i in range(len(attrs)) if attrs[i] == 1 and mine[lead + i] != 1]
        )
        return cython.cast(object, reduce("sum", x, axes, True, None)).reshape(attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return slots.expand.call2(g, n.shape(0), None)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, y)


fill_slot("sum_to", overload(SumTo(), "sum", 1, shapes=1 << 0))
fill_slot("expand", overload(Expand(), "expand", 0, shapes=1 << 0))
