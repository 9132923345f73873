# built for speed
"""The backward pass: vertices in order of creation, newest first, each when all its gradients have arrived.

A pass keeps its state of a vertex in the vertex that it has claimed; nested and concurrent passes may run over one
retained graph, because a vertex that another live pass has claimed is stood for by a deputy. No op is known here.
"""
import threading

import cython

if not cython.compiled:
    from headgate.core.apply import current_node
    from headgate.core.arrays import same_shape
    from headgate.core.gradients import accumulate, after_hooks, fit, own, refuse_nan, retain
    from headgate.core.modes import grad_state, set_grad_state
    from headgate.core.operators import INPLACE, Vertex, slots
    from headgate.core.queue import Queue
    from headgate.core.records import Node, Tensor
    from headgate.core.reports import stale_history
    from headgate.core.saved import look_at_all, look_first, release
    from headgate.core.stale import passes_stale
    from headgate.core.storage import Cut, plain_fields

from headgate import errors
from headgate.core.saved import ask_once, look_unless_none

_passes = 0
_live: list = []  # the passes that run now: several where a hook or another thread starts one
_anomaly: cython.bint = False
_check_nan: cython.bint = True
_function: object = ()  # the class of custom Functions' ops, which run whatever came and whatever it is for
_running = threading.local()  # .work: the pass whose hooks run in this thread
LEAF_FIRST = 1 << 62  # the order of leaves, which go before every node


@cython.cclass
class Deputy(Vertex):
    """Stands in a pass for a vertex that another live pass has claimed."""


@cython.cclass
class Pass(Queue):
    """One backward pass. `captures`: {vertex: {output: gradient}} to fill, or None to accumulate in leaves.

    Its state of a vertex is in the vertex itself, or in a deputy: how many gradients it waits for, what has arrived (a
    gradient, or a list with one entry per output), whether nothing else refers to the memory of that (`_owned`), and
    whether a captured vertex is reached from here (`_useful`).
    """

    @cython.cfunc
    def begin(
        self, keep: cython.bint, create: cython.bint, captures: object, accumulate: cython.bint, freed_by: Cut
    ) -> object:
        """Set the pass up; it is live from here to `end`."""
        global _passes
        _passes += 1
        self.number = _passes
        self.keep = keep
        self.create = create
        self.captures = captures
        if captures is not None:
            self.met = []
        self.accumulate = accumulate
        self.freed_by = freed_by
        self.before = grad_state()
        self.mode = create
        _live.append(self)
        set_grad_state(create)
        return None

    @cython.cfunc
    def end(self) -> object:
        """Restore the mode and forget the pass."""
        set_grad_state(self.before)
        _live.remove(self)
        return None

    @cython.cfunc
    def state_of(self, v: Vertex) -> Vertex:
        """Where the pass keeps its state of a vertex, or None if it has not been met."""
        if v._claim == self.number:
            return v
        if self.overflow is not None:
            return self.overflow.get(v)
        return None

    @cython.cfunc
    def claim(self, v: Vertex) -> Vertex:
        """Begin with a vertex: where its state is kept."""
        state: Vertex = v
        if v._claim != 0 and len(_live) > 1 and is_live(v._claim):
            deputy: Deputy = Deputy.__new__(Deputy)
            deputy.vertex = v
            deputy._order = v._order
            if self.overflow is None:
                self.overflow = {}
            self.overflow[v] = state = deputy
        state._claim = self.number
        state._pending = 0
        state._owned = False
        state._useful = True
        if not isinstance(v, Node):
            v._order = state._order = LEAF_FIRST
        if self.captures is not None:
            self.met.append(v)
        return state

    @cython.cfunc
    def discover(self, root: Vertex):
        """Meet every vertex below a root and count how many gradients each will get."""
        n: Node
        w: Vertex
        state: Vertex
        below: Vertex
        i: cython.int
        waiting: list = cython.cast(list, None)
        if self.state_of(root) is not None:
            return
        self.claim(root)
        below = root if isinstance(root, Node) else None
        while below is not None:
            n = cython.cast(Node, below)
            below = None
            for i in range(n.inputs):
                w = n.edge0 if i == 0 else n.edge(i)
                if w is None:
                    continue
                state = self.state_of(w)
                if state is None:
                    state = self.claim(w)
                    if state._order != LEAF_FIRST:
                        if below is not None:
                            if waiting is None:
                                waiting = []
                            waiting.append(below)
                        below = w
                state._pending += 1
            if below is None and waiting is not None and len(waiting) > 0:
                below = waiting.pop()

    @cython.cfunc
    def mark_useful(self):
        """With captures: mark the vertices from which a captured one is reached; others are not computed."""
        v: Vertex
        w: Vertex
        state: Vertex
        n: Node
        i: cython.int
        for v in sorted(self.met, key=oldest_first):
            state = self.state_of(v)
            state._useful = v in self.captures
            if state._useful or state._order == LEAF_FIRST:
                continue
            n = cython.cast(Node, v)
            for i in range(n.inputs):
                w = n.edge(i)
                if w is not None and self.state_of(w)._useful:
                    state._useful = True
                    break

    @cython.cfunc
    def abandon(self, roots: list):
        """After an error: let go of the gradients that have arrived in the vertices."""
        v: Vertex
        state: Vertex
        n: Node
        i: cython.int
        waiting: list = [root[0] for root in roots]
        while waiting:
            v = waiting.pop()
            state = None if v is None else self.state_of(v)
            if state is None or state._claim != self.number:
                continue
            state._claim = 0
            state._arrived = None
            if isinstance(v, Node):
                n = cython.cast(Node, v)
                for i in range(n.inputs):
                    waiting.append(n.edge(i))

    @cython.cfunc
    def deliver(self, state: Vertex, v: Vertex, nr: cython.int, g: Tensor, mine: cython.bint):
        """Hand a gradient to output `nr` of a vertex, adding it to what is there."""
        have: Tensor
        if state._order != LEAF_FIRST and cython.cast(Node, v).outputs != 1:
            if state._arrived is None:
                state._arrived = [None] * cython.cast(Node, v).outputs
            have = state._arrived[nr]
            state._arrived[nr] = g if have is None else slots.add.call2(have, g, None)
        elif state._arrived is None:
            state._arrived = g
            state._owned = mine
        else:
            have = cython.cast(Tensor, state._arrived)
            if state._owned and not self.create and same_shape(have._array, g._array):
                slots.add.call2(have, g, INPLACE)
            else:
                state._arrived = slots.add.call2(have, g, None)
                state._owned = not self.create

    @cython.cfunc
    def start(self, root: Vertex):
        """Begin at a root, if it waits for no other root's gradient."""
        state: Vertex = self.state_of(root)
        if state._pending == 0:
            state._pending = -1  # a root may be given twice
            self.ready(state)

    @cython.cfunc
    def run(self):
        """Visit every vertex whose gradients are complete until none is left."""
        state: Vertex
        v: Vertex
        while self.first is not None:
            state = self.first
            self.first = self.pop() if self.heap is not None else None
            v = state
            if isinstance(state, Deputy):
                v = cython.cast(Deputy, state).vertex
            if state._order != LEAF_FIRST:
                if self.is_plain(cython.cast(Node, v)):
                    self.switch(-1)
                    self.run_plain(cython.cast(Node, v), state)
                else:
                    self.switch(0)
                    self.run_node(cython.cast(Node, v), state)
            else:
                self.run_leaf(cython.cast(Tensor, v), state)

    @cython.cfunc
    def switch(self, mode: cython.int):
        """Tell the thread whether its own code runs, or only rules of ops, in which no cut is worth noting."""
        if self.mode != mode and not self.create:
            self.mode = mode
            set_grad_state(mode)

    @cython.cfunc
    def is_plain(self, n: Node) -> cython.bint:
        """Whether nothing but the op's own rule happens at a node: no capture, hook, finding or check."""
        return (
            self.captures is None and n.outputs == 1 and not n.op.together and n.hooks is None and n.stale is None
            and self.told is None and not _anomaly and n.inputs <= 62
        )

    @cython.cfunc
    def run_plain(self, n: Node, state: Vertex):
        """Pull the gradient of a node with one output through it, input by input."""
        i: cython.int
        v: Vertex
        value: object
        g: Tensor = cython.cast(Tensor, state._arrived)
        fresh: cython.bint = n.op.fresh and not self.create
        state._arrived = None
        if n.saved0 is not None and n.saved0.unpack is not None:
            ask_once(n, True)
        if g is not None:
            if n.needs == 0:
                look_at_all(n)
            elif n.op.looks != 0:
                look_first(n)
        else:
            look_unless_none(n, False)  # PyTorch runs the node though no gradient came
        for i in range(n.inputs):
            value = None
            if g is not None and (n.needs >> i) & 1:
                value = n.op.pull(n, g, i)
            v = n.edge0 if i == 0 else n.edge(i)
            if v is not None:
                self.hand_over(n, i, v, value, g, fresh)
        if not self.keep:
            release(n, self.freed_by)
        elif n.saved0 is not None and n.saved0.unpack is not None:
            ask_once(n, False)

    @cython.cfunc
    def run_leaf(self, x: Tensor, state: Vertex):
        """A complete gradient, or None alone, has reached a leaf: hooks, then capture or accumulation.

        None reaches, as in PyTorch, all hooks but those of the gradient itself (of these, hooks of several tensors).
        """
        g: Tensor = cython.cast(Tensor, state._arrived)
        mine: cython.bint = state._owned
        state._arrived = None
        if g is None and (x._hooks is None or self.captures is not None):
            return
        if x._hooks is not None:
            self.switch(0)
            _running.work = self
            g = x._hooks.run_tensor(0, g)
            mine = mine and not x._hooks.tensor  # a hook may have kept it
        if self.captures is not None:
            self.capture(x, 0, g)
            if not self.accumulate or x not in self.captures:
                return
        if x._hooks is not None and x._hooks.before:
            (g,) = x._hooks.run_before((g,))
            mine = False
        if x._root is not None:
            current_node(x)  # a view whose base came to have history is no leaf any more
        if x._node is not None:
            raise RuntimeError("leaf variable has been moved into the graph interior")
        if g is not None and (x._wants or x._root is not None and x.requires_grad):
            accumulate(x, g, mine, self.create)
        if x._hooks is not None:
            x._hooks.run_accumulated(x, g)

    @cython.cfunc
    def capture(self, v: Vertex, nr: cython.int, g: Tensor):
        """Keep a gradient that was asked for."""
        wanted: dict = self.captures.get(v)
        if wanted is not None and nr in wanted:
            wanted[nr] = g

    @cython.cfunc
    def incoming(self, n: Node, state: Vertex, runs: cython.bint) -> list:
        """The gradients that arrived for a node's outputs, after tensor hooks; captures are taken here.

        As in PyTorch, what is captured from a node that runs as well has not been through the hooks.
        """
        grads: list = [state._arrived] if n.outputs == 1 else state._arrived or [None] * n.outputs
        i: cython.int
        state._arrived = None
        if runs and self.captures is not None and n in self.captures:
            self.capture_all(n, grads)
        if n.hooks is not None:
            _running.work = self
            for i in range(n.outputs):
                grads[i] = n.hooks.run_tensor(i, grads[i])
                if grads[i] is not None:
                    retain(n.hooks, i, grads[i])
        if not runs and self.captures is not None and n in self.captures:
            self.capture_all(n, grads)
        return grads

    @cython.cfunc
    def capture_all(self, n: Node, grads: list):
        """Keep the gradients of a node's outputs that were asked for."""
        i: cython.int
        for i in range(n.outputs):
            if grads[i] is not None:
                self.capture(n, i, grads[i])

    @cython.cfunc
    def run_node(self, n: Node, state: Vertex):
        """Pull gradients through a node and hand them on, with all that may be attached to it."""
        grads: list
        results: list = None
        arrived: cython.bint = state._arrived is not None
        need: cython.longlong
        if not state._useful:
            self.distribute(n, None, None)
            return
        need = self.need(n)
        if need == 0 and n.inputs <= 62 and self.captures is not None and not self.accumulate:
            self.incoming(n, state, False)
            self.distribute(n, None, None)  # captured here; what is below is not asked for
            return
        if n.saved0 is not None and n.saved0.unpack is not None:
            ask_once(n, True)
        # PyTorch runs a node that no gradient came to as well: its hooks are called, and what it saved is looked at.
        grads = self.incoming(n, state, need != 0)
        if n.hooks is not None and n.hooks.before:
            _running.work = self
            grads = list(n.hooks.run_before(tuple(grads)))
        if (arrived and (need != 0 or n.inputs > 62)) or (n.op.together and isinstance(n.op, _function)):
            results = self.pull_through(n, grads, need)
        else:
            look_unless_none(n, arrived)
            if n.hooks is not None and n.hooks.after:
                _running.work = self
                results = after_hooks(n, [None] * n.inputs, grads)
        if not self.keep:
            release(n, self.freed_by)
        elif n.saved0 is not None and n.saved0.unpack is not None:
            ask_once(n, False)
        self.distribute(n, grads, results)

    @cython.cfunc
    def pull_through(self, n: Node, grads: list, need: cython.longlong) -> list:
        """The gradients of a node's inputs, after its hooks and what is checked of them."""
        results: list
        if need != n.needs and self.captures is not None and not isinstance(n.op, _function):
            look_at_all(n)  # PyTorch looks at all that was saved, whatever is asked for
        elif n.op.looks != 0 and need != 0:
            look_first(n)
        results = n.op.pull_all(n, grads, need)
        if n.hooks is not None and n.hooks.after:
            results = after_hooks(n, results, grads)
        if _anomaly and _check_nan:
            refuse_nan(n, results)
        if self.told is not None and n in self.told:
            for finding in self.told.pop(n):
                stale_history(finding[0], finding[1])
        if n.stale is not None:
            self.note_stale(n, results)
        return results

    @cython.cfunc
    def note_stale(self, n: Node, results: list):
        """Keep what is stale about a node's inputs until a gradient has passed the vertices they came from."""
        if self.told is None:
            self.told = {}
        for below, write, address in n.stale:
            if self.create or passes_stale(n, below, write, address, results):
                self.told.setdefault(below, []).append((n, write))

    @cython.cfunc
    def need(self, n: Node) -> cython.longlong:
        """The mask of a node's inputs for which this pass wants a gradient."""
        mask: cython.longlong = 0
        v: Vertex
        i: cython.int
        if self.captures is None:
            return n.needs
        for i in range(min(n.inputs, 62)):
            v = n.edge(i)
            if v is not None and self.state_of(v)._useful:
                mask |= cython.cast(cython.longlong, 1) << i
        return mask

    @cython.cfunc
    def distribute(self, n: Node, grads: list, results: list):
        """Deliver a node's results to its edges; edges without a gradient only count down."""
        i: cython.int
        v: Vertex
        fresh: cython.bint = n.op.fresh and not self.create and (n.hooks is None or not n.hooks.after)
        for i in range(n.inputs):
            v = n.edge(i)
            if v is not None:
                self.hand_over(n, i, v, results[i] if results is not None else None, grads, fresh)

    @cython.cfunc
    def hand_over(self, n: Node, i: cython.int, v: Vertex, value: object, source: object, fresh: cython.bint):
        """Deliver what came for input `i` (or None) to its edge `v`, and count down. `source`: what it comes from."""
        g: Tensor
        state: Vertex = self.state_of(v)
        if value is not None and state._useful:
            g = fit(n, i, v, n.edge_output(i), value)
            self.deliver(state, v, n.edge_output(i), g, fresh and own(g, source, self.number))
        state._pending -= 1
        if state._pending == 0:
            self.ready(state)


def anomaly() -> tuple:
    """(whether passes are checked, whether for NaN)."""
    return (bool(_anomaly), bool(_check_nan))


def set_anomaly(on: bool, check_nan: bool) -> None:
    """Switch the checks of passes, in all threads."""
    global _anomaly, _check_nan
    _anomaly, _check_nan = on, check_nan


def set_function(kind: object) -> None:
    """Say which ops are custom Functions."""
    global _function
    _function = kind


def running_pass() -> int:
    """The number of the pass whose hooks run in this thread."""
    work: Pass = _running.work
    return work.number


def will_visit(v: Vertex) -> bool:
    """Whether the pass whose hooks run in this thread has visited, or will visit, a vertex."""
    work: Pass = _running.work
    state: Vertex = work.state_of(v)
    asked: bool = work.captures is not None and not work.accumulate and v in work.captures
    if asked and not isinstance(v, Node):
        raise RuntimeError(errors.LEAF_IN_GRAD)
    return state is not None and state._useful


def is_live(number: cython.longlong) -> cython.bint:
    """Whether the pass of that number still runs."""
    item: object
    for item in _live:
        if cython.cast(Pass, item).number == number:
            return True
    return False


def oldest_first(v: Vertex) -> cython.longlong:
    """Sort key: leaves are below every node."""
    return -1 if v._order == LEAF_FIRST else v._order


if not cython.compiled:
    plain_fields(Deputy, vertex=None)
    plain_fields(Pass, overflow=None, told=None, met=None)
else:
    from headgate.core._pool import adopt

    adopt(Pass)
