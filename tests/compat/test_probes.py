"""What scripts ask of devices and versions before they begin: the same answers and errors as a PyTorch without them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import headgate

ACCELERATOR = ["current_device_index", "current_stream", "empty_cache", "memory_allocated", "synchronize"]
MPS = ["get_rng_state", "seed", "synchronize", "empty_cache", "current_allocated_memory", "driver_allocated_memory",
       "recommended_max_memory"]


def test_answers() -> None:
    for t in (torch, headgate):
        found: Any = t
        assert not found.accelerator.is_available() and found.accelerator.device_count() == 0
        assert found.accelerator.current_accelerator() is None
        assert not found.mps.is_available() and found.mps.device_count() == 0 and found.mps.manual_seed(3) is None
        assert found.version.cuda is None and found.version.hip is None
        assert isinstance(found.version.git_version, str)
        with found.accelerator.device_index(None):
            pass


@pytest.mark.parametrize("room, name", [("accelerator", one) for one in ACCELERATOR] + [("mps", one) for one in MPS])
def test_refusals(room: str, name: str) -> None:
    with pytest.raises(RuntimeError) as theirs:
        getattr(getattr(torch, room), name)()
    with pytest.raises(RuntimeError) as mine:
        getattr(getattr(headgate, room), name)()
    assert str(mine.value) == str(theirs.value)
    with pytest.raises(RuntimeError, match="none is available"), headgate.accelerator.device_index(0):
        pass


def test_names_for_annotations() -> None:
    for name in ("Number", "Device", "FileLike", "Size", "Tensor", "_dtype", "_device", "_size", "_int", "_bool"):
        assert hasattr(torch.types, name) and hasattr(headgate.types, name)
    assert isinstance(3, headgate.types.Number) and isinstance(headgate.ones(1), headgate.types.Tensor)


@pytest.mark.parametrize("name", ["FloatTensor", "LongTensor", "BoolTensor", "HalfTensor"])
def test_types_on_devices(name: str) -> None:
    """They exist for `isinstance` and for conditional expressions, and make nothing."""
    for t in (torch, headgate):
        found: Any = t
        kind = getattr(found.cuda, name)
        assert not isinstance(found.ones(2), kind)
        with pytest.raises(TypeError, match=f"type torch.cuda.{name} not available. Torch not compiled with CUDA"):
            kind(3)


def test_data_parallel() -> None:
    states = []
    for t in (torch, headgate):
        found: Any = t
        found.manual_seed(0)
        m = found.nn.DataParallel(found.nn.Linear(2, 3))
        assert m(found.ones(4, 2)).shape == (4, 3) and m.device_ids == []
        assert found.nn.parallel.DataParallel is found.nn.DataParallel
        states.append((list(m.state_dict()), repr(m)))
    assert states[0] == states[1]
