"""Parameters and buffers whose shape is not known yet; `materialize(shape)` gives them memory and their final class.

Functions that get one raise. Arguments are looked at for that only while some exist, for looking takes time.
"""

from __future__ import annotations

import weakref
from typing import Any

from headgate import errors
from headgate.core.overrides import (
    DisableTorchFunctionSubclass,
    _disabled_torch_function_impl,
    attend,
    convert,
    give_answers,
)
from headgate.core.typed import Tensor
from headgate.ops.creation import empty
from headgate.ops.parameter import Parameter

#: What may be asked of them, beside their properties.
ALLOWED = ("size", "copy_", "is_complex", "is_floating_point", "half", "float", "double", "char", "short", "int",
           "long", "cuda", "cpu", "to", "get_device")

_living: dict[int, weakref.ref[Any]] = {}
_answering: set[type] = set()


def arrive(value: Any) -> Any:
    """Note one that exists now; it itself."""
    kind, number = type(value), id(value)
    if kind not in _answering:
        _answering.add(kind)
        kind.__torch_function__ = classmethod(answer)
        give_answers(kind)
    _living[number] = weakref.ref(value, lambda _: leave(number))
    attend(True)
    return value


def leave(number: int) -> None:
    """Note that one is gone, or has become a tensor like others."""
    _living.pop(number, None)
    if not _living:
        attend(False)


def answer(cls: Any, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """The `__torch_function__` of these classes. ValueError for all but what asks for type and place."""
    name = getattr(func, "__name__", "")
    if not (type(func).__name__ == "method-wrapper" or name in ALLOWED and func is getattr(Tensor, name, None)):
        raise ValueError(errors.UNINITIALIZED.format(function=func, kind=cls.__name__))
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
        result = result if issubclass(cls, Parameter) else convert(result, cls)
    return arrive(result) if is_lazy(result) and id(result) not in _living else result


class UninitializedTensorMixin:
    """What both have: no shape, no memory to share, and a way to get them."""

    cls_to_become: Any = None
    requires_grad: bool

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Get uninitialised memory of that shape, and become what comes after."""
        with DisableTorchFunctionSubclass():
            self.data = empty(shape, dtype=dtype or self.data.dtype, device=device)
        leave(id(self))
        self.__class__ = self.cls_to_become if issubclass(self.cls_to_become, Parameter) else _Materialized

    @property
    def shape(self) -> Any:
        """RuntimeError: there is none."""
        raise RuntimeError(errors.UNINITIALIZED_SHAPE)

    def share_memory_(self) -> Any:
        """RuntimeError: there is no memory."""
        raise RuntimeError(errors.UNINITIALIZED_SHARED)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad,)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is not known yet: `UninitializedParameter(requires_grad=True, device=None, dtype=None)`.

    ValueError from functions that it is given to, RuntimeError for its shape.
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return arrive(Tensor._make_subclass(cls, empty(0, dtype=dtype, device=device), requires_grad))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is not known yet. What it becomes is a tensor; modules then hold a plain one instead."""

    cls_to_become = Tensor
    __torch_function__ = classmethod(_disabled_torch_function_impl)  # until there is one

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        made = arrive(Tensor._make_subclass(cls, empty(0, dtype=dtype, device=device), requires_grad))
        made.persistent, made._is_buffer = persistent, True
        return made


class _Materialized(Tensor):  # type: ignore[misc]
    """What becomes of an UninitializedBuffer: an object cannot turn into a Tensor, which is compiled."""

    __torch_function__ = classmethod(_disabled_torch_function_impl)
    _prints_as_tensor = True


def is_lazy(param: Any) -> bool:
    """Whether a value is an uninitialised parameter or buffer."""
    return isinstance(param, UninitializedTensorMixin)
