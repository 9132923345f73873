"""`torch.jit`: Headgate has no TorchScript. What marks functions leaves them as they are; what would make or read
scripts is an error that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

NO_SCRIPT = (
    "torch.jit.{name} needs TorchScript, which Headgate does not have. Call the function or module itself: what it "
    "computes is the same."
)
NO_FILE = "torch.jit.{name} needs TorchScript, which Headgate does not have. Save and load a state_dict instead."
T = TypeVar("T")


def script(obj: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_SCRIPT.format(name="script"))


def trace(func: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_SCRIPT.format(name="trace"))


def trace_module(mod: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_SCRIPT.format(name="trace_module"))


def freeze(mod: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_SCRIPT.format(name="freeze"))


def optimize_for_inference(mod: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_SCRIPT.format(name="optimize_for_inference"))


def save(m: Any, f: Any, _extra_files: Any = None) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_FILE.format(name="save"))


def load(f: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise NotImplementedError(NO_FILE.format(name="load"))


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself, or with an argument a decorator."""
    return drop if callable(drop) else _same


def unused(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn


def interface(obj: Any) -> Any:
    """The class itself."""
    return obj


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: nothing is ever traced."""
    return fn


def _same(fn: Any) -> Any:
    return fn


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's isinstance; of generic types the origin counts."""
    kinds = target_type if type(target_type) in (tuple, list) else (target_type,)
    return any(type(obj) in _plain(kind).__mro__ or issubclass(type(obj), _plain(kind)) for kind in kinds)


def _plain(kind: Any) -> Any:
    return getattr(kind, "__origin__", kind)


class Attribute(Generic[T]):
    """A value with a type, as scripts declare them; both are kept."""

    def __init__(self, value: T, type: Any) -> None:
        self.value = value
        self.type = type


class ScriptModule:
    """Named in annotations and isinstance tests only. NotImplementedError when made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(NO_SCRIPT.format(name="ScriptModule"))


class ScriptFunction:
    """Named in annotations and isinstance tests only. NotImplementedError when made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(NO_SCRIPT.format(name="ScriptFunction"))


Final = Any
