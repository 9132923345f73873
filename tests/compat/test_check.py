"""`headgate check`: every kind of use that it can see, what it must not report, and what it says it cannot see.

The names that no library has (`...nope`) stand for what Headgate lacks, so the tests hold as Headgate grows.
"""

import io
import textwrap
from pathlib import Path

import pytest

from headgate.compat.check import check_file


def check(folder: Path, code: str) -> tuple[int, list[str]]:
    """Exit code and report of a script, without the path before each line."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    out = io.StringIO()
    status = check_file(str(script), out)
    return status, [line.removeprefix(f"{script}:").strip() for line in out.getvalue().splitlines()]


def missing(lines: list[str]) -> list[str]:
    """ "line name" of every finding that counts."""
    found = [line.split(": Headgate lacks ") for line in lines if ": Headgate lacks " in line]
    return [f"{at} {what.split(';')[0]}" for at, what in found if "ready for its absence" not in what]


# Each row: a script whose lines marked #! use what Headgate lacks, and the names in order.
IMPORTS = [
    ("import torch\ntorch.nope", ["2 torch.nope"]),
    ("import torch as t\nt.tensor\nt.nope(3)", ["3 torch.nope"]),
    ("from torch import tensor, nope as other", ["1 torch.nope"]),
    ("import torch.nope", ["1 torch.nope"]),
    ("import torch.autograd as a\na.grad\na.nope", ["3 torch.autograd.nope"]),
    ("from torch import autograd\nautograd.nope.deeper.still", ["2 torch.autograd.nope"]),
    ("from torch.nope.deep import a, b", ["1 torch.nope"]),
    ("import torch\nT = torch.autograd\nf = T.nope", ["3 torch.autograd.nope"]),
    ("import torch\ngetattr(torch, 'nope')", ["2 torch.nope"]),
    ("import importlib\nm = importlib.import_module('torch.nope')", ["2 torch.nope"]),
    ("import headgate as torch\ntorch.nope", ["2 headgate.nope"]),
    ("import torch.core", ["1 torch.core"]),
    ("import torch\n@torch.nope\ndef f(x=torch.nope2) -> torch.nope3: pass", None),
    ("import torch\nwith torch.nope(), torch.no_grad():\n    pass", ["2 torch.nope"]),
    ("import torch\nf'{torch.nope:{torch.nope2}}'", ["2 torch.nope", "2 torch.nope2"]),
    ("def f():\n    import torch\n    return lambda: [torch.nope for _ in range(3)]", ["3 torch.nope"]),
    ("import torch\ntorch.Tensor.nope", ["2 torch.Tensor.nope"]),
    ("import torch\nclass A(torch.nope):\n    x = torch.nope2", ["2 torch.nope", "3 torch.nope2"]),
]


@pytest.mark.parametrize(("code", "expected"), IMPORTS)
def test_names_reached_from_an_import(tmp_path: Path, code: str, expected: list[str] | None) -> None:
    status, lines = check(tmp_path, code)
    if expected is None:
        assert {line.split()[1] for line in missing(lines)} == {"torch.nope", "torch.nope2", "torch.nope3"}
    else:
        assert missing(lines) == expected
    assert status == 1


VALUES = [
    "x.nope()",
    "x.nope",
    "(x + 1).nope()",
    "(2 * x).nope()",
    "(-x).nope()",
    "(x > 0).nope()",
    "x[0].nope()",
    "x.sum().exp().nope()",
    "torch.zeros(3).nope()",
    "torch.stack([x, x]).nope()",
    "torch.autograd.grad(x, [x])[0].nope()",
    "x.max(0)[0].nope()",
    "x.sort().values.nope()",
    "x.grad.nope()",
    "getattr(x, 'nope')",
    "[y.nope() for y in x]",
    "y = z = x\nz.nope()",
    "a, b = x, 3\na.nope()",
    "(y := x).nope()",
    "y = None\nif c:\n    y = x\ny.nope()",
    "y = x if c else x + 1\ny.nope()",
    "y = 0\nwhile c:\n    y = x\n    y.nope()",
    "for i, y in enumerate(x):\n    y.nope()",
    "for y, i in zip(x, 'ab'):\n    y.nope()",
    "values, where = x.topk(2)\nwhere.nope()",
    "total = 0\nfor y in x:\n    total = total + y\n    total.nope()",
    "def f(t: torch.Tensor):\n    t.nope()",
    "def f(t: 'torch.Tensor | None' = None):\n    t.nope()",
    "def f(t):\n    t = torch.relu(t)\n    t.nope()",
    "def f():\n    return lambda: x.nope()",
    "class A:\n    def __init__(self):\n        self.w = torch.ones(2)\n    def g(self):\n        self.w.nope()",
    "class N(torch.nn.Module):\n    pass\nfor p in N().parameters():\n    p.nope()",
    "class N(torch.nn.Module):\n    def f(self):\n        for n, p in self.named_parameters():\n            p.nope()",
]


RETURNED = [
    "def f(t):\n    return torch.relu(t)\nf(c).nope()",
    "def f(t):\n    if c:\n        return x\n    return t + x\nf(c).nope()",
    "def f():\n    return x, c\na, b = f()\na.nope()",
    "class A:\n    def g(self):\n        return x\n    def h(self):\n        self.g().nope()",
    "class N(torch.nn.Module):\n    def forward(self, t):\n        return t @ x\nN()(c).nope()",
]


@pytest.mark.parametrize("code", VALUES + RETURNED)
def test_methods_of_evident_tensors(tmp_path: Path, code: str) -> None:
    status, lines = check(tmp_path, f"import torch\nx = torch.tensor([1.0])\nc = input()\n{code}\n")
    assert [line.split()[1] for line in missing(lines) if "Tensor." in line] == ["Tensor.nope"]
    assert status == 1


SILENT = [
    "def f(t):\n    if c:\n        return x\n    return t\nf(c).nope()",
    "def f():\n    yield x\nf().nope()",
    "@c\ndef f():\n    return x\nf().nope()",
    "x.sum().backward()",
    "x.my_tag = 3\nx.my_tag",
    "setattr(x, 'mine', 1)\nx.mine",
    "y = x.numpy()\ny.nope()",
    "y = x.tolist()\ny.nope",
    "y = x.shape\ny.nope",
    "y = x\ny = 'text'\ny.nope()",
    "y = x\nif c:\n    y = c\ny.nope()",
    "def f(t):\n    t.nope()",
    "def f(x):\n    x.nope()",
    "import os\nos.nope",
    "try:\n    torch.nope\nexcept AttributeError:\n    pass",
    "try:\n    import torch.nope\nexcept ImportError:\n    pass",
    "if hasattr(torch, 'nope'):\n    torch.nope()",
    "getattr(torch, 'nope', None)",
    "torch = None\ntorch.nope",
    "def f(torch):\n    torch.nope",
    "[torch.nope for torch in range(3)]",
]


@pytest.mark.parametrize("code", SILENT)
def test_what_is_no_finding(tmp_path: Path, code: str) -> None:
    status, lines = check(tmp_path, f"import torch\nx = torch.tensor([1.0])\nc = input()\n{code}\n")
    assert (status, missing(lines)) == (0, [])


def test_a_guarded_use_is_listed(tmp_path: Path) -> None:
    _, lines = check(tmp_path, "import torch\ntry:\n    torch.qqzzqq\nexcept AttributeError:\n    pass\n")
    assert lines[0] == "3: Headgate lacks torch.qqzzqq (the script is ready for its absence)"


def test_the_nearest_is_named(tmp_path: Path) -> None:
    _, lines = check(tmp_path, "import torch\ntorch.sigmoyd\ntorch.tensor(1.0).sigmoyd()\n")
    assert lines[0] == "2: Headgate lacks torch.sigmoyd; the nearest is torch.sigmoid"
    assert lines[1] == "3: Headgate lacks Tensor.sigmoyd; the nearest is Tensor.sigmoid"
    assert lines[-1].startswith("2 names missing, ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from torch import *", "1: not seen: which names `from torch import *` brings"),
        ("import torch\ngetattr(torch, input())", "2: not seen: getattr with a name made at run time"),
        ("import torch\nexec('torch.nope')", "2: not seen: code made at run time (exec)"),
        ("import importlib\nimportlib.import_module(input())", "2: not seen: an import with a name made at run time"),
        ("import torch\ndef f(a):\n    a.b.c\n    a.d()", "not seen: 3 attributes of values of unknown kind"),
        ("import other", "1: not looked into: other.py"),
    ],
)
def test_what_could_not_be_seen_is_said(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "other.py").write_text("")
    assert said in check(tmp_path, code)[1]


def test_methods_of_what_is_missing_are_not_counted_as_found(tmp_path: Path) -> None:
    _, lines = check(tmp_path, "import torch\ntorch.nn.Nope(1).parameters()\n")
    assert lines[-1] == "1 name missing, 2 found"  # torch, torch.nn


def test_the_script_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    check(tmp_path, f"import torch\nopen({str(mark)!r}, 'w')\n")
    assert not mark.exists()


@pytest.mark.parametrize("text", [b"def f(:\n", b"\xff\xfe\x00", b"x = '\x00'\n"])
def test_what_is_not_python_is_said(tmp_path: Path, text: bytes) -> None:
    script = tmp_path / "script.py"
    script.write_bytes(text)
    out = io.StringIO()
    assert check_file(str(script), out) == 2
    assert "not Python" in out.getvalue()
    assert check_file(str(tmp_path / "absent.py"), out) == 2


def test_the_examples_lack_nothing() -> None:
    out = io.StringIO()
    examples = Path(__file__).resolve().parents[2] / "examples"
    scripts = sorted(examples.rglob("*.py"))
    assert len(scripts) >= 7
    assert [path.name for path in scripts if check_file(str(path), out)] == [], out.getvalue()
