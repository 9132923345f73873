"""The kernel door in plain NumPy: the compiled door's names and meaning, for uncompiled runs, odd dtypes and layouts.

Complete and slow by intent. Half precision is computed in float32 and rounded once. It knows arrays and names of
loops; it must not know tensors, and it never starts a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headgate.kernels import reference_forms as forms
from headgate.kernels import reference_gradients as gradients
from headgate.kernels import reference_special as special
from headgate.kernels.reference_copy import clear as clear
from headgate.kernels.reference_copy import contiguous as contiguous
from headgate.kernels.reference_copy import converted as converted
from headgate.kernels.reference_copy import copied as copied
from headgate.kernels.reference_copy import copy_into as copy_into
from headgate.kernels.reference_copy import fill as fill
from headgate.kernels.reference_copy import joined as joined
from headgate.kernels.reference_copy import laid_out as laid_out
from headgate.kernels.reference_copy import like_layout as like_layout
from headgate.kernels.reference_copy import ramp as ramp
from headgate.kernels.reference_copy import repeated as repeated
from headgate.kernels.reference_copy import triangle as triangle
from headgate.kernels.reference_copy import zeros as zeros
from headgate.kernels.reference_reduce import addmm as addmm
from headgate.kernels.reference_reduce import arg_reduce as arg_reduce
from headgate.kernels.reference_reduce import cumulate as cumulate
from headgate.kernels.reference_reduce import gather as gather
from headgate.kernels.reference_reduce import get_num_threads as get_num_threads
from headgate.kernels.reference_reduce import index_add as index_add
from headgate.kernels.reference_reduce import linear as linear
from headgate.kernels.reference_reduce import log_softmax as log_softmax
from headgate.kernels.reference_reduce import log_softmax_backward as log_softmax_backward
from headgate.kernels.reference_reduce import logsumexp as logsumexp
from headgate.kernels.reference_reduce import matmul as matmul
from headgate.kernels.reference_reduce import norm as norm
from headgate.kernels.reference_reduce import reduce as reduce
from headgate.kernels.reference_reduce import scatter as scatter
from headgate.kernels.reference_reduce import scattered as scattered
from headgate.kernels.reference_reduce import set_num_threads as set_num_threads
from headgate.kernels.reference_reduce import softmax as softmax
from headgate.kernels.reference_reduce import softmax_backward as softmax_backward
from headgate.kernels.reference_reduce import sort as sort
from headgate.kernels.reference_reduce import take as take
from headgate.kernels.reference_reduce import topk as topk
from headgate.kernels.reference_reduce import variance as variance
from headgate.kernels.reference_select import among as among
from headgate.kernels.reference_select import count as count
from headgate.kernels.reference_select import count_parts as count_parts
from headgate.kernels.reference_select import extent as extent
from headgate.kernels.reference_select import longest_runs as longest_runs
from headgate.kernels.reference_select import marked as marked
from headgate.kernels.reference_select import missing as missing
from headgate.kernels.reference_select import pick as pick
from headgate.kernels.reference_select import search as search
from headgate.kernels.reference_select import select as select
from headgate.kernels.reference_shared import _narrow, _wide

Array = np.ndarray[Any, np.dtype[Any]]
Form = Callable[..., Any]

# Names whose NumPy ufunc already means what PyTorch means.
UFUNCS: dict[str, np.ufunc] = {
    "neg": np.negative, "abs": np.absolute, "sqrt": np.sqrt, "square": np.square, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint, "trunc": np.trunc, "isnan": np.isnan, "isinf": np.isinf,
    "isfinite": np.isfinite, "signbit": np.signbit, "logical_not": np.logical_not, "bitwise_not": np.bitwise_not,
    "positive": np.positive,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "maximum": np.maximum,
    "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin, "atan2": np.arctan2, "hypot": np.hypot,
    "copysign": np.copysign, "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2, "nextafter": np.nextafter,
    "gcd": np.gcd, "lcm": np.lcm, "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor, "left_shift": np.left_shift, "right_shift": np.right_shift,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor, "eq": np.equal,
    "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}  # fmt: skip

# Names with a form of their own: NumPy has none, or one that differs from PyTorch (sign of NaN, division by zero).
FORMS: dict[str, tuple[int, Form]] = {
    **{name: (1, getattr(special, name)) for name in (
        "trigamma", "cube", "zero_nan", "round_down_to", "round_up_to", "entr")},
    "i1": (1, special.bessel_i1), "log_ndtr": (1, special.log_normal),
    **{
        name: (2, getattr(special, name))
        for name in ("prelu", "squared_difference", "smooth_l1", "huber", "bce", "bce_logits")
    },
    **{
        name: (1, getattr(forms, name))
        for name in (
            "sign", "reciprocal", "rsqrt", "sigmoid", "logit", "erf", "erfc", "erfinv", "lgamma", "digamma", "frac",
            "deg2rad", "rad2deg", "sinc", "i0", "relu", "relu6", "clamp", "silu", "softplus", "mish", "gelu", "elu",
            "selu", "celu", "leaky_relu", "hardsigmoid", "hardswish", "softsign", "log_sigmoid", "tanhshrink",
            "softshrink", "hardshrink", "threshold", "nan_to_num",
        )
    },
    "sgn": (1, forms.sign),
    "hardtanh": (1, forms.clamp),
    "pow": (2, forms.power),
    **{
        name: (2, getattr(forms, name))
        for name in ("floor_divide", "div_trunc", "remainder", "fmod", "heaviside", "xlogy", "ldexp")
    },
    **{name: (3, getattr(forms, name)) for name in ("where", "lerp", "addcmul", "addcdiv", "clamp3")},
    **{
        name: (2, getattr(gradients, name))
        for name in (
            "sigmoid_backward", "tanh_backward", "relu_backward", "threshold_backward", "gelu_backward",
            "silu_backward", "mish_backward", "softplus_backward", "log_sigmoid_backward", "elu_backward",
            "elu_backward_result", "leaky_relu_backward", "hardtanh_backward", "clamp_backward",
            "hardsigmoid_backward", "hardswish_backward", "shrink_backward", "logit_backward",
        )
    },
}  # fmt: skip


class Loop:
    """An elementwise function: its name, the NumPy ufunc or the Python form behind it, its number of inputs."""

    def __init__(self, name: str, ufunc: np.ufunc | None, python: Form | None, nin: int) -> None:
        self.name = name
        self.ufunc = ufunc
        self.python = python
        self.nin = nin

    def __repr__(self) -> str:
        return f"Loop({self.name!r})"


def resolve(name: str, ufunc: np.ufunc | None, python: Form | None) -> tuple[np.ufunc | None, Form | None, int]:
    """What stands behind a name: a given Python form, else the form listed above, else the ufunc given or listed.

    A listed form beats a given ufunc, because it is listed for meaning something else than NumPy.
    """
    if python is None and name in FORMS:
        nin, python = FORMS[name]
        return None, python, nin
    ufunc = ufunc if ufunc is not None or python is not None else UFUNCS.get(name)
    if ufunc is not None:
        return ufunc, python, ufunc.nin
    if python is None:
        raise ValueError(f"no kernel named {name!r}, and neither a ufunc nor a Python form was given")
    listed = FORMS.get(name)
    return None, python, listed[0] if listed else python.__code__.co_argcount


def make_loop(name: str, ufunc: np.ufunc | None = None, python: Form | None = None) -> Loop:
    """The loop of that name; `ufunc` and `python` are needed only for names that are not listed here."""
    return Loop(name, *resolve(name, ufunc, python))


def evaluate(loop: Any, arrays: tuple[Array, ...], params: tuple[float, ...], out: Array | None) -> Array:
    """Run a loop through its ufunc or Python form; `loop` needs only the attributes of `Loop`."""
    narrow = arrays[-1].dtype
    # The neighbour of a half is not the neighbour of a float.
    widened = arrays if loop.name == "nextafter" else tuple(_wide(array) for array in arrays)
    with np.errstate(all="ignore"):
        function = loop.python if loop.python is not None else loop.ufunc
        result = np.asarray(function(*widened, *params))
        if result.dtype == np.float32 and widened[-1] is not arrays[-1]:
            result = _narrow(result, narrow)
    if out is None:
        return laid_out(result, arrays)
    np.copyto(out, result, casting="unsafe")
    return out


def scalar_for(name: str, dtype: Any, scalar: Any, scalar_first: bool) -> Any:
    """The exponent PyTorch would use: rounded to half beside a half; RuntimeError if negative beside integers."""
    if name != "pow" or scalar_first:
        return scalar
    if dtype.kind in "iub" and scalar < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return float(np.float16(scalar)) if dtype == np.float16 else scalar


def map1(loop: Any, x: Array, out: Array | None = None) -> Array:
    """f(x), elementwise."""
    return evaluate(loop, (x,), (), out)


def map1p(loop: Any, x: Array, params: tuple[float, ...], out: Array | None = None) -> Array:
    """f(x) with float parameters."""
    return evaluate(loop, (x,), params, out)


def map2(loop: Any, x: Array, y: Array, out: Array | None = None) -> Array:
    """f(x, y), broadcast; both of one dtype."""
    return evaluate(loop, (x, y), (), out)


def over2(loop: Any, x: Array, y: Array) -> bool:
    """Whether f(x, y) was written over x by a shorter road than `map2`'s; here there is none."""
    return False


def map2p(loop: Any, x: Array, y: Array, params: tuple[float, ...], out: Array | None = None) -> Array:
    """f(x, y) with float parameters."""
    return evaluate(loop, (x, y), params, out)


def map2s(loop: Any, x: Array, scalar: Any, scalar_first: bool, out: Array | None = None) -> Array:
    """f(x, scalar) or f(scalar, x). Integers wrap to x's dtype; beside half precision the scalar keeps float32."""
    scalar = scalar_for(loop.name, x.dtype, scalar, scalar_first)
    with np.errstate(all="ignore"):
        wide = _wide(x)
        y = np.asarray(scalar).astype(wide.dtype)
    pair = (y, wide) if scalar_first else (wide, y)
    if wide is x:
        return evaluate(loop, pair, (), out)
    result = evaluate(loop, pair, (), None)
    result = _narrow(result, x.dtype) if result.dtype == np.float32 else result
    if out is None:
        return result
    np.copyto(out, result)
    return out


def map3(loop: Any, x: Array, y: Array, z: Array, out: Array | None = None) -> Array:
    """f(x, y, z), broadcast; for "where" x is bool."""
    return evaluate(loop, (x, y, z), (), out)


def map3p(loop: Any, x: Array, y: Array, z: Array, params: tuple[float, ...], out: Array | None = None) -> Array:
    """f(x, y, z) with float parameters."""
    return evaluate(loop, (x, y, z), params, out)


def show_config() -> str:
    """Which kernels are in use."""
    return f"kernels: NumPy {np.__version__} reference forms, uncompiled, 1 thread"
