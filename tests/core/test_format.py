"""Tensor text beside torch's repr, character by character: random arrays under random options, and chosen corners."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from torch import _tensor_str

from headgate import dtypes
from headgate.core import format as text

KINDS = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
LONGEST = (1, 40, 14, 7, 6, 5)  # longest side by number of dimensions
BATCHES = 200 if os.environ.get("HEADGATE_NIGHTLY") == "1" else 8


@pytest.fixture(autouse=True)
def _options_restored():
    yield
    dtypes.set_default_dtype(dtypes.float32)
    torch.set_default_dtype(torch.float32)
    set_both(profile="default")


def set_both(**options):
    torch.set_printoptions(**options)
    text.set_printoptions(**options)


def ours(tensor, **more):
    """Headgate's text for a torch tensor."""
    plain = tensor.detach()
    array = plain.float().numpy().astype(dtypes.bfloat16.numpy) if tensor.dtype is torch.bfloat16 else plain.numpy()
    name = None if tensor.grad_fn is None else type(tensor.grad_fn).__name__
    kind = dtypes.by_name(str(tensor.dtype).removeprefix("torch."))
    return text.format_tensor(array, dtype=kind, requires_grad=tensor.requires_grad, grad_fn_name=name, **more)


def random_floats(rng, shape):
    """Numbers of one of several characters, some of them replaced by nan, inf and zeros."""
    low = rng.integers(-30, 30)
    powers = rng.uniform(low, min(low + rng.choice([0, 1, 3, 5, 10, 60]), 30), shape)
    values = [
        rng.standard_normal(shape) * 10.0**powers,
        np.rint(rng.uniform(-10, 10, shape) * 10.0 ** rng.integers(0, 12)),
        rng.uniform(-1, 1, shape) * 10.0 ** rng.integers(-5, 9),
        np.rint(rng.uniform(-3, 3, shape)),
        rng.standard_normal(shape),
        rng.integers(0, 4, shape) * 0.25,
    ][rng.integers(6)]
    for special in (np.nan, np.inf, -np.inf, 0.0, -0.0):
        if rng.random() < 0.15:
            values = np.where(rng.random(shape) < rng.choice([0.05, 0.3, 1.0]), special, values)
    return values


def random_tensor(rng):
    kind = KINDS[rng.integers(len(KINDS))]
    dims = int(rng.integers(0, 6))
    smallest = 0 if rng.random() < 0.1 else 1
    shape = tuple(int(size) for size in rng.integers(smallest, LONGEST[dims] + 1, dims))
    if dims == 1 and rng.random() < 0.1:
        shape = (int(rng.integers(1, 3000)),)
    if kind == "bool":
        values = rng.integers(0, 2, shape)
    elif kind.startswith(("int", "uint")):
        limits = np.iinfo(kind)
        wide = rng.integers(0, 3) == 0
        values = rng.integers(limits.min if wide else 0, limits.max if wide else 10, shape, dtype=kind)
    else:
        values = random_floats(rng, shape)
    tensor = torch.as_tensor(np.asarray(values)).to(getattr(torch, kind))
    if tensor.is_floating_point() and rng.random() < 0.3:
        tensor.requires_grad_()
        return tensor.clone() if rng.random() < 0.5 else tensor
    return tensor.mT if tensor.ndim == 2 and rng.random() < 0.3 else tensor


def random_options(rng):
    options = {
        "precision": int(rng.integers(0, 9)),
        "threshold": int(rng.choice([0, 5, 30, 1000])),
        "edgeitems": int(rng.integers(0, 5)),
        "linewidth": int(rng.choice([10, 30, 40, 80, 120])),
        "sci_mode": [None, True, False][rng.integers(3)],
        "profile": [None, "short", "full", "default", "unknown"][rng.integers(5)],
    }
    return {name: value for name, value in options.items() if rng.random() < 0.4}


@pytest.mark.parametrize("seed", range(BATCHES))
def test_random_arrays_under_default_options(seed):
    rng = np.random.default_rng(seed)
    for _ in range(300):
        tensor = random_tensor(rng)
        assert ours(tensor) == repr(tensor)


@pytest.mark.parametrize("seed", range(BATCHES))
def test_random_arrays_under_random_options(seed):
    """The options pile up within a batch, so that what a call leaves alone is compared too."""
    rng = np.random.default_rng(1000 + seed)
    for number in range(300):
        if number % 3 == 0:
            set_both(**random_options(rng))
        if number % 20 == 0:
            default = ["float16", "float32", "float64", "bfloat16"][rng.integers(4)]
            torch.set_default_dtype(getattr(torch, default))
            dtypes.set_default_dtype(dtypes.by_name(default))
        tensor = random_tensor(rng)
        assert ours(tensor) == repr(tensor), vars(text.OPTIONS)


CORNERS = [
    torch.tensor(1.0), torch.tensor(True), torch.tensor(-3), torch.tensor(float("nan")), torch.tensor([]),
    torch.zeros(0, 3), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64),
    torch.zeros(0, dtype=torch.bool), torch.zeros(0, 2, dtype=torch.float64, requires_grad=True),
    torch.tensor([1e-45, 1.0]), torch.tensor([5e-324, 1.0], dtype=torch.float64),
    torch.tensor([1.7e308, 1e-308], dtype=torch.float64),
    torch.tensor([1e8]), torch.tensor([1.00001e8]), torch.tensor([1.0, 1000.0]), torch.tensor([1.0, 1001.0]),
    torch.tensor([0.5, 500.0]), torch.tensor([0.5, 500.5]), torch.tensor([1e-4]), torch.tensor([9.99e-5]),
    torch.tensor([float("inf"), 0.0]), torch.tensor([float("-inf"), 1.5]), torch.tensor([-0.0]),
    torch.tensor([-(2**63), 2**63 - 1]), torch.arange(1000.0), torch.arange(1001.0), torch.ones(2, 1001),
    torch.ones(11, 10, 10), torch.ones(3).expand(5, 3), torch.arange(10.0)[::3],
    torch.ones(60, requires_grad=True) * 1.5,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CORNERS)))
@pytest.mark.parametrize("default", ["float32", "float64"])
def test_corners(number, default):
    torch.set_default_dtype(getattr(torch, default))
    dtypes.set_default_dtype(dtypes.by_name(default))
    assert ours(CORNERS[number]) == repr(CORNERS[number])


@pytest.mark.parametrize("size", range(1, 30))
@pytest.mark.parametrize("name", ["requires_grad", "history"])
def test_suffixes_move_to_a_new_line_where_pytorch_moves_them(size, name):
    tensor = (torch.arange(size, dtype=torch.float64) / 8).requires_grad_()
    tensor = tensor if name == "requires_grad" else tensor * 2
    assert ours(tensor) == repr(tensor)


def test_prefix_and_further_suffixes():
    values = np.arange(30, dtype=np.float32)
    shown = text.format_tensor(values, dtype=dtypes.float32, prefix="Longer(", suffixes=["tangent=1", "b" * 60])
    lines = shown.split("\n")
    assert lines[0].startswith("Longer([ 0.,") and all(line.startswith(" " * 7) for line in lines[1:])
    assert lines[-2].endswith("tangent=1,") and lines[-1] == " " * 7 + "b" * 60 + ")"


def test_seed_names_are_printed_as_given():
    shown = text.format_tensor(np.ones(1, np.float32), dtype=dtypes.float32, grad_fn_name="SigmoidBackward")
    assert shown == "tensor([1.], grad_fn=<SigmoidBackward>)"


@pytest.mark.parametrize("profile", ["default", "short", "full", "unknown"])
def test_profiles_and_what_overrides_them(profile):
    set_both(precision=1, threshold=7, edgeitems=1, linewidth=33, sci_mode=True)
    set_both(profile=profile)
    theirs = _tensor_str.PRINT_OPTS
    for options in ({}, {"profile": profile, "edgeitems": 5}, {"linewidth": 20}, {"sci_mode": False}, {"precision": 0}):
        set_both(**options)
        for name, value in vars(text.OPTIONS).items():
            assert value == getattr(theirs, name), (options, name)
