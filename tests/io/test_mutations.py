"""Thousands of damaged files in eleven ways: each gives a clear error, or exactly what was saved. Nothing else is let
through, but where nothing checks (a mutated pickle with its checksum made right; the numbers of a safetensors file)
what is loaded must be whole. Then a process that dies at any line of `save`.
"""

import io
import json
import os
import pathlib
import random
import subprocess
import sys
import textwrap
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable

import pytest
import torch

import headgate
from headgate.io import safetensors
from headgate.io.archive import Archive, ArchiveWriter

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_files import as_arrays
from test_hostile import ERRORS, mutated, mutated_pickle, sound_file, touch

Way = Callable[[bytes, random.Random], bytes]


def trained() -> bytes:
    """A file with a model and its optimizer, as PyTorch writes it."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    return file.getvalue()


def own(raw: bytes) -> bytes:
    """The same as Headgate writes it."""
    file = io.BytesIO()
    headgate.save([headgate.load(io.BytesIO(raw)), headgate.arange(100)], file)
    return file.getvalue()


def flipped(raw: bytes, chance: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw))]


def rewritten(raw: bytes, chance: random.Random) -> bytes:
    """The archive anew: records in another order, compressed, doubled, renamed to leave the folder, cut or left out."""
    source, file = zipfile.ZipFile(io.BytesIO(raw)), io.BytesIO()
    names = source.namelist()
    chance.shuffle(names)
    kind = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", kind) as archive:
        warnings.simplefilter("ignore")
        for name in names:
            fate, data = chance.random(), source.read(name)
            if fate < 0.05:
                continue
            name = chance.choice(("../", "/", "C:/", "x/../", "")) + name if fate < 0.1 else name
            archive.writestr(name, data[: len(data) // 2] if fate > 0.95 else data)
            if 0.9 < fate < 0.95:
                archive.writestr(name, data)
    return file.getvalue()


def resized(raw: bytes, chance: random.Random) -> bytes:
    """Numbers cut or grown, with the checksum of what is there."""
    archive, file = Archive(io.BytesIO(raw)), io.BytesIO()
    writer = ArchiveWriter(file, "archive")
    victim = chance.choice([name for name in archive.names() if name.startswith("data/")])
    for name in archive.names():
        data = archive.read(name)
        if name == victim:
            short = chance.random() < 0.5
            data = data[: chance.randrange(len(data))] if short else data + b"x" * chance.choice((1, 99))
        writer.add(name, data)
    writer.finish()
    return file.getvalue()


def header_mutated(raw: bytes, chance: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(8 + int.from_bytes(raw[:8], "little"))
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(data)


ODD = [None, -1, 2**63, 2**64, 1e400, "", [], {}, True, 0, 3, [0], [2**31] * 3, "F16", "F64", "BOOL", "__metadata__"]


def table_edited(raw: bytes, chance: random.Random) -> bytes:
    """A table that is JSON, with some values exchanged for others."""
    end = 8 + int.from_bytes(raw[:8], "little")

    def edited(value: object) -> object:
        if chance.random() < 0.06:
            return chance.choice(ODD)
        if isinstance(value, dict):
            return {key: edited(one) for key, one in value.items()}
        return [edited(one) for one in value] if isinstance(value, list) else value

    table = json.dumps(edited(json.loads(raw[8:end]))).encode()
    return len(table).to_bytes(8, "little") + table + raw[end:]


PICKLED: dict[str, Way] = {
    "bytes": mutated, "bits": flipped, "cut off": cut, "archive": rewritten, "sizes": resized, "pickle": mutated_pickle,
}  # fmt: skip
PLAIN: dict[str, Way] = {
    "header": header_mutated, "bytes": mutated, "bits": flipped, "cut off": cut, "table": table_edited,
}  # fmt: skip


def load_mutated(way: str, count: int) -> Counter:
    """How many files were refused, gave what was saved, gave something else; any other error is raised."""
    chance, found = random.Random(way), Counter()
    files = [sound_file(), trained()]
    files.append(own(files[1]))
    saved = [repr(as_arrays(headgate.load(io.BytesIO(raw)))) for raw in files]
    for _ in range(count):
        which = chance.randrange(3)
        data = PICKLED[way](files[which], chance)
        try:
            value = headgate.load(io.BytesIO(data), weights_only=chance.choice((None, True, False)))
            touch(value)
        except ERRORS:
            found["refused"] += 1
            continue
        found["saved" if repr(as_arrays(value)) == saved[which] else "other"] += 1
    return found


def load_mutated_plain(way: str, count: int) -> Counter:
    """The same of safetensors files."""
    chance, found = random.Random(way), Counter()
    tensors = {"a": headgate.arange(6.0).view(2, 3), "b": headgate.tensor([True, False]), "d": headgate.tensor(7),
               "c": headgate.ones(3, dtype=headgate.float64), "e": headgate.ones(0, 2)}  # fmt: skip
    raw = safetensors.save(tensors, {"made": "here"})
    saved = repr(as_arrays(safetensors.load(raw)))
    for _ in range(count):
        try:
            value = safetensors.load(PLAIN[way](raw, chance))
            touch(value)
        except safetensors.SafetensorError:
            found["refused"] += 1
            continue
        found["saved" if repr(as_arrays(value)) == saved else "other"] += 1
    return found


@pytest.mark.parametrize("way", PICKLED)
@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_damaged_files(way: str, count: int, record_property: Callable[[str, object], None]) -> None:
    found = load_mutated(way, count)
    record_property("outcomes", dict(found))
    assert found["refused"] > count // 2 and found.total() == count
    assert found["other"] == 0 or way == "pickle"


@pytest.mark.parametrize("way", PLAIN)
@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_damaged_safetensors(way: str, count: int, record_property: Callable[[str, object], None]) -> None:
    found = load_mutated_plain(way, count)
    record_property("outcomes", dict(found))
    assert found["refused"] > count // 2 and found.total() == count
    assert found["other"] == 0 or way != "cut off"


DYING = """
    import os, sys, headgate
    path, every = sys.argv[1], int(sys.argv[2])
    value = {"x": headgate.full((2_000,), 2.0), "i": 2}
    for first in range(0, 9999, every):  # one child for each line; it dies as it reaches the line, without cleaning up
        child = os.fork()
        if child == 0:
            left = first
            def trace(frame, event, argument):
                global left
                if "headgate" not in frame.f_code.co_filename or "io" not in frame.f_code.co_filename:
                    return None
                if event == "line":
                    left -= 1
                    if left < 0:
                        os._exit(9)
                return trace
            sys.settrace(trace)
            headgate.save(value, path)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found = headgate.load(path)
        assert found["i"] in (1, 2) and bool((found["x"] == found["i"]).all()), first
        print(status, found["i"])
        if status == 0:
            break
        if found["i"] == 2:
            headgate.save({"x": headgate.full((2_000,), 1.0), "i": 1}, path)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.nightly)])
def test_a_process_that_dies_at_any_line_of_save_leaves_the_old_file_or_the_new(
    every: int, tmp_path: pathlib.Path, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / "model.pt"
    headgate.save({"x": headgate.ones(2_000), "i": 1}, path)
    program = [sys.executable, "-c", textwrap.dedent(DYING), str(path), str(every)]
    done = subprocess.run(program, capture_output=True, text=True)
    lines = done.stdout.split("\n")[:-1]
    assert done.returncode == 0 and lines[-1] == "0 2", done.stderr
    record_property("outcomes", dict(Counter(lines)))
    assert len(lines) > 300 // every and set(lines) <= {"9 1", "9 2", "0 2"} and (every > 1 or "9 2" in lines)
