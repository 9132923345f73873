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
    for seed in range(20):
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


def test_a_script_runs(torch: ModuleType, tmp_path: Path) -> None:
    program = machine.generate(3, torch)
    source = machine.script(program, "torch")
    compile(source, "script", "exec")
    assert all(statement.source in source or repr(statement.source) in source for statement in program.statements)
