# built for speed
"""The records of the system: tensor, node, saved value, op, and the slots through which higher rooms serve them.

They know one another's fields and nothing else: how a tensor is made is told in `apply`, how views follow their
base in `views`, what reading a saved value checks in `saved`. Fields of Tensor carry an underscore, because users
put attributes of their own on tensors.
"""
from __future__ import annotations

import cython
import numpy as np

from headgate import errors
from headgate.core.size import Size

if not cython.compiled:
    from headgate.core.operators import Called, Operand, Vertex
    from headgate.core.storage import Cut, Storage, Version, plain_fields
    from headgate.dtypes import of as type_of

    ndarray = np.ndarray

# Bits of Tensor._flags.
INFERENCE = 1  # made under inference_mode
RETAINS = 2  # retain_grad() was called
NO_GRAD_VIEW = 4  # a view made under no_grad
MULTI_VIEW = 8  # a view that came with siblings (split, unbind)
CUSTOM_VIEW = 16  # a view returned by a custom Function
DETACHED = 32  # a detach() alias
DATA = 64  # a .data alias
INFERENCE_VIEW = 128  # a view of an ordinary tensor made under inference_mode
CUT_HERE = 512  # a detach() or .data alias whose own site is where history was cut; `apply.reason` makes the Cut of it

# Keys under which a node saves values: input i has key i; its own output k has key OUT + k.
X, Y, Z = 0, 1, 2
OUT = 16


@cython.cclass
class Node(Vertex):
    """One recorded call: the op, the edges to where its inputs came from, saved values, and what its outputs were."""

    @cython.cfunc
    def read(self, key: cython.int) -> object:
        """The saved value under `key`: a Tensor with its history, or the Python number that stood there."""
        return READER.read(self, key)

    @cython.cfunc
    def tensor(self, key: cython.int) -> Tensor:
        """Like read, a Python number wrapped as a zero-dimensional tensor."""
        return READER.tensor(self, key)

    @cython.cfunc
    def array(self, key: cython.int) -> ndarray:
        """The array of a saved tensor, for fused gradients, after the same checks."""
        return READER.array(self, key)

    @cython.cfunc
    def shape(self, index: cython.int) -> tuple:
        """The shape that input `index` had (only for inputs named in the op's `shapes`)."""
        return cython.cast(tuple, self.shapes[index])

    @cython.cfunc
    def edge(self, index: cython.int) -> Vertex:
        if index == 0:
            return self.edge0
        if index == 1:
            return self.edge1
        return cython.cast(Vertex, self.more[2 * (index - 2)])

    @cython.cfunc
    def edge_output(self, index: cython.int) -> cython.int:
        if index == 0:
            return self.nr0
        if index == 1:
            return self.nr1
        return self.more[2 * (index - 2) + 1]

    @cython.cfunc
    def wants(self, index: cython.int) -> cython.bint:
        """Whether input `index` needed a gradient when the call was recorded."""
        return (self.needs >> index) & 1 != 0 if index < 62 else self.edge(index) is not None


@cython.cclass
class Saved:
    """A value kept for backward: the array, whose it was, and the two counts that tell whether it was written since."""


@cython.cclass
class Op(Called):
    """An operation: how it runs on arrays (`run*`), and how a gradient passes it (`pull`), written in Tensors.

    One instance per operation. `reads` says per input what its gradient reads: bits of inputs (1 << i) and outputs
    (1 << (OUT + k)); `looks` which saved values are looked at before any gradient is computed, whether it reads them or
    not; `shapes` of which inputs backward needs the shape; `together` that the class has a `pull_all`
    of its own, without which the engine calls `pull` for one input after the other.
    """

    def __init__(self):
        self.name = ""
        self.written = ""
        self.node_name = ""
        self.type_name = ""
        self.differentiable = True
        self.view = False
        self.reads0 = self.reads1 = 0
        self.reads = ()
        self.shapes = 0
        self.looks = 0
        self.fresh = True
        self.together = False
        self.constants = 0

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.run((x,), attrs, out)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        if len(inputs) == 1:
            return self.run1(inputs[0], attrs, out)
        return self.run2(inputs[0], inputs[1], attrs, out)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        """Gradients of all inputs from those of the outputs (None where none arrived); `need` masks the wanted ones."""
        g: object = grads[0]
        i: cython.int
        result: list = []
        for i in range(n.inputs):
            result.append(self.pull(n, g, i) if g is not None and (i > 61 or (need >> i) & 1) else None)
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        raise RuntimeError(f"derivative for {self.name} is not implemented")

    @cython.cfunc
    def part(self, attrs: object, k: cython.int) -> tuple:
        """(op, attributes) of the single step that gives view `k` of a call with several views."""
        return (self, attrs)

    @cython.cfunc
    def forget(self, n: Node) -> cython.bint:
        """Free what the op itself keeps for this node; whether there was anything."""
        return False

    @cython.cfunc
    def edgeless(self, n: Node) -> cython.longlong:
        """Bits of the inputs that PyTorch's node has no edge for: indices, masks, weights of a loss."""
        return self.constants

    @cython.cfunc
    def push(self, n: Node, tangents: list) -> object:
        raise RuntimeError(f"forward-mode derivative for {self.name} is not implemented")

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        """Bits of the values that the wanted gradients read; ops override it where attributes decide."""
        mask: cython.longlong = 0
        i: cython.int
        if n.needs & 1:
            mask |= self.reads0
        if n.needs & 2:
            mask |= self.reads1
        for i in range(2, n.inputs):
            if (n.needs >> i) & 1 and i < len(self.reads):
                mask |= cython.cast(cython.longlong, self.reads[i])
        return mask

    def label(self, n: Node) -> str:
        """The name that `type(grad_fn).__name__` and a tensor's repr show (SigmoidBackward, SumBackward0)."""
        return self.type_name

    def full_name(self, n: Node) -> str:
        """PyTorch's name of the node, with the overload's number (SigmoidBackward0)."""
        return self.node_name


@cython.cclass
class Reader:
    """The slot through which `saved` gives nodes their reading; core's lowest records need no import for it."""

    @cython.cfunc
    def read(self, n: Node, key: cython.int) -> object:
        raise RuntimeError("no reader")

    @cython.cfunc
    def tensor(self, n: Node, key: cython.int) -> Tensor:
        raise RuntimeError("no reader")

    @cython.cfunc
    def array(self, n: Node, key: cython.int) -> ndarray:
        raise RuntimeError("no reader")


@cython.cclass
class Surface:
    """The slot that serves the tensor's Python protocols (constructor, truth, repr, numbers, iteration)."""

    @cython.cfunc
    def construct(self, x: Tensor, args: tuple, kwargs: dict) -> object:
        raise RuntimeError("no surface")

    @cython.cfunc
    def set_requires_grad(self, x: Tensor, value: object) -> object:
        raise RuntimeError("no surface")

    @cython.cfunc
    def protocol(self, name: str, x: Tensor, argument: object) -> object:
        raise RuntimeError("no surface")


@cython.cclass
class GradientRules:
    """The slot that serves `.grad` where it takes more than the field: a warning, or a check of what is assigned."""

    @cython.cfunc
    def missing(self, x: Tensor) -> object:
        raise RuntimeError("no rules")

    @cython.cfunc
    def assign(self, x: Tensor, value: object) -> object:
        raise RuntimeError("no rules")


_asks: cython.bint = False  # whether the surface wants to hear of `len` too, which needs none

READER = Reader()
SURFACE = Surface()
GRADIENTS = GradientRules()


def set_reader(reader: Reader) -> None:
    """Fill the reading slot (once, at import of `saved`)."""
    global READER
    READER = reader


def set_surface(surface: Surface, asks: cython.bint = False) -> None:
    """Fill the protocol slot: at import of the tensor's surface, and while a mode asks about protocols."""
    global SURFACE, _asks
    SURFACE, _asks = surface, asks


def set_gradient_rules(rules: GradientRules) -> None:
    """Fill the gradients' slot (once, at import of the graph's user side)."""
    global GRADIENTS
    GRADIENTS = rules


@cython.cclass
class Tensor(Operand):
    """A NumPy array with a place in the gradient graph. See `headgate.tensor` for making one.

    Differs from torch.Tensor: strided CPU tensors only.
    """

    def __init__(self, *args, **kwargs):
        SURFACE.construct(self, args, kwargs)

    # --- fields that need nothing but the record itself ---------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The lengths of the dimensions, as a Size."""
        if not cython.compiled:
            return tuple.__new__(Size, self._array.shape)  # ints already, so nothing to look at
        return hg_sizes(Size, self._array)  # noqa: F821  (C, from shapes.h)

    @property
    def dtype(self) -> object:
        """The element type, such as `headgate.float32`."""
        return type_of(self._array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def output_nr(self) -> int:
        """Which output of its node this tensor is."""
        return self._output

    @property
    def _version(self) -> int:
        """The number of in-place writes counted for this tensor, its views and its detach() aliases."""
        if self._flags & (INFERENCE | DATA) == INFERENCE:
            raise RuntimeError(errors.INFERENCE_VERSION)
        return self._counter.count

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor: a leaf that asked for them, or a result with history."""
        if self._wants or self._node is not None:
            return True
        return self._root is not None and (self._root._wants or self._root._node is not None)

    @requires_grad.setter
    def requires_grad(self, value: object) -> None:
        SURFACE.set_requires_grad(self, value)

    @property
    def grad(self) -> object:
        """The accumulated gradient of a leaf (or of a tensor that called `retain_grad`), or None.

        Assigning None drops it; a tensor that is assigned must have this one's shape and element type.
        """
        if self._gradient is None and self._node is not None:
            return GRADIENTS.missing(self)
        return self._gradient

    @grad.setter
    def grad(self, value: object) -> None:
        if value is None:
            self._gradient = cython.cast(object, None)
        else:
            GRADIENTS.assign(self, value)

    @grad.deleter
    def grad(self) -> None:
        self._gradient = cython.cast(object, None)

    def __len__(self):
        if _asks:
            return SURFACE.protocol("len", self, None)
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __bool__(self):
        return SURFACE.protocol("bool", self, None)

    def __float__(self):
        return SURFACE.protocol("float", self, None)

    def __int__(self):
        return SURFACE.protocol("int", self, None)

    def __complex__(self):
        return SURFACE.protocol("complex", self, None)

    def __index__(self):
        return SURFACE.protocol("index", self, None)

    def __contains__(self, item):
        return SURFACE.protocol("contains", self, item)

    def __iter__(self):
        return SURFACE.protocol("iter", self, None)

    def __repr__(self):
        return SURFACE.protocol("repr", self, None)

    # No __hash__ here: a compiled type that has one does not inherit its comparisons.


def track(record: object) -> None:
    """Let the collector see a record that may have become part of a cycle."""
    if cython.compiled:
        hg_track(record)  # noqa: F821  (C, from the .pxd)


if not cython.compiled:
    plain_fields(
        Node, op=None, attrs=None, edge0=None, edge1=None, nr0=0, nr1=0, more=None, inputs=0, needs=0, saved0=None,
        saved1=None, saved_more=None, number=None, number_place=0, freed=False, freed_by=None, outputs=1, ndim=0,
        typenum=0, dims=(), metas=None, shapes=None, detached=0, hooks=None, stale=None, face=None,
    )
    plain_fields(
        Saved, key=0, array=None, storage=None, counter=None, version=0, writes=0, origin=None, node=None, output=0,
        packed=None, unpack=None, number=None,
    )
    plain_fields(
        Tensor, _array=None, _storage=None, _counter=None, _wants=False, _flags=0, _output=0, _node=None,
        _gradient=None, _root=None, _step=None, _step_attrs=None, _before=None, _history=0, _history_writes=0,
        _cut=None, _hooks=None,
    )

else:
    from headgate.core._pool import adopt
    from headgate.kernels.memory import small_giver

    adopt(Storage, small_giver())
    adopt(Node, None, True)
    for _record in (Version, Cut, Saved, Tensor):
        adopt(_record)
