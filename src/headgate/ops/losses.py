"""Losses for probabilities and scores: binary cross entropy, and those that are made of other ops.

What they share (reductions, PyTorch's old flags) is in `loss`. Gradients are written in Tensors.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, requires, wrap
    from headgate.core.arrays import count_of, is_contiguous, is_float, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor, X, Y, Z
    from headgate.kernels.reference import map2
    from headgate.ops.arguments import number
    from headgate.ops.loss import reduce_values, reduction_of
    from headgate.ops.loss_checks import other_type, second
    from headgate.ops.reducing import given

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, constants, declare
from headgate.core.entry import PUBLIC
from headgate.core.family import broadcast_error, refused_error
from headgate.kernels import make_loop
from headgate.ops.whole import whole, whole_op

KL_MEAN = (
    "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only "
    "by the "
    "batch size, and aligns with the KL math definition.'mean' will be changed to behave the same as 'batchmean' in "
    "the next "
    "major release."
)

NO_TARGET_GRADIENT = (
    "The function 'soft_margin_loss' is not differentiable with respect to argument 'target'. This input cannot have "
    "requires_grad True."
)
TRIPLET_RANKS = (
    "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
    "{}D, positive {}D, and negative {}D inputs"
)
BCE_OF, BCE_LOSSES = make_loop("bce"), make_loop("bce_logits")
COSINE_FLOOR = 1e-12  # added to sums of squares, as PyTorch does


def leaves_unit(a: ndarray) -> bool:
    """Whether an element is below 0 or above 1."""
    i: cython.Py_ssize_t
    if cython.compiled and is_contiguous(a) and PyArray_TYPE(a) == 11:  # noqa: F821
        single: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(a))  # noqa: F821
        for i in range(count_of(a)):
            if single[i] < 0 or single[i] > 1:
                return True
        return False
    return bool(((cython.cast(object, a) < 0) | (cython.cast(object, a) > 1)).any())


def finished(losses: Tensor, code: int) -> Tensor:
    """The losses, their mean or their sum."""
    if code == 0:
        return losses
    return losses.mean() if code == 1 else losses.sum()


def share(g: Tensor, x: Tensor, code: object) -> Tensor:
    """The gradient of each loss from that of their reduction."""
    return g / (count_of(x._array) or 1) if code == 1 else g  # of nothing there is no mean, nor a gradient


@cython.cclass
class Bce(Op):
    """-w (y log x + (1 - y) log(1 - x)), logarithms at least -100. Inputs: x, y, w or None; attrs: (reduction, has
    w)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, y, w = inputs
        if not is_float(x):
            raise refused_error("binary_cross_entropy", dtypes.of(x))
        if leaves_unit(x):
            raise RuntimeError("all elements of input should be between 0 and 1")
        if leaves_unit(y):
            raise RuntimeError("all elements of target should be between 0 and 1")
        values: object = map2(BCE_OF, x, y)
        values = np.asarray(values if w is None else values * w, x.dtype)
        return reduce_values(values, attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        if i == 0:
            result = share(g, x, n.attrs[0]) * (x - y) / ((1 - x) * x).clamp_min(1e-12)
        else:
            result = share(g, x, n.attrs[0]) * ((-x).log1p().clamp_min(-100) - x.log().clamp_min(-100))
        return result * n.read(Z) if n.attrs[1] else result

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 3 | (4 if n.attrs[1] else 0)


@cython.cclass
class BceLogits(Op):
    """Binary cross entropy of sigmoid(x), without overflow. Inputs: x, y, w or None, weight of positives or None.

    attrs: (reduction, has w, has a weight of positives).
    """

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, y, w, p = inputs
        if p is None and x.dtype == y.dtype:
            values: object = map2(BCE_LOSSES, x, y)
        else:
            with np.errstate(all="ignore"):
                logs: object = np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
                values = (1 - y) * x - (logs if p is None else logs * ((p - 1) * y + 1))
        values = np.asarray(values if w is None else values * w)
        return reduce_values(np.asarray(values, x.dtype if values.dtype.kind != "f" else values.dtype), attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        g = share(g, x, n.attrs[0])
        if n.attrs[2]:
            weighted = n.read(3) * y
            slope = (weighted + 1 - y) * x.sigmoid() - weighted
            other = -x - (n.read(3) - 1) * PUBLIC["nn.functional.logsigmoid"](x)
        else:
            slope = x.sigmoid() - y
            other = -x
        result = g * (slope if i == 0 else other)
        return result * n.read(Z) if n.attrs[1] else result

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 3 | (4 if n.attrs[1] else 0) | (8 if n.attrs[2] else 0)


BCE, BCE_LOGITS = Bce(), BceLogits()
SOFT_MARGIN = whole_op("soft_margin_loss", "SoftMarginLossBackward")
constants(1 << 2, BCE)
constants(1 << 2 | 1 << 3, BCE_LOGITS)


def check_weights(x: Tensor, weight: object, function: str, position: int) -> None:
    """TypeError unless weights are a tensor, RuntimeError unless they broadcast to the input's shape."""
    if not isinstance(weight, Tensor):
        raise TypeError(errors.ARGUMENT.format(function=function, name="weight" if position == 3 else "pos_weight",
                                               position=position, expected="Tensor", type=type(weight).__name__))
    w: Tensor = weight
    try:
        wide = np.broadcast_shapes(shape_of(x._array), shape_of(w._array))
    except ValueError:
        raise RuntimeError(broadcast_error(x._array, w._array)) from None
    if wide != shape_of(x._array):
        raise RuntimeError(f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(wide)}")


def binary_cross_entropy(
    input: object, target: object, weight: object = None, size_average: object = None, reduce: object = None,
    reduction: object = "mean",
) -> object:
    """-(target log(input) + (1 - target) log(1 - input)), logarithms at least -100, weighted; averaged, added or each.

    ValueError for shapes that differ, RuntimeError for probabilities outside of [0, 1].
    """
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "binary_cross_entropy")
    y: Tensor = second(target, "binary_cross_entropy")
    if shape_of(x._array) != shape_of(y._array):
        raise ValueError(f"Using a target size ({y.shape}) that is different to the input size ({x.shape}) is "
                         f"deprecated. "
                         "Please ensure they have the same size.")
    if weight is not None:
        weight.size()  # what has none is refused in Python's own words
        check_weights(x, weight, "binary_cross_entropy", 3)
    if cython.cast(object, x._array).dtype != cython.cast(object, y._array).dtype:
        raise other_type(y, x)
    return apply(BCE, (x, y, weight), (code, weight is not None))


def binary_cross_entropy_with_logits(
    input: object, target: object, weight: object = None, size_average: object = None, reduce: object = None,
    reduction: object = "mean", pos_weight: object = None,
) -> object:
    """`binary_cross_entropy` of sigmoid(input), without overflow; pos_weight multiplies the term of the positives."""
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "binary_cross_entropy_with_logits")
    y: Tensor = second(target, "binary_cross_entropy_with_logits")
    if shape_of(x._array) != shape_of(y._array):
        raise ValueError(f"Target size ({y.shape}) must be the same as input size ({x.shape})")
    if not is_float(x._array):
        raise refused_error("log_sigmoid_cpu", dtypes.of(x._array))
    if not is_float(y._array):
        names = errors.TYPE_NAMES
        raise RuntimeError(errors.RESULT_TYPE.format(
            result=names[dtypes.of(x._array).name], output=names[dtypes.of(y._array).name]))
    for position, item in ((3, weight), (4, pos_weight)):
        if item is not None:
            check_weights(x, item, "binary_cross_entropy_with_logits", position)
    return apply(BCE_LOGITS, (x, y, weight, pos_weight), (code, weight is not None, pos_weight is not None))


def kl_div(
    input: object, target: object, size_average: object = None, reduce: object = None, reduction: object = "mean",
    log_target: object = False,
) -> object:
    """target (log(target) - input), input and, if `log_target`, target being logarithms; "batchmean" divides by the
    batch."""
    if reduction == "mean":
        warnings.warn(KL_MEAN, UserWarning, stacklevel=2)
    old: bool = size_average is not None or reduce is not None
    code = 2 if reduction == "batchmean" and not old else reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "kl_div")
    y: Tensor = second(target, "kl_div")
    if not is_float(x._array) or not is_float(y._array):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    losses = y.exp() * (y - x) if log_target else PUBLIC["xlogy"](y, y) - y * x
    result = finished(losses, code)
    return result / x._array.shape[0] if reduction == "batchmean" and x._array.ndim != 0 else result


def poisson_nll_loss(
    input: object, target: object, log_input: object = True, full: object = False, size_average: object = None,
    eps: object = 1e-8, reduce: object = None, reduction: object = "mean",
) -> object:
    """exp(input) - target input (input - target log(input + eps) if not `log_input`); `full` adds Stirling's terms."""
    if size_average is None and reduce is None and not isinstance(reduction, str):
        raise TypeError(f"unsupported operand type(s) for +: '{type(reduction).__name__}' and 'str'")
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "poisson_nll_loss")
    y: Tensor = second(target, "poisson_nll_loss")
    eps = number(eps, "poisson_nll_loss", "eps", 5, "float")
    losses = x.exp() - y * x if log_input else x - y * (x + eps).log()
    if full:
        losses = losses + (y * y.log() - y + 0.5 * (2 * np.pi * y).log()).masked_fill(y <= 1, 0)
    return finished(losses, code)


def variances(x: Tensor, var: Tensor) -> Tensor:
    """The variances in a shape that broadcasts to x's: one each, or one for the whole last dim."""
    mine: tuple = shape_of(x._array)
    other: tuple = shape_of(var._array)
    if mine == other:
        return var
    if mine[:len(mine) - 1] == other:
        return var.unsqueeze(len(mine) - 1)
    if len(mine) != len(other) or sum([b for a, b in zip(mine, other) if a != b]) != 1:
        raise ValueError("var is of incorrect size")
    return var


def gaussian_nll_loss(
    input: object, target: object, var: object, full: object = False, eps: object = 1e-6, reduction: object = "mean",
) -> object:
    """(log(var) + (input - target)^2 / var) / 2, var at least eps (its gradient passes all the same)."""
    x: Tensor = given(input, "gaussian_nll_loss")
    if isinstance(var, float):
        var = PUBLIC["ones_like"](x.detach()) * var
    if PUBLIC["any"](var < 0):
        raise ValueError("var has negative entry/entries")
    if not isinstance(reduction, str):
        raise TypeError(f"unsupported operand type(s) for +: '{type(reduction).__name__}' and 'str'")
    code = reduction_of(reduction, None, None)
    var = variances(x, var)
    if not is_float(cython.cast(Tensor, var)._array):
        raise RuntimeError(errors.RESULT_TYPE.format(result="Float", output=errors.C_NAMES[var.dtype.name]))
    floor = var.detach().clamp_min(eps)
    var = floor + (var - var.detach())
    losses = (var.log() + (x - target).pow(2) / var) * 0.5
    return finished(losses + 0.5 * float(np.log(2 * np.pi)) if full else losses, code)


def hinge_embedding_loss(
    input: object, target: object, margin: object = 1.0, size_average: object = None, reduce: object = None,
    reduction: object = "mean",
) -> object:
    """input where target is 1, max(0, margin - input) where it is -1."""
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "hinge_embedding_loss")
    if not is_float(x._array):
        margin = int(margin)
    low = (margin - x).clamp_min(0).masked_fill(target == 1, 0)
    return finished(low + x.masked_fill(target == -1, 0), code)


def soft_margin_loss(
    input: object, target: object, size_average: object = None, reduce: object = None, reduction: object = "mean",
) -> object:
    """log(1 + exp(-target input)), in input's type and shape: RuntimeError where target does not fit."""
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "soft_margin_loss")
    y: Tensor = second(target, "soft_margin_loss")
    kind = dtypes.of(x._array)
    if grad_enabled() and requires(y):
        raise RuntimeError(NO_TARGET_GRADIENT)
    if not is_float(x._array):
        raise RuntimeError(errors.RESULT_TYPE.format(result="Float", output=errors.TYPE_NAMES[kind.name]))
    product = -x * y
    if product.shape != x.shape:
        raise RuntimeError(f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(product.shape)}")
    return whole(SOFT_MARGIN, finished(product.to(kind).exp().log1p(), code), x, y)


def margin_ranking_loss(
    input1: object, input2: object, target: object, margin: object = 0, size_average: object = None,
    reduce: object = None, reduction: object = "mean",
) -> object:
    """max(0, -target (input1 - input2) + margin)."""
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input1, "margin_ranking_loss")
    y: Tensor = second(input2, "margin_ranking_loss")
    z: Tensor = second(target, "margin_ranking_loss")
    if x._array.ndim != y._array.ndim or x._array.ndim != z._array.ndim:
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
                           f"{x.shape}, input2: {y.shape}, target: {z.shape} ")
    margin = number(margin, "margin_ranking_loss", "margin", 4, "float")
    return finished((-z * (x - y) + margin).clamp_min(0), code)


def triplet_margin_loss(
    anchor: object, positive: object, negative: object, margin: object = 1.0, p: object = 2, eps: object = 1e-6,
    swap: object = False, size_average: object = None, reduce: object = None, reduction: object = "mean",
) -> object:
    """max(0, |anchor - positive| - |anchor - negative| + margin), distances as in `pairwise_distance`."""
    code = reduction_of(reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    ranks = [cython.cast(object, given(one, "triplet_margin_loss")).ndim for one in (anchor, positive, negative)]
    if len(set(ranks)) > 1:
        raise RuntimeError(TRIPLET_RANKS.format(*ranks))
    distance = PUBLIC["nn.functional.pairwise_distance"]
    far = distance(anchor, negative, p, eps)
    if swap:
        far = PUBLIC["minimum"](far, distance(positive, negative, p, eps))
    return finished((margin + distance(anchor, positive, p, eps) - far).clamp_min(0), code)


def cosine_embedding_loss(
    input1: object, input2: object, target: object, margin: object = 0, size_average: object = None,
    reduce: object = None, reduction: object = "mean",
) -> object:
    """1 - cos(input1, input2) where target is 1, max(0, cos - margin) where it is -1; (N, D), (N, D) and (N), or one
    of each."""
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input1, "cosine_embedding_loss")
    y: Tensor = second(input2, "cosine_embedding_loss")
    rank: cython.int = second(target, "cosine_embedding_loss")._array.ndim
    margin = number(margin, "cosine_embedding_loss", "margin", 4, "float")
    if rank > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if x._array.ndim != rank + 1 or y._array.ndim != rank + 1:
        raise RuntimeError(f"{rank}D target tensor expects {rank + 1}D input tensors, but found inputs with sizes "
                           f"{list(x.shape)} and {list(y.shape)}.")
    sizes = ((x * x).sum(rank) + COSINE_FLOOR) * ((y * y).sum(rank) + COSINE_FLOOR)
    cosine = (x * y).sum(rank) / sizes.sqrt()
    near, far = (1 - cosine).masked_fill(target != 1, 0), (cosine - margin).clamp_min(0).masked_fill(target != -1, 0)
    return finished(near + far, code)


def multilabel_soft_margin_loss(
    input: object, target: object, weight: object = None, size_average: object = None, reduce: object = None,
    reduction: object = "mean",
) -> object:
    """-(target log sigmoid(input) + (1 - target) log sigmoid(-input)), averaged over the classes (last dim)."""
    if size_average is None and reduce is None and not isinstance(reduction, str):
        raise TypeError(f"unsupported operand type(s) for +: '{type(reduction).__name__}' and 'str'")
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "multilabel_soft_margin_loss")
    log_sigmoid = PUBLIC["nn.functional.logsigmoid"]
    losses = -(target * log_sigmoid(x) + (1 - target) * log_sigmoid(-x))
    if weight is not None:
        losses = losses * weight
    if x._array.ndim == 0:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    return finished(losses.sum(x._array.ndim - 1) / x._array.shape[x._array.ndim - 1], code)




def probabilities(make: object) -> object:
    """Probabilities and targets."""
    return [((make(3, 4, low=0.1, high=0.9), make(3, 4, low=0, high=1)), {"reduction": one}) for one in ("mean",
        "none", "sum")]


def scores(make: object) -> object:
    """Scores and targets."""
    return [((make(3, 4), make(3, 4, low=0, high=1)), {"reduction": one}) for one in ("mean", "none", "sum")]


declare(BCE, "nn.functional.binary_cross_entropy", overload=None, reads=[3, 3], function=binary_cross_entropy,
    method=False,
        inplace=False, out=False, samples=probabilities, dtypes="f")
declare(BCE_LOGITS, "nn.functional.binary_cross_entropy_with_logits", overload=None, reads=[3, 3],
        function=binary_cross_entropy_with_logits, method=False, inplace=False, out=False, samples=scores, dtypes="f")
composite("nn.functional.kl_div", kl_div, method=False, dtypes="f",
          samples=lambda make: [((make(3, 4), make(3, 4, low=0.1, high=1)), {"reduction": "batchmean"}),
                                ((make(3, 4), make(3, 4)), {"reduction": "sum", "log_target": True})])
for _function in (poisson_nll_loss, soft_margin_loss, multilabel_soft_margin_loss):
    composite("nn.functional." + _function.__name__, _function, method=False, dtypes="f", samples=scores)
def pairs_with(make: object, *third: object) -> object:
    """Two tensors and something third, each reduction."""
    return [((make(4, 3), make(4, 3), *third), {"reduction": one}) for one in ("mean", "none", "sum")]


_SIGNS = wrap(np.array([1.0, -1.0, 1.0, -1.0]))
composite("nn.functional.gaussian_nll_loss", gaussian_nll_loss, method=False, dtypes="f",
          samples=lambda make: pairs_with(make, make(4, 3, low=0.5, high=2)))
composite("nn.functional.triplet_margin_loss", triplet_margin_loss, method=False, dtypes="f", smooth=False,
          samples=lambda make: pairs_with(make, make(4, 3)))
composite("nn.functional.hinge_embedding_loss", hinge_embedding_loss, method=False, dtypes="f", smooth=False,
          samples=lambda make: [((make(4), _SIGNS), {})])
composite("nn.functional.margin_ranking_loss", margin_ranking_loss, method=False, dtypes="f", smooth=False,
          samples=lambda make: [((make(4), make(4), _SIGNS), {"margin": 0.5})])
composite("nn.functional.cosine_embedding_loss", cosine_embedding_loss, method=False, dtypes="f", smooth=False,
          samples=lambda make: [((make(4, 3), make(4, 3), _SIGNS), {})])
