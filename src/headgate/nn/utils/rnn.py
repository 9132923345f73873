"""Sequences of different lengths: padded to one tensor, or packed step by step for recurrent layers, and back.

Made of ordinary ops (PyTorch has nodes of their own for packing), so every gradient exists. Knows no layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from headgate import dtypes
from headgate.core.typed import Tensor
from headgate.ops.creation import empty_like
from headgate.ops.spaced import arange
from headgate.ops.values import as_tensor, tensor
from headgate.ops.whole import whole, whole_op

PACK = whole_op("_pack_padded_sequence", "PackPaddedSequenceBackward")

NOT_SORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
    "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not "
    "need ONNX exportability."
)
NOT_POSITIVE = (
    "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
)
TOO_SHORT = (
    "Expected total_length to be at least the length of the longest sequence in input, but got total_length={total} "
    "and max sequence length being {longest}"
)
BY_HAND = (
    "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. They should be "
    "instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn. "
    "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
)


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences step by step: `data` holds the rows of all steps, `batch_sizes` how many each step has.

    `sorted_indices` says where each row of a step stood in the batch, `unsorted_indices` is its inverse; None if the
    batch was sorted. Made by `pack_padded_sequence` and `pack_sequence`.
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Any:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(BY_HAND)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """The same with `data.to(...)`; itself if that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def pin_memory(self) -> Any:
        """The same in pinned memory (RuntimeError: there is none here)."""
        return type(self)(self.data.pin_memory(), self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cuda(self, *args: Any, **kwargs: Any) -> Any:
        """The same on a GPU (an error: there is none here)."""
        return type(self)(self.data.cuda(*args, **kwargs), self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> Any:
        """The same on the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def double(self) -> Any:
        """Data as float64."""
        return self.to(dtype=dtypes.float64)

    def float(self) -> Any:
        """Data as float32."""
        return self.to(dtype=dtypes.float32)

    def half(self) -> Any:
        """Data as float16."""
        return self.to(dtype=dtypes.float16)

    def long(self) -> Any:
        """Data as int64."""
        return self.to(dtype=dtypes.int64)

    def int(self) -> Any:
        """Data as int32."""
        return self.to(dtype=dtypes.int32)

    def short(self) -> Any:
        """Data as int16."""
        return self.to(dtype=dtypes.int16)

    def char(self) -> Any:
        """Data as int8."""
        return self.to(dtype=dtypes.int8)

    def byte(self) -> Any:
        """Data as uint8."""
        return self.to(dtype=dtypes.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU: never."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return bool(self.data.is_pinned())


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another (an index tensor); None for None."""
    if permutation is None:
        return None
    result: Tensor = empty_like(permutation)
    return result.scatter_(0, permutation, arange(permutation.numel()))


def step_sizes(lengths: list[int]) -> list[int]:
    """How many of the sequences (lengths falling) reach each step."""
    return [sum(length > step for length in lengths) for step in range(lengths[0])]


def flat_places(sizes: list[int], rows: int) -> Tensor:
    """Where the packed rows lie among (steps * rows) rows of a padded batch."""
    return tensor([step * rows + row for step, size in enumerate(sizes) for row in range(size)], dtype=dtypes.int64)


def check_lengths(lengths: Tensor, batch: int, longest: int, count: int) -> list[int]:
    """Lengths that fit a padded batch, as ints. RuntimeError otherwise."""
    if lengths.ndim != 1:
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D "
                           f"{lengths.device.type} Long tensor")
    if count == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    found = [int(length) for length in lengths.tolist()]
    if len(found) != batch:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(found)} "
                           f"(batch_size={batch})")
    if found[-1] <= 0:
        raise RuntimeError(NOT_POSITIVE)
    if any(after > before for before, after in zip(found, found[1:])):
        raise RuntimeError(NOT_SORTED)
    if found[0] > longest:
        raise RuntimeError(f"Expected lengths of at most {longest}, the steps of the input, but got {found[0]}")
    return found


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch (T, B, *), or (B, T, *) with batch_first, of sequences of `lengths` (B numbers, on the CPU).

    With enforce_sorted, lengths must fall; else the batch is sorted, and results are put back by the indices that the
    packed sequence keeps. RuntimeError for lengths that do not fit.
    """
    lengths = lengths.to(dtype=dtypes.int64) if isinstance(lengths, Tensor) else as_tensor(lengths, dtype=dtypes.int64)
    indices = None
    if not enforce_sorted:
        lengths, indices = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, indices)
    if batch_first:
        input = input.transpose(0, 1)
    found = check_lengths(lengths, input.shape[1], input.shape[0], input.numel())
    sizes = step_sizes(found)
    rows = input.reshape(input.shape[0] * input.shape[1], *input.shape[2:])
    data = rows.index_select(0, flat_places(sizes, input.shape[1]))
    batch_sizes = tensor(sizes, dtype=dtypes.int64)
    return PackedSequence(whole(PACK, data, batch_sizes), batch_sizes, indices, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """(the padded batch, the lengths) of a packed sequence, in the order it was packed from.

    (T, B, *), or (B, T, *) with batch_first; T is `total_length` or the longest length. ValueError if it is shorter.
    """
    sizes = [int(size) for size in sequence.batch_sizes.tolist()]
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ValueError(TOO_SHORT.format(total=total_length, longest=len(sizes)))
    data, batch = sequence.data, sizes[0]
    rows = data.new_full((steps * batch, *data.shape[1:]), padding_value)
    padded = rows.index_copy(0, flat_places(sizes, batch), data).reshape(steps, batch, *data.shape[1:])
    lengths = tensor([sum(size > row for size in sizes) for row in range(batch)], dtype=dtypes.int64)
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, sequence.unsorted_indices), lengths[sequence.unsorted_indices]


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (L, *) of different lengths in one tensor (T, B, *), or (B, T, *), filled up with `padding_value`.

    RuntimeError for an empty list, for what is not iterable and for another padding_side than left or right.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: "
                           f"{type(sequences)}")
    given = tuple(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for one in given:
        if not isinstance(one, Tensor):
            raise TypeError("pad_sequence(): argument 'sequences' (position 1) must be tuple of Tensors, not tuple")
    longest = max(one.shape[0] for one in given)
    rest = given[0].shape[1:]
    result: Tensor = given[0].new_full((len(given), longest, *rest), padding_value)
    for row, one in enumerate(given):
        start = longest - one.shape[0] if padding_side == "left" else 0
        result[row, start : start + one.shape[0]].copy_(one)
    return result if batch_first else result.transpose(0, 1).contiguous()


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each cut to its length. As in PyTorch, without batch_first the batch itself is
    transposed in place."""
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    steps = arange(padded_sequences.shape[1])
    return [sequence[steps < length] for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L, *): `pack_padded_sequence` of `pad_sequence`."""
    lengths = as_tensor([one.shape[0] for one in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed sequence, in the order it was packed from."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


