"""Steps on other tensors: an optimizer's parameters and state exchanged for a while. It knows no rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from headgate.optim.optimizer import is_tensor

NAME = "swap_in_optimizer_params_and_state"
PACKED = "optimizer.state_dict()-style "


def _refuse_unless(right: bool, text: str) -> None:
    if not right:
        raise RuntimeError(text)


def _checked_state(state: Any) -> dict[Any, Any]:
    """The states by number; RuntimeError for anything else."""
    _refuse_unless(isinstance(state, dict), (
        f"{NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param state "
        f"dicts, got {type(state).__name__}."))
    _refuse_unless(not any(map(is_tensor, state)), f"{NAME} requires {PACKED}state keyed by packed parameter ids.")
    _refuse_unless(all(isinstance(value, dict) for key, value in state.items() if isinstance(key, int)), (
        f"{NAME} requires per-parameter optimizer state entries to be dictionaries."))
    return state


def _checked_group(index: int, group: dict[str, Any], other: Any) -> list[int]:
    """The numbers of a group's parameters; RuntimeError unless the two groups have the same options and sizes."""
    _refuse_unless(isinstance(other, dict), f"{NAME} requires each optimizer param group to be a dictionary.")
    numbers = other.get("params")
    _refuse_unless(isinstance(numbers, list) and all(isinstance(one, int) for one in numbers), (
        f"{NAME} requires {PACKED}param_groups[*]['params'] entries keyed by packed parameter ids."))
    _refuse_unless(len(group["params"]) == len(numbers), (
        f"swapin_optim_state param group {index} has a different number of params than the live optimizer param "
        "group."))
    theirs, ours = [key for key in other if key not in group], [key for key in group if key not in other]
    _refuse_unless(not theirs and not ours, (
        f"{NAME} requires {PACKED}param group keys to exactly match the live optimizer group keys for group {index}. "
        f"Keys only in swap-in: {theirs}. Keys only in live: {ours}."))
    return numbers


def _prepared(optimizer: Any, parameters: dict[str, Any], saved: Any) -> tuple[list[Any], defaultdict[Any, Any]]:
    """What each group becomes, and the state by its new parameters."""
    _refuse_unless(bool(optimizer.state), f"{NAME} requires initialized optimizer state.")
    _refuse_unless(isinstance(saved, dict), f"{NAME} requires a DCP-style optimizer state_dict.")
    state, others = _checked_state(saved.get("state")), saved.get("param_groups")
    _refuse_unless(isinstance(others, list), (
        f"{NAME} requires swapin_optim_state['param_groups'] to be a list of param-group dicts, got "
        f"{type(others).__name__}."))
    _refuse_unless(len(optimizer.param_groups) == len(others), (
        "swapin_optim_state has a different number of parameter groups than the live optimizer."))
    left, groups = list(parameters.values()), []
    numbered: dict[int, Any] = {}
    for index, (group, other) in enumerate(zip(optimizer.param_groups, others)):
        numbers = _checked_group(index, group, other)
        taken, left = left[: len(numbers)], left[len(numbers) :]
        _refuse_unless(len(taken) == len(numbers), (
            f"{NAME} requires the explicit parameter state to match optimizer.param_groups ordering."))
        numbered.update(zip(numbers, taken))
        groups.append({**other, "params": taken})
    unknown = [key for key in state if key not in numbered]
    _refuse_unless(not unknown, (
        f"{NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter ids from "
        f"param_groups[*]['params']; got extra keys {unknown!r}."))
    made: defaultdict[Any, Any] = defaultdict(dict)
    made.update({param: dict(state.get(number, {})) for number, param in numbered.items()})
    return groups, made


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Any, swapin_parameters: dict[str, Any], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Within the block `optimizer` has other parameters, in the order of its own, and the options and state of a
    `state_dict`; afterwards everything is as before. Tensors given are written in place by steps; what a step puts anew
    into a state is dropped. RuntimeError for an optimizer without state, or what does not fit it.
    """
    groups, made = _prepared(optimizer, swapin_parameters, swapin_optim_state)
    state, kept = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        for group, other in zip(optimizer.param_groups, groups):
            group.update(other)
        optimizer.state = made
        yield
    finally:
        for group, other in zip(optimizer.param_groups, kept):
            group.clear()
            group.update(other)
        optimizer.state = state
