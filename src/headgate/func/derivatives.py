"""Gradients of functions as functions, and products with their Jacobians, made of autograd's `grad`.

A level of differentiation is a fresh alias of each argument. A result keeps its history where that leads to a leaf
of somebody else's (an outer level, a parameter), and is cut from it where it leads to the aliases alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from headgate.autograd.backward import grad as autograd_grad
from headgate.autograd.grad_mode import enable_grad, is_grad_enabled
from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.utils._pytree import tree_flatten, tree_map, tree_unflatten


def aliases_of(values: list[Any]) -> list[Any]:
    """Tensors over the same memory that gradients can be asked for; what they were made from stays reachable.

    ValueError for what is no tensor, RuntimeError for one that cannot have a gradient.
    """
    found = []
    for x in values:
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        attached = x.requires_grad and is_grad_enabled()
        with enable_grad():
            found.append(x.view_as(x) if attached else x.detach().requires_grad_())
    return found


def reaches_others(outputs: list[Any], own: list[Any]) -> bool:
    """Whether the history of some output leads to a leaf that is not among `own`."""
    mine = {id(x) for x in own}
    waiting = [y.grad_fn for y in outputs if isinstance(y, Tensor) and y.grad_fn is not None]
    if any(isinstance(y, Tensor) and y.grad_fn is None and y.requires_grad and id(y) not in mine for y in outputs):
        return True
    seen = set()
    while waiting:
        node = waiting.pop()
        for following, _ in node.next_functions:
            if following is None or following in seen:
                continue
            seen.add(following)
            if not following.next_functions and hasattr(following, "variable"):
                if id(following.variable) not in mine:
                    return True
                continue
            waiting.append(following)
    return False


def cut(value: Any, keep: bool) -> Any:
    """A result as the caller gets it: tensors without history unless it is kept."""
    return value if keep else tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, value)


def pulled(outputs: list[Any], weights: list[Any], inputs: list[Any], *, keep: bool, retain: bool) -> list[Any]:
    """Weights times Jacobian, zeros where nothing depends; with a history of its own where `keep`."""
    pairs = [(y, w) for y, w in zip(outputs, weights) if y.requires_grad]
    found: Any = (None,) * len(inputs)
    if pairs:
        with enable_grad():
            found = autograd_grad([y for y, _ in pairs], inputs, [w for _, w in pairs], retain_graph=retain or keep,
                                  create_graph=keep, allow_unused=True)
    zeros = PUBLIC["zeros_like"]
    return [zeros(x.detach()) if g is None else g if keep else g.detach() for g, x in zip(found, inputs)]


def chosen(args: tuple[Any, ...], argnums: Any) -> tuple[int, ...]:
    """The places of the arguments to differentiate by. RuntimeError for one that does not exist, or twice the same."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    for number in numbers:
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    places = tuple(number % len(args) for number in numbers)
    if len(set(places)) < len(places):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return places


class Level:
    """Arguments with those to differentiate by replaced by aliases, flat in `inputs`."""

    def __init__(self, args: tuple[Any, ...], argnums: Any) -> None:
        places = chosen(args, argnums)
        picked = args[places[0]] if isinstance(argnums, int) else tuple(args[place] for place in places)
        leaves, self.spec = tree_flatten(picked)
        self.inputs = aliases_of(leaves)
        built = tree_unflatten(self.inputs, self.spec)
        wrapped = list(args)
        for place, value in zip(places, (built,) if isinstance(argnums, int) else built):
            wrapped[place] = value
        self.args = tuple(wrapped)

    def keeps(self, outputs: list[Any]) -> bool:
        """Whether results that are made from the outputs have a history for somebody else."""
        return is_grad_enabled() and reaches_others(outputs, self.inputs)


def grad_and_value(
    func: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False,
) -> Callable[..., Any]:
    """A function that gives (gradient, value) of a function with one number as result.

    argnums: by which arguments, each a tensor or containers of such; several give a tuple. has_aux: the function
    returns (value, more), and the result is (gradient, (value, more)). RuntimeError unless the value is one number.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level(args, tuple(argnums) if isinstance(argnums, (list, tuple)) else argnums)
        with enable_grad():
            output = func(*level.args, **kwargs)
        more = None
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError("grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) "
                                   "if has_aux is True")
            output, more = output
        if not isinstance(output, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
        if output.ndim != 0:
            raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                               f"{output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?")
        keep = level.keeps([output])
        ones = [PUBLIC["ones_like"](output.detach())]
        found = tree_unflatten(pulled([output], ones, level.inputs, keep=keep, retain=False), level.spec)
        value = cut(output, keep)
        return (found, (value, cut(more, keep))) if has_aux else (found, value)

    return wrapper


def grad(func: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of a function with one number as result; may be nested.

    argnums: by which arguments, each a tensor or containers of such; several give a tuple. has_aux: the function
    returns (value, more), and the result is (gradient, more). RuntimeError unless the value is one number.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, rest = both(*args, **kwargs)
        return (found, rest[1]) if has_aux else found

    return wrapper


def outputs_of(output: Any, where: str) -> tuple[list[Any], Any]:
    """The tensors of a function's result and their structure. RuntimeError for anything but tensors."""
    leaves, spec = tree_flatten(output)
    for y in leaves:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{where}: Expected f(*args) to return only tensors, got unsupported type {type(y)}")
    return leaves, spec


def split_aux(output: Any, has_aux: bool, where: str) -> tuple[Any, Any]:
    """(result, more) of a function that returns both where `has_aux`."""
    if not has_aux:
        return output, None
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return output


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(result, function from a cotangent to cotangent times Jacobian, a tuple with one gradient per argument).

    With `has_aux` the function returns (result, more), and `more` comes last. RuntimeError for a cotangent of another
    structure than the result.
    """
    level = Level(primals, tuple(range(len(primals))))
    with enable_grad():
        output, more = split_aux(func(*level.args), has_aux, "vjp(f, *primals)")
    outputs, spec = outputs_of(output, "vjp(f, *primals)")
    keep = level.keeps(outputs)

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        weights, given = tree_flatten(cotangents)
        if given != spec:
            raise RuntimeError("Expected pytree structure of cotangents to be the same as pytree structure of outputs "
                               f"to the function. cotangents: {shown(given)}, primal output: {shown(spec)}")
        further = is_grad_enabled() and (keep or any(isinstance(w, Tensor) and w.requires_grad for w in weights))
        found = pulled(outputs, weights, level.inputs, keep=bool(further), retain=retain_graph)
        return tree_unflatten(found, level.spec)

    result = cut(output, keep)
    return (result, pull, cut(more, keep)) if has_aux else (result, pull)


def shown(spec: Any) -> str:
    """A structure in short: "*" for a value, "(*, *)" for a pair."""
    if spec.is_leaf():
        return "*"
    inner = [shown(one) for one in spec.children_specs]
    if spec.type is list:
        return f"[{', '.join(inner)}]"
    if issubclass(spec.type, dict):
        return "{" + ", ".join(f"{key!r}: {one}" for key, one in zip(spec.context, inner)) + "}"
    return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(result, function from tangents to Jacobian times tangents at these arguments)."""
    from headgate.func.jacobians import jvp

    return func(*primals), lambda *tangents: jvp(func, primals, tangents)[1]
