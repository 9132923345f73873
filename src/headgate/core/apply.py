# built for speed
"""The one road from a call to its result: run the op on arrays, wrap the result, record it if a gradient may pass.

`apply1` and `apply2` are the short forms for one and two tensors, `apply` takes any number of tensors, Python
numbers and Nones. Writing into an existing tensor is in `inplace`; how a view follows its base in `views`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.arrays import is_float, set_meta
    from headgate.core.modes import grad_enabled, grad_state, inference_enabled
    from headgate.core.operators import Vertex
    from headgate.core.records import (
        CUSTOM_VIEW,
        INFERENCE,
        INFERENCE_VIEW,
        MULTI_VIEW,
        NO_GRAD_VIEW,
        OUT,
        RETAINS,
        Node,
        Op,
        Tensor,
        track,
    )
    from headgate.core.reports import cut_of
    from headgate.core.saved import save_input, save_number, save_output
    from headgate.core.site import mark
    from headgate.core.stale import watch_stale
    from headgate.core.storage import Cut, Storage
    from headgate.core.writes import refuse_view

    ndarray = np.ndarray

from headgate.core.hooks import Hooks

order = 0


def _no_views(x: Tensor) -> None:
    raise RuntimeError("headgate.core.views is not loaded")


refresh_view = _no_views  # filled by `views`: brings the node of a view whose base was written up to date


def set_refresh(function: object) -> None:
    """Fill the slot through which `views` serves this module."""
    global refresh_view
    refresh_view = function


def wrap(array: object) -> Tensor:
    """A new tensor, without history, that owns `array`."""
    t: Tensor = Tensor.__new__(Tensor)
    s: Storage = Storage.__new__(Storage)
    a: ndarray = array if isinstance(array, ndarray) else np.asarray(array)
    s.memory = a
    t._array = a
    t._storage = s
    t._counter = s
    if inference_enabled():
        t._flags = INFERENCE
    return t


def wrap_view(op: Op, x: Tensor, attrs: object, array: ndarray) -> Tensor:
    """A tensor over (part of) the memory of `x`, remembering the steps that lead to it from the root."""
    t: Tensor = Tensor.__new__(Tensor)
    t._array = array
    t._storage = x._storage
    t._counter = x._counter
    if x._flags & INFERENCE:  # nobody will follow how it was made
        t._flags = INFERENCE
        return t
    t._step = op
    t._step_attrs = attrs
    track(t)  # a base may refer to its view in an attribute
    t._flags = x._flags & ~2  # RETAINS
    if x._root is None:
        t._root = x
    else:
        t._root = x._root
        t._before = (x._before, x._step, x._step_attrs)
    if not grad_enabled():  # how a view was made replaces how the one before it was, as in PyTorch
        t._flags = t._flags & ~(MULTI_VIEW | CUSTOM_VIEW | INFERENCE_VIEW) | NO_GRAD_VIEW
        if inference_enabled():
            t._flags |= INFERENCE_VIEW
    t._history = x._counter.count
    return t


def wrap_over(array: ndarray, x: Tensor) -> Tensor:
    """A gradient that is a view of another: the memory of `x` without the view's steps, which nobody will follow."""
    t: Tensor = Tensor.__new__(Tensor)
    t._array, t._storage, t._counter = array, x._storage, x._counter
    return t


def requires(x: Tensor) -> bool:
    """Whether a gradient is wanted for `x`; its view relation is brought up to date first, where one is recorded."""
    if x._root is None:
        return x._wants or x._node is not None
    if x._history != x._counter.count and grad_enabled():
        refresh_view(x)
    return x._wants or x._node is not None or requires(x._root)


def current_node(x: Tensor) -> Node:
    """The node that made `x`, up to date also if its base was written."""
    if x._root is not None and x._history != x._counter.count:
        refresh_view(x)
        check_followed(x)
    return x._node


def check_followed(x: Tensor):
    """Refuse a view whose base was written if its kind cannot follow: made under no_grad, one of several, custom."""
    if x._history != x._counter.count and x._flags & (MULTI_VIEW | NO_GRAD_VIEW | CUSTOM_VIEW):
        if x._node is not None or requires(x._root):
            refuse_view(x, True)


def see_all(op: Op, inputs: tuple):
    """Refuse the views among the inputs that cannot follow their base."""
    item: object
    if not op.differentiable or not grad_enabled():
        return
    for item in inputs:
        if isinstance(item, Tensor) and cython.cast(Tensor, item)._root is not None:
            if requires(cython.cast(Tensor, item)):
                check_followed(cython.cast(Tensor, item))


def run_seeing(op: Op, inputs: tuple, attrs: object) -> object:
    """Run an op; what it refuses comes after views that cannot follow their base, as in PyTorch."""
    failed: object
    try:
        return op.run(arrays_of(inputs), attrs, None)
    except Exception as error:
        failed = error
    see_all(op, inputs)
    raise failed


def edge_of(x: Tensor) -> Vertex:
    """Where a gradient for `x` goes: its node, `x` itself if it is a leaf that wants one, or nowhere.

    A view made under no_grad of a tensor that requires grad says that it does, and has nowhere to send one, as in
    PyTorch.
    """
    if x._root is not None:
        check_followed(x)
    if x._node is not None:
        return x._node
    if x._wants:
        return x
    return None


def begin_node(op: Op, attrs: object, inputs: cython.int) -> Node:
    """A node without edges yet, numbered and placed."""
    global order
    n: Node = Node.__new__(Node)
    order += 1
    n.op = op
    n.attrs = attrs
    n.inputs = inputs
    n.outputs = 1
    n._order = order
    mark(n)
    return n


def add_edge(n: Node, i: cython.int, x: Tensor):
    """Join input 0 or 1 of a node to `x` (which requires grad)."""
    v: Vertex = edge_of(x)
    if v is None:
        # PyTorch saves for an op of one input also where its gradient goes nowhere, and then looks at what it saved.
        if n.inputs < 62 and (n.op.edgeless(n) | 1 << i) & (1 << n.inputs) - 1 == (1 << n.inputs) - 1:
            n.needs |= 1 << i
        return
    if i == 0:
        n.edge0 = v
        n.nr0 = x._output
    else:
        n.edge1 = v
        n.nr1 = x._output
    n.needs |= cython.cast(cython.longlong, 1) << i
    if x._node is not None:
        watch_stale(n, x, 0)


def finish_node(n: Node, y: Tensor):
    """Make `n` the history of its single output `y`."""
    set_meta(n, y._array)
    y._node = n
    y._history = y._counter.count
    y._history_writes = y._storage.writes


def set_history(x: Tensor, n: Node, output: cython.int):
    """Make output `output` of `n` the history of `x`, which is up to date with every write so far."""
    if x._flags & RETAINS:
        keep_retaining(x, n, output)
    if x._node is None and x._hooks is not None:
        x._hooks.tensor = {}  # of the leaf that it was
    x._node = n
    x._output = output
    x._history = x._counter.count
    x._history_writes = x._storage.writes


def keep_retaining(x: Tensor, n: Node, output: cython.int):
    """Let a tensor that retains its gradient do so at the node that becomes its history."""
    if x._node is None or x._node.hooks is None or x._node is n:
        return
    if n.hooks is None:
        n.hooks = Hooks()
    x._node.hooks.move_retained(x._output, n.hooks, output)


def apply1(op: Op, x: Tensor, attrs: object) -> Tensor:
    """Apply an op of one tensor."""
    array = op.run1(x._array, attrs, None) if x._root is None else run_seeing(op, (x,), attrs)
    y: Tensor = wrap_view(op, x, attrs, array) if op.view else wrap(array)
    n: Node
    mask: cython.longlong
    if not requires(x):
        y._cut = cut_of(x)
        return y
    if not grad_enabled() or not op.differentiable or not is_float(y._array):
        note_cut(y, x, op)
        return y
    n = begin_node(op, attrs, 1)
    add_edge(n, 0, x)
    finish_node(n, y)
    if op.shapes:
        n.shapes = (cython.cast(object, x._array).shape,)
    mask = op.needed(n)
    if mask & 1:
        save_input(n, 0, x)
    if mask & 65536:  # 1 << OUT
        save_output(n, OUT, y)
    return y


def apply2(op: Op, x: Tensor, y: Tensor, attrs: object) -> Tensor:
    """Apply an op of two tensors."""
    z: Tensor
    if x._root is None and y._root is None:
        z = wrap(op.run2(x._array, y._array, attrs, None))
    else:
        z = wrap(run_seeing(op, (x, y), attrs))
    n: Node
    mask: cython.longlong
    rx: cython.bint = requires(x)
    ry: cython.bint = requires(y)
    if not rx and not ry:
        z._cut = telling(cut_of(x), cut_of(y))
        return z
    if not grad_enabled() or not op.differentiable or not is_float(z._array):
        note_cut(z, x if rx else y, op)
        return z
    n = begin_node(op, attrs, 2)
    if rx:
        add_edge(n, 0, x)
    if ry:
        add_edge(n, 1, y)
    finish_node(n, z)
    if op.shapes:
        n.shapes = (cython.cast(object, x._array).shape, cython.cast(object, y._array).shape)
    mask = op.needed(n) if n.needs else op.reads0 & op.reads1
    if mask & 1:
        save_input(n, 0, x)
    if mask & 2:
        save_input(n, 1, y)
    if mask & 65536:
        save_output(n, OUT, z)
    return z


def apply2n(op: Op, x: object, y: object, attrs: object) -> Tensor:
    """Apply an op of two operands of which one is a Python number."""
    first: cython.bint = isinstance(x, Tensor)
    t: Tensor = x if first else y
    z: Tensor
    n: Node
    mask: cython.longlong
    z = wrap(op.run2(t._array if first else x, y if first else t._array, attrs, None))
    if not requires(t):
        z._cut = cut_of(t)
        return z
    if not grad_enabled() or not op.differentiable or not is_float(z._array):
        note_cut(z, t, op)
        return z
    n = begin_node(op, attrs, 2)
    add_edge(n, 0 if first else 1, t)
    finish_node(n, z)
    mask = op.needed(n) if n.needs else op.reads0 & op.reads1
    if first:
        if mask & 1:
            save_input(n, 0, t)
        if mask & 2:
            save_number(n, 1, y)
    else:
        if mask & 1:
            save_number(n, 0, x)
        if mask & 2:
            save_input(n, 1, t)
    if mask & 65536:
        save_output(n, OUT, z)
    return z


def arrays_of(inputs: tuple) -> tuple:
    """The arrays behind the tensors among the inputs; other inputs as they are."""
    return tuple([cython.cast(Tensor, item)._array if isinstance(item, Tensor) else item for item in inputs])


def apply(op: Op, inputs: tuple, attrs: object) -> object:
    """Apply an op of any number of inputs and outputs: a Tensor, or a tuple of them."""
    result = run_seeing(op, inputs, attrs)
    return finish(op, inputs, attrs, result)


def finish(op: Op, inputs: tuple, attrs: object, result: object) -> object:
    """Wrap what `run` gave and record the call."""
    n: Node = None
    y: Tensor
    x: Tensor = first_requiring(inputs)
    outputs: list
    k: cython.int
    many: cython.bint = isinstance(result, tuple)
    if not op.view:
        outputs = [wrap(a) for a in (result if many else (result,))]
    else:
        outputs = view_outputs(op, inputs[0], attrs, result) if many else [wrap_view(op, inputs[0], attrs, result)]
    if x is not None and grad_enabled() and op.differentiable:
        n = record(op, inputs, attrs)
        n.outputs = counted(outputs)
        if n.outputs != 1:
            n.metas = tuple([(cython.cast(object, y._array).shape, cython.cast(object, y._array).dtype.num)
                             for y in outputs])
        else:
            set_meta(n, cython.cast(Tensor, outputs[0])._array)
        for k in range(len(outputs)):
            y = outputs[k]
            if is_float(y._array):
                set_history(y, n, k)
        save_inputs(n, inputs)
        save_outputs(n, outputs)
    else:
        for y in outputs:
            if x is not None:
                note_cut(y, x, op)
            else:
                y._cut = first_cut(inputs)
    return tuple(outputs) if many else outputs[0]


def counted(outputs: list) -> int:
    """How many outputs a node has: whole numbers (indices) come last, and PyTorch's node does not know them."""
    k: cython.int = len(outputs)
    while k > 1 and not is_float(cython.cast(Tensor, outputs[k - 1])._array):
        k -= 1
    return k


def view_outputs(op: Op, x: Tensor, attrs: object, arrays: tuple) -> list:
    """Sibling views of one tensor; PyTorch forbids writing to them in place."""
    outputs: list = []
    k: cython.int
    t: Tensor
    for k in range(len(arrays)):
        step = op.part(attrs, k)
        t = wrap_view(step[0], x, step[1], arrays[k])
        if grad_enabled():
            t._flags = t._flags & ~(NO_GRAD_VIEW | CUSTOM_VIEW | INFERENCE_VIEW) | MULTI_VIEW
        outputs.append(t)
    return outputs


def first_requiring(inputs: tuple) -> Tensor:
    """The first tensor among the inputs for which a gradient is wanted."""
    item: object
    for item in inputs:
        if isinstance(item, Tensor) and requires(cython.cast(Tensor, item)):
            return cython.cast(Tensor, item)
    return None


def first_cut(inputs: tuple) -> Cut:
    """The most telling reason among the inputs' why there is no history."""
    item: object
    found: Cut = None
    for item in inputs:
        if isinstance(item, Tensor):
            found = telling(found, cut_of(cython.cast(Tensor, item)))
    return found


def telling(first: Cut, second: Cut) -> Cut:
    """Of two reasons the first, unless it only says that a tensor never had history and the other tells of a cut."""
    if first is None or (second is not None and first.kind == "leaf"):
        return second
    return first


def record(op: Op, inputs: tuple, attrs: object) -> Node:
    """A node with the edges of all inputs; what it saves is decided by `save_inputs` and `save_outputs`."""
    n: Node = begin_node(op, attrs, len(inputs))
    more: list = []
    item: object
    x: Tensor
    i: cython.int
    for i in range(len(inputs)):
        item = inputs[i]
        if not isinstance(item, Tensor) or not requires(cython.cast(Tensor, item)):
            if i > 1:
                more.extend((None, 0))
            continue
        x = cython.cast(Tensor, item)
        if i < 2:
            add_edge(n, i, x)
            continue
        more.extend((edge_of(x), x._output))
        if i < 62 and edge_of(x) is not None:
            n.needs |= cython.cast(cython.longlong, 1) << i
        if x._node is not None:
            watch_stale(n, x, 0)
    if more:
        n.more = tuple(more)
    if op.shapes:
        n.shapes = tuple([cython.cast(object, cython.cast(Tensor, item)._array).shape
                          if isinstance(item, Tensor) else () for item in inputs])
    return n


def shared(op: Op) -> object:
    """Bits of the values that PyTorch saves though no input's gradient goes anywhere: what several of them read."""
    seen: object = 0
    twice: object = 0
    for reads in op.reads:
        twice |= seen & reads
        seen |= reads
    return twice


def save_inputs(n: Node, inputs: tuple):
    """Save the inputs that the op's wanted gradients read. An in-place op does so before it writes."""
    mask: cython.longlong = n.op.needed(n) if n.needs else shared(n.op)
    i: cython.int
    if mask & 65535 == 0:
        return
    for i in range(min(len(inputs), OUT)):
        if (mask >> i) & 1:
            if isinstance(inputs[i], Tensor):
                save_input(n, i, inputs[i])
            elif inputs[i] is not None:
                save_number(n, i, inputs[i])


def save_outputs(n: Node, outputs: list):
    """Save the outputs that the op's wanted gradients read."""
    mask: cython.longlong = n.op.needed(n) if n.needs else shared(n.op)
    i: cython.int
    if mask >> OUT == 0:
        return
    for i in range(len(outputs)):
        if (mask >> (OUT + i)) & 1:
            save_output(n, OUT + i, outputs[i])


def last_order() -> int:
    """The number of the latest node."""
    return order


def cut_here(kind: str, what: str) -> Cut:
    """A record of why history ends at the running place."""
    c: Cut = Cut.__new__(Cut)
    c.kind = kind
    c.what = what
    mark(c)
    return c


def note_cut(y: Tensor, x: Tensor, op: Op):
    """Remember why `y` has no history although `x`, which it was made from, requires grad."""
    if grad_state() < 0:
        return  # a gradient is pulled: that it has no history is no cut of the user's
    if not op.differentiable or not is_float(y._array):
        y._cut = cut_here("integer" if not is_float(y._array) else "constant", op.name)
    else:
        y._cut = cut_here("inference" if inference_enabled() else "no_grad", op.name)
