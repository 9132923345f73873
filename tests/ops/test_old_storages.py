"""FloatStorage and its like, beside PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from beside import LIBRARIES, outcome

KINDS = {"Float": "float32", "Double": "float64", "Half": "float16", "Byte": "uint8", "Char": "int8", "Short": "int16",
         "Int": "int32", "Long": "int64", "Bool": "bool"}
CALLS = {
    "none": lambda t, s: s().size(),
    "of a size": lambda t, s: len(s(3)),
    "of values": lambda t, s: s([1, 0]).tolist(),
    "over bytes": lambda t, s: s(wrap_storage=t.ones(2, dtype=s.dtype).untyped_storage()).tolist(),
    "its class": lambda t, s: type(s(2)).__name__,
    "text": lambda t, s: repr(s([1, 1])),
    "a type": lambda t, s: str(s.dtype),
    "of a tensor": lambda t, s: isinstance(t.ones(2, dtype=s.dtype).storage(), s),
    "of other tensors": lambda t, s: [isinstance(t.ones(2, dtype=getattr(t, kind)).storage(), s)
                                      for kind in KINDS.values()],
    "a subclass": lambda t, s: issubclass(s, t.TypedStorage),
    "a number is none": lambda t, s: isinstance(3, s),
    "its type cannot be given": lambda t, s: s(dtype=t.int32),
    "a number that is no size": lambda t, s: s(2.5),
    "two arguments": lambda t, s: s(2, 3),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("call", CALLS)
def test_old_storages(name: str, call: str) -> None:
    def made(library: Any) -> Any:
        found = outcome(lambda: CALLS[call](library, getattr(library, f"{name}Storage")))
        return found[0] if isinstance(found, tuple) else found

    theirs, mine = map(made, LIBRARIES)
    assert theirs == mine


def test_resize_as_and_grad_scaler_are_at_the_top() -> None:
    for library in LIBRARIES:
        x = library.zeros(2)
        assert library.resize_as_(x, library.ones(3, 2)) is x and x.shape == (3, 2)
        assert library.GradScaler is library.amp.GradScaler
