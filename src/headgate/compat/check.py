"""`headgate check`: what a script uses of PyTorch that Headgate lacks, by line, found without running it.

Reads the script's text only. Puts into words what follow.py finds, and what it could not see.
"""

from __future__ import annotations

import ast
import tokenize
from pathlib import Path
from typing import TextIO

from headgate.compat.follow import Follower


def check_file(path: str, out: TextIO) -> int:
    """Write what the script at `path` uses and Headgate lacks to `out`.

    Returns 0 if that is nothing, 1 if something, 2 if the file cannot be read or is not Python.
    """
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read(), path)
    except OSError as error:
        print(f"{path}: {error.strerror}", file=out)
        return 2
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        print(f"{path}:{getattr(error, 'lineno', 0) or 1}: not Python: {error}", file=out)
        return 2
    follower = Follower()
    follower.follow(tree)
    for line in _lines(follower, Path(path)):
        print(line, file=out)
    return int(any(not one.guarded for one in follower.findings.values()))


def _lines(follower: Follower, path: Path) -> list[str]:
    """The whole report, one text a line."""
    findings = sorted(follower.findings.values(), key=lambda one: (one.line, one.missing.path))
    lines = []
    for one in findings:
        near = f"; the nearest is {one.missing.nearest}" if one.missing.nearest else ""
        ready = " (the script is ready for its absence)" if one.guarded else ""
        lines.append(f"{path}:{one.line}: Headgate lacks {one.missing.path}{near}{ready}")
    lines += [f"{path}:{line}: not seen: {why}" for line, why in sorted(follower.blind)]
    lines += [f"{path}:{line}: not looked into: {name}" for name, line in _beside(follower, path)]
    if follower.unknown:
        lines.append(f"{path}: not seen: {_count(len(follower.unknown), 'attribute')} of values of unknown kind")
    missing = len({one.missing.path for one in findings if not one.guarded})
    lines.append(f"{path}: {_count(missing, 'name')} missing, {len(follower.used)} found")
    return lines


def _beside(follower: Follower, path: Path) -> list[tuple[str, int]]:
    """The script's own other files among its imports; they are to be checked by themselves."""
    found = []
    for name, line in follower.imported.items():
        for file in (path.parent / f"{name}.py", path.parent / name / "__init__.py"):
            if file.exists():
                found.append((file.relative_to(path.parent).as_posix(), line))
    return sorted(found, key=lambda one: one[1])


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
