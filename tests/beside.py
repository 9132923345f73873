"""A layer in both libraries, made from one seed: its parameters, results and gradients of two orders side by side."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

import headgate

LIBRARIES = (torch, headgate)


def arrays(value: Any) -> list[np.ndarray[Any, Any]]:
    """All tensors in a result, as arrays."""
    if isinstance(value, (list, tuple)):
        return [array for item in value for array in arrays(item)]
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays(item)]
    if hasattr(value, "detach"):
        return [np.asarray(value.detach().numpy(force=True))]  # forced: PyTorch's zeros without memory
    return []


def same(first: Any, second: Any, rtol: float, atol: float, what: str = "") -> None:
    """Assert that two results hold the same numbers, shapes and types."""
    ones, twos = arrays(first), arrays(second)
    assert len(ones) == len(twos), what
    for one, two in zip(ones, twos):
        assert one.dtype == two.dtype and one.shape == two.shape, (what, one.dtype, two.dtype, one.shape, two.shape)
        np.testing.assert_allclose(two, one, rtol=rtol, atol=atol, err_msg=what, equal_nan=True)


def outcome(call: Any) -> Any:
    """A result, or the class and the first words of the error."""
    try:
        return call()
    except Exception as problem:
        return type(problem).__name__, str(problem)[:40]


def inputs(library: Any, given: list[Any], kind: Any) -> list[Any]:
    """The arrays as tensors of one library; floats of the wanted type and with gradients."""
    made = []
    for one in given:
        if isinstance(one, np.ndarray):
            tensor = library.from_numpy(one.copy())
            if tensor.is_floating_point():
                tensor = tensor.to(getattr(library, kind)).requires_grad_()
            made.append(tensor)
        else:
            made.append(one)
    return made


def run(library: Any, make: Any, given: list[Any], kind: str, train: bool, second: bool) -> dict[str, Any]:
    """What a layer does: its first parameters, its result, gradients, gradients of those, and its buffers after."""
    library.manual_seed(7)
    module = make(library.nn)
    module.to(getattr(library, kind)).train(train)
    before = copy.deepcopy(list(module.state_dict().items()))
    values = inputs(library, given, kind)
    library.manual_seed(11)
    result = module(*values)
    outputs = [one for one in (result if isinstance(result, tuple) else (result,)) if one.is_floating_point()]
    wanted = [one for one in (*values, *module.parameters()) if hasattr(one, "requires_grad") and one.requires_grad]
    weighted = sum((one * library.linspace(0.5, 1.5, one.numel(), dtype=one.dtype).view(one.shape)).sum()
                   for one in outputs)
    grads: Any = ()
    twice: Any = ()
    if wanted and weighted.requires_grad:
        grads = library.autograd.grad(weighted, wanted, create_graph=second, allow_unused=True)
        total = sum((one * one).sum() for one in grads if one is not None and one.requires_grad) if second else 0
        if second and hasattr(total, "requires_grad"):
            twice = library.autograd.grad(total, wanted, allow_unused=True)
    return {"before": [value for _, value in before], "names": [name for name, _ in before], "result": result,
            "grads": [one for one in grads if one is not None], "twice": [one for one in twice if one is not None],
            "buffers": list(module.buffers()), "text": repr(module), "drawn": library.rand(3)}


def compare(
    make: Any, *given: Any, kind: str = "float64", train: bool = True, second: bool = True, rtol: float | None = None,
    atol: float | None = None, exact: bool = True,
) -> None:
    """Assert that a layer is the same in both libraries. `make`: from the `nn` module to the layer.

    `exact`: the first values of parameters and buffers are the same to the bit.
    """
    theirs, mine = (run(library, make, list(given), kind, train, second) for library in LIBRARIES)
    rtol = rtol if rtol is not None else {"float64": 1e-9, "float32": 2e-5}[kind]
    atol = atol if atol is not None else {"float64": 1e-11, "float32": 2e-6}[kind]
    assert theirs["text"] == mine["text"]
    assert theirs["names"] == mine["names"]
    same(theirs["before"], mine["before"], 0 if exact else rtol, 0 if exact else atol, "initial values")
    for part in ("result", "grads", "buffers"):
        same(theirs[part], mine[part], rtol, atol, part)
    same(theirs["twice"], mine["twice"], rtol * 10, atol * 10, "second gradients")
    same(theirs["drawn"], mine["drawn"], 0, 0, "the random stream afterwards")
