"""Where rounding shows: a program decides something by a number (masks, kinks, ties), or blows a last bit up. Two
libraries whose numbers agree to the last bit but one may then part, and are both right. Nothing here knows how a
program is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = Any  # of numbers

TENSOR = r"\b(t\d+)(?:\.detach\(\)|\.data)?"
COMPARED = re.compile(TENSOR + r" > (t\d+|[\d.]+)")
LARGER = re.compile(r"torch\.(?:maximum|minimum)\((t\d+), (t\d+)\)")
METHOD = re.compile(TENSOR + r"\.(relu_?|abs_?|sign|norm|round|clamp_?|max|min|amax|amin|argmax|sort|topk|std)\(")
SIGNED = re.compile(r"Pair\.apply\((t\d+), ")  # its second result is a sign


def clamped(x: Array) -> Array:
    return (x > 0.5) * 1.0 - (x < -0.5)


def ranked(x: Array) -> Array:
    """The sign of every pair's difference."""
    return np.sign(x.reshape(-1, 1) - x.reshape(1, -1))


DECIDES: dict[str, Callable[[Array], Array]] = {
    "relu": np.sign, "abs": np.sign, "sign": np.sign, "norm": np.sign, "round": np.rint, "clamp": clamped,
}  # fmt: skip


def numbers(namespace: dict[str, Any], name: str) -> Array:
    """The values behind a name, or a number that is written out; read without a trace in the tensor."""
    value = namespace[name].tolist() if name[0] == "t" else float(name)
    return np.asarray(value, np.float64)


def decisions(text: str, namespace: dict[str, Any]) -> Iterator[tuple[list[Array], Array]]:
    """What a statement is about to decide: the operands, and the decision by exact comparison of them."""
    for one, two in COMPARED.findall(text):
        a, b = numbers(namespace, one), numbers(namespace, two)
        yield [a, b], a > b
    for one, two in LARGER.findall(text):
        a, b = numbers(namespace, one), numbers(namespace, two)
        yield [a, b], np.sign(a - b)
    for name, method in METHOD.findall(text):
        a = numbers(namespace, name)
        yield [a], DECIDES.get(method.rstrip("_"), ranked)(a)
    for name in SIGNED.findall(text):
        a = numbers(namespace, name)
        yield [a], np.sign(a)


def listed(text: str, namespace: dict[str, Any]) -> list[tuple[list[Array], Array]]:
    """`decisions`; none if the statement's names are gone, or do not fit, in which case it fails by itself."""
    try:
        with np.errstate(all="ignore"):
            return list(decisions(text, namespace))
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        return []


def alike(one: Array, two: Array, relative: float) -> bool:
    """Whether operands agree but for rounding."""
    if one.shape != two.shape:
        return False
    room = relative * max(1.0, float(np.max(np.abs(one), initial=0.0, where=np.isfinite(one))))
    return bool(np.allclose(one, two, rtol=0.0, atol=room, equal_nan=True))


def undecided(text: str, left: dict[str, Any], right: dict[str, Any], relative: float) -> bool:
    """Whether a statement will decide differently in two runs although its operands are the same but for rounding."""
    for (ours, mine), (theirs, other) in zip(listed(text, left), listed(text, right)):
        if all(alike(a, b, relative) for a, b in zip(ours, theirs)) and not np.array_equal(mine, other, equal_nan=True):
            return True
    return False


SHAKES = 4
ROOM = 16.0  # how much farther than the shaken runs another library may be: it rounds within operations, too


class Shaken:
    """A library whose `tensor` is off in the last bit of every number."""

    def __init__(self, library: Any, seed: int) -> None:
        self.library, self.random = library, np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)

    def tensor(self, data: Any, requires_grad: bool = False, **options: Any) -> Any:
        made = self.library.tensor(data, **options)
        if made.is_floating_point():
            unit = 2.0**-23 if "32" in str(made.dtype) else 2.0**-52
            factors = 1 + unit * self.random.choice((-1.0, 1.0), tuple(made.shape))
            made = made * self.library.tensor(factors.tolist(), dtype=made.dtype)
        return made.requires_grad_() if requires_grad else made


def within(plain: Any, other: Any, shaken: list[Any], slack: float) -> bool:
    """Whether facts are the same but for numbers that are not farther apart than a last bit of the input moves them."""
    if isinstance(plain, float) and isinstance(other, float):
        if plain == other or abs(plain - other) <= slack or (plain != plain and other != other):
            return True
        moved = max((abs(one - plain) for one in shaken if isinstance(one, float)), default=0.0)
        return abs(plain - other) <= ROOM * moved
    if isinstance(plain, dict) and isinstance(other, dict) and plain.keys() == other.keys():
        return all(within(plain[key], other[key], [one[key] for one in shaken if isinstance(one, dict) and key in one],
                          slack) for key in plain)  # fmt: skip
    if isinstance(plain, (list, tuple)) and isinstance(other, (list, tuple)) and len(plain) == len(other):
        alike = [one for one in shaken if isinstance(one, (list, tuple)) and len(one) == len(plain)]
        return all(within(*pair, [one[i] for one in alike], slack) for i, pair in enumerate(zip(plain, other)))
    return type(plain) is type(other) and plain == other
