"""Samples by rejection, in PyTorch's own streams: Poisson, binomial, gamma and Dirichlet, with the gradients that
PyTorch gives the parameters of the last two.

One sample after the other, in float64, in the order of memory, as PyTorch's CPU draws them. The gradient formulas are
in `laws_gradients`.
"""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import is_float
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.ops.arguments import other

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import describe
from headgate.core.entry import publish
from headgate.core.family import refused_error
from headgate.ops import laws_gradients
from headgate.ops.random import stream
from headgate.ops.sampling import check_shapes

TAILS = (0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
         0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287)
THIRD = float(np.float32(1) / np.float32(3))  # PyTorch's constants are single precision here
SQUEEZE = float(np.float32(0.0331))


class Draws:
    """Uniform and normal numbers of a generator, one by one, in float64."""

    def __init__(self, source: object) -> None:
        self.source = source
        self.room = np.empty(1)

    def uniform(self) -> float:
        """Of [0, 1)."""
        return float(self.source.uniform(self.room)[0])

    def normal(self) -> float:
        """Standard normal; the second of each pair waits for the next call, as in PyTorch."""
        return float(self.source.normal(self.room)[0])


def poisson_number(rate: cython.double, draws: object) -> cython.double:
    """A Poisson number: by products of uniforms below 10, else by transformed rejection (Hörmann 1993)."""
    if rate == 0:
        return 0.0
    if rate < 10:
        limit: cython.double = math.exp(-rate)
        count: cython.double = 0
        total: cython.double = draws.uniform()
        while total > limit:
            count += 1
            total *= draws.uniform()
        return count
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)
    bound = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = draws.uniform() - 0.5
        v = draws.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us else math.inf
        if us >= 0.07 and v <= bound:
            return float(k)
        if k < 0 or us < 0.013 and v > us or not math.isfinite(k):
            continue
        left = (math.log(v) if v else -math.inf) + math.log(inverse) - math.log(a / (us * us) + b)
        if left <= -rate + k * log_rate - math.lgamma(k + 1):
            return float(k)


def tail(k: cython.double) -> cython.double:
    """The tail of Stirling's series."""
    if k <= 9:
        return TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def few(count: cython.double, chance: cython.double, draws: object) -> cython.double:
    """A binomial number by the gaps between successes."""
    total: cython.double = 0
    found: cython.double = 0
    log_chance = math.log1p(-chance)
    while True:
        u = draws.uniform()
        total += math.ceil(math.log(u) / log_chance) if u else math.inf
        if total > count:
            return found
        found += 1


def many(count: cython.double, chance: cython.double, draws: object) -> cython.double:
    """A binomial number by transformed rejection (Hörmann 1993, BTRS)."""
    deviation = math.sqrt(count * chance * (1 - chance))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * chance
    c = count * chance + 0.5
    bound = 0.92 - 4.2 / b
    odds = chance / (1 - chance)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((count + 1) * chance)
    while True:
        u = draws.uniform() - 0.5
        v = draws.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + c) if us else -1
        if k < 0 or k > count:
            continue
        if us >= 0.07 and v <= bound:
            return k
        v = math.log(v * alpha / (a / (us * us) + b)) if v else -math.inf
        upper = ((mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
                 + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
                 + tail(mode) + tail(count - mode) - tail(k) - tail(count - k))
        if v <= upper:
            return k


def binomial_number(count: cython.double, chance: cython.double, draws: object) -> cython.double:
    """How many of `count` trials succeed."""
    if count <= 0 or chance <= 0:
        return 0.0
    if chance >= 1:
        return count
    if chance <= 0.5:
        return (many if count * chance >= 10 else few)(count, chance, draws)
    rest = 1.0 - chance
    if rest > 0.5 or rest != rest:
        return math.nan
    return count - (many if count * rest >= 10 else few)(count, rest, draws)


def gamma_number(alpha: cython.double, draws: object) -> cython.double:
    """A gamma number of rate 1 (Marsaglia, Tsang 2000)."""
    scale: cython.double = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1 - draws.uniform()) ** (1.0 / alpha)
        alpha += 1
    d = alpha - THIRD
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = draws.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - draws.uniform()
        square = x * x
        if u < 1.0 - SQUEEZE * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1.0 - v + math.log(v)):
            return scale * d * v


def filled(law: object, arrays: list, source: object) -> object:
    """A float64 array of samples, one for each element of arrays of one shape, drawn in the order of memory."""
    draws = Draws(source)
    found = np.empty(arrays[0].shape)
    rows = [one.reshape(-1).astype(np.float64).tolist() for one in arrays]
    found.reshape(-1)[:] = [law(*values, draws) for values in zip(*rows)]
    return found


# ---- ops ------------------------------------------------------------------------------------------------------------


@cython.cclass
class Sampled(Op):
    """Poisson numbers: the gradient of the rates is zero. attrs: the generator."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        rates: object = inputs[0]
        return filled(poisson_number, [np.array(rates, order="C")], attrs).astype(rates.dtype)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return wrap(np.zeros(n.shape(i), cython.cast(object, g._array).dtype))


@cython.cclass
class Trials(Op):
    """Binomial numbers, without a gradient, as in PyTorch. attrs: the generator."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        arrays = [np.array(one, order="C") for one in np.broadcast_arrays(*inputs)]
        return filled(binomial_number, arrays, attrs).astype(arrays[0].dtype)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)


@cython.cclass
class Gamma(Op):
    """Gamma numbers; the gradient follows the quantile. attrs: the generator."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        found = filled(gamma_number, [np.array(inputs[0], order="C")], attrs)
        kind = inputs[0].dtype
        return np.maximum(found.astype(kind), kind.type(dtypes.finfo(dtypes.of(inputs[0])).tiny))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * standard_gamma_grad(n.read(0), n.read(OUT))


@cython.cclass
class Dirichlet(Op):
    """Points of a simplex from gamma numbers. attrs: the generator."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        kind = inputs[0].dtype
        tiny = np.finfo(np.float64).tiny
        found = np.maximum(filled(gamma_number, [np.array(inputs[0], order="C")], attrs), tiny)
        found = (found / found.sum(found.ndim - 1, keepdims=True)).astype(kind)
        least = kind.type(dtypes.finfo(dtypes.of(inputs[0])).tiny)
        return np.clip(found, least, np.nextafter(kind.type(1), kind.type(0)))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        alpha, y = n.read(0), n.read(OUT)
        slope = dirichlet_grad(y, alpha, alpha.sum(-1, True).expand_as(alpha))
        return slope * (g - (y * g).sum(-1, True))


@cython.cclass
class Slope(Op):
    """A gradient formula over arrays of one shape; it has no gradient itself, as in PyTorch. attrs: the formula."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        wide = [one.astype(np.float64) for one in inputs]
        with np.errstate(all="ignore"):
            return np.asarray(attrs(*wide)).astype(inputs[0].dtype)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run((x, y), attrs, out)


POISSON, BINOMIAL, GAMMA, DIRICHLET = Sampled(), Trials(), Gamma(), Dirichlet()
GAMMA_SLOPE, DIRICHLET_SLOPE = Slope(), Slope()
describe(POISSON, "poisson", (0,), 1, "", None, True)
describe(BINOMIAL, "binomial", (0, 0), 0, "NotImplemented", None, True)
describe(GAMMA, "_standard_gamma", (1 | 1 << OUT,), 0, "StandardGammaBackward", None, True)
describe(DIRICHLET, "_sample_dirichlet", (1 | 1 << OUT,), 0, "SampleDirichletBackward", None, True)
describe(GAMMA_SLOPE, "_standard_gamma_grad", (0, 0), 0, "NotImplemented", None, True)
describe(DIRICHLET_SLOPE, "_dirichlet_grad", (0, 0, 0), 0, "NotImplemented", None, True)


# ---- functions ------------------------------------------------------------------------------------------------------


def floats(value: object, name: str, argument: str, kernel: str) -> Tensor:
    """A float tensor; TypeError for what is none, NotImplementedError for other types."""
    t: Tensor = other(value, name, argument)
    if not is_float(t._array):
        raise refused_error(kernel, dtypes.of(t._array))
    return t


def poisson(input: object, generator: object = None) -> object:
    """Poisson numbers of the rates in `input`, in its type, in PyTorch's stream. RuntimeError for a negative rate."""
    x: Tensor = floats(input, "poisson", "input", "poisson_cpu")
    if np.less(x._array, 0).any():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return apply(POISSON, (x,), stream(generator, "poisson"))


def binomial(count: object, prob: object, generator: object = None) -> object:
    """How many of `count` trials with chance `prob` succeed, tensors of one float type, in PyTorch's stream."""
    trials: Tensor = floats(count, "binomial", "count", "binomial_cpu")
    chance: Tensor = floats(prob, "binomial", "prob", "binomial_cpu")
    mine, theirs = dtypes.of(trials._array), dtypes.of(chance._array)
    if mine is not theirs:
        raise RuntimeError(f"expected scalar type {errors.TYPE_NAMES[mine.name]} but found "
                           f"{errors.TYPE_NAMES[theirs.name]}")
    check_shapes(tuple(cython.cast(object, trials).shape), tuple(cython.cast(object, chance).shape))
    return apply(BINOMIAL, (trials, chance), stream(generator, "binomial"))


def _standard_gamma(input: object, generator: object = None) -> object:
    """Gamma numbers of the shapes in `input` and rate 1, in PyTorch's stream; differentiable, as there, by implicit
    differentiation of the distribution function in series and fits (error below 1e-3)."""
    return apply(GAMMA, (floats(input, "_standard_gamma", "input", "gamma_cpu"),), stream(generator, "_standard_gamma"))


def _sample_dirichlet(input: object, generator: object = None) -> object:
    """Points of the simplex by the Dirichlet law with concentrations `input` (last dim), in PyTorch's stream;
    differentiable as `_standard_gamma`."""
    x: Tensor = floats(input, "_sample_dirichlet", "input", "dirichlet")
    return apply(DIRICHLET, (x,), stream(generator, "_sample_dirichlet"))


def standard_gamma_grad(input: object, output: object) -> object:
    """The derivative of a gamma number by its shape, at fixed probability: PyTorch's approximation of it."""
    return apply(GAMMA_SLOPE, (input, output), laws_gradients.gamma_slope)


def dirichlet_grad(x: object, alpha: object, total: object) -> object:
    """The derivative of a beta number x by alpha, beta being total - alpha: PyTorch's approximation of it."""
    return apply(DIRICHLET_SLOPE, (x, alpha, total), laws_gradients.beta_slope)


for _function in (poisson, binomial, _standard_gamma, _sample_dirichlet):
    publish(_function.__name__, _function)
publish("_standard_gamma_grad", standard_gamma_grad)
publish("_dirichlet_grad", dirichlet_grad)
