"""The backward pass: vertices in order of creation, newest first, each when all its gradients have arrived.

A pass keeps its state in itself; vertices only carry a claim (pass number, slot), so nested and concurrent passes may
run over one retained graph: a vertex claimed by another live pass is looked up in a table instead. Nothing here knows
any op but the few in the slots.
"""
import threading

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import requires
    from headgate.core.arrays import same_shape
    from headgate.core.gradients import accumulate, after_hooks, fit, own, retain
    from headgate.core.modes import grad_enabled, set_grad
    from headgate.core.operators import INPLACE, Vertex, slots
    from headgate.core.records import Node, Tensor
    from headgate.core.reports import place_of, stale_history
    from headgate.core.saved import look_at_all, release
    from headgate.core.storage import Cut, plain_fields

from headgate import errors

_passes = 0
_live: list = []  # the passes that run now: several where a hook or another thread starts one
_anomaly: cython.bint = False
_check_nan: cython.bint = True
_running = threading.local()  # .work: the pass whose hooks run in this thread
LEAF_FIRST = 1 << 62  # the order of leaves, which go before every node


@cython.cclass
class Task:
    """A vertex in a pass: how many gradients it still waits for, and what has arrived.

    `grad` for a single output, `box` (one entry per output) for several. `owned`: nothing else refers to the memory of
    `grad`. `useful`: a captured vertex is reached from here.
    """


@cython.cclass
class Pass:
    """One backward pass. `captures`: {vertex: {output: gradient}} to fill, or None to accumulate in leaves."""

    @cython.cfunc
    def begin(
        self, keep: cython.bint, create: cython.bint, captures: object, accumulate: cython.bint, freed_by: Cut
    ) -> object:
        """Set the pass up; it is live from here to `end`."""
        global _passes
        _passes += 1
        self.number = _passes
        self.tasks = []
        self.heap = []
        self.overflow = cython.cast(dict, None)
        self.told = cython.cast(dict, None)
        self.keep = keep
        self.create = create
        self.captures = captures
        self.accumulate = accumulate
        self.freed_by = freed_by
        self.before = grad_enabled()
        _live.append(self)
        set_grad(create)
        return None

    @cython.cfunc
    def end(self) -> object:
        """Restore the mode and forget the pass."""
        set_grad(self.before)
        _live.remove(self)
        return None

    @cython.cfunc
    def task_of(self, v: Vertex) -> Task:
        """The task of a vertex, or None if it has not been met."""
        if v._claim == self.number:
            return cython.cast(Task, self.tasks[v._slot])
        if self.overflow is not None:
            return self.overflow.get(v)
        return None

    @cython.cfunc
    def claim(self, v: Vertex) -> Task:
        """Give a vertex a task."""
        task: Task = Task.__new__(Task)
        task.vertex = v
        task.order = v._order if isinstance(v, Node) else LEAF_FIRST
        task.useful = True
        if v._claim != 0 and len(_live) > 1 and is_live(v._claim):
            if self.overflow is None:
                self.overflow = {}
            self.overflow[v] = task
        else:
            v._claim = self.number
            v._slot = len(self.tasks)
        self.tasks.append(task)
        return task

    @cython.cfunc
    def discover(self, roots: list):
        """Meet every vertex below the roots and count how many gradients each will get."""
        task: Task
        w: Vertex
        n: Node
        i: cython.int
        at: cython.Py_ssize_t = 0
        for root in roots:
            if self.task_of(root[0]) is None:
                self.claim(root[0])
        while at < len(self.tasks):
            task = cython.cast(Task, self.tasks[at])
            at += 1
            if task.order == LEAF_FIRST:
                continue
            n = cython.cast(Node, task.vertex)
            for i in range(n.inputs):
                w = n.edge(i)
                if w is None:
                    continue
                task = self.task_of(w)
                if task is None:
                    task = self.claim(w)
                task.pending += 1

    @cython.cfunc
    def mark_useful(self):
        """With captures: mark the vertices from which a captured one is reached; others are not computed."""
        task: Task
        w: Vertex
        n: Node
        i: cython.int
        for task in sorted(self.tasks, key=oldest_first):
            task.useful = task.vertex in self.captures
            if task.useful or task.order == LEAF_FIRST:
                continue
            n = cython.cast(Node, task.vertex)
            for i in range(n.inputs):
                w = n.edge(i)
                if w is not None and self.task_of(w).useful:
                    task.useful = True
                    break

    @cython.cfunc
    def deliver(self, task: Task, nr: cython.int, g: Tensor, mine: cython.bint):
        """Hand a gradient to output `nr` of a vertex, adding it to what is there."""
        have: Tensor = task.grad
        if task.order != LEAF_FIRST and cython.cast(Node, task.vertex).outputs != 1:
            if task.box is None:
                task.box = [None] * cython.cast(Node, task.vertex).outputs
            have = task.box[nr]
            task.box[nr] = g if have is None else slots.add.call2(have, g, None)
        elif have is None:
            task.grad = g
            task.owned = mine
        elif task.owned and not self.create and same_shape(have._array, g._array):
            slots.add.call2(have, g, INPLACE)
        else:
            task.grad = slots.add.call2(have, g, None)
            task.owned = not self.create

    @cython.cfunc
    def ready(self, task: Task):
        """Put a task into the heap: leaves first, then the newest node."""
        heap: list = self.heap
        i: cython.Py_ssize_t = len(heap)
        parent: cython.Py_ssize_t
        heap.append(task)
        while i > 0:
            parent = (i - 1) >> 1
            if cython.cast(Task, heap[parent]).order >= task.order:
                break
            heap[i] = heap[parent]
            i = parent
        heap[i] = task

    @cython.cfunc
    def next_ready(self) -> Task:
        """Take the first task out of the heap."""
        heap: list = self.heap
        top: Task = heap[0]
        last: Task = heap.pop()
        count: cython.Py_ssize_t = len(heap)
        i: cython.Py_ssize_t = 0
        child: cython.Py_ssize_t
        if count == 0:
            return top
        while True:
            child = 2 * i + 1
            if child >= count:
                break
            if child + 1 < count and (
                cython.cast(Task, heap[child + 1]).order > cython.cast(Task, heap[child]).order
            ):
                child += 1
            if cython.cast(Task, heap[child]).order <= last.order:
                break
            heap[i] = heap[child]
            i = child
        heap[i] = last
        return top

    @cython.cfunc
    def run(self):
        """Visit every vertex whose gradients are complete until none is left."""
        task: Task
        for task in self.tasks:
            if task.pending == 0:
                self.ready(task)
        while self.heap:
            task = self.next_ready()
            if task.order != LEAF_FIRST:
                self.run_node(cython.cast(Node, task.vertex), task)
            elif task.grad is not None:
                self.run_leaf(cython.cast(Tensor, task.vertex), task)

    @cython.cfunc
    def run_leaf(self, x: Tensor, task: Task):
        """A complete gradient has reached a leaf: hooks, then capture or accumulation."""
        g: Tensor = task.grad
        mine: cython.bint = task.owned
        task.grad = None
        if x._hooks is not None:
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
            requires(x)  # a view whose base came to have history is no leaf any more
        if x._node is not None:
            raise RuntimeError("leaf variable has been moved into the graph interior")
        if x._wants:
            accumulate(x, g, mine, self.create)
        if x._hooks is not None:
            for hook in list(x._hooks.accumulated.values()):
                result = hook(x)
                if result is not None and not isinstance(result, Tensor):
                    raise TypeError(errors.HOOK_RETURN.format(type=type(result).__name__))
            if x._hooks.after:
                x._hooks.run_after((), (g,))

    @cython.cfunc
    def capture(self, v: Vertex, nr: cython.int, g: Tensor):
        """Keep a gradient that was asked for."""
        wanted: dict = self.captures.get(v)
        if wanted is not None and nr in wanted:
            wanted[nr] = g

    @cython.cfunc
    def incoming(self, n: Node, task: Task, runs: cython.bint) -> list:
        """The gradients that arrived for a node's outputs, after tensor hooks; captures are taken here.

        As in PyTorch, what is captured from a node that runs as well has not been through the hooks.
        """
        grads: list = [task.grad] if n.outputs == 1 else task.box
        i: cython.int
        task.grad = task.box = None
        if runs and self.captures is not None and n in self.captures:
            self.capture_all(n, grads)
        if n.hooks is not None:
            _running.work = self
            for i in range(n.outputs):
                if grads[i] is not None:
                    grads[i] = n.hooks.run_tensor(i, grads[i])
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
    def run_node(self, n: Node, task: Task):
        """Pull gradients through a node and hand them on."""
        grads: list
        results: list = None
        need: cython.longlong
        if not task.useful or (task.grad is None and task.box is None):
            self.distribute(n, None, None)
            return
        need = self.need(n)
        grads = self.incoming(n, task, need != 0)
        if need == 0 and n.inputs <= 62 and self.captures is not None:
            self.distribute(n, None, None)  # captured here; what is below is not asked for
            return
        if n.hooks is not None and n.hooks.before:
            grads = list(n.hooks.run_before(tuple(grads)))
        if need != n.needs and self.captures is not None:
            look_at_all(n)  # PyTorch looks at all that was saved, whatever is asked for
        if need != 0 or n.inputs > 62:
            results = n.op.pull_all(n, grads, need)
            if n.hooks is not None and n.hooks.after:
                results = after_hooks(n, results, grads)
            if _anomaly and _check_nan:
                refuse_nan(n, results)
            if self.told is not None and n in self.told:
                for finding in self.told.pop(n):
                    stale_history(finding[0], finding[1])
            if n.stale is not None:
                self.note_stale(n)
        else:
            look_at_all(n)
            if n.hooks is not None and n.hooks.after:
                after_hooks(n, [None] * n.inputs, grads)
        if not self.keep:
            release(n, self.freed_by)
        self.distribute(n, grads, results)

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
        if self.captures is None:
            return n.needs
        for i in range(min(n.inputs, 62)):
            v = n.edge(i)
            if v is not None and self.task_of(v).useful:
                mask |= cython.cast(cython.longlong, 1) << i
        return mask

    @cython.cfunc
    def distribute(self, n: Node, grads: list, results: list):
        """Deliver a node's results to its edges; edges without a gradient only count down."""
        i: cython.int
        v: Vertex
        g: Tensor
        task: Task
        fresh: cython.bint = n.op.fresh and not self.create and (n.hooks is None or not n.hooks.after)
        for i in range(n.inputs):
            v = n.edge(i)
            if v is None:
                continue
            task = self.task_of(v)
            if results is not None and results[i] is not None and task.useful:
                g = fit(n, i, v, n.edge_output(i), results[i])
                self.deliver(task, n.edge_output(i), g, fresh and own(g, grads, self.number))
            task.pending -= 1
            if task.pending == 0:
                self.ready(task)


def anomaly() -> tuple:
    """(whether passes are checked, whether for NaN)."""
    return (bool(_anomaly), bool(_check_nan))


def set_anomaly(on: bool, check_nan: bool) -> None:
    """Switch the checks of passes, in all threads."""
    global _anomaly, _check_nan
    _anomaly, _check_nan = on, check_nan


def refuse_nan(n: Node, results: list):
    """RuntimeError if a node's results have a NaN."""
    for index, item in enumerate(results):
        if isinstance(item, Tensor) and np.isnan(cython.cast(Tensor, item)._array).any():
            raise RuntimeError(f"Function '{n.op.full_name(n)}' returned nan values in its {index}th output."
                               + place_of(n))


def running_pass() -> int:
    """The number of the pass whose hooks run in this thread."""
    work: Pass = _running.work
    return work.number


def will_visit(v: Vertex) -> bool:
    """Whether the pass whose hooks run in this thread has visited, or will visit, a vertex."""
    work: Pass = _running.work
    task: Task = work.task_of(v)
    return task is not None and task.useful


def is_live(number: cython.longlong) -> cython.bint:
    """Whether the pass of that number still runs."""
    item: object
    for item in _live:
        if cython.cast(Pass, item).number == number:
            return True
    return False


def oldest_first(task: Task) -> cython.longlong:
    """Sort key: leaves are below every node."""
    return -1 if task.order == LEAF_FIRST else task.order


def run_backward(
    roots: list, grads: list, keep: cython.bint, create: cython.bint, captures: object, accumulate_leaves: cython.bint,
    freed_by: Cut,
) -> None:
    """Run a pass from (vertex, output) roots with their gradients; captures are filled in place.

    The mode is restored and the pass forgotten whatever happens, also if a hook or a key press raises.
    """
    work: Pass = Pass.__new__(Pass)
    i: cython.Py_ssize_t
    work.begin(keep, create, captures, accumulate_leaves, freed_by)
    try:
        work.discover(roots)
        if captures is not None:
            work.mark_useful()
        for i in range(len(roots)):
            work.deliver(work.task_of(roots[i][0]), roots[i][1], grads[i], False)
        work.run()
    finally:
        work.end()


def run_from(root: Vertex, output: cython.int, gradient: Tensor, keep: cython.bint, create: cython.bint, freed_by: Cut):
    """The pass of a plain `loss.backward()`: one root, gradients accumulated in the leaves."""
    work: Pass = Pass.__new__(Pass)
    work.begin(keep, create, None, True, freed_by)
    try:
        work.discover([(root, output)])
        work.deliver(cython.cast(Task, work.tasks[0]), output, gradient, False)
        work.run()
    finally:
        work.end()


if not cython.compiled:
    plain_fields(Task, vertex=None, grad=None, box=None, order=0, pending=0, owned=False, useful=False)
else:
    from headgate.core._pool import adopt

    adopt(Task, False)
