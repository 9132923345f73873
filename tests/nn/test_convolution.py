"""Layers of convolution, pooling, padding, folding and shuffling beside PyTorch.

Their beginnings bit for bit, text, results, gradients, refusals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import headgate

CONVOLUTIONS = [
    ("Conv1d", (4, 6, 3), {}), ("Conv1d", (4, 6, 2), {"padding": "same", "dilation": 2, "padding_mode": "circular"}),
    ("Conv2d", (4, 6, 3), {"stride": 2, "padding": 1}), ("Conv2d", (4, 6, (3, 2)), {"groups": 2, "bias": False}),
    ("Conv2d", (4, 4, 3), {"padding": (1, 2), "padding_mode": "reflect"}),
    ("Conv2d", (4, 4, 3), {"padding": "valid", "padding_mode": "replicate", "dtype": "float64"}),
    ("Conv3d", (4, 2, 2), {"padding": 1, "dilation": 2}),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "output_padding": 1}),
    ("ConvTranspose2d", (4, 6, (3, 2)), {"stride": 2, "padding": 1, "groups": 2}),
    ("ConvTranspose3d", (4, 2, 2), {"stride": 2, "bias": False}),
]  # fmt: skip
OTHERS = [
    ("MaxPool1d", (2,), {}), ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}), ("MaxPool2d", (2,), {"dilation": 2}),
    ("MaxPool3d", (2,), {}), ("AvgPool1d", (2,), {}), ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}),
    ("AvgPool2d", (2,), {"divisor_override": 3}), ("AvgPool3d", (2,), {}), ("LPPool1d", (2, 3), {}),
    ("LPPool2d", (2, 3), {"stride": 2}), ("LPPool3d", (2, 2), {}), ("AdaptiveAvgPool1d", (3,), {}),
    ("AdaptiveAvgPool2d", ((2, None),), {}), ("AdaptiveAvgPool3d", (2,), {}), ("AdaptiveMaxPool1d", (3,), {}),
    ("AdaptiveMaxPool2d", (3,), {}), ("AdaptiveMaxPool3d", ((2, None, 1),), {}),
    ("FractionalMaxPool2d", (2,), {"output_size": 3}), ("FractionalMaxPool2d", (2,), {"output_ratio": (0.5, 0.6)}),
    ("FractionalMaxPool3d", (2,), {"output_size": (2, 3, 2)}), ("Unfold", (2,), {"padding": 1, "stride": 2}),
    ("ZeroPad1d", (2,), {}), ("ZeroPad2d", ((1, 2, 0, 1),), {}), ("ZeroPad3d", (1,), {}),
    ("ConstantPad1d", (1, 3.5), {}), ("ConstantPad2d", (2, -1), {}), ("ConstantPad3d", (1, 0.5), {}),
    ("ReflectionPad1d", (2,), {}), ("ReflectionPad2d", ((1, 2, 0, 1),), {}), ("ReflectionPad3d", (1,), {}),
    ("ReplicationPad1d", (2,), {}), ("ReplicationPad2d", ((1, 2, 0, 1),), {}), ("ReplicationPad3d", (1,), {}),
    ("CircularPad1d", (2,), {}), ("CircularPad2d", ((1, 2, 0, 1),), {}), ("CircularPad3d", (1,), {}),
    ("PixelShuffle", (2,), {}), ("PixelUnshuffle", (2,), {}), ("ChannelShuffle", (2,), {}),
]  # fmt: skip


def made(library: Any, name: str, args: Any, options: dict[str, Any]) -> Any:
    """A layer of one library, begun from the same seed."""
    library.manual_seed(11)
    options = {key: getattr(library, value) if key == "dtype" else value for key, value in options.items()}
    return getattr(library.nn, name)(*args, **options)


def image(name: str, batch: bool = True) -> np.ndarray[Any, Any]:
    """An input for a layer: four channels, sizes that are even."""
    dims = int(name[-2]) if name[-2:] in ("1d", "2d", "3d") else 2
    values = np.random.default_rng(3).uniform(0.1, 2, (2, 4, *(6, 8, 4)[:dims]))
    return values if batch else values[0]


def passed(library: Any, layer: Any, x: np.ndarray[Any, Any], kind: str) -> list[np.ndarray[Any, Any]]:
    """[result, gradient for the input, gradients for the parameters] of one call."""
    t = library.from_numpy(x.astype(kind)).requires_grad_()
    library.manual_seed(5)
    y = layer(t)
    weight = library.from_numpy(np.random.default_rng(4).normal(size=tuple(y.shape)).astype(kind))
    (y * weight).sum().backward()
    return [one.detach().numpy() for one in (y, t.grad, *(p.grad for p in layer.parameters()))]


def compare(name: str, args: Any, options: dict[str, Any], batch: bool) -> None:
    mine, theirs = made(headgate, name, args, options), made(torch, name, args, options)
    kind = options.get("dtype", "float32")
    assert repr(mine) == repr(theirs)
    pairs = zip(passed(headgate, mine, image(name, batch), kind), passed(torch, theirs, image(name, batch), kind))
    for one, two in pairs:
        assert one.shape == two.shape and one.dtype == two.dtype
        np.testing.assert_allclose(one, two, rtol=2e-5 if kind == "float32" else 1e-12,
                                   atol=2e-5 if kind == "float32" else 1e-12)


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize(("name", "args", "options"), CONVOLUTIONS + OTHERS)
def test_layer(name: str, args: Any, options: dict[str, Any], batch: bool) -> None:
    """Text, result and gradients, with a batch and without."""
    if not batch and name == "ChannelShuffle":
        pytest.skip("needs a batch")
    compare(name, args, options, batch)


@pytest.mark.parametrize(("name", "args", "options"), CONVOLUTIONS)
def test_beginning(name: str, args: Any, options: dict[str, Any]) -> None:
    """The same parameters from the same seed, bit for bit, and the same names in the state."""
    mine, theirs = made(headgate, name, args, options), made(torch, name, args, options)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for one, two in zip(mine.parameters(), theirs.parameters()):
        np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpool(dims: int) -> None:
    """MaxUnpool undoes MaxPool with indices, to a size that was asked for too."""
    results = []
    for library in (headgate, torch):
        x = library.from_numpy(image(f"x{dims}d")[..., :-1].copy()).requires_grad_()
        y, indices = getattr(library.nn, f"MaxPool{dims}d")(2, return_indices=True)(x)
        back = getattr(library.nn, f"MaxUnpool{dims}d")(2)(y * y, indices, output_size=x.shape)
        (back * back).sum().backward()
        results.append([one.detach().numpy() for one in (y, indices, back, x.grad)])
    for one, two in zip(*results):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_fold() -> None:
    results = []
    for library in (headgate, torch):
        x = library.from_numpy(np.random.default_rng(0).normal(size=(2, 12, 12))).requires_grad_()
        layer = library.nn.Fold((5, 4), 2)
        y = layer(x)
        (y * y).sum().backward()
        results.append((repr(layer), y.detach().numpy(), x.grad.numpy()))
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-12)
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=1e-12)


def test_transposed_to_a_size() -> None:
    """`output_size` chooses the output padding; one that cannot be is a ValueError."""
    for size in ((12, 9), (2, 6, 11, 10)):
        shapes = []
        for library in (headgate, torch):
            layer = library.nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1)
            shapes.append(tuple(layer(library.ones(2, 4, 6, 5), output_size=size).shape))
        assert shapes[0] == shapes[1]
    for library in (headgate, torch):
        with pytest.raises(ValueError, match="requested an output size of"):
            library.nn.ConvTranspose2d(4, 6, 3, stride=2)(library.ones(2, 4, 6, 5), output_size=(20, 20))


@pytest.mark.parametrize(("name", "args", "options"), [
    ("Conv2d", (4, 6, 3), {"groups": 3}), ("Conv2d", (6, 4, 3), {"groups": 3}), ("Conv2d", (4, 6, 3), {"groups": 0}),
    ("Conv2d", (4, 6, 3), {"padding": "half"}), ("Conv2d", (4, 6, 3), {"padding": "same", "stride": 2}),
    ("Conv2d", (4, 6, 3), {"padding_mode": "mirror"}), ("ConvTranspose2d", (4, 6, 3), {"padding_mode": "reflect"}),
    ("FractionalMaxPool2d", (2,), {}), ("FractionalMaxPool2d", (2,), {"output_size": 2, "output_ratio": 0.5}),
    ("FractionalMaxPool3d", (2,), {"output_ratio": 1.5}),
])  # fmt: skip
def test_refused(name: str, args: Any, options: dict[str, Any]) -> None:
    """The same class of error, with the same opening words."""
    raised = []
    for library in (headgate, torch):
        with pytest.raises(Exception) as caught:
            made(library, name, args, options)
        raised.append(caught.value)
    assert type(raised[0]) is type(raised[1])
    assert str(raised[0]).split()[:3] == str(raised[1]).split()[:3]


def test_shared_and_frozen() -> None:
    """A layer used twice adds both gradients; a frozen one passes the gradient and gets none."""
    results = []
    for library in (headgate, torch):
        first, second = made(library, "Conv2d", (4, 4, 3), {"padding": 1}), made(library, "Conv2d", (4, 4, 1), {})
        second.requires_grad_(False)
        x = library.from_numpy(image("Conv2d").astype("float32"))
        first(second(first(x)).relu()).pow(2).mean().backward()
        assert second.weight.grad is None
        results.append((first.weight.grad.numpy(), first.bias.grad.numpy()))
    for one, two in zip(*results):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_written_after_use() -> None:
    """A weight, or a pooled input, written before its gradient is taken is refused, as in PyTorch."""
    for library in (headgate, torch):
        layer = library.nn.Conv2d(4, 4, 3)
        y = layer(library.ones(1, 4, 5, 5)).sum()
        with library.no_grad():
            layer.weight.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()
        x = library.ones(1, 4, 4, 4, requires_grad=True) * 2
        y = library.nn.MaxPool2d(2)(x).sum()
        x.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()
