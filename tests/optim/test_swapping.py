"""Steps on other parameters and states, beside PyTorch."""

import copy
from typing import Any

import pytest
import torch

import headgate

BOTH = (headgate, torch)


def trained(t: Any, name: str) -> tuple[Any, list[Any]]:
    params = [t.tensor([1.0, 2.0], requires_grad=True), t.tensor([3.0], requires_grad=True)]
    options = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(t.optim, name)([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], lr=0.1, **options)
    step(t, optimizer, params)
    return optimizer, params


def step(t: Any, optimizer: Any, params: list[Any]) -> None:
    for param in params:
        param.grad = t.full_like(param, 0.5).detach()
    optimizer.step()


def numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "NAdam", "Adafactor"])
def test_steps_go_to_what_is_swapped_in(name: str) -> None:
    found = []
    for t in BOTH:
        optimizer, params = trained(t, name)
        before, own = copy.deepcopy(optimizer.state_dict()), [param.tolist() for param in params]
        others = {"a": t.tensor([5.0, 6.0], requires_grad=True), "b": t.tensor([7.0], requires_grad=True)}
        given = copy.deepcopy(optimizer.state_dict())
        given["param_groups"][0]["lr"] = 0.25
        groups = [group["params"] for group in optimizer.param_groups]
        with t.optim.swap_in_optimizer_params_and_state(optimizer, others, given):
            assert optimizer.param_groups[0]["params"][0] is others["a"] and optimizer.param_groups[0]["lr"] == 0.25
            step(t, optimizer, list(others.values()))
            optimizer.state[others["a"]]["new"] = 1
        assert numbers(optimizer.state_dict()) == numbers(before) and [param.tolist() for param in params] == own
        assert all(group["params"] is one for group, one in zip(optimizer.param_groups, groups))
        assert "new" not in given["state"][0]
        step(t, optimizer, params)
        found.append([[round(x, 5) for one in (*others.values(), *params) for x in one.tolist()],
                      sorted(map(str, given["state"][0]))])
    assert found[0] == found[1]


BAD: dict[str, Any] = {
    "no dict": lambda t, state: 3, "no state": lambda t, state: {**state, "state": 3},
    "tensors": lambda t, state: {**state, "state": {t.ones(1): {}}}, "no states": lambda t, state: {
        **state, "state": {0: 3}}, "groups": lambda t, state: {**state, "param_groups": 3},
    "one group": lambda t, state: {**state, "param_groups": state["param_groups"][:1]},
    "no group": lambda t, state: {**state, "param_groups": [3, 3]},
    "no numbers": lambda t, state: {**state, "param_groups": [{**one, "params": "a"} for one in state["param_groups"]]},
    "sizes": lambda t, state: {**state, "param_groups": [{**one, "params": [0, 1]} for one in state["param_groups"]]},
    "options": lambda t, state: {**state, "param_groups": [{**one, "more": 1} for one in state["param_groups"]]},
    "extra": lambda t, state: {**state, "state": {**state["state"], 9: {}}},
}  # fmt: skip


@pytest.mark.parametrize("name", [*BAD, "fresh", "few"])
def test_what_does_not_fit_is_refused(name: str) -> None:
    texts = []
    for t in BOTH:
        optimizer, params = trained(t, "Adam")
        state = optimizer.state_dict()
        others = {"a": t.ones(2), "b": t.ones(1)}
        if name == "fresh":
            optimizer = t.optim.Adam(params)
        if name == "few":
            others.pop("b")
        given = BAD[name](t, state) if name in BAD else state
        with pytest.raises(RuntimeError) as caught:
            with t.optim.swap_in_optimizer_params_and_state(optimizer, others, given):
                pass
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
