"""conv_tbc: convolution along time with channels last. Its gradients are the ops of `convolution` on turned tensors."""
import operator

import cython

if not cython.compiled:
    import numpy as np

    from headgate import dtypes
    from headgate.core.apply import apply, apply2
    from headgate.core.arrays import shape_of
    from headgate.core.records import Node, Op, Tensor, X, Y
    from headgate.kernels.reference_convolution import conv_forward
    from headgate.ops.arguments import other
    from headgate.ops.convolution import INPUT, WEIGHT, tensors

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, overload
from headgate.core.family import refused_error


@cython.cclass
class TimeConvolution(Op):
    """conv_tbc: input (T, B, C), weight (K, C, O), bias. attrs: (the padding,)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x: object = inputs[0]
        w: object = inputs[1]
        size = (x.shape[0] + 2 * attrs[0] - w.shape[0] + 1,)
        y: object = conv_forward(x.transpose(1, 2, 0), w.transpose(2, 1, 0), inputs[2], size, (1,), attrs, (1,), 1)
        return y.transpose(2, 0, 1).copy()

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 7

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        g: Tensor = grads[0].permute(1, 2, 0)
        x: Tensor = n.read(X).permute(1, 2, 0)
        w: Tensor = n.read(Y).permute(2, 1, 0)
        geometry = ((1,), n.attrs, (1,), 1)
        result: list = [None, None, None]
        if need & 1:
            result[0] = apply2(INPUT, g, w, (shape_of(x._array)[2:], geometry)).permute(2, 0, 1)
        if need & 2:
            result[1] = apply2(WEIGHT, x, g, (shape_of(w._array)[2:], geometry)).permute(2, 1, 0)
        if need & 4:
            result[2] = g.sum([0, 2])
        return result


TIME = overload(TimeConvolution(), "conv_tbc", 0, reads=[7, 7, 7], looks=4)


def conv_tbc(input: object, weight: object, bias: object, pad: object = 0) -> object:
    """Convolution along time of (T, B, C) with weight (K, C, O) and a bias of O, `pad` zeros at both ends."""
    tensors("conv_tbc", input, weight, bias)
    other(bias, "conv_tbc", "bias")
    x: Tensor = input
    w: Tensor = weight
    b: Tensor = bias
    if x._array.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if w._array.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if b._array.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if x._array.shape[2] != w._array.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if w._array.shape[2] != b._array.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    attrs = (operator.index(pad),)
    length = x._array.shape[0] + 2 * attrs[0] - w._array.shape[0] + 1
    if length < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {length}")
    kind = dtypes.of(x._array)
    if dtypes.of(w._array) is not kind or dtypes.of(b._array) is not kind:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {errors.TYPE_NAMES[kind.name]} and "
                           f"{errors.TYPE_NAMES[dtypes.of(w._array).name]}")
    if kind.category == 0:
        raise refused_error("addmm_impl_cpu_", kind)
    if attrs[0] < 0:  # as many steps are left out at both ends
        x = x.narrow(0, -attrs[0], x._array.shape[0] + 2 * attrs[0])
        attrs = (0,)
    return apply(TIME, (x, w, b), attrs)


composite("conv_tbc", conv_tbc, method=False, dtypes="f", aliases=("nn.functional.conv_tbc",), samples=lambda make: [
    ((make(5, 2, 3).contiguous(), make(3, 3, 4), make(4), 1), {}),
    ((make(5, 2, 3).contiguous(), make(2, 3, 4), make(4)), {})])
