"""Views and shapes beside PyTorch, what the table cannot say: memory shared, strides, writes through views, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import headgate

SHAPES = [
    "x.view(12)", "x.t()", "x.transpose(0, 1).reshape(-1)", "x[1]", "x[:, ::2]", "x.unsqueeze(1)", "x.narrow(1, 1, 2)",
    "x.diagonal(1)", "x.unfold(1, 2, 1)", "x.as_strided((2, 2), (4, 1), 1)", "x.expand(2, 3, 4)", "x.permute(1, 0)",
    "x.t().clone()", "x.t().contiguous()", "x.expand(2, 3, 4).clone()", "x.t().double()", "x.movedim(0, 1)", "x.T",
    "x.flatten(0)", "x.unflatten(1, (2, 2))", "x.squeeze()", "x.rot90()", "x.repeat(2, 1)", "x.t().flip(0)",
]  # fmt: skip
ERRORS = [
    "x.t().view(12)", "x.view(5)", "x.view(-1, -1)", "x.view(-2, 6)", "x.expand(3)", "x.expand(4, 4)", "x.permute(0)",
    "x.permute(0, 0)", "x.transpose(0, 2)", "x.unflatten(1, (2, 3))", "x.split([1, 1])", "x.split(-1)", "x.chunk(0)",
    "x.narrow(0, 1, 9)", "x.select(0, 5)", "x.unfold(1, 9, 1)", "x.as_strided((2, 2), (1, 1), 100)", "x.repeat(2)",
    "x.flip(0, 0)", "x.roll((1, 2))", "x.movedim((0, 0), (0, 1))", "x.flatten(1, 0)", "x.unsqueeze(5)", "x.t_()",
    "L.cat([])", "L.cat([x, 3])", "L.cat([x, x[0]])", "L.stack([x, x[0]])", "L.hstack([])", "x.copy_(x)",
    "x.clone().copy_(L.zeros(5))", "x.split(2)[0].mul_(2)", "x.vsplit(2)", "x.tensor_split(0)", "x.to('cuda')",
]  # fmt: skip
VIEWS = [
    "b.view(2, 6)", "b.t()", "b[1]", "b[:, ::2]", "b.diagonal()", "b.as_strided((2, 2), (4, 1))", "b.unfold(1, 2, 2)",
    "b[1:].as_strided((2,), (1,), 0)", "b.t().view(4, 3, 1)", "b.view(3, 2, 2)[:, 1].t()", "b.unsqueeze(1)",
    "b.expand(1, 3, 4)", "b.tensor_split(2)[0]", "b.reshape(12)[2:5]", "b.unsqueeze(0).squeeze()",
]  # fmt: skip
WRITES = ["v.mul_(2)", "v.copy_(w)", "v.zero_()", "v.mul_(w)", "v.exp_()", "v[0].mul_(3)"]


def inputs(library: Any) -> dict[str, Any]:
    values = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    x = library.from_numpy(values.copy()).requires_grad_()
    return {"L": library, "x": x}


@pytest.mark.parametrize("expression", SHAPES)
def test_layout_and_sharing(expression: str) -> None:
    """Values, strides, node names, and the place in the input's memory, as PyTorch's."""
    seen = []
    for library in (torch, headgate):
        names = inputs(library)
        y = eval(expression, names)
        offset = y.data_ptr() - names["x"].data_ptr()
        inside = 0 <= offset < 48
        seen.append((y.detach().numpy().tolist(), y.stride(), y.is_contiguous(), y.grad_fn.name(), y._is_view(),
                     offset if inside else None))
    assert seen[1] == seen[0]


@pytest.mark.parametrize("expression", ERRORS)
def test_errors(expression: str) -> None:
    """PyTorch's exception class and opening words; the tensor keeps its version."""
    caught = []
    for library in (torch, headgate):
        names = inputs(library)
        with pytest.raises(Exception) as info:
            eval(expression, names)
        assert names["x"]._version == 0
        caught.append((type(info.value), str(info.value)[:40]))
    assert caught[1] == caught[0]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
def test_write_through_a_view(view: str, write: str) -> None:
    """Base, view and every gradient after a write through the view."""
    seen = []
    for library in (torch, headgate):
        names = inputs(library)
        names["b"] = b = names["x"] * 1
        names["v"] = v = eval(view, names)
        w = np.random.default_rng(1).standard_normal(tuple(v.shape)).astype(np.float32)
        names["w"] = library.from_numpy(w).requires_grad_()
        eval(write, names)
        ((b * b).sum() + (v * v * v).sum()).backward()
        grads = [names[key].grad for key in "xw"]
        seen.append([b.detach().numpy(), v.detach().numpy()] + [None if g is None else g.numpy() for g in grads])
    for mine, theirs in zip(seen[1], seen[0]):
        if theirs is None:
            assert mine is None
        else:
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("change", ["t_()", "unsqueeze_(0)", "transpose_(0, 1)", "squeeze_()"])
def test_seen_otherwise_in_place(change: str) -> None:
    """The memory stays, the shape changes, and the version counts it."""
    seen = []
    for library in (torch, headgate):
        y = inputs(library)["x"].clone()
        place = y.data_ptr()
        assert eval(f"y.{change}") is y and y.data_ptr() == place
        seen.append((tuple(y.shape), y.stride(), y._version, y.grad_fn.name()))
    assert seen[1] == seen[0]


def test_views_of_views_are_cut_at_the_memory() -> None:
    """as_strided never leaves the memory of the tensor it is applied to."""
    x = headgate.zeros(6)
    with pytest.raises(RuntimeError, match="out of bounds"):
        x[2:].as_strided((4,), (1,), 3)
    assert x[2:].as_strided((4,), (1,), 2).data_ptr() == x[2:].data_ptr()


@pytest.mark.parametrize("call", [
    "x.contiguous()", "x.to(L.float32)", "x.float()", "x.type_as(x)", "x.sum_to_size(3, 4)", "x.flatten(1)", "x.cpu()",
    "L.atleast_2d(x)", "L.broadcast_tensors(x)[0]",
])  # fmt: skip
def test_returns_itself(call: str) -> None:
    """What has nothing to do returns the tensor itself, as PyTorch does."""
    for library in (torch, headgate):
        names = inputs(library)
        same = eval(call, names)
        assert same.data_ptr() == names["x"].data_ptr() and same.is_leaf


def test_a_single_part_passes_its_gradient() -> None:
    """A split into one part is still a split."""
    x = headgate.ones(2, 2, requires_grad=True)
    (part,) = x.split(5)
    (part * 3).sum().backward()
    assert x.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]
