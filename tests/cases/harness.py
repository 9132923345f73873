"""What a side-by-side program records, and how two records are compared.

A program is a function `program(torch, log)`; it runs once with PyTorch and once with Headgate as `torch`, and the
two logs must agree. This file knows nothing of Headgate's inside: only public names, and the write guard where a
library has one.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

UNSET: Any = object()
OPENING = 40  # how many characters of PyTorch's text bind


def builtin_class(error: BaseException) -> str:
    """The nearest class of the exception that Python itself defines: a library may raise its own subclass."""
    for kind in type(error).__mro__:
        if kind.__module__ == "builtins":
            return kind.__name__
    return type(error).__name__


def opening(error: BaseException) -> str:
    """The first words of the exception's text, on one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:OPENING] if lines else ""


def is_tensor(value: object) -> bool:
    return hasattr(value, "requires_grad") and hasattr(value, "grad_fn") and hasattr(value, "dtype")


def plain(value: Any) -> Any:
    """A value without its library: tensors become (dtype, shape, numbers), containers are walked."""
    if is_tensor(value):
        return ("tensor", str(value.dtype).split(".")[-1], tuple(value.shape), value.detach().tolist())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value) if type(value) in (list, tuple) else tuple(map(plain, value))
    return value


def node_name(tensor: Any) -> str | None:
    return None if tensor.grad_fn is None else tensor.grad_fn.name().rsplit("::", 1)[-1]


def close(left: Any, right: Any, tolerance: float = 2e-6) -> bool:
    """Equality with a relative tolerance on floats; NaN equals NaN."""
    if isinstance(left, float) and isinstance(right, (float, int)) and not isinstance(right, bool):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right or abs(left - right) <= tolerance * max(1.0, abs(left), abs(right))
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(close(a, b, tolerance) for a, b in zip(left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(close(left[key], right[key], tolerance) for key in left)
    return type(left) is type(right) and left == right


@dataclass
class Log:
    """The observations of one run, in order."""

    entries: list[tuple[str, Any]] = field(default_factory=list)

    def __call__(self, label: str, value: Any, expect: Any = UNSET) -> Any:
        """Record a value; `expect` (numbers or lists for tensors) must hold in both libraries."""
        self.entries.append((label, plain(value)))
        if expect is not UNSET:
            found = value.detach().tolist() if is_tensor(value) else value
            found_, wanted = (_floats(found), _floats(expect)) if is_tensor(value) else (found, expect)
            assert close(found_, wanted, 1e-3 if is_tensor(value) else 2e-6), f"{label}: {found!r}, expected {expect!r}"
        return value

    def state(self, label: str, tensor: Any) -> None:
        """Record everything that a program can ask a tensor about its place in the graph."""
        facts = {
            "value": plain(tensor),
            "version": tensor._version,
            "requires_grad": tensor.requires_grad,
            "is_leaf": tensor.is_leaf,
            "node": node_name(tensor),
            "view": tensor._is_view(),
            "based": tensor._base is not None,
        }
        if tensor.is_leaf or tensor.retains_grad:
            facts["grad"] = plain(tensor.grad)
        self.entries.append((label, facts))

    def attempt(self, label: str, action: Callable[[], Any]) -> Any:
        """Run `action`; record its success, or the exception's class and opening words. Returns its result or None."""
        try:
            result = action()
        except Exception as error:
            self.entries.append((label, ("raised", builtin_class(error), opening(error))))
            return None
        self.entries.append((label, "done"))
        return result

    def raises(self, label: str, action: Callable[[], Any], kind: type[BaseException], words: str = "") -> str:
        """Record that `action` raises `kind` with `words` in its text (in both libraries); returns the text."""
        try:
            action()
        except kind as error:
            self.entries.append((label, ("raised", builtin_class(error), opening(error))))
            assert words in str(error), f"{label}: {str(error)!r} lacks {words!r}"
            return str(error)
        raise AssertionError(f"{label}: nothing was raised, expected {kind.__name__}")


def _floats(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_floats(item) for item in value]
    return value if isinstance(value, (str, type(None))) else float(value)


@dataclass(frozen=True)
class Case:
    """One program: its number in the list of behaviours, and what the write guard must say about it."""

    number: int
    program: Callable[[Any, Log], None]
    report: str  # "never", "both" (warn and error), "error" (only there), "any" (not bound)

    @property
    def name(self) -> str:
        return f"{self.number:02d}-{self.program.__name__}"


CASES: list[Case] = []


def case(number: int, report: str = "never") -> Callable[[Callable[[Any, Log], None]], Callable[[Any, Log], None]]:
    """Register a program under its number. `report` says what the write guard must say, as in `Case`."""

    def register(program: Callable[[Any, Log], None]) -> Callable[[Any, Log], None]:
        CASES.append(Case(number, program, report))
        return program

    return register


@contextmanager
def guard_mode(library: Any, mode: str) -> Iterator[None]:
    """Set the library's write guard for a block; PyTorch has none."""
    if not hasattr(library, "set_write_guard"):
        yield
        return
    library.set_write_guard(mode)
    try:
        yield
    finally:
        library.set_write_guard("warn")


@dataclass
class Run:
    """One run of a program: its log, the guard's warnings, and the exception that ended it early."""

    log: Log
    reports: list[str]
    error: Exception | None


def run(program: Callable[[Any, Log], None], library: Any, mode: str = "off") -> Run:
    """Run a program on a library with the write guard in `mode`. Assertion errors of the program pass through."""
    log = Log()
    ended: Exception | None = None
    with warnings.catch_warnings(record=True) as caught, guard_mode(library, mode):
        warnings.simplefilter("always")
        try:
            program(library, log)
        except AssertionError:
            if mode != "error":
                raise
            ended = AssertionError("an expectation failed after a report")
        except Exception as error:
            if mode != "error":
                raise
            ended = error
    kind = getattr(library, "WriteWarning", ())
    reports = [str(item.message) for item in caught if kind and issubclass(item.category, kind)]
    return Run(log, reports, ended)


def difference(left: Log, right: Log) -> str | None:
    """The first place where two logs part, in words, or None."""
    for number, (one, two) in enumerate(zip(left.entries, right.entries)):
        if one[0] != two[0] or not close(one[1], two[1]):
            return f"observation {number}, {one[0]!r}:\n  {one[1]!r}\n  {two[0]!r}: {two[1]!r}"
    if len(left.entries) != len(right.entries):
        return f"{len(left.entries)} observations against {len(right.entries)}"
    return None


def check_against_oracle(entry: Case, oracle: Any, library: Any) -> None:
    """The library records what the oracle records, and its write guard says what the case says."""
    expected = run(entry.program, oracle)
    parted = difference(expected.log, run(entry.program, library, "off").log)
    assert parted is None, f"PyTorch and the library part at {parted}"
    check_guard(entry, library, expected.log)


def check_guard(entry: Case, library: Any, expected: Log) -> None:
    """Warn mode keeps every result and warns where it must; error mode raises there; both are silent elsewhere."""
    warned = run(entry.program, library, "warn")
    parted = difference(expected, warned.log)
    assert parted is None, f"warn mode changes a result at {parted}"
    strict = run(entry.program, library, "error")
    raised = strict.error is not None or difference(expected, strict.log) is not None
    if entry.report == "never":
        assert not warned.reports, f"reported without need: {warned.reports}"
        assert not raised, f"error mode: {strict.error!r} {difference(expected, strict.log)}"
    if entry.report == "both":
        assert warned.reports, "warn mode says nothing"
    if entry.report in ("both", "error"):
        assert raised, "error mode raises nothing"


class HandSGD:
    """PyTorch's SGD with momentum and weight decay on tensors alone: a parameter without gradient is passed over."""

    def __init__(self, torch: Any, parameters: list[Any], lr: float, momentum: float = 0.0, decay: float = 0.0) -> None:
        self.torch, self.parameters = torch, list(parameters)
        self.lr, self.momentum, self.decay = lr, momentum, decay
        self.buffers: list[Any] = [None] * len(self.parameters)

    def step(self) -> None:
        with self.torch.no_grad():
            for number, parameter in enumerate(self.parameters):
                if parameter.grad is None:
                    continue
                change = parameter.grad.add(parameter, alpha=self.decay) if self.decay else parameter.grad
                if self.momentum:
                    old = self.buffers[number]
                    self.buffers[number] = change.clone() if old is None else old.mul_(self.momentum).add_(change)
                    change = self.buffers[number]
                parameter.add_(change, alpha=-self.lr)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad.detach_().zero_()
