"""Recurrent cells and layers: LSTM, GRU and plain ones as fused ops, and torch.lstm and its kin made of them.

A cell, or a layer in one direction, is one node; its gradient is a kernel, and under create_graph the same thing made
of ordinary ops (`recurrent_forms`), so every order exists. The layer classes are in `nn.modules.rnn`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import is_float
    from headgate.core.modes import grad_enabled
    from headgate.core.records import OUT, Node, Op, Saved, Tensor
    from headgate.core.saved import find
    from headgate.kernels.reference_recurrent import backward as kernel_backward
    from headgate.kernels.reference_recurrent import forward as kernel_forward
    from headgate.ops.recurrent_checks import cell_state, cell_states, check_cell, layer_parameters, packed_sizes
    from headgate.ops.through import through_ops

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:
        return a.dtype.num

from headgate.core.declare import composite, overload
from headgate.core.entry import PUBLIC, publish
from headgate.core.options import no_combination
from headgate.ops.recurrent_forms import GRU, LSTM, RELU, TANH, by_ops, projected_by_ops

# Bits of the values that each kind's gradient reads: of a cell's outputs and of a layer's, behind the inputs' seven.
INPUTS = 127
CELL_KEPT = {LSTM: (-1, 2, 3, -1), GRU: (-1, -1, 1, 2), TANH: (0, -1, -1, -1), RELU: (0, -1, -1, -1)}
LAYER_KEPT = {LSTM: (3, 4, 5, -1), GRU: (2, -1, 3, 4), TANH: (2, -1, -1, -1), RELU: (2, -1, -1, -1)}


@cython.cclass
class Recurrent(Op):
    """A cell, or a layer in one direction. Inputs: x, h, c (or None), two weights, two biases (or None).

    attrs: None for a cell, else (rows of each step or None, whether from last to first). Outputs: y, the last states,
    then what backward needs: of a layer a copy of y, an LSTM's cell states, the gates, a GRU's hidden part.
    """

    def __init__(self, kind: int, layer: bool):
        super().__init__()
        self.kind = kind
        self.layer = layer
        self.together = True
        self.kept = LAYER_KEPT[kind] if layer else CELL_KEPT[kind]
        self.saved = INPUTS
        for place in self.kept:
            if place >= 0:
                self.saved |= cython.cast(cython.longlong, 1) << (OUT + cython.cast(cython.int, place))

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, h, c, w, u, b, d = inputs
        sizes, reverse = (None, False) if attrs is None else attrs
        y, last_h, last_c, cells, gates, aside = kernel_forward(self.kind, x, sizes, h, c, (w, u, b, d), reverse)
        if not self.layer:
            if self.kind == LSTM:
                return (y, cells.copy(), cells, gates)
            return (y, gates, aside) if self.kind == GRU else y
        states = y.reshape(-1, y.shape[y.ndim - 1])
        y = y.copy()
        if self.kind == LSTM:
            return (y, last_h, last_c, states, cells, gates)
        return (y, last_h, states, gates, aside) if self.kind == GRU else (y, last_h, states)

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return self.saved if n.needs else 0

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if grad_enabled():
            return recomputed(self, n, grads, need)
        return self.fused(n, grads, need)

    @cython.cfunc
    def fused(self, n: Node, grads: list, need: cython.longlong) -> list:
        """The gradients by the kernel."""
        sizes, reverse = (None, False) if n.attrs is None else n.attrs
        x = self.input_array(n, 0, need & 8 != 0)
        h = self.input_array(n, 1, need & 16 != 0 or self.kind == GRU)
        c = self.input_array(n, 2, need & ~4 != 0)
        w = self.input_array(n, 3, need & 1 != 0)
        u = self.input_array(n, 4, need & 2 != 0 or (self.layer and several(x, sizes)))
        kept = tuple([None if place < 0 else n.array(OUT + cython.cast(cython.int, place)) for place in self.kept])
        g_y = array_or_none(grads[0])
        if self.layer:
            g_h = array_or_none(grads[1])
            g_c = array_or_none(grads[2]) if self.kind == LSTM else None
        else:
            g_h, g_c = None, array_or_none(grads[1]) if self.kind == LSTM else None
        weights = (w, u, None, None)
        found: list = kernel_backward(self.kind, need, x, sizes, h, c, weights, kept, (g_y, g_h, g_c), reverse)
        return [None if one is None else wrap(one) for one in found]

    @cython.cfunc
    def input_array(self, n: Node, key: cython.int, read: cython.bint) -> object:
        """A saved input's array, None for the cell state that only an LSTM has.

        Where its values are not read (only its shape), it may have been written since, as in PyTorch, which would not
        have saved it.
        """
        s: Saved
        if key == 2 and self.kind != LSTM:
            return None
        if not read:
            s = find(n, key)
            if s.array is not None:
                return s.array
        return n.array(key)


def several(x: object, sizes: object) -> bool:
    """Whether there is more than one step: from the second on the hidden state wants a gradient."""
    return x.shape[0] > 1 if sizes is None else len(sizes) > 1


def array_or_none(g: Tensor) -> object:
    """The array of a gradient that arrived."""
    return None if g is None else g._array


def recomputed(op: Recurrent, n: Node, grads: list, need: cython.longlong) -> list:
    """The gradients through the same call made of ordinary ops, recorded for the next order."""
    inputs: list = [None if (key == 2 and op.kind != LSTM) or (key > 4 and not saved_value(n, key)) else n.read(key)
                    for key in range(7)]
    return through_ops(inputs, grads, need, lambda given: by_ops(op.kind, given, n.attrs))


def saved_value(n: Node, key: cython.int) -> bool:
    """Whether the node has an input of that number: biases may be absent."""
    item: object
    for item in n.saved_more or ():
        if cython.cast(Saved, item).key == key:
            return True
    return False


CELLS = [Recurrent(LSTM, False), Recurrent(GRU, False), Recurrent(TANH, False), Recurrent(RELU, False)]
CHAIN = Recurrent(LSTM, True)  # where PyTorch has no node for the layer
LAYERS = [Recurrent(LSTM, True), Recurrent(GRU, True), Recurrent(TANH, True), Recurrent(RELU, True)]
NAMES = ("lstm", "gru", "rnn_tanh", "rnn_relu")
# PyTorch's names for the nodes of the results: an LSTM's cell has two, and shows that of h.
for _kind, _node in enumerate(("MulBackward", "AddBackward", "TanhBackward", "ReluBackward")):
    overload(CELLS[_kind], NAMES[_kind] + "_cell", 0 if _kind <= GRU else None, node=_node)
    overload(LAYERS[_kind], NAMES[_kind], 0, node="StackBackward")
overload(CHAIN, "lstm", 0, node="StackBackward")
overload(LAYERS[LSTM], "lstm", None, node="MkldnnRnnLayerBackward", looks=INPUTS | 1 << OUT)
cython.cast(Recurrent, LAYERS[LSTM]).saved |= 1 << OUT


def uniform(inputs: tuple) -> bool:
    """Whether all tensors are floats of one type, which the fused ops take."""
    item: object
    first: Tensor = inputs[0]
    if not is_float(first._array):
        return False
    for item in inputs:
        if item is not None and PyArray_TYPE(cython.cast(Tensor, item)._array) != PyArray_TYPE(first._array):
            return False
    return True


def flat_states(inputs: tuple) -> bool:
    """Whether the states are matrices; PyTorch's cells look at their first two dims only."""
    h: Tensor = inputs[1]
    c: Tensor = inputs[2]
    return h._array.ndim == 2 and (c is None or c._array.ndim == 2)


def fits_biases(inputs: tuple) -> bool:
    """Whether the biases, if any, have one number per gate, and both are there or none."""
    b: Tensor = inputs[5]
    d: Tensor = inputs[6]
    u: Tensor = inputs[4]
    if b is None or d is None:
        return b is None and d is None
    return (b._array.ndim == 1 and d._array.ndim == 1 and b._array.shape[0] == u._array.shape[0]
            and d._array.shape[0] == u._array.shape[0])


def kept_apart(kind: cython.int, h: object, u: object) -> object:
    """A hidden state for a GRU: a copy where the weight wants no gradient, for then PyTorch keeps only what it makes of
    the state, which may be written before backward."""
    return h.clone() if kind == GRU and grad_enabled() and not u.requires_grad else h


def cell(kind: cython.int, inputs: tuple) -> object:
    """One step: fused where types, states and biases are as in a layer, else by ordinary ops, which promote or
    refuse."""
    result: object
    check_cell(NAMES[kind], kind, inputs)
    inputs = (inputs[0], kept_apart(kind, inputs[1], inputs[4]), *inputs[2:])
    if uniform(inputs) and flat_states(inputs) and fits_biases(inputs):
        result = apply(CELLS[kind], inputs, None)
        if kind == LSTM:
            return (result[0], result[1])
        return result[0] if kind == GRU else result
    result = by_ops(kind, list(inputs), None)
    return result if kind == LSTM else result[0]


def lstm_cell(
    input: object, hx: object, w_ih: object, w_hh: object, b_ih: object = None, b_hh: object = None
) -> object:
    """(h', c') of a long short-term memory cell: c' = f c + i g, h' = o tanh c' with gates of input and hidden state.

    input (N, I), hx: (h, c) of (N, H), w_ih (4H, I), w_hh (4H, H), biases (4H) or None; floats. i, f, o are sigmoids, g
    a tanh, of x w_ih^T + b_ih + h w_hh^T + b_hh, in the order i, f, g, o. RuntimeError for sizes that do not fit.
    (Hochreiter & Schmidhuber 1997; Gers et al. 2000.)
    """
    h, c = cell_states(hx)
    return cell(LSTM, (input, h, c, w_ih, w_hh, b_ih, b_hh))


def gru_cell(
    input: object, hx: object, w_ih: object, w_hh: object, b_ih: object = None, b_hh: object = None
) -> object:
    """h' of a gated recurrent unit: (1 - z) n + z h, n = tanh(x W_n + b + r (h U_n + d)).

    input (N, I), hx (N, H), w_ih (3H, I), w_hh (3H, H), biases (3H) or None; floats. r and z are sigmoids; the order is
    r, z, n. RuntimeError for sizes that do not fit. (Cho et al. 2014, with the bias inside as in cuDNN.)
    """
    return cell(GRU, (input, cell_state("gru_cell", hx), None, w_ih, w_hh, b_ih, b_hh))


def rnn_tanh_cell(
    input: object, hx: object, w_ih: object, w_hh: object, b_ih: object = None, b_hh: object = None
) -> object:
    """h' = tanh(x w_ih^T + b_ih + h w_hh^T + b_hh): input (N, I), hx (N, H), weights (H, I), (H, H). (Elman 1990.)"""
    return cell(TANH, (input, cell_state("rnn_tanh_cell", hx), None, w_ih, w_hh, b_ih, b_hh))


def rnn_relu_cell(
    input: object, hx: object, w_ih: object, w_hh: object, b_ih: object = None, b_hh: object = None
) -> object:
    """h' = relu(x w_ih^T + b_ih + h w_hh^T + b_hh): input (N, I), hx (N, H), weights (H, I) and (H, H)."""
    return cell(RELU, (input, cell_state("rnn_relu_cell", hx), None, w_ih, w_hh, b_ih, b_hh))


# ---- layers ---------------------------------------------------------------------------------------------------------


def dropped(x: object, p: float) -> object:
    """Dropout between layers, with PyTorch's masks."""
    if p == 0:
        return x
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 1:
        return x * PUBLIC["zeros_like"](x)
    return x * PUBLIC["empty_like"](x).bernoulli_(1 - p).div_(1 - p)


def states_apart(states: tuple) -> tuple:
    """The states of each layer and direction, as PyTorch takes them where it has no node for a layer."""
    unbind = PUBLIC["unbind"]
    return unbind(states[0]), None if states[1] is None else unbind(states[1])


def run_layers(
    kind: int, x: object, sizes: object, states: tuple, parameters: list, dropout: float, train: bool, both: bool
) -> tuple:
    """(y, last h, last c or None) of a stack of layers; parameters: (w_ih, w_hh, b_ih, b_hh, w_hr) per direction."""
    one_node: bool = kind == LSTM and sizes is None and x.dtype.name == "float32" and x.numel() > 0
    one_node = one_node and parameters[0][4] is None
    h, c = states if one_node else states_apart(states)
    last: list = []
    cells: list = []
    ways: int = 2 if both else 1
    for layer in range(len(parameters) // ways):
        results: list = []
        if not one_node and grad_enabled():
            x = x.contiguous()  # PyTorch's product copies what is not, and keeps the copy
        for way in range(ways):
            at: int = layer * ways + way
            w, u, b, d, r = parameters[at]
            inputs: tuple = (x, kept_apart(kind, h[at], u), None if c is None else c[at], w, u, b, d)
            attrs: tuple = (sizes, way == 1)
            if r is not None:
                found = projected_by_ops(lstm_cell, inputs, r, attrs)
            elif uniform(inputs) and fits_biases(inputs):
                found = apply(LAYERS[kind] if one_node or kind != LSTM else CHAIN, inputs, attrs)
            else:
                found = by_ops(kind, list(inputs), attrs)
            results.append(found[0])
            last.append(found[1])
            cells.append(found[2] if kind == LSTM else None)
        x = results[0] if ways == 1 else PUBLIC["cat"](results, results[0].ndim - 1)
        if train and layer < len(parameters) // ways - 1:
            x = dropped(x, dropout)
    stacked = PUBLIC["stack"]
    return x, stacked(last), stacked(cells) if kind == LSTM else None


PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
PACKED = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")


def arguments(kind: int, args: tuple, named: dict) -> tuple:
    """(whether packed, the nine arguments in order). TypeError unless they are those of one of the two forms."""
    packed: bool = "batch_sizes" in named or "data" in named
    if len(args) > 2:
        packed = isinstance(args[1], Tensor) and isinstance(args[2], (tuple, list) if kind == LSTM else Tensor)
    names = PACKED if packed else PADDED
    rest = names[len(args):]
    if len(args) + len(named) != 9 or set(rest) != set(named):
        raise no_combination(NAMES[kind], args, named)
    return packed, args + tuple([named[name] for name in rest])


def layers(kind: int, args: tuple, named: dict) -> object:
    """torch.lstm and its kin, in the padded form and the packed one."""
    packed, values = arguments(kind, args, named)
    sizes = None
    first: bool = False
    if packed:
        x, batch_sizes, hx, flat, biases, count, dropout, train, both = values
        sizes = packed_sizes(batch_sizes)
    else:
        x, hx, flat, biases, count, dropout, train, both, first = values
    states, parameters = layer_parameters(NAMES[kind], kind, x, sizes, hx, flat, biases, count, both, first)
    if first:
        x = x.transpose(0, 1)
    y, h, c = run_layers(kind, x, sizes, states, parameters, dropout, train, both)
    if first:
        y = y.transpose(0, 1)
    return (y, h, c) if kind == LSTM else (y, h)


def lstm(*args: object, **named: object) -> object:
    """(y, h, c) of stacked LSTM layers over all steps of input (steps, N, I), or (N, steps, I) with batch_first.

    lstm(input, (h, c), params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or
    lstm(data, batch_sizes, (h, c), params, ...) for packed sequences. h (layers * directions, N, H or P), c (..., H);
    params: w_ih, w_hh, b_ih, b_hh (and w_hr where h is projected to P) of each. Dropout between layers only. floats.
    RuntimeError for sizes that do not fit, also where PyTorch would read beyond its arrays.
    """
    return layers(LSTM, args, named)


def gru(*args: object, **named: object) -> object:
    """(y, h) of stacked GRU layers; arguments as for `lstm`, with hx a tensor."""
    return layers(GRU, args, named)


def rnn_tanh(*args: object, **named: object) -> object:
    """(y, h) of stacked tanh layers; arguments as for `lstm`, with hx a tensor."""
    return layers(TANH, args, named)


def rnn_relu(*args: object, **named: object) -> object:
    """(y, h) of stacked relu layers; arguments as for `lstm`, with hx a tensor."""
    return layers(RELU, args, named)


def cell_samples(gates: int) -> object:
    """Samples of a cell with that many gates."""

    def samples(make: object) -> list:
        result: list = []
        for rows, biases in ((2, True), (1, False)):
            h = make(rows, 3, low=-1, high=1)
            args = [make(rows, 2, low=-1, high=1), h, make(3 * gates, 2, low=-1, high=1),
                    make(3 * gates, 3, low=-1, high=1)]
            if biases:
                args += [make(3 * gates, low=-1, high=1), make(3 * gates, low=-1, high=1)]
            result.append((tuple(args), {}))
        return result

    return samples


for _kind, (_cell, _layer) in enumerate(
        ((lstm_cell, lstm), (gru_cell, gru), (rnn_tanh_cell, rnn_tanh), (rnn_relu_cell, rnn_relu))):
    if _kind == LSTM:
        publish(_cell.__name__, _cell)
    else:
        composite(_cell.__name__, _cell, method=False, dtypes="f", samples=cell_samples(3 if _kind == GRU else 1),
                  smooth=_kind < RELU)
    publish(_layer.__name__, _layer)
