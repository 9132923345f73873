"""The remaining losses and bilinear maps, made of other ops: margins over classes, triplets by any distance; and the
losses that PyTorch has among its plain functions too, with reductions by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.core.typed import Tensor
from headgate.errors import C_NAMES
from headgate.ops.loss import reduction_of
from headgate.ops.whole import whole, whole_op

NAMES = ("none", "mean", "sum")
MULTI_MARGIN = whole_op("multi_margin_loss", "MultiMarginLossBackward")
MULTILABEL_MARGIN = whole_op("multilabel_margin_loss", "MultilabelMarginLossBackward")
TRILINEAR = whole_op("_trilinear", "TrilinearBackward")
TARGET_SIZE = (
    "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
    "Expected target size [{expected}], but got {got}. Input has shape {shape}."
)


def tensor(value: Any, function: str, name: str = "input", position: int = 1) -> Any:
    """The argument itself; TypeError if it is no tensor."""
    if isinstance(value, Tensor):
        return value
    raise TypeError(errors.ARGUMENT.format(function=function, name=name, position=position, expected="Tensor",
                                           type=type(value).__name__))


def reduced(losses: Any, code: int) -> Any:
    """The losses, their mean or their sum."""
    return losses if code == 0 else losses.mean() if code == 1 else losses.sum()


def classes_of(target: Any, function: str) -> Any:
    """The array of a target of class numbers; RuntimeError unless int64."""
    tensor(target, function, "target", 2)
    if target.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {errors.TYPE_NAMES[target.dtype.name]}")
    return target.detach().numpy()


def check_margin(x: Any, name: str) -> None:
    """RuntimeError unless scores are a vector or a matrix with classes."""
    if x.ndim not in (0, 1, 2) or (x.ndim and x.shape[x.ndim - 1] == 0):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
                           f"{list(x.shape)}")


def multi_margin_loss(
    input: Any, target: Any, p: Any = 1, margin: Any = 1.0, weight: Any = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Any:
    """Sum over the other classes of max(0, margin - x[target] + x[i])^p * weight[target], over the number of classes.

    input: (N, C) or (C); target: int64 (N) or one; p: 1 or 2. ValueError for another p, RuntimeError for targets that
    do not fit. Differs from PyTorch: second gradients exist.
    """
    code = reduction_of(reduction, size_average, reduce)
    x = tensor(input, "multi_margin_loss")
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    check_margin(x, "multi_margin_loss")
    rows = x.reshape(1, -1) if x.ndim < 2 else x
    count, classes = rows.shape
    if target.numel() != count or target.ndim > 1:
        raise RuntimeError(TARGET_SIZE.format(expected=count, got=list(target.shape), shape=list(x.shape)))
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if not x.dtype.is_floating_point:
        raise refused_error("multi_margin_loss_cpu_kernel", x.dtype)
    places = classes_of(target, "multi_margin_loss").reshape(-1, 1)
    if weight is not None and weight.dtype is not x.dtype:
        names = errors.TYPE_NAMES
        raise RuntimeError(f"expected scalar type {names[x.dtype.name]} but found {names[weight.dtype.name]}")
    if ((places < 0) | (places >= classes)).any():
        raise RuntimeError("target out of range")
    index = wrap(places.copy())
    z = (margin - rows.gather(1, index) + rows).scatter(1, index, 0).relu()
    losses = z if p == 1 else z * z
    if weight is not None:
        losses = losses * weight.detach().gather(0, index.reshape(-1)).unsqueeze(1)
    losses = losses.sum(1) / classes
    found = reduced(losses.reshape(()) if target.ndim == 0 and code == 0 else losses, code)
    return whole(MULTI_MARGIN, found, x, target, weight)


def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Any:
    """Sum over targets j and classes i that are no targets of max(0, 1 - x[j] + x[i]), over the number of classes.

    target: int64 like input, class numbers up to the first -1. RuntimeError for shapes or classes that do not fit.
    Differs from PyTorch: second gradients exist.
    """
    code = reduction_of(reduction, size_average, reduce)
    x = tensor(input, "multilabel_margin_loss")
    check_margin(x, "multilabel_margin_loss")
    if tuple(target.shape) != tuple(x.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(x.shape)}")
    places = classes_of(target, "multilabel_margin_loss")
    rows = x.reshape(1, -1) if x.ndim < 2 else x
    places = places.reshape(rows.shape)
    classes = rows.shape[1]
    if not x.dtype.is_floating_point:
        raise refused_error("multilabel_margin_loss_forward_out_frame", x.dtype)
    if ((places < -1) | (places >= classes)).any():
        raise RuntimeError("argument #2 'target' is out of range")
    valid = np.cumprod(places >= 0, 1).astype(bool)
    chosen = np.where(valid, places, 0)
    is_target = np.zeros(places.shape, bool)
    for k in range(len(places)):
        is_target[k, places[k][valid[k]]] = True
    z = 1 - rows.gather(1, wrap(chosen)).unsqueeze(2) + rows.unsqueeze(1)
    z = z.masked_fill((z <= 0).detach(), 0).masked_fill(wrap(~(valid[:, :, None] & ~is_target[:, None, :])), 0)
    losses = z.sum((1, 2)) / classes
    found = reduced(losses.reshape(()) if x.ndim < 2 and code == 0 else losses, code)
    return whole(MULTILABEL_MARGIN, found, x, target)


def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, *, distance_function: Callable[..., Any] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) by any distance, `pairwise_distance` by default.

    swap: the smaller of d(anchor, negative) and d(positive, negative) counts. ValueError unless margin > 0.
    """
    if reduction not in NAMES:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ranks = [one.ndim for one in (anchor, positive, negative)]
    if len(set(ranks)) > 1:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of "
                           f"dimensions, but got: anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D "
                           "inputs")
    distance = distance_function or PUBLIC["nn.functional.pairwise_distance"]
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = PUBLIC["minimum"](far, distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), NAMES.index(reduction))


def check_bilinear(x: Any, y: Any, weight: Any, bias: Any) -> None:
    """RuntimeError for sizes that do not fit, in PyTorch's words."""
    kinds = [("input1", x), ("input2", y), ("weight", weight)] + ([("bias", bias)] if bias is not None else [])
    if len({one.dtype for _, one in kinds}) > 1:
        got = ", ".join(f"{name}: {C_NAMES.get(one.dtype.name, one.dtype.name)}" for name, one in kinds)
        raise RuntimeError(f"All tensors must have the same dtype, got {got}")
    if x.ndim != y.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {x.ndim} and {y.ndim}")
    for dim in range(x.ndim - 1):
        if x.shape[dim] != y.shape[dim]:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {dim}: got {x.shape[dim]} and "
                               f"{y.shape[dim]}")
    for number, one in enumerate((x, y), 1):
        if one.size(-1) != weight.size(number):
            raise RuntimeError(f"bilinear(): input{number} size does not match weight size: got {one.size(-1)} but "
                               f"expected {weight.size(number)}")
    if bias is not None and bias.size(0) != weight.size(0):
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {bias.size(0)} but expected "
                           f"{weight.size(0)}")


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x₁ᵀ A x₂ + b for each output: (*, I), (*, J), weight (O, I, J), bias (O) to (*, O). RuntimeError for other
    sizes."""
    x, y = tensor(input1, "bilinear", "input1"), tensor(input2, "bilinear", "input2", 2)
    tensor(weight, "bilinear", "weight", 3)
    check_bilinear(x, y, weight, bias)
    if weight.ndim != 3:  # PyTorch goes on, into its kernel
        raise RuntimeError(f"bilinear(): weight has three dimensions, got {weight.ndim}")
    out, first, second = weight.shape
    count = math.prod(x.shape[:x.ndim - 1])
    flat = x.reshape(count, first)
    mixed = flat.matmul(weight.permute(1, 0, 2).reshape(first, out * second)).reshape(count, out, second)
    operands = (x, weight, y)  # PyTorch keeps of these what the gradients of the other two read
    kept = [one if any(other.requires_grad for other in operands if other is not one) else None for one in operands]
    summed = whole(TRILINEAR, (mixed * y.reshape(count, 1, second)).sum(2), *kept)
    result = summed.reshape(*x.shape[:x.ndim - 1], out)
    return result if bias is None else result + bias


# ---- PyTorch's plain functions: reductions by number ----------------------------------------------------------------


def named(reduction: Any) -> str:
    """The name of a reduction; as in PyTorch another number counts as none."""
    return NAMES[reduction] if reduction in (1, 2) else "none"


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: int = 1) -> Any:
    """`nn.functional.hinge_embedding_loss`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.hinge_embedding_loss"](input, target, margin, reduction=named(reduction))


def kl_div(input: Any, target: Any, reduction: int = 1, *, log_target: bool = False) -> Any:
    """`nn.functional.kl_div`; reduction 0 none, 1 mean, 2 sum."""
    losses = PUBLIC["nn.functional.kl_div"](input, target, reduction="none", log_target=log_target)
    return reduced(losses, reduction if reduction in (1, 2) else 0)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1) -> Any:
    """`nn.functional.margin_ranking_loss`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.margin_ranking_loss"](input1, input2, target, margin, reduction=named(reduction))


def poisson_nll_loss(input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    """`nn.functional.poisson_nll_loss`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.poisson_nll_loss"](input, target, log_input, full, eps=eps, reduction=named(reduction))


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
    swap: bool = False, reduction: int = 1,
) -> Any:
    """`nn.functional.triplet_margin_loss`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.triplet_margin_loss"](anchor, positive, negative, margin, p, eps, swap,
                                                       reduction=named(reduction))


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1) -> Any:
    """`nn.functional.cosine_embedding_loss`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.cosine_embedding_loss"](input1, input2, target, margin, reduction=named(reduction))


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 1,
) -> Any:
    """`nn.functional.binary_cross_entropy_with_logits`; reduction 0 none, 1 mean, 2 sum."""
    return PUBLIC["nn.functional.binary_cross_entropy_with_logits"](
        input, target, weight, reduction=named(reduction), pos_weight=pos_weight)


for _function in (multi_margin_loss, multilabel_margin_loss, triplet_margin_with_distance_loss, bilinear):
    publish("nn.functional." + _function.__name__, _function)
for _plain in (bilinear, hinge_embedding_loss, kl_div, margin_ranking_loss, poisson_nll_loss, triplet_margin_loss,
               cosine_embedding_loss, binary_cross_entropy_with_logits):
    publish(_plain.__name__, _plain)
