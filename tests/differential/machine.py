"""Runs one program on two libraries, compares them after every statement, and cuts a failing program down.

`python machine.py SEED` prints the program of a seed and where the libraries part. Nothing here knows how programs
are drawn (statements.py) or what the right gradient is (functional.py).
"""

from __future__ import annotations

import math
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from apart import Apart
from edges import SHAKES, Shaken, undecided, within
from expressions import PRELUDE
from statements import LARGEST, Generator, Statement, holds, live

OPENING = 40
LENGTH = 14  # statements in a program, at most
# PyTorch refuses a write to a view whose base came to have history, unless somebody looked at the view since: it then
# takes the write. Headgate takes it always, so PyTorch gets a look before such a statement.
UNSEEN = tuple(
    ("RuntimeError", f"a leaf Variable that requires grad {words}"[:OPENING])
    for words in ("is being used in an in-place operation.", "has been used in an in-place operation.")
)
# Failures of PyTorch's own, by words of the error, after which there is nothing to compare with.
OWN_FAILURES = {
    "ZeroTensors are immutable": "symbolic zeros",  # it cannot add to a gradient of symbolic zeros that it made itself
    "INTERNAL ASSERT": "internal assert",
    "Inplace update to inference tensor": "inference",  # it has written already when it refuses
}


@dataclass
class Program:
    """Statements, and whether tensors are looked at after each of them (looking regenerates histories of views)."""

    statements: list[Statement]
    watched: bool


@dataclass
class Outcome:
    """The first difference in words, and why nothing was compared from some statement on, if so; the statement."""

    found: str | None
    dropped: str | None
    at: int


def opening(error: BaseException) -> tuple[str, str]:
    """An exception as its nearest built-in class and its first words."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
    lines = str(error).strip().splitlines()
    return kind.__name__, (lines[0][:OPENING] if lines else "")


class Execution:
    """One run of a program on one library."""

    def __init__(self, library: Any) -> None:
        self.namespace: dict[str, Any] = {"torch": library}
        self.inference = False
        exec(PRELUDE, self.namespace)

    def execute(self, source: str) -> tuple[str, str] | None:
        """Run one statement; None, or the exception's class and opening words."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(source, self.namespace)
            except Exception as error:
                return opening(error)
        self.inference = self.inference or "inference_mode" in source
        return None

    def facts(self) -> dict[str, Any]:
        """Everything observable of the live tensors, and what the hooks have seen."""
        found: dict[str, Any] = {name: describe(self.namespace[name]) for name in live(self.namespace)}
        pointers: dict[int, str] = {}
        if self.inference:  # PyTorch counts writes inside of some functions where no inference tensor may be written
            for facts in found.values():
                facts.pop("version")
        for name in live(self.namespace):
            tensor = self.namespace[name]
            if tensor.numel():
                found[name]["shares"] = pointers.setdefault(tensor.untyped_storage().data_ptr(), name)
        found["log"] = list(self.namespace["log"])
        return found


def describe(tensor: Any) -> dict[str, Any]:
    """What can be asked of a tensor; reading the history of some views raises, which is a fact as well."""
    found = {"value": tensor.tolist(), "shape": tuple(tensor.shape), "dtype": str(tensor.dtype).split(".")[-1]}
    for name, read in READS.items():
        try:
            found[name] = read(tensor)
        except RuntimeError as error:
            found[name] = opening(error)
    return found


def node_name(tensor: Any) -> str | None:
    node = tensor.grad_fn
    return None if node is None else node.name().rsplit("::", 1)[-1]


def gradient_of(tensor: Any) -> Any:
    if not (tensor.is_leaf or tensor.retains_grad) or tensor.grad is None:
        return None
    layout = [s for s, n in zip(tensor.grad.stride(), tensor.grad.shape) if n > 1 and tensor.grad.numel()]
    return [tensor.grad.detach().numpy(force=True).tolist(), tensor.grad.requires_grad, layout]


READS: dict[str, Callable[[Any], Any]] = {
    "version": lambda tensor: tensor._version,
    "requires_grad": lambda tensor: tensor.requires_grad,
    "is_leaf": lambda tensor: tensor.is_leaf,
    "node": node_name,
    "is_view": lambda tensor: tensor._is_view(),
    "layout": lambda tensor: [s for s, n in zip(tensor.stride(), tensor.shape) if n > 1 and tensor.numel()],
    "retains_grad": lambda tensor: tensor.retains_grad,
    "grad": gradient_of,
}


def largest(value: Any) -> float:
    if isinstance(value, (list, tuple)):
        return max((largest(item) for item in value), default=0.0)
    if not isinstance(value, float):
        return 0.0
    return abs(value) if math.isfinite(value) else math.inf


def same(one: Any, two: Any, slack: float) -> bool:
    """Equal, floats within an absolute slack (relative to the largest number beside them)."""
    if isinstance(one, float) and isinstance(two, float):
        return one == two or abs(one - two) <= slack or (math.isnan(one) and math.isnan(two))
    if isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        return len(one) == len(two) and all(same(a, b, slack) for a, b in zip(one, two))
    return type(one) is type(two) and one == two


def parted(one: dict[str, Any], two: dict[str, Any], single: bool) -> str | None:
    """The first fact in which two runs differ, in words."""
    if one.keys() != two.keys():
        return f"live tensors: {sorted(one)} | {sorted(two)}"
    for name, facts in one.items():
        if name == "log":
            slack = (3e-5 if single else 1e-9) * max(1.0, largest_in_log(facts))
            if not same(facts, two[name], slack):
                return f"hooks saw {facts} | {two[name]}"
            continue
        for key, value in facts.items():
            other = two[name].get(key)
            slack = (3e-5 if single else 1e-9) * max(1.0, min(largest(value), 1e12))
            if not same(value, other, slack):
                return f"{name}.{key}: {value!r} | {other!r}"
    return None


def largest_in_log(entries: Sequence[Any]) -> float:
    return min(largest(list(entries)), 1e12)


def generate(seed: int, oracle: Any, smooth: bool = False, length: int = LENGTH) -> Program:
    """Draw a program of a seed, running it on the oracle as it grows; ends with a gradient through everything alive."""
    generator = Generator(seed, oracle, smooth)
    execution = Execution(oracle)
    execution.namespace = generator.namespace
    statements: list[Statement] = []
    for _ in range(3 * length):
        if len(statements) >= length:
            break
        statement = generator.draw()
        if statement is None:
            continue
        execution.execute(statement.source)
        statements.append(statement)
        if exploded(execution):
            statements.pop()
            break
    watched = generator.chance(0.6)
    for name in live(generator.namespace):
        if holds(generator.namespace[name], lambda tensor: tensor.requires_grad and not tensor.is_leaf):
            statements.append(Statement(f"{name}.sum().backward(retain_graph=True)", "loss", value=f"{name}.sum()"))
    return Program(statements, watched)


def exploded(execution: Execution) -> bool:
    """Whether a live value or gradient is too large (or no number), so that rounding would drown the comparison."""
    for name in live(execution.namespace):
        tensor = execution.namespace[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gradient = readable_gradient(tensor)
            limit = LARGEST if "64" in str(tensor.dtype) else LARGEST / 10
            for one in (tensor, gradient):
                if one is not None and largest(one.detach().numpy(force=True).tolist()) > limit:
                    return True
    return False


def readable_gradient(tensor: Any) -> Any:
    try:
        return tensor.grad
    except RuntimeError:
        return None


def compare(program: Program, oracle: Any, library: Any) -> str | None:
    """Run a program on both; the first difference in words, or None."""
    return outcome(program, oracle, library).found


def outcome(program: Program, oracle: Any, library: Any) -> Outcome:
    """Run a program on both. One that is dropped at a statement is compared up to there."""
    result = beside(program, oracle, library)
    if result.dropped is not None and result.at > 0 and not program.watched:
        before = Program(program.statements[: result.at], False)
        result = Outcome(beside(before, oracle, library).found, result.dropped, result.at)
    if result.found is not None and on_edge(program, result.at, oracle, library):
        return Outcome(None, "a mask, kink or tie decided by rounding", result.at)
    if result.found is not None and is_amplified(program, result.at, oracle, library):
        return Outcome(None, "rounding amplified", result.at)
    return result


def is_single(program: Program) -> bool:
    return any("float" in s.text and "float64" not in s.text for s in program.statements)


def why_dropped(left: Execution, error: tuple[str, str] | None) -> str | None:
    """Why nothing can be said of a program after a statement, by what the oracle did; None if something can."""
    if exploded(left):
        return "too large"
    if error is None:
        return None
    return next((why for words, why in OWN_FAILURES.items() if words in error[1]), None)


def beside(program: Program, oracle: Any, library: Any) -> Outcome:
    """Run a program on both libraries, comparing after each statement, or at the end only if nobody watches."""
    left, right = Execution(oracle), Execution(library)
    single = is_single(program)
    looked: list[int] = []
    for number, statement in enumerate(program.statements):
        one, two = left.execute(statement.source), right.execute(statement.source)
        if one is not None and one[0] == "NameError":  # a cut-down program lost the name
            continue
        dropped = why_dropped(left, one)
        if dropped is not None:
            return Outcome(None, dropped, number)
        if one in UNSEEN and two != one:
            looked.append(number)
            left = replayed(program, looked, oracle)
            one = left.execute(statement.source)
        if one != two:
            return Outcome(f"statement {number}, {statement.source}\n  raises {one} | {two}", None, number)
        if program.watched:
            found = difference(left, right, single)
            if found is not None:
                return Outcome(f"after statement {number}, {statement.source}\n  {found}", None, number)
    last = len(program.statements) - 1
    found = None if program.watched else difference(left, right, single)
    if found is not None:
        found = f"after statement {last}, {program.statements[last].source}\n  {found}"
    return Outcome(found, None, last)


def difference(left: Execution, right: Execution, single: bool) -> str | None:
    """The first fact in which two runs differ, in words."""
    try:
        return parted(left.facts(), right.facts(), single)
    except Exception as error:  # reading a tensor's facts must work
        return f"reading the facts raises {type(error).__name__}: {error}"


def replayed(program: Program, looked: list[int], oracle: Any) -> Execution:
    """The oracle just before the last of some statements, every tensor having been looked at before each of them."""
    execution = Execution(oracle)
    for number, statement in enumerate(program.statements[: looked[-1]]):
        if number in looked:
            execution.facts()
        execution.execute(statement.source)
        if program.watched:
            execution.facts()
    execution.facts()
    return execution


def on_edge(program: Program, at: int, oracle: Any, library: Any) -> bool:
    """Whether, up to a statement, the libraries decided differently over numbers that are the same but for rounding."""
    left, right = Execution(oracle), Execution(library)
    relative = 3e-5 if is_single(program) else 1e-9
    for statement in program.statements[: at + 1]:
        if undecided(statement.text, left.namespace, right.namespace, relative):
            return True
        for one in (left, right):
            one.execute(statement.source)
            if program.watched:
                one.facts()
    return False


def is_amplified(program: Program, at: int, oracle: Any, library: Any) -> bool:
    """Whether what differs after a statement are numbers only, which a last bit of the input moves about as far."""
    part = Program(program.statements[: at + 1], program.watched)
    plain, other = facts_after(part, oracle), facts_after(part, library)
    if plain is None or other is None:
        return False
    shaken = [facts_after(part, Shaken(oracle, seed)) for seed in range(SHAKES)]
    slack = 3e-5 if is_single(program) else 1e-9
    return within(plain, other, [one for one in shaken if one is not None], slack)


def facts_after(program: Program, library: Any) -> dict[str, Any] | None:
    """The facts at the end of a program, and what its statements raised; None if they cannot be read."""
    execution = Execution(library)
    raised = []
    try:
        for statement in program.statements:
            raised.append(execution.execute(statement.source))
            if program.watched:
                execution.facts()
        return {**execution.facts(), "raised": raised}
    except Exception:
        return None


def cut_down(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Drop statements one by one (and in halves first) while the program still fails."""
    kept = program.statements
    width = max(1, len(kept) // 2)
    while width:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + width :]
            if fewer and fails(Program(fewer, program.watched)):
                kept = fewer
            else:
                start += width
        width //= 2
    return Program(kept, program.watched)


SCRIPT = """import importlib, sys
torch = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else {library!r})
{prelude}
def attempt(source):
    print(source)
    try:
        exec(source, globals())
    except Exception as error:
        print("    raises", type(error).__name__, str(error).splitlines()[0])
    for name, t in list(globals().items()):
        if name[0] == "t" and name[1:].isdigit():
            print("   ", name, t.tolist(), "version", t._version, t.grad if t.is_leaf else t.grad_fn.name())
"""


def script(program: Program, library: str = "headgate") -> str:
    """A runnable script of a program: run with the argument `torch` it uses PyTorch."""
    lines = [f"attempt({statement.source!r})" for statement in program.statements]
    return SCRIPT.format(library=library, prelude=PRELUDE) + "\n".join(lines)


def kind_of(found: str | None) -> str | None:
    """What differs, without names, numbers and statements: a program is cut down while this stays the same."""
    if found is None:
        return None
    return re.sub(r"-?[0-9][0-9.e+-]*|\[.*\]", "#", found.split("\n", 1)[1].strip())


def failure(seed: int, oracle: Any, library: Any) -> tuple[str, str] | None:
    """The kind of difference on a seed and the cut-down, runnable program; None if the libraries agree."""
    program = generate(seed, oracle)
    kind = kind_of(compare(program, oracle, library))
    if kind is None:
        return None
    small = cut_down(program, lambda fewer: kind_of(compare(fewer, oracle, library)) == kind)
    return kind, f"seed {seed}: PyTorch | library differ\n{compare(small, oracle, library)}\n\n{script(small)}\n"


def check(seed: int, oracle: Any, library: Any) -> None:
    """Fail with a cut-down, runnable program if the libraries part on this seed."""
    found = failure(seed, oracle, library)
    if found is not None:
        raise AssertionError(found[1])


def main(arguments: list[str]) -> None:
    """`FIRST [LAST [LIBRARY]]`: check the seeds; print one program for each kind of difference, then counts by kind."""
    first, last = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else int(arguments[0]) + 1
    apart = Apart("torch", arguments[2] if len(arguments) > 2 else "headgate")
    kinds: Counter[str] = Counter()
    for seed in range(first, last):
        found = apart.failure(seed)
        if found is None:
            continue
        kinds[found[0]] += 1
        print(found[1] if kinds[found[0]] == 1 else f"seed {seed} again: {found[0]}", flush=True)
    apart.close()
    for kind, count in kinds.most_common():
        print(count, kind)
    print(f"{sum(kinds.values())} parted of {apart.summary()}")


if __name__ == "__main__":
    main(sys.argv[1:])
