"""Whole Jacobians and Hessians of functions, and products with a Jacobian from the right.

All by reverse mode: a product from the right is the derivative of one from the left by its weights.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from headgate.autograd.grad_mode import enable_grad, is_grad_enabled
from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.func.derivatives import Level, cut, outputs_of, pulled, split_aux
from headgate.utils._pytree import tree_flatten, tree_unflatten

SIZES = (
    "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
    "supported. Tensor is of size {size} while the given forward gradient is of size {got}."
)


def check_tangents(primals: Any, tangents: Any) -> list[Any]:
    """The tangents, flat. RuntimeError unless both are tuples of one structure, and of one size each."""
    if not isinstance(primals, tuple):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid to call "
                           "f(*primals).")
    leaves, spec = tree_flatten(primals)
    found, given = tree_flatten(tangents)
    if spec != given:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python "
                           "structure. For example, if primals is a tuple of 3 tensors, tangents also must be. Got "
                           f"primals with structure {spec} and tangents with structure {given}")
    for x, t in zip(leaves, found):
        if isinstance(x, Tensor) and isinstance(t, Tensor) and x.shape != t.shape:
            raise RuntimeError(SIZES.format(size=list(x.shape), got=list(t.shape)))
    return found


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False,
) -> Any:
    """(result, Jacobian times tangents); with `has_aux` the function returns (result, more), and `more` comes last.

    Differs from PyTorch: it is computed by differentiating twice in reverse, so the function must allow that.
    """
    vector = check_tangents(primals, tangents)
    level = Level(primals, tuple(range(len(primals))))
    with enable_grad():
        output, more = split_aux(func(*level.args), has_aux, "jvp(f, primals, tangents)")
    outputs, spec = outputs_of(output, "jvp(f, primals, tangents)")
    keep = level.keeps(outputs) or is_grad_enabled() and any(t.requires_grad for t in vector)
    with enable_grad():
        weights = [PUBLIC["zeros_like"](y.detach()).requires_grad_() for y in outputs]
        first = pulled(outputs, weights, level.inputs, keep=True, retain=True)
    result = pulled(first, vector, weights, keep=keep, retain=True)
    found = tree_unflatten(result, spec)
    return (cut(output, keep), found, cut(more, keep)) if has_aux else (cut(output, keep), found)


def rows_of(y: Any, level: Level, keep: bool) -> list[Any]:
    """The Jacobians of one output by every input: shape (*output, *input)."""
    shape = tuple(y.shape)
    if y.numel() == 0:
        return [PUBLIC["zeros"](shape + tuple(x.shape), dtype=y.dtype) for x in level.inputs]
    with enable_grad():
        elements = y.reshape(-1).unbind(0)
    one = PUBLIC["ones"]((), dtype=y.dtype)
    rows = [pulled([element], [one], level.inputs, keep=keep, retain=True) for element in elements]
    return [PUBLIC["stack"](column).view(shape + tuple(x.shape)) for column, x in zip(zip(*rows), level.inputs)]


def check_chunk(chunk_size: int | None, where: str) -> None:
    """ValueError for a number of rows at a time that is none."""
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"{where}: `chunk_size` should be greater than 0.")


def jacobian_of(func: Callable[..., Any], argnums: Any, has_aux: bool, where: str) -> Callable[..., Any]:
    """The function that gives Jacobians."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level(args, tuple(argnums) if isinstance(argnums, (list, tuple)) else argnums)
        with enable_grad():
            output, more = split_aux(func(*level.args, **kwargs), has_aux, where)
        outputs, spec = outputs_of(output, where)
        keep = level.keeps(outputs)
        found = [tree_unflatten(rows_of(y, level, keep), level.spec) for y in outputs]
        result = tree_unflatten(found, spec)
        return (result, cut(more, keep)) if has_aux else result

    return wrapper


def jacrev(
    func: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False,
    chunk_size: int | None = None, _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of a function: shape (*result, *argument), in the containers of both.

    argnums: by which arguments; several give a tuple. has_aux: the function returns (result, more), and the result is
    (Jacobian, more). chunk_size has no effect: a row at a time is computed.
    """
    check_chunk(chunk_size, "jacrev")
    return jacobian_of(func, argnums, has_aux, "jacrev(f, *args)")


def jacfwd(
    func: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, *,
    chunk_size: int | None = None, randomness: str = "error",
) -> Callable[..., Any]:
    """As `jacrev`. Differs from PyTorch: by reverse mode too, a row for each element of the result."""
    check_chunk(chunk_size, "jacfwd")
    return jacobian_of(func, argnums, has_aux, "jacfwd(f, *args)")


def hessian(func: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of a function: shape (*result, *argument, *argument)."""
    return jacfwd(jacrev(func, argnums), argnums)
