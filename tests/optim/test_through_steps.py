"""Gradients of two orders through differentiable steps of every optimizer, for every keyword, beside PyTorch: to the
parameter, to the gradients it was stepped with, and to the rate as a tensor.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))
from test_every_option import BOTH, TABLE, cases, keywords, real

#: Whose second step writes over what the backward of the first needs, there and here.
ONCE = ("Adamax", "Rprop")
#: That take no rate which needs a gradient, there and here.
PLAIN_RATES = ("Adadelta", "Adagrad", "Adamax", "ASGD", "NAdam", "RMSprop", "Rprop")
DIFFERENTIABLE = [name for name in TABLE if "differentiable" in keywords(name)]


def through(t: Any, name: str, options: dict[str, Any], rate: bool) -> list[Any]:
    """The parameter after one or two steps, and what its gradients of two orders give each leaf."""
    rng = np.random.default_rng(5)
    leaves = [t.tensor(rng.random(4) + 0.5).requires_grad_(True) for _ in range(3)]
    param, made = leaves[0].clone(), real(t, {**options, "differentiable": True})
    if rate:
        made["lr"] = t.tensor(0.05, dtype=t.float64, requires_grad=True)
        leaves.append(made["lr"])
    optimizer = getattr(t.optim, name)([param], **made)
    for leaf in leaves[1:2 if name in ONCE else 3]:
        param.grad = (leaf * 1.5).sin()
        optimizer.step()
    first = t.autograd.grad((param**2).sum(), leaves, create_graph=True, allow_unused=True)
    used = [one for one in first if one is not None and one.requires_grad]
    second = t.autograd.grad(sum(one.atan().sum() for one in used), leaves, allow_unused=True) if used else []
    return [None if one is None else one.detach().numpy() for one in (param, *first, *second)]


def outcome(t: Any, name: str, options: dict[str, Any], rate: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return through(t, name, options, rate)
        except (RuntimeError, TypeError) as error:  # of rules that write what backward needs, or take no such rate
            return type(error).__name__


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("rate", [False, True])
def test_second_gradients(name: str, rate: bool) -> None:
    passed = 0
    for options, _ in cases(name):
        if options.get("foreach") or options.get("fused") or "differentiable" in options or (rate and "lr" in options):
            continue
        mine, theirs = (outcome(t, name, options, rate) for t in BOTH)
        if isinstance(mine, str) or isinstance(theirs, str):
            assert mine == theirs, f"{name} {options}"
            continue
        assert [one is None for one in mine] == [one is None for one in theirs], f"{name} {options}"
        for one, other in zip(mine, theirs):
            if other is not None:
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-8, err_msg=f"{name} {options}")
        passed += 1
    assert passed > 0 or (rate and name in PLAIN_RATES)


def test_the_tables_are_of_both_libraries() -> None:
    assert DIFFERENTIABLE and all(hasattr(t.optim, name) for t in (torch, headgate) for name in DIFFERENTIABLE)
