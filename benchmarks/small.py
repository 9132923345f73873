"""Three numbers: the cost of an operation itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import Row, loop

LEAF = "library.tensor([1.0, 2.0, 3.0], requires_grad=True)"
ROWS = [
    # name, set-up, statement, ratio wanted, the same in NumPy
    ("empty call (control)", "", "pass", None, "pass"),
    ("seed program 1: sigmoid, sum, backward", f"a = {LEAF}", "a.grad = None; a.sigmoid().sum().backward()", 15, None),
    ("add, tracked", f"a = {LEAF}; b = {LEAF}", "a + b", 6, "x + y"),
    ("mul, tracked", f"a = {LEAF}; b = {LEAF}", "a * b", 6, "x * y"),
    ("mul, not tracked", "a = library.tensor([1.0, 2.0, 3.0]); b = a + 1", "a * b", None, "x * y"),
    ("detach", f"a = {LEAF} * 2", "a.detach()", 6, None),
    ("in-place mul", "a = library.tensor([1.0, 2.0, 3.0]); b = library.ones(3)", "a.mul_(b)", 12,
     "np.multiply(x, o, x)"),
    ("index", "a = library.tensor([1.0, 2.0, 3.0])", "a[1]", 4, "x[1:2]"),
    ("slice", "a = library.tensor([1.0, 2.0, 3.0])", "a[0:2]", 4, "x[0:2]"),
    ("sum", "a = library.tensor([1.0, 2.0, 3.0])", "a.sum()", None, "x.sum()"),
    ("exp", "a = library.tensor([1.0, 2.0, 3.0])", "a.exp()", None, "np.exp(x)"),
    ("matmul 3x3", "a = library.rand(3, 3)", "a @ a", None, "m @ m"),
    ("tensor([1., 2., 3.])", "", "library.tensor([1.0, 2.0, 3.0])", None, "np.array([1.0, 2.0, 3.0], np.float32)"),
]


def rows(libraries: dict[str, Any]) -> list[Row]:
    """The rows, for each library and for NumPy."""
    result = []
    for name, setup, statement, wanted, plain in ROWS:
        ways = {}
        for way, library in libraries.items():
            scope: dict[str, Any] = {"library": library}
            exec(setup, scope)
            ways[way] = loop(statement, scope)
        if plain is not None:
            x = np.array([1, 2, 3], np.float32)
            scope = {"np": np, "x": x, "y": x + 1, "o": np.ones(3, np.float32), "m": np.random.rand(3, 3).astype("f4")}
            ways["numpy"] = loop(plain, scope)
        result.append(Row(name, ways, wanted))
    return result
