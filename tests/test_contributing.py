"""The guide's example is run as it stands: an op in ten lines, declared, differentiated and compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def blocks() -> list[str]:
    """The Python examples of CONTRIBUTING.md."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)


def test_an_op_in_ten_lines(tmp_path: Path) -> None:
    op, use = blocks()
    assert len([line for line in op.splitlines() if line.strip()]) <= 24
    script = tmp_path / "example.py"
    script.write_text(op + "\n" + use, encoding="utf-8")
    environment = {**os.environ, "HEADGATE_PURE": "1"}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [line.partition("# ")[2] for line in use.splitlines() if "# " in line]
