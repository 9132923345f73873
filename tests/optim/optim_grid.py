"""The grid of optimizers and options that the tests of this room run, and how one run is made in either library.

It imports both libraries and knows no test.
"""

from typing import Any

import numpy as np

Options = dict[str, Any]

GRID: dict[str, list[Options]] = {
    "SGD": [
        {"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.01, "maximize": True}, {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True, "weight_decay": 0.1},
        {"lr": 1, "foreach": False},
    ],
    "Adam": [
        {}, {"lr": 0.1, "betas": (0.5, 0.9)}, {"lr": 0.1, "betas": (0.3, 0.9)}, {"weight_decay": 0.1},
        {"amsgrad": True, "lr": 0.05}, {"maximize": True, "eps": 1e-3, "weight_decay": 0.1},
        {"decoupled_weight_decay": True, "weight_decay": 0.1, "amsgrad": True},
    ],
    "AdamW": [{}, {"lr": 0.1, "amsgrad": True, "maximize": True}],
    "NAdam": [
        {}, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        {"momentum_decay": 0.1, "maximize": True},
    ],
    "RAdam": [
        {}, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        {"betas": (0.9, 0.9), "maximize": True},
    ],
    "Adamax": [{}, {"lr": 0.1, "weight_decay": 0.1, "maximize": True, "betas": (0.4, 0.9)}],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-2}],
    "Adadelta": [{}, {"lr": 0.1, "rho": 0.5, "weight_decay": 0.1, "maximize": True, "eps": 1e-3}],
    "RMSprop": [
        {}, {"momentum": 0.9}, {"centered": True},
        {"centered": True, "momentum": 0.9, "weight_decay": 0.1, "maximize": True, "alpha": 0.4, "lr": 0.1},
    ],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.4), "step_sizes": (1e-3, 0.5), "maximize": True}],
    "ASGD": [{}, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 5, "weight_decay": 0.1, "maximize": True}],
    "Adafactor": [{}, {"lr": 0.1, "beta2_decay": -0.5, "d": 2.0, "weight_decay": 0.1, "maximize": True}],
}  # fmt: skip
CASES = [(name, options) for name, many in GRID.items() for options in many]
#: Shapes and types of the parameters; the one named LATE has a gradient at two of three steps only.
KINDS = [((7,), "f4"), ((33, 9), "f4"), ((), "f4"), ((3, 5, 2), "f4"), ((6, 4), "f8"), ((1,), "f4")]
LATE = 3


def case_name(case: tuple[str, Options]) -> str:
    return case[0] + "".join(f"-{key}={value}" for key, value in case[1].items()).replace(" ", "")


def draw(rng: np.random.Generator, kind: tuple[tuple[int, ...], str]) -> np.ndarray:
    return np.asarray(rng.standard_normal(kind[0]), kind[1])


def parameters(lib: Any, seed: int = 0) -> list[Any]:
    """Leaves of every kind, and one that never gets a gradient."""
    rng = np.random.default_rng(seed)
    made = [lib.tensor(draw(rng, kind)).requires_grad_(True) for kind in KINDS]
    return [*made, lib.zeros(3, requires_grad=True)]


def give_gradients(lib: Any, params: list[Any], step: int) -> None:
    rng = np.random.default_rng(1000 + step)
    for place, (param, kind) in enumerate(zip(params, KINDS)):
        value = draw(rng, kind)
        param.grad = None if place == LATE and step % 3 == 1 else lib.tensor(value)


def run(lib: Any, optimizer: Any, params: list[Any], steps: range) -> list[list[np.ndarray]]:
    """The parameters after each step."""
    path = []
    for step in steps:
        give_gradients(lib, params, step)
        optimizer.step()
        path.append([param.detach().numpy().copy() for param in params])
    return path


def translated(lib: Any, value: Any) -> Any:
    """A state_dict of the other library in this one's tensors."""
    if hasattr(value, "detach"):
        return lib.tensor(value.detach().numpy())
    if isinstance(value, dict):
        return {key: translated(lib, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(translated(lib, item) for item in value)
    return value


def arrays(value: Any, place: str = "") -> dict[str, Any]:
    """A state_dict flattened: place -> array or plain value."""
    if hasattr(value, "detach"):
        return {place: value.detach().numpy()}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else None
    if items is None:
        return {place: value}
    return {key: item for name, inner in items for key, item in arrays(inner, f"{place}.{name}").items()}
