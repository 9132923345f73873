"""Every row of bad_input.py raises PyTorch's exception class and leaves the tensors as they were."""

from __future__ import annotations

import copy
import importlib
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "cases"))

from bad_input import ROWS, SETUP
from harness import builtin_class, node_name, plain

NAMES = ("p", "q", "v", "s", "i", "b", "f", "a", "m", "y", "z", "e")


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    return importlib.import_module("torch")


@pytest.fixture(scope="module")
def headgate() -> ModuleType:
    return importlib.import_module("headgate")


def state(namespace: dict[str, Any]) -> list[Any]:
    facts = []
    for name in NAMES:
        tensor = namespace[name]
        gradient = tensor.grad if tensor.is_leaf else None
        flags = (tensor._version, tensor.requires_grad, tensor.is_leaf, node_name(tensor))
        facts.append((name, plain(tensor), flags, plain(gradient)))
    return facts


def attempt(library: Any, row: str) -> tuple[str | None, str, bool]:
    """The exception's class and text, and whether every tensor is as it was."""
    namespace: dict[str, Any] = {"torch": library, "copy": copy, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(SETUP, namespace)
        before = state(namespace)
        try:
            eval(row, namespace)
        except Exception as error:
            # Not asked of PyTorch: some of its failures leave a tensor that cannot even be read.
            unchanged = library.__name__ == "torch" or state(namespace) == before
            return builtin_class(error), str(error), unchanged
    return None, "", False


# Rows whose first part succeeds by design, and so changes something before the second part fails.
PARTLY = {row for row in ROWS if ") or " in row or ") is z" in row or "sqrt_()" in row or ".copy_(v[1:]).add_" in row}
PARTLY |= {"p.t_().view(6)", "v.t_().T.mT", "v.requires_grad_('x').add_(1)"}


def test_the_table_is_long_enough(torch: ModuleType) -> None:
    assert len(set(ROWS)) >= 150
    assert [row for row in ROWS if attempt(torch, row)[0] in (None, "NameError", "SyntaxError")] == []


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, torch: ModuleType, headgate: ModuleType) -> None:
    expected, words, _ = attempt(torch, row)
    found, text, unchanged = attempt(headgate, row)
    assert found == expected, f"{row}: {found}: {text[:200]!r}; PyTorch has {expected}: {words[:200]!r}"
    assert unchanged or row in PARTLY, f"{row}: a tensor changed"
