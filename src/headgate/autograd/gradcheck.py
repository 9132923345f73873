"""gradcheck and gradgradcheck: gradients against finite differences.

Both use only the public interface, so a wrong gradient anywhere below is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from headgate.autograd.backward import grad
from headgate.autograd.grad_mode import enable_grad, no_grad
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor
from headgate.errors import GradcheckError

Array = np.ndarray[Any, np.dtype[Any]]


def _tensors(value: Any) -> list[Any]:
    items = value if isinstance(value, (tuple, list)) else (value,)
    return [item for item in items if isinstance(item, Tensor)]


def _wanted(inputs: Sequence[Any]) -> list[Any]:
    found = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not found:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    return found


def _outputs(function: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    return [y for y in _tensors(function(*inputs)) if y.dtype.is_floating_point]


def _numerical(function: Callable[..., Any], inputs: Sequence[Any], x: Any, eps: float) -> list[Array]:
    """Per output the Jacobian (input elements x output elements), by central differences."""
    memory = x.detach().numpy()
    columns: list[list[Array]] = []
    for index in np.ndindex(memory.shape):
        before = memory[index].copy()
        sides = []
        for step in (eps, -eps):
            memory[index] = before + step
            with no_grad():
                sides.append([y.detach().numpy().astype(np.float64).ravel().copy() for y in _outputs(function, inputs)])
        memory[index] = before
        columns.append([(up - down) / (2 * eps) for up, down in zip(*sides)])
    count = len(_outputs(function, inputs))
    return [np.array([column[k] for column in columns]).reshape(memory.size, -1) for k in range(count)]


def _analytical(y: Any, x: Any) -> Array:
    """The Jacobian (input elements x output elements) by one backward pass per output element."""
    rows = []
    for k in range(y.numel()):
        seed = np.zeros(y.numel())
        seed[k] = 1
        g = PUBLIC["tensor"](seed.reshape(tuple(y.shape)), dtype=y.dtype)
        (row,) = grad(y, (x,), (g,), retain_graph=True, allow_unused=True)
        rows.append(np.zeros(x.numel()) if row is None else row.detach().numpy().astype(np.float64).ravel())
    return np.array(rows).reshape(y.numel(), x.numel()).T


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` at `inputs` agree with central differences of width `eps`.

    Inputs should be float64 (a warning otherwise). Every output element is differentiated: |analytical - numerical|
    <= atol + rtol |numerical|. Raises GradcheckError (False with raise_exception=False) where they differ, or where two
    backward passes differ by more than `nondet_tol`. Differs from PyTorch: always the slow mode, no forward mode.
    """
    args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    try:
        for index, x in enumerate(_wanted(args)):
            _check_input(func, args, index, x, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_input(
    func: Callable[..., Any], args: Sequence[Any], index: int, x: Any, eps: float, atol: float, rtol: float, tol: float
) -> None:
    """Compare the Jacobians of every output for one input."""
    outputs = _outputs(func, args)
    if not outputs:
        return
    for k, numerical in enumerate(_numerical(func, args, x, eps)):
        y = outputs[k]
        analytical = _analytical(y, x) if y.requires_grad else np.zeros_like(numerical)
        if not np.allclose(analytical, numerical, rtol, atol, equal_nan=True):
            raise GradcheckError(
                f"Jacobian mismatch for output {k} with respect to input {index},\n"
                f"numerical:{PUBLIC['from_numpy'](numerical)}\nanalytical:{PUBLIC['from_numpy'](analytical)}\n"
            )
        if y.requires_grad and np.abs(_analytical(y, x) - analytical).max(initial=0) > tol:
            raise GradcheckError(f"Backward is not reentrant, i.e., running backward with same input and grad_output "
                                 f"multiple times gives different values (output {k}, input {index})")


def gradgradcheck(
    func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:
    """Whether second gradients of `func` agree with differences of its first; arguments as for `gradcheck`.

    `grad_outputs` default to random tensors of the outputs' shapes.
    """
    args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    outputs = [y for y in _outputs(func, args) if y.requires_grad]
    random = np.random.default_rng(0)
    if grad_outputs is None:
        tensor = PUBLIC["tensor"]
        seeds = [tensor(random.normal(size=tuple(y.shape)), dtype=y.dtype, requires_grad=True) for y in outputs]
    else:
        seeds = list(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else [grad_outputs]
    count = len(args)

    def first(*values: Any) -> tuple[Any, ...]:
        results = [y for y in _outputs(func, values[:count]) if y.requires_grad]
        wanted = [x for x in values[:count] if isinstance(x, Tensor) and x.requires_grad]
        with enable_grad():
            found = grad(results, wanted, values[count:], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    def recorded(*values: Any) -> tuple[Any, ...]:
        with enable_grad():
            return first(*values)

    return gradcheck(recorded, args + tuple(seeds), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol)
