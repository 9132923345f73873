"""Products of small matrices, in every layout of both factors, beside NumPy's in float64, on every level."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.compiled_only
PROGRAM = "import sys; sys.path.insert(0, {folder!r}); import test_small_products as t; t.compare({name!r})"


def compare(name: str) -> None:
    """Assert that products of all small shapes are right."""
    from headgate.kernels.gemm import addmm, matmul

    rng = np.random.default_rng(0)
    close = {"rtol": 2e-4, "atol": 1e-4} if name == "float32" else {"rtol": 1e-10, "atol": 1e-11}
    for m in (2, 5, 9):
        for n in (1, 2, 3, 4, 15, 16, 17, 32, 64):
            for k in (1, 4, 8, 16, 17, 64):
                a, b = rng.normal(size=(m, k)).astype(name), rng.normal(size=(k, n)).astype(name)
                c = rng.normal(size=n).astype(name)
                wanted = a.astype(np.float64) @ b
                for first in (a, np.asfortranarray(a)):
                    for second in (b, np.asfortranarray(b), np.repeat(b, 2, 1)[:, ::2], np.repeat(b, 2, 0)[::2]):
                        np.testing.assert_allclose(matmul(first, second), wanted, **close)
                        np.testing.assert_allclose(addmm(c, first, second, 1, 1), wanted + c, **close)
                        np.testing.assert_allclose(addmm(c, first, second, 0.5, 2), 2 * wanted + c / 2, **close)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_on_this_level(name: str) -> None:
    compare(name)


@pytest.mark.parametrize("level", ["baseline", "avx2"])
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_on_lower_levels(name: str, level: str) -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "HEADGATE_CPU": level, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", PROGRAM.format(folder=folder, name=name)], env=environment, check=True)
