"""One layer of torch.nn over a grid of options and operands in both libraries, stage by stage.

A `Layer` says which keywords are varied and what a call is given; `cases` draws option sets and spoils operands from a
seed, and `differences` runs a case in PyTorch and in Headgate. Knows no layer by name; the tables do.
"""

from __future__ import annotations

import itertools
import random
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

import headgate

LIBRARIES = (torch, headgate)
NO_DERIVATIVE = re.compile("derivative for .* is not implemented")
TOLERANCE = {"float64": (1e-9, 1e-11), "float32": (1e-5, 2e-6), "bfloat16": (2e-2, 2e-2), "float16": (2e-3, 2e-3)}


@dataclass(frozen=True)
class Draw:
    """A tensor to be drawn: what kind of numbers, in which shape. `free`: it asks for no gradient."""

    kind: str  # normal, positive, chance, signs, logs, index or bool
    shape: tuple[int, ...]
    low: int = 0
    high: int = 2
    free: bool = False
    layout: str = ""  # "", "transposed", "strided" or "last" (channels last)
    dtype: str = ""  # another than the layer's

    def __repr__(self) -> str:
        limits = f" {self.low}..{self.high}" if self.kind == "index" else ""
        return (
            " ".join(
                filter(
                    None,
                    [
                        f"<{self.kind}{limits}",
                        str(list(self.shape)),
                        self.free and "free" or "",
                        self.layout,
                        self.dtype,
                    ],
                )
            )
            + ">"
        )

    def array(self, seed: int) -> np.ndarray[Any, Any]:
        source = np.random.default_rng(seed)
        if self.kind == "index":
            return source.integers(self.low, self.high, self.shape)
        if self.kind == "bool":
            return source.integers(0, 2, self.shape).astype(bool)
        drawn = source.normal(size=self.shape) * 1.5
        if self.kind == "positive":
            return np.abs(drawn) + 0.1
        if self.kind == "chance":
            return 1 / (1 + np.exp(-drawn))
        if self.kind == "signs":
            return np.where(drawn > 0, 1.0, -1.0)
        if self.kind == "logs":
            return -np.abs(drawn) - 0.1
        assert self.kind == "normal"
        return drawn

    def tensor(self, library: Any, seed: int, kind: str) -> Any:
        """The tensor in one library, laid out as asked for; a float leaf that asks for a gradient unless `free`."""
        made = library.from_numpy(np.ascontiguousarray(self.array(seed)).copy().reshape(self.shape))
        if made.is_floating_point():
            made = made.to(getattr(library, self.dtype or kind))
        elif self.dtype:
            made = made.to(getattr(library, self.dtype))
        if self.layout == "transposed" and len(self.shape) > 1:
            made = made.transpose(0, -1).contiguous().transpose(0, -1)
        elif self.layout == "strided" and len(self.shape) > 0:
            made = library.stack([made, made], -1)[..., 0]
        elif self.layout == "last" and len(self.shape) in (4, 5):
            form = library.channels_last if len(self.shape) == 4 else library.channels_last_3d
            made = made.contiguous(memory_format=form)
        made = made.detach()
        return made.requires_grad_() if made.is_floating_point() and not self.free else made


def normal(*shape: int, **options: Any) -> Draw:
    return Draw("normal", shape, **options)


def index(high: int, *shape: int, low: int = 0) -> Draw:
    return Draw("index", shape, low, high)


class Made:
    """An option or operand that each library makes for itself, by `call(library)`; `call(library, kind)` if `typed`."""

    def __init__(self, call: Callable[..., Any], text: str = "", typed: bool = False) -> None:
        self.call = call
        self.text = text or "made"
        self.typed = typed

    def __repr__(self) -> str:
        return self.text


@dataclass
class Layer:
    """What is varied of a layer. The first value of each keyword is the plain one.

    `calls`: operands of one call, positional ones and a dictionary of keywords at the end where there are any.
    `bad`: values that PyTorch refuses, or does not, one at a time. `once`: why second gradients are not compared.
    `loose`: factor on the tolerances, with its reason in the table. `spoil`: whether operands are spoilt too.
    """

    vary: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[list[Any]] = field(default_factory=list)
    bad: dict[str, list[Any]] = field(default_factory=dict)
    once: str = ""
    loose: float = 1
    spoil: bool = True
    functional: bool = False
    writes: bool = False
    derived: bool = False
    count: int = 12
    plain: bool = False  # elementwise: complex numbers are tried too
    skip: Callable[[dict[str, Any], list[Any]], bool] | None = None


@dataclass
class Case:
    """One run: a layer by name with options, its operands, and how it is set."""

    name: str
    options: dict[str, Any]
    operands: list[Any]
    kind: str = "float64"
    train: bool = True
    frozen: str = ""  # "", "first" or "all"
    grad: bool = True
    twice: bool = False  # called on its own operands two times in one graph: weights are shared

    def __str__(self) -> str:
        chosen = dict(self.options)
        how = [
            self.kind,
            "train" if self.train else "eval",
            self.frozen and f"frozen {self.frozen}",
            "" if self.grad else "no_grad",
            "twice" if self.twice else "",
        ]
        return f"{self.name}({chosen}) on {self.operands} [{' '.join(filter(None, how))}]"


# -- which cases ------------------------------------------------------------------------------------------------------


def drawn_options(layer: Layer, source: random.Random) -> dict[str, Any]:
    drawn = {key: source.choice(values) for key, values in layer.vary.items()}
    return {key: value for key, value in drawn.items() if value is not ...}


def option_sets(layer: Layer, source: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """The plain options, each other value of each keyword alone, each bad one alone, and `count` drawn sets."""
    plain = {key: values[0] for key, values in layer.vary.items()}
    yield {key: value for key, value in plain.items() if value is not ...}
    for key, values in itertools.chain(layer.vary.items(), layer.bad.items()):
        for value in values[1:] if key in layer.vary and values is layer.vary[key] else values:
            yield {name: one for name, one in {**plain, key: value}.items() if one is not ...}
    total = 1
    for values in layer.vary.values():
        total *= len(values)
    for _ in range(min(count, total)):
        yield drawn_options(layer, source)


def spoilt(one: Draw, first: bool, plain: bool) -> Iterator[Draw]:
    """An operand in other layouts, with empty dimensions, of other ranks, sizes and types."""
    shape = one.shape
    for layout in ("transposed", "strided", "last"):
        if layout != "last" or len(shape) in (4, 5):
            yield replace(one, layout=layout)
    for axis in range(len(shape)):
        yield replace(one, shape=(*shape[:axis], 0, *shape[axis + 1 :]))
        yield replace(one, shape=(*shape[:axis], shape[axis] + 1, *shape[axis + 1 :]))
        yield replace(one, shape=(*shape[:axis], 1, *shape[axis + 1 :]))
    yield replace(one, shape=shape[1:])
    yield replace(one, shape=shape[2:])
    yield replace(one, shape=(1, *shape))
    yield replace(one, shape=(2, 1, *shape))
    yield replace(one, shape=())
    if one.kind in ("index", "bool"):
        yield replace(one, kind="normal", free=True)
        yield replace(one, dtype="int32")
        yield replace(one, dtype="uint8")
        if one.kind == "index":
            yield replace(one, kind="bool")
            yield replace(one, high=one.high + 20)
            yield replace(one, low=-5)
    else:
        yield replace(one, free=True)
        if first:
            yield replace(one, kind="index", high=3)
            yield replace(one, kind="bool")
            yield replace(one, dtype="float32")
            if plain:
                yield replace(one, dtype="complex64")


SETTINGS: list[dict[str, Any]] = [
    {},
    {"kind": "float32"},
    {"train": False},
    {"frozen": "first"},
    {"grad": False},
    {"twice": True},
    {"kind": "float32", "train": False, "frozen": "all"},
    {},
]


def cases(name: str, layer: Layer, seed: int = 0, many: int = 1) -> Iterator[Case]:
    """All cases of a layer: every option set on two of the calls in turn (all if `many`), in changing settings; and
    spoilt operands: of one call, or of `many`, and of a function that a layer stands for only if `many` is not 1."""
    source = random.Random(f"{name} {seed}")
    turn = 0
    sets = list(option_sets(layer, source, layer.count * many))
    for k, options in enumerate(sets):
        some = layer.calls if k == 0 or many > 1 else [layer.calls[(2 * k + j) % len(layer.calls)] for j in (0, 1)]
        for operands in some[: len(layer.calls)]:
            if layer.skip and layer.skip(options, operands):
                continue
            yield Case(name, options, operands, **SETTINGS[turn % len(SETTINGS)])
            turn += 1
    if layer.derived and many == 1:
        return
    for options in [sets[0], *(drawn_options(layer, source) for _ in range(many if layer.spoil else 0))]:
        for operands in layer.calls[:many]:
            for place, one in enumerate(operands):
                for other in spoilt(one, place == 0, layer.plain) if isinstance(one, Draw) else ():
                    changed = [*operands[:place], other, *operands[place + 1 :]]
                    if layer.skip and layer.skip(options, changed):
                        continue
                    yield Case(name, options, changed, **SETTINGS[turn % len(SETTINGS)])
                    turn += 1


# -- one run ----------------------------------------------------------------------------------------------------------


def given(library: Any, value: Any, kind: str, seed: int = 0) -> Any:
    """An option or operand in one library."""
    if isinstance(value, Draw):
        return value.tensor(library, seed, kind)
    if isinstance(value, Made):
        return value.call(library, kind) if value.typed else value.call(library)
    if isinstance(value, dict):
        return {key: given(library, one, kind, seed + 7 * k) for k, (key, one) in enumerate(value.items())}
    if isinstance(value, tuple):
        return tuple(given(library, one, kind, seed + 5 * k) for k, one in enumerate(value))
    return value


def tensors(value: Any) -> list[Any]:
    """All tensors of a result, None where there is None."""
    if isinstance(value, (list, tuple)):
        return [one for item in value for one in tensors(item)]
    if isinstance(value, dict):
        return [one for item in value.values() for one in tensors(item)]
    return [value] if value is None or hasattr(value, "requires_grad") else []


def leaves(value: Any) -> list[Any]:
    return [one for one in tensors(value) if one is not None and one.requires_grad]


def seeds(library: Any, results: list[Any], track: bool) -> list[Any]:
    """A direction for every result."""
    found = []
    for k, y in enumerate(results):
        count = int(np.prod(tuple(y.shape)))
        line = np.cos(np.arange(count) * 0.7 + k) + 0.3
        found.append(library.from_numpy(line.reshape(tuple(y.shape))).to(y.dtype).requires_grad_(track))
    return found


def make(library: Any, case: Case, layer: Layer) -> Any:
    """The layer, or one that calls the function of `nn.functional`, set as the case says."""
    library.manual_seed(7)
    options = {key: given(library, value, case.kind, 900 + k) for k, (key, value) in enumerate(case.options.items())}
    if layer.functional:
        function = getattr(library.nn.functional, case.name.removeprefix("F."))

        class Form(library.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, *inputs: Any, **named: Any) -> Any:
                return function(*inputs, **options, **named)

        return Form()
    library.manual_seed(7)
    module = getattr(library.nn, case.name)(**options)
    module.to(getattr(library, case.kind)).train(case.train)
    parameters = list(module.parameters())
    for parameter in parameters[:1] if case.frozen == "first" else parameters if case.frozen == "all" else []:
        parameter.requires_grad_(False)
    return module


def stages(library: Any, case: Case, layer: Layer, second: bool) -> dict[str, Any]:
    """What a run gives at each stage; the exception under "failed" with the stage where it came."""
    found: dict[str, Any] = {}
    stage = "make"
    try:
        module = make(library, case, layer)
        found["text"] = repr(module)
        found["names"] = list(module.state_dict())
        found["initial"] = [value.clone() for value in module.state_dict().values()]
        operands = [given(library, one, case.kind, 50 * k) for k, one in enumerate(case.operands)]
        named = operands.pop() if operands and isinstance(operands[-1], dict) else {}
        wanted = leaves([operands, named, list(module.parameters()), getattr(module, "options", {})])
        writes = layer.writes or case.options.get("inplace")
        if writes:
            operands = [one * 1 if hasattr(one, "requires_grad") else one for one in operands]
        stage = "forward"
        library.manual_seed(11)
        with library.set_grad_enabled(case.grad):
            result = module(*operands, **named)
            if case.twice:
                result = (result, module(*operands, **named))
        found["result"] = tensors(result)
        found["operands"] = operands if writes else []
        found["buffers"] = list(module.buffers())
        found["drawn"] = library.rand(2)
        results = [y for y in found["result"] if y is not None and y.requires_grad]
        if not results:
            return found
        stage = "backward"
        directions = seeds(library, results, second)
        first = library.autograd.grad(results, wanted, directions, create_graph=second, allow_unused=True)
        found["first"] = list(first)
        again = [g for g in first if g is not None and g.requires_grad]
        if second and again:
            stage = "second"
            places = [*wanted, *directions]
            further = library.autograd.grad(again, places, seeds(library, again, False), allow_unused=True)
            found["second"] = [library.zeros_like(x) if g is None else g for g, x in zip(further, places)]
    except Exception as problem:
        found["failed"] = (stage, type(problem).__name__, str(problem))
    return found


# -- both -------------------------------------------------------------------------------------------------------------


def unlike(mine: Any, theirs: Any, loose: float) -> str:
    """How two tensors differ; "" where they are the same."""
    if mine is None or theirs is None:
        return "" if mine is theirs else f"{'nothing' if mine is None else 'a tensor'}, PyTorch the other"
    if str(mine.dtype) != str(theirs.dtype) and str(mine.dtype) != str(theirs.dtype).removeprefix("torch."):
        return f"type {mine.dtype}, PyTorch {theirs.dtype}"
    if tuple(mine.shape) != tuple(theirs.shape):
        return f"shape {tuple(mine.shape)}, PyTorch {tuple(theirs.shape)}"
    if mine.requires_grad != theirs.requires_grad:
        return f"requires_grad {mine.requires_grad}, PyTorch {theirs.requires_grad}"
    a, b = (np.asarray(one.detach().numpy(force=True)) for one in (mine, theirs))
    if a.dtype.kind not in "fc":
        return "" if np.array_equal(a, b) else f"{a.ravel()[:6]}, PyTorch {b.ravel()[:6]}"
    relative, absolute = (loose * one for one in TOLERANCE.get(str(mine.dtype).removeprefix("torch."), (1e-5, 1e-5)))
    finite = np.abs(b[np.isfinite(b)])
    absolute *= max(1.0, float(finite.max()) if finite.size else 1.0)
    if np.allclose(a, b, relative, absolute, equal_nan=True):
        return ""
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
        most = np.nan if np.isnan(apart).all() else np.nanmax(apart)
        return f"off by {most:.3g}: {a.ravel()[:4]}, PyTorch {b.ravel()[:4]}"


def differences(case: Case, layer: Layer) -> str:
    """How the two libraries differ in a case; "" where they do not."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        second = case.kind == "float64"
        theirs, mine = (stages(library, case, layer, second) for library in LIBRARIES)
    for one in told:
        if issubclass(one.category, (headgate.errors.WriteWarning, headgate.errors.CutWarning)):
            return f"a guard spoke: {one.message}"
    failed, other = mine.pop("failed", None), theirs.pop("failed", None)
    if layer.once and other and other[0] == "second" and NO_DERIVATIVE.search(other[2]):
        other = failed  # ours is held by other tests against differences
        mine.pop("second", None)
    if (failed is None) != (other is None) or failed is not None and failed[:2] != other[:2]:
        return f"{failed}, PyTorch {other}"
    single = any(isinstance(one, Draw) and one.dtype in ("float32", "complex64") for one in case.operands)
    loose = layer.loose * (1e4 if single and case.kind == "float64" else 1)  # single precision on the way
    for part in [*theirs, *(one for one in mine if one not in theirs)]:
        if part not in theirs or part not in mine:
            return f"{part}: only one has it"
        if part in ("text", "names"):
            if mine[part] != theirs[part]:
                return f"{part}: {mine[part]}, PyTorch {theirs[part]}"
            continue
        ours, others = tensors(mine[part]), tensors(theirs[part])
        if len(ours) != len(others):
            return f"{part}: {len(ours)}, PyTorch {len(others)}"
        for k, (x, y) in enumerate(zip(ours, others)):
            words = unlike(x, y, loose * (10 if part == "second" else 1))
            if words:
                return f"{part}[{k}]: {words}"
    return ""
