"""Stand-ins for what Python's operators and protocols call, which ask a Python function first.

They are put into the slots of `operators` and `records` while somebody wants to be asked, and taken out again, so that
nothing is looked at otherwise. Who is asked, and what about, is told in `function_modes`.
"""
import cython

if not cython.compiled:
    from headgate.core import records
    from headgate.core.operators import INPLACE, Called, slots
    from headgate.core.records import Surface, Tensor


@cython.cclass
class Asked(Called):
    """Stands in an operator slot for `op`: calls `ask(self, operands, out)`."""

    def __init__(self, slot: str, op: Called, ask: object):
        self.slot = slot
        self.op = op
        self.ask = ask
        self.name = op.name

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return self.ask(self, (x,), out)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return self.ask(self, (x, y), out)

    @cython.cfunc
    def call3(self, x: object, y: object, z: object, out: object) -> object:
        return self.ask(self, (x, y, z), out)

    def plain(self, operands: tuple, out: object) -> object:
        """What the operator does if nobody is asked."""
        if len(operands) == 1:
            return self.op.call1(operands[0], out)
        if len(operands) == 2:
            return self.op.call2(operands[0], operands[1], out)
        return self.op.call3(operands[0], operands[1], operands[2], out)


@cython.cclass
class AskedSurface(Surface):
    """Stands for the surface of tensors: calls `ask(self, name, tensor, argument)` for a protocol."""

    def __init__(self, surface: Surface, ask: object):
        self.surface = surface
        self.ask = ask

    @cython.cfunc
    def construct(self, x: Tensor, args: tuple, kwargs: dict) -> object:
        return self.surface.construct(x, args, kwargs)

    @cython.cfunc
    def set_requires_grad(self, x: Tensor, value: object) -> object:
        return self.surface.set_requires_grad(x, value)

    @cython.cfunc
    def protocol(self, name: str, x: Tensor, argument: object) -> object:
        return self.ask(self, name, x, argument)

    def plain(self, name: str, x: Tensor, argument: object) -> object:
        """What the protocol does if nobody is asked."""
        return self.surface.protocol(name, x, argument)


def operator_now(name: str) -> object:
    """What stands in an operator slot."""
    return getattr(slots, name)


def is_inplace(out: object) -> bool:
    """Whether an operator was called to write into its first operand."""
    return out is INPLACE


def surface_now() -> object:
    """The surface that stands in its slot."""
    return SURFACE if cython.compiled else records.SURFACE  # noqa: F821  (C, from the .pxd)
