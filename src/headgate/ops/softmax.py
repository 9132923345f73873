"""softmax, log_softmax and softmin along a dim. Gradients are fused kernels, which are ops themselves."""
import warnings

import cython

if not cython.compiled:
    import numpy as np

    from headgate import dtypes
    from headgate.core.apply import apply1, apply2
    from headgate.core.arrays import count_of, is_float
    from headgate.core.inplace import write
    from headgate.core.operators import slots
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.kernels.reference import log_softmax as log_soft
    from headgate.kernels.reference import log_softmax_backward, softmax_backward
    from headgate.kernels.reference import softmax as soft
    from headgate.ops.explog import EXP
    from headgate.ops.reducing import given, one_dim

    ndarray = np.ndarray

from headgate.core.declare import composite, declare, overload
from headgate.core.entry import publish
from headgate.core.family import refused_error
from headgate.core.options import kind_of

IMPLICIT = "Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument."


def kernel_name(name: str, x: ndarray, axis: cython.int) -> str:
    """By which name PyTorch refuses an element type."""
    return f"{name}_lastdim_kernel_impl" if axis + 1 >= x.ndim else "softmax_kernel_impl"


@cython.cclass
class Softmax(Op):
    """exp(x) over its sum along a dim. attrs: the dim."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if not is_float(x) or dtypes.of(x).category > 2:
            if count_of(x) == 0:
                return cython.cast(object, x).copy()
            raise refused_error(kernel_name("softmax", x, attrs), dtypes.of(x))
        return soft(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(SOFTMAX_GRADIENT, g, n.read(OUT), n.attrs)


@cython.cclass
class SoftmaxGradient(Op):
    """y (g - sum of g y): x is the gradient g, y the softmax. attrs: the dim."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return softmax_backward(x, y, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)
        dim = n.attrs
        if i == 0:
            return apply2(SOFTMAX_GRADIENT, g, y, dim)
        x: Tensor = n.read(X)
        return g * (x - (x * y).sum(dim, True)) - (g * y).sum(dim, True) * x


@cython.cclass
class LogSoftmax(Op):
    """x minus the logarithm of the sum of exp(x) along a dim. attrs: the dim."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if not is_float(x) or dtypes.of(x).category > 2:
            if count_of(x) == 0:
                return cython.cast(object, x).copy()
            raise refused_error(kernel_name("log_softmax", x, attrs), dtypes.of(x))
        return log_soft(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(LOG_SOFTMAX_GRADIENT, g, n.read(OUT), n.attrs)


@cython.cclass
class LogSoftmaxGradient(Op):
    """g - exp(y) times the sum of g: x is the gradient g, y the log-softmax. attrs: the dim."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return log_softmax_backward(x, y, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        power: Tensor = EXP.call1(n.read(Y), None)
        if i == 0:
            return g - (g * power).sum(n.attrs, True)
        return -(g * power * n.read(X).sum(n.attrs, True))


SOFTMAX, LOG_SOFTMAX = Softmax(), LogSoftmax()
SOFTMAX_GRADIENT = overload(SoftmaxGradient(), "softmax_backward_data", None, reads=[1 << 1, 3])
LOG_SOFTMAX_GRADIENT = overload(LogSoftmaxGradient(), "log_softmax_backward_data", None, reads=[1 << 1,
    (1 << 0) | (1 << 1)])


def along(op: Op, input: object, dim: object, dtype: object, out: object, name: str) -> object:
    """Call softmax or log_softmax, in another element type if one is asked for."""
    x: Tensor = given(input, name)
    axis: cython.int = one_dim(dim, x, name)
    if dtype is not None:
        kind: dtypes.dtype = kind_of(dtype, name)
        if kind is not dtypes.of(x._array):
            x = slots.cast.call2(x, kind.num, None)
    if out is not None:
        return write(op, (x,), axis, out)
    return apply1(op, x, axis)


def softmax(input: object, dim: object, dtype: object = None, *, out: object = None) -> object:
    """exp(x) over its sum along `dim`, without overflow. Floats only; `dtype` casts first."""
    return along(SOFTMAX, input, dim, dtype, out, "softmax")


def log_softmax(input: object, dim: object, dtype: object = None, *, out: object = None) -> object:
    """log of `softmax` along `dim`, without overflow. Floats only; `dtype` casts first."""
    return along(LOG_SOFTMAX, input, dim, dtype, out, "log_softmax")


def implicit(input: object, dim: object, name: str) -> object:
    """The dim that PyTorch takes, with a warning, where none is given."""
    if dim is not None:
        return dim
    warnings.warn(IMPLICIT.format(name=name), UserWarning, stacklevel=3)
    count = given(input, name)._array.ndim
    return 0 if count in (0, 1, 3) else 1


def functional_softmax(input: object, dim: object = None, _stacklevel: object = 3, dtype: object = None) -> object:
    """`softmax`; without `dim` PyTorch's choice is taken, with a warning."""
    return along(SOFTMAX, input, implicit(input, dim, "softmax"), dtype, None, "softmax")


def functional_log_softmax(input: object, dim: object = None, _stacklevel: object = 3, dtype: object = None) -> object:
    """`log_softmax`; without `dim` PyTorch's choice is taken, with a warning."""
    return along(LOG_SOFTMAX, input, implicit(input, dim, "log_softmax"), dtype, None, "log_softmax")


def softmin(input: object, dim: object = None, _stacklevel: object = 3, dtype: object = None) -> object:
    """`softmax` of -x."""
    dim = implicit(input, dim, "softmin")
    return along(SOFTMAX, -given(input, "softmin"), dim, dtype, None, "softmax")


def rows(make: object) -> object:
    """Samples with every kind of dim."""
    return [((make(3, 4), 1), {}), ((make(3, 4), 0), {}), ((make(2, 3, 4), -2), {}), ((make(), 0), {}), ((make(3, 0),
        1), {}),
            ((make(0, 3), 1), {})]


def named(make: object) -> object:
    """The same with the dim by name."""
    return [(args[:1], {"dim": args[1]}) for args, _ in rows(make)]


declare(SOFTMAX, "softmax", overload=None, reads=[1 << OUT], function=softmax, inplace=False, samples=rows, dtypes="f",
        aliases=("special.softmax",))
declare(LOG_SOFTMAX, "log_softmax", overload=None, reads=[1 << OUT], function=log_softmax, inplace=False, samples=rows,
        dtypes="f", aliases=("special.log_softmax",))
publish("nn.functional.softmax", functional_softmax)
publish("nn.functional.log_softmax", functional_log_softmax)
composite("nn.functional.softmin", softmin, method=False, samples=named, dtypes="f")
