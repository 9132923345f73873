"""The command line: usage, exit codes, and the demo as a newcomer sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.cli import main
from headgate.compat import demo


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"headgate {command}" in shown for command in ("run", "check", "demo"))
    assert main(["nothing"]) == 2
    assert "there is no command 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "--help"], ["run", "-m"], ["check"], ["check", "-x"], ["demo", "x"]]
)
def test_wrong_calls(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: headgate" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import headgate

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"headgate {headgate.__version__}\n"


def test_a_script_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["run", str(tmp_path / "absent.py")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_check_takes_several_and_fails_for_the_worst(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("import torch\ntorch.tensor(1.0)\n")
    bad.write_text("import torch\ntorch.nope\n")
    assert main(["check", str(good)]) == 0
    assert main(["check", str(good), str(bad)]) == 1
    assert f"{bad}:2: Headgate lacks torch.nope" in capsys.readouterr().out


def test_a_reader_that_leaves_early() -> None:
    command = f"{sys.executable} -m headgate --help | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


def test_demo() -> None:
    """Six programs right, the two errors with both lines, and layers that did not move."""
    pytest.importorskip("sklearn")
    done = subprocess.run([sys.executable, "-m", "headgate", "demo"], capture_output=True, text=True, timeout=300)
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert "6 of 6 seed programs did to the byte what they should." in out
    assert "4_detach_written.py:6 " in out and "4_detach_written.py:10 " in out
    assert "element 0 of tensors does not require grad" in out
    assert out.count("did not move by a bit") == 4 and out.count("  learned\n") == 4
    assert "The layers before the cut are unchanged to the bit" in out


def test_demo_without_scikit_learn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo.importlib.util, "find_spec", lambda name: None)
    assert demo.network(Path("digits.py"), sys.stdout) is False
    assert "pip install" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "error", "code", "right"),
    [("1\n", "", 0, True), ("2\n", "", 0, False), ("1\n", "", 1, False)],
)
def test_the_demo_notices_a_wrong_program(tmp_path: Path, output: str, error: str, code: int, right: bool) -> None:
    program = tmp_path / "p.py"
    program.with_suffix(".out").write_text("1\n")
    assert demo.Outcome(program, output, error, code).right() is right
    program.with_suffix(".err").write_text("RuntimeError: words\n")
    assert not demo.Outcome(program, "1\n", "", 0).right()
    assert not demo.Outcome(program, "1\n", "RuntimeError: other\n", 1).right()
    assert demo.Outcome(program, "1\n", "Traceback\nRuntimeError: words, and more\n", 1).right()
