"""Arguments of recurrent cells and layers, refused with PyTorch's exceptions and words.

Where PyTorch reads beyond its arrays (a hidden state of another batch size given to torch.lstm itself), this raises
RuntimeError in the words of its layer classes. Nothing here computes.
"""
import cython

if not cython.compiled:
    from headgate.core.arrays import shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.records import Tensor

from headgate import errors

LSTM, GRU = 0, 1
NO_STEPS = "Expected sequence length to be larger than 0 in RNN"


def gate_count(kind: cython.int) -> cython.int:
    """How many gates a kind of cell has."""
    return 4 if kind == LSTM else 3 if kind == GRU else 1


def tensor_at(x: object, function: str, name: str, position: cython.int) -> Tensor:
    """An argument as a Tensor; TypeError if it is none."""
    if not isinstance(x, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name=name, position=position, expected="Tensor", type=type(x).__name__))
    return cython.cast(Tensor, x)


def cell_states(hx: object) -> tuple:
    """(h, c) of an LSTM's cell."""
    if not isinstance(hx, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(
            function="lstm_cell", name="hx", position=2, expected="tuple of Tensors", type=type(hx).__name__))
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return (tensor_at(hx[0], "lstm_cell", "hx", 2), tensor_at(hx[1], "lstm_cell", "hx", 2))


def cell_state(function: str, hx: object) -> Tensor:
    """h of another cell."""
    return tensor_at(hx, function, "hx", 2)


def check_state(x: Tensor, h: Tensor, size: cython.Py_ssize_t, place: cython.int):
    """Refuse a state of another batch size or width."""
    if h._array.ndim == 0:
        wrap_dim(0, 0)
    if h._array.ndim == 0 or x._array.shape[0] != h._array.shape[0]:
        raise RuntimeError(f"Input batch size {x._array.shape[0]} doesn't match hidden{place} batch size "
                           f"{1 if h._array.ndim == 0 else h._array.shape[0]}")
    if h._array.ndim < 2:
        wrap_dim(1, 1)
    if h._array.shape[1] != size:
        raise RuntimeError(f"hidden{place} has inconsistent hidden_size: got {h._array.shape[1]}, expected {size}")


def check_cell(name: str, kind: cython.int, inputs: tuple):
    """Refuse inputs of a cell that do not fit."""
    x: Tensor = tensor_at(inputs[0], name + "_cell", "input", 1)
    h: Tensor = inputs[1]
    w: Tensor = tensor_at(inputs[3], name + "_cell", "w_ih", 3)
    u: Tensor = tensor_at(inputs[4], name + "_cell", "w_hh", 4)
    position: cython.int
    size: cython.Py_ssize_t
    for position in range(5, 7):
        if inputs[position] is not None:
            tensor_at(inputs[position], name + "_cell", "b_ih" if position == 5 else "b_hh", position)
    for t in (x, w, u):
        if cython.cast(Tensor, t)._array.ndim < 2:
            wrap_dim(1, cython.cast(Tensor, t)._array.ndim)
    if x._array.ndim != 2 or w._array.ndim != 2 or u._array.ndim != 2:
        raise RuntimeError(f"{name}_cell: expected matrices, got input {shape_of(x._array)}, weights "
                           f"{shape_of(w._array)} and {shape_of(u._array)}")
    if x._array.shape[1] != w._array.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {x._array.shape[1]} expected {w._array.shape[1]}")
    size = u._array.shape[1]
    if kind > GRU:
        check_rows(w, 1, size, "weight_ih")
    check_state(x, h, size, 0)
    if kind == LSTM:
        size = u._array.shape[0] // 4
        check_state(x, inputs[2], size, 1)
    if kind <= GRU:
        check_rows(w, gate_count(kind), size, "weight_ih")
    check_rows(u, gate_count(kind), size, "weight_hh")


def check_rows(w: Tensor, gates: cython.int, size: cython.Py_ssize_t, name: str):
    """Refuse a weight of another number of gates."""
    if w._array.shape[0] != gates * size:
        raise RuntimeError(f"{name} first dim must be {gates} * hidden_size = {gates * size}, but got "
                           f"{w._array.shape[0]}")


# ---- layers ---------------------------------------------------------------------------------------------------------


def packed_sizes(batch_sizes: Tensor) -> tuple:
    """The rows of each step as ints. RuntimeError unless they are positive and do not grow."""
    sizes = tuple([int(size) for size in batch_sizes.tolist()])
    if len(sizes) == 0:
        raise RuntimeError(NO_STEPS)
    for before, after in zip(sizes, sizes[1:]):
        if after > before:
            raise RuntimeError("batch_sizes should be in decreasing order")
    if sizes[len(sizes) - 1] <= 0:
        raise RuntimeError("batch_sizes should be positive")
    return sizes


def layer_states(name: str, kind: cython.int, hx: object) -> tuple:
    """(h, c or None) of all layers."""
    if kind == LSTM:
        if not isinstance(hx, (tuple, list)):
            raise TypeError(errors.ARGUMENT.format(
                function=name, name="hx", position=2, expected="tuple of Tensors", type=type(hx).__name__))
        if len(hx) != 2:
            raise RuntimeError("lstm expects two hidden states")
        return (tensor_at(hx[0], name, "hx", 2), tensor_at(hx[1], name, "hx", 2))
    return (tensor_at(hx, name, "hx", 2), None)


def grouped(flat: object, biases: bool, projected: bool) -> list:
    """The parameters of each layer and direction as (w_ih, w_hh, b_ih, b_hh, w_hr), None for what is not there."""
    each: int = (4 if biases else 2) + (1 if projected else 0)
    if len(flat) % each:
        raise RuntimeError("got an incorrect number of RNN parameters")
    result: list = []
    for at in range(0, len(flat), each):
        one = list(flat[at:at + each])
        last = one.pop() if projected else None
        result.append(tuple(one + ([] if biases else [None, None]) + [last]))
    return result


def check_layer_state(state: Tensor, count: object, rows: object, what: str):
    """Refuse states of another number of layers or rows."""
    shape: tuple = shape_of(state._array)
    if len(shape) != 3 or shape[0] != count or shape[1] != rows:
        width = shape[len(shape) - 1] if shape else 0
        raise RuntimeError(f"Expected {what} size ({count}, {rows}, {width}), got {list(shape)}")


def layer_parameters(
    name: str, kind: cython.int, x: object, sizes: object, hx: object, flat: object, biases: object, count: object,
    both: object, first: object,
) -> tuple:
    """((h, c), parameters by layer and direction), checked against one another."""
    t: Tensor = tensor_at(x, name, "input", 1)
    states: tuple = layer_states(name, kind, hx)
    h: Tensor = states[0]
    shape: tuple = shape_of(t._array)
    dims: int = 3 if sizes is None else 2
    if len(shape) != dims:
        raise RuntimeError(f"input must have {dims} dimensions, got {len(shape)}")
    if sizes is None and shape[1 if first else 0] == 0:
        raise RuntimeError(NO_STEPS)
    if sizes is not None and sum(sizes) != shape[0]:
        raise RuntimeError(f"batch_sizes tell of {sum(sizes)} rows, but the input has {shape[0]}")
    projected: bool = states[1] is not None and h._array.ndim == 3 and h.shape[2] != states[1].shape[2]
    parameters: list = grouped(flat, bool(biases), projected)
    number: int = count * (2 if both else 1)
    if len(parameters) != number:
        raise RuntimeError("got an incorrect number of RNN parameters")
    rows = sizes[0] if sizes is not None else shape[0] if first else shape[1]
    check_layer_state(h, number, rows, "hidden[0]" if kind == LSTM else "hidden")
    if kind == LSTM:
        check_layer_state(states[1], number, rows, "hidden[1]")
    for index, (w, u, _, _, r) in enumerate(parameters):
        width = shape[len(shape) - 1] if index < (2 if both else 1) else h.shape[2] * (2 if both else 1)
        check_layer(kind, w, u, width, h.shape[2], h.shape[2] if states[1] is None else states[1].shape[2], r)
    return states, parameters


def check_layer(
    kind: cython.int, w: object, u: object, width: object, shown: object, hidden: object, projection: object
):
    """Refuse the weights of one layer if their sizes do not fit."""
    rows = gate_count(kind) * hidden
    for weight, columns, name in ((w, width, "weight_ih"), (u, shown, "weight_hh")):
        found: tuple = shape_of(tensor_at(weight, name, "params", 3)._array)
        if found != (rows, columns):
            raise RuntimeError(f"{name} must have size ({rows}, {columns}) for this input and hidden state, got "
                               f"{list(found)}")
    if projection is not None and shape_of(cython.cast(Tensor, projection)._array) != (shown, hidden):
        raise RuntimeError(f"weight_hr must have size ({shown}, {hidden}), got {list(projection.shape)}")
