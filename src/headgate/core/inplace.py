# built for speed
"""Writing a result into an existing tensor: the in-place forms and `out=`, derived for every op.

The result is computed first and written last, so an operation that fails leaves value, version and history as they
were. Ops with a fast road of their own (`family`) still end here when a gradient is recorded.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import (
        arrays_of,
        first_cut,
        first_requiring,
        note_cut,
        record,
        requires,
        save_inputs,
        save_outputs,
        see_all,
        set_history,
        telling,
        wrap,
    )
    from headgate.core.arrays import count_of, is_float, partly_overlap, same_memory, same_shape, set_meta, without_gaps
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.reports import cut_of
    from headgate.core.views import rebase_root
    from headgate.core.writes import check_writable, note_write
    from headgate.kernels.reference import copy_into

    ndarray = np.ndarray

from headgate import dtypes, errors


def write(op: Op, inputs: tuple, attrs: object, out: object) -> Tensor:
    """Apply an op and put its result into `out`: the marker INPLACE for the first input, or a tensor."""
    if out is INPLACE:
        return write_inplace(op, inputs, attrs)
    if not isinstance(out, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=op.name, name="out", position=0, expected="Tensor", type=type(out).__name__))
    return write_out(op, inputs, attrs, out)


def copy_before(x: Tensor) -> Tensor:
    """A stand-in for `x` as it is before the write, with its history, for a gradient that reads the old value."""
    t: Tensor = wrap(cython.cast(object, x._array).copy())
    t._node, t._output, t._wants = x._node, x._output, x._wants
    t._history_writes = t._storage.writes
    return t


def check_result(x: Tensor, result: ndarray, name: str):
    """Refuse a result that does not fit the tensor it is to be written to."""
    if not same_shape(x._array, result):
        raise RuntimeError(errors.INPLACE_SHAPE.format(
            output=list(cython.cast(object, x._array).shape), shape=list(cython.cast(object, result).shape)))
    source, target = dtypes.of(result), dtypes.of(x._array)
    if source is not target and not dtypes.can_cast(source, target):
        raise RuntimeError(errors.RESULT_TYPE.format(
            result=errors.TYPE_NAMES[source.name], output=errors.TYPE_NAMES[target.name]))


def check_operands(x: Tensor, inputs: tuple):
    """Refuse operands that share some bytes with the written tensor without being the same view."""
    item: object
    y: Tensor
    for item in inputs:
        if isinstance(item, Tensor) and item is not x:
            y = cython.cast(Tensor, item)
            if y._storage is x._storage and y._array is not x._array and partly_overlap(x._array, y._array):
                raise RuntimeError(errors.PARTIAL_OVERLAP)


def check_apart(x: Tensor, inputs: tuple):
    """Refuse operands that share any byte with the written tensor, for ops that write in an order of their own."""
    item: object
    check_operands(x, inputs)
    if count_of(x._array) == 0:
        return
    for item in inputs:
        if isinstance(item, Tensor) and cython.cast(Tensor, item)._storage is x._storage:
            if same_memory(x._array, cython.cast(Tensor, item)._array) and without_gaps(x._array):
                raise RuntimeError(errors.PARTIAL_OVERLAP)


def write_inplace(op: Op, inputs: tuple, attrs: object) -> Tensor:
    """Write an op's result into its first input and make the call its history."""
    x: Tensor = inputs[0]
    recording: cython.bint = grad_enabled() and op.differentiable and first_requiring(inputs) is not None
    n: Node = None
    result: ndarray
    check_writable(x, recording)
    see_all(op, inputs)
    check_operands(x, inputs)
    result = op.run(arrays_of(inputs), attrs, None)
    check_result(x, result, op.name)
    if recording and is_float(x._array):
        n = record(op, inputs, attrs)
        save_inputs(n, (copy_before(x),) + inputs[1:] if op.needed(n) & 1 else inputs)
    copy_into(x._array, result)
    note_write(x, op.written)
    if n is not None:
        set_meta(n, x._array)
        save_outputs(n, [x])
        adopt(x, n)
    elif not x.requires_grad:  # a view gets its new history when somebody looks, from what its base is then
        follow_cut(x, inputs, op)
    return x


def follow_cut(x: Tensor, inputs: tuple, op: Op):
    """Remember that a tensor without history was written from one that had some, or was cut from one that had."""
    source: Tensor = first_requiring(inputs)
    if source is not None:
        note_cut(x, source, op)
    else:
        x._cut = telling(cut_of(x), first_cut(inputs[1:]))


def adopt(x: Tensor, n: Node) -> bool:
    """Make `n` the history of the tensor that was just written."""
    if x._root is not None:
        rebase_root(x, n)
    else:
        x._wants = False
        set_history(x, n, 0)
    return True


def write_out(op: Op, inputs: tuple, attrs: object, out: Tensor) -> Tensor:
    """Write an op's result into a tensor given as `out`, resizing it as PyTorch does."""
    result: ndarray
    if grad_enabled() and (first_requiring(inputs) is not None or requires(out)):
        raise RuntimeError(errors.OUT_GRAD.format(function=op.name))
    check_writable(out, False)
    check_operands(out, inputs)
    result = op.run(arrays_of(inputs), attrs, None)
    if not same_shape(out._array, result):
        check_unshared(out, inputs, result)
        resize_out(out, result)
    check_result(out, result, op.name)
    copy_into(out._array, result)
    note_write(out, op.name)
    return out


def check_unshared(out: Tensor, inputs: tuple, result: ndarray) -> None:
    """Refuse to resize what an elementwise op also reads: PyTorch takes that for a write in place."""
    if not [item for item in inputs if item is out]:
        return
    arrays = [cython.cast(Tensor, item)._array for item in inputs if isinstance(item, Tensor)]
    try:
        shape = np.broadcast(*arrays).shape
    except ValueError:
        return  # no elementwise op
    if shape == cython.cast(object, result).shape:
        raise RuntimeError(errors.INPLACE_SHAPE.format(
            output=list(cython.cast(object, out._array).shape), shape=list(shape)))


_resized: object = None


def set_resized(function: object) -> None:
    """Fill the slot that gives a tensor another size over its storage."""
    global _resized
    _resized = function


def resize_out(out: Tensor, result: ndarray) -> None:
    """Give `out` the result's shape if it has another one; a warning if that loses elements."""
    shape = cython.cast(object, result).shape
    mine = cython.cast(object, out._array).shape
    if shape == mine:
        return
    if count_of(out._array):
        warnings.warn(errors.OUT_RESIZED.format(shape=list(mine), required=list(shape)), UserWarning, stacklevel=3)
    if count_of(out._array) or out._root is not None:  # others may see this memory
        _resized(out, shape)
        return
    out._array = np.empty(shape, cython.cast(object, out._array).dtype)
    out._storage.memory = out._array
