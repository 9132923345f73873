"""Batch norms folded into the layer before them, beside PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
from beside import LIBRARIES, outcome, same

PAIRS = {
    "conv1d": (lambda nn: nn.Conv1d(3, 4, 3), lambda nn: nn.BatchNorm1d(4), (2, 3, 6)),
    "conv2d": (lambda nn: nn.Conv2d(4, 4, 3, groups=2, bias=False), lambda nn: nn.BatchNorm2d(4, eps=0.1),
               (2, 4, 5, 5)),
    "conv3d": (lambda nn: nn.Conv3d(2, 3, 2), lambda nn: nn.BatchNorm3d(3, affine=False), (2, 2, 3, 3, 3)),
    "transposed": (lambda nn: nn.ConvTranspose2d(3, 4, 3), lambda nn: nn.BatchNorm2d(4), (2, 3, 4, 4)),
    "linear": (lambda nn: nn.Linear(3, 4), lambda nn: nn.BatchNorm1d(4), (5, 3)),
    "linear without bias": (lambda nn: nn.Linear(3, 4, bias=False), lambda nn: nn.BatchNorm1d(4), (5, 3)),
    "linear, one feature": (lambda nn: nn.Linear(3, 4), lambda nn: nn.BatchNorm1d(1), None),
    "sizes": (lambda nn: nn.Linear(3, 4), lambda nn: nn.BatchNorm1d(3), None),
    "no statistics": (lambda nn: nn.Conv1d(3, 4, 3), lambda nn: nn.BatchNorm1d(4, track_running_stats=False), None),
}


def fused(library: Any, name: str, training: bool) -> Any:
    layer, norm = (make(library.nn).double() for make in PAIRS[name][:2])
    library.manual_seed(3)
    with library.no_grad():
        for one in [*layer.parameters(), *norm.parameters()]:
            one.copy_(library.randn(one.shape, dtype=library.float64))
        if norm.running_mean is not None:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    layer.train(training)
    norm.eval()
    layer.weight.requires_grad_(False)
    utils = library.nn.utils
    if name.startswith(("linear", "sizes")):
        made = utils.fuse_linear_bn_eval(layer, norm)
    else:
        made = utils.fuse_conv_bn_eval(layer, norm, transpose=name == "transposed")
    shape = PAIRS[name][2]
    if shape is not None:
        x = library.randn(shape, dtype=library.float64)
        assert library.allclose(made(x), norm(layer(x)))
    return made


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", PAIRS)
def test_fused(name: str, training: bool) -> None:
    theirs, mine = (outcome(lambda library=library: fused(library, name, training)) for library in LIBRARIES)
    if isinstance(theirs, tuple):
        assert theirs[0] == mine[0] == "AssertionError"
        return
    assert [(key, one.requires_grad) for key, one in theirs.named_parameters()] == [
        (key, one.requires_grad) for key, one in mine.named_parameters()]
    same(dict(theirs.named_parameters()), dict(mine.named_parameters()), 1e-10, 1e-10)
