"""Parameter, Buffer and Variable: tensors that a module or an old script marks as such.

They differ from plain tensors in type and text only; results computed from them are plain tensors. Nothing here knows
modules.
"""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from typing import Any

from headgate import errors
from headgate.core.declare import install_method
from headgate.core.overrides import _disabled_torch_function_impl, start
from headgate.core.surface import attributes
from headgate.core.typed import Tensor
from headgate.ops.creation import empty


class _ParameterKind(type(Tensor)):  # type: ignore[misc]
    """Also what a subclass of Tensor marks with `_is_param` counts as a Parameter."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterKind):
    """A tensor that is a module's parameter: `Parameter(data=None, requires_grad=True)`.

    Shares memory and version with `data` and has no history. RuntimeError for integers that shall require a gradient.
    Results computed from it are plain tensors. Data of a subclass with its own `__torch_function__` keeps its class
    and counts as a Parameter.
    """

    __torch_function__ = classmethod(_disabled_torch_function_impl)  # type: ignore[assignment]
    _prints_as_tensor = True

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = empty(0)
        if type(data) in (Tensor, Parameter):
            return Tensor._make_subclass(cls, data, requires_grad)
        shared = data.detach().requires_grad_(requires_grad)
        if type(shared) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns "
                f"an instance of the same type, but return type {type(shared).__name__} was found instead."
            )
        shared._is_param = True
        return shared

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        state = attributes(self)
        if state:
            return _rebuild_parameter_with_state, (self.data, self.requires_grad, OrderedDict(), state)
        return _rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """What a pickled parameter becomes (the hooks are PyTorch's third item, always empty)."""
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    made = Parameter(data, requires_grad)
    vars(made).update(state)
    return made


start((Tensor, Parameter, float, int))


class _BufferKind(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferKind):
    """Marks a tensor as a module's buffer: `Buffer(data=None, persistent=True)` gives a plain alias with that mark."""

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = empty(0)
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent = persistent
        marked._is_buffer = True
        return marked

    __torch_function__ = classmethod(_disabled_torch_function_impl)  # type: ignore[assignment]


class _VariableKind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableKind):
    """`Variable(data=None, requires_grad=False, volatile=None)`: a new leaf over the memory of a tensor.

    Kept for old scripts, as in PyTorch; tensors do all it did. `volatile` has no effect but a warning naming `no_grad`.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: Any = None) -> Any:
        if volatile:
            warnings.warn(errors.VOLATILE, UserWarning, stacklevel=2)
        if data is None:
            return empty(0)
        if not isinstance(data, Tensor):
            raise TypeError(errors.DATA_TYPE.format(type=type(data).__name__))
        made = data.detach()
        return made.requires_grad_() if requires_grad else made


# ---- copies ---------------------------------------------------------------------------------------------------------


def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """A leaf with memory of its own, its gradient and attributes copied too. RuntimeError for a tensor with history."""
    if not self.is_leaf:
        raise RuntimeError(errors.DEEPCOPY)
    if id(self) in memo:
        return memo[id(self)]
    made = Tensor._make_subclass(type(self), self.detach().clone(), self.requires_grad)
    memo[id(self)] = made
    if self.grad is not None:
        made.grad = copy.deepcopy(self.grad, memo)
    for name, value in attributes(self).items():
        setattr(made, name, copy.deepcopy(value, memo))
    return made


install_method("__deepcopy__", deepcopy)
