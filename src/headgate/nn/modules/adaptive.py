"""Softmax over many classes, the rare ones in clusters of their own (Grave and others 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.container import ModuleList, Sequential
from headgate.nn.modules.linear import Linear
from headgate.nn.modules.module import Module

CUTOFFS = (
    "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is "
    "between 1 and n_classes-1"
)


class _ASMoutput(NamedTuple):
    """The log-probability of each target, and minus their mean."""

    output: Any
    loss: Any


def checked(cutoffs: Sequence[int], n_classes: int) -> list[int]:
    """The cutoffs as a list; ValueError unless they rise within the classes."""
    found = list(cutoffs)
    if not found:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    whole = all(int(one) == one for one in found)
    if found != sorted(set(found)) or found[0] <= 0 or found[-1] > n_classes - 1 or not whole:
        raise ValueError(CUTOFFS)
    return found


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax of (N, in_features) over `n_classes` sorted by frequency, and its loss for targets (N).

    The classes below cutoffs[0] and one entry for each further cluster are scored by `head`; cluster i by `tail[i]`, of
    in_features / div_value^(i + 1) inner features. ValueError for cutoffs that do not rise within the classes,
    RuntimeError for targets outside.
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        found = checked(cutoffs, n_classes)
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*found, n_classes]
        self.shortlist_size, self.n_clusters = self.cutoffs[0], len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(Sequential(Linear(in_features, inner, bias=False, **made),
                                        Linear(inner, size, bias=False, **made)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        self._check(input_, target_)
        batched = target_.dim() > 0
        input, target = (input_, target_) if batched else (input_.unsqueeze(0), target_.unsqueeze(0))
        output, places = input.new_zeros(target.size(0)), target.new_zeros(target.size(0))
        used = 0
        for i, (low, high) in enumerate(zip([0, *self.cutoffs], self.cutoffs)):
            rows = ((target >= low) & (target < high)).nonzero().reshape(-1)
            if rows.numel() == 0:
                continue
            used += rows.numel()
            relative = target.index_select(0, rows) - low
            if i == 0:
                places = places.index_copy(0, rows, relative)
                continue
            scores = F.log_softmax(self.tail[i - 1](input.index_select(0, rows)), 1)
            places = places.index_fill(0, rows, self.shortlist_size + i - 1)
            output = output.index_copy(0, rows, scores.gather(1, relative.unsqueeze(1)).squeeze(1))
        if used != target.size(0):
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                               f"[{target.min().item()}, {target.max().item()}] were found. ")
        output = output + F.log_softmax(self.head(input), 1).gather(1, places.unsqueeze(1)).squeeze(1)
        return _ASMoutput(output if batched else output.squeeze(0), (-output).mean())

    def _check(self, input: Tensor, target: Tensor) -> None:
        if target.dim() > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if target.dim() == 1 and input.size(0) != target.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input.dim() != target.dim() + 1:
            raise RuntimeError(f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found "
                               f"inputs with size {input.size()}")

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        """Log-probabilities of all classes, given the head's scores."""
        head = F.log_softmax(head_output, 1)
        parts = [head[:, :self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), 1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return PUBLIC["cat"](parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes: (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each row; clusters are scored only where the head asks for one."""
        scores = self.head(input)
        found = scores.argmax(1)
        beyond = found >= self.shortlist_size
        if not bool(beyond.any()):
            return found
        rows = beyond.nonzero().reshape(-1)
        every = self._get_full_log_prob(input.index_select(0, rows), scores.index_select(0, rows))
        return found.index_copy(0, rows, every.argmax(1))
