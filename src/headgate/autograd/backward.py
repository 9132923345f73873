"""backward and grad: their arguments checked, roots and captures handed to the engine."""
import math
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import current_node, cut_here, edge_of, requires, wrap
    from headgate.core.arrays import count_of, meta_shape, ones_like, shape_of
    from headgate.core.operators import Called, Vertex
    from headgate.core.passes import run_backward, run_from
    from headgate.core.records import Node, Tensor
    from headgate.core.reports import cut_leaf, why_cut

from headgate import errors
from headgate.autograd.nodes import GradientEdge, retain_grad
from headgate.core.declare import install_method
from headgate.core.entry import publish, quicken
from headgate.core.size import Size


def is_one(value: object) -> bool:
    """Whether a value stands for one place in the graph."""
    return isinstance(value, (Tensor, GradientEdge))


def as_tuple(value: object) -> tuple:
    """One place in the graph, or several, as a tuple."""
    return (value,) if is_one(value) else tuple(value)


def gradients_for(value: object, count: int) -> tuple:
    """The gradients given for `count` roots, None for each where none are given."""
    if value is None:
        return (None,) * count
    return (value,) if isinstance(value, Tensor) else tuple(value)


def end_of(item: object) -> tuple:
    """(vertex, output number, shape) of a root or an input; the vertex is None for a tensor without history."""
    x: Tensor
    v: Vertex
    if isinstance(item, Tensor):
        x = cython.cast(Tensor, item)
        current_node(x)  # a look
        v = edge_of(x) if requires(x) else None
        return (v, x._output, shape_of(x._array))
    v = item.node._node
    if isinstance(v, Node):
        return (v, item.output_nr, meta_shape(cython.cast(Node, v), item.output_nr))
    return (v, 0, shape_of(cython.cast(Tensor, v)._array))


def first_gradient(item: object, given: object, index: int) -> object:
    """The gradient to start from at a root: the one given, or 1 for a single element that requires grad."""
    shape: tuple = shape_of(cython.cast(Tensor, item)._array) if isinstance(item, Tensor) else end_of(item)[2]
    if given is None:
        if isinstance(item, Tensor) and not requires(cython.cast(Tensor, item)):
            return None
        if math.prod(shape) != 1:
            raise RuntimeError(errors.NOT_SCALAR)
        return wrap(np.ones(shape, cython.cast(object, cython.cast(Tensor, item)._array).dtype)
                    if isinstance(item, Tensor) else np.ones(shape, np.float32))
    if not isinstance(given, Tensor):
        raise TypeError(errors.GRAD_TYPE.format(type=type(given).__name__))
    if shape_of(cython.cast(Tensor, given)._array) != shape:
        raise RuntimeError(errors.GRAD_SHAPE.format(
            index=index, grad=Size(shape_of(cython.cast(Tensor, given)._array)), output=Size(shape)))
    return given


def starts(tensors: tuple, gradients: tuple) -> tuple:
    """(roots, gradients) for the engine."""
    roots: list = []
    grads: list = []
    for index, (item, given) in enumerate(zip(tensors, gradients)):
        if not is_one(item):
            raise AssertionError("Expected output to be a torch.Tensor")
        grads.append(first_gradient(item, given, index))
    if len(gradients) != len(tensors):
        raise RuntimeError(errors.GRAD_COUNT.format(tensors=len(tensors), gradients=len(gradients)))
    for index, item in enumerate(tensors):
        vertex, output, _ = end_of(item)
        if vertex is None:
            why = why_cut(item) if isinstance(item, Tensor) else ""
            raise RuntimeError(errors.NO_GRAD_FN.format(index=index) + why)
        if vertex is item:
            cut_leaf(item)
        roots.append((vertex, output))
    return roots, grads


def wanted(inputs: tuple) -> dict:
    """{vertex: {output: None}} for the tensors whose gradients are asked for."""
    table: dict = {}
    for item in inputs:
        if not is_one(item):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(item).__name__}")
        if isinstance(item, Tensor) and not requires(cython.cast(Tensor, item)):
            raise RuntimeError(errors.INPUT_NO_GRAD + why_cut(item))
        vertex, output, _ = end_of(item)
        table.setdefault(vertex, {})[output] = None
    return table


def backward(
    tensors: object, grad_tensors: object = None, retain_graph: object = None, create_graph: object = False,
    grad_variables: object = None, inputs: object = None,
) -> None:
    """Accumulate into `.grad` of the leaves the gradients of `tensors` (a tensor or several), times `grad_tensors`.

    Saved values are freed unless `retain_graph` (default: create_graph). With `inputs`, only those get a gradient
    (which they then retain). RuntimeError where a tensor has no history: it names the line that cut it.
    """
    keep: bool = bool(create_graph) if retain_graph is None else bool(retain_graph)
    captures: object = None
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`."
                               " Please only use `grad_tensors`.")
        grad_tensors = grad_variables
    if inputs is not None:
        inputs = as_tuple(inputs)
        if len(inputs) == 0:
            raise RuntimeError(errors.NO_INPUTS)
    tensors = as_tuple(tensors)
    roots, grads = starts(tensors, gradients_for(grad_tensors, len(tensors)))
    if inputs is not None:
        captures = wanted_retained(inputs)
    run_backward(roots, grads, keep, bool(create_graph), captures, True, cut_here("freed", "backward"))


def wanted_retained(inputs: tuple) -> dict:
    """What backward(inputs=) captures; tensors with history keep their gradient from now on, as in PyTorch."""
    for item in inputs:
        if isinstance(item, Tensor):
            current_node(cython.cast(Tensor, item))  # a look: a view whose base came to have history is no leaf
            retain_grad(item)
    return wanted(inputs)


def grad(
    outputs: object, inputs: object, grad_outputs: object = None, retain_graph: object = None,
    create_graph: object = False, only_inputs: object = True, allow_unused: object = None,
    is_grads_batched: object = False, materialize_grads: object = False,
) -> object:
    """The gradients of `outputs` (times `grad_outputs`) with respect to `inputs`, as a tuple; `.grad` is not touched.

    RuntimeError for an input that the outputs do not depend on, unless `allow_unused` (None then) or
    `materialize_grads` (zeros then).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(errors.MATERIALIZE_UNUSED)
    outputs = as_tuple(outputs)
    inputs = as_tuple(inputs)
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
                      "gradient for other parts of the graph, please use torch.autograd.backward.",
                      FutureWarning, stacklevel=2)
    grad_outputs = gradients_for(grad_outputs, len(outputs))
    if is_grads_batched:
        return batched(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    keep: bool = bool(create_graph) if retain_graph is None else bool(retain_graph)
    roots, grads = starts(outputs, grad_outputs)
    if len(inputs) == 0:
        raise RuntimeError(errors.NO_INPUTS.replace("backward", "grad"))
    captures = wanted(inputs)
    run_backward(roots, grads, keep, bool(create_graph), captures, False, cut_here("freed", "autograd.grad"))
    return collected(inputs, captures, bool(allow_unused) or materialize_grads, materialize_grads)


def collected(inputs: tuple, captures: dict, unused: bool, zeros: bool) -> tuple:
    """The captured gradients in the order of the inputs."""
    result: list = []
    for index, item in enumerate(inputs):
        vertex, output, shape = end_of(item)
        g: object = captures[vertex][output]
        if g is None and not unused:
            raise RuntimeError(errors.UNUSED.format(index=index))
        if g is None and zeros:
            given: object = cython.cast(Tensor, item)._array if isinstance(item, Tensor) else None
            g = wrap(np.zeros(shape, "f") if given is None else np.zeros_like(given))
        result.append(g)
    return tuple(result)


def batched(
    outputs: object, inputs: object, grad_outputs: object, retain_graph: object, create_graph: object,
    allow_unused: object, materialize_grads: object,
) -> object:
    """grad for every row of `grad_outputs`, stacked: a loop over rows, where PyTorch maps."""
    from headgate.core.entry import PUBLIC

    for rows in grad_outputs:
        if not isinstance(rows, Tensor):
            raise TypeError(errors.GRAD_TYPE.format(type=type(rows).__name__))
    rows = grad_outputs
    count = rows[0].shape[0]
    results = [
        grad(outputs, inputs, tuple([row[k] for row in rows]), True if k < count - 1 else retain_graph, create_graph,
             True, allow_unused, False, materialize_grads)
        for k in range(count)
    ]
    return tuple([None if column[0] is None else PUBLIC["stack"](column) for column in zip(*results)])


@cython.cclass
class PlainBackward(Called):
    """What nearly every training step does, `loss.backward()`, without the detours for several roots."""

    @cython.cfunc
    def call1(self, item: object, out: object) -> object:
        x: Tensor
        if not isinstance(item, Tensor):
            return NotImplemented
        x = cython.cast(Tensor, item)
        if x._root is not None or x._node is None or count_of(x._array) != 1:
            return NotImplemented
        run_from(x._node, x._output, wrap(ones_like(x._array)), cut_here("freed", "backward"))
        return None


def backward_method(
    self: object, gradient: object = None, retain_graph: object = None, create_graph: object = False,
    inputs: object = None,
) -> None:
    """Accumulate into `.grad` of the leaves the gradients of this tensor; see `headgate.autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, None, inputs)


quicken(install_method("backward", backward_method), PlainBackward(), 1)
# Entries, so that modes and subclasses are asked about them as in PyTorch.
backward = publish("autograd.backward", backward)
grad = publish("autograd.grad", grad)
