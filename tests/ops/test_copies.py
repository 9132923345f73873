"""Copies of views beside PyTorch, and how deterministic algorithms are asked for by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "expand": lambda t, x: t.expand_copy(x, (2, 3, 4)), "permute": lambda t, x: t.permute_copy(x, (1, 0)),
    "select": lambda t, x: t.select_copy(x, 0, 1), "slice": lambda t, x: t.slice_copy(x, 1, 0, 3, 2),
    "slice of all": lambda t, x: t.slice_copy(x), "split": lambda t, x: t.split_copy(x, 2),
    "sizes": lambda t, x: t.split_with_sizes_copy(x, [1, 2]), "squeeze": lambda t, x: t.squeeze_copy(x, 0),
    "t": lambda t, x: t.t_copy(x), "transpose": lambda t, x: t.transpose_copy(x, 0, 1),
    "unbind": lambda t, x: t.unbind_copy(x, 1), "unfold": lambda t, x: t.unfold_copy(x, 1, 2, 1),
    "unsqueeze": lambda t, x: t.unsqueeze_copy(x, 0), "view": lambda t, x: t.view_copy(x, (4, 3)),
    "diagonal": lambda t, x: t.diagonal_copy(x, 1), "alias": lambda t, x: t.alias_copy(x),
    "strided": lambda t, x: t.as_strided_copy(x, (2, 2), (1, 1)), "narrow": lambda t, x: t.narrow_copy(x, 0, 0, 2),
    "narrow method": lambda t, x: x.narrow_copy(1, 1, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_copies(name: str) -> None:
    found = []
    for t in (headgate, torch):
        x = t.arange(12.0).view(3, 4).requires_grad_()
        result = CALLS[name](t, x)
        pieces = list(result) if isinstance(result, (tuple, list)) else [result]
        gradient, = t.autograd.grad(sum((piece.sin() * piece).sum() for piece in pieces), x)
        with t.no_grad():
            for piece in pieces:
                piece.zero_()  # writes into none of x
        found.append([type(result).__name__, [tuple(piece.shape) for piece in pieces], x.tolist(), gradient.numpy()])
    assert found[0][:3] == found[1][:3]
    np.testing.assert_allclose(found[0][3], found[1][3], rtol=1e-6)


def test_copies_into_out() -> None:
    for t in (headgate, torch):
        x, out = t.arange(6).view(2, 3), t.empty(0, dtype=t.int64)
        assert t.permute_copy(x, (1, 0), out=out) is out
        assert out.tolist() == [[0, 3], [1, 4], [2, 5]] and out.is_contiguous()
        outs = [t.empty(0, dtype=t.int64) for _ in range(2)]
        t.unbind_copy(x, out=outs)
        assert [one.tolist() for one in outs] == [[0, 1, 2], [3, 4, 5]]


def test_deterministic_debug_mode() -> None:
    for t in (headgate, torch):
        before = t.get_deterministic_debug_mode()
        try:
            seen = []
            for mode in (2, "warn", 0, "error", "default", 1):
                t.set_deterministic_debug_mode(mode)
                seen.append((t.get_deterministic_debug_mode(), t.are_deterministic_algorithms_enabled()))
            assert seen == [(2, True), (1, True), (0, False), (2, True), (0, False), (1, True)]
            for bad, kind in ((5, RuntimeError), ("a", RuntimeError), (1.5, TypeError)):
                with pytest.raises(kind, match="debug_mode"):
                    t.set_deterministic_debug_mode(bad)
        finally:
            t.set_deterministic_debug_mode(before)
