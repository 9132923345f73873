"""What always-on provenance and guards cost: user instructions of one loop, counted by callgrind, against a build
without them. `python -m benchmarks.provenance` (needs valgrind and a C compiler; builds a second copy, some minutes).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
COUNTS = (200, 1200)  # the loop is run so often; the difference leaves out the start
LOOP = """
import sys
import headgate as torch

w = torch.randn(8, 8, requires_grad=True)
b = torch.zeros(8, requires_grad=True)
x = torch.randn(4, 8)
seen = torch.zeros(8)

def affine(x):
    return x @ w + b

def layer(x):
    return affine(x).tanh()

def model(x):
    return layer(layer(x))

def step():
    loss = ((model(x) - x) ** 2).mean()
    loss.backward()
    seen.mul_(0.9).add_(b.detach())
    with torch.no_grad():
        for p in (w, b):
            p.sub_(p.grad * 0.01)
            p.grad = None

for _ in range(int(sys.argv[1])):
    step()
"""


def instructions(source: Path, script: Path, count: int) -> int:
    """User instructions of the loop run `count` times with the package in `source`."""
    environment = {**os.environ, "PYTHONPATH": str(source), "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    subprocess.run([sys.executable, str(script), "1"], env=environment, check=True)  # writes bytecode files, uncounted
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, str(script), str(count)],
        env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    assert found is not None
    return int(found[1])


def built_without(folder: Path) -> Path:
    """A copy of the sources, compiled without provenance and guards."""
    for name in ("src", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "examples"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, folder / name)
    subprocess.run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=folder, check=True,
                   env={**os.environ, "HEADGATE_BUILD_DEFINES": "HEADGATE_NO_PROVENANCE"}, capture_output=True)
    return folder / "src"


def main() -> None:
    """Build, count and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "loop.py"
        script.write_text(LOOP, encoding="utf-8")
        per_step = {}
        for way, source in (("with", ROOT / "src"), ("without", built_without(folder))):
            few, many = (instructions(source, script, count) for count in COUNTS)
            per_step[way] = (many - few) / (COUNTS[1] - COUNTS[0])
            print(f"{way} provenance and guards: {per_step[way]:,.0f} instructions a step")
        print(f"cost: {(per_step['with'] / per_step['without'] - 1) * 100:.1f} %")


if __name__ == "__main__":
    main()
