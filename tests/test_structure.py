"""The rules of the source tree, checked by reading it: imports go downwards, names are exported once, sizes, openings.

Reads text and syntax only; imports nothing of Headgate but to compare its export list with what it has.
"""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "headgate"
KINDS = (".py", ".pyx", ".pxd", ".pyi", ".c", ".h", ".inc")

#: Rooms from the lowest up. Those in one tuple stand side by side and may not see each other.
ROOMS = [
    ("_library",), ("_loading",), ("errors",), ("dtypes",), ("kernels",), ("core",), ("ops",), ("autograd",),
    ("gates",),
    ("multiprocessing",), ("nn",), ("optim", "distributions"), ("utils",), ("io",), ("watch",),
    ("amp",),
    ("_C", "accelerator", "backends", "compiler", "cpu", "cuda", "func", "hub", "jit", "linalg", "mps", "overrides",
     "profiler", "random", "return_types", "serialization", "signal", "special", "testing", "types"),
    ("compat",), ("cli",), ("__main__",),
]  # fmt: skip
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}


def tracked(folder: Path, kinds: tuple[str, ...]) -> list[Path]:
    """The source files below `folder`, without what a build leaves there."""
    return sorted(path for path in folder.rglob("*") if path.suffix in kinds and "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = tracked(SOURCE, KINDS)
PYTHON = [path for path in FILES if path.suffix == ".py"]
ALL = FILES + tracked(ROOT / "tests", (".py",)) + tracked(ROOT / "benchmarks", (".py",)) + [ROOT / "setup.py"]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: all but the bodies of `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        yield child
        yield from walk(child)


def python_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import of Headgate in a Python file, inside functions too."""
    for node in walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}" if node.module == "headgate" else str(node.module)


def cython_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import and cimport of Headgate in a Cython file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = re.match(r"\s*(?:from\s+(headgate[\w.]*)\s+c?import|c?import\s+(headgate[\w.]*))\s*(\w*)", line)
        if found:
            module = found[1] or found[2]
            yield number, f"{module}.{found[3]}" if module == "headgate" else module


def room_of(dotted: str) -> str | None:
    """The room of "headgate.room..."; None for other packages."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "headgate" and len(parts) > 1 else None


def upward(path: Path) -> list[str]:
    """The imports in a file that do not go down, as text."""
    own = path.relative_to(SOURCE).parts[0].partition(".")[0]
    found = []
    for line, dotted in python_imports(path) if path.suffix == ".py" else cython_imports(path):
        if dotted == "headgate" and own in ("cli", "compat"):
            continue  # these two see the package as its users do
        room = room_of(dotted)
        if dotted == "headgate" or room is not None and room != own and RANK[room] >= RANK[own]:
            found.append(f"{name_of(path)}:{line}: {own} imports {dotted}")
        if room == "watch" and own not in ("watch", "cli"):
            found.append(f"{name_of(path)}:{line}: only cli may import watch")
    return found


def test_every_room_has_a_place() -> None:
    rooms = {path.relative_to(SOURCE).parts[0].partition(".")[0] for path in FILES} - {"__init__"}
    assert rooms <= set(RANK)


def test_imports_go_downwards() -> None:
    wrong = [
        line
        for path in FILES
        if path.suffix in (".py", ".pyx", ".pxd") and path != SOURCE / "__init__.py"
        for line in upward(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_an_upward_import_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checker itself: upward imports in each form are found, downward and typing-only ones are not."""
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "core").mkdir()
    file = tmp_path / "core" / "x.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nfrom headgate.kernels import door\nif TYPE_CHECKING:\n"
        "    import headgate.ops\ndef f():\n    import headgate.ops.arith\n"
        "from headgate import autograd\nimport headgate\n"
    )
    assert [line.split(":")[1] for line in upward(file)] == ["6", "7", "8"]
    low = tmp_path / "core" / "x.pxd"
    low.write_text("from headgate.ops.arith cimport Mul\ncimport headgate.kernels.door\nfrom headgate.watch import a")
    assert [line.split(":")[1] for line in upward(low)] == ["1", "3", "3"]


def exported() -> Counter[str]:
    """How often each public name is bound by an import at the top of headgate/__init__.py."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    return Counter(
        alias.asname or alias.name.partition(".")[0]
        for node in tree.body
        if isinstance(node, (ast.ImportFrom, ast.Import))
        for alias in node.names
        if alias.name != "*"
    )


def test_each_public_name_is_exported_once() -> None:
    twice = [name for name, times in exported().items() if times > 1 and not name.startswith("_")]
    assert not twice, f"bound twice in headgate/__init__.py: {twice}"
    import headgate

    listed = Counter(headgate.__all__)
    assert not [name for name, times in listed.items() if times > 1]
    assert not [name for name in listed if not hasattr(headgate, name)]


def long_functions(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [
        f"{name_of(path)}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]


def test_no_function_is_over_60_lines() -> None:
    wrong = [line for path in ALL if path.suffix == ".py" for line in long_functions(path)]
    assert not wrong, "\n".join(wrong)


def test_no_source_file_is_over_500_lines() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}
    wrong = {name: length for name, length in lengths.items() if length > 500}
    assert not wrong, wrong


def opening(path: Path) -> str:
    """The text of a file's first docstring or comment; empty if it opens with code."""
    text = path.read_text(encoding="utf-8").lstrip()
    text = re.sub(r"\A(#\s*(sources|cython|distutils):.*\n|# built for speed\n|#pragma once\n|\s+)+", "", text)
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    found = re.match(r'(?s)"""(.+?)"""|/\*(.+?)\*/|((?:\s*(?:#|//)[^\n]*\n)+)', text)
    return next((group for group in found.groups() if group), "") if found else ""


def test_every_file_says_first_what_it_holds() -> None:
    wrong = [name_of(path) for path in ALL if len(opening(path).split()) < 5]
    assert not wrong, "\n".join(wrong)


def test_nothing_built_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    wrong = [name for name in listed.stdout.splitlines() if re.search(r"\.(so|pyd|o|pyc)$|\.egg-info/|^build/", name)]
    assert not wrong


def test_array_size_has_numpy_interface() -> None:
    """A compiled file that asks an array for `.size` imports NumPy's C interface itself, or it would crash."""
    wrong = []
    for path in PYTHON:
        text = path.read_text(encoding="utf-8")
        asks = re.search(r"\b(?!np\b|core\b)\w+\.size\b(?!\()", re.sub(r"headgate\.core\.size", "", text))
        if path.with_suffix(".pxd").exists() and asks and "import_array()" not in text:
            wrong.append(f"{name_of(path)}: {asks[0]}")
    assert not wrong
