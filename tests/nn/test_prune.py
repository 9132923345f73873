"""torch.nn.utils.prune and skip_init beside PyTorch: masks, names, what is left after removal, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.prune

import headgate
import headgate.nn.utils.prune


def net(t: Any) -> Any:
    t.manual_seed(3)
    return t.nn.Sequential(t.nn.Conv2d(2, 4, 3), t.nn.Flatten(), t.nn.Linear(16, 3))


def own_method(t: Any) -> Any:
    class EveryOther(t.nn.utils.prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, scores: Any, default_mask: Any) -> Any:
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    return EveryOther


def every(p: Any, m: Any) -> list[tuple[Any, str]]:
    return [(m[0], "weight"), (m[2], "weight")]


PROGRAMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "identity": lambda t, p, m: p.identity(m[0], "weight"),
    "random": lambda t, p, m: p.random_unstructured(m[0], "weight", 0.3),
    "l1": lambda t, p, m: p.l1_unstructured(m[2], "weight", 7),
    "l1 by scores": lambda t, p, m: p.l1_unstructured(m[2], "bias", 1, importance_scores=t.tensor([3.0, 1.0, 2.0])),
    "channels": lambda t, p, m: p.random_structured(m[0], "weight", 2, 0),
    "norms": lambda t, p, m: p.ln_structured(m[0], "weight", 0.5, n=2, dim=0),
    "norms of inputs": lambda t, p, m: p.ln_structured(m[2], "weight", amount=5, n=1, dim=-1),
    "a mask": lambda t, p, m: p.custom_from_mask(m[2], "bias", t.tensor([1.0, 0.0, 1.0])),
    "nothing": lambda t, p, m: p.ln_structured(m[2], "weight", 0, n=1, dim=0),
    "twice": lambda t, p, m: (p.l1_unstructured(m[0], "weight", 0.5), p.l1_unstructured(m[0], "weight", 0.5)),
    "three": lambda t, p, m: (p.ln_structured(m[0], "weight", 0.5, n=2, dim=0),
                              p.random_unstructured(m[0], "weight", 0.5),
                              p.random_structured(m[0], "weight", 1, dim=0)),
    "global": lambda t, p, m: p.global_unstructured(every(p, m), p.L1Unstructured, amount=0.4),
    "global again": lambda t, p, m: (p.l1_unstructured(m[0], "weight", 20),
                                     p.global_unstructured(every(p, m), p.RandomUnstructured, amount=30)),
    "own": lambda t, p, m: own_method(t).apply(m[2], "weight"),
    "own twice": lambda t, p, m: (p.l1_unstructured(m[2], "weight", 9), own_method(t).apply(m[2], "weight")),
}


def state(m: Any) -> dict[str, Any]:
    return {name: value.numpy() for name, value in m.state_dict().items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_beside_pytorch(name: str) -> None:
    """State, result, gradients and hooks after pruning; the parameters after removal."""
    found = []
    for t in (torch, headgate):
        m, p = net(t), t.nn.utils.prune
        PROGRAMS[name](t, p, m)
        pruned = state(m)
        y = m(t.ones(2, 2, 4, 4)).pow(2).sum()
        y.backward()
        grads = {key: None if one.grad is None else one.grad.numpy() for key, one in m.named_parameters()}
        hooks = [type(hook).__name__ for one in m.modules() for hook in one._forward_pre_hooks.values()]
        flags = [p.is_pruned(m), p.is_pruned(m[1])]
        for one in m:
            for key in ("weight", "bias"):
                if hasattr(one, key + "_mask"):
                    p.remove(one, key)
        found.append((pruned, y.item(), grads, hooks, flags, state(m), p.is_pruned(m)))
    theirs, mine = found
    assert mine[3:5] == theirs[3:5] and mine[6] == theirs[6]
    for place in (0, 2, 5):
        assert list(mine[place]) == list(theirs[place])
        for key in theirs[place]:
            np.testing.assert_allclose(mine[place][key], theirs[place][key], rtol=1e-5, atol=1e-6, err_msg=key)
    np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-5)


ERRORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "a text": lambda t, p, m: p.l1_unstructured(m[0], "weight", "all"),
    "too much": lambda t, p, m: p.l1_unstructured(m[0], "weight", 1.5),
    "below zero": lambda t, p, m: p.random_unstructured(m[0], "weight", -1),
    "more than there is": lambda t, p, m: p.l1_unstructured(m[2], "bias", 10),
    "no channels": lambda t, p, m: p.ln_structured(m[2], "bias", 1, n=1, dim=0),
    "no such dim": lambda t, p, m: p.random_structured(m[2], "weight", 1, dim=2),
    "not pruned": lambda t, p, m: p.remove(m[2], "weight"),
    "no pairs": lambda t, p, m: p.global_unstructured(3, p.L1Unstructured, amount=0.1),
    "scores": lambda t, p, m: p.global_unstructured(every(p, m), p.L1Unstructured, importance_scores=[1], amount=0.1),
    "a method of channels": lambda t, p, m: p.global_unstructured(every(p, m), p.LnStructured, amount=0.1, n=1),
    "no method": lambda t, p, m: p.PruningContainer().add_pruning_method(3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch, torch.nn.utils.prune, net(torch))
    with pytest.raises(type(theirs.value)) as mine:
        ERRORS[name](headgate, headgate.nn.utils.prune, net(headgate))
    wanted = str(theirs.value).replace("torch.nn.utils.prune", "headgate.nn.utils.prune")
    assert str(mine.value) == wanted.replace("class 'torch", "class 'headgate")


def test_a_failed_pruning_leaves_the_module_whole() -> None:
    m = net(headgate)
    before = list(state(m))
    with pytest.raises(ValueError, match="should be smaller"):
        headgate.nn.utils.prune.l1_unstructured(m[2], "bias", 10)
    assert list(state(m)) == before and isinstance(m[2].bias, headgate.nn.Parameter)


def test_skip_init() -> None:
    headgate.manual_seed(1)
    before = headgate.get_rng_state()
    layer = headgate.nn.utils.skip_init(headgate.nn.Linear, 3, 2, bias=False)
    assert layer.weight.shape == (2, 3) and layer.bias is None
    assert headgate.equal(before, headgate.get_rng_state())
    for wanted, kind in (("Expected a Module; got", dict), ("must support a 'device' arg", headgate.nn.ReLU)):
        with pytest.raises(RuntimeError, match=wanted):
            headgate.nn.utils.skip_init(kind)
        with pytest.raises(RuntimeError, match=wanted):
            torch.nn.utils.skip_init(dict if kind is dict else torch.nn.ReLU)
