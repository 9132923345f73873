"""Dropout in all its forms: masks from PyTorch's bernoulli stream, scaled, multiplied with the input.

Made of other ops, as in PyTorch, so gradients of every order exist and in-place forms are in-place multiplications.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import count_of
    from headgate.core.records import Node, Op, Tensor
    from headgate.ops.arguments import given
    from headgate.ops.creation import empty_as

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import overload
from headgate.core.entry import PUBLIC, publish
from headgate.ops.random import default_generator

PROBABILITY = "dropout probability has to be between 0 and 1, but got {p}"
ALPHA = 1.7580993408473766  # -scale * alpha of selu
FEWER_DIMS = "Feature dropout requires at least 2 dimensions in the input"
ONE_D = (
    "dropout1d: Expected 2D or 3D input, but received a {count}D input. Note that dropout1d exists to provide "
    "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension "
    "(i.e. 2D or 3D inputs)."
)
OTHER_D = (
    "{name}: Received a {count}-D input to {name}, which is deprecated and will result in an error in a future "
    "release. To retain the behavior and silence this warning, please use dropout instead. Note that {name} exists to "
    "provide channel-wise dropout on inputs with {dims} spatial dimensions, a channel dimension, and an optional batch "
    "dimension (i.e. {fitting} inputs)."
)
THREE_D = (
    "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input "
    "is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to "
    "interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
    "dropout behavior, please switch to using dropout1d instead."
)


def check_arguments(name: str, p: object, train: object) -> None:
    """TypeError for a probability that is no number and a flag that is no bool."""
    if isinstance(p, bool) or not isinstance(p, (float, int)):
        raise TypeError(errors.ARGUMENT.format(function=name, name="p", position=2, expected="float",
                                               type=type(p).__name__))
    if not isinstance(train, bool):
        raise TypeError(errors.ARGUMENT.format(function=name, name="train", position=3, expected="bool",
                                               type=type(train).__name__))


def noise_of(x: Tensor, feature: cython.bint, p: object) -> object:
    """1 with probability 1 - p, else 0: for each element in the layout of x, or for each channel."""
    array: object = x._array
    if not feature:
        room = empty_as(array, dtypes.of(x._array), None)
    elif array.ndim < 2:
        raise RuntimeError(FEWER_DIMS)
    else:
        room = np.empty(array.shape[:2] + (1,) * (array.ndim - 2), array.dtype)
    return wrap(default_generator.bernoulli(room, 1.0 - p))


def drop(name: str, input: object, p: object, train: object, feature: bool, alpha: bool, inplace: bool) -> object:
    """What all forms share. RuntimeError unless p is a probability."""
    x: Tensor = given(input, name)
    check_arguments(name, p, train)
    if not 0 <= p <= 1:
        raise RuntimeError(PROBABILITY.format(p=f"{p:g}"))
    if p == 0 or not train or count_of(x._array) == 0:
        return input
    t: object = x
    if p == 1:
        zero = t.new_zeros(())
        return t.mul_(zero) if inplace else t * zero
    noise: object = noise_of(x, feature, p)
    if not alpha:
        noise.div_(1.0 - p)
        return t.mul_(noise) if inplace else t * noise
    a = 1.0 / ((ALPHA * ALPHA * p + 1) * (1 - p)) ** 0.5
    shift = noise.add(-1).mul_(ALPHA * a).add_(ALPHA * a * p)
    noise.mul_(a)
    return (t.mul_(noise) if inplace else t * noise).add_(shift)


# ---- torch's functions ----------------------------------------------------------------------------------------------


def dropout(input: object, p: object, train: object) -> object:
    """Elements set to 0 with probability p while `train`, the others divided by 1 - p; Srivastava and others 2014.

    The mask is PyTorch's for the same seed (one 64-bit uniform for each element in memory order). RuntimeError unless
    0 <= p <= 1.
    """
    return drop("dropout", input, p, train, False, False, False)


def dropout_(input: object, p: object, train: object) -> object:
    """In-place form of `dropout`."""
    return drop("dropout_", input, p, train, False, False, True)


def feature_dropout(input: object, p: object, train: object) -> object:
    """`dropout` of whole channels (dim 1 of (N, C, ...)). RuntimeError below two dims."""
    return drop("feature_dropout", input, p, train, True, False, False)


def feature_dropout_(input: object, p: object, train: object) -> object:
    """In-place form of `feature_dropout`."""
    return drop("feature_dropout_", input, p, train, True, False, True)


def alpha_dropout(input: object, p: object, train: object) -> object:
    """Dropout that keeps mean and variance of what `selu` gives: dropped elements get its lower bound; Klambauer and
    others 2017."""
    return drop("alpha_dropout", input, p, train, False, True, False)


def alpha_dropout_(input: object, p: object, train: object) -> object:
    """In-place form of `alpha_dropout`."""
    return drop("alpha_dropout_", input, p, train, False, True, True)


def feature_alpha_dropout(input: object, p: object, train: object) -> object:
    """`alpha_dropout` of whole channels."""
    return drop("feature_alpha_dropout", input, p, train, True, True, False)


def feature_alpha_dropout_(input: object, p: object, train: object) -> object:
    """In-place form of `feature_alpha_dropout`."""
    return drop("feature_alpha_dropout_", input, p, train, True, True, True)


@cython.cclass
class NativeDropout(Op):
    """x times a mask and a number. attrs: (mask, number)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: object = x
        return a * attrs[0] * a.dtype.type(attrs[1])

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(NATIVE_DROPOUT, (g,), n.attrs)


NATIVE_DROPOUT = overload(NativeDropout(), "native_dropout", None)


def native_dropout(input: object, p: object, train: object) -> tuple:
    """(`dropout` of the input, the mask as bool). `train` None counts as True."""
    x: Tensor = given(input, "native_dropout")
    array: object = x._array
    scale = 1.0
    if train is not None and not train:
        mask = np.ones(array.shape, bool)
    elif p == 1:
        mask, scale = np.zeros(array.shape, bool), 0.0
    else:
        mask, scale = default_generator.bernoulli(empty_as(array, dtypes.by_name("bool"), None), 1.0 - p), 1.0 / (1 - p)
    return apply(NATIVE_DROPOUT, (x,), (mask, scale)), wrap(mask)


# ---- functional forms -----------------------------------------------------------------------------------------------


def check_probability(p: object) -> None:
    """ValueError unless p is a probability."""
    if p < 0.0 or p > 1.0:
        raise ValueError(PROBABILITY.format(p=p))


def functional_dropout(
    input: object, p: object = 0.5, training: object = True, inplace: object = False,
) -> object:
    """Elements set to 0 with probability p while `training`, the others divided by 1 - p; Srivastava and others 2014.

    The mask is PyTorch's for the same seed. ValueError unless 0 <= p <= 1.
    """
    check_probability(p)
    return (dropout_ if inplace else dropout)(input, p, training)


def functional_alpha_dropout(
    input: object, p: object = 0.5, training: object = False, inplace: object = False,
) -> object:
    """Dropout for `selu` networks: mean and variance stay; Klambauer and others 2017. ValueError unless 0 <= p <= 1."""
    check_probability(p)
    return (alpha_dropout_ if inplace else alpha_dropout)(input, p, training)


def functional_feature_alpha_dropout(
    input: object, p: object = 0.5, training: object = False, inplace: object = False,
) -> object:
    """`alpha_dropout` of whole channels (dim 1). ValueError unless 0 <= p <= 1."""
    check_probability(p)
    return (feature_alpha_dropout_ if inplace else feature_alpha_dropout)(input, p, training)


def of_channels(input: object, p: object, training: object, inplace: object, batched: object) -> object:
    """`feature_dropout`, of an input without a batch dim if not `batched`."""
    x: object = input
    if not batched:
        x = x.unsqueeze_(0) if inplace else x.unsqueeze(0)
    x = (feature_dropout_ if inplace else feature_dropout)(x, p, training)
    if batched:
        return x
    return x.squeeze_(0) if inplace else x.squeeze(0)


def dropout1d(input: object, p: object = 0.5, training: object = True, inplace: object = False) -> object:
    """`dropout` of whole channels of (N, C, L) or (C, L). ValueError unless 0 <= p <= 1; RuntimeError for other ranks.
    """
    check_probability(p)
    count = given(input, "dropout1d")._array.ndim
    if count not in (2, 3):
        raise RuntimeError(ONE_D.format(count=count))
    return of_channels(input, p, training, inplace, count == 3)


def dropout2d(input: object, p: object = 0.5, training: object = True, inplace: object = False) -> object:
    """`dropout` of whole channels of (N, C, H, W). Three dims count as (N, C, L), with PyTorch's warning."""
    check_probability(p)
    count = given(input, "dropout2d")._array.ndim
    if count not in (3, 4):
        warnings.warn(OTHER_D.format(name="dropout2d", count=count, dims=2, fitting="3D or 4D"), stacklevel=2)
    if count == 3:
        warnings.warn(THREE_D, stacklevel=2)
    return of_channels(input, p, training, inplace, True)


def dropout3d(input: object, p: object = 0.5, training: object = True, inplace: object = False) -> object:
    """`dropout` of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    check_probability(p)
    count = given(input, "dropout3d")._array.ndim
    if count not in (4, 5):
        warnings.warn(OTHER_D.format(name="dropout3d", count=count, dims=3, fitting="4D or 5D"), stacklevel=2)
    return of_channels(input, p, training, inplace, count == 5)


def gumbel_softmax(
    logits: object, tau: object = 1, hard: object = False, eps: object = 1e-10, dim: object = -1,
) -> object:
    """A sample of the Gumbel-softmax law: softmax((logits + Gumbel noise) / tau); Jang, Gu, Poole 2017.

    hard: one-hot values, with the gradient of the soft ones. eps has no effect, as in PyTorch.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    x: Tensor = given(logits, "gumbel_softmax")
    array: object = x._array
    waits = wrap(default_generator.exponential(np.empty(array.shape, array.dtype), 1.0))
    noise = -cython.cast(object, waits).log()  # added, because no bools are subtracted from, and empty ones may come
    soft = ((cython.cast(object, x) + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    chosen = PUBLIC["zeros_like"](cython.cast(object, x).contiguous()).scatter_(dim, index, 1.0)
    return chosen - soft.detach() + soft


for _function in (dropout, dropout_, feature_dropout, feature_dropout_, alpha_dropout, alpha_dropout_,
                  feature_alpha_dropout, feature_alpha_dropout_, native_dropout):
    publish(_function.__name__, _function)
for _name, _functional in (("dropout", functional_dropout), ("alpha_dropout", functional_alpha_dropout),
                           ("feature_alpha_dropout", functional_feature_alpha_dropout), ("dropout1d", dropout1d),
                           ("dropout2d", dropout2d), ("dropout3d", dropout3d), ("gumbel_softmax", gumbel_softmax)):
    publish("nn.functional." + _name, _functional)
