"""Normalisation with nodes of its own: batch norm over channels, layer, group and rms norm over blocks.

The kernels give values and gradients in one go. Where the gradient itself is to be differentiated it is written in
Tensors instead, so every order exists. What is made of these ops is in `normalized`.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import is_float
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.saved import find, look
    from headgate.core.writes import note_silent_write
    from headgate.kernels.reference_normalization import (
        normalize_blocks,
        normalize_blocks_backward,
        normalize_channels,
        normalize_channels_backward,
    )
    from headgate.ops.keep import zeros_of

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import constants, describe
from headgate.core.family import refused_error

SIZES, EPS, MODE, MEAN, RSTD = 0, 1, 2, 3, 4  # places in a call's attributes; MODE: centred, or training
RUNNING, MOMENTUM, BIAS = 5, 6, 8
ACCESSOR = "TensorAccessor expected 1 dims but tensor has {dims}"
SAME_TYPE = "mixed dtype (CPU): all inputs must share same datatype."
FLOAT_PARAMETER = "mixed dtype (CPU): expect parameter to have scalar type of Float"


def as_weight(a: object, meta: tuple) -> Tensor:
    """A gradient in the shape and type, `meta`, of the weight it is for."""
    return wrap(a.reshape(meta[0]).astype(meta[1], copy=False))


def meta_of(t: Tensor) -> tuple:
    """The shape and element type of a tensor."""
    array: object = t._array
    return (array.shape, array.dtype)


def weight_of(n: Node, i: cython.int) -> object:
    """A saved weight; None where there was none."""
    return n.read(i) if (n.attrs[7] >> i) & 1 else None


@cython.cclass
class Attached(Op):
    """The gradient of a bias, which does not depend on x, with the history (of zeros) that PyTorch's has. Inputs: it,
    x."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return x.copy()

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g if i == 0 else zeros_of(n.read(1))


@cython.cclass
class Normalize(Op):
    """What both ops share. Inputs: x, weight or None, bias or None, ...; attrs: a list, to which `run` adds the
    statistics. `keeps_bias`: PyTorch's node keeps the bias, which no gradient reads."""

    def __init__(self, keeps_bias: bool = False):
        super().__init__()
        self.together = True
        self.keeps_bias = keeps_bias

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return n.attrs[7] if self.keeps_bias else n.attrs[7] & ~4

    @cython.cfunc
    def forget(self, n: Node) -> cython.bint:
        n.attrs[MEAN] = n.attrs[RSTD] = None
        return True

    @cython.cfunc
    def fused(self, n: Node, g: ndarray, x: Tensor, w: object, need: cython.int) -> tuple:
        """The gradients for x, weight and bias, as arrays."""
        return ()

    @cython.cfunc
    def written_out(self, n: Node, g: Tensor, x: Tensor, w: object, need: cython.int) -> list:
        """The same in Tensors, with history."""
        return []

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        g: Tensor = grads[0]
        x: Tensor = n.read(0)
        w: object = weight_of(n, 1)
        found: list
        wanted: cython.int = need & 7
        if g is None:
            return [None] * n.inputs
        if grad_enabled():
            found = self.written_out(n, g, x, w, wanted)
        else:
            arrays = self.fused(n, g._array, x, w, wanted)
            found = [wrap(arrays[0]) if wanted & 1 else None, as_weight(arrays[1], meta_of(w)) if wanted & 2 else None,
                     as_weight(arrays[2], n.attrs[BIAS]) if wanted & 4 else None]
        return found + [None] * (n.inputs - 3)


@cython.cclass
class Blocks(Normalize):
    """Layer, group and rms norm: each block of x that lies together brought to mean 0 and variance 1."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        result = normalize_blocks(inputs[0], inputs[1], inputs[2], attrs[SIZES], attrs[EPS], attrs[MODE])
        attrs[MEAN], attrs[RSTD] = result[1], result[2]
        return result[0]

    @cython.cfunc
    def fused(self, n: Node, g: ndarray, x: Tensor, w: object, need: cython.int) -> tuple:
        attrs: list = n.attrs
        weight: object = None if w is None else cython.cast(Tensor, w)._array
        return normalize_blocks_backward(g, x._array, weight, attrs[MEAN], attrs[RSTD], attrs[SIZES], attrs[MODE], need)

    @cython.cfunc
    def written_out(self, n: Node, g: Tensor, x: Tensor, w: object, need: cython.int) -> list:
        outer, groups, channels, inner = n.attrs[SIZES]
        batch = outer // groups
        flat, whole = (batch, groups, channels * inner), (batch, groups, channels, inner)
        d: object = cython.cast(object, x).reshape(flat)
        if n.attrs[MODE]:
            d = d - d.mean(2, True)
        rstd: object = ((d * d).mean(2, True) + n.attrs[EPS]).rsqrt()
        normal: object = d * rstd
        up: object = cython.cast(object, g).reshape(whole)
        found: list = [None, None, None]
        if need & 1:
            slope = (up if w is None else up * w.reshape(1, groups, channels, 1)).reshape(flat)
            rest = (slope * normal).mean(2, True) * normal
            if n.attrs[MODE]:
                rest = rest + slope.mean(2, True)
            found[0] = ((slope - rest) * rstd).reshape(x.shape)
        if need & 2:
            found[1] = (up * normal.reshape(whole)).sum((0, 3)).reshape(w.shape)
            if outer and channels * inner == 0:
                found[1] = found[1] + float("nan")  # the mean of nothing
        if need & 4:
            found[2] = apply(ATTACHED, (up.sum((0, 3)).reshape(n.attrs[BIAS][0]), x), None)
        return found


@cython.cclass
class Channels(Normalize):
    """Batch norm: each channel brought to mean 0 and variance 1, or by given statistics. Inputs 3 and 4: those."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        fixed = None if attrs[MODE] else inputs[3:]
        result = normalize_channels(inputs[0], inputs[1], inputs[2], attrs[SIZES], attrs[EPS], fixed, attrs[RUNNING],
                                    attrs[MOMENTUM])
        attrs[MEAN], attrs[RSTD] = result[1], result[2]
        return result[0]

    @cython.cfunc
    def statistics(self, n: Node) -> tuple:
        """The mean and 1 / deviation of each channel: as they were made, or of the given statistics as they are."""
        attrs: list = n.attrs
        if attrs[MODE]:
            if attrs[7] & 8:
                look(n, find(n, 3))
                look(n, find(n, 4))
            return attrs[MEAN], attrs[RSTD]
        mean: object = n.array(3)
        variance: object = n.array(4)
        kind = cython.cast(object, attrs[RSTD]).dtype
        with np.errstate(all="ignore"):
            return mean.astype(kind), (1 / np.sqrt(variance.astype(np.float64) + attrs[EPS])).astype(kind)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if n.attrs[RUNNING] is not None and need & n.attrs[RUNNING][1]:
            raise RuntimeError(n.attrs[RUNNING][0])
        return Normalize.pull_all(self, n, grads, need)

    @cython.cfunc
    def fused(self, n: Node, g: ndarray, x: Tensor, w: object, need: cython.int) -> tuple:
        attrs: list = n.attrs
        mean, rstd = self.statistics(n)
        weight: object = None if w is None else cython.cast(Tensor, w)._array
        return normalize_channels_backward(g, x._array, weight, mean, rstd, attrs[SIZES], not attrs[MODE], need)

    @cython.cfunc
    def written_out(self, n: Node, g: Tensor, x: Tensor, w: object, need: cython.int) -> list:
        outer, _, channels, inner = n.attrs[SIZES]
        shape, line, axes = (outer, channels, inner), (1, channels, 1), (0, 2)
        d: object = cython.cast(object, x).reshape(shape)
        rstd: object
        mean, inverse = self.statistics(n)
        if n.attrs[MODE]:
            d = d - d.mean(axes, True)
            rstd = ((d * d).mean(axes, True) + n.attrs[EPS]).rsqrt()
        else:
            d = d - cython.cast(object, wrap(mean)).reshape(line)
            rstd = cython.cast(object, wrap(inverse)).reshape(line)
        normal: object = d * rstd
        up: object = cython.cast(object, g).reshape(shape)
        found: list = [None, None, None]
        if need & 1:
            slope = up if w is None else up * w.reshape(line)
            if n.attrs[MODE]:
                slope = slope - slope.mean(axes, True) - (slope * normal).mean(axes, True) * normal
            found[0] = (slope * rstd).reshape(x.shape)
        if need & 2:
            found[1] = (up * normal).sum(axes)
        if need & 4:
            found[2] = apply(ATTACHED, (up.sum(axes), x), None)
        return found


LAYER, GROUP, RMS, BATCH, ATTACHED = Blocks(True), Blocks(), Blocks(), Channels(), Attached()
constants(1 << 3 | 1 << 4, BATCH)
describe(ATTACHED, "normalize_backward", (0, 2), 0, "", None, True)
describe(LAYER, "layer_norm", (), 0, "NativeLayerNormBackward", None, True, 1 << 2)
describe(GROUP, "group_norm", (), 0, "NativeGroupNormBackward", None, True)
describe(RMS, "rms_norm", (), 0, "FusedRmsNormBackward", None, True)
describe(BATCH, "batch_norm", (), 0, "NativeBatchNormBackward", None, True)


def mask_of(inputs: tuple) -> int:
    """Bits of the tensors among the inputs."""
    mask = 0
    for i, item in enumerate(inputs):
        mask |= (item is not None) << i
    return mask


def bias_meta(inputs: tuple) -> object:
    """The shape and element type of the bias, None where there is none."""
    return None if inputs[2] is None else meta_of(inputs[2])


def run_blocks(op: Op, inputs: tuple, sizes: tuple, eps: object, centred: bool) -> tuple:
    """(y, means, 1 / deviations): the last two as arrays, one number per block."""
    attrs: list = [sizes, float(eps), centred, None, None, None, 0.0, mask_of(inputs),
                   bias_meta(inputs)]
    y = apply(op, inputs, attrs)
    return y, attrs[MEAN], attrs[RSTD]


def run_channels(inputs: tuple, sizes: tuple, eps: object, training: bool, momentum: object) -> tuple:
    """The same for channels. While training, running statistics follow: a write that no Version counts, as in PyTorch.
    """
    running: object = None
    t: Tensor
    if training and inputs[3] is not None:
        for item in inputs[3:]:
            t = item
            if t._storage.shield is not None:
                t._storage.shield.refuse(t)
        running = (cython.cast(Tensor, inputs[3])._array, cython.cast(Tensor, inputs[4])._array)
    attrs: list = [sizes, float(eps), training, None, None, running, float(momentum), mask_of(inputs),
                   bias_meta(inputs)]
    y = apply(BATCH, inputs, attrs)
    attrs[RUNNING] = shaped_wrong(inputs)
    if running is not None:
        for item in inputs[3:]:
            note_silent_write(item, "batch_norm")
    return y, attrs[MEAN], attrs[RSTD]


def shaped_wrong(inputs: tuple) -> object:
    """What the way back says of a weight or bias that is not a vector, and bits of the gradients it is asked for; None
    where there is nothing to say."""
    for item, bits in ((inputs[1], 7), (inputs[2], 4)):
        if item is not None and cython.cast(Tensor, item)._array.ndim != 1:
            return ACCESSOR.format(dims=cython.cast(Tensor, item)._array.ndim), bits
    return None


def parameter(value: object, function: str, name: str, position: cython.int) -> object:
    """An argument that is a tensor or None; TypeError for anything else."""
    if value is None or isinstance(value, Tensor):
        return value
    raise TypeError(errors.ARGUMENT.format(
        function=function, name=name, position=position, expected="Tensor", type=type(value).__name__))


def check_types(x: Tensor, others: tuple, kernel: str) -> None:
    """Refuse what is no float, and parameters of another type; half types may have float32 ones."""
    kind: dtypes.dtype = dtypes.of(x._array)
    if not is_float(x._array) or kind.category > 2:
        raise refused_error(kernel, kind)
    first: object = None
    for item in others:
        if item is None:
            continue
        if item.dtype is not kind and not (kind.itemsize == 2 and item.dtype.name == "float32"):
            raise RuntimeError(SAME_TYPE if kind.name == "float64" else FLOAT_PARAMETER)
        if first is None:
            first = item.dtype
        elif item.dtype is not first:
            raise RuntimeError(f"expected scalar type {errors.TYPE_NAMES[first.name]} but found "
                               f"{errors.TYPE_NAMES[item.dtype.name]}")
