"""Function modes: contexts that are asked about every public function and method of Tensor before it runs.

While one is entered, in whatever thread, entries hand over all their calls, and stand-ins hang in the slots of Python's
operators, protocols and properties; when the last is left, the slots are as before. So nobody pays for modes but who
uses them. Here too is what autocast has of the same mechanism: entries that it lists, and the slot of `@`.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from headgate.core.asked import Asked, AskedSurface, is_inplace, operator_now, surface_now
from headgate.core.entry import ASK_ALL, ASK_LISTED, Entry, install, overrides
from headgate.core.modes import STATE
from headgate.core.operators import fill_slot, set_answer
from headgate.core.overrides import BASES, OPERATORS, NoAnswer, dispatch, is_disabled, with_casts
from headgate.core.records import Tensor, set_surface

BINARY = """add sub mul div floor_divide remainder pow matmul bit_and bit_or bit_xor left_shift right_shift eq ne lt le
    gt ge""".split()
#: What Python calls an operator, where a slot's name is another.
PYTHON = {
    "div": "truediv", "floor_divide": "floordiv", "remainder": "mod", "bit_and": "and", "bit_or": "or",
    "bit_xor": "xor", "left_shift": "lshift", "right_shift": "rshift", "positive": "pos",
}  # fmt: skip
SYMBOLS = dict(zip(BINARY, "+ - * / // % ** @ & | ^ << >>".split()))
NO_OPERATOR = "unsupported operand type(s) for {symbol}: 'Tensor' and 'Tensor'"
ASKED = (*BINARY, "neg", "abs", "invert", "positive", "getitem", "setitem")
#: Operators that PyTorch reports by their methods' names though a subclass is asked under Python's.
ALSO = {"__pos__": "positive"}
#: Functions of Tensor that are no entries, and that modes are asked about all the same.
PLAIN = ("__format__", "__array__", "__deepcopy__")
#: Attributes that no mode is asked about.
UNASKED = frozenset("__dict__ __weakref__ __doc__ __torch_function__".split())


class _Standing:
    """How many contexts of each kind all threads together are in, and what stood in the slots before."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.modes = self.casts = 0
        self.looked = -1  # how many attributes Tensor had when they were looked through
        self.operators: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.surface: Any = None


_standing = _Standing()


def _function(name: str) -> Any:
    """What a mode is told of an operator: the method of PyTorch's name."""
    return getattr(Tensor, OPERATORS.get(name) or ALSO.get(name) or name)


def _method_name(slot: str, operands: tuple[Any, ...], out: Any) -> str:
    """Python's name of the operator that a slot was called for."""
    name = PYTHON.get(slot, slot)
    if is_inplace(out):
        return f"__i{name}__"
    return f"__{name}__" if isinstance(operands[0], Tensor) else f"__r{name}__"


def _ask_operator(slot: Any, operands: tuple[Any, ...], out: Any) -> Any:
    """What stands in the slot of an operator."""

    def run(*args: Any) -> Any:
        return slot.plain(operands, out) if args == () else slot.plain(args, out)

    casts = slot.slot == "matmul" and STATE.casting is not None
    plain = with_casts(Tensor.matmul, run) if casts else run  # type: ignore[attr-defined]
    if not STATE.function_modes or STATE.functions_off:
        return plain(*operands)
    name = _method_name(slot.slot, operands, out)
    swapped = name.startswith("__r") and len(operands) == 2 and not isinstance(operands[0], Tensor)
    args = operands[::-1] if swapped else operands
    try:
        return dispatch(_function(name), (lambda *_: plain(*operands)) if swapped else plain, args, {})
    except NoAnswer:
        if slot.slot not in BINARY:
            raise
        if isinstance(operands[0], Tensor) and isinstance(operands[1], Tensor) and slot.slot in SYMBOLS:
            raise TypeError(NO_OPERATOR.format(symbol=SYMBOLS[slot.slot])) from None  # or the other would be asked too
        return NotImplemented  # Python then says that the two do not go together


def _ask_stranger(op: Any, x: Any, y: Any, out: Any) -> Any:
    """Whether an operand that is no tensor, nor anything an operator knows, answers for itself."""
    operands = (x, y) if isinstance(x, Tensor) else (y, x)
    if isinstance(operands[1], Tensor) or isinstance(op, Asked) or is_disabled(type(operands[1])):
        return NotImplemented
    slot = next(name for name in BINARY if operator_now(name) is op)
    try:
        return dispatch(_function(_method_name(slot, (x, y), out)), lambda *_: NotImplemented, operands, {})
    except NoAnswer:
        return NotImplemented


set_answer(_ask_stranger)


def _ask_protocol(surface: Any, name: str, x: Any, argument: Any) -> Any:
    """What stands for the surface: `bool(x)`, `float(x)`, `repr(x)` and the like."""
    if not STATE.function_modes or STATE.functions_off:
        return surface.plain(name, x, argument)
    if name == "iter":
        return iter(x.unbind(0)) if x.dim() else surface.plain(name, x, argument)
    method = getattr(Tensor, f"__{name}__")
    args = (x, argument) if name == "contains" else (x,)
    return dispatch(method, lambda *_: surface.plain(name, x, argument), args, {})


class _AskedAttribute:
    """Stands for a property of Tensor: asks about its `__get__`, `__set__` or `__delete__`."""

    def __init__(self, name: str, attribute: Any) -> None:
        self.__name__ = name
        self.__doc__ = attribute.__doc__
        self.attribute = attribute

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return dispatch(self.__get__, lambda x, *_: self.attribute.__get__(x, type(x)), (instance,), {})

    def __set__(self, instance: Any, value: Any) -> None:
        dispatch(self.__set__, self.attribute.__set__, (instance, value), {})

    def __delete__(self, instance: Any) -> None:
        dispatch(self.__delete__, self.attribute.__delete__, (instance,), {})


def _asked_function(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Stands for a function of Tensor that is no entry."""

    def method(*args: Any, **kwargs: Any) -> Any:
        return dispatch(method, function, args, kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = function.__doc__
    return method


_KINDS = tuple(reversed([kind for kind in Tensor.__mro__ if kind in BASES and kind is not object]))


def _asked_attributes() -> dict[str, Any]:
    """(stand-in, what it stands for) of properties and functions of Tensor, by name; made once for each."""
    size = sum([len(vars(kind)) for kind in _KINDS])
    if size == _standing.looked:
        return _made
    _standing.looked = size
    for kind in _KINDS:
        for name, value in vars(kind).items():
            if name in UNASKED or isinstance(value, (Entry, _AskedAttribute)) or name in _made:
                continue
            if name in PLAIN:
                _made[name] = (_asked_function(name, value), value)
            elif not name.startswith("__") and hasattr(type(value), "__set__"):
                _made[name] = (_AskedAttribute(name, value), value)
    return _made


_made: dict[str, Any] = {}  # name -> (stand-in, what it stands for)


def _hang_operators(names: tuple[str, ...]) -> None:
    """Put stand-ins into operator slots that have none."""
    for name in names:
        if name not in _standing.operators:
            _standing.operators[name] = operator_now(name)
            fill_slot(name, Asked(name, _standing.operators[name], _ask_operator))


def _take_operators(kept: tuple[str, ...]) -> None:
    """Take the stand-ins out again, but those of `kept`."""
    for name in [one for one in _standing.operators if one not in kept]:
        fill_slot(name, _standing.operators.pop(name))


def _stand(modes: int, casts: int) -> None:
    """Count contexts entered or left, and hang or take out the stand-ins with the first and the last."""
    with _standing.lock:
        before = _standing.modes
        _standing.modes += modes
        _standing.casts += casts
        asked = ASKED if _standing.modes else ("matmul",) if _standing.casts else ()
        _take_operators(asked)
        _hang_operators(asked)
        if bool(before) != bool(_standing.modes):
            for name, (stand_in, attribute) in _asked_attributes().items():
                install(Tensor, name, stand_in if _standing.modes else attribute)
            if _standing.modes:
                _standing.surface = surface_now()
                set_surface(AskedSurface(_standing.surface, _ask_protocol), True)
            else:
                set_surface(_standing.surface)
        overrides(_standing.modes > 0, ASK_ALL)
        overrides(_standing.casts > 0, ASK_LISTED)


def push_mode(mode: Any) -> None:
    """Make a mode this thread's innermost."""
    _stand(1, 0)
    STATE.function_modes.append(mode)


def pop_mode() -> Any:
    """Leave this thread's innermost mode; it."""
    mode = STATE.function_modes.pop()
    _stand(-1, 0)
    return mode


def set_casting(casting: Callable[..., Any] | None) -> None:
    """What this thread's listed entries hand their calls to, as casting(entry, run, args, kwargs); None: nothing."""
    _stand(0, (casting is not None) - (STATE.casting is not None))
    STATE.casting, STATE.casts_off = casting, False


def casting_now() -> Any:
    """What `casting_as` takes to cast later as it is done now."""
    return None if STATE.casting is None or STATE.casts_off else copy.copy(STATE.casting)


@contextlib.contextmanager
def casting_as(casting: Any) -> Iterator[None]:
    """A context with another `STATE.casting`, also within what is cast."""
    before, off = STATE.casting, STATE.casts_off
    set_casting(casting)
    try:
        yield
    finally:
        set_casting(before)
        STATE.casts_off = off


class TorchFunctionMode:
    """A context that is asked about functions and methods by its `__torch_function__(func, types, args, kwargs)`.

    Subclass it and define that method; call `func(*args, **(kwargs or {}))` in it for the ordinary result. Inside, the
    mode itself is off. The innermost mode of a thread is asked first; others see what it calls.
    """

    inner: TorchFunctionMode

    def __init__(self) -> None:
        pass

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        push_mode(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        pop_mode()


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that lets every function do what it does."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def _get_current_function_mode() -> Any:
    """This thread's innermost mode, or None."""
    return STATE.function_modes[-1] if STATE.function_modes else None


def _get_current_function_mode_stack() -> list[Any]:
    """This thread's modes, the outermost first."""
    return list(STATE.function_modes)


def _len_torch_function_stack() -> int:
    """How many modes this thread is in."""
    return len(STATE.function_modes)


def _is_torch_function_mode_enabled() -> bool:
    """Whether a mode of this thread is asked."""
    return bool(STATE.function_modes) and not STATE.functions_off
