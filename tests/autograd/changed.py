"""What a graph keeps, seen from outside: run a call, change one of its tensors in place, and go backward.

A `Subject` is one call of an op, of a function of `nn.functional` or of a layer, built anew for each run in either
library. `findings` lists where Headgate and PyTorch do not agree. What is not followed is in `changed_known`.
"""

from __future__ import annotations

import itertools
import random
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from autograd.changed_known import CRASHES
from nn import grid_run
from ops import table

import headgate
from headgate.core.declare import REGISTRY

WANTING = ("all", "first", "last")  # which of the floating tensors require grad
WORDS = 60  # as many letters of an error are compared


@dataclass
class Subject:
    """`build(library)` gives a call without arguments and its named tensors, made anew: nothing is shared."""

    name: str
    what: str
    build: Callable[[Any], tuple[Callable[[], Any], dict[str, Any]]]


def copied(value: Any, library: Any, found: dict[str, Any], path: str = "") -> Any:
    """Arguments with fresh tensors, which are noted in `found` under what they are called."""
    if isinstance(value, library.Tensor):
        found[path] = value.detach().clone()
        return found[path]
    if isinstance(value, dict):
        return {key: copied(item, library, found, f"{path}.{key}".strip(".")) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(copied(item, library, found, f"{path}.{k}".strip(".")) for k, item in enumerate(value))
    return value


def subjects_of_op(name: str) -> Iterator[Subject]:
    """The sample calls of a declared op."""
    declared = REGISTRY[name]
    reference = table.torch_function(declared)
    for k, (args, kwargs) in enumerate(table.sample_calls(declared, table.Maker(declared, "float64", "contiguous"))):
        theirs = (table.to_torch(args), table.to_torch(kwargs))

        def build(library: Any, mine: Any = (args, kwargs), theirs: Any = theirs) -> Any:
            found: dict[str, Any] = {}
            a, b = copied(mine if library is headgate else theirs, library, found)
            function = declared.entry if library is headgate else reference
            return lambda: function(*a, **b), {path[2:]: x for path, x in found.items()}

        yield Subject(name, f"sample {k}", build)


def subjects_of_layer(name: str, layer: grid_run.Layer, many: int = 60) -> Iterator[Subject]:
    """A layer or function with its plain options on every call, and with each of `many` other sets once."""
    sets = itertools.islice(grid_run.option_sets(replace(layer, bad={}), random.Random(name), 2), many)
    for k, options in enumerate(sets):
        for turn, operands in enumerate(layer.calls if k == 0 else [layer.calls[k % len(layer.calls)]]):
            if layer.skip and layer.skip(options, operands):
                continue
            for kind in ("float64", "float32") if k == turn == 0 else ("float64",):
                case = grid_run.Case(name, options, operands, kind)

                def build(library: Any, case: grid_run.Case = case) -> Any:
                    return built(library, case, layer)

                yield Subject(name, f"{options} on {operands} {kind}", build)


def built(library: Any, case: grid_run.Case, layer: grid_run.Layer) -> tuple[Callable[[], Any], dict[str, Any]]:
    """The layer of a case and its operands; the tensors under the names of parameters and places of operands."""
    module = grid_run.make(library, case, layer)
    operands = [grid_run.given(library, one, case.kind, 50 * k) for k, one in enumerate(case.operands)]
    found = named_tensors(operands)
    named = operands.pop() if operands and isinstance(operands[-1], dict) else {}
    found.update(named_tensors(getattr(module, "options", {}), "option"))
    found.update(module.named_parameters())
    if layer.writes or case.options.get("inplace"):
        given = operands
        return lambda: module(*[x * 1 if hasattr(x, "requires_grad") else x for x in given], **named), found
    return lambda: module(*operands, **named), found


def named_tensors(value: Any, path: str = "") -> dict[str, Any]:
    """The tensors of nested arguments by where they stand."""
    if isinstance(value, dict):
        return {k: x for key, one in value.items() for k, x in named_tensors(one, f"{path}.{key}".strip(".")).items()}
    if isinstance(value, (list, tuple)):
        return {k: x for n, one in enumerate(value) for k, x in named_tensors(one, f"{path}.{n}".strip(".")).items()}
    return {path: value} if hasattr(value, "requires_grad") else {}


def want(tensors: dict[str, Any], which: str) -> list[Any]:
    """Make all floating tensors, or one, require grad; those that do."""
    floating = [x for x in tensors.values() if x.is_floating_point() or x.is_complex()]
    chosen = {"all": floating, "first": floating[:1], "last": floating[-1:]}[which]
    for x in floating:
        x.requires_grad_(any(x is one for one in chosen))
    return chosen


def change(library: Any, x: Any) -> None:
    """Write to a tensor in place, uncut and counted: other numbers, or the same indices and masks."""
    with library.no_grad():
        if x.is_floating_point() or x.is_complex():
            x.add_(0.25)
        else:
            x.copy_(x.clone())


def weight(library: Any, y: Any, k: int) -> Any:
    """A fixed direction for a result."""
    count = int(np.prod(tuple(y.shape)))
    return library.from_numpy((np.cos(np.arange(count) * 0.7 + k) + 0.3).reshape(tuple(y.shape))).to(y.dtype)


def results_of(value: Any) -> list[Any]:
    return [y for y in grid_run.tensors(value) if y is not None]


class Run:
    """One forward call in one library, with what was asked for."""

    def __init__(self, subject: Subject, library: Any, which: str) -> None:
        self.library = library
        library.manual_seed(11)
        self.call, self.tensors = subject.build(library)
        self.wanted = want(self.tensors, which)
        library.manual_seed(12)
        self.results = results_of(self.call())
        tracked = [y for y in self.results if y.requires_grad]
        self.total = sum((y * weight(library, y, k)).sum() for k, y in enumerate(tracked)) if tracked else None

    def place(self, name: str) -> Any:
        """A tensor of the call: an argument by its name, or a result."""
        return self.results[int(name[7:])] if name.startswith("result ") else self.tensors[name]

    def names(self) -> list[str]:
        """Whatever can be changed: arguments, and results that are no arguments."""
        inside = list(self.tensors.values())
        return [*self.tensors, *(f"result {k}" for k, y in enumerate(self.results) if not any(y is x for x in inside))]

    def backward(self) -> list[Any]:
        for x in self.wanted:
            x.grad = None
        self.total.backward(retain_graph=False)
        return [x.grad for x in self.wanted]


def outcome(run: Callable[[], Any]) -> tuple[Any, str]:
    """(gradients, "") or (None, class and first words of the error)."""
    try:
        return run(), ""
    except Exception as problem:
        return None, f"{type(problem).__name__}: {str(problem)[:WORDS]}"


def changed(subject: Subject, library: Any, which: str, names: tuple[str, ...]) -> tuple[Any, str, str]:
    """The gradients after a change (or None), at which stage it failed, and how."""
    run = Run(subject, library, which)
    for name in names:
        _, failed = outcome(lambda: change(library, run.place(name)))
        if failed:
            return None, "change", failed
    gradients, failed = outcome(run.backward)
    return gradients, "backward" if failed else "", failed


def unlike(mine: Any, theirs: Any) -> str:
    """How two lists of gradients differ."""
    for k, (x, y) in enumerate(zip(mine, theirs)):
        words = grid_run.unlike(x, y, 100.0)
        if words:
            return f"gradient {k}: {words}"
    return ""


def findings(subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """(which require grad, what was changed, kind of difference, words) of every difference."""
    seen: list[list[bool]] = []
    for which in WANTING:
        if any(re.fullmatch(one, subject.name) and re.search(call, subject.what) and which == how
               for one, call, how in CRASHES):
            continue
        run, failed = outcome(lambda: Run(subject, torch, which))
        if failed or run.total is None or not run.wanted:
            continue
        marks = [x.requires_grad for x in run.tensors.values()]
        if marks in seen:
            continue
        seen.append(marks)
        names = run.names()
        before, failed = outcome(run.backward)
        if failed:
            continue
        again = outcome(run.backward)[1]
        mine, failed = outcome(lambda: Run(subject, headgate, which))
        ours, failed = (None, failed) if failed else outcome(mine.backward)
        if failed:
            yield which, "nothing", "fails", failed
        if failed or unlike(ours, before):
            continue  # the tables of values hold that gradients are the same, and say where they are not
        ours = outcome(mine.backward)[1]
        if ours != again:
            yield which, "nothing", "twice", f"a second backward: {ours or 'no error'}, PyTorch {again or 'no error'}"
        for name in names:
            yield from compared(subject, which, name, before)


def compared(subject: Subject, which: str, name: str, before: list[Any]) -> Iterator[tuple[str, str, str, str]]:
    """The difference that one change makes, if any."""
    theirs, stage, failed = changed(subject, torch, which, (name,))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        headgate.set_write_guard("warn")  # forgets what it has said
        mine, our_stage, ours = changed(subject, headgate, which, (name,))
    spoke = [str(one.message) for one in told if issubclass(one.category, headgate.errors.WriteWarning)]
    wrong = theirs is not None and unlike(theirs, before) != ""
    if spoke and not wrong:
        yield which, name, "guard", spoke[0][:200]
    if wrong and mine is not None and not spoke:
        yield which, name, "mute", unlike(theirs, before)
    if (stage, failed) != (our_stage, ours):
        kind = "silent" if not ours else "raises" if not failed else "words"
        yield which, name, kind, f"{our_stage} {ours or 'no error'}, PyTorch {stage} {failed or 'no error'}"
    elif theirs is not None:
        words = unlike(mine, theirs)
        if words:
            yield which, name, "value", words
