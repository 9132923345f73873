"""safetensors, both ways: the bytes of the format by hand and by the package where it is installed; broken files."""

import io
import json
import os
import pathlib
import random
import struct

import numpy as np
import pytest

import headgate
from headgate.io import load_safetensors, save_safetensors
from headgate.io import safetensors as ours


def file_of(table: object, data: bytes = b"", length: int | None = None) -> bytes:
    raw = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(kind: str = "F32", shape: object = (2,), place: object = (0, 8)) -> dict:
    return {"dtype": kind, "shape": list(shape) if isinstance(shape, tuple) else shape,
            "data_offsets": list(place) if isinstance(place, tuple) else place}  # fmt: skip


TENSORS = {
    "b.weight": headgate.arange(6.0).reshape(2, 3), "a.mask": headgate.tensor([True, False, True]),
    "c": headgate.tensor(7), "e": headgate.ones(0, 2), "d": headgate.ones(3, dtype=headgate.float64),
    "ü": headgate.ones(1, dtype=headgate.float16), "z": headgate.ones(3).bfloat16(),
    "k": headgate.arange(3, dtype=headgate.int8),
}  # fmt: skip


def test_both_ways(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.safetensors"
    save_safetensors(TENSORS, path, {"format": "pt"})
    for read in (load_safetensors(path), ours.load(path.read_bytes()), ours.load(ours.save(TENSORS))):
        assert set(read) == set(TENSORS)
        for name, one in read.items():
            assert one.dtype is TENSORS[name].dtype and one.shape == TENSORS[name].shape
            assert headgate.equal(one, TENSORS[name])
    with ours.safe_open(path, framework="pt", device="cpu") as file:
        assert file.metadata() == {"format": "pt"} and file.keys() == sorted(TENSORS) and list(file) == file.keys()
        assert file.get_tensor("c").item() == 7
        part = file.get_slice("b.weight")
        assert part[:, 1].tolist() == [1.0, 4.0] and part.get_shape() == [2, 3] and part.get_dtype() == "F32"
        with pytest.raises(ours.SafetensorError, match="does not contain"):
            file.get_tensor("none")
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_the_format_by_hand() -> None:
    numbers = np.array([1.5, -2.0], "<f4").tobytes()
    read = ours.load(file_of({"x": entry(), "__metadata__": {"a": "b"}}, numbers))
    assert read["x"].tolist() == [1.5, -2.0]
    raw = ours.save({"x": headgate.tensor([1.5, -2.0]), "y": headgate.tensor([1.0], dtype=headgate.float64)})
    (length,) = struct.unpack("<Q", raw[:8])
    assert length % 8 == 0
    assert json.loads(raw[8 : 8 + length]) == {
        "y": entry("F64", (1,), (0, 8)), "x": entry("F32", (2,), (8, 16))}  # fmt: skip
    assert raw[8 + length :] == np.array([1.0], "<f8").tobytes() + numbers


def test_beside_the_package(tmp_path: pathlib.Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    arrays = {name: one.numpy() for name, one in TENSORS.items() if name != "z"}
    package.save_file(arrays, tmp_path / "theirs")
    save_safetensors({name: TENSORS[name] for name in arrays}, tmp_path / "ours")
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
    for name, one in load_safetensors(tmp_path / "theirs").items():
        assert headgate.equal(one, TENSORS[name])


GOOD = {"x": entry()}
BROKEN = [
    b"", b"\0\0\0", file_of(GOOD, b"1234567"), file_of(GOOD, b"123456789"), file_of(GOOD, b"12345678", 2**40),
    file_of(GOOD, b"12345678", 3), file_of(b"[]"), file_of(b" {}"), file_of(b"{"), file_of(b"\xff\xff{}"),
    file_of({"x": entry("F33")}, b"12345678"), file_of({"x": entry("I4")}, b"12345678"), file_of({"x": 1}),
    file_of({"x": entry(shape=(3,))}, b"12345678"), file_of({"x": entry(place=(8, 16))}, b"12345678"),
    file_of({"x": entry(place=(0, 8)), "y": entry(place=(4, 12))}, b"1" * 12),
    file_of({"x": entry(place=(0, 8)), "y": entry(place=(0, 8))}, b"1" * 8),
    file_of({"x": entry(place=(0, 8)), "y": entry(place=(12, 20))}, b"1" * 20),
    file_of({"x": entry(place=(8, 0))}, b"12345678"), file_of({"x": entry(place=(0, 8, 9))}, b"12345678"),
    file_of({"x": entry(shape=(-2,), place=(8, 0))}, b"12345678"), file_of({"x": entry(shape="ab")}, b"12345678"),
    file_of({"x": entry(shape=(2.0,))}, b"12345678"), file_of({"x": entry(shape=(True, 2))}, b"12345678"),
    file_of({"x": entry(shape=(2**61, 2**61, 0), place=(0, 0))}, b"12345678"), file_of({"x": {**entry(), "more": 1}}),
    file_of({"x": entry(), "__metadata__": {"a": 1}}, b"1" * 8), file_of({"x": entry(), "__metadata__": 1}, b"1" * 8),
    file_of(json.dumps(GOOD)[:-1].encode() + b"," + json.dumps(GOOD)[1:].encode(), b"12345678"),
    file_of(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), file_of(b'{"x":NaN}'),
    file_of(b'{"x":' + b"9" * 5000 + b"}"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_broken_files(number: int) -> None:
    with pytest.raises(ours.SafetensorError):
        ours.load(BROKEN[number])


def test_mutated_files() -> None:
    raw, chance = ours.save({name: one for name, one in TENSORS.items() if name != "ü"}), random.Random(4)
    refusals = 0
    for _ in range(400):
        data = bytearray(raw)
        for _ in range(chance.choice((1, 2, 5))):
            at = chance.randrange(320)
            data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        try:
            for one in ours.load(bytes(data)).values():
                one.tolist()
        except ours.SafetensorError:
            refusals += 1
    assert 300 < refusals < 400


def test_bools_are_made_clean() -> None:
    found = ours.load(file_of({"x": entry("BOOL", (4,), (0, 4))}, b"\0\1\2\xff"))
    assert found["x"].numpy().view(np.uint8).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([headgate.ones(2)], ValueError, "Expected a dict of"),
        ({"x": 1}, ValueError, "Key `x` is invalid, expected torch.Tensor but received"),
        ({1: headgate.ones(2)}, ValueError, "Key `1` is invalid"),
        ({"x": headgate.ones(2, 3).t()}, ValueError, "You are trying to save a non contiguous tensor: `x`"),
        ({"x": headgate.ones(2, dtype=headgate.complex128)}, ValueError, "which the format does not have"),
    ],
)
def test_what_is_not_written(value: object, error: type, words: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(error, match=words):
        save_safetensors(value, tmp_path / "x")
    assert not os.listdir(tmp_path)


def test_shared_memory_is_not_written() -> None:
    base = headgate.arange(6.0)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        ours.save({"x": base, "y": base[3:]})
    read = ours.load(ours.save({"x": base[:3], "y": base[3:]}))
    assert read["y"].tolist() == [3.0, 4.0, 5.0]


class Tied:
    """A model whose two names are one tensor."""

    def __init__(self) -> None:
        self.state = {"x": headgate.ones(3), "t": headgate.ones(2, 3).t()}
        self.state["y"] = self.state["x"]

    def state_dict(self) -> dict:
        return dict(self.state)

    def load_state_dict(self, state: dict, strict: bool = True) -> tuple[list, list]:
        for name in set(state) & set(self.state):
            self.state[name].copy_(state[name])
        return sorted(set(self.state) - set(state)), sorted(set(state) - set(self.state))


def test_models_with_tied_weights(tmp_path: pathlib.Path) -> None:
    model, other = Tied(), Tied()
    model.state["x"].fill_(4.0)
    ours.save_model(model, tmp_path / "m")
    assert set(load_safetensors(tmp_path / "m")) == {"x", "t"}
    assert ours.load_model(other, tmp_path / "m") == ([], []) and other.state["y"].tolist() == [4.0] * 3
    save_safetensors({"x": headgate.ones(3), "new": headgate.ones(1)}, tmp_path / "m")
    with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: \['t'\]"):
        ours.load_model(other, tmp_path / "m")
    assert ours.load_model(other, tmp_path / "m", strict=False) == (["t"], ["new"])


def test_devices_and_frameworks(tmp_path: pathlib.Path) -> None:
    save_safetensors({"x": headgate.ones(2)}, tmp_path / "x")
    assert load_safetensors(str(tmp_path / "x"), device=headgate.device("cpu"))["x"].tolist() == [1.0, 1.0]
    for device in ("cuda", 0):
        with pytest.raises(RuntimeError, match="CUDA"):
            load_safetensors(tmp_path / "x", device=device)
    with pytest.raises(ours.SafetensorError, match="framework"):
        ours.safe_open(tmp_path / "x", framework="tf")
    with pytest.raises(FileNotFoundError):
        load_safetensors(tmp_path / "none")
    assert isinstance(io.BytesIO(ours.save({})).read(), bytes) and ours.load(ours.save({})) == {}
