"""What an import leaves behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import gc
{before}
thresholds, frozen, enabled = gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()
import headgate
assert gc.get_threshold() == thresholds and gc.isenabled() == enabled
assert (gc.get_freeze_count() > 0) == (frozen > 0)
"""


SETTINGS = ["", "gc.disable()", "gc.set_threshold(0)", "gc.set_threshold(5, 6, 7)", "gc.freeze()"]


@pytest.mark.parametrize("before", SETTINGS)
def test_collections_go_on_as_they_were(before: str) -> None:
    """The collector is held back while Headgate is imported; the user's settings hold again afterwards."""
    subprocess.run([sys.executable, "-c", CODE.format(before=before)], check=True)
