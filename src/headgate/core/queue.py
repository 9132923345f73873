# built for speed
"""Which of the vertices that a pass may visit goes next: leaves first, then the newest node.

A chain, and most of any graph, has one at a time: it stands in `first`, and the heap behind it is not touched. Nothing
here knows what a visit does.
"""
import cython

if not cython.compiled:
    from headgate.core.operators import Vertex
    from headgate.core.storage import plain_fields


@cython.cclass
class Queue:
    """The vertices of a pass that are complete, by their order."""

    @cython.cfunc
    def ready(self, state: Vertex):
        """Note that a vertex is complete: leaves go first, then the newest node."""
        if self.first is None:
            self.first = state
        elif state._order > self.first._order:
            self.push(self.first)
            self.first = state
        else:
            self.push(state)

    @cython.cfunc
    def push(self, state: Vertex):
        """Put a vertex into the heap."""
        heap: list
        i: cython.Py_ssize_t
        parent: cython.Py_ssize_t
        if self.heap is None:
            self.heap = []
        heap = self.heap
        i = len(heap)
        heap.append(state)
        while i > 0:
            parent = (i - 1) >> 1
            if cython.cast(Vertex, heap[parent])._order >= state._order:
                break
            heap[i] = heap[parent]
            i = parent
        heap[i] = state

    @cython.cfunc
    def pop(self) -> Vertex:
        """Take the first vertex out of the heap; None if it is empty."""
        heap: list = self.heap
        top: Vertex
        last: Vertex
        count: cython.Py_ssize_t
        i: cython.Py_ssize_t = 0
        child: cython.Py_ssize_t
        if heap is None or len(heap) == 0:
            return None
        top = heap[0]
        last = heap.pop()
        count = len(heap)
        if count == 0:
            return top
        while True:
            child = 2 * i + 1
            if child >= count:
                break
            if child + 1 < count and (
                cython.cast(Vertex, heap[child + 1])._order > cython.cast(Vertex, heap[child])._order
            ):
                child += 1
            if cython.cast(Vertex, heap[child])._order <= last._order:
                break
            heap[i] = heap[child]
            i = child
        heap[i] = last
        return top


if not cython.compiled:
    plain_fields(Queue, first=None, heap=None)
