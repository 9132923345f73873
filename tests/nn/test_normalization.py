"""Normalisation beside PyTorch: values, gradients and second gradients over shapes and options, running statistics as
silent writes, errors.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))

from norm_beside import array, arrays, close, compare, leaves, same_error

DTYPES = ("float64", "float32", "float16")
SHAPES = ((5, 3), (70, 130), (4, 3, 7), (2, 6, 3, 5), (3, 70, 90), (2, 2, 3, 2, 2))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [0, 1, 2])
def test_batch_norm(shape: tuple[int, ...], dtype: str, affine: int) -> None:
    channels = (shape[1],)
    given = arrays(shape, *[channels] * affine, dtype=dtype)

    def training(library: Any, x: Any, *more: Any) -> Any:
        return library.nn.functional.batch_norm(x, None, None, *more, training=True, eps=1e-3)

    compare(training, *given, second=dtype != "float16", what=f"training {shape} {dtype}")
    mean, variance = arrays(channels, channels, dtype=dtype, positive=True)

    def evaluation(library: Any, x: Any, *more: Any) -> Any:
        running = [library.from_numpy(one.copy()) for one in (mean, variance)]
        return library.nn.functional.batch_norm(x, *running, *more)

    compare(evaluation, *given, second=dtype != "float16", what=f"evaluation {shape} {dtype}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 7)])
def test_running_statistics(shape: tuple[int, ...], dtype: str) -> None:
    """They follow as in PyTorch; the write is counted by the storage alone."""
    found = []
    for library in (headgate, torch):
        x, mean, variance = leaves(library, arrays(shape, (3,), (3,), dtype=dtype, positive=True))
        running = [mean.detach(), variance.detach()]
        before = [one._version for one in running]
        for momentum in (0.1, 0.0, 1.0, 0.3):
            library.nn.functional.batch_norm(x, *running, training=True, momentum=momentum)
        assert [one._version for one in running] == before
        found.append(running)
    for mine, theirs in zip(*found):
        close(mine, theirs, "running statistics")


def test_a_pass_after_another_forward() -> None:
    """The running statistics are saved, but a silent write to them disturbs no pass; a counted one is refused."""
    for library in (headgate, torch):
        x, mean, variance = leaves(library, arrays((4, 3), (3,), (3,), positive=True))
        running = [mean.detach(), variance.detach()]
        first = library.nn.functional.batch_norm(x, *running, training=True)
        library.nn.functional.batch_norm(x, *running, training=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            first.sum().backward()
        second = library.nn.functional.batch_norm(x, *running, training=True)
        running[0].zero_()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            second.sum().backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "tail"), [((4, 6), (6,)), ((70, 130), (130,)), ((2, 3, 5), (3, 5)), ((2, 3, 300),
    (300,)), ((3,), (3,))])
@pytest.mark.parametrize("affine", [0, 1, 2])
def test_layer_norm(shape: tuple[int, ...], tail: tuple[int, ...], dtype: str, affine: int) -> None:
    def norm(library: Any, x: Any, *more: Any) -> Any:
        return library.nn.functional.layer_norm(x, tail, *more, eps=1e-3)

    compare(norm, *arrays(shape, *[tail] * affine, dtype=dtype), second=dtype != "float16", what=f"{shape} {dtype}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "tail"), [((4, 6), (6,)), ((2, 3, 5), (3, 5)), ((2, 40, 130), (130,))])
@pytest.mark.parametrize("eps", [None, 1e-2])
@pytest.mark.parametrize("affine", [0, 1])
def test_rms_norm(shape: tuple[int, ...], tail: tuple[int, ...], dtype: str, eps: Any, affine: int) -> None:
    def norm(library: Any, x: Any, *more: Any) -> Any:
        return library.nn.functional.rms_norm(x, tail, *more, eps=eps)

    compare(norm, *arrays(shape, *[tail] * affine, dtype=dtype), second=dtype != "float16", what=f"{shape} {dtype}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "groups"), [((4, 6), 3), ((2, 6, 5), 1), ((2, 6, 5), 6), ((3, 4, 3, 5), 2), ((2, 8,
    9, 40), 4)])
@pytest.mark.parametrize("affine", [0, 1, 2])
def test_group_norm(shape: tuple[int, ...], groups: int, dtype: str, affine: int) -> None:
    def norm(library: Any, x: Any, *more: Any) -> Any:
        return library.nn.functional.group_norm(x, groups, *more, eps=1e-3)

    compare(norm, *arrays(shape, *[shape[1:2]] * affine, dtype=dtype), second=dtype != "float16",
            what=f"{shape} {groups} {dtype}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("affine", [0, 2])
@pytest.mark.parametrize("tracked", [False, True])
def test_instance_norm(shape: tuple[int, ...], dtype: str, affine: int, tracked: bool) -> None:
    def norm(library: Any, x: Any, *more: Any) -> Any:
        running = [library.zeros(3, dtype=x.dtype), library.ones(3, dtype=x.dtype)] if tracked else [None, None]
        y = library.nn.functional.instance_norm(x, *running, *more, momentum=0.3)
        z = library.nn.functional.instance_norm(x, *running, *more, use_input_stats=False) if tracked else y
        return (y, z, *running) if tracked else y

    compare(norm, *arrays(shape, *[(3,)] * affine, dtype=dtype), what=f"{shape} {dtype}")


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 3, 3), (1, 6, 2, 2, 2)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_local_response_norm(shape: tuple[int, ...], size: int) -> None:
    compare(lambda library, x: library.nn.functional.local_response_norm(x, size, alpha=0.3, beta=0.6, k=2.0),
            *arrays(shape), what=f"{shape} {size}")


def test_native_forms() -> None:
    compare(lambda library, x, w, b: library.native_layer_norm(x, (5,), w, b, 1e-3), *arrays((2, 3, 5), (5,), (5,)))
    compare(lambda library, x, w, b: library.native_group_norm(x, w, b, 2, 4, 5, 2, 1e-3), *arrays((2, 4, 5), (4,),
        (4,)))
    compare(lambda library, x, w, b: library.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-3), *arrays((4, 3),
        (3,), (3,)))
    compare(lambda library, x, w, b: library.batch_norm(x, w, b, None, None, True, 0.1, 1e-3, True), *arrays((4, 3),
        (3,), (3,)))


def test_mixed_types() -> None:
    """Half inputs may have float32 parameters, whose gradients are float32."""
    for name, more in (("layer_norm", ((6,),)), ("group_norm", (3,))):
        x, = arrays((4, 6), dtype="float16")
        w, b = arrays((6,), (6,), dtype="float32")
        compare(lambda library, x, w, b, name=name, more=more: getattr(library.nn.functional, name)(x, *more, w, b),
                x, w, b, second=False, what=name, loose=2e-3)


def test_empty() -> None:
    for shape in ((0, 6), (0, 6, 3)):
        compare(lambda library, x, w: library.nn.functional.batch_norm(x, library.zeros(6), library.ones(6), w),
                *arrays(shape, (6,), dtype="float32"), second=False)
    compare(lambda library, x, w: library.nn.functional.layer_norm(x, (6,), w), *arrays((0, 6), (6,)), second=False)


R = arrays((4, 6))[0]
V = arrays((6,), positive=True)[0]
F = V.astype("float32")
ERRORS: list[Any] = [
    (lambda m, x: m.nn.functional.batch_norm(x[:1], None, None, training=True), R),
    (lambda m, x: m.nn.functional.batch_norm(x, None, None), R),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v.detach()[:5], v.detach()), R, V),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v.detach(), v.detach(), v[:5]), R, V),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v.detach(), v.detach(), v, v[:5]), R, V),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v.detach(), None, training=False), R, V),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v.detach(), None, training=True), R, V),
    (lambda m, x, v: m.nn.functional.batch_norm(x, v, v, training=True), R, V),
    (lambda m, x: m.nn.functional.batch_norm(x, None, None, training=True, eps=0), R),
    (lambda m, x: m.nn.functional.batch_norm(x[0], None, None, training=True), R),
    (lambda m, x: m.nn.functional.batch_norm(x.long(), None, None, training=True), R),
    (lambda m, x, f: m.nn.functional.batch_norm(x, None, None, f, training=True), R, F),
    (lambda m, x, v: m.nn.functional.batch_norm(x.float(), None, None, v, training=True), R, V),
    (lambda m, x: m.nn.functional.layer_norm(x, 6), R),
    (lambda m, x: m.nn.functional.layer_norm(x, (5,)), R),
    (lambda m, x: m.nn.functional.layer_norm(x, ()), R),
    (lambda m, x, v: m.nn.functional.layer_norm(x, (6,), v[:5]), R, V),
    (lambda m, x, v: m.nn.functional.layer_norm(x, (6,), v, v[:5]), R, V),
    (lambda m, x, f: m.nn.functional.layer_norm(x, (6,), f), R, F),
    (lambda m, x: m.nn.functional.layer_norm(x.long(), (6,)), R),
    (lambda m, x: m.nn.functional.layer_norm(x, (4, 6, 3)), R),
    (lambda m, x: m.nn.functional.group_norm(x, 4), R),
    (lambda m, x: m.nn.functional.group_norm(x[0], 3), R),
    (lambda m, x: m.nn.functional.group_norm(x[:1], 6), R),
    (lambda m, x: m.nn.functional.group_norm(x, 0), R),
    (lambda m, x, v: m.nn.functional.group_norm(x, 3, v[:5]), R, V),
    (lambda m, x, v: m.nn.functional.group_norm(x, 3, v, v[:5]), R, V),
    (lambda m, x: m.nn.functional.group_norm(x.long(), 3), R),
    (lambda m, x: m.nn.functional.instance_norm(x), R),
    (lambda m, x: m.nn.functional.instance_norm(x.reshape(2, 3, 4), use_input_stats=False), R),
    (lambda m, x, v: m.nn.functional.instance_norm(x.reshape(2, 3, 4), v, v), R, V),
    (lambda m, x, v: m.nn.functional.instance_norm(x.reshape(2, 3, 4), None, None, v), R, V),
    (lambda m, x: m.nn.functional.rms_norm(x, 6), R),
    (lambda m, x: m.nn.functional.rms_norm(x, (5,)), R),
    (lambda m, x, v: m.nn.functional.rms_norm(x, (6,), v[:5]), R, V),
    (lambda m, x: m.nn.functional.rms_norm(x.long(), (6,)), R),
    (lambda m, x: m.nn.functional.local_response_norm(x, 3), R),
    (lambda m, x: m.nn.functional.local_response_norm(x.reshape(2, 3, 4), 0), R),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    same_error(*ERRORS[case])


def test_threads_do_not_change_bits() -> None:
    given = arrays((64, 300), (300,), (300,), dtype="float32")
    found = []
    threads = headgate.get_num_threads()
    for count in (1, 4):
        headgate.set_num_threads(count)
        x, w, b = leaves(headgate, given)
        headgate.nn.functional.layer_norm(x, (300,), w, b).square().sum().backward()
        found.append([array(t.grad) for t in (x, w, b)])
    headgate.set_num_threads(threads)
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)
