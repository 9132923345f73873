"""SummaryWriter over tensorboardX, where that is installed, and what is said where it is not."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import headgate

ABSENT = importlib.util.find_spec("tensorboardX") is None
with_it = pytest.mark.skipif(ABSENT, reason="tensorboardX is not installed")


def test_absence_is_told_with_what_to_install(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nsys.modules['tensorboardX'] = None\n"
        "try:\n    from torch.utils.tensorboard import SummaryWriter\n"
        "except ModuleNotFoundError as error:\n    print(error.name, error)\n"
    )
    done = subprocess.run([sys.executable, "-m", "headgate", "run", str(script)], capture_output=True, text=True)
    assert done.stdout.startswith("tensorboardX No module named 'tensorboardX'"), done.stderr
    assert "pip install headgate[tensorboard]" in done.stdout


@pytest.mark.parametrize("name", ["model_zoo", "cpp_extension"])
def test_other_modules_are_said_to_be_missing(tmp_path: Path, name: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"try:\n    import torch.utils.{name}\nexcept ModuleNotFoundError as error:\n    print(error)\n")
    done = subprocess.run([sys.executable, "-m", "headgate", "run", str(script)], capture_output=True, text=True)
    assert done.stdout.startswith(f"No module named 'torch.utils.{name}': Headgate has no such module"), done.stderr


@with_it
def test_what_is_written(tmp_path: Path) -> None:
    tensorboard = importlib.import_module("headgate.utils.tensorboard")
    with tensorboard.SummaryWriter(tmp_path / "logs", filename_suffix=".x") as writer:
        assert writer.log_dir == writer.get_logdir() == str(tmp_path / "logs")
        writer.add_scalar("loss", headgate.tensor(1.5, requires_grad=True), 3, new_style=True)
        writer.add_scalars("both", {"a": headgate.tensor(1.0), "b": 2.0}, 1)
        writer.add_histogram("weights", headgate.randn(50).bfloat16(), global_step=2)
        rates = {"rate": 0.1, "size": headgate.tensor(3)}
        writer.add_hparams(rates, {"accuracy": headgate.tensor(0.5)}, run_name="one")
        writer.add_text("note", "text")
        with pytest.warns(UserWarning, match="add_graph"):
            writer.add_graph(None)
        with pytest.raises(NotImplementedError, match="add_tensor"):
            writer.add_tensor("x", headgate.ones(2))
        with pytest.raises(TypeError, match="should be dictionary"):
            writer.add_hparams([], {})
    assert loss_of(tmp_path / "logs") == (3, 1.5)
    assert (tmp_path / "logs" / "one").is_dir()


def loss_of(folder: Path) -> tuple[int, float]:
    """Step and value of the scalar "loss" in an event file."""
    from tensorboardX.proto import event_pb2

    (file,) = folder.glob("events.out.tfevents.*.x")
    content = file.read_bytes()
    while content:
        length = int(np.frombuffer(content[:8], "<u8")[0])
        event = event_pb2.Event.FromString(content[12 : 12 + length])
        content = content[length + 16 :]
        for value in event.summary.value:
            if value.tag == "loss":
                return event.step, value.simple_value
    raise AssertionError("no such scalar")
