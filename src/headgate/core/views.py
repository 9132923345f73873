# built for speed
"""How views and their base keep one history: views of a written base are regenerated, writes to a view rebase its base.

A view remembers the steps (op and attributes) that lead to it from its root; both directions replay them. Nothing
here knows any particular view op.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import add_edge, apply1, begin_node, edge_of, keep_retaining, requires, set_history
    from headgate.core.arrays import set_meta, shape_of
    from headgate.core.operators import INPLACE, slots
    from headgate.core.records import CUSTOM_VIEW, MULTI_VIEW, NO_GRAD_VIEW, RETAINS, Node, Op, Tensor
    from headgate.core.saved import drop_saved, look_first
    from headgate.core.stale import watch_stale

    ndarray = np.ndarray

from headgate.core.apply import set_refresh
from headgate.core.reports import second_backward

FIXED: cython.int = MULTI_VIEW | NO_GRAD_VIEW | CUSTOM_VIEW
MOVED: cython.int = 256  # flag of a root that sees its memory otherwise, or other memory, since it was made


def _no_strides(view: Tensor) -> tuple:
    raise RuntimeError("headgate.ops.strided is not loaded")


_by_strides = _no_strides  # filled by `ops.strided`: the single step that leads to a view by its place in memory


def set_by_strides(function: object) -> None:
    """Fill the slot through which views of a moved root are found."""
    global _by_strides
    _by_strides = function


def steps_of(view: Tensor) -> tuple:
    """The steps from a view's root to it: op, attributes, op, attributes ..."""
    if (view._flags | view._root._flags) & MOVED:  # the steps led from what the root was, or to what the view was
        return cython.cast(tuple, _by_strides(view))
    steps: list = [view._step_attrs, view._step]
    before: tuple = view._before
    while before is not None:
        steps.append(before[2])
        steps.append(before[1])
        before = before[0]
    steps.reverse()
    return tuple(steps)


def replay(steps: tuple, x: Tensor) -> Tensor:
    """The view of `x` that the steps lead to."""
    i: cython.int
    for i in range(0, len(steps), 2):
        x = apply1(cython.cast(Op, steps[i]), x, steps[i + 1])
    return x


@cython.cclass
class AsStrided(Op):
    """The history of a view whose base was written after the view was made: all steps in one node.

    attrs: (steps, the shapes before each step, the root's strides as `layout_of` tells them). PyTorch regenerates
    such a view as an as_strided of its base; the node carries that name.
    """

    def __init__(self):
        super().__init__()
        self.name = "as_strided"
        self.node_name = "AsStridedBackward0"
        self.type_name = "AsStridedBackward"

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        steps, shapes, layout = n.attrs
        k: cython.int
        one: Node
        for k in range(len(shapes) - 1, -1, -1):
            one = Node.__new__(Node)
            one.op = cython.cast(Op, steps[2 * k])
            one.attrs = steps[2 * k + 1]
            one.inputs = one.needs = 1
            one.shapes = (shapes[k],)
            g = one.op.pull_all(one, [g], 1)[0]
        if layout is not None or not cython.cast(object, g._array).flags.c_contiguous:  # in the root's layout
            g = slots.clone.call1(g, None) if layout is None else slots.clone.call2(g, layout, None)
        return g


AS_STRIDED = AsStrided()


def refresh(view: Tensor) -> None:
    """Bring a view's node up to date after its base was written."""
    root: Tensor = view._root
    n: Node
    op: Op
    i: cython.int
    steps: tuple
    shapes: list = []
    array: ndarray = root._array
    if view._node is None and not requires(root):
        return  # asked again next time: the root may come to require grad
    if view._flags & FIXED:
        return  # it cannot follow: told when a gradient is to pass it
    steps = steps_of(view)
    for i in range(0, len(steps), 2):
        shapes.append(shape_of(array))
        op = cython.cast(Op, steps[i])
        if i + 2 < len(steps):
            array = op.run1(array, steps[i + 1], None)
    n = begin_node(cython.cast(Op, AS_STRIDED), (steps, tuple(shapes), layout_of(root._array)), 1)
    if requires(root):
        add_edge(n, 0, root)
    set_meta(n, view._array)
    if view._flags & RETAINS:
        keep_retaining(view, n, 0)
    view._node = n
    view._output = 0
    view._history = view._counter.count


set_refresh(refresh)


@cython.cclass
class CopySlices(Op):
    """The history of a base after a view of it was written in place.

    attrs: (the node of the op that wrote, the steps from the base to the view, the base's strides in bytes if it is
    not contiguous). Input 0 is the base as it was, the
    others are the writing op's further inputs.
    """

    def __init__(self):
        super().__init__()
        self.name = "copy_slices"
        self.node_name, self.type_name = "torch::autograd::CopySlices", "CopySlices"
        self.together = True

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if n.freed:
            raise RuntimeError(second_backward(n))
        if grads[0] is None:
            return [None] * n.inputs
        return self.pull_slices(n, grads[0], need)

    @cython.cfunc
    def pull_slices(self, n: Node, g: Tensor, need: cython.longlong) -> list:
        inner: Node = n.attrs[0]
        if inner.op.looks != 0:
            look_first(inner)
        # In the base's own layout, or a view of it could not be made of the copy.
        whole: Tensor = slots.clone.call1(g, None) if n.attrs[2] is None else slots.clone.call2(g, n.attrs[2], None)
        part: Tensor = replay(n.attrs[1], whole)
        # The view's own gradient is asked of the op only if the op's input had one and the base's is wanted.
        need = (need & ~1) | (need & inner.needs & 1)
        results: list = inner.op.pull_all(inner, [slots.clone.call1(part, None)], need)
        if need & 1:
            slots.copy.call2(part, results[0] if results[0] is not None else 0.0, INPLACE)
            results[0] = whole
        return results

    @cython.cfunc
    def edgeless(self, n: Node) -> cython.longlong:
        return cython.cast(Node, n.attrs[0]).op.edgeless(n.attrs[0])

    @cython.cfunc
    def forget(self, n: Node) -> cython.bint:
        inner: Node = n.attrs[0]
        inner.op.forget(inner)
        drop_saved(inner)
        inner.freed = True
        return True


COPY_SLICES = CopySlices()


def layout_of(a: ndarray) -> object:
    """The strides of an array that is not contiguous; else None."""
    return None if cython.cast(object, a).flags.c_contiguous else cython.cast(object, a).strides


def rebase_root(view: Tensor, inner: Node):
    """Make the write that `inner` recorded on `view` part of the history of the view's root, then of the view."""
    root: Tensor = view._root
    n: Node = begin_node(cython.cast(Op, COPY_SLICES), (inner, steps_of(view), layout_of(root._array)), inner.inputs)
    n._code, n._lasti = inner._code, inner._lasti
    n.needs = inner.needs & ~1
    n.edge1, n.nr1, n.more = inner.edge1, inner.nr1, inner.more
    if root._node is not None or root._wants:
        n.edge0, n.nr0 = edge_of(root), root._output
        n.needs |= 1
    if inner.stale is not None:  # of what the write read; for the view, its root is marked
        n.stale = tuple([found for found in inner.stale if found[0] is not view._node])
    watch_stale(n, root, 1)
    set_meta(n, root._array)
    root._wants = False
    set_history(root, n, 0)
    view._history = -1
    refresh(view)
