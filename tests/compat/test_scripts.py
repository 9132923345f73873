"""Scripts as a user of PyTorch writes them: nothing is missing, and they print what PyTorch prints from the same seed.

Text must agree to the letter, numbers to one unit of the last digit shown and to a relative tolerance, which is wider
only for what `WIDER` names. Two more scripts use what Headgate lacks; their reports are told whole.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.compat.check import check_file

SCRIPTS = Path(__file__).resolve().parent / "scripts"
RUNNING = sorted(file.stem for file in SCRIPTS.glob("*.py") if not file.stem.startswith("lacks_"))
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")
RELATIVE = 1e-3
#: Scripts in which rounding grows, or which compute in bfloat16 only under PyTorch's autocast.
WIDER = {"frozen_transfer": 5e-3, "mixed_precision": 2e-2}


def reported(name: str) -> tuple[int, list[str]]:
    """Exit code and report of `headgate check`, without the path before each line."""
    out, script = io.StringIO(), SCRIPTS / f"{name}.py"
    status = check_file(str(script), out)
    return status, [line.removeprefix(f"{script}:").strip() for line in out.getvalue().splitlines()]


def test_there_are_enough() -> None:
    assert len(RUNNING) >= 12


@pytest.mark.parametrize("name", RUNNING)
def test_nothing_is_missing(name: str) -> None:
    status, lines = reported(name)
    assert status == 0 and not any("Headgate lacks" in line for line in lines), lines
    found = re.fullmatch(r"no names missing, (\d+) found", lines[-1])
    assert found and int(found[1]) > 30, lines


def same_text(theirs: str, mine: str, relative: float) -> None:
    """Assert that two outputs say the same, numbers within their tolerance."""
    assert NUMBER.sub("#", mine) == NUMBER.sub("#", theirs)
    for expected, seen in zip(NUMBER.findall(theirs), NUMBER.findall(mine)):
        digits = len(expected.partition(".")[2].partition("e")[0])
        unit = 10.0**-digits if "." in expected else 0.0
        assert abs(float(seen) - float(expected)) <= unit * 1.001 + relative * abs(float(expected)), (expected, seen)


def test_the_comparison_can_fail() -> None:
    same_text("loss 1.234 of 3", "loss 1.235 of 3", 0)
    for seen in ("loss 1.236 of 3", "loss 1.234 of 4", "lost 1.234 of 3", "loss 1.234 of 3 0"):
        with pytest.raises(AssertionError):
            same_text("loss 1.234 of 3", seen, 0)


@pytest.mark.parametrize("name", RUNNING)
@pytest.mark.filterwarnings("ignore:Error detected in SqrtBackward0")  # PyTorch's, of the anomaly that is asked for
def test_prints_what_torch_prints(name: str) -> None:
    pytest.importorskip("torch")
    if "gymnasium" in (SCRIPTS / f"{name}.py").read_text() and importlib.util.find_spec("gymnasium") is None:
        pytest.skip("gymnasium is not installed")
    script = str(SCRIPTS / f"{name}.py")
    done = subprocess.run([sys.executable, "-W", "error", "-m", "headgate", "run", script], capture_output=True,
                          text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    expected = io.StringIO()
    with contextlib.redirect_stdout(expected):
        runpy.run_path(script, run_name="__main__")
    assert expected.getvalue().count("\n") >= 5
    same_text(expected.getvalue(), done.stdout, WIDER.get(name, RELATIVE))


def test_the_report_of_what_is_lacking_is_exact() -> None:
    assert reported("lacks_sparse") == (1, [
        "4: Headgate lacks torch.distributed; the nearest is torch.is_distributed",
        "6: Headgate lacks torch.nn.parallel.DistributedDataParallel; the nearest is torch.nn.parallel.DataParallel",
        "9: Headgate lacks torch.sparse_coo_tensor; the nearest is torch.sparse_coo",
        "11: Headgate lacks Tensor.to_sparse_csr; the nearest is Tensor.is_sparse_csr",
        "21: Headgate lacks Tensor.sqeeze; the nearest is Tensor.squeeze",
        "21: Headgate lacks Tensor.to_sparse; the nearest is Tensor.is_sparse",
        "27: Headgate lacks torch.sparse_bsr_tensor; the nearest is torch.sparse_bsr "
        "(the script is ready for its absence)",
        "6 names missing, 11 found",
    ])
    assert reported("lacks_spelling") == (1, [
        "5: Headgate lacks torch.nn.Conv4d; the nearest is torch.nn.Conv3d",
        "6: Headgate lacks torch.optim.AdmaW; the nearest is torch.optim.AdamW",
        "9: Headgate lacks torch.nn.functional.gleu; the nearest is torch.nn.functional.glu",
        "10: Headgate lacks Tensor.bakward; the nearest is Tensor.backward",
        "11: Headgate lacks torch.quantize_per_tensor",
        "11: Headgate lacks torch.quint8; the nearest is torch.uint8",
        "12: Headgate lacks torch.nn.ReLu; the nearest is torch.nn.ReLU",
        "13: Headgate lacks torch.nn.CrossEntropyLos; the nearest is torch.nn.CrossEntropyLoss",
        "15: Headgate lacks torch.utils.data.DataLoader2; the nearest is torch.utils.data.DataLoader "
        "(the script is ready for its absence)",
        "19: Headgate lacks Tensor.gard; the nearest is Tensor.grad",
        "20: Headgate lacks Tensor.contigous; the nearest is Tensor.contiguous",
        "10 names missing, 14 found",
    ])
