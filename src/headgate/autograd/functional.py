"""torch.autograd.functional: products with Jacobians and Hessians, and whole ones, made of `grad`.

jvp and hvp use the double-backward trick, as PyTorch's do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.autograd.backward import grad
from headgate.autograd.grad_mode import enable_grad
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor


def _as_tuple(value: Any, what: str, where: str) -> tuple[bool, tuple[Any, ...]]:
    """(whether it was a tuple, the tuple); TypeError unless it holds tensors only."""
    many = isinstance(value, (tuple, list))
    items = tuple(value) if many else (value,)
    for index, item in enumerate(items):
        if not isinstance(item, Tensor):
            place = f"Value at index {index} in the tuple" if many else "The"
            raise TypeError(f"The {what} given to {where} must be either a Tensor or a tuple of Tensors but the value "
                            f"{'at index ' + str(index) if many else ''} has type {type(item)}. ({place})")
    return many, items


def _prepare(inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """Inputs that `grad` can be asked for: aliases with history, or fresh leaves."""
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs)
    return tuple(x.detach().requires_grad_() for x in inputs)


def _finish(values: tuple[Any, ...], many: bool, create_graph: bool) -> Any:
    out = values if create_graph else tuple(v.detach() for v in values)
    return out if many else out[0]


def _fill(grads: tuple[Any, ...], like: tuple[Any, ...], strict: bool, what: str) -> tuple[Any, ...]:
    """Zeros where nothing depends, or an error in strict mode."""
    result = []
    for index, (g, x) in enumerate(zip(grads, like)):
        if g is None and strict:
            raise RuntimeError(f"Output of the user-provided function is independent of {what} {index}. "
                               "This is not allowed in strict mode.")
        result.append(PUBLIC["zeros_like"](x) if g is None else g)
    return tuple(result)


def _check_vector(v: Any, like: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if the {what}.")
        return tuple(PUBLIC["ones_like"](x) for x in like)
    _, items = _as_tuple(v, "v", "the function")
    if len(items) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(items)}.")
    for index, (x, y) in enumerate(zip(items, like)):
        if x.shape != y.shape:
            raise RuntimeError(f"Entry {index} in v has invalid size: should be {y.shape} but got {x.shape}.")
    return items


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(outputs, v^T J): the product of a vector with the Jacobian of `func` at `inputs`."""
    with enable_grad():
        many_in, args = _as_tuple(inputs, "inputs", "vjp")
        args = _prepare(args, create_graph)
        many_out, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "vjp")
        weights = _check_vector(v, outputs, "user-provided function returns a single Tensor with a single element")
        wanted = [(y, w) for y, w in zip(outputs, weights) if y.requires_grad]
        found = grad([y for y, _ in wanted], args, [w for _, w in wanted], create_graph=create_graph,
                     allow_unused=True) if wanted else (None,) * len(args)
        product = _fill(found, args, strict, "input")
    return _finish(outputs, many_out, create_graph), _finish(product, many_in, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(outputs, J v): the product of the Jacobian with a vector, by differentiating v^T J with respect to v."""
    with enable_grad():
        _, args = _as_tuple(inputs, "inputs", "jvp")
        args = _prepare(args, create_graph)
        vector = _check_vector(v, args, "input to the user-provided function is a single Tensor with a single element")
        many_out, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "jvp")
        duals = tuple(PUBLIC["zeros_like"](y).requires_grad_() for y in outputs)
        wanted = [(y, d) for y, d in zip(outputs, duals) if y.requires_grad]
        first = grad([y for y, _ in wanted], args, [d for _, d in wanted], create_graph=True,
                     allow_unused=True) if wanted else (None,) * len(args)
        pairs = [(g, w) for g, w in zip(first, vector) if g is not None and g.requires_grad]
        found = grad([g for g, _ in pairs], duals, [w for _, w in pairs], create_graph=create_graph,
                     allow_unused=True) if pairs else (None,) * len(duals)
        product = _fill(found, outputs, strict, "output")
    return _finish(outputs, many_out, create_graph), _finish(product, many_out, create_graph)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: shape (*output, *input), nested in tuples where `func` returns or takes several tensors."""
    with enable_grad():
        many_in, args = _as_tuple(inputs, "inputs", "jacobian")
        args = _prepare(args, create_graph)
        many_out, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "jacobian")
        rows = tuple(_jacobian_of(y, args, create_graph, strict) for y in outputs)
    rows = tuple(tuple(j if create_graph else j.detach() for j in row) for row in rows)
    if many_out:
        return rows if many_in else tuple(row[0] for row in rows)
    return rows[0] if many_in else rows[0][0]


def _jacobian_of(y: Any, args: tuple[Any, ...], create_graph: bool, strict: bool) -> tuple[Any, ...]:
    """The Jacobians of one output with respect to every input."""
    rows: list[tuple[Any, ...]] = []
    for element in y.reshape(-1).unbind(0):
        found = grad(element, args, retain_graph=True, create_graph=create_graph,
                     allow_unused=True) if element.requires_grad else (None,) * len(args)
        rows.append(_fill(found, args, strict, "input"))
    if not rows:
        return tuple(PUBLIC["zeros"](tuple(y.shape) + tuple(x.shape), dtype=y.dtype) for x in args)
    return tuple(PUBLIC["stack"](column).view(tuple(y.shape) + tuple(x.shape)) for column, x in zip(zip(*rows), args))


def _scalar(func: Callable[..., Any], where: str) -> Callable[..., Any]:
    """`func`, refused unless it returns a single element."""

    def checked(*args: Any) -> Any:
        out = func(*args)
        if not isinstance(out, Tensor):
            raise RuntimeError(f"The function given to {where} should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {where} should contain a single element")
        return out.squeeze()

    return checked


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a scalar function: shape (*input, *input), nested in tuples for several inputs."""
    many, _ = _as_tuple(inputs, "inputs", "hessian")
    scalar = _scalar(func, "hessian")

    def gradient(*args: Any) -> Any:
        found = jacobian(scalar, args, create_graph=True)
        return found if many else found[0]

    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, v^T H): the product of a vector with the Hessian of a scalar function."""
    return _hessian_product(func, inputs, v, create_graph, strict, vjp, "vhp")


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, H v): the product of the Hessian of a scalar function with a vector."""
    return _hessian_product(func, inputs, v, create_graph, strict, jvp, "hvp")


def _hessian_product(
    func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, product: Callable[..., Any],
    where: str,
) -> Any:
    """v^T H or H v as the product of a vector with the Jacobian of the gradient."""
    many, args = _as_tuple(inputs, "inputs", where)
    scalar = _scalar(func, where)

    def gradient(*values: Any) -> Any:
        found = jacobian(scalar, values, create_graph=True)
        return found if many else found[0]

    with enable_grad():
        output = scalar(*_prepare(args, create_graph))
    result = product(gradient, inputs, v, create_graph=create_graph, strict=strict)[1]
    return output if create_graph else output.detach(), result
