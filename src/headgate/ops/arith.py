# built for speed
"""Arithmetic: add, sub, mul, div, floor_divide, neg, abs, sign, reciprocal.

Remainders are in `remainder`, rounding in `rounding`, powers in `power`, bounds and blends in `bounds`.
"""
from numbers import Number

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, requires
    from headgate.core.arrays import is_float
    from headgate.core.family import (
        BOOLS,
        QUOTIENT,
        SAME,
        Binary,
        NumberFirst,
        Unary,
        as_type,
        fits,
        operand,
    )
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE, Called
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.core.writes import check_writable, note_write
    from headgate.kernels.reference import map2, map2s, map3p
    from headgate.ops.keep import zeros_of

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, declare, operand_error, overload, set_loop
from headgate.core.family import broadcast_error, exact, refuse
from headgate.core.operators import fill_slot
from headgate.kernels import make_loop

BOOL_MIXED = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the "
    "`~` or `logical_not()` operator instead."
)
BOOL_POSITIVE = "The `+` operator, on a bool tensor is not supported."
BOOL_ALPHA = "Boolean alpha only supported for Boolean results."

ADDCMUL = make_loop("addcmul")
PRODUCT = make_loop("mul")
ONES = {dtypes.by_name(_name): np.ones((), _name) for _name in ("float16", "float32", "float64")}


@cython.cclass
class Add(Binary):
    """x + alpha y, with broadcasting. attrs: alpha, or None for 1."""

    @cython.cfunc
    def run_with(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        try:
            return self.run_scaled(x, y, attrs)
        except ValueError:
            raise RuntimeError(broadcast_error(x, y)) from None

    @cython.cfunc
    def run_scaled(self, x: object, y: object, attrs: object) -> object:
        kind: dtypes.dtype = self.result_kind(x, y)
        check_alpha(kind, attrs)
        if not isinstance(y, ndarray):
            return self.promote_and_run(x, y * attrs, None)
        y = as_type(y, kind)
        if isinstance(x, ndarray) and kind.category == 2:
            one = np.ones((), kind.numpy)
            return map3p(ADDCMUL, as_type(x, kind), y, one, (self.sign(attrs),))
        y = map2s(PRODUCT, y, attrs, False)
        if not isinstance(x, ndarray):
            return map2s(self.loop, y, x, True)
        return map2(self.loop, as_type(x, kind), y)

    @cython.cfunc
    def sign(self, alpha: object) -> object:
        return alpha

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g if i == 0 or n.attrs is None else g * n.attrs


@cython.cclass
class Sub(Add):
    """x - alpha y, with broadcasting. Not for bools. attrs: alpha, or None for 1."""

    @cython.cfunc
    def sign(self, alpha: object) -> object:
        return -alpha

    @cython.cfunc
    def result_kind(self, x: object, y: object) -> dtypes.dtype:
        refuse_bools(x, y)
        return Binary.result_kind(self, x, y)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if y is True or y is False or x is True or x is False:
            refuse_bools(x, y)
        if out is None and isinstance(y, Tensor) and not isinstance(x, Tensor):
            return SUB_FROM.call2(x, y, None) if isinstance(x, (float, int)) else self.by_slow_road(x, y, None)
        return Binary.call2(self, x, y, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        return -g if n.attrs is None else g * -n.attrs


@cython.cclass
class Rsub(Sub):
    """y - alpha x."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return Binary.run2(self, y, x, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return Sub.pull(self, n, g, 1 - i)


@cython.cclass
class SubFrom(NumberFirst):
    """number - x."""

    @cython.cfunc
    def result_kind(self, x: object, y: object) -> dtypes.dtype:
        refuse_bools(x, y)
        return Binary.result_kind(self, x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return -g


def refuse_bools(x: object, y: object):
    """PyTorch subtracts no bools."""
    if isinstance(x, Tensor):
        x = cython.cast(Tensor, x)._array
    if isinstance(y, Tensor):
        y = cython.cast(Tensor, y)._array
    first: cython.bint = x.dtype == np.bool_ if isinstance(x, ndarray) else isinstance(x, bool)
    second: cython.bint = y.dtype == np.bool_ if isinstance(y, ndarray) else isinstance(y, bool)
    if first and second:
        raise RuntimeError(errors.BOOL_SUBTRACT)
    if first or second:
        raise RuntimeError(BOOL_MIXED)


def check_alpha(kind: dtypes.dtype, alpha: object):
    """Refuse a scale that the result's type cannot hold."""
    if isinstance(alpha, bool) and kind.category != 0:
        raise RuntimeError(BOOL_ALPHA)
    if isinstance(alpha, float) and kind.category < 2:
        raise RuntimeError(errors.ALPHA_FLOAT)


def scale(op: Op, alpha: object) -> object:
    """The scale as a Python number (None: 1). TypeError for anything else, RuntimeError for a complex one."""
    if alpha is None:
        return None
    if isinstance(alpha, Tensor) and alpha.dim() == 0 and not alpha.requires_grad:  # which would get no gradient
        alpha = alpha.item()
    if isinstance(alpha, complex):
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if not isinstance(alpha, Number):
        raise TypeError(f"{op.name}(): argument 'alpha' must be Number, not {type(alpha).__name__}")
    return alpha


def scaled(op: Op, x: object, y: object, alpha: object, out: object) -> object:
    """Call add, sub or rsub with a scale: a number, or a tensor without dimensions and history."""
    alpha = scale(op, alpha)
    x = operand(x, op.name)
    y = operand(y, op.name)
    if x is NotImplemented or y is NotImplemented or not (isinstance(x, Tensor) or isinstance(y, Tensor)):
        return NotImplemented
    if isinstance(op, Sub) and (x is True or x is False or y is True or y is False):
        refuse_bools(x, y)
    if out is not None:
        return write(op, (x, y), alpha, out)
    return apply(op, (x, y), alpha)


def add_scaled(op: Add, x: object, y: object, alpha: object) -> cython.bint:
    """Add alpha y to x in place without an intermediate array; False where that cannot be."""
    t: Tensor
    if not isinstance(x, Tensor) or not isinstance(y, Tensor) or not isinstance(alpha, (float, int)) or alpha is True:
        return False
    t = cython.cast(Tensor, x)
    if not is_float(t._array) or not fits(t, y) or (grad_enabled() and requires(t)):
        return False
    check_writable(t, False)
    kind: dtypes.dtype = dtypes.of(t._array)
    if kind not in ONES:
        return False
    one: ndarray = ONES[kind]
    map3p(ADDCMUL, t._array, cython.cast(Tensor, y)._array, one, (op.sign(alpha),), t._array)
    note_write(t, op.written)
    return True


def checked(result: object, name: str, x: object, y: object) -> object:
    """The result of a call, or PyTorch's error for operands that nothing is defined for."""
    if result is NotImplemented:
        raise TypeError(operand_error(name, x, y))
    return result


ADD = Add()
SUB = Sub()
RSUB = Rsub()
SUB_FROM = SubFrom()


def add(input: object, other: object, *, alpha: object = 1, out: object = None) -> object:
    """input + alpha other, with broadcasting; either may be a Python number. The promoted type."""
    if type(alpha) is int and alpha == 1:
        return checked(ADD.call2(input, other, out), "add", input, other)
    return checked(scaled(ADD, input, other, alpha, out), "add", input, other)


def add_(self: object, other: object, *, alpha: object = 1) -> object:
    """Add alpha other to this tensor in place."""
    if type(alpha) is int and alpha == 1:
        return checked(ADD.call2(self, other, INPLACE), "add_", self, other)
    if add_scaled(ADD, self, other, alpha):
        return self
    return checked(scaled(ADD, self, other, alpha, INPLACE), "add_", self, other)


def sub(input: object, other: object, *, alpha: object = 1, out: object = None) -> object:
    """input - alpha other, with broadcasting; either may be a Python number. The promoted type; not for bools."""
    if type(alpha) is int and alpha == 1 and isinstance(input, Tensor):
        return checked(SUB.call2(input, other, out), "sub", input, other)
    alpha = None if type(alpha) is int and alpha == 1 else alpha
    return checked(scaled(SUB, input, other, alpha, out), "sub", input, other)


def sub_(self: object, other: object, *, alpha: object = 1) -> object:
    """Subtract alpha other from this tensor in place."""
    if type(alpha) is int and alpha == 1:
        return checked(SUB.call2(self, other, INPLACE), "sub_", self, other)
    if add_scaled(SUB, self, other, alpha):
        return self
    return checked(scaled(SUB, self, other, alpha, INPLACE), "sub_", self, other)


def rsub(input: object, other: object, *, alpha: object = 1) -> object:
    """other - alpha input."""
    if not isinstance(input, Tensor) or not isinstance(other, (Tensor, int, float)):
        raise TypeError(operand_error("rsub", input, other))
    alpha = None if type(alpha) is int and alpha == 1 else alpha
    if isinstance(other, (Tensor, bool)):
        return scaled(RSUB, input, other, alpha, None)
    if alpha is None:
        return SUB_FROM.call2(other, input, None)
    check_alpha(RSUB.result_kind(cython.cast(Tensor, input)._array, other), alpha)
    return SUB_FROM.call2(other, input * alpha, None)


@cython.cclass
class Mul(Binary):
    """x * y, with broadcasting."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(Y if i == 0 else X)


@cython.cclass
class Div(Binary):
    """x / y, with broadcasting; integers give the default float."""

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if out is None and isinstance(y, Tensor) and isinstance(x, (float, int)):
            return MUL.call2(RECIPROCAL.call1(y, None), x, None)  # as PyTorch, to the last bit
        return Binary.call2(self, x, y, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = n.read(Y)
        if i == 0:
            return g / y
        return -g * ((n.read(X) / y) / y)


@cython.cclass
class Rounded(Binary):
    """A division rounded to whole numbers: its gradient is zero everywhere. What PyTorch saves is saved too."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return zeros_of(g)


@cython.cclass
class FloorDivide(Binary):
    """floor(x / y), with broadcasting. RuntimeError for an integer division by zero. No gradient, as in PyTorch."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        raise RuntimeError(f"derivative for aten::{self.name} is not implemented")


@cython.cclass
class Reciprocal(Unary):
    """1 / x; integers give the default float."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = n.read(OUT)
        return -g * (y * y)


MUL = Mul()
DIV = Div()
RECIPROCAL = Reciprocal()
DIV_FLOOR = Rounded()
DIV_TRUNC = Rounded()
FLOOR_DIVIDE = FloorDivide()


def rounding(mode: object) -> Op:
    """The division for a rounding mode."""
    if mode is None:
        return DIV
    if mode == "floor":
        return DIV_FLOOR
    if mode == "trunc":
        return DIV_TRUNC
    raise RuntimeError(errors.ROUNDING_MODE.format(mode=mode))


def div(input: object, other: object, *, rounding_mode: object = None, out: object = None) -> object:
    """input / other, with broadcasting; integers give the default float.

    rounding_mode: "floor" or "trunc" rounds to whole numbers and keeps integer types (RuntimeError for an integer
    division by zero).
    """
    op: Op = DIV
    if rounding_mode is not None:
        op = rounding(rounding_mode)
    if isinstance(input, Tensor) or out is not None:
        return checked(op.call2(input, other, out), "div", input, other)
    return checked(scaled(op, input, other, None, None), "div", input, other)


def div_(self: object, other: object, *, rounding_mode: object = None) -> object:
    """Divide this tensor in place."""
    op: Op = DIV
    if rounding_mode is not None:
        op = rounding(rounding_mode)
    return checked(op.call2(self, other, INPLACE), "div_", self, other)


@cython.cclass
class Neg(Unary):
    """-x. Not for bools."""

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        return RuntimeError(errors.BOOL_NEGATIVE)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return -g


@cython.cclass
class Abs(Unary):
    """The absolute value."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * SGN.call1(n.read(X), None)


@cython.cclass
class Sign(Unary):
    """-1, 0 or 1 (0 for NaN); its gradient is zero everywhere."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return zeros_of(g)


@cython.cclass
class Positive(Called):
    """+x: the tensor itself. Not for bools."""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        if not isinstance(x, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function="positive", name="input", position=1, expected="Tensor", type=type(x).__name__))
        if cython.cast(Tensor, x)._array.dtype == np.bool_:
            raise RuntimeError(BOOL_POSITIVE)
        return x


POSITIVE = Positive()
SGN = exact(Sign())
NEG = exact(Neg())
ABS = exact(Abs())


def positive(input: object) -> object:
    """The tensor itself. RuntimeError for bools."""
    return POSITIVE.call1(input, None)


def not_implemented(op: Op) -> None:
    """Name the node of an op that PyTorch has no gradient for."""
    op.node_name, op.type_name = "torch::autograd::NotImplemented", "NotImplemented"


def pairs(make: object) -> object:
    """Two tensors, a tensor and a number, a scaled second operand."""
    return [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(4)), {}), ((make(2, 1, 3), make(4, 1)), {}),
            ((make(3), 2), {}), ((make(3), 2.5), {}), ((make(), make(2)), {}), ((make(0, 3), make(3)), {})]


def scaled_pairs(make: object) -> object:
    """The same with `alpha`."""
    return pairs(make) + [((make(3, 4), make(4)), {"alpha": 3}), ((make(3), 2), {"alpha": 2})]


def quotients(make: object) -> object:
    """Pairs with divisors away from zero."""
    return [((make(3, 4), make(3, 4, low=0.5, high=3)), {}), ((make(3, 4), make(4, low=1, high=3)), {}),
            ((make(3), 2), {}), ((make(3), 2.5), {}), ((make(), make(2, low=1, high=2)), {}),
            ((make(0, 3), make(3)), {})]


def divisions(make: object) -> object:
    """The same with a rounding mode."""
    return quotients(make) + [((make(3, 4), make(4, low=1, high=3)), {"rounding_mode": "floor"}),
                              ((make(3, 4), make(4, low=1, high=3)), {"rounding_mode": "trunc"})]


declare(ADD, "add", loop=make_loop("add"), operator="add", function=add, inplace=add_, samples=scaled_pairs)
declare(SUB, "sub", loop=make_loop("sub"), operator="sub", function=sub, inplace=sub_, aliases=("subtract",),
        samples=scaled_pairs, dtypes="fi")
declare(RSUB, "rsub", loop=make_loop("sub"), overload=0, function=rsub, inplace=False, out=False, method=False,
        samples=scaled_pairs, dtypes="fi")
overload(SUB_FROM, "rsub", 1)
set_loop(SUB_FROM, make_loop("sub"), None)
declare(MUL, "mul", loop=make_loop("mul"), reads=[1 << 1, 1 << 0], operator="mul", aliases=("multiply",))
declare(DIV, "div", loop=make_loop("div"), kind=QUOTIENT, reads=[1 << 1, 3], overload=0, operator="div", function=div,
        inplace=div_, aliases=("divide", "true_divide"), samples=divisions)
for _mode, _loop, _op in (("floor", "floor_divide", DIV_FLOOR), ("trunc", "div_trunc", DIV_TRUNC)):
    overload(_op, "div", 2, reads=[1 << 1, 3], looks=3)
    set_loop(_op, make_loop(_loop), None)
    refuse(_op, BOOLS, f"div_{_mode}_cpu")
refuse(FLOOR_DIVIDE, BOOLS, "div_floor_cpu")
declare(FLOOR_DIVIDE, "floor_divide", loop=make_loop("floor_divide"), operator="floor_divide", samples=quotients,
        differentiable=True, smooth=False, dtypes="fi")
not_implemented(FLOOR_DIVIDE)

refuse(NEG, BOOLS, "neg_cpu")
refuse(ABS, BOOLS, "abs_cpu")
declare(NEG, "neg", loop=make_loop("neg"), kind=SAME, operator="neg", aliases=("negative",), dtypes="fi")
declare(ABS, "abs", loop=make_loop("abs"), kind=SAME, reads=[1 << 0], operator="abs", aliases=("absolute",),
        smooth=False, dtypes="fi")
declare(exact(Sign()), "sign", loop=make_loop("sign"), kind=SAME, smooth=False)
declare(SGN, "sgn", loop=make_loop("sgn"), kind=SAME, reads=[1 << X | 1 << OUT], looks=1 << X | 1 << OUT,
        smooth=False)
declare(RECIPROCAL, "reciprocal", loop=make_loop("reciprocal"), reads=[1 << OUT], domain=(0.3, 3))
composite("positive", positive, samples=lambda make: [((make(3),), {})], dtypes="fi")
fill_slot("positive", POSITIVE)
