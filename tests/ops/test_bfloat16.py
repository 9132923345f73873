"""bfloat16 beside PyTorch where no table of operations looks: order with NaN, text, numbers, modules, files."""

import copy
import io
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
import headgate.nn

BOTH = (headgate, torch)
VALUES = [
    [1.5, math.nan, -2.0, math.inf, math.nan, 0.5, -math.inf, 3.0],
    [0.0, 4.0, math.nan, 2.0, 1.0, 2.5, -1.0, math.nan],
]


def given(lib: Any) -> Any:
    return lib.tensor(VALUES, dtype=lib.bfloat16)


ORDERED: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda lib, x: x.sort(-1).values, "sort places": lambda lib, x: x.sort(dim=-1, stable=True).indices,
    "descending": lambda lib, x: x.sort(-1, descending=True).values, "other dim": lambda lib, x: x.t().sort(0).values,
    "topk": lambda lib, x: x.topk(3).values, "smallest": lambda lib, x: x.topk(3, largest=False).indices,
    "kthvalue": lambda lib, x: x.kthvalue(3).values, "median": lambda lib, x: x.median(-1).values,
    "nanmedian": lambda lib, x: x.nanmedian(-1).values, "nanmedian of all": lambda lib, x: x.nanmedian(),
    "mode": lambda lib, x: x.mode(-1).values, "msort": lambda lib, x: lib.msort(x.t()),
    "unique": lambda lib, x: x.unique(), "inverse": lambda lib, x: x[:, 2:4].unique(return_inverse=True)[1],
    "unique rows": lambda lib, x: lib.unique(x, dim=0), "max": lambda lib, x: x.max(-1).values,
    "cummax": lambda lib, x: x.cummax(-1).values, "aminmax": lambda lib, x: x.aminmax(dim=-1).max,
    "nan_to_num": lambda lib, x: x.nan_to_num(), "histc": lambda lib, x: lib.histc(x[1, 3:7], 5),
    "searchsorted": lambda lib, x: lib.searchsorted(lib.tensor([0.0, 1.0, 2.0], dtype=x.dtype), x),
    "trapezoid": lambda lib, x: lib.trapezoid(x[1, 3:7]),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERED)
def test_order_and_nan(name: str) -> None:
    mine, theirs = (ORDERED[name](lib, given(lib)) for lib in BOTH)
    assert str(mine.dtype) == str(theirs.dtype)
    assert repr(mine) == repr(theirs)


def image(lib: Any, *shape: int) -> Any:
    return (lib.arange(int(np.prod(shape))).float() * 0.37).sin().reshape(shape).bfloat16()


PLACES: dict[str, Callable[[Any], Any]] = {
    "affine_grid": lambda lib: lib.nn.functional.affine_grid(image(lib, 1, 2, 3), [1, 1, 3, 4], align_corners=False),
    "fractional": lambda lib: lib.nn.functional.fractional_max_pool2d(
        image(lib, 1, 2, 6, 6), 2, 3, _random_samples=image(lib, 1, 2, 2).abs()),
    **{f"grid_sample {mode} {edge}": lambda lib, mode=mode, edge=edge: lib.nn.functional.grid_sample(
        image(lib, 1, 2, 4, 4), image(lib, 1, 3, 3, 2) * 1.3, mode, edge, True)
       for mode in ("bilinear", "nearest", "bicubic") for edge in ("zeros", "border", "reflection")},
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_places_in_images(name: str) -> None:
    mine, theirs = (PLACES[name](lib) for lib in BOTH)
    assert str(mine.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(mine.float().tolist(), theirs.float().tolist(), rtol=0.02, atol=0.02)


def with_default(lib: Any, make: Callable[[], Any]) -> Any:
    lib.set_default_dtype(lib.bfloat16)
    try:
        return make()
    finally:
        lib.set_default_dtype(lib.float32)


TEXTS: dict[str, Callable[[Any], Any]] = {
    "matrix": given, "number": lambda lib: lib.tensor(1.234, dtype=lib.bfloat16),
    "whole": lambda lib: lib.arange(5, dtype=lib.bfloat16), "leaf": lambda lib: lib.ones(2, dtype=lib.bfloat16),
    "formatted": lambda lib: f"{lib.tensor(1.234, dtype=lib.bfloat16):.4f}",
    "item": lambda lib: lib.tensor(1.234, dtype=lib.bfloat16).item(), "list": lambda lib: given(lib).tolist(),
    "rounded": lambda lib: lib.tensor([1 / 3, 1e300, 1.00390625, 1.01171875]).bfloat16(),
    "seen as int16": lambda lib: given(lib)[0, ::2].view(lib.int16),
    "from bytes": lambda lib: lib.frombuffer(bytearray(b"\x80\x3f\x00\x40"), dtype=lib.bfloat16),
    "copied": lambda lib: copy.deepcopy(given(lib)), "pickled": lambda lib: pickle.loads(pickle.dumps(given(lib))),
    "drawn": lambda lib: (lib.manual_seed(3), lib.randn(20, dtype=lib.bfloat16), lib.rand(5, dtype=lib.bfloat16)),
    "types": lambda lib: [lib.promote_types(lib.bfloat16, getattr(lib, name)) for name in
                          ("float16", "float32", "float64", "int64", "bool", "complex64")],
    "default ones": lambda lib: with_default(lib, lambda: lib.ones(2)),
    "default quotient": lambda lib: with_default(lib, lambda: lib.tensor([1, 2]) / 3),
    "default beside": lambda lib: with_default(lib, lambda: lib.ones(2, dtype=lib.float32)),
    "default layer": lambda lib: with_default(lib, lambda: (lib.manual_seed(1), lib.nn.Linear(2, 2).weight)),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_text_and_numbers(name: str) -> None:
    mine, theirs = (repr(TEXTS[name](lib)).replace("headgate.", "torch.") for lib in BOTH)
    generator = "<torch._C.Generator"  # of manual_seed
    assert mine.partition("tensor(")[2] == theirs.partition("tensor(")[2] if generator in theirs else mine == theirs


@pytest.mark.parametrize("call", [lambda x: x.numpy(), np.asarray], ids=["numpy", "asarray"])
def test_numpy_has_no_such_type(call: Callable[[Any], Any]) -> None:
    texts = []
    for lib in BOTH:
        with pytest.raises(TypeError) as caught:
            call(given(lib))
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def network(lib: Any) -> Any:
    lib.manual_seed(0)
    nn = lib.nn
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.LayerNorm(6), nn.Linear(6, 2))


CASTS: dict[str, Callable[[Any, Any], Any]] = {
    "bfloat16": lambda lib, layer: layer.bfloat16(), "half": lambda lib, layer: layer.half(),
    "to": lambda lib, layer: layer.to(lib.bfloat16), "there and back": lambda lib, layer: layer.bfloat16().float(),
}  # fmt: skip


@pytest.mark.parametrize("name", CASTS)
def test_modules(name: str) -> None:
    """Members are cast, integers are not; a step of training is PyTorch's within a few roundings."""
    found = []
    for lib in BOTH:
        layer = CASTS[name](lib, network(lib))
        assert layer[1].num_batches_tracked.dtype is lib.int64
        kinds = [str(value.dtype) for value in layer.state_dict().values()]
        x = lib.tensor(np.random.default_rng(2).normal(size=(5, 4)).tolist(), dtype=layer[0].weight.dtype)
        y = layer(x)
        (y * y).sum().backward()
        lib.optim.SGD(layer.parameters(), lr=0.1).step()
        found.append((kinds, y.float().tolist(), [p.float().tolist() for p in layer.parameters()]))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=0.03, atol=0.03)
    for mine, theirs in zip(found[0][2], found[1][2]):
        np.testing.assert_allclose(mine, theirs, rtol=0.03, atol=0.03)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


def test_files_both_ways(files: Path) -> None:
    for writer, reader in (BOTH, BOTH[::-1]):
        layer = network(writer).bfloat16()
        writer.save({"state": layer.state_dict(), "x": given(writer).t()}, files / "a.pt")
        loaded = reader.load(files / "a.pt")
        other = network(reader).bfloat16()
        reader.nn.init.zeros_(other[0].weight)
        other.load_state_dict(loaded["state"])
        assert repr(loaded["x"]) == repr(given(reader).t()) and loaded["x"].stride() == (1, 8)
        for mine, theirs in zip(other.parameters(), layer.parameters()):
            assert mine.dtype is reader.bfloat16 and mine.tolist() == theirs.tolist()


def test_a_float32_state_goes_into_a_bfloat16_layer() -> None:
    found = []
    for lib in BOTH:
        layer = network(lib).bfloat16()
        layer.load_state_dict(network(lib).state_dict())
        buffer = io.BytesIO()
        lib.save(layer.state_dict(), buffer)
        found.append([(str(value.dtype), value.tolist()) for value in layer.state_dict().values()])
    assert found[0] == found[1]
