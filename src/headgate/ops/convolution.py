"""Convolutions of one to three dims and their transposes: conv1d/2d/3d, conv_transpose1d/2d/3d, convolution.

Result, gradient for the input and gradient for the weight are three ops, each linear in its two tensors and each the
gradient of the others, so every order exists. How they are computed is the kernels' matter.
"""
import operator
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply2, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import Node, Op, Tensor, X, Y
    from headgate.kernels.reference import reduce
    from headgate.kernels.reference_convolution import conv_forward, conv_input, conv_weight
    from headgate.ops.pad import pad_constant
    from headgate.ops.view import reshaped

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, overload
from headgate.core.family import refused_error
from headgate.core.options import no_combination
from headgate.ops.convolution_checks import (
    check_channels,
    check_geometry,
    check_transposed,
    is_fused,
    sizes_forward,
    sizes_transposed,
)

#: How PyTorch's texts call element types here.
C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int", "int32": "int",
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int",
}  # fmt: skip
THIN = "weight should have at least three dimensions"
EVEN_SAME = (
    "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the input be "
    "created"
)


# ---- the three ops --------------------------------------------------------------------------------------------------


@cython.cclass
class Convolution(Op):
    """Input, weight, bias or None. attrs: (transposed, sizes of the result, (stride, padding, dilation, groups))."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        stride, padding, dilation, groups = attrs[2]
        if not attrs[0]:
            return conv_forward(inputs[0], inputs[1], inputs[2], attrs[1], stride, padding, dilation, groups)
        return conv_input(inputs[0], inputs[1], inputs[2], attrs[1], stride, padding, dilation, groups)

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 3  # PyTorch's node keeps both, whichever gradient is wanted

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        g: Tensor = grads[0]
        x: Tensor = n.read(X)
        w: Tensor = n.read(Y)
        geometry: object = n.attrs[2]
        result: list = [None, None, None]
        if need & 1:
            size: tuple = shape_of(x._array)[2:]
            result[0] = forward(g, w, size, geometry) if n.attrs[0] else apply2(INPUT, g, w, (size, geometry))
        if need & 2:
            first, second = (g, x) if n.attrs[0] else (x, g)
            result[1] = apply2(WEIGHT, first, second, (shape_of(w._array)[2:], geometry))
        if need & 4:
            result[2] = apply(BIAS, (g, x, w), None)
        return result


@cython.cclass
class ConvolutionInput(Op):
    """From the gradient of the result and the weight, the gradient for the input. attrs: (its sizes, geometry)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        stride, padding, dilation, groups = attrs[1]
        return conv_input(x, y, None, attrs[0], stride, padding, dilation, groups)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return forward(g, n.read(Y), n.shape(0)[2:], n.attrs[1])
        return apply2(WEIGHT, g, n.read(X), (n.shape(1)[2:], n.attrs[1]))


@cython.cclass
class ConvolutionWeight(Op):
    """From the input and the gradient of the result, the gradient for the weight. attrs: (its sizes, geometry)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        stride, padding, dilation, groups = attrs[1]
        return conv_weight(x, y, attrs[0], stride, padding, dilation, groups)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply2(INPUT, n.read(Y), g, (n.shape(0)[2:], n.attrs[1]))
        return forward(n.read(X), g, n.shape(1)[2:], n.attrs[1])


@cython.cclass
class ConvolutionBias(Op):
    """From the gradient of the result, that for the bias. Input and weight come along, with gradients of zeros."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        g: object = inputs[0]
        return reduce("sum", inputs[0], (0,) + tuple(range(2, g.ndim)), False, None)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        shape: tuple = n.shape(i)
        if i == 0:
            return reshaped(g, (1, shape[1]) + (1,) * (len(shape) - 2)).expand(shape)
        return wrap(np.zeros(shape, cython.cast(object, g._array).dtype))


CONVOLUTION = overload(Convolution(), "convolution", 0, reads=[3, 3, 0])
INPUT = overload(ConvolutionInput(), "convolution_backward", 0, reads=[1 << 1, 1 << 0], shapes=3)
BIAS = overload(ConvolutionBias(), "convolution_backward", 0, shapes=7)
WEIGHT = overload(ConvolutionWeight(), "convolution_backward", 0, reads=[1 << 1, 1 << 0], shapes=3)


def forward(x: Tensor, w: Tensor, size: object, geometry: object) -> Tensor:
    """The convolution of x with w where its result has the given sizes."""
    return apply(CONVOLUTION, (x, w, None), (False, size, geometry))


# ---- arguments ------------------------------------------------------------------------------------------------------


def each(value: object, count: cython.int, function: str, name: str) -> tuple:
    """One whole number for every dim, from one for all or a list of them. RuntimeError for another number of them."""
    items: list
    if isinstance(value, (tuple, list)):
        items = list(value)
    else:
        items = [value]
    try:
        items = [operator.index(one) for one in items]
    except TypeError:
        raise no_combination(function, ("Tensor", "Tensor"), {name: value}) from None
    if len(items) == 1:
        return tuple(items * count)
    if len(items) != count:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {count} values to match the "
                           f"convolution dimensions, but got {name}={items}")
    return tuple(items)


def tensors(function: str, input: object, weight: object, bias: object) -> bool:
    """TypeError unless the arguments are tensors (the bias may be None)."""
    if isinstance(input, Tensor) and isinstance(weight, Tensor) and (bias is None or isinstance(bias, Tensor)):
        return True
    raise no_combination(function, (input, weight) if bias is None else (input, weight, bias))


def check_types(x: Tensor, w: Tensor, bias: object, transposed: bool, dilation: tuple) -> bool:
    """RuntimeError unless all are of one type; NotImplementedError for whole numbers that PyTorch has no kernel for."""
    kind = dtypes.of(x._array)
    same: cython.bint = dtypes.of(w._array) is kind
    if same and kind.category > 1:
        return check_bias(x, bias)
    dilated = max(dilation) > 1
    if kind.category == 0 or kind.category == 1 and kind.name != "int64" and (transposed or dilated):
        dims = "3" if len(dilation) == 3 else "2"
        kernel = f"slow_conv_transpose{dims}d_out_cpu" if transposed else "slow_conv_dilated<>" if dilated else (
            "compute_columns3d" if dims == "3" else "slow_conv2d_cpu")
        raise refused_error(kernel, kind)
    if not same:
        mine, other = errors.TYPE_NAMES[kind.name], errors.TYPE_NAMES[dtypes.of(w._array).name]
        raise RuntimeError(f"expected scalar type {mine} but found {other}")
    return check_bias(x, bias)


def check_bias(x: Tensor, bias: object) -> bool:
    """RuntimeError for a bias of another element type."""
    if bias is not None and dtypes.of(cython.cast(Tensor, bias)._array) is not dtypes.of(x._array):
        first, second = dtypes.of(x._array).name, dtypes.of(cython.cast(Tensor, bias)._array).name
        raise RuntimeError(f"Input type ({C_NAMES.get(first, first)}) and bias type ({C_NAMES.get(second, second)}) "
                           "should be the same")
    return True


def convolved_nothing(x: Tensor, w: Tensor, bias: object, sizes: tuple, geometry: tuple, transposed: bool) -> Tensor:
    """An empty batch, or one without channels, which has none then: no kernel is asked, and any types go together."""
    shape: tuple = shape_of(x._array)
    if shape[1] and 0 in shape_of(w._array):
        raise IndexError("select(): index 0 out of range for tensor of size [0] at dimension 0")
    if min(sizes) < 0:
        raise RuntimeError(f"invalid shape dimension {min(sizes)} of shape {list(sizes)}")
    kind = dtypes.result_pair(dtypes.of(x._array), 1, dtypes.of(w._array), 0 if shape[1] else 1)
    y = apply(CONVOLUTION, (x.to(kind), w.to(kind), None if bias is None else bias.to(kind)),
              (transposed, sizes, geometry))
    return y if shape[1] else y.narrow(1, 0, 0)


def exact(value: object) -> bool:
    """Whether the argument is an int or a tuple of ints: what equals it as a key is the same argument."""
    item: object
    if type(value) is int:
        return True
    if type(value) is not tuple:
        return False
    for item in value:
        if type(item) is not int:
            return False
    return True


PLANS: dict = {}  # the attrs of a convolution by its shapes and arguments, where all was well with them


def convolved(
    function: str, x: Tensor, w: Tensor, bias: object, stride: object, padding: object, dilation: object,
    transposed: bool, output_padding: object, groups: object,
) -> Tensor:
    """A convolution of a batch. What was checked once for these shapes and arguments is not checked again."""
    key: object = None
    if exact(stride) and exact(padding) and exact(dilation) and exact(output_padding) and type(groups) is int:
        lengths = None if bias is None else shape_of(cython.cast(Tensor, bias)._array)
        key = (shape_of(x._array), shape_of(w._array), lengths, stride, padding, dilation, transposed, output_padding,
               groups)
        attrs = PLANS.get(key)
        if attrs is not None:
            check_types(x, w, bias, transposed, attrs[2][2])
            return apply(CONVOLUTION, (x, w, bias), attrs)
    return convolved_anew(function, x, w, bias, (stride, padding, dilation, output_padding), transposed, groups, key)


def convolved_anew(
    function: str, x: Tensor, w: Tensor, bias: object, numbers: tuple, transposed: bool, groups: object, key: object,
) -> Tensor:
    """The same with all arguments checked; the plan is kept under `key`."""
    stride, padding, dilation, output_padding = numbers
    shape: tuple = shape_of(x._array)
    mine: tuple = shape_of(w._array)
    count: cython.int = len(mine) - 2
    if count < 1:
        raise RuntimeError(THIN)
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    stride = each(stride, count, function, "stride")
    padding = each(padding, count, function, "padding")
    dilation = each(dilation, count, function, "dilation")
    output_padding = each(output_padding, count, function, "output_padding")
    check_geometry(stride, padding, dilation, output_padding, groups)
    check_channels(
        shape, mine, None if bias is None else shape_of(cython.cast(Tensor, bias)._array), transposed, groups)
    geometry = (stride, padding, dilation, int(groups))
    if transposed:
        sizes = sizes_transposed(shape[2:], mine[2:], stride, padding, dilation, output_padding)
    else:
        sizes = sizes_forward(shape[2:], mine[2:], stride, padding, dilation)
    if shape[0] == 0 or shape[1] == 0:
        return convolved_nothing(x, w, bias, sizes, geometry, transposed)
    if transposed:
        fused = is_fused(dtypes.of(x._array).name, shape, mine, geometry, output_padding)
        check_transposed(shape[2:], sizes, stride, dilation, output_padding, 0 if fused else 1)
    if min(dilation) == 0:
        raise RuntimeError("non-positive dilation is not supported")
    check_types(x, w, bias, transposed, dilation)
    if 0 in shape[2:]:
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(shape)}")
    if 0 in mine:
        raise RuntimeError("could not create a primitive descriptor for the convolution forward propagation primitive. "
                           f"The kernel has no elements: {list(mine)}")
    attrs = (transposed, sizes, geometry)
    if key is not None and min(sizes) > 0:  # where nothing comes out, the type decides whether it may
        if len(PLANS) >= 256:
            PLANS.clear()
        PLANS[key] = attrs
    return apply(CONVOLUTION, (x, w, bias), attrs)


def batched(function: str, x: Tensor, dims: cython.int) -> tuple:
    """(the input with a batch dim, whether it had one). RuntimeError for another number of dims."""
    count: cython.int = x._array.ndim
    if count == dims + 2:
        return x, True
    if count != dims + 1:
        raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but got "
                           f"input of size: {list(shape_of(x._array))}")
    return x.unsqueeze(0), False


def padded_same(x: Tensor, w: Tensor, stride: object, dilation: object, function: str) -> tuple:
    """(the input, the padding) that keep the sizes; what one side needs more is padded before, as in PyTorch."""
    count = w._array.ndim - 2
    if count < 1:
        raise RuntimeError(THIN)
    kernel: tuple = shape_of(w._array)[2:]
    if max(each(stride, count, function, "stride")) != 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(kernel, each(dilation, count, function, "dilation"))]
    if [True for one in total if one % 2]:
        warnings.warn(EVEN_SAME, UserWarning, stacklevel=4)
        x = pad_constant(x, tuple([side for one in total[::-1] for side in (0, one % 2)]), 0)
    return x, [one // 2 for one in total]


def general(
    function: str, dims: object, input: object, weight: object, bias: object, stride: object, padding: object,
    dilation: object, groups: object,
) -> object:
    """conv1d, conv2d or conv3d."""
    tensors(function, input, weight, bias)
    x, whole = batched(function, input, dims)
    w: Tensor = weight
    if isinstance(stride, int):
        stride = (stride,) * dims  # so that a weight of another number of dims is told as PyTorch does
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        if padding == "same":
            x, padding = padded_same(x, w, stride, dilation, function)
        else:
            padding = 0
    else:
        check_bias(x, bias)
    y = convolved(function, x, w, bias, stride, padding, dilation, False, 0, groups)
    return y if whole else y.squeeze(0)


def general_transposed(
    function: str, dims: object, input: object, weight: object, bias: object, stride: object, padding: object,
    output_padding: object, groups: object, dilation: object,
) -> object:
    """conv_transpose1d, conv_transpose2d or conv_transpose3d."""
    tensors(function, input, weight, bias)
    x, whole = batched(function, input, dims)
    y = convolved(function, x, weight, bias, stride, padding, dilation, True, output_padding, groups)
    return y if whole else y.squeeze(0)


# ---- public functions -----------------------------------------------------------------------------------------------


def conv1d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0, dilation: object = 1,
    groups: object = 1,
) -> object:
    """Convolution along the last dim: (N, C, L) with weight (O, C / groups, K) gives (N, O, L'); N may be missing.

    `padding` is a number of zeros on both sides, "same" or "valid". As `conv2d` otherwise.
    """
    return general("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0, dilation: object = 1,
    groups: object = 1,
) -> object:
    """Convolution over the last two dims: (N, C, H, W) with weight (O, C / groups, K, L) gives (N, O, H', W').

    y[n, o, p] = bias[o] + sum of w[o, c, k] x[n, c, p * stride + k * dilation - padding]; N may be missing. H' =
    (H + 2 padding - dilation (K - 1) - 1) // stride + 1. Floats and integers of one type; RuntimeError for shapes that
    do not fit together. Values differ from PyTorch's by rounding, since the order of additions is another.
    """
    return general("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0, dilation: object = 1,
    groups: object = 1,
) -> object:
    """Convolution over the last three dims, (N, C, D, H, W) with weight (O, C / groups, K, L, M); as `conv2d`."""
    return general("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0,
    output_padding: object = 0, groups: object = 1, dilation: object = 1,
) -> object:
    """The transposed convolution along the last dim, weight (C, O / groups, K); as `conv_transpose2d`."""
    return general_transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
                              dilation)


def conv_transpose2d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0,
    output_padding: object = 0, groups: object = 1, dilation: object = 1,
) -> object:
    """The gradient of `conv2d` for its input, as a function: (N, C, H, W) with weight (C, O / groups, K, L).

    H' = (H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1. RuntimeError for shapes that do not fit
    together, or an output padding that is not below the stride or the dilation.
    """
    return general_transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
                              dilation)


def conv_transpose3d(
    input: object, weight: object, bias: object = None, stride: object = 1, padding: object = 0,
    output_padding: object = 0, groups: object = 1, dilation: object = 1,
) -> object:
    """The transposed convolution over the last three dims, weight (C, O / groups, K, L, M); as `conv_transpose2d`."""
    return general_transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
                              dilation)


def convolution(
    input: object, weight: object, bias: object, stride: object, padding: object, dilation: object, transposed: object,
    output_padding: object, groups: object,
) -> object:
    """The convolution, or transposed one, that conv1d ... conv_transpose3d are forms of; the input has a batch dim."""
    tensors("convolution", input, weight, bias)
    return convolved("convolution", input, weight, bias, stride, padding, dilation, bool(transposed), output_padding,
                     groups)


# ---- the table ------------------------------------------------------------------------------------------------------


def samples_of(sizes: tuple, transposed: bool) -> object:
    """Samples over that many dims: strides, padding, dilation, groups, without a batch, and errors."""
    dims = len(sizes)
    three, two = (3,) * dims, (2,) * dims

    def samples(make: object) -> list:
        def weight(inputs: object, outputs: object, groups: object, kernel: object) -> object:
            return make(*((inputs, outputs // groups) if transposed else (outputs, inputs // groups)), *kernel)

        calls: list = [((make(2, 3, *sizes), weight(3, 4, 1, three), make(4)), {}),
                 ((make(3, *sizes), weight(3, 2, 1, two)), {"stride": 2, "padding": 1}),
                 ((make(2, 4, *sizes), weight(4, 6, 2, two), make(6)), {"groups": 2, "dilation": 2, "padding": 1}),
                 ((make(1, 3, *sizes), weight(3, 3, 3, three), None), {"groups": 3, "stride": 2}),
                 ((make(2, 3, *sizes), weight(4, 4, 1, two)), {}), ((make(2, 3, *sizes), weight(3, 4, 1, two),
                                                                    make(3)), {}),
                 ((make(0, 3, *sizes), weight(3, 4, 1, two)), {})]
        if transposed:
            calls.append(((make(2, 2, *sizes), weight(2, 3, 1, three), make(3)), {"stride": 2, "output_padding": 1}))
        else:
            calls += [((make(1, 2, *sizes), weight(2, 3, 1, three)), {"padding": "same"}),
                      ((make(1, 2, *sizes), weight(2, 3, 1, sizes), make(3)), {})]
        return calls

    return samples


def enter(function: object, sizes: tuple, transposed: bool) -> None:
    """Publish a function, here and in nn.functional."""
    name: str = function.__name__
    domain = (-1.0, 1.0) if transposed else (-3.0, 3.0)  # PyTorch's transposes of halves round every tap
    composite(name, function, method=False, aliases=("nn.functional." + name,), domain=domain,
              samples=samples_of(sizes, transposed))


enter(conv1d, (7,), False)
enter(conv2d, (6, 5), False)
enter(conv3d, (4, 5, 4), False)
enter(conv_transpose1d, (5,), True)
enter(conv_transpose2d, (4, 3), True)
enter(conv_transpose3d, (3, 2, 3), True)
composite("convolution", convolution, method=False, samples=lambda make: [
    ((make(1, 2, 5), make(3, 2, 2), None, (1,), (1,), (1,), False, (0,), 1), {}),
    ((make(1, 2, 4, 3), make(2, 3, 2, 2), make(3), (2, 2), (0, 1), (1, 1), True, (1, 0), 1), {})])
