"""Clipping of gradients, and parameters as one vector, beside PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
import torch

import headgate

BOTH = (headgate, torch)
SHAPES = [(5, 3), (), (17,), (2, 3, 4), (0,)]


def parameters(lib: Any, kinds: str = "f4 f4 f4 f4 f4", scale: float = 1.0) -> list[Any]:
    rng = np.random.default_rng(0)
    made = []
    for shape, kind in zip(SHAPES, kinds.split()):
        param = lib.tensor(np.asarray(rng.standard_normal(shape), kind)).requires_grad_(True)
        param.grad = lib.tensor(np.asarray(scale * rng.standard_normal(shape), kind))
        made.append(param)
    return [*made, lib.zeros(2, requires_grad=True)]


def gradients(params: list[Any]) -> list[np.ndarray]:
    return [param.grad.numpy().copy() for param in params if param.grad is not None]


@pytest.mark.parametrize("norm_type", [2, 1, math.inf, "inf", 3, 0.5, 2.0])
@pytest.mark.parametrize("max_norm", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("kinds", ["f4 f4 f4 f4", "f8 f8 f8 f8", "f4 f8 f4 f8"])
def test_clip_grad_norm(norm_type: Any, max_norm: float, kinds: str) -> None:
    found = []
    for lib in BOTH:
        params = parameters(lib, kinds)
        total = lib.nn.utils.clip_grad_norm_(params, max_norm, norm_type=norm_type)
        found.append([total.numpy(), *gradients(params)])
        assert total.dim() == 0 and not total.requires_grad
    for one, other in zip(*found):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=3e-7 if "f4" in kinds else 1e-12)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf, 3.0])
def test_empty_one_and_gradients_that_are_not_plain(norm_type: float) -> None:
    found = []
    for lib in BOTH:
        clip = lib.nn.utils.clip_grad_norm_
        results = [clip([], 1.0, norm_type), clip([lib.zeros(2, requires_grad=True)], 1.0, norm_type)]
        param = parameters(lib)[0]
        results.append(clip(param, 0.5, norm_type))
        turned = lib.ones(3, 5, requires_grad=True)
        turned.grad = lib.arange(15.0).view(5, 3).t()
        results.extend([clip(iter([turned]), 2.0, norm_type), turned.grad])
        leaf = lib.ones(3, requires_grad=True)
        (leaf**3).sum().backward(create_graph=True)
        results.extend([clip([leaf], 1.0, norm_type), leaf.grad.detach()])
        leaf.grad = None
        found.append([np.asarray(result.numpy()) for result in results])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=3e-7)


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("norm_type", [2.0, math.inf, 3.0])
def test_norms_that_are_not_finite(value: float, norm_type: float) -> None:
    found = []
    for lib in BOTH:
        params = parameters(lib, "f4 f4 f4")
        params[2].grad[3] = value
        before = gradients(params)
        with pytest.raises(RuntimeError, match=f"The total norm of order {norm_type} for gradients from `parameters`"):
            lib.nn.utils.clip_grad_norm_(params, 1.0, norm_type, error_if_nonfinite=True)
        for one, other in zip(before, gradients(params)):
            np.testing.assert_array_equal(one, other)
        total = lib.nn.utils.clip_grad_norm_(params, 1.0, norm_type)
        found.append([total.numpy(), *gradients(params)])
    for one, other in zip(*found):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))


def test_an_empty_gradient_has_no_largest_element() -> None:
    for lib in BOTH:
        with pytest.raises(RuntimeError, match="norm on an empty tensor"):
            lib.nn.utils.clip_grad_norm_(parameters(lib), 1.0, math.inf)


def test_the_two_halves() -> None:
    found = []
    for lib in BOTH:
        params = parameters(lib)
        total = lib.nn.utils.get_total_norm([param.grad for param in params if param.grad is not None])
        lib.nn.utils.clip_grads_with_norm_(params, 0.5, total * 2)
        found.append([total.numpy(), *gradients(params)])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=3e-7)


def test_warnings() -> None:
    for lib in BOTH:
        with pytest.warns(FutureWarning, match="`torch.nn.utils.clip_grad_norm` is now deprecated"):
            lib.nn.utils.clip_grad_norm(parameters(lib), 1.0)
        with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
            lib.nn.utils.clip_grad_norm_((x for x in ()), 1.0)


def test_clip_grad_value() -> None:
    found = []
    for lib in BOTH:
        params = parameters(lib, "f4 f8 f4 f4", scale=3.0)
        assert lib.nn.utils.clip_grad_value_(params, 0.7) is None
        lib.nn.utils.clip_grad_value_(params[0], 0.2)
        found.append(gradients(params))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


def test_clipping_counts_as_a_write_to_the_gradient() -> None:
    for lib in BOTH:
        params = parameters(lib)
        held = params[0].grad
        before = held._version
        lib.nn.utils.clip_grad_norm_(params, 1.0)
        assert params[0].grad is held and held._version == before + 1


def test_parameters_as_a_vector_and_back() -> None:
    for lib in BOTH:
        params = parameters(lib)[:4]
        before = [param.detach().clone() for param in params]
        vector = lib.nn.utils.parameters_to_vector(params)
        assert vector.shape == (57,) and vector.requires_grad
        vector.sum().backward()
        assert params[0].grad is not None
        changed = vector.detach() * 2
        lib.nn.utils.vector_to_parameters(changed, params)
        for param, old in zip(params, before):
            assert lib.equal(param.detach(), old * 2) and param.is_leaf and param.requires_grad
        changed[0] = 7.0
        assert params[0].detach().view(-1)[0] == 7.0
        with pytest.raises(TypeError, match="expected torch.Tensor, but got: list"):
            lib.nn.utils.vector_to_parameters([1.0], params)
