"""Recurrent layers, cells and packed sequences beside PyTorch, over their options, with gradients of two orders."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, compare, outcome, same

import headgate
from headgate.kernels import reference_recurrent

RANDOM = np.random.default_rng(5)
STEPS, ROWS, WIDTH, HIDDEN = 4, 3, 2, 5
X = RANDOM.normal(size=(STEPS, ROWS, WIDTH))
LENGTHS = [2, 4, 3]
NAMES = ["RNN", "LSTM", "GRU"]


def flat(result: Any) -> tuple[Any, ...]:
    """All tensors of a nested result, packed data included."""
    if isinstance(result, tuple):
        return tuple(one for part in result for one in flat(part))
    return () if result is None else (result,)


def wrapped(nn: Any, layer: Any, call: Any) -> Any:
    """A module with the layer in it whose result is flat."""

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, *args: Any) -> Any:
            return flat(call(self.layer, *args))

    return Flat()


OPTIONS = [
    dict(zip(("num_layers", "bidirectional", "batch_first", "bias"), values))
    for values in itertools.product((1, 2), (False, True), (False, True), (True, False))
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layer(name: str, options: dict[str, Any]) -> None:
    x = X.transpose(1, 0, 2) if options["batch_first"] else X

    def make(nn: Any) -> Any:
        return wrapped(nn, getattr(nn, name)(WIDTH, HIDDEN, **options), lambda layer, x: layer(x))

    compare(make, x, kind="float64")


@pytest.mark.parametrize("name", [*NAMES, "relu"])
@pytest.mark.parametrize("form", ["given state", "unbatched", "unbatched state", "packed", "packed state", "sorted"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_forms_of_input(name: str, form: str, kind: str) -> None:
    states = [RANDOM.normal(size=(4, ROWS, HIDDEN)) for _ in range(2)]
    if "unbatched" in form:
        x, states = X[:, 0], [state[:, 0] for state in states]
    else:
        x = X
    used = states[: 2 if name == "LSTM" else 1] if "state" in form else []

    def call(layer: Any, x: Any, *states: Any) -> Any:
        library = torch if isinstance(x, torch.Tensor) else headgate
        hx = None if not states else states[0] if name != "LSTM" else states
        if "packed" in form or form == "sorted":
            lengths = sorted(LENGTHS, reverse=True) if form == "sorted" else LENGTHS
            x = library.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=form == "sorted")
        return layer(x, hx)

    def make(nn: Any) -> Any:
        layer = nn.RNN(WIDTH, HIDDEN, 2, "relu", bidirectional=True) if name == "relu" else (
            getattr(nn, name)(WIDTH, HIDDEN, num_layers=2, bidirectional=True))
        return wrapped(nn, layer, call)

    # PyTorch has no second gradient of its fused float32 LSTM
    compare(make, x, *used, kind=kind, second=kind == "float64")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("train", [True, False])
def test_dropout_between_layers(name: str, train: bool) -> None:
    def make(nn: Any) -> Any:
        layer = getattr(nn, name)(WIDTH, HIDDEN, num_layers=3, dropout=0.4, batch_first=True)
        return wrapped(nn, layer, lambda layer, x: layer(x))

    compare(make, X, kind="float32", train=train, second=False)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("packed", [False, True])
def test_projection(packed: bool) -> None:
    def call(layer: Any, x: Any) -> Any:
        library = torch if isinstance(x, torch.Tensor) else headgate
        if packed:
            x = library.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
        return layer(x)

    compare(lambda nn: wrapped(nn, nn.LSTM(WIDTH, HIDDEN, 2, proj_size=3, bidirectional=True), call), X)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell", "relu"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("form", ["fresh", "state", "single"])
@pytest.mark.parametrize(("rows", "width", "hidden"), [(1, 2, 3), (9, 33, 17)])
def test_cell(name: str, bias: bool, form: str, rows: int, width: int, hidden: int) -> None:
    shape = (hidden,) if form == "single" else (rows, hidden)
    x = RANDOM.normal(size=(width,) if form == "single" else (rows, width))
    states = [] if form == "fresh" else [RANDOM.normal(size=shape) for _ in range(2 if name == "LSTMCell" else 1)]

    def call(cell: Any, x: Any, *states: Any) -> Any:
        state = states or None
        for _ in range(3):
            state = cell(x, state if state is None or name == "LSTMCell" else flat(state)[0])
        return state

    def make(nn: Any) -> Any:
        cell = nn.RNNCell(width, hidden, bias, "relu") if name == "relu" else getattr(nn, name)(width, hidden, bias)
        return wrapped(nn, cell, call)

    compare(make, x, *states, kind="float64")
    compare(make, x, *states, kind="float32", second=False, rtol=1e-4, atol=1e-5)


def test_states_may_be_written_in_place() -> None:
    """What backward needs is kept apart from the results, as PyTorch's composition does."""
    grads = []
    for library in LIBRARIES:
        library.manual_seed(0)
        cell = library.nn.LSTMCell(2, 3)
        x = library.from_numpy(X[0]).float().requires_grad_()
        h, c = cell(x)
        total = (h * c).sum()
        h2, c2 = cell(x, (h, c))
        h2.mul_(0.5)
        c2[1] = 0
        (total + (h2 * h2).sum() + c2.sum()).backward()
        layer = library.nn.GRU(2, 3)
        y, _ = layer(library.from_numpy(X).float())
        y.mul_(2)
        (y * y).sum().backward()
        grads.append([x.grad, *(p.grad for p in (*cell.parameters(), *layer.parameters()))])
    same(*grads, rtol=1e-5, atol=1e-6)


def test_what_backward_does_not_read_may_be_written() -> None:
    """A weight written after the call is told only where its values are needed, as in PyTorch."""
    for written, told in (("weight_ih", False), ("weight_hh", True), ("bias_ih", False)):
        found = []
        for library in LIBRARIES:
            library.manual_seed(0)
            cell = library.nn.GRUCell(2, 3)
            h = cell(library.from_numpy(X[1]).float(), cell(library.from_numpy(X[0]).float()))
            with library.no_grad():
                getattr(cell, written).mul_(2)
            found.append(outcome(lambda h=h: h.sum().backward()))
        assert (found[0] is not None) == (found[1] is not None) == told
        assert not told or found[0][0] == found[1][0]


def test_frozen_parts() -> None:
    """Only what asked for a gradient gets one, with the value it has when all ask."""
    for frozen in ("weight_ih_l0", "weight_hh_l0", "bias_hh_l0"):
        found = []
        for library in LIBRARIES:
            library.manual_seed(1)
            layer = library.nn.LSTM(WIDTH, HIDDEN)
            getattr(layer, frozen).requires_grad_(False)
            y, (h, c) = layer(library.from_numpy(X).float())
            (y.sum() + (c * c).sum()).backward()
            assert getattr(layer, frozen).grad is None
            found.append([p.grad for p in layer.parameters() if p.grad is not None])
        same(*found, rtol=1e-5, atol=1e-6)


def test_mixed_types_and_half() -> None:
    def run(library: Any) -> Any:
        library.manual_seed(0)
        cell = library.nn.LSTMCell(2, 3)
        h, c = library.zeros(3, 3), library.ones(3, 3, dtype=library.float64)
        mixed = cell(library.from_numpy(X[0]).float(), (h, c))
        halves = library.nn.GRUCell(2, 3).half()(library.from_numpy(X[0]).half())
        return [*mixed, halves]

    same(run(torch), run(headgate), rtol=2e-3, atol=2e-3)


BAD: list[Any] = [
    lambda lib: lib.nn.LSTM(0, 3), lambda lib: lib.nn.LSTM(2, 0), lambda lib: lib.nn.LSTM(2, 3, 0),
    lambda lib: lib.nn.GRU(2, 3, dropout=2), lambda lib: lib.nn.GRU(2, 3, dropout=True),
    lambda lib: lib.nn.GRU(2, 3, bias=1),
    lambda lib: lib.nn.GRU(2.0, 3), lambda lib: lib.nn.GRU(2, "3"), lambda lib: lib.nn.GRU(2, 3, batch_first=1),
    lambda lib: lib.nn.RNN(2, 3, nonlinearity="sin"), lambda lib: lib.nn.RNN(2, 3, proj_size=1),
    lambda lib: lib.nn.LSTM(2, 3, proj_size=3), lambda lib: lib.nn.LSTM(2, 3, proj_size=-1),
    lambda lib: lib.nn.RNNBase("SRU", 2, 3),
    lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(2)), lambda lib: lib.nn.GRU(2, 3)(lib.zeros(2)),
    lambda lib: lib.nn.RNN(2, 3)(lib.zeros(2, 2, 2, 2)),
    lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 1, 3)), lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 1, 2).double()),
    lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 1, 2), (lib.zeros(1, 1, 3), lib.zeros(1, 1, 4))),
    lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 1, 2), (lib.zeros(1, 3), lib.zeros(1, 3))),
    lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(4, 2), (lib.zeros(1, 1, 3), lib.zeros(1, 1, 3))),
    lambda lib: lib.nn.GRU(2, 3)(lib.zeros(4, 1, 2), lib.zeros(2, 1, 3)),
    lambda lib: lib.nn.GRU(2, 3)(lib.zeros(4, 1, 2), lib.zeros(1, 3)),
    lambda lib: lib.nn.GRU(2, 3)(lib.zeros(0, 1, 2)), lambda lib: lib.nn.LSTM(2, 3)(lib.zeros(0, 1, 2)),
    lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 1, 2)), lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 3)),
    lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 2), (lib.zeros(1, 1, 3), lib.zeros(1, 3))),
    lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 2), (lib.zeros(2, 3), lib.zeros(2, 3))),
    lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 2), (lib.zeros(1, 3), lib.zeros(1, 4))),
    lambda lib: lib.nn.LSTMCell(2, 3)(lib.zeros(1, 2).double()),
    lambda lib: lib.nn.GRUCell(2, 3)(lib.zeros(1, 2), lib.zeros(1, 1, 3)),
    lambda lib: lib.nn.RNNCell(2, 3)(lib.zeros(1, 2), lib.zeros(2, 3)),
    lambda lib: lib.nn.RNNCell(2, 3, nonlinearity="sin")(lib.zeros(1, 2)),
    lambda lib: lib.lstm_cell(1, (lib.zeros(1, 1),) * 2, lib.zeros(4, 1), lib.zeros(4, 1)),
    lambda lib: lib.lstm_cell(lib.zeros(1, 1), lib.zeros(1, 1), lib.zeros(4, 1), lib.zeros(4, 1)),
    lambda lib: lib.lstm_cell(lib.zeros(1, 1), (lib.zeros(1, 1),), lib.zeros(4, 1), lib.zeros(4, 1)),
    lambda lib: lib.lstm_cell(lib.zeros(1, 1), (lib.zeros(1, 1),) * 2, lib.zeros(3, 1), lib.zeros(4, 1)),
    lambda lib: lib.gru_cell(lib.zeros(1, 1), lib.zeros(1, 1), lib.zeros(4, 1), lib.zeros(3, 1)),
    lambda lib: lib.rnn_tanh_cell(lib.zeros(2), lib.zeros(1, 1), lib.zeros(1, 2), lib.zeros(1, 1)),
    lambda lib: lib.lstm(lib.zeros(1, 1, 1), (lib.zeros(1, 1, 1),), [lib.zeros(4, 1)] * 2, False, 1, 0.0, False, False,
                         False),
]


@pytest.mark.filterwarnings("ignore:dropout option")
@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments(case: int) -> None:
    theirs, mine = (outcome(lambda library=library: BAD[case](library)) for library in LIBRARIES)
    assert theirs == mine
    assert isinstance(theirs, tuple) and isinstance(theirs[0], str), "PyTorch takes it"


@pytest.mark.parametrize("name", ["GRUCell", "LSTMCell"])
def test_states_of_three_dims_are_refused(name: str) -> None:
    """A state with a batch beside an input without one; PyTorch's process dies."""
    state = headgate.zeros(1, 1)
    with pytest.raises(RuntimeError, match="2 dims, got 3"):
        getattr(headgate.nn, name)(4, 1)(headgate.zeros(4), (state, state) if name == "LSTMCell" else state)


def test_a_plain_cell_takes_states_of_three_dims() -> None:
    """As in PyTorch, which looks at the first two and multiplies the last."""
    def call(library: Any, x: Any, h: Any, *weights: Any) -> Any:
        return library.rnn_tanh_cell(x, h, *weights)

    shapes = [(3, 2), (3, 4, 3, 4), (4, 2), (4, 4)]
    given = [RANDOM.normal(size=shape) for shape in shapes]
    found = [call(library, *[library.from_numpy(one) for one in given]) for library in LIBRARIES]
    assert tuple(found[1].shape) == tuple(found[0].shape)
    assert np.allclose(found[1].numpy(), found[0].numpy())


# ---- packing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("total", [None, 6])
@pytest.mark.parametrize("extra", [(), (2,), (2, 3)])
def test_pack_and_pad(batch_first: bool, total: int | None, extra: tuple[int, ...]) -> None:
    results = []
    values = RANDOM.normal(size=((3, 4) if batch_first else (4, 3)) + extra)
    for library in LIBRARIES:
        rnn = library.nn.utils.rnn
        x = library.from_numpy(values).requires_grad_()
        packed = rnn.pack_padded_sequence(x, LENGTHS, batch_first=batch_first, enforce_sorted=False)
        padded, lengths = rnn.pad_packed_sequence(packed, batch_first, -1.5, total)
        (g,) = library.autograd.grad((padded * padded * padded).sum() + (packed.data * 2).sum(), x)
        results.append([*packed, padded, lengths, g])
        assert padded.is_contiguous() == (results[0][4].is_contiguous())
    same(*results, rtol=1e-12, atol=0)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_sequences(batch_first: bool, side: str) -> None:
    results = []
    for library in LIBRARIES:
        rnn = library.nn.utils.rnn
        parts = [library.from_numpy(RANDOM.normal(size=(n, 2)) * 0 + n).requires_grad_() for n in (2, 4, 1)]
        padded = rnn.pad_sequence(parts, batch_first, 7.0, side)
        grads = library.autograd.grad((padded * padded).sum(), parts)
        packed = rnn.pack_sequence(parts, enforce_sorted=False)
        again = rnn.unpack_sequence(packed)
        cut = rnn.unpad_sequence(padded.detach().clone(), library.tensor([2, 4, 1]), batch_first)
        order = rnn.invert_permutation(library.tensor([2, 0, 1]))
        doubled = packed.to(library.float32)
        results.append([padded, *grads, *packed, *again, *cut, order, *doubled, *packed.double()])
    same(*results, rtol=0, atol=0)


BAD_PACKS: list[Any] = [
    lambda lib, rnn: rnn.pack_padded_sequence(lib.zeros(4, 3, 2), [2, 4, 3]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.zeros(4, 3, 2), [4, 3]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.zeros(4, 3, 2), [4, 3, 0]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.zeros(0, 3, 2), [1, 1, 1]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.zeros(4, 3, 2), [[4, 3, 2]]),
    lambda lib, rnn: rnn.pad_packed_sequence(rnn.pack_padded_sequence(lib.zeros(4, 3, 2), [4, 3, 1]), total_length=3),
    lambda lib, rnn: rnn.pad_sequence([]), lambda lib, rnn: rnn.pad_sequence(3),
    lambda lib, rnn: rnn.pad_sequence([lib.zeros(2)], padding_side="top"),
    lambda lib, rnn: rnn.PackedSequence(lib.zeros(2)),
]


@pytest.mark.parametrize("case", range(len(BAD_PACKS)))
def test_bad_packs(case: int) -> None:
    theirs, mine = (outcome(lambda lib=lib: BAD_PACKS[case](lib, lib.nn.utils.rnn)) for lib in LIBRARIES)
    assert theirs == mine
    assert isinstance(theirs, tuple) and isinstance(theirs[0], str), "PyTorch takes it"


# ---- the kernel -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("rows", "width", "hidden"), [(1, 64, 64), (5, 3, 7), (20, 17, 33), (2, 1, 130)])
def test_kernel_beside_its_numpy_form(kind: int, reverse: bool, rows: int, width: int, hidden: int) -> None:
    recurrent = pytest.importorskip("headgate.kernels.recurrent", exc_type=ImportError)
    gates = (4, 3, 1, 1)[kind]

    def draw(*shape: int) -> Any:
        return RANDOM.normal(size=shape) / np.sqrt(shape[-1])

    weights = (draw(gates * hidden, width), draw(gates * hidden, hidden), draw(gates * hidden), draw(gates * hidden))
    h, c = draw(rows, hidden), draw(rows, hidden) if kind == 0 else None
    x = draw(6, rows, width)
    ones = recurrent.forward(kind, x, None, h, c, weights, reverse)
    others = reference_recurrent.forward(kind, x, None, h, c, weights, reverse)
    for one, other in zip(ones[:4], others[:4]):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    kept = (others[0].reshape(-1, hidden), *others[3:])
    grads = (draw(6, rows, hidden), draw(rows, hidden), draw(rows, hidden) if kind == 0 else None)
    ones = recurrent.backward(kind, 127, x, None, h, c, weights, kept, grads, reverse)
    others = reference_recurrent.backward(kind, 127, x, None, h, c, weights, kept, grads, reverse)
    for place, (one, other) in enumerate(zip(ones, others)):
        if place != 2 or kind == 0:
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["lstm", "rnn_tanh"])
def test_threads_do_not_change_a_bit(name: str) -> None:
    layer = headgate.nn.LSTM(8, 40) if name == "lstm" else headgate.nn.RNN(8, 40)
    x = headgate.from_numpy(RANDOM.normal(size=(12, 32, 8)).astype(np.float32))
    before = headgate.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            headgate.set_num_threads(threads)
            found.append(layer(x)[0].detach().numpy())
    finally:
        headgate.set_num_threads(before)
    np.testing.assert_array_equal(*found)
