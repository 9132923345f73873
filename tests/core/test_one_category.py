"""multinomial for a single draw: the same categories and the same stream position as PyTorch's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from test_generator import Generator, pair, same_bits, same_position


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (2,), (200,), (1, 2), (5, 3), (3, 130), (4, 1)])
def test_one_category(name, shape):
    """One draw for each row, also where some weights are zero, and where rows do not lie as they are counted."""
    for seed in range(10):
        weights = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(getattr(torch, name)) + 0.01
        if shape[-1] > 1:
            weights[..., seed % shape[-1]] = 0
        for table in (weights, weights.t().contiguous().t()):
            for replacement in (False, True):
                ours, theirs = pair(seed)
                got = ours.multinomial(table.numpy(), 1, replacement)
                same_bits(got, torch.multinomial(table, 1, replacement, generator=theirs))
                same_position(ours, theirs)


@pytest.mark.parametrize("bad", [
    [-1.0, 2.0], [float("nan"), 1.0], [1.0, float("inf")], [0.0, 0.0], [[1.0, 0.0], [0.0, 0.0]], []])
def test_refused_weights_draw_nothing(bad):
    for count in (1, 2):
        ours = Generator()
        with pytest.raises(RuntimeError):
            ours.multinomial(np.array(bad, np.float32), count, True)
        np.testing.assert_array_equal(ours.get_state(), Generator().get_state())
