"""Plain NumPy forms of the elementwise gradient kernels: g is the incoming gradient, y the output, x the input.

Same contract as the forward forms: arrays of one dtype, then parameters as floats; no half precision, no layouts.
"""

from __future__ import annotations

import math

import numpy as np

from headgate.kernels.reference_forms import (
    GELU_CUBIC,
    SQRT_2_OVER_PI,
    SQRT_HALF,
    Array,
    _pick,
    erf,
    sigmoid,
)


def sigmoid_backward(g: Array, y: Array) -> Array:
    return g * (1 - y) * y


def tanh_backward(g: Array, y: Array) -> Array:
    return g * (1 - y * y)


def relu_backward(g: Array, y: Array) -> Array:
    return _pick(y <= 0, 0, g, g)


def threshold_backward(g: Array, x: Array, limit: float) -> Array:
    return _pick(x <= limit, 0, g, g)


def gelu_backward(g: Array, x: Array, form: float = 0.0) -> Array:
    if not form:
        normal = 0.5 * (1 + erf(x * np.asarray(SQRT_HALF, x.dtype)))
        return g * (normal + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))
    tanh = np.tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x))
    slope = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x)
    return g * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * slope)


def silu_backward(g: Array, x: Array) -> Array:
    s = sigmoid(x)
    return g * s * (1 + x * (1 - s))


def mish_backward(g: Array, x: Array) -> Array:
    s = sigmoid(x)
    t = np.tanh(np.log1p(np.exp(np.minimum(x, 20.0))) + np.maximum(x - 20.0, 0.0))
    return g * (t + x * s * (1 - t * t))


def softplus_backward(g: Array, x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    z = np.exp(np.minimum(x * beta, threshold))
    return _pick(x * beta > threshold, g, g * z / (z + 1), g)


def log_sigmoid_backward(g: Array, x: Array) -> Array:
    return g * sigmoid(-x)


def elu_backward(g: Array, x: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    """From the input; see elu_backward_result for the form that reads the output."""
    return _pick(x > 0, g * scale, g * (input_scale * alpha * scale) * np.exp(x * input_scale), g)


def elu_backward_result(g: Array, y: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    return _pick(y > 0, g * scale, g * input_scale * (y + alpha * scale), g)


def leaky_relu_backward(g: Array, x: Array, slope: float = 0.01) -> Array:
    return _pick(x > 0, g, g * slope, g)


def hardtanh_backward(g: Array, x: Array, low: float, high: float) -> Array:
    return _pick((x > low) & (x < high), g, 0, g)


def clamp_backward(g: Array, x: Array, low: float, high: float) -> Array:
    return _pick((x >= low) & (x <= high), g, 0, g)


def hardsigmoid_backward(g: Array, x: Array) -> Array:
    return _pick((x > -3) & (x < 3), g * (1.0 / 6.0), 0, g)


def hardswish_backward(g: Array, x: Array) -> Array:
    return _pick(x <= -3, 0, _pick(x >= 3, g, g * (x / 3 + 0.5), g), g)


def shrink_backward(g: Array, x: Array, amount: float = 0.5) -> Array:
    """Of softshrink and hardshrink alike: zero where |x| <= amount."""
    return _pick((x > amount) | (x < -amount), g, 0, g)


def logit_backward(g: Array, x: Array, eps: float = -1.0) -> Array:
    if eps < 0:
        return _pick((x < 0) | (x > 1), np.nan, g / (x * (1 - x)), g)
    return _pick((x < eps) | (x > 1 - eps), 0, g / (x * (1 - x)), g)
