"""Function: operations whose forward and backward the user writes.

A call is one node whose op is made from the class, and whose attributes are the context. Nothing here knows what a
particular Function computes.
"""
from __future__ import annotations

import functools
import weakref

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import record, requires, see_all, set_history, wrap
    from headgate.core.arrays import is_float, meta_shape, set_meta, shape_of
    from headgate.core.modes import grad_enabled, saved_hooks, set_grad
    from headgate.core.records import (
        CUSTOM_VIEW,
        INFERENCE_VIEW,
        MULTI_VIEW,
        NO_GRAD_VIEW,
        OUT,
        Node,
        Op,
        Saved,
        Tensor,
        track,
    )
    from headgate.core.saved import SavedReader, begin, note_view, pack
    from headgate.core.views import rebase_root
    from headgate.core.writes import check_view_writable

    ndarray = np.ndarray

from headgate import errors
from headgate.core.engine import set_function
from headgate.core.hooks import run_users
from headgate.core.reports import second_backward

READ = SavedReader()


class FunctionCtx:
    """What forward and backward share: saved tensors, marks, and attributes of the user's own."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple = ()
        self._to_save: tuple = ()
        self._dirty: tuple = ()
        self._non_differentiable: tuple = ()
        self._materialize = True
        self._node: object = None

    def save_for_backward(self, *tensors: object) -> None:
        """Keep inputs or outputs for backward; they are checked there like those of built-in operations."""
        for index, item in enumerate(tensors):
            if item is not None and not isinstance(item, Tensor):
                raise TypeError(errors.FUNCTION_SAVE.format(index=index, type=type(item).__name__))
        self._to_save = tensors

    def save_for_forward(self, *tensors: object) -> None:
        """Accepted for PyTorch's forward mode; nothing is kept."""

    def mark_dirty(self, *tensors: object) -> None:
        """Say which inputs forward wrote in place; they must be returned as outputs."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: object) -> None:
        """Say which outputs have no gradient."""
        for item in tensors:
            if not isinstance(item, Tensor):
                kind = type(item).__name__
                raise RuntimeError(f"mark_non_differentiable only accepts variable arguments, but got {kind}")
        self._non_differentiable = tensors

    def mark_shared_storage(self, *_: object) -> None:
        """Deprecated in PyTorch and without effect."""

    def set_materialize_grads(self, value: object) -> None:
        """Whether backward gets zeros (the default) or None where no gradient arrived."""
        if not isinstance(value, bool):
            raise TypeError("set_materialize_grads received an invalid combination of arguments - got "
                            f"{type(value).__name__}, but expected (bool)")
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to save_for_backward, after the in-place check."""
        node = self._node() if self._node is not None else None
        return self._to_save if node is None and self._to_save else saved_of(node) if node is not None else ()

    @property
    def saved_variables(self) -> tuple:
        """The old name of `saved_tensors`."""
        return self.saved_tensors


def saved_of(node: object) -> tuple:
    """The saved tensors of a Function's node."""
    n: Node = node
    if n.freed:
        raise RuntimeError(second_backward(n))
    result: list = []
    s: Saved
    for s in n.saved_more or ():
        result.append(None if s.storage is None and s.unpack is None else READ.unpacked(n, s))
    return tuple(result)


@cython.cclass
class FunctionOp(Op):
    """The op of one Function class; a node's attributes are the call's context."""

    def __init__(self, owner: object):
        super().__init__()
        self.owner = owner
        self.name = owner.__name__
        self.node_name = self.type_name = owner.__name__ + "Backward"
        self.fresh = False
        self.together = True

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        context = n.attrs
        i: cython.int
        grads = list(grads)  # the node's hooks are shown what arrived
        if context._materialize:
            for i in range(len(grads)):
                if grads[i] is None and context._kinds[i] is not None:
                    grads[i] = zeros_for(n, i)
        return self.placed(n, context, self.called(context, grads))

    @cython.cfunc
    def called(self, context: object, grads: list) -> list:
        """What the user's backward (or vjp) returns, as a list."""
        method = self.owner.backward if self.owner.backward is not Function.backward else self.owner.vjp
        results = run_users(method, context, *grads)
        return list(results) if isinstance(results, tuple) else [results]

    @cython.cfunc
    def placed(self, n: Node, context: object, results: object) -> list:
        """Results checked against the inputs; surplus Nones at the end are allowed, as in PyTorch."""
        count: cython.int = n.inputs
        extra: list = results[count:]
        if len(results) < count or [item for item in extra if item is not None]:
            raise RuntimeError(errors.FUNCTION_COUNT.format(node=self.node_name, expected=count, got=len(results)))
        for i in range(count):
            if results[i] is None:
                continue
            if not isinstance(results[i], Tensor):
                raise RuntimeError(errors.FUNCTION_RETURN.format(type=type(results[i]).__name__))
            if not context._tensor_inputs[i]:
                raise RuntimeError(errors.FUNCTION_NOT_NONE.format(node=self.node_name, position=i + 1))
        return results[:count]

    @cython.cfunc
    def edgeless(self, n: Node) -> cython.longlong:
        return bits_of([not tensor for tensor in n.attrs._tensor_inputs])

    @cython.cfunc
    def forget(self, n: Node) -> cython.bint:
        return n.saved_more is not None


set_function(FunctionOp)


def bits_of(flags: object) -> int:
    """A mask of the first 62 flags."""
    mask: int = 0
    for i, flag in enumerate(tuple(flags)[:62]):
        mask |= bool(flag) << i
    return mask


def zeros_for(node: object, output: int) -> Tensor:
    """A zero gradient for an output that none arrived for."""
    n: Node = node
    return wrap(np.zeros(meta_shape(n, output), n.attrs._kinds[output]))


def alias_of(x: Tensor) -> Tensor:
    """Another tensor over the same memory and counter, for an input that forward returned as it is."""
    t: Tensor = Tensor.__new__(Tensor)
    t._array, t._storage, t._counter = x._array, x._storage, x._counter
    t._flags = CUSTOM_VIEW
    t._root = x._root if x._root is not None else x
    t._step, t._step_attrs, t._before = ALIAS, None, None
    if x._root is not None:
        t._before = (x._before, x._step, x._step_attrs)
    t._history = x._counter.count
    return t


@cython.cclass
class Alias(Op):
    """The identity view."""

    def __init__(self):
        super().__init__()
        self.view = True
        self.name = "alias"
        self.node_name, self.type_name = "AliasBackward0", "AliasBackward"

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return x[...]

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


ALIAS = Alias()


def run_function(owner: object, args: tuple, kwargs: dict) -> object:
    """Function.apply: run forward without recording, then make the call the history of its outputs."""
    context = type(owner.__name__ + "Backward", (FunctionCtx,), {})()
    recording: bool = grad_enabled() and any([isinstance(a, Tensor) and requires(a) for a in args])
    context._tensor_inputs = tuple([isinstance(a, Tensor) for a in args])
    context.needs_input_grad = tuple([isinstance(a, Tensor) and requires(a) for a in args])
    before: bool = grad_enabled()
    n: Node = None
    if recording:
        see_all(op_of(owner), args)
        n = record(op_of(owner), args, context)  # before forward, which may write what it gets
    set_grad(False)
    try:
        if owner.setup_context is not Function.setup_context:
            outputs = owner.forward(*args, **kwargs)
            owner.setup_context(context, args, outputs)
        else:
            outputs = owner.forward(context, *args, **kwargs)
    finally:
        set_grad(before)
    many: bool = isinstance(outputs, (tuple, list))
    items: list = list(outputs) if many else [outputs]
    check_marks(context, args, items, n)
    if n is not None:
        finish_function(n, context, args, items)
    else:
        items = [uncounted(x) if is_among(x, args) and not keeps_itself(x, context) else x for x in items]
        for x in items:
            if isinstance(x, Tensor) and cython.cast(Tensor, x)._root is not None and not is_among(x, args):
                cython.cast(Tensor, x)._flags |= CUSTOM_VIEW
    return tuple(items) if many else items[0]


def keeps_itself(x: object, context: object) -> bool:
    """Whether a returned input is handed out as it is: it was written, and has no history to be cut from."""
    return is_among(x, context._dirty) and not (isinstance(x, Tensor) and requires(x))


def uncounted(x: object) -> object:
    """What stands for an input that forward returned as it is and that gets no gradient."""
    if not isinstance(x, Tensor):
        return x
    return x.detach() if requires(x) else alias_of(x)


def is_among(x: object, items: tuple) -> bool:
    """Whether the very object is one of the items (tensors compare element by element)."""
    for item in items:
        if item is x:
            return True
    return False


def was_leaf(node: object, args: tuple, x: Tensor) -> bool:
    """Whether an input was a leaf before forward, which gives a node to a view whose base came to want gradients."""
    n: Node = node
    i: cython.int
    for i in range(len(args) if n is not None else 0):
        if args[i] is x:
            return not isinstance(n.edge(i), Node)
    return False


def check_marks(context: object, args: tuple, items: list, n: object) -> None:
    """Refuse dirty marks that PyTorch refuses."""
    x: Tensor
    for item in context._dirty:
        if not isinstance(item, Tensor):
            raise RuntimeError(errors.DIRTY_TYPE + f"{type(item).__name__}")
        x = item
        x._counter.count += 1  # PyTorch counts the mark as a write too
        if not is_among(x, tuple(items)):
            raise RuntimeError(errors.DIRTY_RETURNED)
        if grad_enabled() and requires(x) and (x._node is None or was_leaf(n, args, x)):
            raise RuntimeError(errors.DIRTY_LEAF)
        if grad_enabled() and x._root is not None and n is not None:
            if len(items) > 1 and is_float(x._array) and not is_among(x, context._non_differentiable):
                raise RuntimeError(errors.DIRTY_VIEW)
            if requires(x):
                check_view_writable(x)


def op_of(owner: object) -> object:
    """The op of a Function class, made once per class."""
    op = owner.__dict__.get("_headgate_op")
    if op is None:
        op = FunctionOp(owner)
        owner._headgate_op = op
    return op


def finish_function(n: Node, context: object, args: tuple, items: list) -> None:
    """Make one node the history of the outputs, and save what forward asked to save."""
    n.needs |= bits_of(context.needs_input_grad)  # backward is called
    y: Tensor
    i: cython.int
    dirty: tuple = context._dirty
    tensors: list = [item for item in items if isinstance(item, Tensor)]
    n.outputs = len(items)
    n.metas = tuple([meta_of(item) for item in items])
    context._kinds = tuple([cython.cast(object, cython.cast(Tensor, item)._array).dtype if isinstance(item, Tensor)
                            else None for item in items])
    if n.outputs == 1 and len(tensors) == 1:
        set_meta(n, cython.cast(Tensor, tensors[0])._array)
    for i in range(len(items)):
        if not isinstance(items[i], Tensor):
            continue
        y = items[i]
        if is_among(y, context._non_differentiable):
            if is_among(y, args) and not is_among(y, dirty):
                items[i] = uncounted(y)
            continue
        if is_among(y, args) and not is_among(y, dirty):
            y = items[i] = alias_of(y)
        elif y._root is not None and not is_among(y, dirty):
            y._flags = y._flags & ~(MULTI_VIEW | NO_GRAD_VIEW | INFERENCE_VIEW) | CUSTOM_VIEW
        if not is_float(y._array):
            continue
        if is_among(y, dirty):
            y._gradient = None  # of the value before, as in PyTorch
        if is_among(y, dirty) and y._root is not None:
            rebase_root(y, n)
        else:
            y._wants = False
            set_history(y, n, i)
        track(y)
    track(n)  # the context may refer to an output
    context._node = weakref.ref(n)
    save_all(n, context, args)


def meta_of(item: object) -> object:
    """(shape, type number) of an output, for the engine."""
    if not isinstance(item, Tensor):
        return ((), 11)
    return (shape_of(cython.cast(Tensor, item)._array), cython.cast(object, cython.cast(Tensor, item)._array).dtype.num)


def save_all(n: Node, context: object, args: tuple) -> None:
    """Hang the tensors given to save_for_backward on the node: outputs without a reference back, others strongly."""
    s: Saved
    x: Tensor
    hooks = saved_hooks()
    n.saved_more = [] if context._to_save else None
    for index, item in enumerate(context._to_save):
        if item is None:
            s = Saved.__new__(Saved)
        else:
            x = item
            own: bool = x._node is n
            s = begin(OUT + x._output if own else index % OUT, x)
            if not own:
                s.node, s.output, s.origin = x._node, x._output, x
                note_view(s, x)
            if hooks is not None:
                pack(s, x, hooks)
        n.saved_more.append(s)
    context._to_save = ()


class Function:
    """Base of operations with a hand-written gradient.

    Subclass it with static methods `forward(ctx, *args)` and `backward(ctx, *grads)`, or `forward(*args)` with
    `setup_context(ctx, inputs, output)`; call it through `apply`. `backward` returns one gradient (or None) per input.
    """

    @staticmethod
    def forward(*args: object, **kwargs: object) -> object:
        raise NotImplementedError(errors.FUNCTION_FORWARD)

    @staticmethod
    def setup_context(ctx: object, inputs: object, output: object) -> object:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: object, *grads: object) -> object:
        raise NotImplementedError(errors.FUNCTION_BACKWARD)

    vjp = backward

    @staticmethod
    def jvp(ctx: object, *tangents: object) -> object:
        raise NotImplementedError(errors.FUNCTION_JVP)

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Refused, as in PyTorch: use `apply`."""
        raise RuntimeError("Legacy autograd function with non-static forward method is deprecated. Please use "
                           "new-style autograd function with static forward method.")

    @classmethod
    def apply(cls, *args: object, **kwargs: object) -> object:
        """Call the function and record the call."""
        return run_function(cls, args, kwargs)


@cython.cclass
class DelayedError(Op):
    """The identity whose gradient is an error."""

    def __init__(self):
        super().__init__()
        self.name = "once_differentiable"
        self.node_name, self.type_name = "torch::autograd::Error", "Error"
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return inputs[0]

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        raise RuntimeError(errors.ONCE)


DELAYED = DelayedError()


def delayed(x: object) -> object:
    """`x` with a history that refuses to be differentiated."""
    if not isinstance(x, Tensor):
        return x
    source: Tensor = alias_of(x)  # a leaf that stands for all that the gradient came from
    source._root = None
    source._wants = True
    t: Tensor = alias_of(x)
    t._root = None
    n: Node = record(DELAYED, (source,), None)
    set_meta(n, t._array)
    set_history(t, n, 0)
    return t


def once_differentiable(function: object) -> object:
    """Decorator of `backward`: its result cannot be differentiated again; trying so raises."""

    @functools.wraps(function)
    def wrapper(ctx: object, *args: object) -> object:
        recording: bool = grad_enabled()
        set_grad(False)
        try:
            outputs = function(ctx, *args)
        finally:
            set_grad(recording)
        if not recording or not any([isinstance(a, Tensor) and requires(a) for a in args]):
            return outputs
        if isinstance(outputs, tuple):
            return tuple([delayed(x) for x in outputs])
        return delayed(outputs)

    return wrapper
