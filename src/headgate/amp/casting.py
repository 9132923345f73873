"""What autocast does with a call of a listed function: its tensors cast, once for each weight, and the function run.

The thread's `Casting` hangs in `core.modes.STATE` while autocast is on. It knows no context: those are in
`autocast_mode`.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from headgate.amp import lists
from headgate.core.entry import PUBLIC
from headgate.core.modes import STATE, grad_enabled, inference_enabled
from headgate.core.typed import Tensor
from headgate.dtypes import NAMES
from headgate.ops.convert import cast_to

MIXED = "Unexpected floating ScalarType in at::autocast::prioritize"
FLOAT32, FLOAT64 = NAMES["float32"], NAMES["float64"]

Run = Callable[..., Any]


def _eligible(value: Any) -> bool:
    """Whether a value is a tensor that autocast casts: of floats, but not of float64."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.dtype is not FLOAT64


def _tensors(values: Iterable[Any]) -> list[Any]:
    """The tensors that can be cast among arguments, and in lists and tuples of them."""
    found = []
    for value in values:
        if type(value) in (list, tuple):
            found += _tensors(value)
        elif _eligible(value):
            found.append(value)
    return found


class Casting:
    """The casts of one thread: to `dtype`, each weight once if `cached`.

    A weight is kept until `clear`, or until it is written: unlike PyTorch's, a cast is never older than its weight.
    """

    def __init__(self, dtype: Any, cached: bool) -> None:
        self.dtype, self.cached = dtype, cached
        self.kept: dict[Any, tuple[Any, int, Any]] = {}

    def __copy__(self) -> Casting:
        return Casting(self.dtype, self.cached)

    def clear(self) -> None:
        """Forget the casts of weights."""
        self.kept.clear()

    def cast(self, value: Any, to: Any) -> Any:
        """A value with its tensors in another type, inside lists and tuples too; what cannot be cast as it is."""
        if type(value) in (list, tuple):
            return type(value)([self.cast(one, to) for one in value])
        if not _eligible(value) or value.dtype is to:
            return value
        is_weight = self.cached and value.requires_grad and to is self.dtype and value.dtype is FLOAT32
        if not is_weight or inference_enabled() or not value.is_leaf or value._base is not None:
            return cast_to(value, to, False, None)
        key = id(value), grad_enabled()  # a cast made without recording would give a weight no gradient later
        found = self.kept.get(key)
        if found is not None and found[0]() is value and found[1] == value._version:
            return found[2]
        made = cast_to(value, to, False, None)
        self.kept[key] = (weakref.ref(value), value._version, made)
        return made

    def run(self, run: Run, args: Any, kwargs: Any, to: Any) -> Any:
        """Run a function on its arguments in another type."""
        args = [self.cast(one, to) for one in args]
        return run(*args, **{name: self.cast(one, to) for name, one in kwargs.items()})

    def __call__(self, entry: Any, run: Run, args: Any, kwargs: Any) -> Any:
        """Run a listed function as its rule says; within it, autocast is off. A call with `out` is left alone."""
        before = STATE.casts_off
        STATE.casts_off = True
        try:
            if kwargs.get("out") is not None:
                return run(*args, **kwargs)
            return RULES[entry](self, run, args, kwargs)
        finally:
            STATE.casts_off = before


# ---- the rules ------------------------------------------------------------------------------------------------------


def narrow(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """Everything in the narrow type."""
    return casting.run(run, args, kwargs, casting.dtype)


def wide(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """Everything in float32."""
    return casting.run(run, args, kwargs, FLOAT32)


def widest(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """Everything in float32 if something is, else in the narrow type; RuntimeError for the other narrow type."""
    kinds = {one.dtype for one in _tensors([*args, *kwargs.values()])}
    if FLOAT32 in kinds:
        return casting.run(run, args, kwargs, FLOAT32)
    if kinds - {casting.dtype}:
        raise RuntimeError(MIXED)
    return run(*args, **kwargs)


def narrow_result(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """The result rounded to the narrow type."""
    return casting.cast(run(*args, **kwargs), casting.dtype)


def alone(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """Nothing is cast."""
    return run(*args, **kwargs)


def narrow_if_alike(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """Everything in the narrow type, if all is of one type before."""
    alike = len({one.dtype for one in _tensors([*args, *kwargs.values()])}) == 1
    return (narrow if alike else alone)(casting, run, args, kwargs)


def inner(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """inner: a product of matrices; of two vectors it is `dot`, which no list has."""
    is_dot = all(one.dim() < 2 for one in _tensors([*args, *kwargs.values()]))
    return (alone if is_dot else narrow_if_alike)(casting, run, args, kwargs)


def tensordot(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """tensordot: a product of matrices; a sum of products where no dim is left."""
    dims = args[2] if len(args) > 2 else kwargs.get("dims", 2)
    count = dims if isinstance(dims, int) else len(dims[0]) if isinstance(dims, (list, tuple)) else -1
    is_sum = all(one.dim() == count for one in _tensors([*args, *kwargs.values()]))
    return (alone if is_sum else narrow_if_alike)(casting, run, args, kwargs)


def einsum(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """einsum: a product of matrices where operands share a letter that is summed over, else a product of elements."""
    if args and isinstance(args[0], str):
        left, arrow, right = args[0].replace(" ", "").replace("...", "").partition("->")
        terms: list[Any] = list(left.split(","))
        result: Any = right if arrow else None
    else:
        terms, result = list(args[1::2]), args[-1] if len(args) % 2 else None
    counts = Counter(letter for term in terms for letter in set(term))
    kept = {letter for letter in counts if counts[letter] == 1} if result is None else set(result)
    summed = any(counts[letter] > 1 and letter not in kept for letter in counts)
    return (narrow if summed else alone)(casting, run, args, kwargs)


def states(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """All in the narrow type if the states are; else what is multiplied is rounded to it, and
    summed in float32."""
    place = next((place for place in (1, 2) if _tensors(args[place : place + 1])), 1)  # after a packed input's sizes
    given = args[place] if len(args) > place else kwargs.get("hx")
    found = _tensors([given])
    if not found or found[0].dtype is casting.dtype:
        return narrow(casting, run, args, kwargs)

    def rounded(value: Any) -> Any:
        return casting.cast(value if value is given else casting.cast(value, casting.dtype), FLOAT32)

    return run(*[rounded(one) for one in args], **{name: rounded(one) for name, one in kwargs.items()})


def power(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """matrix_power: products in the narrow type, where there are any."""
    n = args[1] if len(args) > 1 else kwargs.get("n")
    return (narrow_result if isinstance(n, int) and abs(n) > 1 else alone)(casting, run, args, kwargs)


def pad(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """pad: reflections in one or two dims, and repeated edges, in float32."""
    width = args[1] if len(args) > 1 else kwargs.get("pad", ())
    mode = args[2] if len(args) > 2 else kwargs.get("mode", "constant")
    is_wide = mode == "replicate" or (mode == "reflect" and len(width) <= 4)
    return (wide if is_wide else alone)(casting, run, args, kwargs)


def pool(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """max_pool3d: in float32, unless indices are asked for: that is another function, which no list has."""
    indices = args[6] if len(args) > 6 else kwargs.get("return_indices", False)
    return (alone if indices else wide)(casting, run, args, kwargs)


def normed(casting: Casting, run: Run, args: Any, kwargs: Any) -> Any:
    """local_response_norm: means over channels by a pool in three dims, which is listed, unless there are rows only."""
    x = args[0] if args else kwargs.get("input")
    return (alone if isinstance(x, Tensor) and x.dim() == 3 else wide)(casting, run, args, kwargs)


RULES: dict[Any, Callable[[Casting, Run, Any, Any], Any]] = {}


def start() -> None:
    """List the entries of each name, and the methods of that name."""
    special = (
        (["matrix_power", "linalg.matrix_power"], power), (["nn.functional.pad"], pad), (["inner"], inner),
        (["tensordot"], tensordot), (["einsum"], einsum), (["nn.functional.local_response_norm"], normed),
        (["nn.functional.max_pool3d"], pool),
    )  # fmt: skip
    for names, rule in (
        (lists.NARROW, narrow), (lists.NARROW_IF_ALIKE, narrow_if_alike), (lists.NARROW_RESULT, narrow_result),
        (lists.STATES, states), (lists.WIDE, wide), (lists.WIDEST, widest), (lists.ALONE, alone), *special,
    ):  # fmt: skip
        for name in names:
            for key in (name, f"Tensor.{name}"):
                if key in PUBLIC:
                    PUBLIC[key].listed = True
                    RULES[PUBLIC[key]] = rule


start()
