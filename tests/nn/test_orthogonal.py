"""parametrizations.orthogonal beside PyTorch: values, gradients, assignment, removal, errors."""

from __future__ import annotations

from typing import Any

import pytest
from beside import LIBRARIES, outcome, same

SHAPES = [(4, 4), (5, 3), (3, 5), (1, 1), (2, 4, 3), (2, 3, 3), (2, 2, 4)]
MAPS = [None, "matrix_exp", "cayley", "householder"]


def module_of(library: Any, shape: tuple[int, ...], kind: str) -> Any:
    library.manual_seed(4)
    module = library.nn.Module()
    module.register_parameter("weight", library.nn.Parameter(library.randn(shape, dtype=getattr(library, kind))))
    return module


def learned(library: Any, shape: Any, way: Any, trivialize: bool, kind: str) -> Any:
    """Values before and after steps, gradients of two orders, the state's names and what is left after removal."""
    module = module_of(library, shape, kind)
    utils = library.nn.utils
    utils.parametrizations.orthogonal(module, "weight", way, use_trivialization=trivialize)
    first = module.weight.detach().clone()
    steps = library.arange(1, first.numel() + 1, dtype=first.dtype)
    target = (0.7 * steps * steps).sin().view(first.shape)  # of full rank
    optimizer = library.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        ((module.weight - target) ** 2).sum().backward()
        optimizer.step()
    original = module.parametrizations.weight.original
    value = module.weight
    grad, = library.autograd.grad((value * target).sum() + (value**3).sum(), original, create_graph=True)
    twice, = library.autograd.grad((grad * grad).sum(), original)
    names = sorted(module.state_dict())
    assigned: Any = outcome(lambda: setattr(module, "weight", target.clone()))
    after = module.weight.detach().clone() if assigned is None else ()
    utils.parametrize.remove_parametrizations(module, "weight")
    return names, assigned, (first, value, grad, twice), after, module.weight


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("way", MAPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_trivialized(shape: Any, way: Any, kind: str) -> None:
    theirs, mine = (learned(library, shape, way, True, kind) for library in LIBRARIES)
    assert theirs[:2] == mine[:2]
    close = {"float32": 2e-3, "float64": 1e-9}[kind]
    for one, two in zip(theirs[2:], mine[2:]):
        same(one, two, close, close)
    q = mine[4].detach()
    q = q if q.shape[-2] >= q.shape[-1] else q.mT
    assert ((q.mT @ q).diagonal(dim1=-2, dim2=-1) - 1).abs().max().item() < 1e-5


@pytest.mark.parametrize("way", MAPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_plain(shape: Any, way: Any) -> None:
    theirs, mine = (outcome(lambda library=library: learned(library, shape, way, False, "float64"))
                    for library in LIBRARIES)
    if isinstance(theirs[0], str):
        assert theirs == mine
    else:
        assert theirs[:2] == mine[:2]
        for one, two in zip(theirs[2:], mine[2:]):
            same(one, two, 1e-9, 1e-9)


@pytest.mark.parametrize("call", [
    lambda t, m: t.nn.utils.parametrizations.orthogonal(m, "zz"),
    lambda t, m: t.nn.utils.parametrizations.orthogonal(m, "bias"),
    lambda t, m: t.nn.utils.parametrizations.orthogonal(m, orthogonal_map="qr"),
    lambda t, m: setattr(t.nn.utils.parametrizations.orthogonal(m), "weight", t.ones(5, 5)),
])  # fmt: skip
def test_errors(call: Any) -> None:
    theirs, mine = (outcome(lambda library=library: call(library, library.nn.Linear(3, 3))) for library in LIBRARIES)
    assert theirs == mine and mine[0] == "ValueError"


@pytest.mark.parametrize("call", [
    lambda t: t.matrix_exp(t.ones(2, 3)),
    lambda t: t.matrix_exp(t.ones(3)),
    lambda t: t.linalg.matrix_exp(t.ones(2, 2).long()),
    lambda t: t.linalg.householder_product(t.ones(2, 3), t.ones(2)),
    lambda t: t.linalg.householder_product(t.ones(3, 2), t.ones(3)),
    lambda t: t.linalg.householder_product(t.ones(3), t.ones(1)),
    lambda t: t.linalg.householder_product(t.ones(3, 2), t.ones(2, 2)),
    lambda t: t.linalg.householder_product(t.ones(2, 3, 2), t.ones(3, 2)),
    lambda t: t.linalg.householder_product(t.ones(3, 2), t.ones(2).double()),
])  # fmt: skip
def test_refused_matrices(call: Any) -> None:
    theirs, mine = (outcome(lambda library=library: call(library)) for library in LIBRARIES)
    assert theirs == mine and mine[0] == "RuntimeError"


def test_exponentials_of_large_and_empty_matrices() -> None:
    for shape, scale in (((0, 0), 1.0), ((2, 0, 0), 1.0), ((3, 3), 30.0), ((2, 5, 5), 8.0), ((4, 4), 1e-9)):
        found = []
        for library in LIBRARIES:
            library.manual_seed(0)
            found.append(library.matrix_exp(scale * library.randn(shape, dtype=library.float64)))
        same(found[0], found[1], 1e-10, 1e-10)
