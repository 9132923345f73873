"""Connectionist temporal classification: the loss of all alignments of a target to a sequence of log-probabilities.

Computed in float64 over the whole batch, time step by time step; the gradient is a kernel of its own without one of
higher order, as in PyTorch.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference import map2
    from headgate.ops.arguments import other

    ndarray = np.ndarray

from headgate import dtypes
from headgate.core.declare import constants, describe
from headgate.core.entry import publish
from headgate.core.family import refused_error
from headgate.kernels import make_loop
from headgate.ops.loss import reduction_of

CHECKING = "(while checking arguments for ctc_loss_allocate_outputs)"


ADD_LOGS, SUM = make_loop("logaddexp"), make_loop("add")


class Alignments:
    """A batch of targets with blanks between: labels (batch, 2 * longest + 1), what may be skipped, and lengths."""

    def __init__(self, targets: list, input_lengths: object, blank: int) -> None:
        self.lengths = np.array([len(one) for one in targets], np.int64)
        self.times = np.array(input_lengths, np.int64)
        longest = int(self.lengths.max(initial=0))
        self.labels = np.full((len(targets), 2 * longest + 1), blank, np.int64)
        for k, one in enumerate(targets):
            self.labels[k, 1:2 * len(one):2] = one
        skip = np.zeros(self.labels.shape, bool)
        skip[:, 2:] = self.labels[:, 2:] != self.labels[:, :self.labels.shape[1] - 2]  # never between blanks
        self.skip = skip
        self.inside = np.arange(self.labels.shape[1]) <= 2 * self.lengths[:, None]

    def scores(self, log_probs: object) -> object:
        """The log-probabilities of the labels: (time, batch, places)."""
        labels = np.broadcast_to(self.labels, (len(log_probs), *self.labels.shape))
        return np.take_along_axis(log_probs.astype(np.float64), labels, 2)


def followed(states: object, jumps: object, scores: object, out: object) -> None:
    """One step of all samples: each place is reached from itself, the one before and, where `jumps` is 0 and not -inf,
    the one before that. `states` has two more columns in front, of -inf."""
    width = states.shape[1]
    mine: ndarray = states[:, 2:]
    reached: ndarray = map2(ADD_LOGS, mine, states[:, 1:width - 1])
    jumped: ndarray = map2(SUM, states[:, :width - 2], jumps)
    map2(SUM, map2(ADD_LOGS, reached, jumped, jumped), scores, out)


def forward_sums(scores: object, way: object) -> object:
    """log of the sum over all beginnings of alignments, for each time, sample and place."""
    times, samples, places = scores.shape
    alpha = np.full((times, samples, places + 2), -np.inf)
    if times == 0:
        return alpha[:, :, 2:]
    scores = scores + np.where(way.inside, 0.0, -np.inf)
    jumps = np.where(way.skip, 0.0, -np.inf)
    alpha[0, :, 2:4] = scores[0, :, :2]
    for t in range(1, times):
        followed(alpha[t - 1], jumps, scores[t], alpha[t, :, 2:])
    return alpha[:, :, 2:]


def backward_sums(scores: object, way: object) -> object:
    """The same of endings: the places are gone through from the last one."""
    times, samples, places = scores.shape
    beta = np.full((times, samples, places + 2), -np.inf)
    scores = scores + np.where(way.inside, 0.0, -np.inf)
    last = 2 * way.lengths[:, None]
    ends = (np.arange(places) == last) | (np.arange(places) == last - 1) & (last > 0)
    scores, ends = np.ascontiguousarray(scores[:, :, ::-1]), ends[:, ::-1]
    jumps = np.full((samples, places), -np.inf)
    jumps[:, 2:][way.skip[:, :1:-1]] = 0.0  # from a place the one after the next, if that may be jumped to
    shortest = int(way.times.min(initial=times))
    for t in range(times - 1, -1, -1):
        if t + 1 < times:
            followed(beta[t + 1], jumps, scores[t], beta[t, :, 2:])
        if t >= shortest - 1:  # some are not begun yet, or just now
            begun = np.where((t == way.times - 1)[:, None] & ends, scores[t], -np.inf)
            beta[t, :, 2:] = np.where((t < way.times - 1)[:, None], beta[t, :, 2:], begun)
    return beta[:, :, :1:-1]


def losses_of(alpha: object, way: object) -> object:
    """Minus the log of the sum over all alignments, for each sample."""
    found = np.zeros(len(way.lengths))
    for k in range(len(found)):
        last, time = int(2 * way.lengths[k]), int(way.times[k])
        if time == 0:
            found[k] = 0.0 if last == 0 else np.inf
            continue
        final = alpha[time - 1, k]
        found[k] = -(np.logaddexp(final[last], final[last - 1]) if last else final[0])
    return found


@cython.cclass
class Ctc(Op):
    """The loss of each sample. Inputs: log-probabilities (time, batch, classes), targets; attrs: (alignments,
    whether infinite losses count nothing, a list that keeps the sums)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        way = attrs[0]
        with np.errstate(all="ignore"):
            alpha = forward_sums(way.scores(x), way)
            found = losses_of(alpha, way)
        attrs[2][:] = [alpha, found]
        return found.astype(cython.cast(object, x).dtype)

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
        way, zero_infinity, kept = attrs
        alpha, losses = kept
        with np.errstate(all="ignore"):
            scores = way.scores(y)
            both = alpha + backward_sums(scores, way)
            through = np.exp(both + losses[None, :, None] - scores)
            through[~np.isfinite(both)] = 0
            rows = np.arange(y.shape[0] * y.shape[1]).reshape(y.shape[0], y.shape[1], 1) * y.shape[2]
            count = y.shape[0] * y.shape[1] * y.shape[2]
            shares = np.bincount((rows + way.labels).reshape(-1), through.reshape(-1), count).reshape(y.shape)
            wide = y.astype(np.float64)
            found = (np.exp(wide) - shares) * x.astype(np.float64)[None, :, None]
        lost = ~np.isfinite(losses)
        found[:, lost] = 0 if zero_infinity else np.nan
        found[np.arange(y.shape[0])[:, None] >= way.times[None]] = 0
        return found.astype(y.dtype)


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
        return [int(one) for one in np.ravel(cython.cast(Tensor, value)._array)]
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"ctc_loss() received an invalid combination of arguments - {name} is {type(value).__name__}")
    return [int(one) for one in value]


def split_targets(targets: object, lengths: list) -> list:
    """The targets of each sample, from a padded matrix or one long vector; RuntimeError if they do not fit."""
    if targets.ndim == 1:
        total = sum(lengths)
        if len(targets) != total:
            raise RuntimeError(f"Expected tensor to have size {total} at dimension 0, but got size {len(targets)} for "
                               f"argument #2 'targets' {CHECKING}")
        ends = np.cumsum(lengths)
        return [targets[end - length:end] for end, length in zip(ends, lengths)]
    longest = max(lengths, default=0)
    if targets.shape[0] != len(lengths):
        raise RuntimeError(f"Expected tensor to have size {len(lengths)} at dimension 0, but got size "
                           f"{targets.shape[0]} for argument #2 'targets' {CHECKING}")
    if targets.shape[1] < longest:
        raise RuntimeError(f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                           f"{targets.shape[1]} for argument #2 'targets' {CHECKING}")
    return [targets[k, :length] for k, length in enumerate(lengths)]


def prepared(x: Tensor, targets: object, input_lengths: object, target_lengths: object, blank: object) -> object:
    """The alignments of a batch, with PyTorch's errors for what does not fit."""
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
    return Alignments(split_targets(targets, lengths), times, blank), lengths


def ctc(log_probs: object, targets: object, input_lengths: object, target_lengths: object, blank: object, code: int,
        zero_infinity: object) -> object:
    """The loss with its reduction by number."""
    x: Tensor = other(log_probs, "ctc_loss", "log_probs")
    array: object = cython.cast(Tensor, other(targets, "ctc_loss", "targets"))._array
    single = x._array.ndim != 3
    if isinstance(input_lengths, Tensor) != isinstance(target_lengths, Tensor) or not isinstance(blank, int):
        raise TypeError("ctc_loss() received an invalid combination of arguments")
    batch: Tensor = cython.cast(object, x).unsqueeze(1) if single else x
    array = array.astype(np.int64)
    way, lengths = prepared(batch, array, input_lengths, target_lengths, blank)
    losses: object = apply(CTC, (batch, targets), (way, bool(zero_infinity), []))
    if zero_infinity:
        losses = losses.masked_fill((losses == np.inf).detach(), 0)
    if single and code == 0:
        return losses.squeeze(0)
    if code == 1:
        counts = np.maximum(np.array(lengths), 1).astype(cython.cast(object, x._array).dtype)
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
