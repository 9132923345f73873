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

import functional
import guards
import machine
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


@PROFILE
@given(seed=SEEDS)
def test_programs(seed: int, torch: ModuleType, headgate: ModuleType) -> None:
    machine.check(seed, torch, headgate)


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
