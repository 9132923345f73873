"""Every differentiable op, function and layer beside PyTorch, with each of its tensors changed in place between forward
and backward, and with a second backward: both raise, or both give the same gradients. A new op needs no line here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from autograd.changed import Subject, findings, subjects_of_layer, subjects_of_op
from autograd.changed_known import KNOWN, Known
from nn.test_every_layer import LAYERS
from ops import table

import headgate
from headgate.core.declare import REGISTRY

FEW, MANY = 4, 60  # option sets of a layer: plain, and one keyword after the other
pytestmark = [pytest.mark.compiled_only, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def guard_as_before() -> Iterator[None]:
    before = headgate.get_write_guard()
    yield
    headgate.set_write_guard(before)


def explains(known: Known, subject: Subject, changed: str, kind: str) -> bool:
    return (known.name == subject.name and known.kind == kind and re.fullmatch(known.changed, changed) is not None
            and re.search(known.call, subject.what) is not None)


def unexplained(subjects: Iterator[Subject]) -> list[str]:
    return [
        f"{subject.name} {subject.what}, grad for {which}, changed: {changed}: {kind}: {words}"
        for subject in subjects
        for which, changed, kind, words in findings(subject)
        if not any(explains(known, subject, changed, kind) for known in KNOWN)
    ]


def report(found: list[str]) -> None:
    assert not found, f"{len(found)} differ:\n" + "\n".join(found[:6])


@pytest.mark.parametrize("name", [name for name in table.names() if REGISTRY[name].differentiable])
def test_op(name: str) -> None:
    report(unexplained(subjects_of_op(name)))


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layer(name: str) -> None:
    report(unexplained(subjects_of_layer(name, LAYERS[name], FEW)))


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layer_with_every_option(name: str) -> None:
    report(unexplained(subjects_of_layer(name, LAYERS[name], MANY)))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.name} {known.kind}")
def test_exemption_is_needed(known: Any) -> None:
    """What `changed_known` lists still happens."""
    subjects = (subjects_of_layer(known.name, LAYERS[known.name], FEW) if known.name in LAYERS
                else subjects_of_op(known.name))
    assert any(explains(known, subject, changed, kind)
               for subject in subjects if re.search(known.call, subject.what)
               for _, changed, kind, _ in findings(subject))


def test_a_difference_is_found() -> None:
    """The comparison itself: an op that keeps its input beside one that keeps a copy."""
    subject = next(iter(subjects_of_op("sin")))
    build = subject.build

    assert not list(findings(subject))

    def doubled(library: Any) -> Any:
        _, tensors = build(library)
        x = tensors["0"]
        return (lambda: x * x if library is headgate else (x + 0).pow(2) * 1), tensors

    assert {kind for _, _, kind, _ in findings(Subject("square", "doubled", doubled))} == {"raises"}
