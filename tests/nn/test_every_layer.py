"""Every layer and loss of torch.nn, and every function of nn.functional, beside PyTorch over a grid of options.

Values, gradients, second gradients, types, shapes, text, names of parameters, buffers and the random stream are the
same; errors are of the same class at the same stage; and no guard speaks. What is varied is in the tables, where
PyTorch is not followed in `grid_known`. The last tests hold the tables against what the two libraries have.
"""

from __future__ import annotations

import inspect
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import pytest
import torch
from nn import grid_forms, grid_layers, grid_losses, grid_sequences, grid_spatial
from nn.grid_known import KNOWN, MEMORY, ONCE, Known, unread
from nn.grid_run import NO_DERIVATIVE, Case, Layer, cases, differences, stages

import headgate


def collected() -> dict[str, Layer]:
    """All tables in one; what is imported from one into the next comes twice and is the same."""
    found: dict[str, Layer] = {}
    for module in (grid_layers, grid_losses, grid_spatial, grid_sequences, grid_forms):
        for table in vars(module).values():
            if isinstance(table, dict) and table and all(isinstance(one, Layer) for one in table.values()):
                found.update(table)
    return {
        name: replace(layer, once=next((why for pattern, why in ONCE.items() if fnmatch(name, pattern)), ""))
        for name, layer in found.items()
    }


LAYERS = collected()


@pytest.fixture(autouse=True)
def strict_guard() -> Iterator[None]:
    """The write guard raises, as an error that PyTorch does not have."""
    before = headgate.get_write_guard()
    headgate.set_write_guard("error")
    yield
    headgate.set_write_guard(before)


def run_of(name: str, seed: int) -> Iterator[Case]:
    """The cases of a layer: in the short form from seed 0, else four times as many option sets."""
    return cases(name, LAYERS[name], seed, 1 if seed == 0 else 4)


def reasons(name: str, case: Case, words: str) -> list[Known]:
    """The entries of `grid_known` that explain a difference."""
    return [one for one in KNOWN if one.explains(name, case, words)]


def unexplained(name: str, seed: int) -> list[str]:
    """The differences of a layer that `grid_known` gives no reason for."""
    found = []
    for case in run_of(name, seed):
        words = "" if unread(name, case) else differences(case, LAYERS[name])
        if words and not reasons(name, case, words):
            found.append(f"{case}\n    {words[:400]}")
    return found


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_beside_pytorch(name: str) -> None:
    found = unexplained(name, 0)
    assert not found, f"{len(found)} differ:\n" + "\n".join(found[:6])


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_other_draws(name: str) -> None:
    """More option sets, from another seed: HEADGATE_GRID_SEED, or 1."""
    found = unexplained(name, int(os.environ.get("HEADGATE_GRID_SEED", "1")))
    assert not found, f"{len(found)} differ:\n" + "\n".join(found[:6])


# -- no exemption is stale --------------------------------------------------------------------------------------------


def elsewhere(entry: Known) -> str:
    """What to do about an entry that does not explain its example: where it does explain a case of the same run."""
    for seed in sorted({0, entry.example[1]}):
        for name in sorted(name for name in LAYERS if re.fullmatch(entry.layers, name)):
            for place, case in enumerate(run_of(name, seed)):
                words = "" if unread(name, case) else differences(case, LAYERS[name])
                if words and reasons(name, case, words) == [entry]:
                    return f"another example is {(name, seed, place)}"
    return "it explains nothing: delete it"


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: f"{entry.layers} {entry.words}"[:60])
def test_every_exemption_explains_its_example(entry: Known) -> None:
    """The difference is there, and no other entry explains it."""
    name, seed, place = entry.example
    case = next(itertools.islice(run_of(name, seed), place, None), None)
    words = "" if case is None or unread(name, case) else differences(case, LAYERS[name])
    found = [] if case is None or not words else reasons(name, case, words)
    assert found == [entry], f"{case}\n    {words[:400]}\n{elsewhere(entry)}"


@pytest.mark.parametrize("layers, words", MEMORY)
def test_every_unread_case_is_in_the_short_form(layers: str, words: str) -> None:
    names = [name for name in LAYERS if re.fullmatch(layers, name)]
    assert any(re.search(words, str(case)) for name in names for case in run_of(name, 0))


@pytest.mark.parametrize("name", sorted(name for name in LAYERS if LAYERS[name].once))
def test_pytorch_has_no_second_gradient_where_it_says_so(name: str) -> None:
    for case in run_of(name, 0):
        failed = stages(torch, case, LAYERS[name], True).get("failed") if case.kind == "float64" else None
        if failed and failed[0] == "second" and NO_DERIVATIVE.search(failed[2]):
            return
    raise AssertionError(f"{name} has second gradients in PyTorch: it needs no place in ONCE")


# -- the tables are whole ---------------------------------------------------------------------------------------------

#: Classes of torch.nn that compute nothing by themselves, and the tests of each.
ELSEWHERE = {
    "DataParallel": "test_probes",
    "Module": "test_module",
    "Container": "test_module",
    "ModuleDict": "test_module",
    "ModuleList": "test_module",
    "ParameterDict": "test_module",
    "ParameterList": "test_module",
    "Sequential": "test_module",
    "RNNBase": "test_recurrent",
    "RNNCellBase": "test_recurrent",
}
#: Keywords that have one value in the tables.
FIXED = {
    "sparse": "gradients of embeddings are dense here",
    "process_group": "there is one process",
    "_stacklevel": "of a warning",
    "out": "refused where a gradient is wanted",
    "encoder_layer": "a template",
    "decoder_layer": "a template",
    "out_proj_weight": "a matrix",
    "dim_feedforward": "a width",
}


def names_of(signature: inspect.Signature) -> list[str]:
    return [
        name
        for name, one in signature.parameters.items()
        if name != "self" and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]


def layer_classes() -> list[str]:
    return [
        name
        for name, one in vars(torch.nn).items()
        if inspect.isclass(one)
        and issubclass(one, torch.nn.Module)
        and hasattr(headgate.nn, name)
        and not name.startswith("Lazy")
    ]  # tests/nn/test_lazy.py holds these against the others


@pytest.mark.parametrize("name", layer_classes())
def test_every_class_and_keyword_is_varied(name: str) -> None:
    if name in ELSEWHERE:
        return
    assert name in LAYERS, f"torch.nn.{name} is in no table"
    layer = LAYERS[name]
    recurrent = name in ("RNN", "LSTM", "GRU")
    keywords = names_of(inspect.signature(torch.nn.RNNBase.__init__ if recurrent else getattr(torch.nn, name).__init__))
    unvaried = [
        key
        for key in keywords
        if not (recurrent and key == "mode")
        and key not in FIXED
        and len(layer.vary.get(key, [])) + len(layer.bad.get(key, [])) < 2
    ]
    assert not unvaried, f"of torch.nn.{name} the tables never vary {unvaried}"


def functions() -> list[str]:
    theirs, mine = torch.nn.functional, headgate.nn.functional
    return [
        name
        for name in dir(theirs)
        if not name.startswith("_")
        and callable(getattr(theirs, name))
        and hasattr(mine, name)
        and not inspect.isclass(getattr(theirs, name))
    ]


def keywords_of(name: str) -> list[str]:
    """What a function takes; for one that is not written in Python, or dispatches, what ours takes."""
    for library in (torch, headgate):
        try:
            found = names_of(inspect.signature(getattr(library.nn.functional, name.removesuffix("_"))))
        except ValueError:
            continue
        if found:
            return [key for key in found if key != "inplace" or not name.endswith("_")]
    raise AssertionError(f"nn.functional.{name} does not say what it takes")


@pytest.mark.parametrize("name", functions())
def test_every_function_and_keyword_is_varied(name: str) -> None:
    assert f"F.{name}" in LAYERS, f"nn.functional.{name} is in no table"
    layer = LAYERS[f"F.{name}"]
    given: set[Any] = set()
    most = 0
    for call in layer.calls:
        named = call[-1] if call and isinstance(call[-1], dict) else {}
        given |= set(named)
        most = max(most, len(call) - bool(named))
    unvaried = [
        key
        for key in keywords_of(name)[most:]
        if key not in FIXED and key not in given and len(layer.vary.get(key, [])) + len(layer.bad.get(key, [])) < 2
    ]
    assert not unvaried, f"of nn.functional.{name} the tables never vary {unvaried}"
