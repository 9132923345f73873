"""Programs in a process of their own, because PyTorch ends the whole process on some: a write by a Function to a leaf
whose requires_grad was switched off, for one, makes a node of which its engine finds no owner.

Which library ended it is found out by running the program on the oracle alone: an end that Headgate brought about is a
failure like any other. `python apart.py ORACLE LIBRARY` is the child: a seed a line in, an answer a line out.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()


def environment() -> dict[str, str]:
    """The child's: it finds the modules that this process does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Child:
    """A process that answers questions about seeds until a program ends it."""

    def __init__(self, oracle: str, library: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE), oracle, library], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment(),
        )  # fmt: skip

    def ask(self, seed: int) -> dict[str, Any] | None:
        """The answer for a seed; None if the process ended over it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{seed}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> int:
        """End it; how it ended."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        return self.process.wait()


class Apart:
    """Compares two libraries seed by seed, and goes on after programs on which the oracle ended the process."""

    def __init__(self, oracle: str = "torch", library: str = "headgate") -> None:
        self.oracle, self.library = oracle, library
        self.child: Child | None = None
        self.ran = 0
        self.aborted: list[int] = []  # seeds on which the oracle ended the process
        self.dropped: Counter[str] = Counter()  # why programs were compared up to some statement only

    def failure(self, seed: int) -> tuple[str, str] | None:
        """As `machine.failure`."""
        self.ran += 1
        if self.child is None:
            self.child = Child(self.oracle, self.library)
        answer = self.child.ask(seed)
        if answer is None:
            return self.ended(seed)
        if answer["error"] is not None:
            return "the machine fails", f"seed {seed}: {answer['error']}"
        self.dropped.update([answer["dropped"]] if answer["dropped"] is not None else [])
        return None if answer["failure"] is None else (answer["failure"][0], answer["failure"][1])

    def ended(self, seed: int) -> tuple[str, str] | None:
        """Who ended the process over a seed: the oracle, which is counted, or the library, which is a failure."""
        assert self.child is not None
        status, self.child = self.child.close(), None
        alone = Child(self.oracle, self.oracle)
        survives = alone.ask(seed) is not None
        alone.close()
        if survives:
            return "the process ended", f"seed {seed}: {self.library} ended the process with status {status}"
        self.aborted.append(seed)
        return None

    def check(self, seed: int) -> None:
        """As `machine.check`."""
        found = self.failure(seed)
        if found is not None:
            raise AssertionError(found[1])

    def close(self) -> None:
        if self.child is not None:
            self.child.close()
        self.child = None

    def summary(self) -> str:
        drops = ", ".join(f"{count} {why}" for why, count in self.dropped.most_common()) or "none"
        ended = f"{self.oracle} ended the process on {len(self.aborted)} {self.aborted}"
        return f"{self.ran} programs; compared in part: {drops}; {ended}"


def answer(seed: int, oracle: Any, library: Any) -> dict[str, Any]:
    """What a child says of a seed."""
    import machine

    try:
        outcome = machine.outcome(machine.generate(seed, oracle), oracle, library)
        found = None if outcome.found is None else machine.failure(seed, oracle, library)
    except Exception as error:
        return {"failure": None, "dropped": None, "error": f"{type(error).__name__}: {error}"}
    if outcome.found is not None and found is None:
        found = (machine.kind_of(outcome.found), f"seed {seed} parts only sometimes: {outcome.found}")
    return {"failure": found, "dropped": outcome.dropped, "error": None}


def serve(arguments: list[str]) -> None:
    oracle, library = (importlib.import_module(name) for name in arguments)
    oracle.set_num_threads(1)
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a program prints is no answer
    for line in sys.stdin:
        print(json.dumps(answer(int(line), oracle, library)), file=channel, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    serve(sys.argv[1:])
