"""Does strict mode speak where the gradient is wrong, and only there? One program, the functional interpreter beside
it.

A report on a backward pass whose gradients are right, or on anything else that PyTorch accepts, is a false alarm.
Knows nothing of how the guards work: only `set_write_guard`.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from functional import Interpreter, Unfollowed
from machine import Execution, Program, cut_down, generate, script
from statements import Statement


def outcome(program: Program, oracle: Any, library: Any) -> tuple[Counter[str], str]:
    """Counts of backward passes (right, caught, missed, false alarm), and the words of a false alarm."""
    counts: Counter[str] = Counter()
    interpreter, execution = Interpreter(oracle), Execution(library)
    library.set_write_guard("error")
    try:
        for statement in program.statements:
            verdict = interpreter.run(statement)
            error = execution.execute(statement.source)
            if error is not None and error[0] == "NameError" or verdict.raised:
                continue
            if error is not None and verdict.agrees is False:
                counts["caught"] += 1
                return counts, ""
            if error is not None:
                counts["false alarm"] += 1
                return counts, f"{statement.source}: {error}"
            counts[{True: "right", False: "missed", None: "plain"}[verdict.agrees]] += 1
    except Unfollowed:
        counts["unfollowed"] += 1
    finally:
        library.set_write_guard("warn")
    return counts, ""


def probed(program: Program) -> Program:
    """The program with a leaf of zeros added to every tracked result.

    Gradients can agree by chance: `t - t` has none whatever is written to it, nor has a path into a frozen leaf. A
    report there is right all the same, since the gradient that passes the stale history ignores the write. With a leaf
    of its own behind every result, agreement is no chance any more.
    """
    lines: list[Statement] = []
    for number, line in enumerate(program.statements):
        leaf = f"t{900 + number}"
        loose = ".data" in line.target or ".detach()" in line.target
        if line.no_grad or loose or line.kind not in ("new", "write") or line.value.startswith("torch.tensor("):
            lines.append(line)
            continue
        zeros = f"torch.zeros_like({line.value}).detach().requires_grad_()"
        lines.append(Statement(f"{leaf} = {zeros}", "new", (leaf,), value=zeros))
        value = f"({line.value}) + {leaf}"
        if line.kind == "new":
            lines.append(Statement(f"{line.names[0]} = {value}", "new", line.names, value=value))
        else:
            lines.append(Statement(f"{line.target}.copy_({value})", "write", target=line.target, value=value))
    return Program(lines, program.watched)


#: A tensor taken from itself: its gradient is zero whatever was written to it, with a leaf of zeros behind it as well.
CANCELS = re.compile(r"\b(t\d+)(?: - |\.sub_\()\1\b")


def alarm(program: Program, oracle: Any, library: Any) -> str:
    """The words of a false alarm that is no chance agreement, or nothing."""
    words = outcome(program, oracle, library)[1]
    return words if words and outcome(probed(program), oracle, library)[1] else ""


def check(seed: int, oracle: Any, library: Any) -> Counter[str]:
    """Fail with a cut-down, runnable program on a false alarm; else the counts."""
    program = generate(seed, oracle, smooth=True)
    counts, words = outcome(program, oracle, library)
    if not words:
        return counts
    if not alarm(program, oracle, library):
        counts["chance"] = counts.pop("false alarm")
        return counts
    small = cut_down(program, lambda fewer: bool(alarm(fewer, oracle, library)))
    if any(CANCELS.search(line) for line in script(small).splitlines()):
        counts["chance"] = counts.pop("false alarm")
        return counts
    words = alarm(small, oracle, library)
    text = script(small).replace(
        "log = []", "log = []\nif hasattr(torch, 'set_write_guard'): torch.set_write_guard('error')", 1
    )
    raise AssertionError(
        f"seed {seed}: strict mode raises though the functional interpreter agrees\n{words}\n\n{text}\n"
    )


def main(arguments: list[str]) -> None:
    """`FIRST LAST [LIBRARY]`: print every false alarm and the totals."""
    oracle = importlib.import_module("torch")
    oracle.set_num_threads(1)
    library = importlib.import_module(arguments[2] if len(arguments) > 2 else "headgate")
    total: Counter[str] = Counter()
    for seed in range(int(arguments[0]), int(arguments[1])):
        try:
            total += check(seed, oracle, library)
        except AssertionError as error:
            total["false alarm"] += 1
            print(error, flush=True)
    print(dict(total))


if __name__ == "__main__":
    main(sys.argv[1:])
