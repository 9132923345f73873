"""`headgate demo`: the six seed programs with what they print, then a network with frozen layers on real digits.

Each program is shown and run in a process of its own by `headgate run`, so the demo shows what a user would see. The
programs are files under examples/; nothing of their output is here.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

NETWORK = "digits_frozen_layers.py"
INSTALL = "scikit-learn, whose digits the network learns, is missing: pip install 'headgate[demo]' (or scikit-learn)"


@dataclass(frozen=True)
class Outcome:
    """What a program printed and how it ended, beside what it should have printed."""

    program: Path
    output: str
    error: str
    code: int

    def right(self) -> bool:
        """Whether output, exit code and error are the ones kept beside the program."""
        expected = self.program.with_suffix(".err")
        if self.output != self.program.with_suffix(".out").read_text(encoding="utf-8"):
            return False
        if not expected.exists():
            return self.code == 0
        words = expected.read_text(encoding="utf-8").rstrip("\n")
        return self.code == 1 and any(line.startswith(words) for line in self.error.splitlines())


def examples() -> Path | None:
    """The folder of the programs: in the source tree if that is what runs, else where installing put it."""
    places = [Path(__file__).resolve().parents[3] / "examples"]
    places.append(Path(sysconfig.get_path("data")) / "share" / "headgate" / "examples")
    return next((place for place in places if (place / "seed").is_dir()), None)


def run_all(out: TextIO) -> int:
    """Show and run everything, writing to `out`; 0 if every program did what it should, else 1."""
    folder = examples()
    if folder is None:
        print("headgate demo: its programs (examples/) are not installed beside it", file=out)
        return 1
    programs = sorted((folder / "seed").glob("*.py"))
    outcomes = [show(program, out) for program in programs]
    right = sum(outcome.right() for outcome in outcomes)
    print(f"{right} of {len(programs)} seed programs did to the byte what they should.\n", file=out)
    learned = network(folder / NETWORK, out)
    return 0 if learned and right == len(programs) > 0 else 1


def run(program: Path) -> Outcome:
    """Run a program as `headgate run` does, and keep all of it."""
    command = [sys.executable, "-m", "headgate", "run", str(program)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    return Outcome(program, done.stdout, done.stderr, done.returncode)


def show(program: Path, out: TextIO) -> Outcome:
    """One seed program: its code with line numbers, its output, its warning or error, and whether that is right."""
    print(f"=== headgate run {program.parent.name}/{program.name} ".ljust(100, "="), file=out)
    for number, line in enumerate(program.read_text(encoding="utf-8").splitlines(), 1):
        print(f"{number:4}  {line}", file=out)
    outcome = run(program)
    for title, text in (("output", outcome.output), ("error" if outcome.code else "warning", outcome.error)):
        if text:
            print(f"--- {title}", file=out)
            for line in text.splitlines():
                print(f"      {line}", file=out)
    print("--- as it should be\n" if outcome.right() else "--- NOT as it should be\n", file=out)
    return outcome


def network(program: Path, out: TextIO) -> bool:
    """Train the network of the example, its output as it comes; whether it ended well."""
    print(f"=== headgate run {program.name} ".ljust(100, "="), file=out)
    if importlib.util.find_spec("sklearn") is None:
        print(INSTALL, file=out)
        return False
    for line in explained(program):
        print(f"  {line}", file=out)
    out.flush()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "headgate", "run", str(program)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(f"  {line}", end="", file=out, flush=True)
    learned = process.wait() == 0
    end = "The layers before the cut are unchanged to the bit; those after it learned." if learned else "It FAILED."
    print(f"\n{end}", file=out)
    return learned


def explained(program: Path) -> Iterator[str]:
    """The comment that a program opens with, and the lines around its cut."""
    lines = program.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            break
        yield line
    for number, line in enumerate(lines, 1):
        if ".detach()  " in line:
            yield from ("...", *(f"{at:4}  {lines[at - 1]}" for at in range(number - 1, number + 3)), "...")
