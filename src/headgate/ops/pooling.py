"""Pooling as ops: the largest of windows with their places, averages, unpooling, and how gradients pass them.

The way back of a maximum puts elements at places and its own gradient takes them from there, so every order exists.
Public functions are in `pool_functions`; windows in `windows`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply1, apply2, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.kernels.reference_pooling import average_back, average_pool, max_pool, put, take

    ndarray = np.ndarray

from headgate.core.declare import constants, overload


@cython.cclass
class MaxPool(Op):
    """The largest of every window and its place in the plane. attrs: the windows."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return max_pool(inputs[0], attrs)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if grads[0] is None:
            return [None]
        # PyTorch keeps the input too: it refuses the gradient if that was written, and lets the gradient have a history
        return [put_back(self, grads[0], wrap(n.array(OUT + 1)), n.read(X), n.attrs.sizes)]


@cython.cclass
class FractionalPool(MaxPool):
    """The largest of windows at random places. attrs: windows that know their own result (`find`)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return attrs.find(inputs[0])


@cython.cclass
class Put(Op):
    """Zeros to which the first input is added at the second's places of the flattened plane. attrs: its sizes.

    A third input, what was pooled, has a gradient of zeros.
    """

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        if 0 in inputs[0].shape:
            check_empty(self.name, inputs[0].shape)
        return put(inputs[0], inputs[1], attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return zeros_in(n.shape(2), g)
        return apply2(TAKE, g, n.read(Y), len(n.attrs))


@cython.cclass
class Take(Op):
    """Elements of x at places y of the flattened plane of the last dims. attrs: how many dims that are."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return take(x, y, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        shape: tuple = n.shape(0)
        return apply(PUT, (g, n.read(Y)), shape[len(shape) - n.attrs:])


@cython.cclass
class Unpool(Op):
    """Zeros with x at places y of the flattened plane; of several at one place the last. attrs: the plane's sizes."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        lead = x.shape[:x.ndim - len(attrs)]
        planes: cython.Py_ssize_t = 1
        inside: cython.Py_ssize_t = 1
        for one in lead:
            planes *= one
        for one in attrs:
            inside *= one
        result = np.zeros((planes, inside), x.dtype)
        if inside:
            np.put_along_axis(result, y.reshape(planes, -1), x.reshape(planes, -1), 1)
        return result.reshape(lead + attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if 0 in n.attrs:  # nothing was put anywhere; PyTorch looks at the places only now
            check_gather(n.read(Y), len(n.attrs))
        return apply2(TAKE, g, n.read(Y), len(n.attrs))


@cython.cclass
class AveragePool(Op):
    """The sum of every window over its divisor. attrs: (the windows, the op of the way back)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return average_pool(x, attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(attrs_back(n.attrs), g, n.read(X), n.attrs)


@cython.cclass
class AverageBack(Op):
    """The gradient of AveragePool, with its attributes; what was pooled comes along and has a gradient of zeros."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if 0 in x.shape:
            check_empty(self.name, x.shape)
        return average_back(x, attrs[0])

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return average_back(x, attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(FLAT_AVERAGE, g, n.attrs) if i == 0 else zeros_in(n.shape(1), g)


@cython.cclass
class FlatAverage(Op):
    """AveragePool as a gradient of a gradient: it keeps nothing."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return average_pool(x, attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(attrs_back(n.attrs), g, n.attrs)


def attrs_back(attrs: object) -> Op:
    """The op of the way back."""
    return cython.cast(Op, attrs[1])


TAKE = overload(Take(), "max_pool_double_backward", 0, reads=[1 << Y, 0], shapes=1)
PUT = overload(Put(), "max_pool_backward", 0, reads=[1 << Y, 0, 0], shapes=1 << 2)
FLAT_AVERAGE = overload(FlatAverage(), "avg_pool_backward", 0)
constants(1 << 1, TAKE, PUT)
MAX: dict = {}
ADAPTIVE_MAX: dict = {}
FRACTIONAL: dict = {}
UNPOOL: dict = {}
AVERAGE: dict = {}
ADAPTIVE_AVERAGE: dict = {}
BACK: dict = {}  # the way back of every op with places, by its name


def check_empty(name: str, shape: tuple):
    """RuntimeError for the gradient of an adaptive pool that has no elements, other than for want of a batch."""
    if "adaptive" in name and 0 in shape[1:]:
        raise RuntimeError(f"{name}(): Expected grad_output to have non-zero size for non-batch dimensions, but "
                           f"grad_output has sizes {list(shape)} with dimension {shape.index(0, 1)} being empty")


def check_gather(places: Tensor, dims: object):
    """RuntimeError for any place in a plane without elements."""
    shape: tuple = shape_of(places._array)
    if 0 not in shape:
        raise RuntimeError(f"index {places.reshape(-1)[0].item()} is out of bounds for dimension {len(shape) - dims} "
                           "with size 0")


def put_back(op: Op, g: Tensor, indices: Tensor, x: Tensor, sizes: object) -> Tensor:
    """The gradient of a maximum: every element back to where it came from."""
    return apply(BACK[op.name], (g, indices, x), sizes)


def zeros_in(shape: tuple, g: Tensor) -> Tensor:
    """A gradient of zeros in another shape than g's."""
    return wrap(np.zeros(shape, cython.cast(object, g._array).dtype))


def name_ops() -> None:
    """One op per kind and number of dims, with PyTorch's names."""
    reads = [1 << X | 1 << (OUT + 1)]
    for dims in (1, 2, 3):
        for table, kind, stem, name in (
            (MAX, MaxPool, f"MaxPool{dims}DWithIndicesBackward", f"max_pool{dims}d"),
            (ADAPTIVE_MAX, MaxPool, f"AdaptiveMaxPool{dims}DBackward", f"adaptive_max_pool{dims}d"),
            (FRACTIONAL, FractionalPool, f"FractionalMaxPool{dims}DBackward", f"fractional_max_pool{dims}d"),
        ):
            table[dims] = overload(kind(), name, 0, reads=reads, node=stem)
            BACK[name] = overload(Put(), name + "_backward", 0, reads=[1 << Y, 0, 0], shapes=1 << 2,
                                  node=stem + "Backward")
            constants(1 << 1, BACK[name])
        UNPOOL[dims] = overload(Unpool(), f"max_unpool{dims}d", 0, reads=[1 << Y, 0],
                                node=f"MaxUnpool{dims}DBackward")
        constants(1 << 1, UNPOOL[dims])
        for table, stem, name in (
            (AVERAGE, f"AvgPool{dims}DBackward", f"avg_pool{dims}d"),
            (ADAPTIVE_AVERAGE, f"AdaptiveAvgPool{dims}DBackward", f"adaptive_avg_pool{dims}d"),
        ):
            back = overload(AverageBack(), name + "_backward", 0, shapes=1 << Y, node=stem + "Backward")
            table[dims] = (overload(AveragePool(), name, 0, reads=[1 << X], node=stem), back)


name_ops()


# ---- what the public functions call ---------------------------------------------------------------------------------


def run_max(table: dict, dims: object, x: Tensor, windows: object) -> tuple:
    """(values, indices) of a kind of maximum."""
    return apply(table[dims], (x,), windows)


def run_average(table: dict, dims: object, x: Tensor, windows: object) -> Tensor:
    """Averages over windows."""
    op, back = table[dims]
    return apply1(op, x, (windows, back))


def run_unpool(dims: object, x: Tensor, indices: Tensor, sizes: tuple) -> Tensor:
    """Elements at their places in planes of the given sizes."""
    return apply2(UNPOOL[dims], x, indices, sizes)


def kind_name(x: Tensor) -> str:
    """The name of a tensor's element type."""
    return dtypes.of(x._array).name


def sizes_of(x: Tensor) -> tuple:
    """A tensor's shape as a tuple."""
    return shape_of(x._array)
