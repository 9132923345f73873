"""What reductions have in common: their arguments checked, and gradients brought back to the shape that was reduced.

Internal to the op families: nothing here has a public name.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply1, check_followed, requires, wrap_over
    from headgate.core.arrays import expand_view, is_float
    from headgate.core.dims import axes_of, wrap_dim
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled, grad_state
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import gather, scatter

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import constants, describe, overload
from headgate.core.options import kind_of, no_combination


def given(x: object, name: str) -> Tensor:
    """The tensor argument itself; TypeError for anything else."""
    if not isinstance(x, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="input", position=1, expected="Tensor", type=type(x).__name__))
    return cython.cast(Tensor, x)


def flag(value: object, name: str) -> bool:
    """A `keepdim` argument; TypeError unless it is a bool."""
    if value is not True and value is not False:
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="keepdim", position=2, expected="bool", type=type(value).__name__))
    return value


def is_index(value: object) -> bool:
    """Whether PyTorch takes the value for an int."""
    return not isinstance(value, bool) and hasattr(value, "__index__")


def see(x: Tensor):
    """Refuse a view that cannot follow its base: PyTorch does so before it looks at dims."""
    if x._root is not None and grad_enabled() and requires(x):
        check_followed(x)


def dims_of(dim: object, x: Tensor, name: str) -> object:
    """A `dim` argument (None, an int, or several) as axes of `x` from the front; None for all of them."""
    if dim is None:
        return None
    if type(dim) is not int:
        if isinstance(dim, (tuple, list)):
            for place, one in enumerate(dim):
                if not is_index(one):
                    raise TypeError(f"{name}(): argument 'dim' must be tuple of ints, but found element of type "
                                    f"{type(one).__name__} at pos {place}")
        elif is_index(dim):
            dim = dim.__index__()
        else:
            raise no_combination(name, (dim,))
    try:
        return axes_of(dim, x._array.ndim)
    except IndexError:
        see(x)
        raise


def one_dim(dim: object, x: Tensor, name: str) -> cython.int:
    """A `dim` argument that must be an int, as a dim of `x` from the front."""
    if type(dim) is not int:
        if not is_index(dim):
            raise TypeError(errors.ARGUMENT.format(
                function=name, name="dim", position=1, expected="int", type=type(dim).__name__))
        dim = dim.__index__()
    try:
        return wrap_dim(dim, x._array.ndim)
    except IndexError:
        see(x)
        raise


def array_kind(dtype: object, name: str) -> object:
    """A `dtype` argument as NumPy's; None stays None."""
    return None if dtype is None else kind_of(dtype, name).numpy


def called(op: Op, x: Tensor, attrs: object, out: object) -> object:
    """Apply an op of one tensor, or write its result into `out`."""
    if out is not None:
        return write(op, (x,), attrs, out)
    return apply1(op, x, attrs)


def restored(g: Tensor, axes: object, keepdim: bool, shape: tuple) -> Tensor:
    """A tensor of a reduction's result's shape with the reduced dims back, each of length 1."""
    if axes is not None and not keepdim and len(shape) > 0:
        return slots.unsqueeze.call2(g, axes, None)
    return g


def expand_reduced(g: Tensor, axes: object, keepdim: bool, shape: tuple) -> object:
    """A gradient of a reduction's result, spread over the shape that was reduced (a view, nothing is copied)."""
    if grad_state() < 0 and (axes is None or keepdim or len(shape) == 0):
        return wrap_over(expand_view(g._array, shape), g)
    return slots.expand.call2(restored(g, axes, keepdim, shape), shape, None)


def count_over(shape: tuple, axes: object) -> cython.Py_ssize_t:
    """How many elements of a shape make one element of the result."""
    count: cython.Py_ssize_t = 1
    for axis in range(len(shape)) if axes is None else axes:
        count *= shape[axis]
    return count


def floating(x: ndarray) -> ndarray:
    """The array as floats: integers and bools in the default float."""
    if is_float(x):
        return x
    return cython.cast(object, x).astype(dtypes.default_dtype().numpy)


@cython.cclass
class Same(Op):
    """The tensor as it is: how a result that was already computed is written to an `out=` tensor."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return x

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


def write_results(name: str, results: tuple, out: object) -> tuple:
    """Write several results into the tensors given as `out`; those tensors."""
    op: Op = Same()
    if not isinstance(out, (tuple, list)) or len(out) != len(results):
        raise TypeError(f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}")
    describe(op, name, (), 0, "", None, True)
    return tuple([write(op, (result,), None, into) for result, into in zip(results, out)])


@cython.cclass
class Pick(Op):
    """x[index] along a dim, index of the result's shape. attrs: (the dim, the shape of x)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return gather(x, attrs[0], y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(PLACE, (g, n.read(1)), n.attrs)


@cython.cclass
class Place(Op):
    """Zeros with the values of x added at `index` along a dim. attrs: (the dim, the shape of the result)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return scatter(np.zeros(attrs[1], x.dtype), attrs[0], y, x, "add")

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(PICK, (g, n.read(1)), n.attrs)


PICK = overload(Pick(), "gather", None, reads=[1 << 1])
PLACE = overload(Place(), "scatter_add", None, reads=[1 << 1])
constants(1 << 1, PICK, PLACE)
