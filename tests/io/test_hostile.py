"""Hostile, truncated and mutated files: a clear error, no crash, no code run, nothing half loaded; kills in save."""

import io
import os
import pathlib
import pickle
import pickletools
import random
import signal
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
import zlib

import numpy as np
import pytest
import torch

import headgate
from headgate.io.archive import Archive, ArchiveWriter

ERRORS = (RuntimeError, pickle.UnpicklingError, EOFError)


def packed(data: bytes, **records: bytes) -> io.BytesIO:
    """A sound archive around a pickle."""
    file = io.BytesIO()
    writer = ArchiveWriter(file, "archive")
    writer.add("data.pkl", data)
    for name, value in records.items():
        writer.add(name.replace("_", "/"), value)
    writer.add("version", b"3\n")
    writer.finish()
    file.seek(0)
    return file


def refused(file: io.BytesIO, words: str) -> None:
    for loose in (None, False):
        with pytest.raises(ERRORS, match=words):
            headgate.load(file, weights_only=loose)
        file.seek(0)


class Run:
    """Pickles as a call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> object:
        return self.call


def marker(path: pathlib.Path) -> list[object]:
    text = f"open({str(path)!r}, 'w').close()"
    return [
        Run(exec, text), Run(eval, text), Run(os.system, f"touch {path}"), Run(getattr, os, "system"),
        Run(subprocess.check_call, ["touch", str(path)]), Run(__import__, "os"), Run(open, str(path), "w"),
        Run(torch.hub.load, "a"), Run(torch.load, "a"), Run(torch.nn.Linear, 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("protocol", [2, 4])
def test_no_code_is_run(number: int, protocol: int, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "ran"
    try:
        data = pickle.dumps([marker(path)[number]], protocol)
    except (TypeError, AttributeError):
        data = b"\x80\x02cos\nsystem\nX\5\0\0\0touch\x85R."
    refused(packed(data), "Weights only load failed")
    assert not path.exists()


def test_names_are_not_reached_by_a_way_around() -> None:
    for name in ("os\nsystem", "builtins\neval", "torch\nload", "torch.serialization\nload", "numpy\nload",
                 "torch._utils\n_import_dotted_name", "torch\nos.system", "collections\nOrderedDict.__class__",
                 "torch.storage\n_load_from_bytes", "headgate\nload", "torch.jit._script\nunpackage_script_module"):
        refused(packed(f"\x80\x02c{name}\n)R.".encode("latin-1")), "Unsupported global")
    refused(packed(b"\x80\x02ctorch\nfloat32\n)R."), "closed table")
    refused(packed(b"\x80\x02}X\1\0\0\0aX\1\0\0\0bR."), "closed table")
    refused(packed(b"\x80\x02ccollections\nOrderedDict\n."), "class or a function")
    refused(packed(b"\x80\x02]ccollections\nOrderedDict\na."), "class or a function")


STORE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\4tQ"


def tensor(offset: bytes, size: bytes, stride: bytes, store: bytes = STORE) -> io.BytesIO:
    body = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + store + offset + size + stride
    return packed(body + b"\x89ccollections\nOrderedDict\n)RtR.", data_0=np.ones(4, np.float32).tobytes())


def test_a_tensor_stays_inside_its_storage() -> None:
    assert headgate.load(tensor(b"K\0", b"K\2K\2\x86", b"K\2K\1\x86")).tolist() == [[1, 1], [1, 1]]
    minus, huge = b"J\xff\xff\xff\xff", b"\x8a\x08" + struct.pack("<q", 2**62 - 1)
    for offset, size, stride in (
        (b"K\1", b"K\4\x85", b"K\1\x85"), (b"K\0", b"K\5\x85", b"K\1\x85"), (b"K\0", b"K\2\x85", b"K\4\x85"),
        (minus, b"K\1\x85", b"K\1\x85"), (b"K\3", b"K\4\x85", minus + b"\x85"), (b"K\0", minus + b"\x85", b"K\1\x85"),
        (b"K\0", b"K\2K\2\x86", b"K\1\x85"), (b"K\0", huge + b"\x85", b"K\1\x85"), (b"K\0", huge * 2 + b"\x86",
        b"K\0K\0\x86"), (b"K\0", b"K\2\x85", huge + b"\x85"), (huge, b"K\1\x85", b"K\1\x85"),
        (b"K\0", b"N", b"K\1\x85"),
        (b"K\0", b"G" + b"\0" * 8 + b"\x85", b"K\1\x85"), (b"\x88", b"K\1\x85", b"K\1\x85"), (b"N", b")", b")"),
        (b"K\0", b"(" + b"K\1" * 70 + b"t", b"(" + b"K\1" * 70 + b"t"),
    ):  # fmt: skip
        refused(tensor(offset, size, stride), "damaged")


@pytest.mark.parametrize(
    "store", [STORE.replace(b"K\4", b"K\5"), STORE.replace(b"K\4", b"K\3"), STORE.replace(b"K\4", b"J\xff\xff\xff\xff"),
              STORE.replace(b"K\4", b"N"), STORE.replace(b"0000", b"0001").replace(b"\0000X", b"\0001X"), b"N", b"]",
              STORE.replace(b"storage", b"storeds"), STORE.replace(b"Float", b"Quint"), STORE.replace(b"K\4", b"K\4N")]
)  # fmt: skip
def test_storages_must_be_as_they_are_named(store: bytes) -> None:
    refused(tensor(b"K\0", b"K\1\x85", b"K\1\x85", store), "failed|damaged|Unsupported")


def test_nesting_and_growth_have_limits() -> None:
    refused(packed(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."), "nested too deeply")
    deep = b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\1s."
    refused(packed(deep), "a key is of type tuple")
    refused(packed(b"\x80\x02ccollections\nCounter\n}" + b")" + b"\x85" * 100_000 + b"K\1s\x85R."), "a key is of type")
    copies = b"\x80\x02](" + b"K\1" * 10_000 + b"tq\0" + b"ctorch\nSize\nq\1h\0\x85R" * 10_000 + b"."
    refused(packed(copies), "grows far beyond its size")
    laughs = b"\x80\x02]q\0" + b"".join(b"h%c\x86q%c" % (i, i + 1) for i in range(100)) + b"."
    found = headgate.load(packed(laughs))
    assert found[0] is found[1] and found[0][1][0] is found[1][0][1]
    refused(packed(b"\x80\x02\x8b\xff\xff\xff\x7f."), "too many digits")
    refused(packed(b"\x80\x02X\xff\xff\xff\xff."), "cut off")
    refused(packed(b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "cut off")


def zipped(change=None, compression: int = zipfile.ZIP_STORED, names=("a/data.pkl", "a/version")) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in names:
            archive.writestr(name, b"\x80\x02K\1." if name.endswith("pkl") else b"3\n")
    raw = bytearray(file.getvalue())
    if change is not None:
        change(raw)
    return io.BytesIO(raw)


def put(name: bytes, offset: int, value: bytes, which: int = 0):
    """Overwrite a field behind the n-th place where a signature stands."""

    def change(raw: bytearray) -> None:
        at = -1
        for _ in range(which + 1):
            at = raw.index(name, at + 1)
        raw[at + offset : at + offset + len(value)] = value

    return change


def test_archives_are_checked() -> None:
    assert headgate.load(zipped()) == 1
    refused(zipped(compression=zipfile.ZIP_DEFLATED), "compressed")
    for names in (("../data.pkl",), ("/data.pkl",), ("a/../data.pkl",), ("a\\data.pkl",), ("C:/data.pkl",), ("a/./x",)):
        refused(zipped(names=names), "not a name inside the archive")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(names=("a/data.pkl", "a/data.pkl"))
    refused(twice, "two records")
    refused(zipped(names=("a/version",)), "failed locating file data.pkl")
    refused(zipped(names=("data.pkl",)), "no folder")
    refused(zipped(names=("a/data.pkl", "a/constants.pkl")), "TorchScript")
    central, end = b"PK\1\2", b"PK\5\6"
    for change in (
        put(central, 24, struct.pack("<L", 2**31)), put(central, 20, struct.pack("<L", 2**31)),
        put(central, 42, struct.pack("<L", 2**31)), put(central, 42, struct.pack("<L", 1)),
        put(central, 42, struct.pack("<L", 0), 1), put(central, 16, b"\1\2\3\4"), put(central, 8, b"\1\0"),
        put(central, 28, b"\xff\xff"), put(central, 20, b"\xff" * 8), put(end, 8, b"\xff\xff"), put(end, 10, b"\x03\0"),
        put(end, 12, b"\xff" * 8), put(end, 16, b"\0\0\0\0"), put(end, 20, b"\1\0"), put(end, 4, b"\1\0"),
        put(b"PK\3\4", 26, b"\xff\xff"), put(b"PK\3\4", 8, b"\x08\0"), put(b"PK\3\4", 30, b"b"),
    ):  # fmt: skip
        refused(zipped(change), "PytorchStreamReader failed")


def test_other_formats_are_named() -> None:
    legacy, tar = io.BytesIO(), b"\1" * 257 + b"ustar" + b"\0" * 300
    torch.save(torch.ones(2), legacy, _use_new_zipfile_serialization=False)
    for loose in (None, False):
        legacy.seek(0)
        with pytest.raises(RuntimeError, match="before 1.6"):
            headgate.load(legacy, weights_only=loose)
    with pytest.raises(RuntimeError, match="tar archive"):
        headgate.load(io.BytesIO(tar))
    with pytest.raises(pickle.UnpicklingError, match="did not write"):
        headgate.load(io.BytesIO(pickle.dumps([1])))


def test_bools_are_made_clean() -> None:
    store = STORE.replace(b"Float", b"Bool")
    start = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + store
    body = start + b"K\0K\4\x85K\1\x85\x89ccollections\nOrderedDict\n)RtR."
    found = headgate.load(packed(body, data_0=b"\0\1\2\xff"))
    assert found.numpy().view(np.uint8).tolist() == [0, 1, 1, 1]


# ---- mutated files --------------------------------------------------------------------------------------------------


def sound_file() -> bytes:
    base = torch.arange(12.0)
    file = io.BytesIO()
    torch.save(
        {"a": base, "b": base[3:9].view(2, 3).t(), "c": torch.nn.Parameter(torch.ones(3)), "d": {1: [2, (3, 4.5)]},
         "e": torch.tensor([True, False]), "f": b"abc", "g": torch.Size([2]), "h": torch.float64}, file)  # fmt: skip
    return file.getvalue()


def touch(value: object, depth: int = 0) -> None:
    """Read every element that was loaded."""
    if isinstance(value, headgate.Tensor):
        if value.numel() < 10_000:
            value.detach().clone().tolist()
    elif isinstance(value, dict):
        for one in value.values():
            touch(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            touch(one)


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, removed, doubled or moved."""
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at, length = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 4, 8, 40))
        way = chance.randrange(6)
        if way == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            del data[at : at + length]
        elif way == 2:
            data[at:at] = data[at : at + length]
        elif way == 3:
            data[at : at + length] = chance.randbytes(length)
        elif way == 4 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        else:
            other = chance.randrange(len(data) + 1)
            data[at : at + length] = data[other : other + length]
    return bytes(data)


OPCODES = [ord(one.code) for one in pickletools.opcodes]


def mutated_pickle(raw: bytes, chance: random.Random) -> bytes:
    """A file with a mutated pickle in a sound archive, so that no CRC stops it."""
    archive = Archive(io.BytesIO(raw))
    data = bytearray(mutated(archive.read("data.pkl"), chance))
    if chance.random() < 0.5 and data:
        data[chance.randrange(len(data))] = chance.choice(OPCODES)
    file = io.BytesIO()
    writer = ArchiveWriter(file, "archive")
    writer.add("data.pkl", bytes(data))
    for name in archive.names():
        if name.startswith("data/"):
            writer.add(name, archive.read(name))
    writer.finish()
    return file.getvalue()


def try_mutated(count: int, seed: int) -> int:
    """Load mutated files; how many were refused. Whatever else than an error of ERRORS or a whole object fails."""
    raw, chance, refusals = sound_file(), random.Random(seed), 0
    for number in range(count):
        data = (mutated, mutated_pickle)[number % 2](raw, chance)
        try:
            touch(headgate.load(io.BytesIO(data), weights_only=chance.choice((None, False))))
        except ERRORS:
            refusals += 1
    return refusals


def test_mutated_files() -> None:
    assert 250 < try_mutated(400, 1) < 400


@pytest.mark.nightly
def test_ten_thousand_mutated_files() -> None:
    assert 7_000 < try_mutated(10_000, 2) < 10_000


def test_truncated_files() -> None:
    raw = sound_file()
    for length in [*range(0, len(raw), 37), len(raw) - 1]:
        with pytest.raises(ERRORS):
            headgate.load(io.BytesIO(raw[:length]))


def test_a_flipped_bit_in_any_record_is_seen() -> None:
    raw = sound_file()
    archive = Archive(io.BytesIO(raw))
    for record in archive.records.values():
        used = record.name.partition("/")[2]
        for at in range(record.start, record.start + record.size, max(1, record.size // 7)):
            data = bytearray(raw)
            data[at] ^= 4
            if used in ("data.pkl", "byteorder") or used.startswith("data/"):
                with pytest.raises(ERRORS):
                    headgate.load(io.BytesIO(data))
    assert zlib.crc32(archive.read("data.pkl")) == archive.records["archive/data.pkl"].crc


# ---- killed while saving --------------------------------------------------------------------------------------------

SAVER = """
    import headgate, itertools, sys
    print("ready", flush=True)
    for i in itertools.count(int(sys.argv[2])):
        headgate.save({"x": headgate.full((300_000,), float(i)), "i": i}, sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path: pathlib.Path) -> None:
    path, last = tmp_path / "model.pt", 0
    headgate.save({"x": headgate.zeros(300_000), "i": 0}, path)
    chance = random.Random(3)
    for _ in range(5):
        saver = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SAVER), str(path), str(last + 1)], stdout=subprocess.PIPE)
        assert saver.stdout is not None and saver.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.0, 0.2))
        saver.send_signal(signal.SIGKILL)
        saver.communicate()
        found = headgate.load(path)
        assert found["i"] >= last and bool((found["x"] == found["i"]).all())
        last = found["i"]
    assert last > 0
