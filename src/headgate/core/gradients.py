# built for speed
"""What happens to one gradient on its way: fitted to what it is for, owned or shared, retained, accumulated in a leaf.

Nothing here knows how a pass is run.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import wrap
    from headgate.core.arrays import (
        is_contiguous,
        long_dims,
        meta_matches,
        meta_shape,
        meta_type,
        same_shape,
        same_type,
        shape_of,
        without_gaps,
    )
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE, Vertex, slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.reports import place_of
    from headgate.core.storage import Storage
    from headgate.kernels.reference import copy_into, like_layout

    ndarray = np.ndarray

from headgate import errors


def own(g: Tensor, source: object, number: cython.longlong) -> cython.bint:
    """Whether a result's memory belongs to it alone, and not to the gradient (or one of the list) it came from."""
    item: object
    if isinstance(source, Tensor):
        return cython.cast(Tensor, source)._storage is not g._storage and alone(g, number)
    for item in cython.cast(list, source):
        if item is not None and cython.cast(Tensor, item)._storage is g._storage:
            return False
    return alone(g, number)


def alone(g: Tensor, number: cython.longlong) -> cython.bint:
    """Whether a result is fresh in this pass, handed out once, no view of anything."""
    s: Storage = g._storage
    if s.lent == number or s.memory is not g._array or g._node is not None:
        return False
    s.lent = number
    return True


def retain(hooks: object, output: cython.int, g: Tensor):
    """Keep a gradient in the tensor that asked for it with retain_grad()."""
    reference = hooks.retained.get(output)
    x: Tensor = reference() if reference is not None else None
    if x is None:
        return
    have = x._gradient
    # A copy, contiguous: the gradient itself goes on, perhaps unchanged to another tensor that retains it.
    x._gradient = slots.clone.call1(g, None) if have is None else slots.add.call2(have, g, None)


def fit(n: Node, i: cython.int, v: Vertex, nr: cython.int, value: object) -> Tensor:
    """A gradient in the shape and type of what it is for: summed over broadcast dimensions, cast, or refused."""
    g: Tensor
    x: Tensor
    shape: tuple
    kind: cython.int
    if not isinstance(value, Tensor):
        raise TypeError(errors.FUNCTION_RETURN.format(type=type(value).__name__))
    g = cython.cast(Tensor, value)
    if isinstance(v, Node):
        if meta_matches(cython.cast(Node, v), nr, g._array):
            return g
        shape = meta_shape(cython.cast(Node, v), nr)
        kind = meta_type(cython.cast(Node, v), nr)
    else:
        x = cython.cast(Tensor, v)
        if x._hooks is None and same_shape(x._array, g._array) and same_type(x._array, g._array):
            return g
        shape = shape_of(x._array)
        kind = cython.cast(object, x._array).dtype.num
        if x._hooks is not None and x._hooks.moved and n._order <= x._hooks.moved[0]:
            shape, kind = x._hooks.moved[1], x._hooks.moved[2]
    if shape_of(g._array) != shape:
        if not expandable(shape, shape_of(g._array)):
            raise RuntimeError(errors.BAD_GRADIENT.format(
                node=n.op.full_name(n), index=i, got=list(shape_of(g._array)), expected=list(shape)))
        if grad_enabled():
            g = slots.sum_to.call2(g, shape, None)
        else:
            g = wrap(cython.cast(Op, slots.sum_to).run1(g._array, shape, None))
    if cython.cast(object, g._array).dtype.num != kind:
        g = slots.cast.call2(g, kind, None)
    return g


def places(n: Node) -> list:
    """The inputs that PyTorch's node has an edge for, in order."""
    without: cython.longlong = n.op.edgeless(n)
    return [i for i in range(n.inputs) if not (without >> min(i, 62)) & 1]


def after_hooks(n: Node, results: list, grads: list) -> list:
    """The results as the node's hooks leave them: those see what is handed on, one entry per edge."""
    i: cython.int
    v: Vertex
    kept: list = places(n)
    shown: list = []
    for i in kept:
        v = n.edge(i)
        shown.append(None if v is None or results[i] is None else fit(n, i, v, n.edge_output(i), results[i]))
    changed = n.hooks.run_after(tuple(shown), tuple(grads))
    results = [None] * n.inputs
    for i, item in zip(kept, changed):
        results[i] = item
    return results


def refuse_nan(n: Node, results: list):
    """RuntimeError if a node's results have a NaN."""
    for index, item in enumerate(results):
        if isinstance(item, Tensor) and np.isnan(cython.cast(Tensor, item)._array).any():
            raise RuntimeError(f"Function '{n.op.full_name(n)}' returned nan values in its {index}th output."
                               + place_of(n))


def expandable(shape: tuple, target: tuple) -> bool:
    """Whether a tensor of `shape` could have been broadcast to `target`."""
    if len(shape) > len(target):
        return False
    i: cython.Py_ssize_t
    lead: cython.Py_ssize_t = len(target) - len(shape)
    for i in range(len(shape)):
        if shape[i] != target[lead + i] and shape[i] != 1:
            return False
    return True


def has_layout(g: ndarray, x: ndarray) -> cython.bint:
    """Whether a gradient lies in memory as the leaf that it is for; contiguous, if that has gaps or overlaps."""
    if not same_shape(x, g) and without_gaps(x):  # the leaf was moved since: PyTorch looks at the steps there are
        steps = zip(shape_of(g), cython.cast(object, g).strides, cython.cast(object, x).strides)
        return all([one == other for size, one, other in steps if size != 1])
    if is_contiguous(x) or not without_gaps(x):
        return is_contiguous(g)
    return long_dims(g) == long_dims(x)


def in_layout(x: ndarray, g: ndarray) -> ndarray:
    """Memory for a gradient that is not in the layout of its leaf yet.

    In the leaf's shape, too, where that was moved since (`unsqueeze_` under no_grad), as in PyTorch.
    """
    if not without_gaps(x) or (is_contiguous(x) and same_shape(x, g)):
        return np.empty(shape_of(g), cython.cast(object, g).dtype)
    return like_layout(x, cython.cast(object, g).dtype)


def accumulate(x: Tensor, g: Tensor, mine: cython.bint, create: cython.bint) -> None:
    """Add a gradient to `x.grad`. Its memory is taken over only if it belongs to nobody else."""
    have: Tensor = x._gradient
    if have is None:
        if mine and has_layout(g._array, x._array):
            x._gradient = g
        elif create or not same_shape(x._array, g._array):
            x._gradient = slots.copy.call2(wrap(in_layout(x._array, g._array)), g, INPLACE)
        else:
            x._gradient = wrap(copy_into(in_layout(x._array, g._array), g._array))
    elif create or grad_enabled():
        x._gradient = slots.add.call2(have, g, None)
    else:
        slots.add.call2(have, g, INPLACE)
