"""TorchFunctionMode beside PyTorch: what a mode is told of, in which order modes are asked, and that nothing is left
behind when the last one is left."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.overrides

import headgate
import headgate.overrides
from headgate.core.entry import PUBLIC
from headgate.core.operators import SLOT_NAMES

BOTH = (headgate, torch)


def recording(lib: Any) -> Any:
    """A mode that notes the names of functions and lets them run."""

    class Recording(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = "__get__ __set__ __delete__".find(getattr(func, "__name__", "?")) >= 0
            own = f"{func.__self__.__name__}." if name else ""
            self.seen.append(own + func.__name__)
            return func(*args, **(kwargs or {}))

    return Recording()


def plain(lib: Any) -> Any:
    return lib.tensor([[1.0, 2.0], [3.0, 4.0]])


def leaf(lib: Any) -> Any:
    return lib.tensor([1.0, 2.0], requires_grad=True)


#: One call each: (what it is given, the call).
CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "x + x": (plain, lambda lib, x: x + x),
    "2 + x": (plain, lambda lib, x: 2 + x),
    "2 - x": (plain, lambda lib, x: 2 - x),
    "x / 2": (plain, lambda lib, x: x / 2),
    "x // 2": (plain, lambda lib, x: x // 2),
    "x % 2": (plain, lambda lib, x: x % 2),
    "2 ** x": (plain, lambda lib, x: 2**x),
    "x @ x": (plain, lambda lib, x: x @ x),
    "-x": (plain, lambda lib, x: -x),
    "+x": (plain, lambda lib, x: +x),
    "abs": (plain, lambda lib, x: abs(x)),
    "~x": (lambda lib: lib.tensor([True]), lambda lib, x: ~x),
    "x & x": (lambda lib: lib.tensor([True]), lambda lib, x: x & x),
    "x += 1": (plain, lambda lib, x: x.__iadd__(1)),
    "x *= 2": (plain, lambda lib, x: x.__imul__(2)),
    "x == x": (plain, lambda lib, x: x == x),
    "x > 0": (plain, lambda lib, x: x > 0),
    "x[0]": (plain, lambda lib, x: x[0]),
    "x[0] = 1": (plain, lambda lib, x: x.__setitem__(0, 1.0)),
    "len": (plain, lambda lib, x: len(x)),
    "bool": (lambda lib: lib.tensor(1), lambda lib, x: bool(x)),
    "float": (lambda lib: lib.tensor(1), lambda lib, x: float(x)),
    "int": (lambda lib: lib.tensor(1), lambda lib, x: int(x)),
    "index": (lambda lib: lib.tensor(1), lambda lib, x: [4, 5][x]),
    "repr": (plain, lambda lib, x: repr(x)),
    "format": (lambda lib: lib.tensor(1.0), lambda lib, x: f"{x}"),
    "in": (plain, lambda lib, x: 1.0 in x),
    "shape": (plain, lambda lib, x: x.shape),
    "dtype": (plain, lambda lib, x: x.dtype),
    "T": (plain, lambda lib, x: x.T),
    "grad": (leaf, lambda lib, x: x.grad),
    "x.grad = None": (leaf, lambda lib, x: setattr(x, "grad", None)),
    "requires_grad": (leaf, lambda lib, x: x.requires_grad),
    "grad_fn": (leaf, lambda lib, x: x.grad_fn),
    "data": (plain, lambda lib, x: x.data),
    "is_leaf": (leaf, lambda lib, x: x.is_leaf),
    "clone": (plain, lambda lib, x: x.clone()),
    "detach": (leaf, lambda lib, x: x.detach()),
    "mul_": (plain, lambda lib, x: x.mul_(2.0)),
    "add(alpha)": (plain, lambda lib, x: lib.add(x, x, alpha=2)),
    "add(out)": (plain, lambda lib, x: lib.add(x, x, out=lib.empty(2, 2))),
    "sum": (plain, lambda lib, x: x.sum(0, keepdim=True)),
    "zeros": (plain, lambda lib, x: lib.zeros(2)),
    "tensor": (plain, lambda lib, x: lib.tensor([1.0])),
    "rand": (plain, lambda lib, x: lib.rand(2, dtype=lib.float64)),
    "arange": (plain, lambda lib, x: lib.arange(3)),
    "new_zeros": (plain, lambda lib, x: x.new_zeros(2)),
    "stack": (plain, lambda lib, x: lib.stack([x, x])),
    "where": (plain, lambda lib, x: lib.where(lib.tensor(True), x, 0.0)),
    "einsum": (plain, lambda lib, x: lib.einsum("ij,jk->ik", x, x)),
    "relu": (plain, lambda lib, x: lib.nn.functional.relu(x)),
    "linear": (plain, lambda lib, x: lib.nn.functional.linear(x, x)),
    "cross_entropy": (plain, lambda lib, x: lib.nn.functional.cross_entropy(x, x)),
    "quantile": (plain, lambda lib, x: lib.quantile(x, 0.5)),
    "backward": (lambda lib: leaf(lib).sum(), lambda lib, x: x.backward()),
    "autograd.backward": (lambda lib: leaf(lib).exp().sum(), lambda lib, x: lib.autograd.backward(x)),
    "autograd.grad": (leaf, lambda lib, x: lib.autograd.grad(x.exp().sum(), x)),
    "Parameter": (plain, lambda lib, x: lib.nn.Parameter(x)),
    "Tensor": (plain, lambda lib, x: lib.Tensor([1.0])),
    "numpy": (plain, lambda lib, x: x.numpy()),
    "from_numpy": (plain, lambda lib, x: lib.from_numpy(np.ones(2))),
    "manual_seed": (plain, lambda lib, x: lib.manual_seed(0)),
    "is_tensor": (plain, lambda lib, x: lib.is_tensor(x)),
    "is_grad_enabled": (plain, lambda lib, x: lib.is_grad_enabled()),
    "get_default_dtype": (plain, lambda lib, x: lib.get_default_dtype()),
    "promote_types": (plain, lambda lib, x: lib.promote_types(lib.float32, lib.int64)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_mode_is_told_of_what_pytorch_tells(name: str) -> None:
    seen = []
    for lib in BOTH:
        make, call = CALLS[name]
        given, mode = make(lib), recording(lib)
        with mode:
            call(lib, given)
        seen.append(mode.seen)
    assert seen[0] == seen[1]


def test_every_operation_of_the_table_is_told_of_once() -> None:
    """Each public function goes to a mode before it runs, and what it calls itself does not."""
    functions = {name: entry for name, entry in PUBLIC.items() if hasattr(entry, "__wrapped__")}
    assert len(functions) > 600

    class Answers(headgate.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return "asked", func.__name__

    unasked = []
    with Answers():
        for name, entry in functions.items():
            if entry.__name__ in headgate.core.overrides.UNASKED:
                continue
            if entry() != ("asked", entry.__name__):
                unasked.append(name)
    assert not unasked


def scaled(lib: Any, factor: float) -> Any:
    class Scaled(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            return result * factor + 1 if isinstance(result, lib.Tensor) else result

    return Scaled()


def test_the_innermost_is_asked_first_and_off_in_its_own_hands() -> None:
    values = []
    for lib in BOTH:
        x = plain(lib)
        with scaled(lib, 2.0), scaled(lib, 10.0):
            y = x.exp()
            z = x + 1
        values.append((y.tolist(), z.tolist(), (x + 1).tolist()))
    assert values[0][1:] == values[1][1:]
    for mine, theirs in zip(values[0][0], values[1][0]):
        assert mine == pytest.approx(theirs, rel=1e-6)


def refusing(lib: Any, log: list[Any]) -> Any:
    class Refusing(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            log.append((func.__name__, kwargs))
            return NotImplemented

    return Refusing()


REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda lib, x: lib.add(x, x), "zeros": lambda lib, x: lib.zeros(2), "operator": lambda lib, x: x + x,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_answers(name: str) -> None:
    found = []
    for lib in BOTH:
        log: list[Any] = []
        x = plain(lib)
        with pytest.raises(TypeError) as caught, refusing(lib, log):
            REFUSED[name](lib, x)
        found.append((log, str(caught.value).partition("0x")[0].replace("headgate.core.records.", "")))
        assert lib.overrides._get_current_function_mode() is None
    assert found[0][0] == found[1][0]
    assert found[0][1][:60] == found[1][1][:60]


def test_a_subclass_is_asked_after_the_mode() -> None:
    order = []
    for lib in BOTH:
        log: list[Any] = []

        class Marked(lib.Tensor):  # type: ignore[misc,name-defined]
            @classmethod
            def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                log.append(("class", func.__name__))
                return super().__torch_function__(func, types, args, kwargs or {})

        class Noting(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                log.append(("mode", func.__name__, [kind.__name__ for kind in types]))
                return func(*args, **(kwargs or {}))

        x = plain(lib).as_subclass(Marked)
        with Noting():
            y = lib.add(x, 1)
            z = x + x
        assert type(y) is type(z) is Marked
        order.append(log)
    assert order[0] == order[1]


def test_switched_off() -> None:
    counts = []
    for lib in BOTH:
        x, mode = plain(lib), recording(lib)
        with mode:
            with lib._C.DisableTorchFunctionSubclass():
                lib.exp(x)
            with lib._C.DisableTorchFunction():
                lib.exp(x)
                x + x
                assert not lib._C._is_torch_function_mode_enabled()
            assert lib._C._is_torch_function_mode_enabled() and lib.overrides.has_torch_function((x,))
            with lib.overrides.BaseTorchFunctionMode():
                lib.exp(x)
        assert not lib.overrides.has_torch_function((x,))
        counts.append(mode.seen)
    assert counts[0] == counts[1] == ["exp", "exp"]


def test_an_exception_leaves_the_stack_sound() -> None:
    for lib in BOTH:

        class Raising(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                raise KeyError(func.__name__)

        x, outer, inner = plain(lib), recording(lib), Raising()
        with outer:
            with pytest.raises(KeyError), inner:
                assert lib.overrides._get_current_function_mode_stack() == [outer, inner]
                lib.exp(x)
            lib.exp(x)
            with inner:
                with pytest.raises(KeyError):
                    x * 2
                with pytest.raises(KeyError):
                    _ = x.shape
                assert lib.overrides._get_current_function_mode() is inner
        assert outer.seen == ["exp"]
        with pytest.raises(NotImplementedError), lib.overrides.TorchFunctionMode():
            lib.exp(x)
        assert lib.overrides._get_current_function_mode_stack() == []


def test_a_mode_belongs_to_its_thread() -> None:
    x, mode = plain(headgate), recording(headgate)
    results: list[Any] = []

    def work() -> None:
        results.append((x + 1).tolist())
        results.append(x.shape)
        results.append(headgate.exp(x).shape)
        other = recording(headgate)
        with other:
            _ = x * 2
        results.append(other.seen)

    with mode:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert mode.seen == []
        _ = x - 1
    assert mode.seen == ["sub"]
    assert results == [[[2.0, 3.0], [4.0, 5.0]], (2, 2), (2, 2), ["mul"]]


def standing() -> tuple[Any, ...]:
    """What stands in the slots and among Tensor's attributes."""
    from headgate.core.asked import operator_now, surface_now

    slots = [operator_now(name) for name in SLOT_NAMES]
    return (slots, surface_now(), [dict(vars(kind)) for kind in headgate.Tensor.__mro__[:-1]])


def test_everything_is_as_before_when_the_last_is_left() -> None:
    before = standing()
    with recording(headgate):
        inside = standing()
        with recording(headgate):
            pass
        again = standing()
        assert inside[:2] == again[:2]
    assert inside[0] != before[0] and inside[1] is not before[1]
    after = standing()
    assert after[0] == before[0] and after[1] is before[1]
    changed = {
        name for old, new in zip(before[2], after[2]) for name in old.keys() | new.keys()
        if old.get(name) is not new.get(name)
    }  # fmt: skip
    assert not changed


def test_handle_torch_function_asks_the_mode_first() -> None:
    for lib in BOTH:

        def function(x: Any, lib: Any = lib, named: int = 0) -> Any:
            if lib.overrides.has_torch_function_unary(x):
                return lib.overrides.handle_torch_function(function, (x,), x, named=1)
            return "plain"

        log: list[Any] = []
        x = plain(lib)
        assert function(x) == "plain"
        with pytest.raises(TypeError, match=r"types that implement __torch_function__: \[.*\] nor in mode <"):
            with refusing(lib, log):
                function(x)
        assert log[0] == ("function", {"named": 1})
