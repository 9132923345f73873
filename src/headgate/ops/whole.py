"""What is one node in PyTorch and a chain of ordinary ops here: a last node that keeps what PyTorch's keeps.

It hands its gradient on; what it keeps it only looks at, so that a write in place is refused, and a second backward,
where PyTorch refuses them. Nothing here knows what the chain computes.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.core.saved import detached_copy

    ndarray = np.ndarray

from headgate.core.declare import overload


@cython.cclass
class Whole(Op):
    """The result of a chain. Inputs: it, then what is kept; attrs: the bits of what is kept. `copies`: the result gets
    memory of its own, because the chain keeps the one that it was computed in."""

    def __init__(self, copies: bool) -> None:
        super().__init__()
        self.copies = copies
        self.keeps_result = False

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return inputs[0].copy("K") if self.copies else inputs[0]

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return n.attrs

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


def whole_op(name: str, node: str, keeps_result: bool = False, copies: bool = False) -> Whole:
    """An op under PyTorch's names; `keeps_result` says that PyTorch's node keeps its result too."""
    op: Whole = Whole(copies)
    overload(op, name, 0, node=node, looks=65534 | 1 << OUT)
    op.keeps_result = keeps_result
    op.constants = 65534
    return op


def whole(op: Whole, result: object, *kept: object) -> object:
    """The result as one node's, which keeps the given tensors (None where there is none)."""
    t: Tensor = result
    if t._node is None:
        return result
    beside: list = [detached_copy(one) for one in kept if one is not None]
    mask: cython.longlong = (cython.cast(cython.longlong, 2) << len(beside)) - 2
    if op.keeps_result:
        mask |= 1 << OUT
    return apply(op, (t, *beside), mask)
