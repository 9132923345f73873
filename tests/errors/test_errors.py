"""Every message template against PyTorch: what the same mistake says there must begin with our text.

Knows headgate.errors alone; the mistakes are in `provoke_autograd` and `provoke_values`.
"""

from __future__ import annotations

import string
import sys
import warnings
from pathlib import Path

import pytest
import torch

from headgate import errors

sys.path.insert(0, str(Path(__file__).parent))
import provoke_autograd  # noqa: F401
import provoke_values  # noqa: F401
from provoke import ROWS, ones

# Texts with nothing to compare: PyTorch has no such case (or, for the origin, it is a part of another text).
OWN = {"BFLOAT16_PACKAGE", "NOT_A_NUMBER", "NO_OPERANDS", "INPLACE_ORIGIN"}


@pytest.fixture(autouse=True)
def _every_warning():
    """PyTorch gives some warnings once a process unless told otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.parametrize("case", ROWS)
def test_text_is_that_of_torch(case):
    name, kind, fields, provoke = ROWS[case]
    text = getattr(errors, name).format(**fields)
    if name == "NUMPY_TYPE":  # the types that follow are Headgate's own
        text = text.partition("complex64")[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            provoke()
        except Exception as error:
            found, theirs = type(error), str(error)
            if issubclass(kind, Warning):
                raise
        else:
            assert issubclass(kind, Warning), f"nothing was raised; warnings: {[str(one.message) for one in caught]}"
            chosen = [one for one in caught if str(one.message).startswith(text)] or caught
            assert chosen, "nothing was warned"
            found, theirs = chosen[0].category, str(chosen[0].message)
    assert theirs[: len(text)] == text
    assert found is kind


def test_every_template_is_compared():
    templates = {name for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
    assert templates - OWN == {name for name, *_ in ROWS.values()}


@pytest.mark.parametrize("case", ROWS)
def test_fields_are_the_templates_own(case):
    """A field that a row gives and the text lacks would go unnoticed."""
    name, _, fields, _ = ROWS[case]
    assert {field for _, field, _, _ in string.Formatter().parse(getattr(errors, name)) if field} == set(fields)


def test_words_for_types():
    for name, word in errors.C_NAMES.items():
        first, other = ("float64", "double") if name == "float32" else ("float32", "float")
        kinds = getattr(torch, first), getattr(torch, name)
        with pytest.raises(RuntimeError) as caught:
            torch.mm(ones(1, 1, dtype=kinds[0]), ones(1, 1, dtype=kinds[1]))
        assert str(caught.value) == errors.MM_DTYPE.format(first=other, second=word)
        with pytest.raises(RuntimeError) as caught:
            torch.bmm(ones(1, 1, 1, dtype=kinds[0]), ones(1, 1, 1, dtype=kinds[1]))
        assert str(caught.value) == errors.BMM_DTYPE.format(
            first=errors.TYPE_NAMES[first], second=errors.TYPE_NAMES[name]
        )


def test_classes():
    assert issubclass(errors.WriteWarning, UserWarning) and issubclass(errors.CutWarning, UserWarning)
    assert not issubclass(errors.WriteWarning, errors.CutWarning)
    assert issubclass(errors.GradcheckError, RuntimeError)
