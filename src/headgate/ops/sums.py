"""Products that are added to something: addmm and its relatives, and the linear layer's function."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import (
        add_edge,
        apply,
        apply1,
        apply2,
        begin_node,
        edge_of,
        finish_node,
        first_cut,
        note_cut,
        requires,
        run_seeing,
        wrap,
    )
    from headgate.core.arrays import (
        expand_view,
        insert_view,
        is_contiguous,
        is_float,
        reshape_view,
        shape_of,
        swap_view,
    )
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled, grad_state
    from headgate.core.operators import Vertex
    from headgate.core.records import Node, Op, Tensor, Y, Z
    from headgate.core.saved import save_input
    from headgate.core.stale import watch_stale
    from headgate.kernels.reference import addmm as add_product
    from headgate.kernels.reference import contiguous, map2, map3p
    from headgate.kernels.reference import matmul as product
    from headgate.ops.linalg import (
        BMM,
        MM,
        MV,
        check_batches,
        check_matrices,
        check_vector,
        leading,
        multiplied,
        transposed,
        type_name,
    )
    from headgate.ops.reducing import given, write_results
    from headgate.ops.view import EXPAND, TURNED, UNSQUEEZE, VIEW, T, reshaped

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:
        return a.dtype.num

from headgate import errors
from headgate.core.declare import composite, declare
from headgate.core.entry import PUBLIC
from headgate.kernels import make_loop


def scaled(g: Tensor, factor: object) -> Tensor:
    """g times a factor, itself if that is 1."""
    return g if factor == 1 else g * factor


@cython.cclass
class AddMm(Op):
    """beta c + alpha (a @ b). Inputs: c, a, b; attrs: (beta, alpha)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        c: ndarray = inputs[0]
        a: ndarray = inputs[1]
        b: ndarray = inputs[2]
        if a.ndim != 2 or b.ndim != 2:
            name, count = ("mat1", a.ndim) if a.ndim != 2 else ("mat2", b.ndim)
            raise RuntimeError(errors.ADDMM_MATRIX.format(name=name, dims=count))
        if PyArray_TYPE(c) != PyArray_TYPE(b):
            raise RuntimeError(errors.ADDMM_DTYPE.format(first=type_name(c), second=type_name(b)))
        check_matrices(a, b)
        if c.ndim != 1 or c.shape[0] != b.shape[1] or PyArray_TYPE(c) != PyArray_TYPE(a):
            check_added(c, a, (a.shape[0], b.shape[1]))
        return add_product(c, a, b, attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return scaled(g, n.attrs[0])
        if n.attrs is PLAIN and grad_state() < 0:
            return product_pulled(n, g._array, i)
        if i == 1:
            return scaled(apply2(MM, g, apply1(T, n.read(Z), None), None), n.attrs[1])
        return scaled(apply2(MM, apply1(T, n.read(Y), None), g, None), n.attrs[1])


PLAIN = (1, 1)  # beta and alpha of a plain product plus something


def product_pulled(n: Node, g: ndarray, i: cython.int) -> object:
    """The gradient of a factor where nothing is recorded. That of a transpose is worked out as its original lies."""
    v: Vertex
    turned: ndarray
    result: Tensor
    if i == 1:
        return wrap(product(g, swap_view(n.array(Z), 0, 1)))
    v = n.edge(2)
    if not isinstance(v, Node) or cython.cast(Node, v).op is not T:
        return wrap(product(swap_view(n.array(Y), 0, 1), g))
    turned = product(swap_view(g, 0, 1), n.array(Y))
    result = wrap(swap_view(turned, 0, 1))
    result._storage.memory = turned
    result._storage.lent = TURNED
    return result


def check_added(c: ndarray, a: ndarray, shape: tuple):
    """Refuse what cannot be added to a product of that shape."""
    i: cython.int
    mine: tuple = shape_of(c)
    if PyArray_TYPE(c) != PyArray_TYPE(a):
        raise RuntimeError(errors.ADDMM_DTYPE.format(first=type_name(c), second=type_name(a)))
    if len(mine) > len(shape):
        raise RuntimeError(errors.EXPAND_DIMS.format(
            type=f"torch.{type_name(c)}Tensor", shape=list(mine), size=list(shape), provided=len(shape),
            dims=len(mine)))
    for i in range(len(mine)):
        if mine[i] != 1 and mine[i] != shape[len(shape) - len(mine) + i]:
            raise RuntimeError(errors.EXPAND.format(
                target=shape[len(shape) - len(mine) + i], size=mine[i], dim=len(shape) - len(mine) + i,
                targets=list(shape), sizes=list(mine)))


def combine(c: ndarray, product: object, beta: object, alpha: object) -> ndarray:
    """beta c + alpha product; with beta 0, NaN and infinity in c do not count."""
    if alpha != 1:
        product = product * product.dtype.type(alpha)
    if beta == 0:
        return product
    if beta == 1 and is_float(c) and cython.cast(object, c).dtype == product.dtype and isinstance(product, np.ndarray):
        return map2(PLUS, product, c, product)
    return product + (c if beta == 1 else c * product.dtype.type(beta))


@cython.cclass
class AddMv(Op):
    """beta c + alpha (a @ v). Inputs: c, a, v; attrs: (beta, alpha)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        c: ndarray = inputs[0]
        check_vector(inputs[1], inputs[2], c.ndim)
        check_added(c, inputs[1], leading(inputs[1], 1))
        return combine(c, product(inputs[1], inputs[2]), attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return scaled(g, n.attrs[0])
        if i == 1:
            return scaled(apply1(UNSQUEEZE, g, 1) * n.read(Z), n.attrs[1])
        return scaled(apply2(MV, apply1(T, n.read(Y), None), g, None), n.attrs[1])


@cython.cclass
class Baddbmm(Op):
    """beta c + alpha (a @ b), batch by batch. Inputs: c, a, b; attrs: (beta, alpha)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        a: ndarray = inputs[1]
        b: ndarray = inputs[2]
        check_batches(a, b, "batch1", "batch2")
        check_added(inputs[0], a, (a.shape[0], a.shape[1], b.shape[2]))
        return combine(inputs[0], product(a, b), attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return scaled(g, n.attrs[0])
        if i == 1:
            return scaled(apply2(BMM, g, transposed(n.read(Z)), None), n.attrs[1])
        return scaled(apply2(BMM, transposed(n.read(Y)), g, None), n.attrs[1])


@cython.cclass
class Addbmm(Op):
    """beta c + alpha times the sum of a batch of products. Inputs: c, a, b; attrs: (beta, alpha)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        a: ndarray = inputs[1]
        b: ndarray = inputs[2]
        check_batches(a, b, "batch1", "batch2")
        check_added(inputs[0], a, (a.shape[1], b.shape[2]))
        rows = reshape_view(contiguous(swap_view(a, 0, 1)), (a.shape[1], a.shape[0] * a.shape[2]))
        columns = reshape_view(b if is_contiguous(b) else contiguous(b), (b.shape[0] * b.shape[1], b.shape[2]))
        return combine(inputs[0], product(rows, columns), attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        other: Tensor
        if i == 0:
            return scaled(g, n.attrs[0])
        other = n.read(Z if i == 1 else Y)
        spread = apply1(EXPAND, g, (other._array.shape[0], g._array.shape[0], g._array.shape[1]))
        if i == 1:
            return scaled(apply2(BMM, spread, transposed(other), None), n.attrs[1])
        return scaled(apply2(BMM, transposed(other), spread, None), n.attrs[1])


@cython.cclass
class Addr(Op):
    """beta c + alpha times the outer product of two vectors. Inputs: c, v, w; attrs: (beta, alpha)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        v: ndarray = inputs[1]
        w: ndarray = inputs[2]
        if v.ndim != 1 or w.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument vec{1 if v.ndim != 1 else 2}, but got "
                               f"{v.ndim if v.ndim != 1 else w.ndim}-D")
        check_added(inputs[0], v, (v.shape[0], w.shape[0]))
        column: ndarray = insert_view(v, 1)
        c: ndarray = inputs[0]
        if attrs[0] == 1 and is_float(v) and PyArray_TYPE(c) == PyArray_TYPE(v) == PyArray_TYPE(w):
            return map3p(ADD_PRODUCT, expand_view(c, (v.shape[0], w.shape[0])), column, insert_view(w, 0), (attrs[1],))
        return combine(inputs[0], np.multiply.outer(v, w), attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return scaled(g, n.attrs[0])
        if i == 1:
            return scaled(apply2(MV, g, n.read(Z), None), n.attrs[1])
        return scaled(apply2(MV, apply1(T, g, None), n.read(Y), None), n.attrs[1])


ADD_PRODUCT, PLUS = make_loop("addcmul"), make_loop("add")
ADDMM, ADDMV, BADDBMM, ADDBMM, ADDR = AddMm(), AddMv(), Baddbmm(), Addbmm(), Addr()


def added(op: Op, c: object, a: object, b: object, beta: object, alpha: object, out: object, names: tuple) -> object:
    """Call a product that is added to something."""
    x: Tensor = given(c, op.name)
    for place, one in enumerate((a, b)):
        if not isinstance(one, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function=op.name, name=names[place], position=place + 2, expected="Tensor", type=type(one).__name__))
    if not is_float(x._array) and op is not ADDR:
        beta, alpha = int(beta), int(alpha)
    elif not is_float(x._array) and (isinstance(beta, float) or isinstance(alpha, float)):
        name = "beta" if isinstance(beta, float) else "alpha"
        raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if out is not None:
        return write(op, (x, a, b), (beta, alpha), out)
    return apply(op, (x, a, b), (beta, alpha))


def addmm(
    input: object, mat1: object, mat2: object, *, beta: object = 1, alpha: object = 1, out: object = None,
) -> object:
    """beta input + alpha (mat1 @ mat2), input broadcast to the product's shape. All of one type."""
    return added(ADDMM, input, mat1, mat2, beta, alpha, out, ("mat1", "mat2"))


def addmv(
    input: object, mat: object, vec: object, *, beta: object = 1, alpha: object = 1, out: object = None,
) -> object:
    """beta input + alpha (mat @ vec), input broadcast. All of one type."""
    return added(ADDMV, input, mat, vec, beta, alpha, out, ("mat", "vec"))


def baddbmm(
    input: object, batch1: object, batch2: object, *, beta: object = 1, alpha: object = 1, out: object = None,
) -> object:
    """beta input + alpha (batch1 @ batch2), batch by batch, input broadcast. All of one type."""
    return added(BADDBMM, input, batch1, batch2, beta, alpha, out, ("batch1", "batch2"))


def addbmm(
    input: object, batch1: object, batch2: object, *, beta: object = 1, alpha: object = 1, out: object = None,
) -> object:
    """beta input + alpha times the sum of the products of a batch, input broadcast. All of one type."""
    return added(ADDBMM, input, batch1, batch2, beta, alpha, out, ("batch1", "batch2"))


def promoted(input: object, vec1: object, vec2: object, inplace: bool) -> tuple:
    """The operands of addr in one dtype; the vectors alone where `input` is written. RuntimeError if it cannot be."""
    vec1 = vec1.to(PUBLIC["result_type"](vec1, vec2))
    kind = PUBLIC["result_type"](input, vec1)
    if inplace:
        if not PUBLIC["can_cast"](kind, input.dtype):
            raise RuntimeError(errors.RESULT_TYPE.format(
                result=errors.TYPE_NAMES[kind.name], output=errors.TYPE_NAMES[input.dtype.name]))
        return input, vec1.to(input.dtype), vec2.to(input.dtype)
    return input.to(kind), vec1.to(kind), vec2.to(kind)


def addr(
    input: object, vec1: object, vec2: object, *, beta: object = 1, alpha: object = 1, out: object = None,
) -> object:
    """beta input + alpha times the outer product of two vectors, input broadcast; in their promoted dtype."""
    if isinstance(input, Tensor) and isinstance(vec1, Tensor) and isinstance(vec2, Tensor):
        if input.dtype is not vec1.dtype or vec1.dtype is not vec2.dtype:
            input, vec1, vec2 = promoted(input, vec1, vec2, out is not None and not isinstance(out, Tensor))
    return added(ADDR, input, vec1, vec2, beta, alpha, out, ("vec1", "vec2"))


def add_product_of(c: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """What `apply` makes of c + a @ b, without its lists."""
    y: Tensor
    n: Node
    v: Vertex
    mask: cython.longlong
    inputs: tuple = (c, a, b)
    wants: cython.bint
    y = wrap(run_seeing(ADDMM, inputs, PLAIN))
    wants = requires(b)
    if not wants and not requires(a) and not requires(c):
        y._cut = first_cut(inputs)
        return y
    if not grad_enabled() or not is_float(y._array):
        note_cut(y, c if requires(c) else a if requires(a) else b, ADDMM)
        return y
    n = begin_node(ADDMM, PLAIN, 3)
    if requires(c):
        add_edge(n, 0, c)
    if requires(a):
        add_edge(n, 1, a)
    n.more = (None, 0)
    if wants:
        v = edge_of(b)
        n.more = (v, b._output)
        if v is not None:
            n.needs |= 4
        if b._node is not None:
            watch_stale(n, b, 0)
    finish_node(n, y)
    mask = ADDMM.needed(n)
    if mask & 2:
        save_input(n, 1, a)
    if mask & 4:
        save_input(n, 2, b)
    return y


def beside_bias(y: Tensor, w: Tensor, bias: object) -> object:
    """y + bias where that keeps y's shape, as PyTorch, which adds in place; RuntimeError where it does not."""
    if w._array.ndim == 1 and (bias.ndim or y._array.ndim == 1):
        raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
    result: Tensor = y + bias
    if result._array.ndim == y._array.ndim and shape_of(result._array) == shape_of(y._array):
        return result
    if y._array.ndim == 1 and shape_of(result._array) == (1, y._array.shape[0]):
        return reshaped(result, shape_of(y._array))
    raise RuntimeError(errors.INPLACE_SHAPE.format(
        output=list(shape_of(y._array)), shape=list(shape_of(result._array))))


def linear(input: object, weight: object, bias: object = None, *, out: object = None) -> object:
    """input @ weight.T + bias: (*, in), (out, in) or (in), (out) give (*, out), recorded as PyTorch records it."""
    if out is not None:
        return write_results("linear", (linear(input, weight, bias),), (out,))[0]
    x: Tensor = given(input, "linear")
    w: Tensor
    if not isinstance(weight, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="linear", name="weight", position=2, expected="Tensor", type=type(weight).__name__))
    w = cython.cast(Tensor, weight)
    if w._array.ndim == 1 or w._array.ndim == 2:
        w = apply1(T, w, None)
    if bias is None:
        return multiplied(x, w)
    if x._array.ndim == 2 and w._array.ndim == 2:
        return add_product_of(bias, x, w) if isinstance(bias, Tensor) else apply(ADDMM, (bias, x, w), PLAIN)
    joined: object = is_contiguous(x._array)  # else PyTorch keeps the dims and adds
    if not joined or w._array.ndim != 2 or x._array.ndim == 0 or bias.ndim != 1:
        return beside_bias(multiplied(x, w), w, bias)
    shape: tuple = leading(x._array, 1)
    rows = 1
    for one in shape:
        rows *= one
    flat = apply(ADDMM, (bias, reshaped(x, (rows, x._array.shape[x._array.ndim - 1])), w), PLAIN)
    return apply1(VIEW, flat, shape + (w._array.shape[1],))


ALL_THREE = [0, 1 << 2, 1 << 1]
declare(ADDMM, "addmm", overload=None, reads=ALL_THREE, function=addmm, inplace=True, dtypes="fi",
    samples=lambda make: [
    ((make(2, 4), make(2, 3), make(3, 4)), {}), ((make(4), make(2, 3), make(3, 4)), {"beta": 2, "alpha": 3}),
    ((make(), make(2, 3), make(3, 4)), {"beta": 0})])
declare(ADDMV, "addmv", overload=None, reads=ALL_THREE, function=addmv, inplace=True, dtypes="fi",
    samples=lambda make: [
    ((make(2), make(2, 3), make(3)), {}), ((make(2), make(2, 3), make(3)), {"beta": 2, "alpha": 3})])
declare(BADDBMM, "baddbmm", overload=None, reads=ALL_THREE, function=baddbmm, inplace=True, dtypes="fi",
        samples=lambda make: [((make(2, 2, 4), make(2, 2, 3), make(2, 3, 4)), {}),
                              ((make(2, 4), make(2, 2, 3), make(2, 3, 4)), {"beta": 2, "alpha": 3})])
declare(ADDBMM, "addbmm", overload=None, reads=ALL_THREE, function=addbmm, inplace=True, dtypes="fi",
        samples=lambda make: [((make(2, 4), make(2, 2, 3), make(2, 3, 4)), {}),
                              ((make(2, 4), make(2, 2, 3), make(2, 3, 4)), {"beta": 2, "alpha": 3})])
declare(ADDR, "addr", overload=None, reads=ALL_THREE, function=addr, inplace=True, dtypes="fi", samples=lambda make: [
    ((make(2, 4), make(2), make(4)), {}), ((make(2, 4), make(2), make(4)), {"beta": 2, "alpha": 3})])
composite("nn.functional.linear", linear, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(2, 3), make(4, 3), make(4)), {}), ((make(2, 3), make(4, 3)), {}), ((make(2, 2, 3), make(4, 3), make(4)), {}),
    ((make(3), make(4, 3), make(4)), {}), ((make(2, 2, 3), make(4, 3)), {}), ((make(3), make(4, 3)), {}), ((make(2, 3),
    make(3)), {})])
