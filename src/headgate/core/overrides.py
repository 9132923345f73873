"""`__torch_function__`: how subclasses of Tensor, and other classes, answer for the functions they are given to.

Nothing here runs until such a class exists: making a subclass of Tensor switches the look at arguments on, and gives
the subclass operators and properties that ask its `__torch_function__` first. Parameter has that protocol disabled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from headgate.core.entry import ASK_OBSERVED, IGNORED, PUBLIC, Entry, install, overrides, set_override
from headgate.core.modes import STATE, overrides_off, set_overrides_off
from headgate.core.records import Tensor

#: Functions that PyTorch does not even ask modes about.
UNASKED = frozenset(
    """from_numpy frombuffer from_dlpack manual_seed seed initial_seed set_rng_state get_rng_state is_tensor is_storage
    is_grad_enabled is_inference_mode_enabled get_default_dtype set_default_dtype set_default_tensor_type
    get_default_device set_default_device as_subclass broadcast_shapes set_num_threads get_num_threads
    are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled
    get_float32_matmul_precision""".split()
)
# Operators that PyTorch reports under the name of a method.
OPERATORS = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__mul__": "mul", "__rmul__": "mul", "__truediv__": "div",
    "__matmul__": "matmul", "__mod__": "remainder", "__pow__": "pow", "__neg__": "neg", "__abs__": "abs",
    "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge", "__iadd__": "add_", "__isub__": "sub_",
    "__imul__": "mul_", "__itruediv__": "div_", "__ipow__": "pow_", "__imod__": "remainder_",
    "__ifloordiv__": "floor_divide_",
}  # fmt: skip
DUNDERS = """__rsub__ __rtruediv__ __floordiv__ __rfloordiv__ __rmod__ __rpow__ __rmatmul__ __eq__ __ne__ __and__
    __rand__ __or__ __ror__ __xor__ __rxor__ __lshift__ __rlshift__ __rshift__ __rrshift__ __iand__ __ior__ __ixor__
    __ilshift__ __irshift__ __pos__ __invert__ __getitem__ __setitem__ __len__ __bool__ __float__ __int__
    __index__ __complex__ __contains__ __repr__""".split()
PROPERTIES = """shape dtype device layout ndim T mT H mH data grad requires_grad is_leaf grad_fn _version real imag
    itemsize nbytes output_nr names""".split()


def _disabled_torch_function_impl(
    func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    """The `__torch_function__` of classes that want none: calls the function as if the arguments were plain."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass:
    """A context in which functions see subclasses as plain tensors, in this thread."""

    def __enter__(self) -> None:
        self.before = overrides_off()
        set_overrides_off(True)

    def __exit__(self, *_: object) -> None:
        set_overrides_off(self.before)


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """The same, and modes are not asked either."""

    def __enter__(self) -> None:
        super().__enter__()
        self.modes_before = STATE.functions_off
        STATE.functions_off = True

    def __exit__(self, *_: object) -> None:
        STATE.functions_off = self.modes_before
        super().__exit__()


def is_disabled(kind: type) -> bool:
    """Whether a class answers for nothing: it has no `__torch_function__`, or the disabled one."""
    found = getattr(kind, "__torch_function__", None)
    return found is None or kind is Tensor or getattr(found, "__func__", found) is _disabled_torch_function_impl


def overloaded_args(values: Iterable[Any], depth: int = 0, found: list[Any] | None = None) -> list[Any]:
    """The arguments, also inside lists and tuples, whose classes answer for a call: one per class, subclasses first."""
    found = [] if found is None else found
    for value in values:
        kind = type(value)
        if depth < 2 and kind in (list, tuple):
            overloaded_args(value, depth + 1, found)
        elif not is_disabled(kind) and not isinstance(value, type) and all(kind is not type(one) for one in found):
            places = [place for place, one in enumerate(found) if issubclass(kind, type(one))]
            found.insert(places[0] if places else len(found), value)
    return found


class NoAnswer(TypeError):
    """Every class among the arguments returned NotImplemented."""


def innermost() -> Any:
    """The mode that is asked next in this thread, or None."""
    return STATE.function_modes[-1] if STATE.function_modes and not STATE.functions_off else None


def ask_mode(mode: Any, func: Any, types: tuple[type, ...], args: tuple[Any, ...], kwargs: Any) -> Any:
    """Ask the innermost mode, which is off meanwhile; what it leaves entered is left."""
    stack = STATE.function_modes
    depth = len(stack)
    stack.pop()
    try:
        return mode.__torch_function__(func, types, args, kwargs)
    finally:
        stack.insert(depth - 1, mode)


def dispatch(func: Any, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Ask the innermost mode, then the arguments' classes in turn; TypeError if all answer NotImplemented. `run` where
    none is asked."""
    mode = innermost()
    if mode is None and overrides_off():
        return run(*args, **kwargs)
    overloaded = [] if overrides_off() else overloaded_args((*args, *kwargs.values()))
    if mode is None and not overloaded:
        return run(*args, **kwargs)
    types = tuple(type(one) for one in overloaded)
    if mode is not None:
        result = ask_mode(mode, func, types, args, kwargs or None)
        if result is not NotImplemented:
            return result
    for one in overloaded:
        result = one.__torch_function__(func, types, args, kwargs or None)
        if result is not NotImplemented:
            return result
    asked = [] if mode is None else [f"  - mode object {mode}"]
    asked += [f"  - tensor subclass {kind}" for kind in types]
    raise NoAnswer(
        f"Multiple dispatch failed for '{resolve_name(func) or func}'; all __torch_function__ handlers returned "
        f"NotImplemented:\n\n" + "\n".join(asked)
    )


def with_casts(entry: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """`run`, by way of autocast where this thread is in it and `entry` is listed."""
    casting = STATE.casting
    if casting is None or STATE.casts_off or not entry.listed:
        return run
    return lambda *args, **kwargs: casting(entry, run, args, kwargs)


def override(entry: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an Entry calls when an argument's class, a mode or autocast may answer for it."""
    run = with_casts(entry, entry.__wrapped__)
    if entry.__name__ in UNASKED:
        with DisableTorchFunction():
            return run(*args, **kwargs)
    if entry.__name__ in IGNORED and innermost() is None:
        return run(*args, **kwargs)
    return dispatch(entry, run, args, kwargs)


# ---- Tensor's own answer --------------------------------------------------------------------------------------------


def convert(result: Any, kind: type) -> Any:
    """Plain tensors in a result as `kind`."""
    if kind is Tensor:
        return result
    if isinstance(result, Tensor) and not isinstance(result, kind):
        return result.as_subclass(kind)
    if isinstance(result, (tuple, list)):
        items = [convert(one, kind) for one in result]
        return type(result)(items)
    return result


def torch_function(
    cls: type, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    """Calls the function on the tensors as plain ones, and gives results the subclass's type.

    Returns NotImplemented if an argument's class is not a base of this one. Override it (a classmethod) to be asked
    about every function that an instance is given to.
    """
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
        return result if func in nowrap() else convert(result, cls)


def nowrap() -> set[Any]:
    """Functions whose results keep their type."""
    found = (getattr(Tensor, name, None) for name in ("_base", "grad", "_grad"))
    return {one.__get__ for one in found if one is not None}


# ---- what a new subclass gets ---------------------------------------------------------------------------------------

BASES = frozenset(Tensor.__mro__)


def _operator(name: str) -> Callable[..., Any]:
    """An operator of a subclass: asks `__torch_function__`.

    Tensor itself has these too, for what a subclass calls by `super()`; its own operators do not come this way.
    """
    run = _plain.setdefault(name, getattr(Tensor, name))

    def method(self: Any, *args: Any) -> Any:
        if type(self) is Tensor:
            return run(self, *args)
        func = getattr(Tensor, OPERATORS.get(name, name), run)
        try:
            return dispatch(func, run, (self, *args), {})
        except NoAnswer:
            if not args or name in ("__getitem__", "__setitem__"):
                raise
            return NotImplemented  # Python then asks the other operand, or says that the two do not go together

    method.__name__ = method.__qualname__ = name
    return method


_plain: dict[str, Any] = {}  # name -> Tensor's own operator, which asks nobody


def _property(name: str) -> property:
    """A property of a subclass: asks `__torch_function__` about `Tensor.<name>.__get__`."""

    def get(self: Any) -> Any:
        found = getattr(Tensor, name).__get__
        return dispatch(found, found, (self,), {})

    def put(self: Any, value: Any) -> None:
        found = getattr(Tensor, name).__set__
        dispatch(found, found, (self, value), {})

    def remove(self: Any) -> None:
        found = getattr(Tensor, name).__delete__
        dispatch(found, found, (self,), {})

    return property(get, put, remove)


def init_subclass(cls: type, **rest: Any) -> None:
    """Make a new subclass of Tensor ask its `__torch_function__`, and arguments be looked at from now on."""
    super(Tensor, cls).__init_subclass__(**rest)  # type: ignore[misc]
    if is_disabled(cls):
        return
    _asking.append(cls.__name__)
    look()
    give_answers(cls)


_asking: list[str] = []  # classes that ask for as long as the process lives


_state: dict[str, Any] = {"plain": (), "some": False, "observed": False}


def attend(some: bool) -> None:
    """Look at arguments while some exist of classes that answer for themselves; for other classes, always."""
    _state["some"] = some
    look()


def look() -> None:
    """Switch the look at arguments on or off, as the state asks."""
    overrides(_state["some"] or bool(_asking))
    overrides(_state["observed"], ASK_OBSERVED)


def observe(observer: Callable[..., Any] | None) -> None:
    """Hand every call of a function or method to observer(entry, run, args, kwargs), until None is given.

    It must call `run()` and return its result. Operators written with signs are no such calls.
    """

    def observed(entry: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert observer is not None
        return observer(entry, lambda: override(entry, args, kwargs), args, kwargs)

    _state["observed"] = observer is not None
    set_override(override if observer is None else observed, _state["plain"])
    look()


def give_answers(cls: type) -> None:
    """Let the operators and properties of a class ask its `__torch_function__`."""
    for name in (*OPERATORS, *DUNDERS):
        _give(cls, name, _operator)
    for name in PROPERTIES:
        _give(cls, name, _property)


def _give(cls: type, name: str, make: Callable[[str], Any]) -> None:
    """Set an attribute on a subclass, unless it or a class beside Tensor defines one."""
    owner = next((kind for kind in cls.__mro__ if name in vars(kind)), None)
    if owner in BASES and owner is not object:
        setattr(cls, name, make(name))


def start(plain: tuple[type, ...]) -> None:
    """Put the protocol in place; `plain`: the classes that are never asked."""
    install(Tensor, "__torch_function__", classmethod(torch_function))
    install(Tensor, "__init_subclass__", classmethod(init_subclass))
    for name in (*OPERATORS, *DUNDERS):
        install(Tensor, name, _operator(name))
    _state["plain"] = plain
    set_override(override, plain)


# ---- helpers for libraries, as in torch.overrides -------------------------------------------------------------------


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether a mode, or a class among the arguments, answers for functions."""
    return innermost() is not None or (not overrides_off() and bool(overloaded_args(relevant_args)))


def has_torch_function_unary(arg: Any) -> bool:
    """The same for one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args: Any) -> bool:
    """The same for any number of arguments."""
    return has_torch_function(args)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Hand a call to the innermost mode, then to the classes among the arguments. TypeError if all of them return
    NotImplemented."""
    overloaded = overloaded_args(relevant_args)
    types = tuple(type(one) for one in overloaded)
    mode = innermost()
    if mode is not None:
        result = ask_mode(mode, public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    for one in overloaded:
        result = one.__torch_function__(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    raise TypeError(
        f"no implementation found for '{getattr(public_api, '__module__', '')}.{getattr(public_api, '__name__', '')}' "
        f"on types that implement __torch_function__: {[type(one) for one in overloaded]}"
        + ("" if mode is None else f" nor in mode {mode}")
    )


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that lets a function be overridden; `dispatcher` returns the arguments that may answer."""
    import functools

    def inner(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return func(*args, **kwargs)

        return wrapped

    return inner


def is_tensor_like(inp: Any) -> bool:
    """Whether a value is a tensor or answers for functions as one."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is reached through Tensor."""
    if getattr(func, "__name__", "") == "__get__":
        return True
    return any(func is vars(kind).get(getattr(func, "__name__", "")) for kind in Tensor.__mro__)


def resolve_name(f: Any) -> str | None:
    """The name under which users know a function: "torch.add", "torch.Tensor.add_"."""
    for name, entry in PUBLIC.items():
        if entry is f and not name.startswith("Tensor."):
            return f"torch.{name}"
    name = getattr(f, "__name__", None)
    if name == "__get__":
        return f"torch.Tensor.{getattr(f.__self__, '__name__', '')}.__get__"
    return f"torch.Tensor.{name}" if name is not None and is_tensor_method_or_property(f) else None


def get_ignored_functions() -> set[Any]:
    """Functions that are never handed to overrides."""
    return {entry for name, entry in PUBLIC.items() if name.rpartition(".")[2] in IGNORED}


def get_overridable_functions() -> dict[Any, list[Any]]:
    """Every function that can be overridden: a list per namespace."""
    functions = [entry for name, entry in PUBLIC.items() if isinstance(entry, Entry) and not name.startswith("Tensor.")]
    methods = [value for value in vars(Tensor).values() if isinstance(value, Entry)]
    return {"torch.functional": [one for one in functions if one not in get_ignored_functions()], Tensor: methods}
