"""Element types against PyTorch: every pair of the promotion and casting tables, result types of mixed operands,
numbers, defaults and limits. Knows only headgate.dtypes.
"""

from __future__ import annotations

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from headgate import dtypes

TORCH = {kind: getattr(torch, kind.name) for kind in dtypes.ALL}
BACK = {theirs: ours for ours, theirs in TORCH.items()}
WRAPPED_NUMBERS = {True: dtypes.bool_, 3: dtypes.int64, 2.5: dtypes.float32, 1j: dtypes.complex64}
HELD = [kind for kind in dtypes.ALL if kind is not dtypes.bfloat16]


@pytest.fixture(autouse=True)
def _defaults_restored():
    yield
    dtypes.set_default_dtype(dtypes.float32)
    torch.set_default_dtype(torch.float32)


def message(function, *arguments):
    with pytest.raises(Exception) as caught:
        function(*arguments)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("kind", dtypes.ALL, ids=str)
def test_fields_and_identity(kind):
    theirs = TORCH[kind]
    assert repr(kind) == str(kind) == repr(theirs)
    for field in ("itemsize", "is_floating_point", "is_complex", "is_signed"):
        assert getattr(kind, field) == getattr(theirs, field), field
    assert copy.copy(kind) is copy.deepcopy(kind) is kind
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(kind, protocol)) is kind
    assert kind.numpy.itemsize == kind.itemsize
    assert kind.num == kind.numpy.num
    assert dtypes.of(np.zeros(2, kind.numpy)) is dtypes.from_numpy(kind.numpy) is kind


def test_names_and_aliases_are_those_of_torch():
    for name, kind in dtypes.NAMES.items():
        assert getattr(torch, name) is TORCH[kind]
        if hasattr(dtypes, name):
            assert getattr(dtypes, name) is kind


def test_promote_every_pair():
    for first, second in itertools.product(dtypes.ALL, repeat=2):
        assert TORCH[dtypes.promote(first, second)] is torch.promote_types(TORCH[first], TORCH[second])


def test_can_cast_every_pair():
    for source, target in itertools.product(dtypes.ALL, repeat=2):
        assert dtypes.can_cast(source, target) == torch.can_cast(TORCH[source], TORCH[target]), (source, target)


def operands():
    """Every type as a tensor with and without dimensions, and one number of every category."""
    for kind in dtypes.ALL:
        yield (kind, 1), torch.ones(1, dtype=TORCH[kind])
        yield (kind, 0), torch.ones((), dtype=TORCH[kind])
    for number, kind in WRAPPED_NUMBERS.items():
        yield (kind, dtypes.WRAPPED), number


@pytest.mark.parametrize("default", ["float16", "bfloat16", "float32", "float64"])
def test_result_type_every_pair(default):
    dtypes.set_default_dtype(dtypes.by_name(default))
    torch.set_default_dtype(getattr(torch, default))
    for (first, theirs), (second, other) in itertools.product(operands(), repeat=2):
        expected = torch.result_type(theirs, other)
        if expected is torch.complex32:
            expected = torch.complex64  # the one documented difference: there is no complex32
        assert TORCH[dtypes.result_type([first, second])] is expected, (first, second)
        assert TORCH[dtypes.result_pair(*first, *second)] is expected, (first, second)


def test_result_type_of_three():
    """Against the type of an operation that promotes three operands."""
    floats = [(pair, t) for pair, t in operands() if not pair[0].is_complex and pair[1] >= 0]
    numbers = [(pair, t) for pair, t in operands() if not pair[0].is_complex]
    condition = torch.ones(1, dtype=torch.bool)
    for (first, theirs), (second, other) in itertools.product(floats, numbers):
        expected = torch.where(condition if first[1] else condition[0], theirs, other).dtype
        assert TORCH[dtypes.result_type([first, second])] is expected
    rng = np.random.default_rng(0)
    tensors = [item for item in floats if item[0][1] >= 0]
    for _ in range(2000):
        chosen = [tensors[i] for i in rng.integers(len(tensors), size=3)]
        dims = {pair[1] for pair, _ in chosen}
        if len(dims) > 1:
            continue
        expected = torch.stack([t for _, t in chosen]).dtype
        assert TORCH[dtypes.result_type([pair for pair, _ in chosen])] is expected


def test_result_type_of_nothing():
    assert message(dtypes.result_type, [])[0] is ValueError


NUMPY_NUMBERS = [np.bool_(1), np.int8(1), np.uint8(1), np.int64(3), np.float16(1), np.float32(1), np.float64(1)]


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("value", [True, 3, 2.5, *NUMPY_NUMBERS], ids=lambda v: f"{type(v).__name__}")
def test_types_of_numbers(value, default):
    dtypes.set_default_dtype(dtypes.by_name(default))
    torch.set_default_dtype(getattr(torch, default))
    wrapped = (dtypes.scalar_dtype(value), dtypes.WRAPPED)
    for kind in dtypes.ALL:
        expected = torch.result_type(torch.ones(1, dtype=TORCH[kind]), value)
        assert TORCH[dtypes.result_type([(kind, 1), wrapped])] is expected
    assert TORCH[dtypes.inferred_dtype(value)] is torch.tensor(value).dtype


@pytest.mark.parametrize("default, expected", [("float32", "complex64"), ("float64", "complex128")])
def test_complex_numbers(default, expected):
    dtypes.set_default_dtype(dtypes.by_name(default))
    torch.set_default_dtype(getattr(torch, default))
    assert dtypes.scalar_dtype(1j) is dtypes.scalar_dtype(np.complex64(1)) is dtypes.by_name(expected)
    assert TORCH[dtypes.inferred_dtype(1j)] is torch.tensor(1j).dtype
    assert dtypes.inferred_dtype(np.complex64(1j)) is dtypes.complex64


@pytest.mark.parametrize("value", ["1", None, [1], np.zeros(1)])
def test_not_a_number(value):
    assert message(dtypes.scalar_dtype, value)[0] is TypeError


REFUSED = [np.zeros(1, kind) for kind in (np.longdouble, "M8[s]", [("a", int)], ">f4", ">i8")]
REFUSED += [np.array(["a"]), np.array([None])]


@pytest.mark.parametrize("array", REFUSED, ids=lambda a: a.dtype.str)
def test_arrays_that_are_refused(array):
    kind, text = message(torch.from_numpy, array)
    ours = message(dtypes.from_numpy, array.dtype)
    assert ours[0] is kind
    assert ours[1] == text.replace("uint64, uint32, uint16, ", "")


def test_c_types_of_equal_size_are_one_type():
    for character, name in {"q": "int64", "i": "int32", "h": "int16"}.items():
        assert dtypes.of(np.zeros(1, character)) is dtypes.by_name(name)
    with pytest.raises(TypeError):
        dtypes.of(np.zeros(1, np.uint32))


@pytest.mark.parametrize("wrong", ["int32", "bool", "complex64"])
def test_default_dtype_refuses(wrong):
    expected = message(torch.set_default_dtype, getattr(torch, wrong))
    assert message(dtypes.set_default_dtype, dtypes.by_name(wrong)) == expected
    assert dtypes.default_dtype() is dtypes.float32


@pytest.mark.parametrize("wrong", ["float32", np.float32, None])
def test_default_dtype_refuses_other_objects(wrong):
    assert message(dtypes.set_default_dtype, wrong) == message(torch.set_default_dtype, wrong)


@pytest.mark.parametrize("kind", dtypes.ALL, ids=str)
@pytest.mark.parametrize("limits", ["finfo", "iinfo"])
def test_limits(limits, kind):
    ours, theirs = getattr(dtypes, limits), getattr(torch, limits)
    try:
        expected = theirs(TORCH[kind])
    except TypeError as refused:
        assert message(ours, kind) == (TypeError, str(refused))
        return
    found = ours(kind)
    assert repr(found) == repr(expected)
    for field in [name for name in dir(expected) if not name.startswith("_")]:
        value = getattr(found, field)
        assert value == getattr(expected, field) and type(value) is type(getattr(expected, field)), field
    assert found == ours(kind) and not found != ours(kind)
    with pytest.raises(TypeError):
        hash(found)


def test_limits_of_defaults_and_wrong_objects():
    dtypes.set_default_dtype(dtypes.float64)
    torch.set_default_dtype(torch.float64)
    assert repr(dtypes.finfo()) == repr(torch.finfo())
    for name in ("finfo", "iinfo"):
        assert message(getattr(dtypes, name), "float32") == message(getattr(torch, name), "float32")


def test_bfloat16_package_is_imported_late():
    code = (
        "import sys; from headgate import dtypes as d; d.promote(d.bfloat16, d.int8); repr(d.bfloat16);"
        "assert 'ml_dtypes' not in sys.modules; d.bfloat16.numpy; assert 'ml_dtypes' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bfloat16_without_its_package():
    code = (
        "import sys\nclass Absent:\n    def find_spec(self, name, *rest):\n"
        "        if name == 'ml_dtypes': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\nfrom headgate import dtypes as d\n"
        "try: d.bfloat16.numpy\nexcept ImportError as e: assert 'ml_dtypes' in str(e)\nelse: raise SystemExit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
