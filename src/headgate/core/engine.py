"""The backward pass: vertices in order of creation, newest first, each when all its gradients have arrived.

A pass keeps its state in itself; vertices only carry a claim (pass number, slot), so nested and concurrent passes may
run over one retained graph: a vertex claimed by another live pass is looked up in a table instead. Nothing here knows
any op but the few in the slots.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import edge_of, requires, wrap
    from headgate.core.arrays import is_float, meta_matches, meta_shape, meta_type, same_shape, shape_of
    from headgate.core.modes import grad_enabled, set_grad
    from headgate.core.operators import INPLACE, Vertex, slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.saved import release
    from headgate.core.storage import Cut, Storage
    from headgate.core.reports import stale_history

    ndarray = np.ndarray

from headgate import errors

_passes = 0
_live: set = set()
LEAF_ORDER = 1 << 62


@cython.cclass
class Pass:
    """One backward pass. `captures`: {(vertex, output): index} of wanted gradients, or None to accumulate in leaves."""

    def __init__(self, keep: bool, create: bool, captures: object, accumulate: bool, freed_by: Cut):
        global _passes
        _passes += 1
        self.number = _passes
        self.vertices = []
        self.pending = []
        self.grads = []
        self.owned = []
        self.heap = []
        self.overflow = None
        self.keep = keep
        self.create = create
        self.captures = captures
        self.accumulate = accumulate
        self.useful = None
        self.freed_by = freed_by
        self.told = None

    @cython.cfunc
    def slot_of(self, v: Vertex) -> cython.Py_ssize_t:
        """The slot of a vertex in this pass, or -1 if it has not been met."""
        if v._claim == self.number:
            return v._slot
        if self.overflow is not None:
            return self.overflow.get(v, -1)
        return -1

    @cython.cfunc
    def claim(self, v: Vertex) -> cython.Py_ssize_t:
        """Give a vertex a slot."""
        slot: cython.Py_ssize_t = len(self.vertices)
        if v._claim != 0 and len(_live) > 1 and v._claim in _live:
            if self.overflow is None:
                self.overflow = {}
            self.overflow[v] = slot
        else:
            v._claim = self.number
            v._slot = slot
        self.vertices.append(v)
        self.pending.append(0)
        self.grads.append(None)
        self.owned.append(False)
        return slot

    @cython.cfunc
    def discover(self, roots: list):
        """Meet every vertex below the roots and count how many gradients each will get."""
        stack: list = []
        v: Vertex
        w: Vertex
        n: Node
        i: cython.int
        slot: cython.Py_ssize_t
        for root in roots:
            v = root
            if self.slot_of(v) < 0:
                self.claim(v)
                stack.append(v)
        while stack:
            v = stack.pop()
            if not isinstance(v, Node):
                continue
            n = cython.cast(Node, v)
            for i in range(n.inputs):
                w = n.edge(i)
                if w is None:
                    continue
                slot = self.slot_of(w)
                if slot < 0:
                    slot = self.claim(w)
                    stack.append(w)
                self.pending[slot] = cython.cast(cython.Py_ssize_t, self.pending[slot]) + 1

    @cython.cfunc
    def mark_useful(self):
        """With captures: mark the vertices from which a captured one is reached; others are not computed."""
        v: Vertex
        w: Vertex
        n: Node
        i: cython.int
        self.useful = [False] * len(self.vertices)
        for v in sorted(self.vertices, key=order_of):
            slot = self.slot_of(v)
            if v in self.captures:
                self.useful[slot] = True
            elif isinstance(v, Node):
                n = cython.cast(Node, v)
                for i in range(n.inputs):
                    w = n.edge(i)
                    if w is not None and self.useful[self.slot_of(w)]:
                        self.useful[slot] = True
                        break

    @cython.cfunc
    def add_grad(self, slot: cython.Py_ssize_t, g: Tensor, mine: cython.bint):
        """Add a gradient to what a single-output vertex has got; `mine`: nothing else refers to its memory."""
        have: Tensor = self.grads[slot]
        if have is None:
            self.grads[slot] = g
            self.owned[slot] = mine
        elif self.owned[slot] and not self.create and same_shape(have._array, g._array):
            slots.add.call2(have, g, INPLACE)
        else:
            self.grads[slot] = slots.add.call2(have, g, None)
            self.owned[slot] = not self.create

    @cython.cfunc
    def deliver(self, v: Vertex, nr: cython.int, g: Tensor, mine: cython.bint):
        """Hand a gradient to output `nr` of a vertex."""
        slot: cython.Py_ssize_t = self.slot_of(v)
        box: list
        if not isinstance(v, Node) or cython.cast(Node, v).outputs == 1:
            self.add_grad(slot, g, mine)
            return
        box = self.grads[slot]
        if box is None:
            box = [None] * cython.cast(Node, v).outputs
            self.grads[slot] = box
        have = box[nr]
        box[nr] = g if have is None else slots.add.call2(have, g, None)

    @cython.cfunc
    def ready(self, v: Vertex):
        """Put a vertex into the heap: leaves first, then the newest."""
        heap: list = self.heap
        i: cython.Py_ssize_t = len(heap)
        parent: cython.Py_ssize_t
        order: cython.longlong = rank(v)
        heap.append(v)
        while i > 0:
            parent = (i - 1) >> 1
            if rank(cython.cast(Vertex, heap[parent])) >= order:
                break
            heap[i] = heap[parent]
            i = parent
        heap[i] = v

    @cython.cfunc
    def next_ready(self) -> Vertex:
        """Take the first vertex out of the heap."""
        heap: list = self.heap
        top: Vertex = heap[0]
        last: Vertex = heap.pop()
        count: cython.Py_ssize_t = len(heap)
        i: cython.Py_ssize_t = 0
        child: cython.Py_ssize_t
        order: cython.longlong = rank(last)
        if count == 0:
            return top
        while True:
            child = 2 * i + 1
            if child >= count:
                break
            if child + 1 < count and rank(cython.cast(Vertex, heap[child + 1])) > rank(
                cython.cast(Vertex, heap[child])
            ):
                child += 1
            if rank(cython.cast(Vertex, heap[child])) <= order:
                break
            heap[i] = heap[child]
            i = child
        heap[i] = last
        return top

    @cython.cfunc
    def run(self):
        """Visit every vertex whose gradients are complete until none is left."""
        v: Vertex
        slot: cython.Py_ssize_t
        for slot in range(len(self.vertices)):
            if self.pending[slot] == 0:
                self.ready(cython.cast(Vertex, self.vertices[slot]))
        while self.heap:
            v = self.next_ready()
            slot = self.slot_of(v)
            if isinstance(v, Node):
                self.run_node(cython.cast(Node, v), slot)
            elif self.grads[slot] is not None:
                self.run_leaf(cython.cast(Tensor, v), slot)

    @cython.cfunc
    def run_leaf(self, x: Tensor, slot: cython.Py_ssize_t):
        """A complete gradient has reached a leaf: hooks, then capture or accumulation."""
        g: Tensor = self.grads[slot]
        mine: cython.bint = self.owned[slot]
        self.grads[slot] = None
        if x._hooks is not None:
            changed = x._hooks.run_tensor(0, g)
            mine = mine and changed is g
            g = changed
        if self.captures is not None:
            self.capture(x, 0, g)
            if not self.accumulate or x not in self.captures:
                return
        if not x._wants:
            return
        if x._node is not None:
            raise RuntimeError("leaf variable has been moved into the graph interior")
        accumulate(x, g, mine, self.create)
        if x._hooks is not None:
            for hook in list(x._hooks.accumulated.values()):
                hook(x)

    @cython.cfunc
    def capture(self, v: Vertex, nr: cython.int, g: Tensor):
        """Keep a gradient that was asked for."""
        wanted: dict = self.captures.get(v)
        if wanted is not None and nr in wanted:
            wanted[nr] = g

    @cython.cfunc
    def incoming(self, n: Node, slot: cython.Py_ssize_t) -> list:
        """The gradients that arrived for a node's outputs, after tensor hooks; captures are taken here."""
        have = self.grads[slot]
        grads: list = [have] if n.outputs == 1 else (have if have is not None else [None] * n.outputs)
        i: cython.int
        self.grads[slot] = None
        if n.hooks is not None:
            self.owned[slot] = False
            for i in range(n.outputs):
                if grads[i] is not None:
                    grads[i] = n.hooks.run_tensor(i, grads[i])
                    retain(n.hooks, i, grads[i])
        if self.captures is not None and n in self.captures:
            for i in range(n.outputs):
                if grads[i] is not None:
                    self.capture(n, i, grads[i])
        return grads

    @cython.cfunc
    def run_node(self, n: Node, slot: cython.Py_ssize_t):
        """Pull gradients through a node and hand them on."""
        grads: list
        results: list = None
        need: cython.longlong
        single: object = self.grads[slot]
        if single is not None and (self.useful is None or self.useful[slot]):
            grads = self.incoming(n, slot)
            need = self.need(n)
            if need == 0 and n.inputs <= 62 and self.useful is not None:
                self.distribute(n, None, None, False)  # captured here; what is below is not asked for
                return
            if n.hooks is not None and n.hooks.before:
                grads = list(n.hooks.run_before(tuple(grads)))
            if need != 0 or n.inputs > 62:
                results = n.op.pull_all(n, grads, need)
                if n.hooks is not None and n.hooks.after:
                    results = list(n.hooks.run_after(tuple(results), tuple(grads)))
                if self.told is not None and n in self.told:
                    for finding in self.told.pop(n):
                        stale_history(finding[0], finding[1])
                if n.stale is not None:
                    self.note_stale(n)
            if not self.keep:
                release(n, self.freed_by)
            self.distribute(n, grads, results, n.op.fresh)
            return
        self.distribute(n, None, None, False)

    @cython.cfunc
    def note_stale(self, n: Node):
        """Keep what is stale about a node's inputs until a gradient has passed the vertices they came from."""
        if self.told is None:
            self.told = {}
        for below, write in n.stale:
            self.told.setdefault(below, []).append((n, write))

    @cython.cfunc
    def need(self, n: Node) -> cython.longlong:
        """The mask of a node's inputs for which this pass wants a gradient."""
        mask: cython.longlong = 0
        v: Vertex
        i: cython.int
        if self.useful is None:
            return n.needs
        for i in range(min(n.inputs, 62)):
            v = n.edge(i)
            if v is not None and self.useful[self.slot_of(v)]:
                mask |= cython.cast(cython.longlong, 1) << i
        return mask

    @cython.cfunc
    def distribute(self, n: Node, grads: list, results: list, builtin: cython.bint):
        """Deliver a node's results to its edges; edges without a gradient only count down."""
        i: cython.int
        v: Vertex
        g: Tensor
        r: object
        slot: cython.Py_ssize_t
        left: cython.Py_ssize_t
        mine: cython.bint
        for i in range(n.inputs):
            v = n.edge(i)
            if v is None:
                continue
            slot = self.slot_of(v)
            r = results[i] if results is not None else None
            if r is not None and (self.useful is None or self.useful[slot]):
                g = fit(n, i, v, n.edge_output(i), r)
                mine = builtin and not self.create and own(g, grads, self.number)
                self.deliver(v, n.edge_output(i), g, mine)
            left = cython.cast(cython.Py_ssize_t, self.pending[slot]) - 1
            self.pending[slot] = left
            if left == 0:
                self.ready(v)


def rank(v: Vertex) -> cython.longlong:
    """A vertex's place in the order of a pass: leaves before all, then by creation."""
    if isinstance(v, Node):
        return v._order
    return 4611686018427387904


def order_of(v: Vertex) -> cython.longlong:
    """Sort key for oldest first: leaves are below every node."""
    if isinstance(v, Node):
        return v._order
    return -1


def own(g: Tensor, grads: list, number: cython.longlong) -> cython.bint:
    """Whether a result's memory belongs to it alone: fresh in this step, handed out once, no view of anything."""
    s: Storage = g._storage
    item: object
    if s.lent == number or s.memory is not g._array or g._node is not None:
        return False
    s.lent = number
    for item in grads:
        if item is not None and cython.cast(Tensor, item)._storage is s:
            return False
    return True


def retain(hooks: object, output: cython.int, g: Tensor):
    """Keep a gradient in the tensor that asked for it with retain_grad()."""
    reference = hooks.retained.get(output)
    x: Tensor = reference() if reference is not None else None
    if x is None:
        return
    have = x._gradient
    x._gradient = g if have is None else slots.add.call2(have, g, None)


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
        shape = shape_of(x._array)
        kind = cython.cast(object, x._array).dtype.num
        if x._hooks is not None and x._hooks.moved and n._order <= x._hooks.moved[0]:
            shape, kind = x._hooks.moved[1], x._hooks.moved[2]
    if shape_of(g._array) != shape:
        if not expandable(shape, shape_of(g._array)):
            raise RuntimeError(errors.BAD_GRADIENT.format(
                node=n.op.full_name(n), index=i, got=list(shape_of(g._array)), expected=list(shape)))
        g = slots.sum_to.call2(g, shape, None)
    if cython.cast(object, g._array).dtype.num != kind:
        g = slots.cast.call2(g, kind, None)
    return g


def expandable(shape: tuple, target: tuple) -> bool:
    """Whether a tensor of `shape` could have been broadcast to `target`."""
    if len(shape) > len(target):
        return False
    return all(a == b or a == 1 for a, b in zip(reversed(shape), reversed(target)))


def accumulate(x: Tensor, g: Tensor, mine: cython.bint, create: cython.bint) -> None:
    """Add a gradient to `x.grad`. Its memory is taken over only if it belongs to nobody else."""
    have: Tensor = x._gradient
    if have is None:
        if create:
            x._gradient = g if mine else slots.clone.call1(g, None)
        elif mine and g._array.flags.c_contiguous:
            x._gradient = g
        else:
            x._gradient = wrap(np.array(cython.cast(object, g._array), order="C"))
    elif create or grad_enabled():
        x._gradient = slots.add.call2(have, g, None)
    else:
        slots.add.call2(have, g, INPLACE)


def run_backward(
    roots: list, grads: list, keep: bool, create: bool, captures: object, accumulate_leaves: bool, freed_by: Cut
) -> None:
    """Run a pass from (vertex, output) roots with their gradients; captures are filled in place.

    The mode is restored and the pass forgotten whatever happens, also if a hook or a key press raises.
    """
    work: Pass = Pass(keep, create, captures, accumulate_leaves, freed_by)
    before: bool = grad_enabled()
    i: cython.Py_ssize_t
    _live.add(work.number)
    try:
        set_grad(create)
        work.discover([root[0] for root in roots])
        if captures is not None:
            work.mark_useful()
        for i in range(len(roots)):
            work.deliver(cython.cast(Vertex, roots[i][0]), roots[i][1], grads[i], False)
        work.run()
    finally:
        set_grad(before)
        _live.discard(work.number)
