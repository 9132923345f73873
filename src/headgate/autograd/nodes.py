"""The graph as users see it: `grad_fn` with its name, edges, saved values and hooks, and the hooks of tensors.

A node is shown through a face, whose type carries PyTorch's name of the node. Faces are made when asked for and live
as long as somebody holds them; nothing in the core depends on them.
"""
from __future__ import annotations

import warnings
import weakref
from collections import namedtuple

import cython

if not cython.compiled:
    from headgate.core.apply import current_node, edge_of, requires
    from headgate.core.gradients import fit, places
    from headgate.core.operators import Vertex
    from headgate.core.records import OUT, RETAINS, GradientRules, Node, Saved, Tensor, track

from headgate import errors
from headgate.core.declare import install_method, install_property
from headgate.core.entry import install
from headgate.core.hooks import Hooks
from headgate.core.records import set_gradient_rules

_types: dict = {}
SAVED_NAMES = ("self", "other", "third")
ABSENT = object()

GradientEdge = namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))
GradientEdge.__doc__ = "A place in the graph, taken by backward and grad for a tensor: (node, output number, owner)."


class GraphNode:
    """A node of the graph: what `tensor.grad_fn` shows. Its type is named as PyTorch names it (`SigmoidBackward`)."""

    def __init__(self, node: object) -> None:
        self._node = node

    def name(self) -> str:
        """PyTorch's full name of the node, with the overload's number."""
        return full_name(self._node)

    @property
    def next_functions(self) -> tuple:
        """((node, output number), ...) of where the inputs came from; (None, 0) for inputs without gradient."""
        return next_functions(self._node)

    @property
    def metadata(self) -> dict:
        """A dictionary for the user's notes on this node."""
        return self.__dict__.setdefault("_metadata", {})

    @property
    def variable(self) -> object:
        """The leaf that an AccumulateGrad node fills."""
        if isinstance(self._node, Tensor):
            return self._node
        raise AttributeError(f"'{type(self).__name__}' object has no attribute 'variable'")

    def _sequence_nr(self) -> int:
        return sequence_number(self._node)

    def _input_metadata(self) -> object:
        return None

    def __call__(self, *gradients: object) -> object:
        """The gradients of the node's inputs, from those of its outputs; one of a single input stands alone."""
        return called(self._node, gradients)

    def register_hook(self, fn: object) -> object:
        """Call `fn(grad_inputs, grad_outputs)` after the node ran; what it returns replaces grad_inputs."""
        return add_node_hook(self._node, fn, False)

    def register_prehook(self, fn: object) -> object:
        """Call `fn(grad_outputs)` before the node runs; what it returns replaces grad_outputs."""
        return add_node_hook(self._node, fn, True)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_saved_"):
            value = saved_value(self._node, name[7:])
            if value is not ABSENT:
                return value
        context = context_of(self._node)
        if context is not None:
            return getattr(context, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


GraphNode.__name__ = GraphNode.__qualname__ = "Node"


def face_of(v: Vertex) -> object:
    """The face of a node or leaf; the same one as long as somebody holds it."""
    n: Node
    face: object
    if v is None:
        return None
    if not isinstance(v, Node):
        return typed("AccumulateGrad")(v)
    n = cython.cast(Node, v)
    face = n.face() if n.face is not None else None
    if face is None:
        face = typed(n.op.label(n))(n)
        n.face = weakref.ref(face)
    return face


def typed(name: str) -> type:
    """The face type of that name."""
    if name not in _types:
        _types[name] = type(name, (GraphNode,), {"__module__": "headgate.autograd.graph"})
    return _types[name]


def full_name(v: object) -> str:
    if not isinstance(v, Node):
        return "torch::autograd::AccumulateGrad"
    n: Node = v
    return n.op.full_name(n)


def sequence_number(v: object) -> int:
    return v._order if not isinstance(v, Node) else cython.cast(Node, v)._order


def context_of(v: object) -> object:
    """The context of a custom Function's node."""
    if not isinstance(v, Node):
        return None
    attrs = cython.cast(Node, v).attrs
    return attrs if hasattr(type(attrs), "saved_tensors") else None


def next_functions(v: object) -> tuple:
    """The edges of a node, as faces."""
    n: Node
    i: cython.int
    result: list = []
    if not isinstance(v, Node):
        return ()
    n = cython.cast(Node, v)
    for i in places(n):
        edge = n.edge(i)
        result.append((face_of(edge) if edge is not None else None, n.edge_output(i)))
    return tuple(result)


def saved_value(v: object, name: str) -> object:
    """A saved value by PyTorch's name (self, other, result), None where this call did not need it, or ABSENT."""
    n: Node
    key: cython.int
    if not isinstance(v, Node) or (name != "result" and name not in SAVED_NAMES):
        return ABSENT
    n = cython.cast(Node, v)
    key = OUT if name == "result" else SAVED_NAMES.index(name)
    mask: cython.longlong = n.op.reads0 | n.op.reads1
    for item in n.op.reads:
        mask |= cython.cast(cython.longlong, item)
    if not (mask >> key) & 1:
        return ABSENT
    if not n.freed and not (n.op.needed(n) >> key) & 1:
        return None
    return n.tensor(key)


def called(v: object, gradients: tuple) -> object:
    """Pull gradients through one node."""
    n: Node
    i: cython.int
    if not isinstance(v, Node):
        raise TypeError("AccumulateGrad is filled by backward()")
    n = cython.cast(Node, v)
    if len(gradients) != n.outputs:
        raise RuntimeError(f"expected {n.outputs} gradients, got {len(gradients)}")
    results: list = n.op.pull_all(n, list(gradients), n.needs)
    found: list = []
    for i in places(n):
        edge = n.edge(i)
        if edge is None or results[i] is None:
            found.append(None)
        else:
            found.append(fit(n, i, edge, n.edge_output(i), results[i]))
    return found[0] if len(found) == 1 else tuple(found)


def vertex_of(x: Tensor) -> object:
    """The node of a tensor, or the tensor itself where it is a leaf."""
    n: Node = current_node(x)
    return n if n is not None else x


def gradient_edge(x: Tensor) -> object:
    """The edge that a gradient for `x` arrives at."""
    v: Vertex = edge_of(x)
    return GradientEdge(face_of(v), x._output if v is not None else 0, None)


def hooks_of(v: Vertex) -> object:
    """The hook record of a node or leaf, made on first use. What a hook refers to may lead back here."""
    track(v)
    if isinstance(v, Node):
        if cython.cast(Node, v).hooks is None:
            cython.cast(Node, v).hooks = Hooks()
        return cython.cast(Node, v).hooks
    if cython.cast(Tensor, v)._hooks is None:
        cython.cast(Tensor, v)._hooks = Hooks()
    return cython.cast(Tensor, v)._hooks


def add_node_hook(v: object, fn: object, before: bool) -> object:
    """Register a hook that runs before or after a node."""
    hooks = hooks_of(v)
    return hooks.add(hooks.before if before else hooks.after, fn)


def grad_fn(self: object) -> object:
    """The node that made this tensor; None for a leaf."""
    return face_of(current_node(self))


@cython.cclass
class Rules(GradientRules):
    """What `.grad` does beyond the field."""

    @cython.cfunc
    def missing(self, x: Tensor) -> object:
        if not x._flags & RETAINS:
            warnings.warn(errors.GRAD_NON_LEAF, UserWarning, stacklevel=1)
        return None

    @cython.cfunc
    def assign(self, x: Tensor, value: object) -> object:
        check_grad(x, value)
        track(x)
        track(value)
        x._gradient = value
        return None


def check_grad(x: Tensor, value: object) -> None:
    """Refuse a gradient that does not fit the tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(errors.GRAD_ASSIGN_TYPE.format(type=type(value).__name__))
    if value is x:
        raise RuntimeError(errors.GRAD_ASSIGN_SELF)
    if value.dtype is not x.dtype:
        raise RuntimeError(errors.GRAD_ASSIGN_DTYPE.format(
            grad=errors.C_NAMES.get(value.dtype.name, value.dtype.name), tensor=errors.TYPE_NAMES[x.dtype.name]))
    if value.shape != x.shape:
        raise RuntimeError(errors.GRAD_ASSIGN_SHAPE.format(grad=list(value.shape), tensor=list(x.shape)))


def register_hook(self: object, hook: object) -> object:
    """Call `hook(grad)` whenever a gradient with respect to this tensor is computed; what it returns replaces it.

    Returns a handle with `remove()`. RuntimeError for a tensor that does not require grad. Registered before a write
    in place, it sees the gradient of the old value, as in PyTorch.
    """
    if not requires(self):
        raise RuntimeError(errors.HOOK_NO_GRAD)
    x: Tensor = self
    n: Node = current_node(x)
    track(x)  # the hook may refer to the tensor itself
    return hooks_of(n if n is not None else x).add_tensor(x._output if n is not None else 0, hook)


def register_post_accumulate_grad_hook(self: object, hook: object) -> object:
    """Call `hook(tensor)` after a gradient was accumulated into this leaf's `.grad`; returns a handle."""
    if not requires(self):
        raise RuntimeError(errors.HOOK_NO_GRAD)
    if current_node(self) is not None:
        raise RuntimeError(errors.HOOK_POST_NON_LEAF)
    hooks = hooks_of(self)
    return hooks.add(hooks.accumulated, hook)


def retain_grad(self: object) -> None:
    """Keep the gradient of this non-leaf in `.grad` when it is computed. No effect on a leaf."""
    x: Tensor = self
    if not x.requires_grad:
        raise RuntimeError(errors.RETAIN_NO_GRAD)
    if x._node is None:  # nor for a view whose base came to have history and that nobody looked at since, as in PyTorch
        return
    n: Node = current_node(x)
    x._flags |= RETAINS
    hooks_of(n).retained[x._output] = weakref.ref(x)


def retains_grad(self: object) -> object:
    """Whether `retain_grad()` was called on this non-leaf."""
    return bool(cython.cast(Tensor, self)._flags & RETAINS)


install_property("grad_fn", grad_fn)
set_gradient_rules(Rules())
install(Tensor, "_grad", cython.cast(object, Tensor).grad)
install_property("retains_grad", retains_grad)
install_method("register_hook", register_hook)
install_method("register_post_accumulate_grad_hook", register_post_accumulate_grad_hook)
install_method("retain_grad", retain_grad)


def saved_memory(tensors: object) -> list:
    """The arrays that the nodes behind `tensors` keep for backward, all the way to the leaves."""
    stack: list = [current_node(x) for x in tensors]
    seen: set = set()
    arrays: list = []
    n: Node
    i: cython.int
    while stack:
        item = stack.pop()
        if item is None or not isinstance(item, Node) or id(item) in seen:
            continue
        seen.add(id(item))
        n = item
        for s in [n.saved0, n.saved1] + (n.saved_more or []):
            if s is not None and cython.cast(Saved, s).array is not None:
                arrays.append(cython.cast(Saved, s).array)
        for i in range(n.inputs):
            stack.append(n.edge(i))
    return arrays
