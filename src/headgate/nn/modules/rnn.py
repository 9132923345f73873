"""Recurrent layers and cells: RNN, LSTM, GRU over whole sequences, and one step at a time.

What they compute is in `ops.recurrent`; here are parameters, states and the forms of input (batched, single, packed).
"""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.modes import STATE
from headgate.core.typed import Tensor
from headgate.nn import init
from headgate.nn.modules.module import Module
from headgate.nn.parameter import Parameter
from headgate.nn.utils.rnn import PackedSequence
from headgate.ops.creation import empty, zeros

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
# By their public names, under which modes and autocast know them.
RUNS = {name: PUBLIC[name.lower()] for name in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU")}
gru_cell, lstm_cell = PUBLIC["gru_cell"], PUBLIC["lstm_cell"]
rnn_relu_cell, rnn_tanh_cell = PUBLIC["rnn_relu_cell"], PUBLIC["rnn_tanh_cell"]
DROPOUT_RANGE = "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
DROPOUT_UNUSED = (
    "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater "
    "than 1, but got dropout={dropout} and num_layers={layers}"
)
NO_PROJECTION = "proj_size argument is only supported for LSTM, not RNN or GRU"
OTHER_DTYPE = (
    "RNN input dtype ({input}) does not match weight dtype ({weight}). Convert input: input.to({weight}), or convert "
    "model: model.to({input})"
)


def check_sizes(
    input_size: Any, hidden_size: Any, num_layers: int, bias: Any, batch_first: Any, dropout: Any, proj_size: int
) -> None:
    """Refuse what no recurrent layer can be made with, in PyTorch's order."""
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
        raise ValueError(DROPOUT_RANGE)
    if dropout > 0 and num_layers == 1:  # type: ignore[operator]
        warnings.warn(DROPOUT_UNUSED.format(dropout=dropout, layers=num_layers), stacklevel=4)
    for value, name in ((bias, "bias"), (batch_first, "batch_first")):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    for value, name in ((input_size, "input_size"), (hidden_size, "hidden_size")):
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


def permuted(x: Tensor, permutation: Tensor | None) -> Tensor:
    """A state with its rows in another order."""
    return x if permutation is None else x.index_select(1, permutation)


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, ... and the call.

    Layer k's backward direction has the suffix `_reverse`; an LSTM with proj_size has `weight_hr_l0`. All begin uniform
    in ±1/√hidden_size, with PyTorch's random numbers. Input (T, N, I), with batch_first (N, T, I), unbatched (T, I), or
    a PackedSequence; floats of the weights' type (ValueError otherwise).
    """

    __constants__ = ["mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout",
                     "bidirectional", "proj_size"]

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
        device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        check_sizes(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._add_layer(layer, suffix, device, dtype)
        self.reset_parameters()

    def _add_layer(self, layer: int, suffix: str, device: Any, dtype: Any) -> None:
        """Make the parameters of one layer in one direction."""
        rows = GATES[self.mode] * self.hidden_size
        shown = self.proj_size or self.hidden_size
        width = self.input_size if layer == 0 else shown * (2 if self.bidirectional else 1)
        shapes: list[tuple[str, Any]] = [("weight_ih", (rows, width)), ("weight_hh", (rows, shown))]
        if self.bias:
            shapes += [("bias_ih", (rows,)), ("bias_hh", (rows,))]
        if self.proj_size > 0:
            shapes.append(("weight_hr", (self.proj_size, self.hidden_size)))
        names = [f"{name}_l{layer}{suffix}" for name, _ in shapes]
        for name, (_, shape) in zip(names, shapes):
            setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
        self._flat_weights_names.extend(names)
        self._all_weights.append(names)

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: it matters to cuDNN only."""

    # ---- arguments --------------------------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """ValueError for another type than the weights', RuntimeError for another number of dims or width."""
        weight = getattr(self, self._flat_weights_names[0])
        if input.dtype != weight.dtype and STATE.casting is None:
            raise ValueError(OTHER_DTYPE.format(input=input.dtype, weight=weight.dtype))
        expected = 3 if batch_sizes is None else 2
        if input.ndim != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                               f"{input.shape[-1]}")

    def _rows(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        """How many sequences there are."""
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return int(input.shape[0 if self.batch_first else 1])

    def _layers(self) -> int:
        return self.num_layers * (2 if self.bidirectional else 1)

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of h."""
        return self._layers(), self._rows(input, batch_sizes), self.proj_size or self.hidden_size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """RuntimeError for a state of another shape."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Refuse an input or states that do not fit this layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with their rows in another order."""
        return permuted(hx, permutation)

    # ---- states: one tensor; LSTM has two ---------------------------------------------------------------------------

    def _first_state(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        """Zeros."""
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _check_ranks(self, hx: Any, batched: bool) -> None:
        if hx.ndim != (3 if batched else 2):
            text = "For batched 3-D input, hx should also be 3-D" if batched else (
                "For unbatched 2-D input, hx should also be 2-D")
            raise RuntimeError(f"{text} but got {hx.ndim}-D tensor")

    def _with_rows(self, hx: Any) -> Any:
        return hx.unsqueeze(1)

    def _without_rows(self, hx: Any) -> Any:
        return hx.squeeze(1)

    # ---- the call ---------------------------------------------------------------------------------------------------

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.ndim not in (2, 3):
            kind = "tensor instead" if self.mode.startswith("RNN") else "instead"
            name = "RNN" if self.mode.startswith("RNN") else self.mode
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.ndim}D {kind}")
        batched = input.ndim == 3
        rows_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(rows_dim)
        if hx is None:
            hx = self._first_state(input, None)
        else:
            self._check_ranks(hx, batched)
            hx = hx if batched else self._with_rows(hx)
        self.check_forward_args(input, hx, None)
        output, state = self._run(input, None, hx)
        if not batched:
            return output.squeeze(rows_dim), self._without_rows(state)
        return output, state

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        input, batch_sizes, order, back = packed
        if hx is None:
            self.check_input(input, batch_sizes)
            hx = self._first_state(input, batch_sizes)
        else:
            hx = self.permute_hidden(hx, order)
        self.check_forward_args(input, hx, batch_sizes)
        output, state = self._run(input, batch_sizes, hx)
        return PackedSequence(output, batch_sizes, order, back), self.permute_hidden(state, back)

    def _run(self, input: Tensor, batch_sizes: Tensor | None, hx: Any) -> tuple[Tensor, Any]:
        """(output, the last state), by the functions of `ops.recurrent`."""
        options = (hx, self._flat_weights, self.bias, self.num_layers, self.dropout, self.training,
                   self.bidirectional)
        run = RUNS[self.mode]
        found: Any = (run(input, *options, self.batch_first) if batch_sizes is None
                      else run(input, batch_sizes, *options))
        return found[0], self._state_of(found)

    def _state_of(self, found: Any) -> Any:
        return found[1]

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, usual in (("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False),
                            ("dropout", 0), ("bidirectional", False)):
            if getattr(self, name) != usual:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


class RNN(RNNBase):
    """h_t = tanh(x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh), or relu, layer upon layer: (output, last h).

    RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False). Output (T, N, H or 2H), h (layers * directions, N, H). (Elman 1990.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError(NO_PROJECTION)
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory layers: (output, (last h, last c)); the formula is that of `lstm_cell`.

    LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0). Output (T, N, H or 2H), h and c (layers * directions, N, H); with proj_size P, outputs and h have P
    numbers in place of H. Dropout, in training, follows every layer but the last. (Hochreiter & Schmidhuber 1997.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape of c."""
        return self._layers(), self._rows(input, batch_sizes), self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden[0], self.get_expected_hidden_size(input, batch_sizes),
                               "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(hidden[1], self.get_expected_cell_size(input, batch_sizes),
                               "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        return hx if permutation is None else (permuted(hx[0], permutation), permuted(hx[1], permutation))

    def _first_state(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return (zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype),
                zeros(self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype))

    def _check_ranks(self, hx: Any, batched: bool) -> None:
        rank = 3 if batched else 2
        if hx[0].ndim != rank or hx[1].ndim != rank:
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx and cx should also be {rank}-D but got ({hx[0].ndim}-D, "
                               f"{hx[1].ndim}-D) tensors")

    def _with_rows(self, hx: Any) -> Any:
        return hx[0].unsqueeze(1), hx[1].unsqueeze(1)

    def _without_rows(self, hx: Any) -> Any:
        return hx[0].squeeze(1), hx[1].squeeze(1)

    def _state_of(self, found: Any) -> Any:
        return found[1], found[2]


class GRU(RNNBase):
    """Gated recurrent units: (output, last h); the formula is that of `gru_cell`. Arguments as for LSTM, no proj_size.

    (Cho et al. 2014.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError(NO_PROJECTION)
        super().__init__("GRU", *args, **kwargs)


# ---- cells ----------------------------------------------------------------------------------------------------------


class RNNCellBase(Module):
    """What the cells share: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, uniform in ±1/√hidden_size at first."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _check(self, x: Tensor, what: str) -> None:
        if x.ndim not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {x.ndim}D instead")

    def _step(self, run: Any, input: Tensor, hx: Tensor | None) -> Any:
        """One step of a cell with one state, of a batch or of a single row."""
        self._check(input, "input")
        if hx is not None:
            self._check(hx, "hidden")
        single = input.ndim == 1
        if single:
            input = input.unsqueeze(0)
        if hx is None:
            hx = zeros((input.shape[0], self.hidden_size), dtype=input.dtype)
        elif single:
            hx = hx.unsqueeze(0)
        found = run(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return found.squeeze(0) if single else found


class RNNCell(RNNCellBase):
    """h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu: x (N, I) or (I), h (N, H) or (H), zeros if not given."""

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            if input.dim() not in (1, 2):
                raise ValueError(f"RNNCell: Expected input to be 1D or 2D, got {input.dim()}D instead")
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        result: Tensor = self._step(rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell, input, hx)
        return result


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (h', c') from x (N, I) or (I) and (h, c), zeros if not given; see `lstm_cell`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        if input.ndim == 2 and hx is not None and hx[0].ndim == 2 and hx[1].ndim == 2:
            return lstm_cell(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        self._check(input, "input")
        for place, state in enumerate(hx or ()):
            self._check(state, f"hx[{place}]")
        single = input.ndim == 1
        if single:
            input = input.unsqueeze(0)
        if hx is None:
            start = zeros((input.shape[0], self.hidden_size), dtype=input.dtype)
            hx = (start, start)
        elif single:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = lstm_cell(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)  # type: ignore[misc]
        return (h.squeeze(0), c.squeeze(0)) if single else (h, c)


class GRUCell(RNNCellBase):
    """One step of a GRU: h' from x (N, I) or (I) and h, zeros if not given; see `gru_cell`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        result: Tensor = self._step(gru_cell, input, hx)
        return result
