"""Every declared op, in every form, beside PyTorch: a new op needs no line here.

For each op and each of its sample calls: value and type in every layout and element type, gradient and second
gradient, the numerical check of both, the in-place form on a tensor and on a view, out=, what it reads for backward
(all else is poisoned), and special values.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
from headgate.core.declare import REGISTRY

sys.path.insert(0, str(Path(__file__).parent))

import table

PURE = os.environ.get("HEADGATE_PURE", "0") not in ("", "0")
LAYOUTS = ("contiguous", "transposed") if PURE else ("contiguous", "transposed", "strided")
DTYPES = ("float64",) if PURE else table.FLOATS + table.OTHERS

every_op = pytest.mark.parametrize("name", table.names())


def calls(name: str, dtype: str = "float64", layout: str = "contiguous", seed: int = 0) -> list[Any]:
    declared = REGISTRY[name]
    return table.sample_calls(declared, table.Maker(declared, dtype, layout, seed))


def differentiable(name: str) -> bool:
    return REGISTRY[name].differentiable


def with_grad(args: Any) -> list[headgate.Tensor]:
    """The float tensors among the arguments, made to require grad."""
    return [x.requires_grad_() for x in table.tensors_in(args, headgate.Tensor) if x.dtype.is_floating_point]


def torch_with_grad(args: Any) -> list[torch.Tensor]:
    return [x for x in table.tensors_in(args, torch.Tensor) if x.requires_grad]


def float_results(result: Any, kind: type) -> list[Any]:
    return [y for y in table.tensors_in(result, kind) if y.requires_grad]


@every_op
@pytest.mark.parametrize("layout", LAYOUTS)
def test_value(name: str, layout: str) -> None:
    """Value, shape and type, for every element type; an error where PyTorch has one, of its class."""
    reference = table.torch_function(REGISTRY[name])
    assert reference is not None, f"nothing to compare {name} with: give declare(reference=...)"
    for dtype in DTYPES:
        for args, kwargs in calls(name, dtype, layout):
            theirs, their_error = table.outcome(lambda: reference(*table.to_torch(args), **table.to_torch(kwargs)))
            mine, my_error = table.outcome(lambda: REGISTRY[name].entry(*args, **kwargs))
            what = f"{name} {dtype} {layout} {shapes(args)} {kwargs}"
            if their_error is not None:
                if "not implemented for" in str(their_error) and my_error is None:
                    continue  # PyTorch lacks a kernel for this type; having one is no mismatch
                assert my_error is not None, f"{what}: no error, PyTorch {their_error!r}"
                assert isinstance(my_error, type(their_error)), f"{what}: {my_error!r}, PyTorch {their_error!r}"
            else:
                if my_error is not None:
                    raise AssertionError(f"{what}: PyTorch gives a value") from my_error
                table.assert_same(mine, theirs, what)


def shapes(args: Any) -> str:
    return " ".join(str(tuple(x.shape)) for x in table.tensors_in(args, headgate.Tensor))


def directions(results: list[Any], seed: int) -> list[np.ndarray[Any, Any]]:
    """A random weight for every element of every result."""
    random = np.random.default_rng(seed)
    return [np.asarray(random.normal(size=tuple(y.shape))).astype(str(y.dtype).removeprefix("torch.")) for y in results]


@every_op
def test_gradient(name: str) -> None:
    """Gradient and second gradient as PyTorch's, the node's name, in float64 and two layouts."""
    if not differentiable(name):
        pytest.skip("not differentiable")
    reference = table.torch_function(REGISTRY[name])
    for layout in LAYOUTS[:2]:
        for args, kwargs in calls(name, "float64", layout):
            inputs = with_grad((args, kwargs))
            their_args, their_kwargs = table.to_torch(args), table.to_torch(kwargs)
            their_inputs = torch_with_grad((their_args, their_kwargs))
            what = f"{name} {layout} {shapes(args)} {kwargs}"
            result, their_error = table.outcome(lambda: reference(*their_args, **their_kwargs))
            if their_error is not None:
                continue  # compared by test_value
            mine = float_results(REGISTRY[name].entry(*args, **kwargs), headgate.Tensor)
            theirs = float_results(result, torch.Tensor)
            assert len(mine) == len(theirs), f"{what}: {len(mine)} differentiable results, PyTorch {len(theirs)}"
            if not mine:
                continue
            for y, z in zip(mine, theirs):
                assert node(y) == node(z), f"{what}: {node(y)}, PyTorch {node(z)}"
            compare_gradients(what, mine, inputs, theirs, their_inputs)


def node(y: Any) -> str | None:
    """The full name of a tensor's node; None for an input that was returned as it is."""
    return None if y.grad_fn is None else y.grad_fn.name()


def compare_gradients(what: str, mine: Any, inputs: Any, theirs: Any, their_inputs: Any) -> None:
    first = directions(mine, 1)
    try:
        given = [torch.from_numpy(d) for d in first]
        h = torch.autograd.grad(theirs, their_inputs, given, create_graph=True, allow_unused=True)
    except RuntimeError as error:
        assert "is not implemented" in str(error), what  # PyTorch has no gradient here; having one is no mismatch
        return
    seeds = [headgate.from_numpy(d) for d in first]
    g = headgate.autograd.grad(mine, inputs, seeds, create_graph=True, allow_unused=True)
    for k, (x, y) in enumerate(zip(g, h)):
        assert (x is None) == (y is None), f"{what}: gradient {k} is {x}, PyTorch {y}"
        if x is not None:
            table.assert_same(x, y, f"{what}: gradient {k}", loose=1e-7)  # PyTorch rounds some constants to float32
    again = [(x, y) for x, y in zip(g, h) if y is not None and y.requires_grad]
    for x, y in again:
        assert x.requires_grad or not table.array_of(y).any(), f"{what}: PyTorch's gradient has history, ours has not"
    again = [(x, y) for x, y in again if x.requires_grad]
    if not again:
        return
    second = directions([y for _, y in again], 2)
    seeds = [headgate.from_numpy(d) for d in second]
    gg = headgate.autograd.grad([x for x, _ in again], inputs, seeds, allow_unused=True)
    try:
        given = [torch.from_numpy(d) for d in second]
        hh = torch.autograd.grad([y for _, y in again], their_inputs, given, allow_unused=True)
    except RuntimeError as error:
        assert "is not implemented" in str(error)
        return  # PyTorch lacks the second gradient; ours is checked against differences
    for k, (x, y) in enumerate(zip(gg, hh)):
        left = np.zeros(tuple(inputs[k].shape)) if x is None else table.array_of(x)
        right = np.zeros(tuple(inputs[k].shape)) if y is None else table.array_of(y)
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-10, err_msg=f"{what}: second gradient {k}")


@every_op
def test_gradcheck(name: str) -> None:
    """The gradient, and the gradient of the gradient, against differences in a random direction (float64)."""
    declared = REGISTRY[name]
    if not declared.differentiable or not declared.smooth:
        pytest.skip("not differentiable, or not smooth")
    for args, kwargs in calls(name):
        inputs = with_grad((args, kwargs))
        if not inputs or sum(table.count(x) for x in inputs) == 0:
            continue

        if table.outcome(lambda: declared.entry(*args, **kwargs))[1] is not None:
            continue  # a sample of an error, compared by test_value

        def gradient() -> tuple[list[Any], list[Any]]:
            results = float_results(declared.entry(*args, **kwargs), headgate.Tensor)
            return results, directions(results, 3)

        check_direction(name, inputs, lambda: weighted(*gradient()))
        if weighted(*gradient()) is None:
            continue

        def slope() -> Any:
            g = headgate.autograd.grad(weighted(*gradient()), inputs, create_graph=True, allow_unused=True)
            g = [x for x in g if x is not None and x.requires_grad]
            return weighted(g, directions(g, 4))

        check_direction(f"{name} (second)", inputs, slope)


def weighted(results: list[Any], weights: list[np.ndarray[Any, Any]]) -> Any:
    """The scalar <results, weights>, or None if there is nothing."""
    total = None
    for y, w in zip(results, weights):
        term = (y * headgate.from_numpy(w)).sum()
        total = term if total is None else total + term
    return total


def check_direction(what: str, inputs: list[Any], value: Any, step: float = 1e-6) -> None:
    """<gradient, v> against (f(x + hv) - f(x - hv)) / 2h."""
    result = value()
    if result is None or not result.requires_grad:
        return
    gradients = headgate.autograd.grad(result, inputs, allow_unused=True)
    random = np.random.default_rng(5)
    v = [np.asarray(random.normal(size=tuple(x.shape))) for x in inputs]
    analytic = sum(float((table.array_of(g) * d).sum()) for g, d in zip(gradients, v) if g is not None)
    sides = []
    for sign in (1, -1):
        before = [table.array_of(x).copy() for x in inputs]
        for x, d in zip(inputs, v):
            x.detach().numpy()[...] += sign * step * d
        shifted = value()
        sides.append(float(shifted.detach()) if shifted is not None else 0.0)
        for x, b in zip(inputs, before):
            x.detach().numpy()[...] = b
    numeric = (sides[0] - sides[1]) / (2 * step)
    scale = max(1.0, abs(analytic), abs(numeric))
    assert abs(analytic - numeric) <= 2e-5 * scale + 1e-6, f"{what}: gradient {analytic}, difference {numeric}"


@every_op
def test_inplace(name: str) -> None:
    """name_() gives what name() gives, on a tensor and on a view, with PyTorch's gradient, version and errors."""
    declared = REGISTRY[name]
    short = name.rpartition(".")[2] + "_"
    if not declared.inplace or not hasattr(torch.Tensor, short):
        pytest.skip("no in-place form")
    for viewed in (False, True):
        for args, kwargs in calls(name):
            if not isinstance(args[0], headgate.Tensor):
                continue
            mine, my_error = table.outcome(lambda: run_inplace(short, headgate.Tensor, args, kwargs, viewed))
            their_args, their_kwargs = table.to_torch(args), table.to_torch(kwargs)
            theirs, their_error = table.outcome(
                lambda: run_inplace(short, torch.Tensor, their_args, their_kwargs, viewed)
            )
            what = f"{short} {'on a view ' if viewed else ''}{shapes(args)} {kwargs}"
            if their_error is not None:
                if isinstance(their_error, NotImplementedError):
                    continue  # PyTorch lacks the gradient of this in-place form; having one is no mismatch
                assert type(my_error) is type(their_error), f"{what}: {my_error!r}, PyTorch {their_error!r}"
                continue
            if my_error is not None:
                raise AssertionError(f"{what}: PyTorch gives a value") from my_error
            for k, (x, y) in enumerate(zip(mine, theirs)):
                if x is None or y is None or isinstance(x, int):
                    assert x == y or (x is None and y is None), f"{what} [{k}]: {x}, PyTorch {y}"
                else:
                    table.assert_same(x, y, f"{what} [{k}]")


def run_inplace(short: str, kind: Any, args: Any, kwargs: Any, viewed: bool) -> list[Any]:
    """[the written tensor, its version, gradients of the inputs]."""
    library = headgate if kind is headgate.Tensor else torch
    leaves = [
        x.detach().clone().requires_grad_() if x.dtype.is_floating_point else x
        for x in table.tensors_in((args, kwargs), kind)
    ]
    fresh = iter(leaves)
    copies = replace((args, kwargs), kind, fresh)
    target = leaves[0]
    if target.dtype.is_floating_point:
        base = target * 1
        written = base.reshape(-1).view(target.shape) if viewed else base
    else:
        base = written = target.clone()
    result = getattr(written, short)(*copies[0][1:], **copies[1])
    assert result is written
    out = [base, base._version]
    if base.requires_grad:
        wanted = [x for x in leaves if x.requires_grad]
        weight = np.linspace(0.5, 1.5, max(table.count(base), 1))[: table.count(base)].reshape(tuple(base.shape))
        out += library.autograd.grad((base * library.from_numpy(weight)).sum(), wanted, allow_unused=True)
    return out


def replace(value: Any, kind: type, fresh: Any) -> Any:
    """The arguments with every tensor replaced by the next fresh one."""
    if isinstance(value, kind):
        return next(fresh)
    if isinstance(value, dict):
        return {key: replace(item, kind, fresh) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(replace(item, kind, fresh) for item in value)
    return value


@every_op
def test_out(name: str) -> None:
    """out= receives the result and is returned, where PyTorch has it."""
    declared = REGISTRY[name]
    reference = table.torch_function(declared)
    if not declared.out:
        pytest.skip("no out=")
    for args, kwargs in calls(name, "float32"):
        expected, their_error = table.outcome(lambda: reference(*table.to_torch(args), **table.to_torch(kwargs)))
        if their_error is not None or not isinstance(expected, torch.Tensor):
            continue
        target = torch.empty(0, dtype=expected.dtype)
        _, their_error = table.outcome(lambda: reference(*table.to_torch(args), **table.to_torch(kwargs), out=target))
        if their_error is not None:
            continue
        out = headgate.empty(0, dtype=getattr(headgate, str(expected.dtype).removeprefix("torch.")))
        result = declared.entry(*args, **kwargs, out=out)
        assert result is out
        table.assert_same(out, expected, f"{name} out= {shapes(args)} {kwargs}")


@every_op
def test_reads(name: str) -> None:
    """Backward reads nothing but what it saved: everything else is overwritten with NaN before it."""
    if not differentiable(name):
        pytest.skip("not differentiable")
    for args, kwargs in calls(name):
        inputs = with_grad((args, kwargs))
        result, error = table.outcome(lambda: REGISTRY[name].entry(*args, **kwargs))
        results = float_results(result, headgate.Tensor)
        if error is not None or not results or not inputs:
            continue
        if results[0].grad_fn is not None and results[0].grad_fn.name().endswith("NotImplemented"):
            continue  # PyTorch has no gradient here, and says so in backward; so do we
        weights = [headgate.from_numpy(d) for d in directions(results, 6)]
        expected = headgate.autograd.grad(results, inputs, weights, retain_graph=True, allow_unused=True)
        kept = headgate.autograd.graph.saved_memory(results)
        with headgate.no_grad():
            for x in [*inputs, *results]:
                array = x.detach().numpy()
                if not any(np.shares_memory(array, other) for other in kept) and array.flags.writeable:
                    array[...] = np.nan
        again = headgate.autograd.grad(results, inputs, weights, allow_unused=True)
        for k, (g, h) in enumerate(zip(again, expected)):
            if h is not None:
                np.testing.assert_array_equal(table.array_of(g), table.array_of(h),
                                              err_msg=f"{name}: gradient {k} reads what it did not save")


#: Zero results whose sign C leaves open (fmax, fmin), PyTorch's rounding makes (logaddexp2) or it loses (i1 is odd).
SIGN_LEFT_OPEN = {"fmax", "fmin", "logaddexp2", "special.i1"}
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, 3e38, -2.5])


@every_op
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(name: str, dtype: str) -> None:
    """Zeros of both signs, infinities, NaN and subnormals give PyTorch's value and gradient (elementwise ops)."""
    declared = REGISTRY[name]
    if declared.arity not in (1, 2) or declared.samples is not None:
        pytest.skip("not elementwise")
    if "f" not in declared.dtypes:
        pytest.skip("not for floats")
    reference = table.torch_function(declared)
    values = SPECIAL.astype(dtype)
    if declared.arity == 1:
        arrays = [values]
    else:
        arrays = [np.repeat(values, len(values)), np.tile(values, len(values))]
    mine = declared.entry(*[headgate.from_numpy(a.copy()) for a in arrays])
    theirs = reference(*[torch.from_numpy(a.copy()) for a in arrays])
    table.assert_same(mine, theirs, f"{name} {dtype}")
    if mine.dtype.is_floating_point and name not in SIGN_LEFT_OPEN:
        np.testing.assert_array_equal(np.signbit(table.array_of(mine))[~np.isnan(table.array_of(mine))],
                                      np.signbit(table.array_of(theirs))[~np.isnan(table.array_of(mine))],
                                      err_msg=f"{name}: sign")


@every_op
def test_foreign_object(name: str) -> None:
    """An argument that is no tensor is a TypeError at once, where PyTorch says so."""
    reference = table.torch_function(REGISTRY[name])
    for args, kwargs in calls(name)[:1]:
        their_args = table.to_torch(args)
        _, their_error = table.outcome(lambda: reference(object(), *their_args[1:], **table.to_torch(kwargs)))
        _, my_error = table.outcome(lambda: REGISTRY[name].entry(object(), *args[1:], **kwargs))
        if type(their_error) is TypeError:
            assert isinstance(my_error, TypeError), f"{name}: {my_error!r}, PyTorch {their_error!r}"
        else:
            assert my_error is not None or their_error is None
