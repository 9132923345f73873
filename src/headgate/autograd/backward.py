"""backward and grad: their arguments checked, roots and captures handed to the engine."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import current_node, cut_here, edge_of, requires, wrap
    from headgate.core.arrays import count_of, shape_of
    from headgate.core.operators import Vertex, slots
    from headgate.core.records import Node, Tensor
    from headgate.core.reports import why_cut
    from headgate.core.storage import Cut

from headgate import errors
from headgate.core.declare import install_method
from headgate.core.engine import run_backward
from headgate.core.size import Size


def as_tuple(value: object) -> tuple:
    """A sequence as a tuple; anything else as the only item of one."""
    if value is None:
        return ()
    if isinstance(value, Tensor) or not isinstance(value, (tuple, list)):
        return (value,)
    return tuple(value)


def first_gradient(x: Tensor, given: object, index: int) -> Tensor:
    """The gradient to start from at root `x`: the one given, or 1 for a scalar."""
    g: Tensor
    if given is None:
        if count_of(x._array) != 1:
            raise RuntimeError(errors.NOT_SCALAR)
        return wrap(np.ones_like(x._array))
    if not isinstance(given, Tensor):
        raise TypeError(errors.GRAD_TYPE.format(type=type(given).__name__))
    g = given
    if shape_of(g._array) != shape_of(x._array):
        raise RuntimeError(errors.GRAD_SHAPE.format(
            index=index, grad=Size(shape_of(g._array)), output=Size(shape_of(x._array))))
    return g


def starts(tensors: tuple, gradients: tuple) -> tuple:
    """(roots, gradients) for the engine."""
    roots: list = []
    grads: list = []
    item: object
    x: Tensor
    if len(gradients) == 0:
        gradients = (None,) * len(tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(errors.GRAD_COUNT.format(tensors=len(tensors), gradients=len(gradients)))
    for index in range(len(tensors)):
        item = tensors[index]
        if not isinstance(item, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function="backward", name="tensors", position=1, expected="Tensor", type=type(item).__name__))
        x = cython.cast(Tensor, item)
        g = None
        if requires(x) or gradients[index] is not None:
            g = first_gradient(x, gradients[index], index)
        if not requires(x) or edge_of(x) is None:
            raise RuntimeError(errors.NO_GRAD_FN.format(index=index) + why_cut(x))
        if g is None:
            g = first_gradient(x, None, index)
        roots.append((edge_of(x), x._output))
        grads.append(g)
    return roots, grads


def wanted(inputs: tuple) -> dict:
    """{vertex: {output: None}} for the tensors whose gradients are asked for."""
    table: dict = {}
    x: Tensor
    for item in inputs:
        if not isinstance(item, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function="grad", name="inputs", position=2, expected="Tensor", type=type(item).__name__))
        x = cython.cast(Tensor, item)
        if not requires(x):
            raise RuntimeError(errors.INPUT_NO_GRAD + why_cut(x))
        table.setdefault(edge_of(x), {})[x._output] = None
    return table


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Accumulate into `.grad` of the leaves the gradients of `tensors` (a tensor or several), times `grad_tensors`.

    Saved values are freed unless `retain_graph` (default: create_graph). With `inputs`, only those leaves get a
    gradient. RuntimeError where a tensor has no history: it names the line that cut it.
    """
    keep: bool = bool(create_graph) if retain_graph is None else bool(retain_graph)
    roots, grads = starts(as_tuple(tensors), as_tuple(grad_tensors if grad_tensors is not None else grad_variables))
    captures = None
    if inputs is not None:
        inputs = as_tuple(inputs)
        if len(inputs) == 0:
            raise RuntimeError(errors.NO_INPUTS)
        captures = wanted(inputs)
    run_backward(roots, grads, keep, bool(create_graph), captures, True, cut_here("freed", "backward"))
    if captures is not None:
        keep_captured(inputs, captures)


def keep_captured(inputs: tuple, captures: dict) -> None:
    """Accumulate what was captured for inputs that are no leaves; leaves were served by the engine."""
    x: Tensor
    for item in inputs:
        x = cython.cast(Tensor, item)
        n: Node = current_node(x)
        if n is None:
            continue
        g = captures[n][x._output]
        if g is not None:
            x._gradient = g if x._gradient is None else slots.add.call2(x._gradient, g, None)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True,
         allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """The gradients of `outputs` (times `grad_outputs`) with respect to `inputs`, as a tuple; `.grad` is not touched.

    RuntimeError for an input that the outputs do not depend on, unless `allow_unused` (None then) or
    `materialize_grads` (zeros then).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(errors.MATERIALIZE_UNUSED)
    if is_grads_batched:
        return batched(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    keep: bool = bool(create_graph) if retain_graph is None else bool(retain_graph)
    roots, grads = starts(as_tuple(outputs), as_tuple(grad_outputs))
    inputs = as_tuple(inputs)
    captures = wanted(inputs)
    run_backward(roots, grads, keep, bool(create_graph), captures, False, cut_here("freed", "autograd.grad"))
    return collected(inputs, captures, bool(allow_unused) or materialize_grads, materialize_grads)


def collected(inputs: tuple, captures: dict, unused: bool, zeros: bool) -> tuple:
    """The captured gradients in the order of the inputs."""
    result: list = []
    x: Tensor
    for index in range(len(inputs)):
        x = cython.cast(Tensor, inputs[index])
        g = captures[edge_of(x)][x._output]
        if g is None and not unused:
            raise RuntimeError(errors.UNUSED.format(index=index))
        if g is None and zeros:
            g = wrap(np.zeros_like(x._array))
        result.append(g)
    return tuple(result)


def batched(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads):
    """grad for every row of `grad_outputs`, stacked: a loop over rows, where PyTorch maps."""
    from headgate.core.entry import PUBLIC

    rows = as_tuple(grad_outputs)
    count = rows[0].shape[0]
    results = [
        grad(outputs, inputs, tuple([row[k] for row in rows]), True if k < count - 1 else retain_graph, create_graph,
             True, allow_unused, False, materialize_grads)
        for k in range(count)
    ]
    return tuple([None if column[0] is None else PUBLIC["stack"](column) for column in zip(*results)])


def backward_method(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Accumulate into `.grad` of the leaves the gradients of this tensor; see `headgate.autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, None, inputs)


install_method("backward", backward_method)
