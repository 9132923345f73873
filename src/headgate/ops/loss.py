"""Losses with nodes of their own: mse, smooth l1, huber, nll, cross entropy, binary cross entropy.

Those that PyTorch makes of other ops are in `losses`. Values are computed array by array; gradients are written in
Tensors, so every order exists.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply1, apply2, wrap
    from headgate.core.arrays import count_of, insert_view, is_float, same_shape, same_type, select_view, shape_of
    from headgate.core.modes import grad_state
    from headgate.core.records import Node, Op, Tensor, X, Y, Z
    from headgate.kernels.reference import gather, linear, map1, map2, map2p, map2s, reduce, scatter
    from headgate.ops.arguments import number, other, whole
    from headgate.ops.keep import zeros_of
    from headgate.ops.loss_checks import check_targets, check_weight, other_type, refused_result, second, weights_like
    from headgate.ops.reducing import given, one_dim
    from headgate.ops.softmax import LOG_SOFTMAX

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, constants, declare, describe
from headgate.core.family import broadcast_error, refused_error
from headgate.kernels import make_loop

NEGATIVE, QUOTIENT, SQUARED = make_loop("neg"), make_loop("div"), make_loop("squared_difference")
DIFFERENCE, PRODUCT = make_loop("sub"), make_loop("mul")
SMOOTH, BOUNDED = make_loop("smooth_l1"), make_loop("huber")
NONE, MEAN, SUM = 0, 1, 2
REDUCTIONS = {"none": NONE, "mean": MEAN, "sum": SUM}
PLAIN_MEAN = (MEAN, None)
IGNORE = -100
NAMES = ("none", "mean", "sum")
LEGACY = "size_average and reduce args will be deprecated, please use reduction='{reduction}' instead."


def reduction_of(reduction: object, size_average: object, reduce: object) -> int:
    """The number of a reduction; PyTorch's old flags too, with its warning. ValueError for another name."""
    if size_average is not None or reduce is not None:
        average = True if size_average is None else size_average
        reduction = ("mean" if average else "sum") if reduce is None or reduce else "none"
        warnings.warn(LEGACY.format(reduction=reduction), UserWarning, stacklevel=3)
    found = REDUCTIONS.get(reduction) if isinstance(reduction, str) else None
    if found is None:
        raise ValueError(errors.REDUCTION.format(reduction=reduction))
    return found


def reduce_values(values: object, reduction: cython.int) -> object:
    """The losses, their mean or their sum."""
    if reduction == NONE:
        return values
    return reduce("mean" if reduction == MEAN else "sum", values, None, False, None)


@cython.cclass
class Pair(Op):
    """A loss of the difference of two tensors, broadcast. attrs: (reduction, parameter)."""

    @cython.cfunc
    def values(self, x: ndarray, y: ndarray, parameter: object) -> ndarray:
        """The losses, each by itself."""
        return map2(SQUARED, x, y)

    @cython.cfunc
    def slope(self, d: Tensor, parameter: object) -> Tensor:
        """The derivative for d."""
        return d * 2.0

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        kind: dtypes.dtype
        if is_float(x) and same_type(x, y) and same_shape(x, y):
            return reduce_values(self.values(x, y, attrs[1]), attrs[0])
        kind = dtypes.result_pair(dtypes.of(x), x.ndim, dtypes.of(y), y.ndim)
        if kind.category < 2:
            raise refused_error(self.name.removesuffix("_loss") + "_cpu", kind)
        try:
            losses = self.values(x.astype(kind.numpy, copy=False), y.astype(kind.numpy, copy=False), attrs[1])
        except ValueError:
            raise RuntimeError(broadcast_error(x, y)) from None
        return reduce_values(losses, attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if grad_state() < 0 and self is MSE:
            return squares_pulled(n.tensor(X)._array, n.tensor(Y)._array, g._array, n.attrs[0], i)
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        d: Tensor
        if same_type(x._array, y._array):
            d = x - y
        else:  # bools do not subtract
            kind = dtypes.result_pair(dtypes.of(x._array), x._array.ndim, dtypes.of(y._array), y._array.ndim)
            d = cython.cast(object, x).to(kind) - cython.cast(object, y).to(kind)
        factor: object = 1 if i == 0 else -1
        if n.attrs[0] == MEAN:
            factor = factor / (count_of(d._array) or 1)  # of nothing there is no mean, nor a gradient
        return self.slope(d, n.attrs[1]) * (g if factor == 1 else g * factor)


def squares_pulled(x: ndarray, y: ndarray, g: ndarray, reduction: cython.int, i: cython.int) -> object:
    """The gradient of squared differences where nothing is recorded: the same numbers without tensors in between."""
    d: ndarray
    factor: object = 1 if i == 0 else -1
    if not same_type(x, y):
        kind = dtypes.result_pair(dtypes.of(x), x.ndim, dtypes.of(y), y.ndim)
        d = (cython.cast(object, wrap(x)).to(kind) - cython.cast(object, wrap(y)).to(kind))._array
    else:
        d = map2(DIFFERENCE, x, y)
    if reduction == MEAN:
        factor = factor / (count_of(d) or 1)
    map2s(PRODUCT, d, 2.0, False, d)
    return wrap(map2(PRODUCT, d, g if factor == 1 else map2s(PRODUCT, g, factor, False), d))


@cython.cclass
class SmoothL1(Pair):
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2."""

    @cython.cfunc
    def values(self, x: ndarray, y: ndarray, parameter: object) -> ndarray:
        return map2p(SMOOTH, x, y, (parameter,))

    @cython.cfunc
    def slope(self, d: Tensor, parameter: object) -> Tensor:
        return (d / parameter).clamp(-1, 1)


@cython.cclass
class Huber(Pair):
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)."""

    @cython.cfunc
    def values(self, x: ndarray, y: ndarray, parameter: object) -> ndarray:
        return map2p(BOUNDED, x, y, (parameter,))

    @cython.cfunc
    def slope(self, d: Tensor, parameter: object) -> Tensor:
        return d.clamp(-parameter, parameter)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        kind: dtypes.dtype
        if same_type(x, y):
            return Pair.run2(self, x, y, attrs, out)
        mine: dtypes.dtype = dtypes.of(x)
        kind = dtypes.result_pair(mine, x.ndim, dtypes.of(y), y.ndim)
        if mine.category < kind.category:  # the losses are of the input's type, whatever the target's
            raise refused_result(kind, mine)
        each: object = Pair.run2(self, x, y, (NONE, attrs[1]), out)
        return reduce_values(each.astype(mine.numpy), attrs[0])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.tensor(X)
        y: Tensor = n.tensor(Y)
        if not same_type(x._array, y._array):
            raise other_type(y, x)
        return Pair.pull(self, n, g, i)


MSE, SMOOTH_L1, HUBER = Pair(), SmoothL1(), Huber()


def pair_of(input: object, target: object, name: str) -> tuple:
    """The two tensors of a loss; a warning if their shapes differ."""
    x: Tensor = given(input, name)
    y: Tensor = second(target, name)
    if not same_shape(x._array, y._array):
        warnings.warn(errors.LOSS_SHAPES.format(target=y.shape, input=x.shape), UserWarning, stacklevel=3)
    return (x, y)


def mse_loss(
    input: object, target: object, size_average: object = None, reduce: object = None, reduction: object = "mean",
    weight: object = None,
) -> object:
    """(input - target)^2, averaged (`reduction="mean"`), added ("sum") or each ("none"); broadcast, with a warning."""
    code = reduction_of(reduction, size_average, reduce)
    pair = pair_of(input, target, "mse_loss")
    if weight is None:
        return apply2(MSE, pair[0], pair[1], PLAIN_MEAN if code == MEAN else (code, None))
    weights_like(pair[0], pair[1], weight)
    losses = (pair[0] - pair[1]).pow(2) * weight
    return losses if code == NONE else losses.sum() if code == SUM else losses.sum() / weight.sum()


def l1_loss(
    input: object, target: object, size_average: object = None, reduce: object = None, reduction: object = "mean",
    weight: object = None,
) -> object:
    """|input - target|, averaged, added or each; broadcast, with a warning."""
    code = reduction_of(reduction, size_average, reduce)
    x, y = pair_of(input, target, "l1_loss")
    if weight is not None:
        weights_like(x, y, weight)
    losses = (x - y).abs()
    if weight is not None:
        losses = losses * weight
        return losses if code == NONE else losses.sum() if code == SUM else losses.sum() / weight.sum()
    return losses if code == NONE else losses.mean() if code == MEAN else losses.sum()


def smooth_l1_loss(
    input: object, target: object, size_average: object = None, reduce: object = None, reduction: object = "mean",
    beta: object = 1.0,
) -> object:
    """(input - target)^2 / (2 beta) where the difference is below beta, else |input - target| - beta / 2."""
    code = reduction_of(reduction, size_average, reduce)
    pair = pair_of(input, target, "smooth_l1_loss")
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    if beta == 0:
        return l1_loss(input, target, reduction=NAMES[code])
    return apply(SMOOTH_L1, pair, (code, beta))


def huber_loss(
    input: object, target: object, reduction: object = "mean", delta: object = 1.0, weight: object = None,
) -> object:
    """(input - target)^2 / 2 where the difference is at most delta, else delta (|input - target| - delta / 2)."""
    code = reduction_of(reduction, None, None)
    pair = pair_of(input, target, "huber_loss")
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    if weight is None:
        return apply(HUBER, pair, (code, delta))
    weights_like(pair[0], pair[1], weight)
    losses = apply(HUBER, pair, (NONE, delta)) * weight
    return losses if code == NONE else losses.sum() if code == SUM else losses.mean()


# ---- negative log likelihood ----------------------------------------------------------------------------------------


def rolled(x: ndarray) -> ndarray:
    """The scores as (batch, classes, places)."""
    shape: tuple = shape_of(x)
    if len(shape) == 1:
        return cython.cast(object, x).reshape(1, shape[0], 1)
    places = 1
    for one in shape[2:]:
        places *= one
    return cython.cast(object, x).reshape(shape[0], shape[1], places)


def chosen(target: ndarray, weight: object, classes: object, ignore: object, kind: object) -> tuple:
    """(the class of each place, its weight: 0 where ignored) for targets as (batch, places). IndexError outside."""
    counted: object = cython.cast(object, target) != ignore
    index: object = np.where(counted, target, 0)
    outside: object = (index < 0) | (index >= classes)
    if outside.any():
        raise IndexError(errors.TARGET_RANGE.format(target=int(index[outside][0])))
    if weight is None:
        return index, counted.astype(kind)
    return index, np.where(counted, weight[index], weight.dtype.type(0)).astype(kind, copy=False)


def plain_targets(shape: tuple, target: ndarray, ignore: object) -> bool:
    """Whether every row of a matrix of scores has a target that counts: then three kernels do."""
    if len(shape) != 2 or target.ndim != 1 or shape[0] == 0 or 0 <= ignore < shape[1]:
        return False
    if cython.cast(object, target).dtype != np.int64:
        return False
    if linear((target,), (shape[1],)) is target:
        return True
    line: object = np.ascontiguousarray(target)
    return line is not target and linear((line,), (shape[1],)) is line


def plain_likelihood(x: ndarray, target: ndarray, reduction: cython.int) -> object:
    """Nll where every row counts once."""
    picked: ndarray = gather(x, 1, insert_view(target, 1))
    if reduction == NONE:
        return select_view(map1(NEGATIVE, picked), 1, 0)
    return map1(NEGATIVE, reduce("mean" if reduction == MEAN else "sum", picked, None, False, None))


def plain_gradient(g: ndarray, target: ndarray, reduction: cython.int, shape: tuple) -> object:
    """Its gradient."""
    values: ndarray = map1(NEGATIVE, g)
    if reduction == MEAN:
        values = map2s(QUOTIENT, values, shape[0], False)
    values = insert_view(values, 1) if reduction == NONE else np.full((shape[0], 1), values)
    return scatter(np.zeros(shape, cython.cast(object, g).dtype), 1, insert_view(target, 1), values, "set")


@cython.cclass
class Nll(Op):
    """Minus the scores of the target classes, weighted. Inputs: scores, targets, weights or None.

    attrs: (reduction, the class to ignore, whether there are weights).
    """

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x: ndarray = inputs[0]
        if inputs[2] is None and plain_targets(shape_of(x), inputs[1], attrs[1]):
            return plain_likelihood(x, inputs[1], attrs[0])
        scores: object = rolled(x)
        target: object = inputs[1].reshape(scores.shape[0], scores.shape[2])
        index, weight = chosen(target, inputs[2], scores.shape[1], attrs[1], scores.dtype)
        picked: object = np.take_along_axis(scores, index[:, None, :], 1)[:, 0]
        losses: object = np.where(weight == 0, scores.dtype.type(0), -picked * weight)
        if attrs[0] == NONE:
            return losses.reshape(inputs[1].shape if x.ndim > 1 else ())
        total = reduce("sum", losses, None, False, None)
        return total if attrs[0] == SUM else np.asarray(divided(total, reduce("sum", weight, None, False, None)))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        # The scores go along so that the gradient has a history, of zeros, as PyTorch's has.
        inputs = (g, n.read(Y), n.read(Z) if n.attrs[2] else None, n.read(X))
        return apply(NLL_GRADIENT, inputs, n.attrs + (n.shape(0),))

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return (3 | (4 if n.attrs[2] else 0)) if n.needs & 1 else 0


def divided(a: object, b: object) -> object:
    """a / b; NaN for 0 / 0 without a word."""
    with np.errstate(all="ignore"):
        return np.true_divide(a, b, dtype=a.dtype)


@cython.cclass
class NllGradient(Op):
    """The gradient of Nll: inputs g, targets, weights or None; the scores; attrs: Nll's and their shape."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        g: object = inputs[0]
        reduction, ignore, _, shape = attrs
        if inputs[2] is None and plain_targets(shape, inputs[1], ignore):
            return plain_gradient(inputs[0], inputs[1], reduction, shape)
        if len(shape) == 1 and inputs[1].ndim == 1:
            raise RuntimeError(f"size mismatch (got input: {list(shape)}, target: {list(inputs[1].shape)})")
        result: object = np.zeros(shape, g.dtype)
        scores: object = rolled(result)
        target: object = inputs[1].reshape(scores.shape[0], scores.shape[2])
        index, weight = chosen(target, inputs[2], scores.shape[1], ignore, g.dtype)
        if reduction == MEAN:
            g = divided(g, reduce("sum", weight, None, False, None))
        elif reduction == NONE:
            g = g.reshape(target.shape)
        np.put_along_axis(scores, index[:, None, :], np.where(weight == 0, g.dtype.type(0), -weight * g)[:, None, :], 1)
        return scores.reshape(shape)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 3:
            return zeros_of(n.read(3))
        op: Op = NLL if len(n.attrs[3]) < 3 else NLL_2D
        return apply(op, (g, n.read(Y), n.read(Z) if n.attrs[2] else None), n.attrs[:3])

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 2 | (4 if n.attrs[2] else 0) | (8 if n.needs & 8 else 0)


NLL, NLL_2D, NLL_GRADIENT = Nll(), Nll(), NllGradient()
constants(1 << 1 | 1 << 2, NLL, NLL_2D, NLL_GRADIENT)
describe(NLL, "nll_loss", (), 1 << 0, "", None, True)
describe(NLL_2D, "nll_loss2d", (), 1 << 0, "NllLoss2DBackward", None, True)
describe(NLL_GRADIENT, "nll_loss_backward", (), 0, "", None, True)


def likelihood(x: Tensor, target: Tensor, weight: object, ignore: object, code: cython.int) -> Tensor:
    """nll_loss with its arguments read."""
    if x._array.ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {x._array.ndim})")
    check_targets(x, target, weight)
    if not is_float(x._array):
        raise refused_error("nll_loss_out_frame", dtypes.of(x._array))
    if weight is not None:
        check_weight(x, weight)
        if weight.ndim != 1:
            weight = weight.reshape(-1)
    return apply(NLL if x._array.ndim < 3 else NLL_2D, (x, target, weight), (code, ignore, weight is not None))


def nll_loss(
    input: object, target: object, weight: object = None, size_average: object = None, ignore_index: object = IGNORE,
    reduce: object = None, reduction: object = "mean",
) -> object:
    """Minus the log-probability of the target class: input (C), (N, C) or (N, C, d...), target (), (N) or (N, d...).

    weight: one number per class. "mean" divides by the sum of the weights met. Targets of `ignore_index` count nothing.
    IndexError for a class outside.
    """
    code = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "nll_loss_nd")
    ignore_index = whole(ignore_index, "nll_loss_nd", "ignore_index", 5)
    return likelihood(x, second(target, "nll_loss_nd"), weight, ignore_index, code)


def of_probabilities(scores: Tensor, target: Tensor, weight: object, code: cython.int, smoothing: object, dim: object):
    """Cross entropy for targets that are probabilities; `scores` are log-probabilities."""
    classes = scores._array.shape[1 if scores._array.ndim > 1 else 0]
    if weight is not None and shape_of(other(weight, "cross_entropy_loss", "weight")._array) != (classes,):
        raise RuntimeError(f"cross_entropy: weight tensor should be defined either for all {classes} classes or no "
                           f"classes but got weight tensor of shape: {list(weight.shape)}")
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / classes
    product = scores * target
    if weight is not None:
        product = product * weight.reshape([classes if axis == dim else 1 for axis in range(scores._array.ndim)])
    if code == NONE:
        return -product.sum(dim)
    if code == SUM:
        return -product.sum()
    return -product.sum() / (count_of(scores._array) / classes)


def smoothed(scores: Tensor, target: Tensor, weight: object, ignore: object, code: cython.int, smoothing: object,
    dim: object):
    """Cross entropy with a part of the target spread over all classes."""
    main = likelihood(scores, target, weight, ignore, code)
    classes = scores._array.shape[1 if scores._array.ndim > 1 else 0]
    product: object = scores
    if weight is not None:
        product = scores * weight.reshape([classes if axis == dim else 1 for axis in range(scores._array.ndim)])
    ignored: Tensor = target == ignore
    rest = (-product.sum(dim)).masked_fill_(ignored, 0.0)
    if code == SUM:
        rest = rest.sum()
    elif code == MEAN and weight is None:
        rest = rest.sum() / (~ignored).sum()
    elif code == MEAN:
        if dtypes.of(target._array).name == "uint8":
            raise RuntimeError("gather(): Expected dtype int32/int64 for index")
        array = cython.cast(object, target._array)
        met = array[array != ignore]
        rest = rest.sum() / wrap(reduce("sum", cython.cast(object, cython.cast(Tensor, weight)._array)[met]))
    return main * (1 - smoothing) + rest * (smoothing / classes)


def cross_entropy(
    input: object, target: object, weight: object = None, size_average: object = None, ignore_index: object = IGNORE,
    reduce: object = None, reduction: object = "mean", label_smoothing: object = 0.0,
) -> object:
    """`nll_loss` of `log_softmax(input)`; a float target of input's shape holds a probability for each class.

    label_smoothing: the part of the target that is spread over all classes.
    """
    code: cython.int = reduction_of(reduction, size_average, reduce)
    x: Tensor = given(input, "cross_entropy_loss")
    y: Tensor = second(target, "cross_entropy_loss")
    dim: cython.int = 0 if x._array.ndim == 1 else 1
    ignore_index = whole(ignore_index, "cross_entropy_loss", "ignore_index", 5)
    label_smoothing = number(label_smoothing, "cross_entropy_loss", "label_smoothing", 6, "float")
    if label_smoothing > 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if shape_of(x._array) == shape_of(y._array):
        if not is_float(y._array):
            raise RuntimeError("Expected floating point type for target with class probabilities, got "
                               + errors.TYPE_NAMES[dtypes.of(y._array).name])
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        one_dim(dim, x, "cross_entropy_loss")
        return of_probabilities(apply1(LOG_SOFTMAX, x, dim), y, weight, code, label_smoothing, dim)
    one_dim(dim, x, "cross_entropy_loss")
    scores: Tensor = apply1(LOG_SOFTMAX, x, dim)
    if label_smoothing > 0:
        return smoothed(scores, y, weight, ignore_index, code, label_smoothing, dim)
    return likelihood(scores, y, weight, ignore_index, code)


def pairs(make: object) -> object:
    """Two tensors, each reduction, broadcasting."""
    return [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(3, 4)), {"reduction": "none"}),
            ((make(2), make(2)), {"reduction": "sum"}), ((make(), make()), {})]


for _op, _function in ((MSE, mse_loss), (SMOOTH_L1, smooth_l1_loss), (HUBER, huber_loss)):
    declare(_op, "nn.functional." + _function.__name__, overload=None, reads=[3, 3], function=_function,
            method=False, inplace=False, out=False, samples=pairs, dtypes="f", smooth=_op is MSE)
SMOOTH_L1.node_name, SMOOTH_L1.type_name = "SmoothL1LossBackward0", "SmoothL1LossBackward"
composite("nn.functional.l1_loss", l1_loss, method=False, samples=pairs, dtypes="f", smooth=False)
_CLASSES, _WEIGHTS = wrap(np.array([1, 0, 3])), wrap(np.array([0.5, 1.5, 2.0, 1.0]))


def scored(make: object) -> object:
    """Scores, targets, weights, reductions."""
    return [((make(3, 4), _CLASSES), {}), ((make(3, 4), _CLASSES), {"reduction": "none"}),
            ((make(3, 4), _CLASSES, _WEIGHTS), {}), ((make(3, 4), _CLASSES), {"ignore_index": 3,
            "reduction": "sum"})]


for _name, _scored in (("nll_loss", nll_loss), ("cross_entropy", cross_entropy)):
    composite("nn.functional." + _name, _scored, method=False, dtypes="f", samples=scored)
