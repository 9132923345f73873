"""In which order of dims results lie in memory, and what edges a node has, beside PyTorch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import headgate
from headgate.core.declare import REGISTRY

sys.path.insert(0, str(Path(__file__).parent))

import table

PURE = os.environ.get("HEADGATE_PURE", "0") not in ("", "0")
OPERANDS = {
    "transposed": lambda t: (t.ones(2, 3).t(), 2.0), "permuted": lambda t: (t.ones(2, 3, 4).permute(2, 0, 1), 2.0),
    "strided": lambda t: (t.ones(4, 6)[::2, ::3].t(), 2.0), "expanded": lambda t: (t.ones(3, 1).expand(3, 2), 2.0),
    "alike": lambda t: (t.ones(2, 3).t(), t.ones(2, 3).t()), "unlike": lambda t: (t.ones(2, 3).t(), t.ones(3, 2)),
    "other first": lambda t: (t.ones(3, 2), t.ones(2, 3).t()), "row": lambda t: (t.ones(2, 3).t(), t.ones(2)),
    "other type": lambda t: (t.ones(2, 2).expand(2, 2, 2), t.ones(2, 2).double()),
    "column of one": lambda t: (t.ones(1, 3, 2).transpose(0, 2), 2.0),
    "turned row": lambda t: (t.ones(2, 1).t(), 2.0), "short of a long": lambda t: (t.ones(5)[::5], 2.0),
    "turned rows": lambda t: (t.ones(2, 1).t()[None], t.ones(2, 2)),
    "of another type": lambda t: (t.ones(2, 1, 3).permute(2, 1, 0), t.ones(3, 2, 1).double()),
    "turned and cut": lambda t: (t.ones(3, 1).t()[:, ::2], 2.0),
}  # fmt: skip
CALLS = {
    "exp": lambda x, y: x.exp(), "add": lambda x, y: x + y, "mul": lambda x, y: x * y, "rsub": lambda x, y: y - x,
    "pow": lambda x, y: x**2, "clone": lambda x, y: x.clone(), "double": lambda x, y: x.double(),
    "gt": lambda x, y: x > y,
    "relu": lambda x, y: x.relu(), "clamp": lambda x, y: x.clamp(0, 1), "flip": lambda x, y: x.flip(0),
    "sort": lambda x, y: x.sort(-1)[0], "fill": lambda x, y: x.clone().fill_(1), "sigmoid": lambda x, y: x.sigmoid(),
    "sub": lambda x, y: x - y,
    "index_fill": lambda x, y: x.index_fill(0, (x.flatten()[:1] * 0).long(), 0.5), "sum": lambda x, y: x.sum(0),
}  # fmt: skip


#: What keeps the strides along dims of one element too, on which later results' layouts may hang.
ALL_STEPS = ("exp", "add", "mul", "rsub", "pow", "clone", "double", "relu", "flip", "sort", "sub")


def steps(x: Any) -> list[int]:
    return [step for step, length in zip(x.stride(), x.shape) if length > 1]


@pytest.mark.parametrize("operands", OPERANDS)
@pytest.mark.parametrize("call", CALLS)
def test_layout(call: str, operands: str) -> None:
    mine, theirs = (CALLS[call](*OPERANDS[operands](library)) for library in (headgate, torch))
    assert steps(mine) == steps(theirs)
    if call in ALL_STEPS:
        assert mine.stride() == theirs.stride()


def chosen(library: Any) -> list[Any]:
    """Results of where: its operands are brought to one type before their layouts are looked at."""
    row, column = library.ones(3).expand(2, 3), library.ones(2, 1).double()
    both = library.ones(2, 3).t().expand(2, 3, 2)
    return [
        library.where(column > 0, column, row), library.where(column > 0, row, column),
        library.where(row > 0, row, row), library.where(both > 0, both, both.double()),
    ]  # fmt: skip


def test_layout_of_where() -> None:
    assert [steps(x) for x in chosen(headgate)] == [steps(x) for x in chosen(torch)]


@pytest.mark.parametrize("operands", OPERANDS)
def test_layout_of_fill(operands: str) -> None:
    mine, theirs = (library.fill(OPERANDS[operands](library)[0], 2.0) for library in (headgate, torch))
    assert mine.stride() == theirs.stride()


@pytest.mark.parametrize("like", ["zeros_like", "ones_like", "empty_like", "rand_like", "randn_like"])
def test_layout_of_the_like(like: str) -> None:
    for operands in ("transposed", "permuted", "strided", "expanded"):
        mine, theirs = (getattr(library, like)(OPERANDS[operands](library)[0]) for library in (headgate, torch))
        assert steps(mine) == steps(theirs), operands


#: One node here where PyTorch has a chain that ends in a node of another meaning under that name.
FUSED = ("gru_cell", "rnn_relu_cell", "rnn_tanh_cell", "nn.functional.pad",
         "nn.functional.scaled_dot_product_attention")


def walk(mine: Any, theirs: Any, depth: int = 0) -> None:
    """Nodes of the same name have the same edges."""
    if mine is None or theirs is None or mine.name() != theirs.name() or "NotImplemented" in mine.name() or depth > 5:
        return
    ours, others = mine.next_functions, theirs.next_functions
    assert [f is None for f, _ in ours] == [f is None for f, _ in others], mine.name()
    for (one, _), (other, _) in zip(ours, others):
        walk(one, other, depth + 1)


@pytest.mark.skipif(PURE, reason="the same nodes as compiled")
@pytest.mark.parametrize("name", table.names())
def test_edges(name: str) -> None:
    """For all inputs, and with each one alone requiring grad, whose gradient then needs nothing undeclared."""
    declared = REGISTRY[name]
    reference = table.torch_function(declared)
    for args, kwargs in table.sample_calls(declared, table.Maker(declared, "float64", "contiguous")):
        inputs = [x for x in table.tensors_in((args, kwargs), headgate.Tensor) if x.dtype.is_floating_point]
        for alone in (None, *range(len(inputs))):
            for i, x in enumerate(inputs):
                x.requires_grad_(alone in (None, i))
            other = table.to_torch((args, kwargs))
            results = [table.outcome(lambda: declared.entry(*args, **kwargs))[0]]
            results.append(table.outcome(lambda: reference(*other[0], **other[1]))[0])
            if None in [None if one is None else 0 for one in results]:
                continue
            for y, z in zip(table.tensors_in(results[0], headgate.Tensor), table.tensors_in(results[1], torch.Tensor)):
                if name not in FUSED:
                    walk(y.grad_fn, z.grad_fn)
                if z.requires_grad and y.requires_grad and y.is_floating_point():
                    error = table.outcome(lambda: z.backward(torch.ones_like(z), retain_graph=True))[1]
                    if error is None:
                        y.backward(headgate.ones_like(y), retain_graph=True)
