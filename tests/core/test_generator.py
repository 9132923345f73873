"""The random streams beside PyTorch's: same seed, same bits, same position afterwards; and the NumPy engine beside the
compiled one. Arrays only: it must not know tensors of Headgate.
"""

import copy
import os
import pickle
import random
import time
import warnings
from statistics import median

import ml_dtypes
import numpy as np
import pytest
import torch

from headgate.core import generator as module
from headgate.core.generator import Generator
from headgate.core.random_checks import STATE_SIZE, mantissa_bits
from headgate.kernels import reference_random

PURE = os.environ.get("HEADGATE_PURE", "0") not in ("", "0")
SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 1000)
LARGE = 2003 if PURE else 100003
SEEDS = (0, 1, 42, 2**31, 2**40 + 17, 2**64 - 1)
FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
FUSED = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def numpy_type(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def array_of(tensor):
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def pair(seed):
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def targets(shape, name):
    return np.empty(shape, numpy_type(name)), torch.empty(shape, dtype=getattr(torch, name))


def same_bits(ours, theirs):
    theirs = array_of(theirs)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    if not FUSED and mantissa_bits(ours.dtype):  # a machine on which PyTorch itself rounds once more
        unit = 2.0 ** -mantissa_bits(ours.dtype)
        np.testing.assert_allclose(ours.astype(np.float64), theirs.astype(np.float64), rtol=8 * unit, atol=16 * unit)
        return
    np.testing.assert_array_equal(
        np.ascontiguousarray(ours).view(np.uint8), np.ascontiguousarray(theirs).view(np.uint8), strict=True
    )


def same_position(ours, theirs):
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


def same_normals(ours, theirs):
    """Bit-equal where PyTorch takes the same polynomials, which is more than is promised; close elsewhere."""
    if FUSED:
        same_bits(ours, theirs)
        return
    unit = 2.0 ** -mantissa_bits(ours.dtype)
    ours, theirs = ours.astype(np.float64), array_of(theirs).astype(np.float64)
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0)  # a sine near its zero is as far off as any other
    np.testing.assert_allclose(ours, theirs, rtol=64 * unit, atol=64 * unit * scale)


# Each call takes a generator pair and two targets and fills both.
def uniform(ours, theirs, a, b, low=0.0, high=1.0):
    ours.uniform(a, low, high)
    b.uniform_(low, high, generator=theirs)


FLOAT_CALLS = {
    "uniform": uniform,
    "uniform -3 7.3": lambda o, t, a, b: uniform(o, t, a, b, -3.0, 7.3),
    "uniform 0.1 0.3": lambda o, t, a, b: uniform(o, t, a, b, 0.1, 0.3),
    "uniform 5 5": lambda o, t, a, b: uniform(o, t, a, b, 5.0, 5.0),
    "exponential": lambda o, t, a, b: (o.exponential(a), b.exponential_(generator=t)),
    "exponential 0.7": lambda o, t, a, b: (o.exponential(a, 0.7), b.exponential_(0.7, generator=t)),
    "cauchy": lambda o, t, a, b: (o.cauchy(a), b.cauchy_(generator=t)),
    "cauchy 1.3 0.7": lambda o, t, a, b: (o.cauchy(a, 1.3, 0.7), b.cauchy_(1.3, 0.7, generator=t)),
}
NORMAL_CALLS = {
    "normal": lambda o, t, a, b: (o.normal(a), b.normal_(generator=t)),
    "normal 1.7 0.3": lambda o, t, a, b: (o.normal(a, 1.7, 0.3), b.normal_(1.7, 0.3, generator=t)),
    "normal 2 0": lambda o, t, a, b: (o.normal(a, 2.0, 0.0), b.normal_(2.0, 0.0, generator=t)),
    "log_normal": lambda o, t, a, b: (o.log_normal(a), b.log_normal_(generator=t)),
    "log_normal 0.1 0.3": lambda o, t, a, b: (o.log_normal(a, 0.1, 0.3), b.log_normal_(0.1, 0.3, generator=t)),
}
ANY_CALLS = {
    "random_fill": lambda o, t, a, b: (o.random_fill(a), b.random_(generator=t)),
    "random_range 0 2": lambda o, t, a, b: (o.random_range(a, 0, 2), b.random_(0, 2, generator=t)),
    "bernoulli 0.3": lambda o, t, a, b: (o.bernoulli(a, 0.3), b.bernoulli_(0.3, generator=t)),
    "bernoulli 0": lambda o, t, a, b: (o.bernoulli(a, 0), b.bernoulli_(0, generator=t)),
    "bernoulli 1": lambda o, t, a, b: (o.bernoulli(a, 1.0), b.bernoulli_(1.0, generator=t)),
    "dropout 0.2": lambda o, t, a, b: (o.dropout_mask(a, 0.2), b.bernoulli_(1 - 0.2, generator=t)),
}
NOT_BOOL = {
    "geometric 0.3": lambda o, t, a, b: (o.geometric(a, 0.3), b.geometric_(0.3, generator=t)),
    "random_range 3 100": lambda o, t, a, b: (o.random_range(a, 3, 100), b.random_(3, 100, generator=t)),
    "random_range 5 None": lambda o, t, a, b: (o.random_range(a, 5), b.random_(5, None, generator=t)),
}


def run(call, shape, name, seed, compare=same_bits):
    ours, theirs = pair(seed)
    a, b = targets(shape, name)
    call(ours, theirs, a, b)
    compare(a, b)
    same_position(ours, theirs)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("call", FLOAT_CALLS)
def test_float_fills(call, name):
    for number, size in enumerate((*SIZES, LARGE)):
        run(FLOAT_CALLS[call], size, name, SEEDS[number % len(SEEDS)])


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("call", NORMAL_CALLS)
def test_normal_fills(call, name):
    for number, size in enumerate((*SIZES, LARGE)):
        run(NORMAL_CALLS[call], size, name, SEEDS[number % len(SEEDS)], same_normals)


@pytest.mark.parametrize("name", FLOATS + INTEGERS)
@pytest.mark.parametrize("call", [*ANY_CALLS, *NOT_BOOL])
def test_fills_of_any_type(call, name):
    if call in NOT_BOOL and name == "bool":
        pytest.skip("PyTorch has no such fill of bool")
    for number, size in enumerate((*SIZES, LARGE)):
        run((ANY_CALLS | NOT_BOOL)[call], size, name, SEEDS[number % len(SEEDS)])


RANGES = [
    ("int64", 0, 10), ("int64", -7, 2**28 - 8), ("int64", -7, 2**28 - 7), ("int64", 0, 2**32), ("int64", -5, 2**33),
    ("int64", -(2**63), None), ("int64", -(2**63), 2**63 - 1), ("int64", -(2**62), 2**63 - 1), ("int64", 3, None),
    ("int32", 0, 2**28), ("int32", -(2**31), 2**31 - 1), ("int16", -(2**15), 2**15 - 1), ("uint8", 0, 256),
    ("int8", -128, 128), ("bool", 0, 1), ("bool", 1, None), ("float32", 0, 2**24), ("float32", -5, 2**30 + 1),
    ("float32", -(2**63), None), ("float32", 2**24 + 1, 2**24 + 9), ("float64", -(2**63), None),
    ("float64", 0, 2**60 + 1),
    ("float16", 0, 5000), ("float16", -2049, 2050), ("float16", 2000, None), ("bfloat16", 0, 300),
    ("bfloat16", -(2**63), None), ("bfloat16", -1000, 100000),
]  # fmt: skip


@pytest.mark.parametrize("name, low, high", RANGES)
def test_ranges_of_integers(name, low, high):
    def call(ours, theirs, a, b):
        ours.random_range(a, low, high)
        b.random_(low, high, generator=theirs)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed, size in zip(SEEDS, (1, 15, 16, 33, 700, 1300)):
            run(call, size, name, seed)


@pytest.mark.skipif(not FUSED, reason="PyTorch rounds once more on this machine")
def test_halves_at_the_edges():
    """Normals beyond a half's range become infinite, tiny ones subnormal, as in PyTorch."""
    for name in ("float16", "bfloat16"):
        for deviation in (1e-8, 1e-6, 3e-5, 3e4, 1e30, 3e38):
            run(lambda o, t, a, b: (o.normal(a, 0.0, deviation), b.normal_(0.0, deviation, generator=t)), 1000, name, 8)
            run(lambda o, t, a, b: (o.normal(a, 0.0, deviation), b.normal_(0.0, deviation, generator=t)), 9, name, 8)
        run(lambda o, t, a, b: uniform(o, t, a, b, -1e-7, 0.0), 1000, name, 8)
        run(lambda o, t, a, b: uniform(o, t, a, b, 1.0, 1.001), 1000, name, 8)


@pytest.mark.parametrize("name", ["int64", "int32", "int16", "float32", "float64", "float16"])
def test_permutations(name):
    for number, size in enumerate((*SIZES, LARGE if name[-2:] in ("64", "32") else 2049)):
        ours, theirs = pair(SEEDS[number % len(SEEDS)])
        got = ours.randperm(size, numpy_type(name))
        same_bits(got, torch.randperm(size, dtype=getattr(torch, name), generator=theirs))
        same_position(ours, theirs)


def test_the_shuffle_of_huge_permutations(monkeypatch):
    monkeypatch.setattr(module, "LARGE_PERMUTATION", 5)
    ours, words = Generator().manual_seed(3), Generator().manual_seed(3)
    expected = np.empty(50, np.int64)
    for i in range(50):
        other = words.random64() % (i + 1)
        expected[i] = i
        expected[i], expected[other] = expected[other], i
    got = ours.randperm(50)
    np.testing.assert_array_equal(got, expected)
    assert ours.random() == words.random()


# ---- layouts ----


def layouts(name):
    """Pairs of equal strided targets."""
    def both(shape, view):
        a, b = targets(shape, name)
        return view(a), view(b)

    def moved(x, *axes):
        return x.transpose(axes) if isinstance(x, np.ndarray) else x.permute(axes)

    yield both((6, 7), lambda x: moved(x, 1, 0))
    yield both((2, 3, 4, 5), lambda x: moved(x, 0, 2, 3, 1))
    yield both((40,), lambda x: x[::2])
    yield both((10, 10), lambda x: x[1:9:3, ::4])
    yield both((10, 12), lambda x: moved(x, 1, 0)[2:, 3:8])
    yield both((5, 1, 6), lambda x: moved(x, 2, 1, 0)[::2])
    yield both((3, 4, 5), lambda x: moved(x, 2, 0, 1)[1:4, :, ::2])
    yield both((9, 1), lambda x: moved(x[::2], 1, 0))


@pytest.mark.parametrize("name", ["float32", "float64", "float16"])
@pytest.mark.parametrize(
    "call", ["uniform", "normal", "exponential", "bernoulli 0.3", "random_range 3 100", "log_normal"]
)
def test_strided_targets(call, name):
    every = FLOAT_CALLS | NORMAL_CALLS | ANY_CALLS | NOT_BOOL
    for seed, (a, b) in enumerate(layouts(name)):
        ours, theirs = pair(seed)
        every[call](ours, theirs, a, b)
        (same_normals if "normal" in call else same_bits)(np.ascontiguousarray(a), b.contiguous())
        same_position(ours, theirs)


@pytest.mark.parametrize("p_name", FLOATS)
@pytest.mark.parametrize("name", ["float32", "bool", "int64", "bfloat16"])
def test_bernoulli_by_element(name, p_name):
    chances = torch.linspace(0, 1, 42, dtype=torch.float64).reshape(6, 7).to(getattr(torch, p_name))
    for transposed in (False, True):
        ours, theirs = pair(9)
        a, b = targets((6, 7), name)
        p = chances
        if transposed:
            a, b, p = a.T, b.T, chances.T
        ours.bernoulli(a, array_of(p.contiguous()))
        b.bernoulli_(p, generator=theirs)
        same_bits(a, b)
        same_position(ours, theirs)


def test_bernoulli_with_chances_that_broadcast():
    ours, theirs = pair(5)
    a, b = targets((300, 4), "float32")
    p = torch.tensor([0.0, 0.2, 0.7, 1.0])
    same_bits(ours.bernoulli(a, p.numpy()), b.bernoulli_(p, generator=theirs))
    same_position(ours, theirs)


# ---- multinomial ----


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial(name, replacement):
    for seed, shape in enumerate([(1,), (5,), (3, 10), (4, 100), (2, 1000)]):
        weights = torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(getattr(torch, name)) + 0.01
        for count in {1, min(3, shape[-1]), shape[-1] // 2 + 1}:
            ours, theirs = pair(seed)
            got = ours.multinomial(array_of(weights), count, replacement)
            expected = torch.multinomial(weights, count, replacement, generator=theirs)
            same_position(ours, theirs)
            if name in ("float32", "float64") or replacement or count == 1:
                same_bits(got, expected)
            else:  # scores of a half type are often equal: then another category of the same score may be taken
                table = array_of(weights) / Generator().manual_seed(seed).exponential(np.empty_like(array_of(weights)))
                np.testing.assert_array_equal(*(np.take_along_axis(table, i, -1) for i in (got, expected.numpy())))


def test_multinomial_of_a_transposed_table():
    weights = torch.rand(10, 3, generator=torch.Generator().manual_seed(1)).T
    for replacement in (False, True):
        ours, theirs = pair(2)
        got = ours.multinomial(weights.numpy(), 4, replacement)
        same_bits(got, torch.multinomial(weights, 4, replacement, generator=theirs))
        same_position(ours, theirs)


def test_multinomial_with_zero_weights():
    weights = torch.tensor([0.0, 2.0, 0.0, 1.0, 3.0, 0.0])
    for seed in range(20):
        ours, theirs = pair(seed)
        same_bits(ours.multinomial(weights.numpy(), 3), torch.multinomial(weights, 3, generator=theirs))
        same_bits(ours.multinomial(weights.numpy(), 9, True), torch.multinomial(weights, 9, True, generator=theirs))
        same_position(ours, theirs)
    assert Generator().multinomial(np.ones((0, 3), np.float32), 2).shape == (0, 2)


# ---- mixed sequences ----


def step(rng, ours, theirs):
    every = {**FLOAT_CALLS, **NORMAL_CALLS, **ANY_CALLS, **NOT_BOOL}
    kind = rng.randrange(12)
    if kind == 0:
        n = rng.choice(SIZES)
        same_bits(ours.randperm(n), torch.randperm(n, generator=theirs))
    elif kind == 1:
        weights = torch.rand(7, generator=theirs)
        ours.uniform(np.empty(7, np.float32))
        replacement = rng.random() < 0.5
        expected = torch.multinomial(weights, 4, replacement, generator=theirs)
        same_bits(ours.multinomial(weights.numpy(), 4, replacement), expected)
    elif kind == 2:
        state = theirs.get_state()
        ours.set_state(state.numpy())
        theirs.set_state(torch.from_numpy(ours.get_state()))
    else:
        a, b = targets(rng.choice([*SIZES, (3, 5), (16, 2)]), rng.choice(FLOATS))
        if a.ndim == 2 and rng.random() < 0.5:
            a, b = a.T, b.T
        every[(name := rng.choice(list(every)))](ours, theirs, a, b)
        (same_normals if "normal" in name else same_bits)(a, b)


@pytest.mark.parametrize("seed", range(15 if PURE else 60))
def test_mixed_sequences(seed):
    rng = random.Random(seed)
    ours, theirs = pair(rng.getrandbits(64))
    for _ in range(25):
        step(rng, ours, theirs)
        same_position(ours, theirs)


# ---- the engine ----


def test_words_beside_numpy_and_python():
    ours = Generator().manual_seed(5489)
    theirs = np.random.RandomState(5489)
    assert [ours.random() for _ in range(2000)] == theirs.randint(0, 2**32, 2000, dtype=np.uint64).tolist()
    first, second = Generator().manual_seed(1), Generator().manual_seed(1)
    high, low = first.random(), first.random()
    assert second.random64() == high << 32 | low


def test_only_the_low_half_of_a_seed_counts():
    a, b = Generator().manual_seed(7), Generator().manual_seed(7 + 2**40)
    assert [a.random() for _ in range(5)] == [b.random() for _ in range(5)]
    assert b.initial_seed() == 7 + 2**40


def engines():
    yield reference_random.MT19937
    if not PURE:
        from headgate.kernels.mt19937 import MT19937

        yield MT19937


@pytest.mark.skipif(PURE, reason="there is no compiled engine beside the NumPy one")
@pytest.mark.parametrize("size", [1, 16, 17, 700])
def test_both_engines_agree(size):
    slow, fast = (engine(123) for engine in engines())
    for method, dtype, arguments in [
        ("uniform", np.float32, (0, 1)), ("uniform", np.float64, (0, 1)), ("uniform", np.float16, (-1, 0)),
        ("uniform", np.float32, (-0.3, 1.7)), ("uniform", np.float64, (-0.3, 1.7)),
        ("integers", np.int64, (10, -3, False)),
        ("integers", np.int64, (0, 0, True)), ("integers", np.int64, (2**40 + 1, 5, True)),
        ("permutation", np.int64, ()), ("permutation_large", np.int64, ()), ("normal_serial", np.float64, (1.3, 0.7)),
        ("normal_serial", np.float32, (1.3, 0.7)), ("log_normal", np.float64, (1.3, 0.7)),
        ("bernoulli", np.uint8, (0.3,)),
        ("transformed", np.float64, (0, 0.7, 0)), ("transformed", np.float64, (1, 0.3, 0)),
        ("transformed", np.float32, (2, 0.3, 1.7)), ("normal", np.float32, (1.3, 0.7)),
        ("normal", np.float64, (1.3, 0.7)), ("normal", np.float16, (1.3, 0.7)), ("bernoulli", np.float32, (0.3,)),
        ("bernoulli_each", np.uint8, (np.linspace(0, 1, size, dtype=np.float32),)),
        ("bernoulli_each", np.uint8, (np.linspace(0, 1, size),)),
        ("categories", np.int64, (np.linspace(0.1, 1, 10, dtype=np.float32),)),
    ]:  # fmt: skip
        if method == "normal" and size < 16:
            continue
        a, b = np.empty(size, dtype), np.empty(size, dtype)
        getattr(slow, method)(a, *arguments)
        getattr(fast, method)(b, *arguments)
        np.testing.assert_array_equal(a, b, err_msg=method)
        np.testing.assert_array_equal(slow.get_state(), fast.get_state())
    assert slow.random() == fast.random() and slow.random64() == fast.random64()


@pytest.mark.skipif(PURE, reason="levels are compiled")
def test_the_baseline_gives_the_same_bits():
    from headgate.kernels import mt19937

    def numbers():
        ours = Generator().manual_seed(3)
        for name in FLOATS:
            yield ours.uniform(np.empty(1001, numpy_type(name)), -0.3, 1.7).tobytes()
            yield ours.normal(np.empty(1001, numpy_type(name)), 1.3, 0.7).tobytes()
        yield ours.bernoulli(np.empty(999, bool), 0.3).tobytes()

    try:
        assert mt19937.select_level(False) == "baseline"
        plain = list(numbers())
    finally:
        mt19937.select_level(True)
    assert list(numbers()) == plain


# ---- seeds and states ----


@pytest.mark.parametrize("drawn", [0, 1, 623, 624, 625, 2000])
def test_states_continue_on_the_other_side(drawn):
    ours, theirs = pair(11)
    for _ in range(drawn):
        ours.random()
    ours.normal(np.empty(3))  # leaves a cached normal
    state = ours.get_state()
    assert state.dtype == np.uint8 and state.shape == (STATE_SIZE,)
    theirs.set_state(torch.from_numpy(state))
    same_position(ours, theirs)
    a, b = targets(5, "float64")
    same_normals(ours.normal(a), b.normal_(generator=theirs))
    other = Generator().set_state(theirs.get_state().numpy())
    assert other.initial_seed() == 11
    a, b = targets(700, "float32")
    same_bits(other.uniform(a), b.uniform_(generator=theirs))
    same_position(other, theirs)


def test_a_cached_float_normal_survives():
    state = torch.Generator().manual_seed(1).get_state()
    state[5048:5052] = torch.tensor([1.5]).view(torch.uint8)
    state[5052] = 1
    np.testing.assert_array_equal(Generator().set_state(state.numpy()).get_state(), state.numpy())


@pytest.mark.parametrize("seed", [0, -1, -5, 2**64 - 1, -(2**63), 2**63])
def test_seeds(seed):
    ours, theirs = pair(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    same_position(ours, theirs)


def test_a_fresh_generator_is_pytorchs():
    ours, theirs = Generator(), torch.Generator()
    assert ours.initial_seed() == theirs.initial_seed() and ours.device == "cpu" == str(theirs.device)
    same_position(ours, theirs)


def test_seeding_from_the_system():
    ours = Generator()
    first, second = ours.seed(), ours.seed()
    assert first != second and ours.initial_seed() == second
    assert ours.random() == Generator().manual_seed(second).random()


def test_copies_stand_alone():
    ours = Generator().manual_seed(3)
    ours.normal(np.empty(3))
    for other in (ours.clone_state(), copy.deepcopy(ours), copy.copy(ours), pickle.loads(pickle.dumps(ours))):
        np.testing.assert_array_equal(other.get_state(), ours.get_state())
        other.random()
        assert not np.array_equal(other.get_state(), ours.get_state())


def test_the_default_generator():
    kept = module.get_state()
    try:
        assert module.manual_seed(12) is module.default_generator
        torch_generator = torch.Generator().manual_seed(12)
        same_bits(module.default_generator.uniform(np.empty(9, np.float32)), torch.rand(9, generator=torch_generator))
        assert module.initial_seed() == 12
        state = module.get_state()
        word = module.default_generator.random()
        module.set_state(state)
        assert module.default_generator.random() == word
        number = module.seed()
        assert module.initial_seed() == number
        assert module.manual_seed(1.9).initial_seed() == 1
    finally:
        module.set_state(kept)


@pytest.mark.skipif(PURE, reason="speed is promised of compiled code")
def test_a_million_uniforms_take_no_longer_than_in_pytorch():
    ours, theirs = Generator(), torch.Generator()
    array, tensor = targets(1_000_000, "float32")
    ratios = []
    for _ in range(7):
        start = time.perf_counter()
        ours.uniform(array)
        middle = time.perf_counter()
        tensor.uniform_(generator=theirs)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    assert median(ratios) >= 1.0
