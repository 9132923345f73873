"""Plain NumPy forms of the elementwise functions whose meaning NumPy lacks or defines otherwise than PyTorch.

Each takes arrays of one dtype, then its parameters as floats, and returns a fresh array. Half precision never arrives
here (the door computes it in float32), and nothing here knows about loops, layouts, threads or tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SQRT_HALF = math.sqrt(0.5)
SQRT_2_OVER_PI = math.sqrt(2.0 / math.pi)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
GELU_CUBIC = 0.044715


def _is_float(x: Array) -> bool:
    return x.dtype.kind == "f"


def _pick(condition: Array, x: Any, y: Any, like: Array) -> Array:
    """`where` whose result keeps the dtype of `like`, scalars included."""
    return np.where(condition, np.asarray(x, like.dtype), np.asarray(y, like.dtype))


def _per_element(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A scalar function from `math` over an array; poles and overflow give infinity, a bad argument NaN."""

    def one(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    def form(x: Array) -> Array:
        values = [one(value) for value in x.ravel().tolist()]
        return np.array(values, dtype=x.dtype).reshape(x.shape)

    return form


erf = _per_element(math.erf)
erfc = _per_element(math.erfc)


def _scalar_lgamma(value: float) -> float:
    if math.isinf(value) or (value <= 0.0 and value == math.floor(value)):
        return math.inf
    return math.lgamma(value)


lgamma = _per_element(_scalar_lgamma)


def sign(x: Array) -> Array:
    if x.dtype.kind in "bu":
        return (x > 0).astype(x.dtype)
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def reciprocal(x: Array) -> Array:
    return np.asarray(1, x.dtype) / x


def rsqrt(x: Array) -> Array:
    return np.asarray(1, x.dtype) / np.sqrt(x)


def sigmoid(x: Array) -> Array:
    return np.asarray(1, x.dtype) / (1 + np.exp(-x))


def logit(x: Array, eps: float = -1.0) -> Array:
    if eps >= 0:
        x = clamp(x, eps, 1.0 - eps)
    return np.log(x / (1 - x))


def frac(x: Array) -> Array:
    return x - np.trunc(x)


def deg2rad(x: Array) -> Array:
    return x * np.asarray(math.pi / 180.0, x.dtype)


def rad2deg(x: Array) -> Array:
    return x * np.asarray(180.0 / math.pi, x.dtype)


def sinc(x: Array) -> Array:
    product = x * np.asarray(math.pi, x.dtype)
    return _pick(x == 0, 1, np.sin(product) / product, x)


def i0(x: Array) -> Array:
    return np.asarray(np.i0(x.astype(np.float64))).reshape(x.shape).astype(x.dtype)


def _central(p: Array) -> Array:
    """Giles' polynomials (2010) for erfinv, a first guess good to about 1e-7."""
    w = -np.log((1 - p) * (1 + p))
    near = [2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503]
    near += [-0.00417768164, 0.246640727, 1.50140941]
    far = [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613]
    far += [0.00943887047, 1.00167406, 2.83297682]
    return np.where(w < 5, np.polyval(near, w - 2.5), np.polyval(far, np.sqrt(np.maximum(w, 5)) - 3)) * p


def erfinv(x: Array) -> Array:
    """Giles' guess, then Halley steps in float64, on the complement near the ends, where it is off by a tenth."""
    p = x.astype(np.float64)
    inside = np.abs(p) < 1
    safe = np.where(inside, p, 0.0)
    y = np.abs(_central(safe))
    for _ in range(8):
        error = np.where(np.abs(safe) < 0.5, erf(y) - np.abs(safe), (1 - np.abs(safe)) - erfc(y))
        step = error / (TWO_OVER_SQRT_PI * np.exp(-y * y))
        y = y - step / (1 + y * step)
    ends = np.where(np.abs(p) == 1, np.copysign(np.inf, p), np.nan)
    return np.where(inside, np.copysign(y, safe), ends).astype(x.dtype)


def digamma(x: Array) -> Array:
    """Reflection below zero, recurrence up to 10, then the asymptotic series."""
    p = x.astype(np.float64)
    negative = p < 0
    fraction = p - np.trunc(p)
    reflected = np.where(negative, -math.pi / np.tan(math.pi * np.where(negative, fraction, 0.5)), 0.0)
    z = np.where(negative, 1 - p, p)
    total = np.zeros_like(z)
    for _ in range(10):
        low = z < 10
        total = total - np.where(low, 1 / z, 0.0)
        z = np.where(low, z + 1, z)
    coefficients = [1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12, 0.0]
    inverse = 1 / (z * z)
    result = total + np.log(z) - 0.5 / z - np.where(z < 1e17, np.polyval(coefficients, inverse), 0.0) + reflected
    result = np.where(p == 0, np.copysign(np.inf, -p), result)
    result = np.where(negative & (fraction == 0), np.nan, result)
    return np.where(p == np.inf, np.inf, result).astype(x.dtype)


def relu(x: Array) -> Array:
    return _pick(x < 0, 0, x, x)


def relu6(x: Array) -> Array:
    return clamp(x, 0.0, 6.0)


def clamp(x: Array, low: float, high: float) -> Array:
    if not _is_float(x):
        limits = np.iinfo(x.dtype) if x.dtype.kind != "b" else None
        low = max(low, limits.min) if limits else max(low, 0)
        high = min(high, limits.max) if limits else min(high, 1)
        return np.minimum(np.maximum(x, np.asarray(int(low), x.dtype)), np.asarray(int(high), x.dtype))
    return np.minimum(np.maximum(x, np.asarray(low, x.dtype)), np.asarray(high, x.dtype))


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    scaled = x * beta
    return _pick(scaled > threshold, x, np.log1p(np.exp(scaled)) / beta, x)


def mish(x: Array) -> Array:
    return x * np.tanh(np.log1p(np.exp(np.minimum(x, 20.0))) + np.maximum(x - 20.0, 0.0))


def gelu(x: Array, form: float = 0.0) -> Array:
    if form:
        return 0.5 * x * (1 + np.tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)))
    return x * 0.5 * (1 + erf(x * np.asarray(SQRT_HALF, x.dtype)))


def elu(x: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    return _pick(x < 0, np.expm1(x * input_scale) * (alpha * scale), x * scale, x)


def selu(x: Array) -> Array:
    return elu(x, SELU_ALPHA, SELU_SCALE, 1.0)


def celu(x: Array, alpha: float = 1.0) -> Array:
    return elu(x, alpha, 1.0, 1.0 / alpha)


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    return _pick(x > 0, x, x * slope, x)


def hardsigmoid(x: Array) -> Array:
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


def hardswish(x: Array) -> Array:
    return x * np.minimum(np.maximum(x + 3, 0), 6) / 6


def softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def log_sigmoid(x: Array) -> Array:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def tanhshrink(x: Array) -> Array:
    return x - np.tanh(x)


def softshrink(x: Array, amount: float = 0.5) -> Array:
    return _pick(x > amount, x - amount, _pick(x < -amount, x + amount, np.where(np.isnan(x), x, 0), x), x)


def hardshrink(x: Array, amount: float = 0.5) -> Array:
    return _pick((x >= -amount) & (x <= amount), 0, x, x)


def threshold(x: Array, limit: float, value: float) -> Array:
    return _pick(x <= limit, value, x, x)


def nan_to_num(x: Array, nan: float, positive: float, negative: float) -> Array:
    if not _is_float(x):
        return x.copy()
    result = _pick(np.isnan(x), nan, x, x)
    return _pick(x == np.inf, positive, _pick(x == -np.inf, negative, result, x), x)


def _refuse_zero(y: Array) -> None:
    if not _is_float(y) and not np.all(y):
        raise RuntimeError("ZeroDivisionError")


def floor_divide(x: Array, y: Array) -> Array:
    _refuse_zero(y)
    return cast(Array, np.floor_divide(x, y))


def div_trunc(x: Array, y: Array) -> Array:
    _refuse_zero(y)
    if _is_float(x):
        return np.trunc(x / y)
    quotient = np.floor_divide(x, y)
    inexact = (quotient * y != x) & ((x < 0) != (y < 0))
    return (quotient + inexact).astype(x.dtype)


def remainder(x: Array, y: Array) -> Array:
    """x - y * floor(x / y); a zero result keeps the sign of x, as PyTorch's."""
    _refuse_zero(y)
    if not _is_float(x):
        return cast(Array, np.remainder(x, y))
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)


def fmod(x: Array, y: Array) -> Array:
    _refuse_zero(y)
    return cast(Array, np.fmod(x, y))


def power(x: Array, y: Array) -> Array:
    """x ** y. An integer to a negative power is 0 unless x is 1 or -1, as in PyTorch (a Python scalar y < 0 raises)."""
    if y.dtype.kind == "i" and np.any(y < 0):
        result = np.asarray(np.power(x, np.maximum(y, 0)))
        odd = np.where(y % 2 == 0, 1, -1)
        return np.where(y < 0, np.where(x == 1, 1, np.where(x == -1, odd, 0)), result).astype(x.dtype)
    if x.dtype.kind == "b":
        return x | ~y
    return cast(Array, np.power(x, y))


def heaviside(x: Array, y: Array) -> Array:
    return _pick(x == 0, y, x > 0, x)


def xlogy(x: Array, y: Array) -> Array:
    return _pick(np.isnan(y), y, _pick(x == 0, 0, x * np.log(y), x), x)


def ldexp(x: Array, y: Array) -> Array:
    return x * np.exp2(y)


def where(condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, x, y)


def lerp(x: Array, y: Array, weight: Array) -> Array:
    return np.where(np.abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))


def addcmul(x: Array, a: Array, b: Array, value: float = 1.0) -> Array:
    return x + np.asarray(value).astype(x.dtype) * a * b


def addcdiv(x: Array, a: Array, b: Array, value: float = 1.0) -> Array:
    return x + np.asarray(value).astype(x.dtype) * a / b


def clamp3(x: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(x, low), high)
