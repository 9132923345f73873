"""Choosing by a condition: where, the masked functions, nonzero; and fill, which writes everywhere.

Masks are bool tensors and broadcast; PyTorch's checks of their types are made here.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.inplace import write
    from headgate.core.operators import INPLACE
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous, converted, map3, marked
    from headgate.ops.change import (
        FILL,
        FILL_,
        FILL_TENSOR,
        FILL_TENSOR_,
        ZERO_,
        Change,
        allow_expanded,
        allow_overlap,
        change,
        change_inplace,
        constant,
        few_masked,
        is_number,
        kind_name,
        need_tensor,
    )
    from headgate.ops.view import SLICE, Part

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, constants, declare, install_method, overload
from headgate.core.entry import PUBLIC
from headgate.core.family import broadcast_error
from headgate.kernels import make_loop

WHERE_LOOP = make_loop("where")
INVALID = "{function}() received an invalid combination of arguments - got ({types}), but expected one of:"


# ---- where ----------------------------------------------------------------------------------------------------------


@cython.cclass
class Where(Op):
    """x where the condition holds, else y. Inputs: condition, x, y; x and y may be numbers."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        condition, x, y = inputs
        kind: dtypes.dtype = common_kind(x, y)
        a: ndarray = of_kind(x, kind) if isinstance(x, ndarray) else constant(x, kind)
        b: ndarray = of_kind(y, kind) if isinstance(y, ndarray) else constant(y, kind)
        if condition.dtype.char != "?":
            condition = condition.astype(np.bool_)
        try:
            return map3(WHERE_LOOP, condition, a, b, out)
        except ValueError:
            raise RuntimeError(disagreement(condition, a, b)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return apply(WHERE, (n.tensor(0), g, zero_like(g)), None)
        return apply(WHERE, (n.tensor(0), zero_like(g), g), None)


def of_kind(x: ndarray, kind: dtypes.dtype) -> ndarray:
    """An array as another type, in the layout that PyTorch gives the copy: the result's follows from it."""
    return x if dtypes.of(x) is kind else converted(x, kind.numpy)


def common_kind(x: object, y: object) -> dtypes.dtype:
    """The type of what is chosen from two arrays or numbers."""
    first: dtypes.dtype = dtypes.of(x) if isinstance(x, ndarray) else dtypes.scalar_dtype(x)
    second: dtypes.dtype = dtypes.of(y) if isinstance(y, ndarray) else dtypes.scalar_dtype(y)
    return dtypes.result_pair(first, x.ndim if isinstance(x, ndarray) else -1, second,
                              y.ndim if isinstance(y, ndarray) else -1)


def zero_like(g: Tensor) -> Tensor:
    """A zero of the type of `g`."""
    return wrap(np.zeros((), cython.cast(object, g._array).dtype))


def disagreement(condition: ndarray, x: ndarray, y: ndarray) -> str:
    """PyTorch's text for three shapes of which two do not broadcast."""
    a: ndarray
    b: ndarray
    for a, b in ((x, y), (condition, x), (condition, y)):
        try:
            np.broadcast_shapes(shape_of(a), shape_of(b))
        except ValueError:
            return broadcast_error(a, b)
    return broadcast_error(condition, y)


def choose(condition: Tensor, x: object, y: object) -> Tensor:
    """where for other ops."""
    return apply(WHERE, (condition, x, y), None)


def type_names(values: tuple) -> str:
    """The types of arguments as PyTorch lists them."""
    return ", ".join(["Tensor" if isinstance(value, Tensor) else type(value).__name__ for value in values])


def where(condition: object, input: object = None, other: object = None, *, out: object = None) -> object:
    """`input` where `condition` holds, else `other`; both tensors or numbers, broadcast and promoted.

    With the condition alone: the positions where it holds, as `nonzero(condition, as_tuple=True)`. The condition is
    bool (or uint8). RuntimeError for another type or for shapes that do not broadcast.
    """
    if isinstance(condition, Tensor) and input is None and other is None and out is None:
        return nonzero(condition, as_tuple=True)
    for value in (input, other):
        if not isinstance(condition, Tensor) or not (isinstance(value, Tensor) or is_number(value)):
            given = tuple([one for one in (condition, input, other) if one is not None])
            raise TypeError(INVALID.format(function="where", types=type_names(given)))
        if out is not None and not isinstance(value, Tensor):
            position, name = (2, "input") if value is input else (3, "other")
            raise TypeError(errors.ARGUMENT.format(
                function="where", name=name, position=position, expected="Tensor", type=type(value).__name__))
    c: Tensor = condition
    if cython.cast(object, c._array).dtype.char not in "?B":
        raise RuntimeError(errors.WHERE.format(dtype=kind_name(c._array)))
    if cython.cast(object, c._array).dtype.char == "B":
        warnings.warn(
            "where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future "
            "version of PyTorch. Use a boolean condition instead.", UserWarning, stacklevel=2)
    if out is None:
        return apply(WHERE, (condition, input, other), None)
    kind: dtypes.dtype = common_kind(cython.cast(Tensor, input)._array, cython.cast(Tensor, other)._array)
    if isinstance(out, Tensor) and dtypes.of(cython.cast(Tensor, out)._array) is not kind:
        raise RuntimeError(f"Expected out type to be {errors.TYPE_NAMES[kind.name]} but got "
                           f"{kind_name(cython.cast(Tensor, out)._array)}")
    return write(WHERE, (condition, input, other), None, out)


def where_method(self: object, condition: object, other: object = None) -> object:
    """This tensor where `condition` holds, else `other` (a tensor or a number)."""
    if other is None:
        raise TypeError(INVALID.format(function="where", types=type_names((condition,))))
    return where(condition, self, other)


# ---- masks ----------------------------------------------------------------------------------------------------------


def masked(x: ndarray, mask: ndarray) -> tuple:
    """The two broadcast against each other. RuntimeError if they do not fit."""
    if shape_of(x) == shape_of(mask):
        return x, mask
    try:
        shape = np.broadcast_shapes(shape_of(x), shape_of(mask))
    except ValueError:
        raise RuntimeError(broadcast_error(mask, x)) from None
    return np.broadcast_to(x, shape), np.broadcast_to(mask, shape)


def check_pair(x: ndarray, mask: ndarray) -> None:
    """RuntimeError for two shapes that do not broadcast, the written one named first."""
    try:
        np.broadcast_shapes(shape_of(x), shape_of(mask))
    except ValueError:
        raise RuntimeError(broadcast_error(x, mask)) from None


@cython.cclass
class Masked(Change):
    """An op that changes elements where a mask (input 1) holds; out of place the first input is broadcast with it."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        if out is not None and shape_of(inputs[0]) != shape_of(inputs[1]):
            check_pair(inputs[0], inputs[1])
        x, mask = masked(inputs[0], inputs[1])
        if out is None:
            out = contiguous(x)
        elif shape_of(x) != shape_of(out):
            raise RuntimeError(errors.INPLACE_SHAPE.format(output=list(shape_of(out)), shape=list(shape_of(x))))
        self.change(out, (out, mask) + inputs[2:], attrs)
        return out


@cython.cclass
class MaskedFill(Masked):
    """A value where the mask holds. Inputs: x, mask, and the value where it is a tensor; attrs: the number else."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        value: ndarray
        if len(inputs) == 2:
            value = constant(attrs, dtypes.of(target))
        elif cython.cast(object, inputs[2]).dtype == cython.cast(object, target).dtype:
            value = inputs[2]
        else:
            value = converted(inputs[2], cython.cast(object, target).dtype)
        map3(WHERE_LOOP, inputs[1], value, target, target)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return choose(n.tensor(1), g, zero_like(g))  # the engine sums it
        return apply(MASKED_FILL, (g, n.tensor(1)), 0)


@cython.cclass
class MaskedScatter(Masked):
    """The elements of a source, in order, where the mask holds. Inputs: x, mask, source."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        mask: ndarray = inputs[1]
        if few_masked(target, mask, inputs[2]):
            return
        count = int(np.count_nonzero(mask))
        if inputs[2].size < count:
            raise RuntimeError("Number of elements of source < number of ones in mask")
        source: object = inputs[2].reshape(-1)[:count]
        flat: object = cython.cast(object, target)
        if flat.flags.c_contiguous and shape_of(mask) == shape_of(target):  # three times as fast as by the mask itself
            flat.reshape(-1)[np.flatnonzero(mask)] = source
        else:
            flat[mask] = source

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        picked: Tensor
        size: cython.Py_ssize_t = 1
        if i == 0:
            return apply(MASKED_FILL, (g, n.tensor(1)), 0)
        picked = apply(MASKED_SELECT, (g, n.tensor(1)), None)
        for length in n.shape(2):
            size *= length
        if picked._array.shape[0] != size:
            part = (0, 0, picked._array.shape[0], 1)
            picked = apply1(cython.cast(Part, SLICE).back, picked, (part, (size,)))
        return cython.cast(object, picked).reshape(n.shape(2))


@cython.cclass
class MaskedSelect(Op):
    """The elements where a mask holds, in order, as a vector. Inputs: x, mask."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if shape_of(x) != shape_of(y):
            x, y = masked(x, y)
        return marked(x.reshape(-1), y.reshape(-1))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        mask: Tensor = n.tensor(1)
        shape = n.shape(0)
        if shape != shape_of(mask._array):
            shape = np.broadcast_shapes(shape, shape_of(mask._array))
        zeros: Tensor = wrap(np.zeros(shape, cython.cast(object, g._array).dtype))
        return apply(MASKED_SCATTER, (zeros, mask, g), None)


def fill_where(x: Tensor, mask: Tensor, value: object) -> Tensor:
    """masked_fill with a number, for other ops."""
    return apply(MASKED_FILL, (x, mask), value)


def need_mask(mask: object, function: str, text: str) -> Tensor:
    """The mask; RuntimeError with `text` if it is not bool."""
    t: Tensor = need_tensor(mask, function, "mask", 1)
    if cython.cast(object, t._array).dtype.char != "?":
        name = dtypes.of(t._array).name
        words = errors.C_NAMES if function == "masked_fill" else errors.TYPE_NAMES
        raise RuntimeError(text.format(dtype=words[name]))
    return t


def masked_select(input: object, mask: object, *, out: object = None) -> object:
    """The elements of `input` where `mask` (bool, broadcast with it) holds, as a vector."""
    x: Tensor = need_tensor(input, "masked_select", "input", 1)
    m: Tensor = need_mask(mask, "masked_select", errors.MASKED_SELECT)
    if out is not None:
        return write(MASKED_SELECT, (x, m), None, out)
    return apply(MASKED_SELECT, (x, m), None)


def masked_fill(input: object, mask: object, value: object, *, out: object = None) -> object:
    """`input` with `value`, a number or a tensor of no dims, where `mask` (bool, broadcast) holds."""
    x: Tensor = need_tensor(input, "masked_fill", "input", 1)
    if not isinstance(mask, Tensor) or not (isinstance(value, Tensor) or is_number(value)):
        raise TypeError(INVALID.format(function="masked_fill", types=type_names((mask, value))))
    m: Tensor = need_mask(mask, "masked_fill", errors.MASKED_FILL)
    if not isinstance(value, Tensor):
        return change(MASKED_FILL, (x, m), value, out)
    if value.ndim:
        raise RuntimeError(errors.MASKED_FILL_VALUE.format(dims=value.ndim))
    return change(MASKED_FILL_TENSOR, (x, m, value), None, out)


def masked_scatter(input: object, mask: object, source: object, *, out: object = None) -> object:
    """`input` with the elements of `source`, in order, where `mask` (bool, broadcast) holds."""
    x: Tensor = need_tensor(input, "masked_scatter", "input", 1)
    m: Tensor = need_tensor(mask, "masked_scatter", "mask", 1)
    s: Tensor = need_tensor(source, "masked_scatter", "source", 2)
    if dtypes.of(x._array) is not dtypes.of(s._array):
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got"
                           f"{kind_name(x._array)} and {kind_name(s._array)}")
    need_mask(mask, "masked_scatter", "masked_scatter_ only supports boolean masks, but got mask with dtype {dtype}")
    if out is INPLACE and m._array.ndim > x._array.ndim:
        raise RuntimeError(errors.EXPAND_DIMS.format(
            type="CPUBoolType", shape=list(shape_of(m._array)), size=list(shape_of(x._array)), provided=x._array.ndim,
            dims=m._array.ndim))
    return change(MASKED_SCATTER, (x, m, s), None, out)


# ---- nonzero --------------------------------------------------------------------------------------------------------


def put_places(flat: ndarray, shape: tuple, places: ndarray) -> None:
    """Numbers of elements in row-major order as a row of positions each."""
    at: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(flat))  # noqa: F821
    to: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(places))  # noqa: F821
    rank: cython.Py_ssize_t = len(shape)
    size: cython.Py_ssize_t
    rest: cython.Py_ssize_t
    i: cython.Py_ssize_t
    d: cython.Py_ssize_t
    for d in range(rank - 1, -1, -1):
        size = shape[d]
        for i in range(flat.shape[0]):
            rest = at[i] if d == rank - 1 else to[i * rank]
            if d:
                to[i * rank + d] = rest % size
                to[i * rank] = rest // size


@cython.cclass
class Nonzero(Op):
    """The positions of the elements that are not zero, a row each."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if x.ndim == 0:
            return np.zeros((1 if cython.cast(object, x).item() else 0, 0), np.int64)
        flat: object = cython.cast(object, x).ravel().nonzero()[0]  # much faster than with several dims
        if x.ndim == 1:
            return np.asarray(flat.reshape(-1, 1), np.int64)
        places = np.empty((len(flat), x.ndim), np.int64)
        if cython.compiled:
            put_places(flat, shape_of(x), places)
        else:
            for dim in range(x.ndim - 1, 0, -1):
                flat, places[:, dim] = np.divmod(flat, x.shape[dim])
            places[:, 0] = flat
        return places


def nonzero(input: object, *, out: object = None, as_tuple: object = False) -> object:
    """The positions of the non-zero elements of `input` in row-major order: an int64 row each.

    With `as_tuple` one vector per dim instead, fit for indexing.
    """
    x: Tensor = need_tensor(input, "nonzero", "input", 1)
    if as_tuple:
        positions = np.atleast_1d(cython.cast(object, x._array)).nonzero()
        return tuple([wrap(np.ascontiguousarray(one)) for one in positions])
    if out is None:
        return apply1(NONZERO, x, None)
    if isinstance(out, Tensor) and cython.cast(object, cython.cast(Tensor, out)._array).dtype.char not in "lq":
        raise RuntimeError("nonzero: Expected out tensor to have scalar type Long but got scalar type"
                           + kind_name(cython.cast(Tensor, out)._array))
    return write(NONZERO, (x,), None, out)


def argwhere(input: object) -> object:
    """The positions of the non-zero elements of `input`, a row each."""
    return nonzero(input)


# ---- fill -----------------------------------------------------------------------------------------------------------


def fill(input: object, value: object, *, out: object = None) -> object:
    """A tensor like `input` with `value`, a number or a tensor of no dims, everywhere; `fill_` writes it in place."""
    x: Tensor = need_tensor(input, "fill", "input", 1)
    if not isinstance(value, Tensor):
        if not is_number(value):
            raise TypeError(INVALID.format(function="fill_", types=type_names((value,))))
        return change(FILL_ if out is INPLACE else FILL, (x,), value, out)
    if value.ndim:
        raise RuntimeError(errors.FILL_VALUE.format(dims=value.ndim))
    return change(FILL_TENSOR_ if out is INPLACE else FILL_TENSOR, (x, value), None, out)


def zero_(self: object) -> object:
    """Write 0 everywhere into this tensor."""
    return change_inplace(ZERO_, (need_tensor(self, "zero_", "input", 1),), 0)


# ---- declarations ---------------------------------------------------------------------------------------------------

WHERE = Where()
MASKED_FILL = MaskedFill()
MASKED_FILL_TENSOR = overload(MaskedFill(), "masked_fill", 1, reads=[1 << 1, 0, 1 << 1])
MASKED_SCATTER = MaskedScatter()
MASKED_SELECT = MaskedSelect()
NONZERO = Nonzero()
constants(1 << 0, WHERE)
constants(1 << 1, MASKED_FILL, MASKED_FILL_TENSOR, MASKED_SCATTER, MASKED_SELECT)
allow_expanded(MASKED_FILL)
allow_expanded(MASKED_FILL_TENSOR)
for _op in (MASKED_FILL, MASKED_FILL_TENSOR, MASKED_SCATTER):
    allow_overlap(_op, 0)


def _mask(make: object, *shape: int) -> object:
    return make(*shape, low=0, high=2, dtype="bool")


def _where_samples(make: object) -> list:
    mask = _mask(make, 3, 4)
    return [
        ((mask, make(3, 4), make(3, 4)), {}),
        ((mask, make(4), make(3, 1)), {}),
        ((mask, make(3, 4), 2.0), {}),
        ((mask, 0.5, make(2, 3, 4)), {}),
        ((_mask(make), make(), make()), {}),
        ((_mask(make, 0), make(0), make(1)), {}),
    ]


def _mask_samples(make: object) -> list:
    pairs = [(make(3, 4), _mask(make, 3, 4)), (make(3, 4), _mask(make, 4)), (make(2), _mask(make, 0, 2))]
    return [(pair, {}) for pair in pairs]


def _fill_samples(make: object) -> list:
    return [(args + (value,), {}) for args, _ in _mask_samples(make) for value in (0.5, make())][:4]


def _scatter_samples(make: object) -> list:
    return [(args + (make(12),), {}) for args, _ in _mask_samples(make)][:2]


declare(WHERE, "where", overload=None, function=where, inplace=False, method=False, reads=[0, 1 << 0, 1 << 0],
        samples=_where_samples)
install_method("where", where_method)
declare(MASKED_SELECT, "masked_select", overload=None, function=masked_select, inplace=False, reads=[1 << 0 | 1 << 1],
        looks=1 << 0,
        shapes=1 << 0, samples=_mask_samples)
declare(MASKED_FILL, "masked_fill", overload=0, function=masked_fill, inplace=True, out=False, reads=[1 << 1],
        samples=_fill_samples)
declare(MASKED_SCATTER, "masked_scatter", overload=None, function=masked_scatter, inplace=True, out=False,
        reads=[1 << 1, 0, 1 << 1], shapes=1 << 2, samples=_scatter_samples)
declare(NONZERO, "nonzero", function=nonzero, inplace=False, differentiable=False)
composite("argwhere", argwhere, differentiable=False)
declare(FILL, "fill", overload=0, function=fill, inplace=True, method=False, out=False,
        samples=lambda make: [((make(3, 4), 2.5), {}), ((make(2), make()), {}), ((make(), 1), {})])
PUBLIC["fill_"] = PUBLIC["Tensor.fill_"]
PUBLIC["zero_"] = install_method("zero_", zero_)
