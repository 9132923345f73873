"""What gradients with kinks are made of: a gradient kept where a mask holds, and a gradient of zeros.

Internal to the op families: nothing here has a public name.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply2, wrap
    from headgate.core.family import Binary
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import map3

    ndarray = np.ndarray

from headgate.core.declare import overload, set_loop
from headgate.core.family import refuse
from headgate.kernels import make_loop

WHERE = make_loop("where")


@cython.cclass
class Keep(Op):
    """x where the mask y holds, else 0."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return map3(WHERE, y, x, np.zeros((), x.dtype))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(self, g, n.read(1), None)


KEEP = overload(Keep(), "where", 0, reads=[1 << 1, 0])
FILLED = overload(Keep(), "masked_fill", 0, reads=[1 << 1, 0])  # where PyTorch's own rule fills: its node, its errors


def keep(g: Tensor, mask: Tensor) -> Tensor:
    """g where the mask holds, else 0 (whatever g is there, NaN included)."""
    return apply2(KEEP, g, mask, None)


def filled(g: Tensor, mask: Tensor) -> Tensor:
    """As `keep`, in a graph as the filling of g with zeros where the mask does not hold."""
    return apply2(FILLED, g, mask, None)


def zeros_of(g: Tensor) -> Tensor:
    """A gradient of zeros in the shape and type of g."""
    array = cython.cast(object, g._array)
    return wrap(np.zeros(array.shape, array.dtype))


@cython.cclass
class Fused(Binary):
    """A gradient kernel as an op: x is the incoming gradient, y what the forward op saved. Linear in x.

    attrs: the kernel's parameters. Subclasses add `slope`: the gradient for y without the incoming one.
    """

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply2(self, g, n.read(1), n.attrs)
        return self.bend(n, g)

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        """The gradient for y; zeros where the forward op is piecewise linear."""
        return zeros_of(n.tensor(1))


def fused(op: Fused, name: str, node: str, bends: bool, *, refused: int = 0, kernel: str = "") -> object:
    """Name a gradient op and give it its kernel; `bends` says that its gradient for y is not zero."""
    overload(op, name, 0, reads=[1 << 1, 3 if bends else 1 << 1], node=node)
    set_loop(op, make_loop(name), None)
    refuse(op, refused, kernel)
    return op
