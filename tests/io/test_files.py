"""`save` and `load` beside PyTorch: every kind of content both ways, in memory and on disk; errors of its classes."""

import argparse
import collections
import io
import os
import pathlib
import pickle
import stat
import sys
import zipfile

import numpy as np
import pytest
import torch

import headgate
from headgate.io import archive, serialization

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
          "complex128"]  # fmt: skip


def through(module_save, module_load, value, **options):
    """What one library reads of what the other wrote."""
    file = io.BytesIO()
    module_save.save(value, file)
    file.seek(0)
    return module_load.load(file, **options)


def as_arrays(value):
    """The same nested value with arrays for tensors of either library, and names for types of either."""
    if isinstance(value, (torch.Tensor, headgate.Tensor)):
        if value.dtype in (torch.bfloat16, headgate.bfloat16):
            value = value.float()
        return (type(value).__name__, value.requires_grad, str(value.dtype), tuple(value.stride()),
                value.detach().numpy().tolist())
    if isinstance(value, collections.OrderedDict):
        return "ordered", [(key, as_arrays(one)) for key, one in value.items()], as_arrays(dict(vars(value)))
    if isinstance(value, dict):
        return type(value).__name__, [(key, as_arrays(one)) for key, one in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [as_arrays(one) for one in value]
    if isinstance(value, (torch.dtype, torch.device, headgate.dtype, headgate.device)):
        return str(value)
    return type(value).__name__, value


def contents(t):
    """One of everything that is read under weights_only=True, made with library `t`."""
    state = collections.OrderedDict(weight=t.arange(6.0).view(2, 3).t(), bias=t.nn.Parameter(t.ones(2)))
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    marked = t.nn.Parameter(t.ones(2), requires_grad=False)
    marked.mark = "kept"
    plain = t.zeros(1)
    plain.note = [1, 2]
    return {
        "state": state, "marked": marked, "plain": plain, "dtype": t.float32, "device": t.device("cpu"),
        "size": t.Size([1, 2]), "bytes": b"a\xffb", "set": {1, 2}, "complex": 1 + 2j, "bool": True, "float": 1.5,
        "ints": [-1, 0, 255, 256, 65536, -(2**31), 2**31, 2**40, -(2**70)], "none": None, "text": "ä\n\0",
        "counter": collections.Counter("aab"), "tuple": (1, (2, ()), [3]), "many": list(range(2500)), 3: 4, (1, "a"): 2,
        "lots": {str(i): i for i in range(1500)}, "leaf": t.ones(2, requires_grad=True), "number": t.tensor(3),
        "empty": t.ones(0, 3), "expanded": t.ones(1, 3).expand(2, 3), "part": t.arange(10)[2:8:2],
        "array": bytearray(b"xy"),
    }  # fmt: skip


def test_everything_goes_both_ways() -> None:
    ours = through(torch, headgate, contents(torch))
    assert as_arrays(ours) == as_arrays(contents(torch))
    assert ours["marked"].mark == "kept" and ours["plain"].note == [1, 2]
    theirs = through(headgate, torch, contents(headgate), weights_only=True)
    assert as_arrays(theirs) == as_arrays(contents(torch))
    assert theirs["marked"].mark == "kept" and theirs["plain"].note == [1, 2]


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name: str) -> None:
    numbers = torch.tensor([0.0, 1.0, 3.0, 100.0]).to(getattr(torch, name))
    read = through(torch, headgate, [numbers, numbers[1:3]])
    assert [str(one.dtype) for one in read] == ["torch." + name] * 2
    back = through(headgate, torch, read, weights_only=True)
    assert torch.equal(back[0], numbers) and torch.equal(back[1], numbers[1:3])


def test_shared_memory_stays_shared() -> None:
    base = torch.arange(6.0)
    value = [base, base[2:], base.view(2, 3), base]
    read = through(torch, headgate, value)
    assert read[0] is read[3]
    read[0][2] = 50.0
    assert read[1][0] == 50.0 and read[2][0, 2] == 50.0
    back = through(headgate, torch, read)
    back[0][3] = 70.0
    assert back[1][1] == 70.0 and back[2][1, 0] == 70.0 and back[0] is back[3]


def test_a_container_that_holds_itself() -> None:
    value: list = [1]
    value.append(value)
    read = through(headgate, headgate, value)
    assert read[1] is read


def test_optimizer_states() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters(), amsgrad=True)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    value = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    read = through(torch, headgate, value)
    back = through(headgate, torch, read, weights_only=True)
    model.load_state_dict(back["model"])
    optimizer.load_state_dict(back["optimizer"])
    assert as_arrays(read) == as_arrays(value)


@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_on_disk(tmp_path: pathlib.Path, kind: type) -> None:
    path = kind(tmp_path / "model.tar.pt")
    headgate.save({"x": headgate.ones(3)}, path)
    assert torch.equal(torch.load(path)["x"], torch.ones(3))
    assert torch.equal(torch.load(str(path), mmap=True)["x"], torch.ones(3))
    torch.save({"x": torch.full((3,), 2.0)}, path)
    assert headgate.load(path, mmap=True)["x"].tolist() == [2.0] * 3
    assert os.listdir(tmp_path) == ["model.tar.pt"]


def test_the_archive_is_as_pytorchs(tmp_path: pathlib.Path) -> None:
    headgate.save(headgate.ones(3), tmp_path / "ours.pt")
    torch.save(torch.ones(3), tmp_path / "theirs.pt")
    ours, theirs = zipfile.ZipFile(tmp_path / "ours.pt"), zipfile.ZipFile(tmp_path / "theirs.pt")
    assert ours.testzip() is None
    names = [name.partition("/")[2] for name in theirs.namelist()]
    assert ours.namelist() == ["ours/" + name for name in names]
    for name in names:
        if name not in ("data.pkl", ".data/serialization_id"):
            assert ours.read("ours/" + name) == theirs.read("theirs/" + name)
    raw = (tmp_path / "ours.pt").read_bytes()
    assert raw.index(np.ones(3, np.float32).tobytes()) % 64 == 0


@pytest.mark.parametrize("limit", [300, 60])
def test_large_files_use_zip64(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit of 4 GiB lowered, PyTorch and zipfile still read what is written."""
    file = io.BytesIO()
    value = {"x": headgate.arange(50.0), "y": headgate.ones(2)}
    with monkeypatch.context() as patch:
        patch.setattr(archive, "LONG", limit)
        patch.setattr(archive.struct, "pack", wide_pack(limit))
        headgate.save(value, file)
    file.seek(0)
    assert zipfile.ZipFile(file).testzip() is None
    file.seek(0)
    assert torch.load(file)["x"].tolist() == list(range(50))
    file.seek(0)
    assert headgate.load(file)["x"].tolist() == list(range(50))


def wide_pack(limit: int):
    """struct.pack that writes the true marker where the lowered one was meant."""
    from struct import pack

    def packed(form: str, *values):
        fixed = [0xFFFFFFFF if one == limit and form[index + 1] == "L" else one
                 for index, one in enumerate(values)] if "L" in form and "Q" not in form else values  # fmt: skip
        return pack(form, *fixed)

    return packed


def test_foreign_byte_order() -> None:
    file = io.BytesIO()
    other = "big" if sys.byteorder == "little" else "little"
    emitter = serialization.Emitter()
    numbers = headgate.tensor([1.0, 2.0, 3.0], dtype=headgate.float64)
    data = emitter.dump([numbers, headgate.tensor([True])])
    writer = archive.ArchiveWriter(file, "archive")
    writer.add("data.pkl", data)
    writer.add("byteorder", other.encode())
    writer.add("data/0", numbers.numpy().byteswap().tobytes())
    writer.add("data/1", b"\1")
    writer.add("version", b"3\n")
    writer.finish()
    file.seek(0)
    assert headgate.load(file)[0].tolist() == [1.0, 2.0, 3.0]
    file.seek(0)
    assert torch.load(file)[0].tolist() == [1.0, 2.0, 3.0]


LOOSE = {
    "number": np.float64(2.5), "small": np.int8(3), "yes": np.bool_(True), "array": np.arange(6.0).reshape(2, 3),
    "lists": collections.defaultdict(list, {1: [2]}), "options": argparse.Namespace(rate=0.1, names=["a"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOSE)
def test_what_needs_weights_only_false(name: str) -> None:
    value = LOOSE[name]
    for first, second in ((torch, headgate), (headgate, torch), (headgate, headgate)):
        read = through(first, second, [value, value], weights_only=False)
        assert type(read[0]) is type(value) and read[0] is read[1]
        np.testing.assert_array_equal(read[0], value) if isinstance(value, np.ndarray) else None
        assert isinstance(value, np.ndarray) or read[0] == value
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            through(first, second, value)


class Settings:
    def __init__(self, rate: float) -> None:
        raise AssertionError("a file must not run this")


class Loud:
    def __setstate__(self, state: object) -> None:
        raise AssertionError("a file must not run this")


def test_safe_globals_make_plain_objects_without_running_them() -> None:
    one = object.__new__(Settings)
    one.rate = 0.5
    file = io.BytesIO()
    torch.save([one, argparse.Namespace(a=1), np.float32(1)], file)
    file.seek(0)
    scalar = np._core.multiarray.scalar
    assert headgate.serialization.get_unsafe_globals_in_checkpoint(file) == sorted(
        [f"{__name__}.Settings", "argparse.Namespace", "numpy._core.multiarray.scalar", "numpy.dtype"])
    file.seek(0)
    with headgate.serialization.safe_globals([Settings, argparse.Namespace, scalar, np.dtype]):
        read = headgate.load(file)
    assert type(read[0]) is Settings and read[0].rate == 0.5 and read[1].a == 1 and read[2] == 1
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        headgate.load(file)
    headgate.serialization.add_safe_globals([(Settings, "other.name")])
    assert headgate.serialization.get_safe_globals() == [Settings]
    headgate.serialization.clear_safe_globals()
    assert headgate.serialization.get_safe_globals() == []


def test_classes_that_would_run_are_refused_though_named() -> None:
    loud = object.__new__(Loud)
    loud.x = 1
    file = io.BytesIO()
    torch.save(loud, file)
    file.seek(0)
    with headgate.serialization.safe_globals([Loud, os.system]), pytest.raises(pickle.UnpicklingError):
        headgate.load(file)


@pytest.mark.parametrize("given", ["cpu", "device", "dict", "function", "none"])
def test_map_location(given: str) -> None:
    options = {
        "cpu": "cpu", "device": headgate.device("cpu"), "dict": {"cuda:0": "cpu"}, "none": None,
        "function": lambda storage, place: storage,
    }  # fmt: skip
    read = through(torch, headgate, torch.ones(2), map_location=options[given])
    assert read.tolist() == [1.0, 1.0] and read.device == headgate.device("cpu")


def from_cuda() -> io.BytesIO:
    """A file whose pickle says that its storage was on a CUDA device."""
    file, emitter = io.BytesIO(), serialization.Emitter()
    data = emitter.dump(headgate.ones(2)).replace(b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0")
    writer = archive.ArchiveWriter(file, "archive")
    writer.add("data.pkl", data)
    writer.add("data/0", np.ones(2, np.float32).tobytes())
    writer.add("version", b"3\n")
    writer.finish()
    file.seek(0)
    return file


@pytest.mark.parametrize("place", ["cpu", {"cuda:0": "cpu"}, lambda storage, place: storage])
def test_a_file_from_another_device(place: object) -> None:
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        headgate.load(from_cuda())
    assert headgate.load(from_cuda(), map_location=place).tolist() == [1.0, 1.0]
    assert torch.load(from_cuda(), map_location=place).tolist() == [1.0, 1.0]


def error_of(call) -> tuple[type, str]:
    with pytest.raises(Exception) as caught:
        call()
    return caught.type, str(caught.value)


BAD = {
    "no folder": lambda t, there: t.save(1, there / "none" / "a.pt"),
    "no file": lambda t, there: t.load(there / "none.pt"),
    "no path": lambda t, there: t.save(1, 5),
    "no file object": lambda t, there: t.load(5),
    "empty": lambda t, there: t.load(io.BytesIO(b"")),
    "a text": lambda t, there: t.load(io.BytesIO(b"garbage")),
    "zip's first bytes": lambda t, there: t.load(io.BytesIO(b"PK\3\4 and no more")),
    "cuda": lambda t, there: t.load(saved(t), map_location="cuda"),
    "cuda by dict": lambda t, there: t.load(saved(t), map_location={"cpu": "cuda:0"}),
    "mmap of an object": lambda t, there: t.load(saved(t), mmap=True),
    "a number as place": lambda t, there: t.load(saved(t), map_location=5),
    "pickle module": lambda t, there: t.load(saved(t), pickle_module=pickle, weights_only=True),
    "types differ": lambda t, there: t.save([t.ones(4), t.ones(4)][:1] * 1 + views(t), io.BytesIO()),
    "a pair too long": lambda t, there: t.serialization.add_safe_globals([(1, "a", 2)]) or t.load(saved(t, Settings)),
}  # fmt: skip


def saved(t, value: object = None) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(torch.ones(2) if value is None else value, file)
    file.seek(0)
    return file


def views(t) -> list:
    base = t.ones(4)
    return [base, base.view(t.int32) if t is torch else headgate.from_numpy(base.numpy().view(np.int32)).set_(
        base.untyped_storage())]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_errors_are_of_pytorchs_classes(name: str, tmp_path: pathlib.Path) -> None:
    try:
        ours, theirs = (error_of(lambda t=t: BAD[name](t, tmp_path)) for t in (headgate, torch))
    finally:
        torch.serialization.clear_safe_globals()
    assert issubclass(ours[0], theirs[0])
    assert ours[1][:18] == theirs[1][:18] or name in ("empty", "no file object")


def test_a_path_that_is_a_folder(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RuntimeError, match="invalid file name"):
        headgate.save(1, tmp_path)


class Model:
    def named_parameters(self) -> list:
        return []

    def state_dict(self) -> dict:
        return {}


@pytest.mark.parametrize(
    "value", [Model(), [Model()], lambda: 0, Settings, object(), {"a": open}, frozenset(), range(3), np.dtype("O"),
              np.array([None]), collections.defaultdict(lambda: 0)]
)  # fmt: skip
def test_what_is_not_written_leaves_the_old_file(value: object, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.pt"
    headgate.save(1, path)
    with pytest.raises(TypeError, match="cannot be written"):
        headgate.save(value, path)
    assert headgate.load(path) == 1 and os.listdir(tmp_path) == ["a.pt"]
    if isinstance(value, Model):
        with pytest.raises(TypeError, match="state_dict"):
            headgate.save(value, path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    headgate.save(1, path)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(archive.ArchiveWriter, "finish", full)
    with pytest.raises(OSError, match="no space left"):
        headgate.save(2, path)
    monkeypatch.undo()
    assert headgate.load(path) == 1 and os.listdir(tmp_path) == ["a.pt"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_permissions_and_links_are_kept(tmp_path: pathlib.Path) -> None:
    path, link = tmp_path / "a.pt", tmp_path / "link.pt"
    headgate.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    headgate.save(2, link)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and link.is_symlink() and headgate.load(path) == 2
    headgate.save(3, "/dev/null")


def test_nesting_without_end_is_refused() -> None:
    value: list = []
    for _ in range(300):
        value = [value]
    with pytest.raises(RuntimeError, match="nested more than"):
        headgate.save(value, io.BytesIO())


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_storages() -> None:
    read = through(torch, headgate, torch.ones(2).untyped_storage())
    assert isinstance(read, headgate.UntypedStorage) and len(read) == 8
    assert torch.equal(torch.tensor(through(headgate, torch, read).tolist()), torch.tensor(read.tolist()))
