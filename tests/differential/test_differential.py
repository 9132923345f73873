"""Random programs on PyTorch and on Headgate, and the guards against a functional interpreter.

Profiles: 300 programs by default, 20,000 with HEADGATE_NIGHTLY=1; HEADGATE_PROGRAMS sets another number. By default
the seeds are always the same ones; the nightly run draws new ones.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import dying
import functional
import guards
import machine
from apart import Apart
from statements import Statement

NIGHTLY = os.environ.get("HEADGATE_NIGHTLY", "") not in ("", "0")
PROGRAMS = int(os.environ.get("HEADGATE_PROGRAMS", "20000" if NIGHTLY else "300"))
# A failing program is cut down statement by statement in machine.py; shrinking the seed would say nothing.
PROFILE = settings(max_examples=PROGRAMS, deadline=None, derandomize=not NIGHTLY, database=None,
                   phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
SEEDS = st.integers(0, 2**48)


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    module = importlib.import_module("torch")
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="module")
def headgate() -> ModuleType:
    return importlib.import_module("headgate")


def test_programs() -> None:
    """In a process of their own: PyTorch ends it on some programs, which are counted and may be a few only."""
    apart = Apart()

    @PROFILE
    @given(seed=SEEDS)
    def program(seed: int) -> None:
        apart.check(seed)

    try:
        program()
    finally:
        apart.close()
        print(apart.summary())
    assert len(apart.aborted) <= 2 + apart.ran / 500
    assert sum(apart.dropped.values()) <= 5 + apart.ran / 50


def test_strict_guards_are_silent_where_the_gradient_is_right(torch: ModuleType, headgate: ModuleType) -> None:
    total: Counter[str] = Counter()

    @PROFILE
    @given(seed=SEEDS)
    def program(seed: int) -> None:
        total.update(guards.check(seed, torch, headgate))

    program()
    print(f"guards over {PROGRAMS} programs: {dict(total)}")
    assert total["caught"] > 0 and total["right"] > 0


def test_the_oracle_agrees_with_itself(torch: ModuleType) -> None:
    for seed in range(50):
        machine.check(seed, torch, torch)


class Shapes:
    """PyTorch, noting the shapes of the tensors that a program makes."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.seen = torch, set[Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def tensor(self, *arguments: Any, **options: Any) -> Any:
        made = self.torch.tensor(*arguments, **options)
        self.seen.add(tuple(made.shape))
        return made


def ends(seed: int, torch: Any) -> bool:
    """Whether `dying` ends the process on a seed."""
    shapes = Shapes(torch)
    machine.generate(seed, shapes)
    return dying.SHAPE in shapes.seen


def died(oracle: str, library: str, seeds: list[int]) -> tuple[list[str], Apart]:
    """The kinds of failure over some seeds."""
    apart = Apart(oracle, library)
    kinds = [found[0] for found in map(apart.failure, seeds) if found is not None]
    apart.close()
    return kinds, apart


def test_a_process_that_the_oracle_ends_is_counted_and_one_that_the_library_ends_fails(torch: ModuleType) -> None:
    seeds = [next(seed for seed in range(30) if ends(seed, torch) is end) for end in (True, False)]
    kinds, apart = died("dying", "torch", seeds)
    assert not kinds and apart.aborted == seeds[:1] and apart.ran == 2
    kinds, apart = died("torch", "dying", seeds)
    assert kinds == ["the process ended"] and not apart.aborted


class Faulty:
    """PyTorch with one fault: `torch.tensor` makes tensors whose gradient arrives tripled."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def tensor(self, *arguments: Any, **options: Any) -> Any:
        made = self.torch.tensor(*arguments, **options)
        if made.requires_grad:
            made.register_hook(lambda gradient: gradient * 3)
        return made


def test_a_fault_is_found_and_cut_down(torch: ModuleType) -> None:
    messages = []
    for seed in range(30):
        try:
            machine.check(seed, torch, Faulty(torch))
        except AssertionError as error:
            messages.append(str(error))
    assert len(messages) >= 10
    shortest = min(messages, key=lambda text: text.count("attempt("))
    assert shortest.count("attempt(") <= 4  # its own definition, a leaf, perhaps an op, a backward


def outcome(left: Any, right: Any, *lines: str) -> machine.Outcome:
    """Of a program of these lines, looked at only at its end."""
    return machine.outcome(machine.Program([Statement(line, "other") for line in lines], False), left, right)


class Rounding:
    """PyTorch, but that sums come out in another order: half an ulp off."""

    def __init__(self, torch: Any, shift: float = 2e-16) -> None:
        self.torch, self.shift = torch, shift

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def add(self, one: Any, two: Any) -> Any:
        return self.torch.add(one, two) + self.shift


LINES = ("t0 = torch.tensor([0.3, -2.0], dtype=torch.float64, requires_grad=True)",
         "t1 = torch.tensor([0.3, 1.0], dtype=torch.float64)", "t2 = torch.add(t0, -t1)",
         "t4 = torch.zeros(2, dtype=torch.float64)")  # fmt: skip
DECIDING = (
    "t3 = t2.relu()", "t3 = t2.masked_fill(t2 > 0, 0.25)", "t3 = torch.where(t2 > 0, t1, t0)", "t3 = t2[t2 > 0]",
    "t3 = t2.sign() * t0", "t3 = torch.maximum(t2, t4)",
)  # fmt: skip


@pytest.mark.parametrize("line", DECIDING)
def test_what_rounding_decides_is_dropped(line: str, torch: ModuleType) -> None:
    lines = (*LINES, line, "t3.sum().backward()")
    assert outcome(torch, torch, *lines) == machine.Outcome(None, None, 5)
    edge = outcome(torch, Rounding(torch), *lines)
    assert edge.found is None and edge.dropped is not None and "rounding" in edge.dropped


@pytest.mark.parametrize("line", DECIDING)
def test_what_more_than_rounding_decides_is_not_dropped(line: str, torch: ModuleType) -> None:
    lines = (*LINES, line, "t3.sum().backward()")
    assert outcome(torch, Rounding(torch, 1e-7), *lines).found is not None
    lines = tuple(text.replace("0.3, 1.0", "0.2, 1.0") for text in lines)
    assert outcome(torch, Faulty(torch), *lines).found is not None  # nothing near an edge: the fault shows


def test_a_last_bit_blown_up_is_dropped_and_no_more(torch: ModuleType) -> None:
    lines = ("t0 = torch.tensor([2.5], dtype=torch.float32, requires_grad=True)",
             "t1 = torch.add(t0, t0)", "t2 = t1.exp().sin()", "t2.sum().backward()")  # fmt: skip
    for lines_of in (lines, lines[:3]):
        edge = outcome(torch, Rounding(torch, 1e-6), *lines_of)
        assert edge.found is None and edge.dropped == "rounding amplified"
        assert outcome(torch, Rounding(torch, 1e-3), *lines_of).found is not None
    assert outcome(torch, Faulty(torch), *lines).found is not None


def test_what_comes_before_a_dropped_statement_is_compared(torch: ModuleType) -> None:
    lines = ("t0 = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)", "(t0 * t0).backward()",
             "t1 = t0 * 1e9")  # fmt: skip
    right = outcome(torch, torch, *lines)
    assert right.found is None and right.dropped == "too large"
    assert "t0.grad" in (outcome(torch, Faulty(torch), *lines).found or "")


def test_a_view_is_looked_at_before_it_is_written_again(torch: ModuleType, headgate: ModuleType) -> None:
    """PyTorch refuses the write unless it was looked at, here for a Function, whose forward must not run twice."""
    lines = ("t0 = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)",
             "t1 = torch.zeros(2, dtype=torch.float64)", "t2 = t1[0:1]", "t1.mul_(t0)", "t2.add_(1)",
             "t3 = t2 * 2")  # fmt: skip
    assert outcome(torch, headgate, *lines) == machine.Outcome(None, None, 5)
    left = machine.replayed(machine.Program([Statement(line, "other") for line in lines], False), [4], torch)
    assert left.namespace["t2"].tolist() == [0.0] and left.namespace["t2"].grad_fn is not None


def judged(torch: Any, *lines: Statement) -> list[bool | None]:
    interpreter = functional.Interpreter(torch)
    return [interpreter.run(line).agrees for line in lines]


LEAF = Statement("t0 = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)", "new", ("t0",),
                 value="torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)")  # fmt: skip
LOSS = Statement("t1.sum().backward()", "loss", value="t1.sum()")


def product(value: str) -> Statement:
    return Statement(f"t1 = {value}", "new", ("t1",), value=value)


def test_the_interpreter_knows_the_silently_wrong_ones(torch: ModuleType) -> None:
    stale = Statement("t1.detach().fill_(0.75)", "write", target="t1.detach()", value="torch.full_like(t1, 0.75)")
    data = Statement("t1.data.fill_(0.75)", "write", target="t1.data", value="torch.full_like(t1, 0.75)")
    assert judged(torch, LEAF, product("t0 + 1"), LOSS)[-1] is True
    assert judged(torch, LEAF, product("t0 + 1"), stale, LOSS)[-1] is False
    assert judged(torch, LEAF, product("t0.sigmoid()"), data, LOSS)[-1] is False
    tracked = Statement("t1.mul_(t0)", "write", target="t1", value="t1 * t0")
    assert judged(torch, LEAF, product("t0 + 1"), tracked, LOSS)[-1] is True


def test_the_interpreter_follows_the_oracle(torch: ModuleType) -> None:
    right = followed = 0
    for seed in range(100):
        interpreter = functional.Interpreter(torch)
        try:
            for statement in machine.generate(seed, torch, smooth=True).statements:
                right += interpreter.run(statement).agrees is True
            followed += 1
        except functional.Unfollowed:
            continue
    assert followed >= 90 and right >= 100


CUTS = ("detach", ".data", "no_grad", "requires_grad_", "requires_grad =", "del t0")


def uncut(torch: ModuleType, seed: int) -> tuple[list[Statement], functional.Interpreter] | None:
    """The statements of a seed without its passes, followed to the end, if nothing in it cuts or fails."""
    lines = machine.generate(seed, torch, smooth=True).statements
    body = [line for line in lines if line.kind in ("new", "view", "write", "cut")]
    interpreter = functional.Interpreter(torch)
    try:
        if any(cut in line.source for line in body for cut in CUTS) or any(interpreter.run(x).raised for x in body):
            return None
    except functional.Unfollowed:
        return None
    return body, interpreter


def central_difference(torch: Any, body: list[Statement], last: str, start: Any, number: int) -> float:
    """The slope of the sum of `last` along one element of the first leaf, whose value is `start`."""
    found = []
    for step in (1e-5, -1e-5):
        execution = machine.Execution(torch)
        shifted = start.clone()
        shifted.view(-1)[number] += step
        execution.namespace["t0"] = shifted.requires_grad_()
        assert all(execution.execute(line.source) is None for line in body[1:])
        found.append(execution.namespace[last].sum().item())
    return (found[0] - found[1]) / 2e-5


def test_pure_gradients_are_finite_differences(torch: ModuleType) -> None:
    compared = 0
    for seed in range(200):
        followed = uncut(torch, seed)
        if followed is None:
            continue
        body, interpreter = followed
        last, start = functional.live(interpreter.namespace)[-1], interpreter.namespace["t0"]
        loss, leaf = interpreter.read(interpreter.namespace[last]).sum(), interpreter.leaf_of(start)
        if leaf is None or not loss.requires_grad:
            continue
        (exact,) = torch.autograd.grad(loss, leaf.variable, allow_unused=True)
        for number in range(0 if exact is None else len(exact)):
            measured = central_difference(torch, body, last, start.detach(), number)
            assert abs(measured - exact[number].item()) <= 1e-4 * max(1.0, abs(measured)), seed
            compared += 1
    assert compared >= 20


def test_a_script_runs(torch: ModuleType, tmp_path: Path) -> None:
    program = machine.generate(3, torch)
    source = machine.script(program, "torch")
    compile(source, "script", "exec")
    assert all(statement.source in source or repr(statement.source) in source for statement in program.statements)
