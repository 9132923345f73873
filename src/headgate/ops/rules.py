"""Ops whose computing and gradient are plain Python functions: for families that are not hot and stay uncompiled.

Nothing here knows what any of them computes.
"""
import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.apply import apply
    from headgate.core.family import Binary, Unary
    from headgate.core.inplace import write
    from headgate.core.operators import INPLACE
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.ops.reducing import write_results

    ndarray = np.ndarray

from headgate.core.declare import operand_error, overload


@cython.cclass
class Ruled(Op):
    """An op of any number of inputs and outputs.

    compute(*arrays, attrs) gives an array or a tuple of arrays. gradient(saved, grads, attrs, need) gives a list with
    the gradient of each input (Tensors or None): `saved` are the values of `keys` (an input's number, or OUT + the
    number of an output), `grads` those of the outputs, None where none arrived, `need` bits of the inputs asked for.
    """

    def __init__(self, compute: object, gradient: object, keys: tuple):
        super().__init__()
        self.compute = compute
        self.gradient = gradient
        self.keys = keys
        self.mask = 0
        self.together = True
        for key in keys:
            self.mask |= cython.cast(cython.longlong, 1) << cython.cast(cython.int, key)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.compute(x, attrs)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.compute(x, y, attrs)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.compute(*inputs, attrs)

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return self.mask if n.needs else 0

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        saved: list = [n.read(cython.cast(cython.int, key)) for key in self.keys]
        return self.gradient(saved, grads, n.attrs, need)


@cython.cclass
class Formula(Unary):
    """An elementwise op of one tensor whose derivative is a plain function in Tensors, slope(x, y), of what it reads.

    x is the input, y the result; what `reads` does not name is None.
    """

    def __init__(self, slope: object, doc: str):
        super().__init__()
        self.slope = slope
        self.doc = doc

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        one: cython.longlong = 1
        x: object = n.read(X) if self.reads0 & (one << X) else None
        y: object = n.read(OUT) if self.reads0 & (one << OUT) else None
        return g * self.slope(x, y)


def function_of(op: Unary, name: object, doc: object) -> object:
    """The public function of an elementwise op of one tensor, with a description of its own."""

    def function(input: object, *, out: object = None) -> object:
        return op.call1(input, out)

    return named(function, name, doc)


def function_of_degree(op: Binary, name: object, doc: object) -> object:
    """The public function of an elementwise op of a tensor and a degree `n`."""

    def function(input: object, n: object, *, out: object = None) -> object:
        result = op.call2(input, n, out)
        if result is NotImplemented:
            raise TypeError(operand_error(op.name, input, n))
        return result

    return named(function, name, doc)


def named(function: object, name: object, doc: object) -> object:
    """The function with that name and description."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def applied(op: Op, inputs: tuple, attrs: object) -> object:
    """The op on these inputs, recorded: a Tensor, or a tuple of them."""
    return apply(op, inputs, attrs)


def applied_inplace(op: Op, inputs: tuple, attrs: object) -> object:
    """The op's result written into its first input, recorded."""
    return write(op, inputs, attrs, INPLACE)


def ruled(name: str, compute: object, gradient: object, keys: tuple, *, number: object = 0, node: str = "") -> object:
    """A described `Ruled`; call it by `applied`. number, node: as for `declare`'s overload and node."""
    op: Op = Ruled(compute, gradient, keys)
    overload(op, name, number, node=node)
    return op


def written(name: str, results: tuple, out: object) -> tuple:
    """The results themselves, or those given as `out` with the results written into them."""
    return results if out is None else write_results(name, results, out)


OUTPUT: int = OUT  # the key of the first output
WRITTEN: object = INPLACE  # what an in-place form hands to its function as `out`
