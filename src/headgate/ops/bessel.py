"""`special` functions that PyTorch has nowhere else: Bessel functions, orthogonal polynomials, zeta and others.

The values come from loops or NumPy forms in `kernels`; the few gradients that PyTorch has are written in Tensors.
Nobody needs the call itself fast, so the file stays uncompiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from headgate.core.declare import declare, describe, set_loop
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import Binary
from headgate.kernels import make_loop
from headgate.kernels import reference_bessel as forms
from headgate.kernels import reference_polynomials as polynomials
from headgate.kernels.reference_special import bessel_i1
from headgate.ops.rules import OUTPUT, Formula, function_of, function_of_degree

#: What PyTorch computes to 8 or 10 digits in float64 only, so that no table compares it: these have all digits.
INEXACT = ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai")
Slope = Callable[[Any, Any], Any]  # (input, result) -> the derivative; None for what `reads` does not name
QUOTIENT = 3  # the kind of an op that makes floats of whole numbers, whose name compiled modules keep to themselves


def special(
    name: str, values: Any, doc: str, slope: Slope | None = None, node: str = "", domain: tuple[float, float] = (-3, 3),
    reads: int = 1 | 1 << OUTPUT,
) -> Any:
    """Declare an elementwise function of one tensor; its entry. slope: its derivative, where PyTorch has one.

    reads: bits of what that needs. values: the NumPy form, or the name of a kernel that is there already.
    """
    op = Formula(slope, doc)
    function: Any = function_of(op, name, doc)
    loop = make_loop(values) if isinstance(values, str) else make_loop(name, python=values)
    if name in INEXACT:
        describe(op, name, (), 0, "", None, False)
        set_loop(op, loop, None)
        return publish(f"special.{name}", function)
    return declare(op, f"special.{name}", loop=loop, reads=[reads] if slope else (), function=function, method=False,
                   inplace=False, differentiable=slope is not None, node=node, domain=domain)


def polynomial(name: str, values: Any, doc: str) -> None:
    """Declare a polynomial P_n(x); none has a gradient in PyTorch."""
    op = Binary()
    function: Any = function_of_degree(
        op, name, f"{doc} of degree n, a number or a tensor; 0 below degree 0. Without gradient, as in PyTorch.")
    declare(op, f"special.{name}", loop=make_loop(name, python=values), kind=QUOTIENT, function=function,
            method=False, inplace=False, differentiable=False, samples=lambda make: [
                ((make(3, 4), make(3, 4, low=0, high=6)), {}), ((make(5), 3), {}), ((0.3, make(4, low=0, high=5)), {}),
                ((make(2, 1, low=-1, high=1), make(3, low=0, high=9)), {}), ((make(0), 2), {})])


# ---- functions with a gradient --------------------------------------------------------------------------------------


def i1e_slope(x: Any, y: Any) -> Any:
    """I0e - (sign + 1 / x) I1e, whose limit at 0 is 1/2."""
    near = x.abs() <= 2.2e-16
    slope = PUBLIC["special.i0e"](x) - y * (x.sgn() + x.masked_fill(near, 1).reciprocal())
    return slope.masked_fill(near, 0.5)


special("i0e", forms.scaled_first(0), "The modified Bessel function of the first kind of order 0, times exp(-|x|).",
        lambda x, y: PUBLIC["special.i1e"](x) - x.sgn() * y, "SpecialI0EBackward")
special("i1e", forms.scaled_first(1), "The modified Bessel function of the first kind of order 1, times exp(-|x|).",
        i1e_slope, "SpecialI1EBackward")
special("erfcx", forms.scaled_erfc, "exp(x²) erfc(x).", lambda x, y: 2 * x * y - 2 / math.sqrt(math.pi),
        "SpecialErfcxBackward")
special("ndtri", forms.normal_place, "Where the normal distribution's area below is x: the inverse of `ndtr`.",
        lambda x, y: (y.square() / 2).exp() * math.sqrt(2 * math.pi), "SpecialNdtriBackward", (0.05, 0.95), 1 << OUTPUT)


# ---- functions without one ------------------------------------------------------------------------------------------


WITHOUT = "Without gradient, as in PyTorch."
for _order in (0, 1):
    _of = f"of order {_order}"
    special(f"bessel_j{_order}", forms.first_kind(_order), f"The Bessel function of the first kind {_of}. {WITHOUT}")
    special(f"bessel_y{_order}", forms.second_kind(_order), f"The Bessel function of the second kind {_of}. {WITHOUT}")
    special(f"modified_bessel_i{_order}", "i0" if _order == 0 else bessel_i1,
            f"The modified Bessel function of the first kind {_of}. {WITHOUT}")
    special(f"modified_bessel_k{_order}", forms.third_kind(_order, False),
            f"The modified Bessel function of the second kind {_of}. {WITHOUT}")
    special(f"scaled_modified_bessel_k{_order}", forms.third_kind(_order, True),
            f"The modified Bessel function of the second kind {_of}, times exp(x). {WITHOUT}")
special("spherical_bessel_j0", forms.spherical_j0, f"sin(x) / x. {WITHOUT}")
special("airy_ai", forms.airy, f"The Airy function Ai. {WITHOUT}")

for _kind, (_first, _ends) in polynomials.KINDS.items():
    for _shifted in (False, True):
        polynomial(f"{'shifted_' * _shifted}chebyshev_polynomial_{_kind}",
                   polynomials.chebyshev(_first, _ends, _shifted),
                   f"The Chebyshev polynomial {_kind.upper()}{' of 2 x - 1' * _shifted}")
polynomial("hermite_polynomial_h", polynomials.hermite_h, "The physicists' Hermite polynomial")
polynomial("hermite_polynomial_he", polynomials.hermite_he, "The probabilists' Hermite polynomial")
polynomial("laguerre_polynomial_l", polynomials.laguerre, "The Laguerre polynomial")
polynomial("legendre_polynomial_p", polynomials.legendre, "The Legendre polynomial")
