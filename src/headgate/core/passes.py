"""Running one backward pass from its roots, whatever happens on the way: what `backward` and `grad` hand to the engine.

The mode is restored and the pass forgotten also if a hook or a key press raises. Nothing here knows how a vertex is
visited.
"""
import threading

import cython

if not cython.compiled:
    from headgate.core.engine import Pass
    from headgate.core.operators import Vertex
    from headgate.core.records import Node, Tensor
    from headgate.core.storage import Cut

_claiming = threading.Lock()


def run_backward(
    roots: list, grads: list, keep: cython.bint, create: cython.bint, captures: object, accumulate_leaves: cython.bint,
    freed_by: Cut,
) -> None:
    """Run a pass from (vertex, output) roots with their gradients; captures are filled in place."""
    work: Pass = Pass.__new__(Pass)
    i: cython.Py_ssize_t
    v: Vertex
    done: cython.bint = False
    work.begin(keep, create, captures, accumulate_leaves, freed_by)
    try:
        if cython.compiled:
            for i in range(len(roots)):
                work.discover(cython.cast(tuple, roots[i])[0])
        else:
            with _claiming:  # uncompiled, another thread may run between any two lines
                for root in roots:
                    work.discover(root[0])
        if captures is not None:
            work.mark_useful()
        for i in range(len(roots)):
            v = cython.cast(tuple, roots[i])[0]
            work.deliver(work.state_of(v), v, cython.cast(tuple, roots[i])[1], grads[i], False)
        for i in range(len(roots)):
            work.start(cython.cast(tuple, roots[i])[0])
        work.run()
        done = True
    finally:
        if not done:
            work.abandon(roots)
        work.end()


def run_from(root: Node, output: cython.int, gradient: Tensor, freed_by: Cut):
    """The pass of a plain `loss.backward()`: one root, gradients accumulated in the leaves, saved values freed."""
    work: Pass
    if not cython.compiled:
        run_backward([(root, output)], [gradient], False, False, None, True, freed_by)
        return
    work = Pass.__new__(Pass)
    done: cython.bint = False
    work.begin(False, False, None, True, freed_by)
    try:
        work.discover(root)
        work.deliver(work.state_of(root), root, output, gradient, False)
        work.start(root)
        work.run()
        done = True
    finally:
        if not done:
            work.abandon([(root, output)])
        work.end()
