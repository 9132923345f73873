"""Making tensors, beside PyTorch: values, types, errors' class and opening words, and the notes for later errors."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import headgate

CALLS = """zeros(2, 3)|zeros((2, 3), dtype=T.int8)|ones([2])|ones(2, requires_grad=True)|full((2,), 3)|full((2,), 2.5)
full((2,), True)|full((2,), 300, dtype=T.uint8)|full((), 3.0)|full(2, 3)|full((2,), "a")|zeros(-1)|zeros(2.5)
zeros(2, 2.5)|rand(2, -1)|zeros(2, dtype=T.int64, requires_grad=True)|zeros(2, device="cuda")|zeros(2, device="nowhere")
zeros(2, pin_memory=True)|ones(2, dtype=T.float64, out=T.zeros(2))|ones(2, out=T.zeros(0))|eye(3)|eye(2, 3)|eye(-1)
eye(2.5)|arange(5)|arange(5.0)|arange(1, 5, 2)|arange(1, 5.5)|arange(0, 1, 0.3)|arange(5, 1, -1)|arange(5, 1)
arange(1, 5, 0)|arange(0, float("inf"))|arange(3, dtype=T.bool)|arange(end=4, start=1)|arange("a")|linspace(0, 1, 5)
linspace(0, 1, 1)|linspace(0, 1, 0)|linspace(0, 1, -1)|linspace(0, 10, 5, dtype=T.int64)|logspace(0, 2, 3)
scalar_tensor(3)|scalar_tensor(True, dtype=T.int8)|tensor(3)|tensor(True)|tensor([1, 2.5])|tensor([True, 2])|tensor([])
tensor([[]])|tensor([[1, 2], [3]])|tensor([[1, 2], 3])|tensor([1, [2]])|tensor(["a"])|tensor("a")|tensor(None)
tensor([None])|tensor({})|tensor([1.7, -2.5], dtype=T.int64)|tensor([300], dtype=T.uint8)|tensor([-1], dtype=T.uint8)
tensor(2**63)|tensor([2**70])|tensor([1e40])|tensor([float("nan")], dtype=T.int64)|tensor([1, 2], dtype=T.bool)
tensor(N.float64(2.5))|tensor([N.float32(2.5)])|tensor([N.int32(2)])|tensor(N.bool_(True))|tensor(N.arange(3))
tensor(N.arange(3.0)[::-1])|tensor(N.array(["a"]))|tensor(range(3))|tensor((1, 2))|tensor([1, 2], dtype="int")
tensor([T.tensor(1.0), T.tensor(2)])|tensor([T.tensor([1.0, 2.0])])|tensor(bytearray(b"abc"))|as_tensor([1, 2])
as_tensor(N.arange(3))|as_tensor([1], dtype=T.float64)|asarray([1, 2])|asarray([1], copy=False)|from_numpy([1])
from_numpy(N.arange(3)[::-1])|from_numpy(N.array(["a"]))|from_numpy(N.arange(3, dtype=">i4"))
frombuffer(bytearray(8), dtype=T.float32, count=3)|frombuffer(bytearray(7), dtype=T.float32)
frombuffer([1], dtype=T.int8)
ones(2).new_zeros(2, 3)|ones(2, dtype=T.int64).new_full((2,), 3.5)|ones(2, dtype=T.float64).new_tensor([1, 2])
zeros_like([1])|full_like(T.ones(2, dtype=T.int64), 2.7)|Tensor([1, 2])|Tensor(2.5)|Tensor("a")|LongTensor([1.5])
Tensor(N.arange(3))|LongTensor(T.ones(2))|FloatTensor([[1, 2]])""".replace("\n", "|").split("|")


def outcome(library: Any, call: str) -> Any:
    """What a call gives: type, shape and numbers, or the exception's class and opening words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = eval(f"T.{call}", {"T": library, "N": np})
    except Exception as error:
        return type(error), str(error).splitlines()[0][:40]
    return str(made.dtype), tuple(made.shape), made.detach().tolist(), made.requires_grad


@pytest.mark.parametrize("call", CALLS)
def test_as_pytorch(call: str) -> None:
    expected, found = outcome(torch, call), outcome(headgate, call)
    if len(expected) == 4:
        assert found[:2] == expected[:2] and found[3] == expected[3]
        np.testing.assert_allclose(found[2], expected[2], rtol=1e-6)
    else:
        assert found == expected


HALVES = """tensor(V, dtype=H)|tensor([V], dtype=H)|tensor(N.array([V, V]), dtype=H)|full((2,), V, dtype=H)
asarray([V], dtype=H)|full_like(T.ones(2, dtype=H), V)|HalfTensor([V])|zeros(2, dtype=H).fill_(V)
tensor([V], dtype=T.float64).half()|zeros(3, dtype=H).masked_fill(T.tensor([True, False, True]), V)
zeros(2, dtype=H).index_fill(0, T.tensor([1]), V)
where(T.tensor([True, False]), T.ones(2, dtype=H), V)|ones(2, dtype=H).mul_(T.tensor([V, V], dtype=T.float64))
tensor([V, 0.0], dtype=T.float64).sum(dtype=H)|tensor([V], dtype=T.float64).cumsum(0, dtype=H)
nn.functional.pad(T.ones(2, dtype=H), (1, 1), value=V)|add(T.tensor([V], dtype=T.float64), 0, out=T.ones(1, dtype=H))
eye(2, dtype=H).fill_diagonal_(V)|zeros(2, dtype=H).scatter(0, T.tensor([1]), V)""".replace("\n", "|").split("|")


@pytest.mark.parametrize("call", HALVES)
def test_numbers_become_halves_by_way_of_single_precision(call: str) -> None:
    """Beside the middle of two halves, rounding once and rounding twice differ."""
    for value in (1 + 2**-11 + 2**-40, -(1 + 2**-11 + 2**-40), 1 + 3 * 2**-11 - 2**-40, 2.0**-25 * (1 + 2**-30)):
        found = [
            eval(f"T.{call}", {"T": library, "N": np, "H": library.float16, "V": value}).tolist()
            for library in (torch, headgate)
        ]
        assert found[0] == found[1], value


def test_memory_is_shared_with_numpy() -> None:
    array = np.arange(3.0)
    made = headgate.from_numpy(array)
    array[0] = 5
    made[1] = 7
    assert made.tolist() == [5, 7, 2] and array.tolist() == [5, 7, 2]
    assert headgate.as_tensor(array).data_ptr() == array.ctypes.data


def test_a_read_only_array_cannot_be_written() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        made = headgate.from_numpy(array)
    with pytest.raises(ValueError):
        made.mul_(2)
    assert array.tolist() == [0, 1, 2]


def test_copying_a_tensor_warns() -> None:
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        assert headgate.tensor(headgate.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(3, 3), (4, 3, 4), (5, 2)])
def test_like_keeps_the_order_of_dimensions(shape: tuple[int, ...]) -> None:
    for library in (torch, headgate):
        base = library.ones(*shape)
        views = [base.transpose(0, 1), base[::2], base.expand(*shape), base.transpose(0, 1)[:, :2]]
        strides = [library.zeros_like(view).stride() for view in views]
        if library is torch:
            expected = strides
    assert strides == expected


def test_the_error_names_where_a_constant_was_made() -> None:
    made = headgate.zeros(3)
    with pytest.raises(RuntimeError, match=r"does not require grad[\s\S]*zeros at test_creation.py"):
        made.sum().backward()


def test_the_error_names_a_copied_history() -> None:
    x = headgate.ones(2, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copied = headgate.tensor([x[0] * 2, x[1] * 3])
    with pytest.raises(RuntimeError, match=r"tensor copies the values and drops the history at test_creation.py"):
        copied.sum().backward()


def test_the_error_names_a_trip_through_numpy() -> None:
    x = headgate.ones(2, requires_grad=True)
    y = headgate.from_numpy((x * 2).detach().numpy())
    with pytest.raises(RuntimeError, match=r"array that numpy\(\) exported at test_creation.py"):
        y.sum().backward()


def test_numbers_of_numpy_after_a_list_was_taken() -> None:
    """What was taken out of a tensor last is compared with what the next is made of; NumPy's numbers are no match."""
    (headgate.ones(2, 2, requires_grad=True) * 2).tolist()
    assert headgate.tensor([np.float32(2.5)]).dtype is headgate.float32
    assert headgate.tensor([np.int32(2), 3]).tolist() == [2, 3]
