"""Gradients of a fused op by way of ordinary ops: what such an op's rule does under create_graph.

Nothing here knows which op it is.
"""
import cython

if not cython.compiled:
    from headgate.core.apply import apply1, cut_here
    from headgate.core.passes import run_backward
    from headgate.core.records import Tensor
    from headgate.ops.view import ALIAS


def through_ops(inputs: list, grads: list, need: cython.longlong, function: object) -> list:
    """The gradients of the inputs that `need` has bits for, recorded for the next order, None for the others.

    function: from the inputs (tensors or None) to the first of the op's outputs, made of ordinary ops. grads: of the
    op's outputs, None where none arrived.
    """
    captures: dict = {}
    roots: list = []
    arrived: list = []
    given: list = []
    x: Tensor
    i: cython.int
    for i in range(len(inputs)):
        x = inputs[i]
        if x is not None and (need >> i) & 1:
            x = apply1(ALIAS, x, None)  # so that what x was made from stays outside
            if x._node is not None:
                captures[x._node] = {0: None}
        given.append(x)
    outputs: tuple = function(given)
    for i in range(len(outputs)):
        x = outputs[i]
        if grads[i] is not None and x._node is not None:
            roots.append((x._node, x._output))
            arrived.append(grads[i])
    run_backward(roots, arrived, True, True, captures, False, cut_here("freed", "backward"))
    found: list = []
    for i in range(len(given)):
        x = given[i]
        taken: bool = x is not None and (need >> i) & 1 != 0 and x._node is not None
        found.append(captures[x._node][0] if taken else None)
    return found
