"""Contractions made of products and views: einsum, tensordot, inner, outer, kron."""

import cython

if not cython.compiled:
    from headgate.core.apply import apply1, apply2
    from headgate.core.arrays import reshape_view, shape_of
    from headgate.core.records import Tensor
    from headgate.core.storage import Version
    from headgate.ops.linalg import BMM, MM
    from headgate.ops.reducing import given, one_dim, write_results
    from headgate.ops.view import DIAGONAL, PERMUTE, UNSAFE_VIEW, UNSQUEEZE, VIEW, reshaped

from headgate import errors
from headgate.core.declare import composite

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DOTS = -1  # stands for an ellipsis among the labels


def product_of(sizes: object) -> int:
    """The product of some sizes."""
    result = 1
    for one in sizes:
        result *= one
    return result


# ---- einsum ---------------------------------------------------------------------------------------------------------


def labels_of(text: str, where: str, start: object) -> list:
    """The labels of one operand, or of the result, as numbers; DOTS for an ellipsis. RuntimeError for another sign."""
    labels: list = []
    i: cython.Py_ssize_t = 0
    while i < len(text):
        sign = text[i]
        if sign == ".":
            if text[i:i + 3] != "..." or DOTS in labels:
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis")
            labels.append(DOTS)
            i += 3
            continue
        if sign != " ":
            if sign not in LETTERS:
                raise RuntimeError(f"einsum(): invalid subscript given at index {start + i} in the equation string, "
                                   f"subscripts must "
                                   "be in [a-zA-Z]")
            labels.append(LETTERS.index(sign))
        i += 1
    return labels


def read_equation(equation: str) -> tuple:
    """(labels of each operand, labels of the result or None)."""
    left, arrow, right = equation.partition("->")
    inputs: list = []
    start = 0
    for k, part in enumerate(left.split(",")):
        inputs.append(labels_of(part, f"operand {k}", start))
        start += len(part) + 1
    return inputs, labels_of(right, "the output", len(left) + 2) if arrow else None


def read_sublists(args: tuple) -> tuple:
    """The same from operands and lists of numbers in turn."""
    tensors = list(args[0:2 * (len(args) // 2):2])
    inputs = [[DOTS if one is Ellipsis else int(one) for one in args[k + 1]] for k in range(0, 2 * (len(args) // 2), 2)]
    output = None
    if len(args) % 2:
        output = [DOTS if one is Ellipsis else int(one) for one in args[len(args) - 1]]
    return tensors, inputs, output


def count_labels(inputs: list) -> dict:
    """How often each label stands in the operands."""
    counts: dict = {}
    for labels in inputs:
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
    return counts


def width_of_dots(inputs: list, tensors: list) -> int:
    """How many dims the ellipsis stands for; RuntimeError for an operand with another number of dims than labels."""
    width = 0
    for k, (labels, x) in enumerate(zip(inputs, tensors)):
        named = len(labels) - labels.count(DOTS)
        if DOTS in labels and x.ndim < named or DOTS not in labels and x.ndim != named:
            more = "more" if x.ndim < named else "fewer"
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({named}) "
                               f"{'does not match' if DOTS not in labels else 'is ' + more + ' than'} the number of "
                               f"dimensions "
                               f"({x.ndim}) for operand {k}"
                               + (" and no ellipsis was given" if DOTS not in labels else ""))
        if DOTS in labels and x.ndim - named > width:
            width = x.ndim - named
    return width


def places_of(output: object, counts: dict, width: int) -> tuple:
    """(place of each label among the dims of the aligned operands, number of dims of the result)."""
    if output is None:
        output = [label for label in sorted(counts) if label != DOTS and counts[label] == 1]
        if DOTS in counts:
            output = [DOTS] + output
    places: dict = {}
    at = 0
    for label in output:
        if label != DOTS and label not in counts:
            raise RuntimeError(f"einsum(): output subscript {LETTERS[label]} does not appear in the equation for "
                               f"any input "
                               "operand")
        if label in places:
            raise RuntimeError(f"einsum(): output subscript {LETTERS[label]} appears more than once in the output")
        places[label] = at
        at += width if label == DOTS else 1
    kept = at
    if DOTS in counts and DOTS not in places:
        places[DOTS] = at
        at += width
    for label in sorted(counts):
        if label not in places:
            places[label] = at
            at += 1
    return places, kept, at


def aligned(x: Tensor, labels: list, places: dict, width: object, rank: object) -> Tensor:
    """An operand with its dims where the labels' places are, missing ones of length 1, repeated ones as diagonals."""
    order: list = [-1] * rank
    dim: cython.int = 0
    for label in labels:
        if label == DOTS:
            covered = x._array.ndim - dim - count_after(labels)
            for k in range(covered):
                order[places[DOTS] + width - covered + k] = dim
                dim += 1
        elif order[places[label]] >= 0:
            first = order[places[label]]
            a, b = x._array.shape[first], x._array.shape[dim]
            if a != b:
                raise RuntimeError(f"einsum(): subscript {LETTERS[label]} is repeated for operand but the sizes "
                                   f"don't match, "
                                   f"{b} != {a}")
            x = apply1(DIAGONAL, x, (0, first, dim))
            back = list(range(x._array.ndim - 1))
            back.insert(first, x._array.ndim - 1)
            x = apply1(PERMUTE, x, tuple(back))
        else:
            order[places[label]] = dim
            dim += 1
    for place in range(rank):
        if order[place] < 0:
            order[place] = x._array.ndim
            x = apply1(UNSQUEEZE, x, x._array.ndim)
    return apply1(PERMUTE, x, tuple(order))


def count_after(labels: list) -> int:
    """How many dims the labels after the ellipsis take (a repeated label takes one each time)."""
    return len(labels) - labels.index(DOTS) - 1


def check_sizes(operands: list, places: dict, width: int) -> None:
    """Refuse sizes of one label that differ."""
    names = {place: label for label, place in places.items() if label != DOTS}
    seen: dict = {}
    for k, x in enumerate(operands):
        for place, size in enumerate(x.shape):
            if size != 1 and seen.setdefault(place, size) != size:
                letter = LETTERS[names[place]] if place in names else "..."
                raise RuntimeError(errors.EINSUM_SIZE.format(letter=letter, size=size, operand=k, seen=seen[place]))


def pair_product(x: Tensor, y: Tensor, sums: list) -> Tensor:
    """The product of two aligned operands, summed over some dims (which stay, of length 1), as a product of batches."""
    a: tuple = shape_of(x._array)
    b: tuple = shape_of(y._array)
    both: list = []
    left: list = []
    right: list = []
    i: cython.int
    for i in range(len(a)):
        if i in sums:
            continue
        if a[i] != 1 and b[i] != 1:
            both.append(i)
        elif a[i] != 1:
            left.append(i)
        else:
            right.append(i)
    batch, rows = product_of([a[k] for k in both]), product_of([a[k] for k in left])
    columns, inner = product_of([b[k] for k in right]), product_of([a[k] for k in sums])
    first = reshaped(apply1(PERMUTE, x, tuple(both + left + sums + right)), (batch, rows, inner))
    second = reshaped(apply1(PERMUTE, y, tuple(both + sums + right + left)), (batch, inner, columns))
    result: Tensor = apply2(BMM, first, second, None)
    result = apply1(VIEW, result, tuple([a[k] for k in both + left] + [1] * len(sums) + [b[k] for k in right]))
    order: list = [0] * len(a)
    for place, k in enumerate(both + left + sums + right):
        order[k] = place
    return apply1(PERMUTE, result, tuple(order))


def contract(operands: list, kept: object) -> Tensor:
    """The product of aligned operands from left to right, every dim summed as soon as nobody else has it."""
    x: Tensor = operands[0]
    rank = x._array.ndim
    for k in range(1, len(operands)):
        y: Tensor = operands[k]
        later = operands[k + 1:]
        sums: list = []
        alone: list = []
        other: list = []
        for dim in range(kept, rank):
            if [one for one in later if one.shape[dim] != 1]:
                continue
            a, b = x._array.shape[dim], y._array.shape[dim]
            if a != 1 and b != 1:
                sums.append(dim)
            elif a != 1:
                alone.append(dim)
            elif b != 1:
                other.append(dim)
        if alone:
            x = x.sum(alone, True)
        if other:
            y = y.sum(other, True)
        x = pair_product(x, y, sums) if sums else x * y
    if rank > kept:
        if len(operands) > 1:
            return apply1(VIEW, x, shape_of(x._array)[:kept]) if kept_only(x, kept) else x.sum(list(range(kept, rank)))
        return x.sum(list(range(kept, rank)))
    return x


def kept_only(x: Tensor, kept: cython.int) -> bool:
    """Whether all dims after the result's have length 1 and can be left off."""
    i: cython.int
    for i in range(kept, x._array.ndim):
        if x._array.shape[i] != 1:
            return False
    return reshape_fits(x, shape_of(x._array)[:kept])


def reshape_fits(x: Tensor, shape: tuple) -> bool:
    """Whether the strides allow a view in that shape."""
    return reshape_view(x._array, shape) is not None


def einsum(*args: object) -> object:
    """Sums of products by letters: `einsum("ij,jk->ik", a, b)`, or operands and lists of numbers in turn.

    Letters that the result lacks are summed; a letter twice in one operand takes its diagonal; "..." stands for the
    dims before and is broadcast. Without "->" the result has the letters that stand once, in order.
    """
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one "
                         "operand and "
                         "its subscripts list")
    if isinstance(args[0], str):
        tensors = list(args[1:])
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            tensors = list(tensors[0])
        inputs, output = read_equation(args[0])
        if len(inputs) != len(tensors):
            raise RuntimeError(errors.EINSUM_FEWER if len(tensors) < len(inputs) else
                               "einsum(): more operands were provided than specified in the equation")
    else:
        if not isinstance(args[0], Tensor):
            raise TypeError("einsum(): argument 'equation' (position 1) must be str, not " + type(args[0]).__name__)
        tensors, inputs, output = read_sublists(args)
    for one in tensors:
        given(one, "einsum")
    width = width_of_dots(inputs, tensors)
    places, kept, rank = places_of(output, count_labels(inputs), width)
    operands = [aligned(x, labels, places, width, rank) for x, labels in zip(tensors, inputs)]
    check_sizes(operands, places, width)
    return contract(operands, kept)


# ---- products by dims -----------------------------------------------------------------------------------------------


def tensordot(a: object, b: object, dims: object = 2, out: object = None) -> object:
    """The sum of products over `dims`: the last n dims of a with the first n of b, or two lists of dims."""
    x: Tensor = given(a, "tensordot")
    y: Tensor = given(b, "tensordot")
    if isinstance(dims, (tuple, list)):
        first, second = dims
        first = list(first) if isinstance(first, (tuple, list)) else [first]
        second = list(second) if isinstance(second, (tuple, list)) else [second]
    else:
        dims = int(dims)
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(x._array.ndim, y._array.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        first, second = list(range(x._array.ndim - dims, x._array.ndim)), list(range(dims))
    if len(first) != len(second):
        raise RuntimeError(f"both dimension lists should have same length, got {len(first)} and {len(second)}")
    first = [one_dim(one, x, "tensordot") for one in first]
    second = [one_dim(one, y, "tensordot") for one in second]
    result = over_dims(x, y, first, second)
    return result if out is None else write_results("tensordot", (result,), (out,))[0]


def over_dims(x: Tensor, y: Tensor, first: list, second: list) -> Tensor:
    """tensordot with its arguments read."""
    mine: tuple = shape_of(x._array)
    other: tuple = shape_of(y._array)
    for i, k in zip(first, second):
        if mine[i] != other[k]:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {mine[i]} in dim {i} and "
                               f"second has "
                               f"size {other[k]} in dim {k}")
    left = [i for i in range(len(mine)) if i not in first]
    right = [k for k in range(len(other)) if k not in second]
    inner = product_of([mine[i] for i in first])
    rows = reshaped(apply1(PERMUTE, x, tuple(left + first)), (product_of([mine[i] for i in left]), inner))
    columns = reshaped(apply1(PERMUTE, y, tuple(second + right)), (inner, product_of([other[k] for k in right])))
    shape = tuple([mine[i] for i in left] + [other[k] for k in right])
    return reshaped(apply2(MM, rows, columns, None), shape)


def inner(input: object, other: object, *, out: object = None) -> object:
    """The sum of products over the last dim of both; a product if one is a number."""
    x: Tensor = given(input, "inner")
    y: Tensor = given(other, "inner")
    n: cython.int = x._array.ndim
    m: cython.int = y._array.ndim
    if n == 0 or m == 0:
        result = x * y
    elif x._array.shape[n - 1] != y._array.shape[m - 1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got shapes "
                           f"{list(shape_of(x._array))} and {list(shape_of(y._array))}")
    else:
        result = over_dims(x, y, [n - 1], [m - 1])
    return result if out is None else write_results("inner", (result,), (out,))[0]


def outer(input: object, vec2: object, *, out: object = None) -> object:
    """The products of the elements of two vectors, as a matrix."""
    x: Tensor = given(input, "outer")
    y: Tensor = given(vec2, "outer")
    if x._array.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument self, but got {x._array.ndim}-D")
    if y._array.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D argument vec2, but got {y._array.ndim}-D")
    result = reshaped(x, (x._array.shape[0], 1)) * y
    return result if out is None else write_results("outer", (result,), (out,))[0]


def unwatched(x: Tensor, shape: tuple) -> Tensor:
    """`x` reshaped as PyTorch does there, without its version: of a later write to it only the write guard tells."""
    t: Tensor = reshaped(x, shape)
    if t is not x and t._storage is x._storage:
        t._root = None
        t._counter = Version.__new__(Version)
        t._history = 0
    return t


def kron(input: object, other: object, *, out: object = None) -> object:
    """The Kronecker product: every element of input times the whole of other."""
    x: Tensor = given(input, "kron")
    y: Tensor = given(other, "kron")
    rank = max(x._array.ndim, y._array.ndim)
    mine = (1,) * (rank - x._array.ndim) + shape_of(x._array)
    theirs = (1,) * (rank - y._array.ndim) + shape_of(y._array)
    a = unwatched(x, tuple([size for one in mine for size in (one, 1)]))
    b = unwatched(y, tuple([size for one in theirs for size in (1, one)]))
    result = apply1(UNSAFE_VIEW, a * b, tuple([p * q for p, q in zip(mine, theirs)]))
    return result if out is None else write_results("kron", (result,), (out,))[0]


composite("einsum", einsum, method=False, dtypes="f", samples=lambda make: [
    (("ij,jk->ik", make(2, 3), make(3, 4)), {}), (("ij->", make(2, 3)), {}), (("ii->i", make(3, 3)), {}),
    (("bij,bjk->bik", make(2, 2, 3), make(2, 3, 2)), {}), (("...i,i", make(2, 2, 3), make(3)), {}),
    (("i,j,k->kji", make(2), make(3), make(2)), {}), (("ij,ij", make(2, 3), make(2, 3)), {})])
composite("tensordot", tensordot, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(2, 3), make(3, 4), 1), {}), ((make(2, 3, 4), make(4, 3)), {"dims": ([1, 2], [1, 0])})])
composite("inner", inner, out=True, dtypes="f", samples=lambda make: [
    # (bools: whether PyTorch multiplies two vectors of them depends on their strides)
    ((make(3).contiguous(), make(3).contiguous()), {}), ((make(2, 3), make(4, 3)), {})])
composite("outer", outer, out=True, dtypes="fi", aliases=("ger",), samples=lambda make: [((make(3), make(4)), {})])
composite("kron", kron, out=True, dtypes="fi", samples=lambda make: [
    # (a matrix that is not contiguous beside fewer dims: PyTorch fails to view its own product)
    ((make(2, 3), make(3, 2)), {}), ((make(2), make(2, 3).contiguous()), {})])
