"""Connectionist temporal classification in plain NumPy: the compiled kernel's names and meaning, uncompiled runs too.

Computed in float64 over the whole batch, time step by time step. Knows arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Alignments:
    """A batch of targets with blanks between: labels (batch, 2 * longest + 1), what may be skipped, and lengths."""

    def __init__(self, targets: tuple[Any, ...], blank: int) -> None:
        labels, starts, self.lengths, self.times = targets
        longest = int(self.lengths.max(initial=0))
        self.labels = np.full((len(starts), 2 * longest + 1), blank, np.int64)
        for k, (start, length) in enumerate(zip(starts, self.lengths)):
            self.labels[k, 1:2 * length:2] = labels[start:start + length]
        skip = np.zeros(self.labels.shape, bool)
        skip[:, 2:] = self.labels[:, 2:] != self.labels[:, :self.labels.shape[1] - 2]  # never between blanks
        self.skip = skip
        self.inside = np.arange(self.labels.shape[1]) <= 2 * self.lengths[:, None]

    def scores(self, log_probs: Array) -> Array:
        """The log-probabilities of the labels: (time, batch, places)."""
        labels = np.broadcast_to(self.labels, (len(log_probs), *self.labels.shape))
        return np.take_along_axis(log_probs.astype(np.float64), labels, 2)


def followed(states: Array, jumps: Array, scores: Array, out: Array) -> None:
    """One step of all samples: each place is reached from itself, the one before and, where `jumps` is 0 and not -inf,
    the one before that. `states` has two more columns in front, of -inf."""
    width = states.shape[1]
    reached = np.logaddexp(states[:, 2:], states[:, 1:width - 1])
    out[...] = np.logaddexp(reached, states[:, :width - 2] + jumps) + scores


def forward_sums(scores: Any, way: Any) -> Array:
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


def backward_sums(scores: Any, way: Any) -> Array:
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


def losses_of(alpha: Any, way: Any) -> Array:
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


def ctc_forward(x: Array, targets: tuple[Any, ...], blank: int) -> tuple[Array, Array]:
    """(minus the log of the sum over all alignments for each sample, the forward sums), in float64. targets: labels,
    where those of each sample start, how many they are, and the sample's steps, all int64."""
    way = Alignments(targets, blank)
    with np.errstate(all="ignore"):
        alpha = forward_sums(way.scores(x), way)
        return losses_of(alpha, way), alpha


def ctc_backward(
    g: Array, x: Array, targets: tuple[Any, ...], blank: int, kept: tuple[Array, Array], lost_is_zero: bool,
) -> Array:
    """The gradient of the losses, as PyTorch has it: of logarithms of a softmax. kept: what the way there gave."""
    way, (losses, alpha) = Alignments(targets, blank), kept
    with np.errstate(all="ignore"):
        scores = way.scores(x)
        both = alpha + backward_sums(scores, way)
        through = np.exp(both + losses[None, :, None] - scores)
        through[~np.isfinite(both)] = 0
        rows = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[0], x.shape[1], 1) * x.shape[2]
        labels = way.labels % x.shape[2]
        shares = np.bincount((rows + labels).reshape(-1), through.reshape(-1), x.size).reshape(x.shape)
        found = (np.exp(x.astype(np.float64)) - shares) * g.astype(np.float64)[None, :, None]
    lost = ~np.isfinite(losses)
    found[:, lost] = 0 if lost_is_zero else np.nan
    found[np.arange(x.shape[0])[:, None] >= way.times[None]] = 0
    return found.astype(x.dtype)
