"""Size beside torch.Size: every expression below must give the same value, type and text, or the same error."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from headgate.core.size import Size

EXPRESSIONS = [
    "S()", "S([])", "S([2, 3])", "S((2, 3))", "S(i for i in (1, 2))", "S([True, np.int64(3), torch.tensor(2)])",
    "S([-3])",
    "S(S([1, 2]))", "S([1, 2, 3])[0]", "S([1, 2, 3])[-1]", "S([1, 2, 3])[1:]", "S([1, 2, 3])[::-1]", "S([1, 2])[5:]",
    "S([1]) + (2,)", "S([1]) + S([2])", "(1,) + S([2])", "() + S([])", "S([1]) * 3", "3 * S([1, 2])", "S([1]) * -1",
    "S([1]) * np.int64(2)", "S([]).numel()", "S([2, 0]).numel()", "S([2, 3, 4]).numel()", "S([1, 2]) == (1, 2)",
    "(1, 2) == S([1, 2])", "S([1]) == [1]", "S([1]) != (1,)", "hash(S([1, 2])) == hash((1, 2))", "S([1, 2]) < (1, 3)",
    "len(S([4, 5]))", "list(S([4, 5]))", "tuple(S([4, 5]))", "S([3, 2]).index(2)", "S([3, 2, 2]).count(2)",
    "2 in S([2])",
    "[*S([1, 2])]", "str(S([7]))", "f'{S([7])}'", "type(S([True])[0])", "{S([1]): 1}[(1,)]",
    "isinstance(S([1]), tuple)",
    "copy.copy(S([1, 2]))", "copy.deepcopy(S([1, 2]))", "pickle.loads(pickle.dumps(S([1, 2])))", "S({1: 2})",
    "S([1, 2]).__reduce__()[1]", "sum(S([1, 2]))", "np.zeros(S([2, 3])).shape", "S([1]).__radd__(3)",
]  # fmt: skip

WRONG = [
    "S([1.5])", "S(['a'])", "S([None])", "S([torch.tensor(2.0)])", "S([torch.tensor([1, 2])])", "S(3)", "S(None)",
    "S([1]) + [1]", "S([1]) + 3", "[1] + S([1])", "3 + S([1])", "S([1]) + (1.5,)", "(1.5,) + S([1])", "S([1]) * 1.5",
    "S([1, 2])[...]", "S([1, 2])[5]", "S([1]).foo", "S([1]).__setattr__('foo', 1)", "type('X', (S,), {})", "S('12')",
    "S((1,), (2,))",
]  # fmt: skip


def evaluate(expression, size):
    return eval(expression, {"S": size, "np": np, "torch": torch, "copy": copy, "pickle": pickle})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_same_result(expression):
    ours, theirs = evaluate(expression, Size), evaluate(expression, torch.Size)
    assert ours == theirs
    assert repr(ours) == repr(theirs)
    assert (type(ours) is Size) == (type(theirs) is torch.Size)
    if type(ours) is not Size:
        assert type(ours) is type(theirs)


@pytest.mark.parametrize("expression", WRONG)
def test_same_error(expression):
    with pytest.raises(Exception) as theirs:
        evaluate(expression, torch.Size)
    with pytest.raises(Exception) as ours:
        evaluate(expression, Size)
    assert type(ours.value) is type(theirs.value)
    if "torch.Size" in str(theirs.value) and "attribute" not in str(theirs.value):
        assert str(ours.value).replace('"Size"', '"torch.Size"').replace("'Size'", "'torch.Size'") == str(theirs.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_with_every_protocol(protocol):
    loaded = pickle.loads(pickle.dumps(Size([2, 3]), protocol))
    assert type(loaded) is Size and loaded == (2, 3)


def test_items_are_plain_ints():
    assert [type(size) for size in Size([True, np.int8(2), 3])] == [int] * 3
