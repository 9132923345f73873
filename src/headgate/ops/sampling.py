"""Samples whose parameters are tensors: normal, bernoulli, multinomial.

The parameters get a gradient of zero, as in PyTorch; multinomial has none. The streams are those of `core.generator`.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, cut_here, requires, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.inplace import write
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.reports import cut_of
    from headgate.core.writes import note_write
    from headgate.ops.creation import check_tensor, target

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import overload
from headgate.core.entry import install, publish
from headgate.core.options import check_options, no_combination
from headgate.core.records import Tensor as _tensor_type
from headgate.ops.random import drawn_normal, stream


@cython.cclass
class Sample(Op):
    """The family: attrs hold the generator and plain numbers; every gradient is zero."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        array: object = g._array
        return wrap(np.zeros(array.shape, array.dtype))


@cython.cclass
class NormalOf(Sample):
    """Normal numbers whose mean, standard deviation or both are tensors. attrs: the generator."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        mean, std = inputs
        arrays = [one for one in inputs if isinstance(one, np.ndarray)]
        shape = np.broadcast_shapes(*[one.shape for one in arrays])
        if isinstance(std, np.ndarray):
            if std.size and bool((std < 0).any()):
                raise RuntimeError("normal expects all elements of std >= 0.0")
            result = attrs.normal(np.empty(shape, arrays[0].dtype), 0.0, 1.0)
            result *= std
        else:
            result = attrs.normal(np.empty(shape, mean.dtype), 0.0, std)
        result += mean
        return result

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)


@cython.cclass
class BernoulliOf(Sample):
    """1 with the probabilities that a tensor holds, else 0. attrs: the generator."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: object = x
        return attrs.bernoulli(np.empty(a.shape, a.dtype), a)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, out)


NORMAL_MEAN = overload(NormalOf(), "normal", 1)
NORMAL_STD = overload(NormalOf(), "normal", 2)
NORMAL_BOTH = overload(NormalOf(), "normal", 3)
BERNOULLI = overload(BernoulliOf(), "bernoulli", 0)


def normal(
    mean: object, std: object = 1.0, size: object = None, *, generator: object = None, out: object = None,
    dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False,
) -> object:
    """Normal numbers: `normal(mean, std)` with tensors (broadcast together), or `normal(0.0, 1.0, size)` with numbers.

    RuntimeError for a negative standard deviation. Tensor parameters get a gradient of zero.
    """
    op: Op
    check_options("normal", layout, device, pin_memory)
    source = stream(generator, "normal")
    first: cython.bint = isinstance(mean, Tensor)
    second: cython.bint = isinstance(std, Tensor)
    if not first and not second:
        if size is None:
            raise no_combination("normal", (mean, std))
        return drawn_normal(source, mean, std, size, out, dtype, requires_grad)
    if first and second:
        check_shapes(shape_of(cython.cast(Tensor, mean)._array), shape_of(cython.cast(Tensor, std)._array))
        op = NORMAL_BOTH
    else:
        op = NORMAL_MEAN if first else NORMAL_STD
    if out is not None:
        return write(op, (mean, std), source, out)
    return apply(op, (mean, std), source)


def check_shapes(first: tuple, second: tuple) -> None:
    """RuntimeError with PyTorch's text for shapes that do not broadcast."""
    count = max(len(first), len(second))
    a = (1,) * (count - len(first)) + first
    b = (1,) * (count - len(second)) + second
    for dim in range(count - 1, -1, -1):
        if a[dim] != b[dim] and a[dim] != 1 and b[dim] != 1:
            raise RuntimeError(errors.BROADCAST.format(a=a[dim], b=b[dim], dim=dim))


def bernoulli(input: object, p: object = None, *, generator: object = None, out: object = None) -> object:
    """1 with the probability that each element of `input` holds (or `p` everywhere), else 0, in the type of `input`.

    RuntimeError unless all probabilities are in [0, 1].
    """
    x: Tensor = check_tensor(input, "bernoulli")
    source = stream(generator, "bernoulli")
    if p is not None:
        a: object = x._array
        t: Tensor = wrap(source.bernoulli(np.empty(a.shape, a.dtype), p))
        return t
    if out is not None:
        return write(BERNOULLI, (x,), source, out)
    return apply(BERNOULLI, (x,), source)


def multinomial(
    input: object, num_samples: object, replacement: object = False, *, generator: object = None, out: object = None,
) -> object:
    """Categories drawn by weights `input` (n,) or (rows, n): int64 of shape (num_samples,) or (rows, num_samples).

    RuntimeError for weights that are no distribution, and for more samples than categories without replacement.
    """
    x: Tensor = check_tensor(input, "multinomial")
    t: Tensor
    found: object = stream(generator, "multinomial").multinomial(x._array, num_samples, bool(replacement))
    if out is not None:
        np.copyto(target(out, found.shape, None, "multinomial"), found)
        note_write(out, "multinomial")
        return out
    t = wrap(found)
    t._cut = cut_here("integer", "multinomial") if requires(x) else cut_of(x)
    return t


publish("normal", normal)
for _function in (bernoulli, multinomial):
    install(_tensor_type, _function.__name__, publish(_function.__name__, _function))
