"""Connectionist temporal classification: the loss of all alignments of a target to a sequence of log-probabilities.

The gradient is a kernel of its own without one of higher order, as in PyTorch.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference_ctc import ctc_backward, ctc_forward
    from headgate.ops.arguments import other

    ndarray = np.ndarray

from headgate import dtypes
from headgate.core.declare import constants, describe
from headgate.core.entry import publish
from headgate.core.family import refused_error
from headgate.ops.loss import reduction_of

CHECKING = "(while checking arguments for ctc_loss_allocate_outputs)"


@cython.cclass
class Ctc(Op):
    """The loss of each sample. Inputs: log-probabilities (time, batch, classes), targets; attrs: (targets as the kernel
    takes them, the blank, whether infinite losses count nothing, a list that keeps the sums)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        kept: tuple = ctc_forward(x, attrs[0], attrs[1])
        attrs[3][:] = kept
        return kept[0].astype(cython.cast(object, x).dtype)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(CTC_GRADIENT, (g, n.read(0)), n.attrs)


@cython.cclass
class CtcGradient(Op):
    """e^x minus the share of alignments that pass each class at each time. Inputs: gradient, log-probabilities."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return ctc_backward(x, y, attrs[0], attrs[1], tuple(attrs[3]), attrs[2])


CTC, CTC_GRADIENT = Ctc(), CtcGradient()
constants(1 << 1, CTC)
describe(CTC, "ctc_loss", (3 | 1 << OUT,), 0, "CtcLossBackward", None, True, 3 | 1 << OUT)
describe(CTC_GRADIENT, "_ctc_loss_backward", (0, 0), 0, "NotImplemented", None, True)


# ---- arguments ------------------------------------------------------------------------------------------------------


def lengths_of(value: object, name: str) -> list:
    """Lengths from a tensor or a sequence of ints; RuntimeError for floats."""
    if isinstance(value, Tensor):
        if cython.cast(object, value).dtype.is_floating_point:
            raise RuntimeError(f"{name} must be integral")
        return cython.cast(object, cython.cast(Tensor, value)._array).reshape(-1).tolist()
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"ctc_loss() received an invalid combination of arguments - {name} is {type(value).__name__}")
    return [int(one) for one in value]


def starts_of(shape: tuple, lengths: list) -> list:
    """Where the targets of each sample start, in a padded matrix or one vector; RuntimeError if they do not fit."""
    if len(shape) == 1:
        total = sum(lengths)
        if shape[0] != total:
            raise RuntimeError(f"Expected tensor to have size {total} at dimension 0, but got size {shape[0]} for "
                               f"argument #2 'targets' {CHECKING}")
        return (np.cumsum(lengths) - lengths).tolist() if lengths else []
    longest = max(lengths, default=0)
    if shape[0] != len(lengths):
        raise RuntimeError(f"Expected tensor to have size {len(lengths)} at dimension 0, but got size "
                           f"{shape[0]} for argument #2 'targets' {CHECKING}")
    if shape[1] < longest:
        raise RuntimeError(f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                           f"{shape[1]} for argument #2 'targets' {CHECKING}")
    return [k * shape[1] for k in range(len(lengths))]


def prepared(x: Tensor, targets: object, input_lengths: object, target_lengths: object, blank: object) -> object:
    """The targets of a batch as the kernel takes them, with PyTorch's errors for what does not fit."""
    shape: tuple = shape_of(x._array)
    if 0 in shape:
        raise RuntimeError("log_probs tensor must not be empty")
    if len(shape) != 3:
        raise RuntimeError(f"Expected 3-dimensional tensor, but got {len(shape)}-dimensional tensor for argument #1 "
                           f"'log_probs' {CHECKING}")
    if targets.ndim not in (1, 2):
        raise RuntimeError(f"Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional tensor for argument #2 "
                           f"'targets' {CHECKING}")
    times, lengths = lengths_of(input_lengths, "input_lengths"), lengths_of(target_lengths, "target_lengths")
    for values, name in ((times, "input_lengths"), (lengths, "target_lengths")):
        if min(values, default=0) < 0:
            raise RuntimeError(f"Expected {name} to have value at least 0, but got value {min(values)} {CHECKING}")
    kind = dtypes.of(x._array)
    if kind.name not in ("float32", "float64"):
        raise refused_error("ctc_loss_cpu", kind)
    if not 0 <= blank < shape[2]:
        raise RuntimeError("blank must be in label range")
    if len(times) != shape[1]:
        raise RuntimeError("input_lengths must be of size batch_size")
    if len(lengths) != shape[1]:
        raise RuntimeError("target_lengths must be of size batch_size")
    if max(times, default=0) > shape[0]:
        raise RuntimeError(f"Expected input_lengths to have value at most {shape[0]}, but got value {max(times)} "
                           f"{CHECKING}")
    starts = starts_of(targets.shape, lengths)
    return (targets.reshape(-1), np.array(starts, np.int64), np.array(lengths, np.int64), np.array(times, np.int64))


def ctc(log_probs: object, targets: object, input_lengths: object, target_lengths: object, blank: object, code: int,
        zero_infinity: object) -> object:
    """The loss with its reduction by number."""
    x: Tensor = other(log_probs, "ctc_loss", "log_probs")
    array: object = cython.cast(Tensor, other(targets, "ctc_loss", "targets"))._array
    single = x._array.ndim != 3
    if isinstance(input_lengths, Tensor) != isinstance(target_lengths, Tensor) or not isinstance(blank, int):
        raise TypeError("ctc_loss() received an invalid combination of arguments")
    batch: Tensor = cython.cast(object, x).unsqueeze(1) if single else x
    array = array.astype(np.int64, order="C")  # a copy, which the kernel may write to
    way = prepared(batch, array, input_lengths, target_lengths, blank)
    losses: object = apply(CTC, (batch, targets), (way, blank, bool(zero_infinity), []))
    if zero_infinity:
        losses = losses.masked_fill((losses == np.inf).detach(), 0)
    if single and code == 0:
        return losses.squeeze(0)
    if code == 1:
        counts = np.maximum(way[2], 1).astype(cython.cast(object, x._array).dtype)
        return (losses / wrap(counts)).mean()
    return losses.sum() if code == 2 else losses


def ctc_loss(
    log_probs: object, targets: object, input_lengths: object, target_lengths: object, blank: object = 0,
    reduction: object = 1, zero_infinity: object = False,
) -> object:
    """`nn.functional.ctc_loss`; reduction 0 none, 1 mean, 2 sum."""
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)


def functional_ctc_loss(
    log_probs: object, targets: object, input_lengths: object, target_lengths: object, blank: object = 0,
    reduction: object = "mean", zero_infinity: object = False,
) -> object:
    """-log of the probability of all alignments of the targets; Graves and others 2006.

    log_probs (T, N, C) or (T, C), as from log_softmax; targets (N, S), padded, or all in one vector. "mean" divides by
    the lengths of the targets first. zero_infinity: a target that cannot be aligned counts 0, in the gradient too. As
    in PyTorch the gradient takes it for granted that log_probs come from log_softmax. float32 and float64 only.
    """
    code = reduction_of(reduction, None, None)
    return ctc(log_probs, targets, input_lengths, target_lengths, blank, code, zero_infinity)


publish("ctc_loss", ctc_loss)
publish("nn.functional.ctc_loss", functional_ctc_loss)
