"""The six seed programs, byte for byte: run unmodified by `headgate run`, and with `import headgate as torch`.

Each runs in a process of its own, as a user would run it. Statements 1 to 9 about them are tests/cases/.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SEED = Path(__file__).resolve().parents[1] / "examples" / "seed"
PROGRAMS = sorted(SEED.glob("*.py"))


def run(*command: str) -> "subprocess.CompletedProcess[bytes]":
    """Run Python with a clean working folder and nothing that changes its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run([sys.executable, *command], capture_output=True, env=environment, timeout=120)


def last_line(text: bytes) -> str:
    """The line that starts the final error: the last one that opens with an exception's name."""
    lines = text.decode().rstrip("\n").splitlines()
    return next(line for line in reversed(lines) if not line.startswith(" "))


def check(program: Path, done: "subprocess.CompletedProcess[bytes]") -> None:
    assert done.stdout == program.with_suffix(".out").read_bytes(), done.stderr.decode()
    expected = program.with_suffix(".err")
    if expected.exists():
        assert done.returncode == 1
        assert last_line(done.stderr).startswith(expected.read_text().rstrip("\n")), done.stderr.decode()
    else:
        assert done.returncode == 0, done.stderr.decode()


def test_there_are_six() -> None:
    assert len(PROGRAMS) == 6


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_unmodified(program: Path) -> None:
    check(program, run("-m", "headgate", "run", str(program)))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_import_headgate_as_torch(program: Path, tmp_path: Path) -> None:
    text = program.read_text()
    assert text.count("import torch\n") == 1
    changed = tmp_path / program.name
    changed.write_text(text.replace("import torch\n", "import headgate as torch\n"))
    check(program, run(str(changed)))


def test_the_wrong_gradient_is_reported() -> None:
    """Program 5's result is PyTorch's, and Headgate says so: a warning that names the write and its line."""
    done = run("-m", "headgate", "run", str(SEED / "5_data_written.py"))
    warning = done.stderr.decode()
    assert "WriteWarning" in warning and "5_data_written.py:10" in warning
    silent = run("-m", "headgate", "run", str(SEED / "6_data_written_after_sum.py"))
    assert silent.stderr == b""
