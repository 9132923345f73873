"""Bad input to the random streams: PyTorch's exception class and opening words, and a stream that has not moved.

Arrays only: it must not know tensors of Headgate.
"""

import numpy as np
import pytest
import torch

from headgate.core.generator import Generator


def bad_states(state):
    broken = state.copy()
    broken[8:16] = 0
    beyond = state.copy()
    beyond[8:12] = np.frombuffer(np.int32(500).tobytes(), np.uint8)
    beyond[16:18] = np.frombuffer(np.uint16(600).tobytes(), np.uint8)
    yield state[:-1], RuntimeError, "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size"
    yield state.astype(np.float32), TypeError, "RNG state must be a torch.ByteTensor"
    yield None, TypeError, "expected a torch.ByteTensor, but got NoneType"
    yield np.repeat(state, 2)[::2], RuntimeError, "RNG state must be contiguous"
    yield broken, RuntimeError, "Invalid mt19937 state"
    yield beyond, RuntimeError, "Invalid mt19937 state"


def test_bad_states():
    ours = Generator().manual_seed(4)
    before = ours.get_state()
    for state, error, text in bad_states(before):
        with pytest.raises(error, match=text):
            ours.set_state(state)
        np.testing.assert_array_equal(ours.get_state(), before)


@pytest.mark.parametrize("seed, error", [(2**64, ValueError), (-(2**63) - 1, ValueError), (1.5, RuntimeError),
                                         (True, RuntimeError), ("a", RuntimeError), (None, RuntimeError)])  # fmt: skip
def test_bad_seeds(seed, error):
    with pytest.raises(error):
        Generator().manual_seed(seed)
    with pytest.raises(error):
        torch.Generator().manual_seed(seed)


NAN, INF = float("nan"), float("inf")
BAD_CALLS = [
    ("float32", "uniform", "uniform_", (2.0, 1.0)), ("float32", "uniform", "uniform_", (NAN, 1.0)),
    ("float16", "uniform", "uniform_", (0.0, 1e6)), ("float32", "uniform", "uniform_", (-3e38, 3e38)),
    ("float32", "uniform", "uniform_", (0.0, INF)), ("int64", "uniform", "uniform_", (0.0, 1.0)),
    ("float32", "normal", "normal_", (0.0, -1.0)), ("float32", "normal", "normal_", (0.0, NAN)),
    ("int64", "normal", "normal_", (0.0, 1.0)), ("float32", "bernoulli", "bernoulli_", (1.5,)),
    ("float32", "bernoulli", "bernoulli_", (NAN,)), ("float32", "exponential", "exponential_", (-1.0,)),
    ("int64", "exponential", "exponential_", (1.0,)), ("float32", "geometric", "geometric_", (1.0,)),
    ("bool", "geometric", "geometric_", (0.5,)), ("float32", "cauchy", "cauchy_", (0.0, 0.0)),
    ("int64", "cauchy", "cauchy_", (0.0, 1.0)), ("float32", "log_normal", "log_normal_", (0.0, 0.0)),
    ("int64", "log_normal", "log_normal_", (0.0, 1.0)), ("float32", "random_range", "random_", (5, 5)),
    ("uint8", "random_range", "random_", (0, 257)), ("bool", "random_range", "random_", (0, 3)),
    ("int8", "random_range", "random_", (-200, 5)), ("float16", "random_range", "random_", (0, 70000)),
    ("int32", "random_range", "random_", (-(2**63), None)), ("float16", "random_range", "random_", (2050, None)),
    ("int64", "random_range", "random_", (0, 2**63)),
]  # fmt: skip


@pytest.mark.parametrize("name, method, theirs, arguments", BAD_CALLS)
def test_bad_arguments(name, method, theirs, arguments):
    ours = Generator().manual_seed(4)
    before = ours.get_state()
    array, tensor = np.ones(3, name), torch.empty(3, dtype=getattr(torch, name))
    with pytest.raises(Exception) as expected:
        getattr(tensor, theirs)(*arguments)
    with pytest.raises(type(expected.value)) as got:
        getattr(ours, method)(array, *arguments)
    assert str(got.value).split(" (Could")[0] == str(expected.value).split("\n")[0].split(" (Could")[0]
    np.testing.assert_array_equal(ours.get_state(), before)
    assert (array == 1).all()


@pytest.mark.parametrize("weights, count, replacement", [
    ([1.0, 1.0, 1.0], 0, False), ([1.0, 1.0, 1.0], 4, False), ([1.0, -1.0], 1, False), ([0.0, 0.0], 1, False),
    ([0.0, 0.0], 2, True), ([1.0, -1.0], 2, True), ([1.0, NAN], 2, True), ([1.0, INF], 2, True), ([1.0, INF], 1, False),
    ([[[1.0]]], 1, False), (1.0, 1, False), ([[1.0, 1.0], [0.0, 0.0]], 2, True),
])  # fmt: skip
def test_bad_weights(weights, count, replacement):
    ours = Generator().manual_seed(4)
    before = ours.get_state()
    with pytest.raises(RuntimeError) as expected:
        torch.multinomial(torch.tensor(weights), count, replacement)
    with pytest.raises(RuntimeError) as got:
        ours.multinomial(np.array(weights, np.float32), count, replacement)
    assert str(got.value) == str(expected.value).split("\n")[0]
    np.testing.assert_array_equal(ours.get_state(), before)


def test_more_bad_arguments():
    ours = Generator()
    shared = np.broadcast_to(np.zeros(1, np.float32), (5,))
    for error, text, call in [
        (RuntimeError, "unsupported operation: more than one element", lambda: ours.uniform(shared)),
        (RuntimeError, "unsupported operation: more than one element", lambda: ours.normal(shared)),
        (RuntimeError, "Expected p_in >= 0", lambda: ours.bernoulli(np.empty(2), np.array([0.1, 2.0]))),
        (RuntimeError, "The expanded size", lambda: ours.bernoulli(np.empty(2), np.ones(3))),
        (NotImplementedError, "not implemented for 'Long'", lambda: ours.bernoulli(np.empty(2), np.ones(2, np.int64))),
        (RuntimeError, "Trying to create tensor with negative dimension -1", lambda: ours.randperm(-1)),
        (RuntimeError, "value cannot be converted to type uint8_t", lambda: ours.randperm(300, np.uint8)),
        (RuntimeError, "n cannot be greater than 2049 for Half type", lambda: ours.randperm(3000, np.float16)),
        (NotImplementedError, '"randperm" not implemented for .Bool', lambda: ours.randperm(3, np.bool_)),
        (RuntimeError, "multinomial only supports floating", lambda: ours.multinomial(np.array([1, 2]), 1)),
        (RuntimeError, "Device type cuda", lambda: Generator("cuda")),
        (RuntimeError, "CPU Generator does not use offset", ours.get_offset),
    ]:
        before = ours.get_state()
        with pytest.raises(error, match=text):
            call()
        np.testing.assert_array_equal(ours.get_state(), before)


def test_a_range_with_gaps_warns():
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^11\), 2\^11\]"):
        Generator().random_range(np.empty(3, np.float16), 0, 5000)


def test_strided_writes_leave_the_gaps_alone():
    memory = np.full(20, -1.0, np.float32)
    Generator().uniform(memory[::2])
    assert (memory[1::2] == -1).all() and (memory[::2] >= 0).all()
