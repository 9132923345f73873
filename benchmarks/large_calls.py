"""The calls of the large benchmark that are no plain functions of one or two tensors, by the registry's name.

Each takes a library and the operands made for it beforehand. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

SIZE, SIDE = 1_000_000, 1000


class Operands:
    """One library's operands: a million numbers as x and y, the same as matrices a and b, indices, masks and more."""

    def __init__(self, library: Any, arrays: list[np.ndarray[Any, Any]]) -> None:
        self.library = library
        self.x, self.y = (library.from_numpy(array.copy()) for array in arrays)
        self.a, self.b = self.x.view(SIDE, SIDE), self.y.view(SIDE, SIDE)

    def whole(self, high: int, *shape: int) -> Any:
        """Random int64 numbers below `high`, the same in every library."""
        return self.library.from_numpy(np.random.default_rng(1).integers(0, high, shape))

    @cached_property
    def chance(self) -> Any:
        return self.x.abs() * 0.3 + 0.05

    @cached_property
    def mask(self) -> Any:
        return self.x > self.y

    @cached_property
    def square(self) -> Any:
        """A mask of the matrices."""
        return self.mask.view(SIDE, SIDE)

    @cached_property
    def index(self) -> Any:
        return self.whole(SIDE, SIDE, SIDE)

    @cached_property
    def flat(self) -> Any:
        return self.whole(SIZE, SIZE)

    @cached_property
    def classes(self) -> Any:
        return self.whole(SIDE, SIDE)

    @cached_property
    def order(self) -> Any:
        return self.library.from_numpy(np.random.default_rng(2).permutation(SIDE))

    @cached_property
    def half(self) -> Any:
        return self.order[: SIDE // 2]

    @cached_property
    def signs(self) -> Any:
        return self.x.sign()

    @cached_property
    def edges(self) -> Any:
        return self.y[:SIDE].sort()[0]

    @cached_property
    def whole_numbers(self) -> Any:
        return (self.x * 10).round()

    @cached_property
    def batch(self) -> Any:
        return self.x.view(100, 100, 100)

    @cached_property
    def other_batch(self) -> Any:
        return self.y.view(100, 100, 100)

    @cached_property
    def line(self) -> Any:
        return self.y[:SIDE].contiguous()

    @cached_property
    def triples(self) -> Any:
        return self.x[:999_999].view(-1, 3), self.y[:999_999].view(-1, 3)


Call = Callable[[Any, Operands], Any]

REDUCTIONS: dict[str, Call] = {
    **{name: (lambda t, v, name=name: getattr(t, name)(v.x)) for name in (
        "sum", "mean", "prod", "nansum", "nanmean", "any", "all", "count_nonzero", "var", "std", "var_mean", "std_mean",
        "max", "min", "amax", "amin", "aminmax", "argmax", "argmin", "norm", "median", "nanmedian")},
    **{f"{name} over rows": (lambda t, v, name=name: getattr(t, name)(v.a, 0)) for name in (
        "sum", "mean", "prod", "var", "std", "max", "min", "amax", "argmax", "any", "median")},
    **{f"{name} over columns": (lambda t, v, name=name: getattr(t, name)(v.a, 1)) for name in (
        "sum", "mean", "prod", "var", "std", "max", "min", "amax", "argmax", "any", "median")},
    "logsumexp": lambda t, v: t.logsumexp(v.a, 1), "logsumexp over rows": lambda t, v: t.logsumexp(v.a, 0),
    "linalg.vector_norm": lambda t, v: t.linalg.vector_norm(v.x),
    "linalg.vector_norm 1": lambda t, v: t.linalg.vector_norm(v.x, 1),
    "linalg.vector_norm 3": lambda t, v: t.linalg.vector_norm(v.x, 3),
    "linalg.matrix_norm": lambda t, v: t.linalg.matrix_norm(v.a), "linalg.norm": lambda t, v: t.linalg.norm(v.x),
    "norm over columns": lambda t, v: v.a.norm(dim=1), "dist": lambda t, v: t.dist(v.x, v.y),
    "trace": lambda t, v: t.trace(v.a), "kthvalue": lambda t, v: t.kthvalue(v.a, 10, 1),
    "mode": lambda t, v: t.mode(v.whole_numbers.view(SIDE, SIDE), 1),
    "Tensor.sum_to_size": lambda t, v: v.a.sum_to_size(1, SIDE),
    "isclose": lambda t, v: t.isclose(v.x, v.y), "allclose": lambda t, v: t.allclose(v.x, v.x),
    "equal": lambda t, v: t.equal(v.x, v.x + 0),
}  # fmt: skip

SCANS: dict[str, Call] = {
    **{name: (lambda t, v, name=name: getattr(t, name)(v.x, 0)) for name in (
        "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin")},
    **{f"{name} over rows": (lambda t, v, name=name: getattr(t, name)(v.a, 0)) for name in (
        "cumsum", "cumprod", "cummax", "logcumsumexp")},
    **{f"{name} over columns": (lambda t, v, name=name: getattr(t, name)(v.a, 1)) for name in (
        "cumsum", "cumprod", "cummax", "logcumsumexp")},
    "diff": lambda t, v: t.diff(v.x), "trapezoid": lambda t, v: t.trapezoid(v.a, dim=1),
    "softmax": lambda t, v: t.softmax(v.a, 1), "log_softmax": lambda t, v: t.log_softmax(v.a, 1),
    "softmax over rows": lambda t, v: t.softmax(v.a, 0),
    "nn.functional.softmin": lambda t, v: t.nn.functional.softmin(v.a, 1),
    "sort": lambda t, v: v.x.sort()[0], "sort over columns": lambda t, v: v.a.sort(1)[0],
    "argsort": lambda t, v: v.a.argsort(1), "msort": lambda t, v: t.msort(v.a), "topk": lambda t, v: t.topk(v.a, 10, 1),
    "topk of all": lambda t, v: t.topk(v.x, 100),
    "unique": lambda t, v: t.unique(v.whole_numbers),
    "unique_consecutive": lambda t, v: t.unique_consecutive(v.whole_numbers),
    "searchsorted": lambda t, v: t.searchsorted(v.edges, v.x), "bucketize": lambda t, v: t.bucketize(v.x, v.edges),
    "isin": lambda t, v: t.isin(v.x, v.line), "bincount": lambda t, v: t.bincount(v.index.view(-1)),
    "histc": lambda t, v: t.histc(v.x, 100, -1, 1),
}  # fmt: skip

ELEMENTWISE: dict[str, Call] = {
    **{name: (lambda t, v, name=name: getattr(t, name)(v.x, v.y)) for name in (
        "eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "rsub", "div", "floor_divide", "remainder", "fmod")},
    "pow": lambda t, v: t.pow(v.chance, v.y), "round": lambda t, v: t.round(v.x), "pow 2": lambda t, v: v.x**2,
    "pow 3": lambda t, v: v.x**3, "pow 0.5": lambda t, v: v.chance**0.5,
    "mul by a number": lambda t, v: v.x * 2.5, "add a number": lambda t, v: v.x + 1.5,
    "div by a number": lambda t, v: v.x / 3.0, "number minus x": lambda t, v: 1.0 - v.x,
    "x > number": lambda t, v: v.x > 0.5, "add of a row": lambda t, v: v.a + v.line,
    "mul by a column": lambda t, v: v.a * v.line[:, None], "add of a transpose": lambda t, v: v.a + v.b.t(),
    "add_": lambda t, v: v.x.add_(v.y, alpha=0.0), "mul_": lambda t, v: v.x.mul_(1.0),
    "square": lambda t, v: t.square(v.x), "float_power": lambda t, v: t.float_power(v.x, 2),
    "positive": lambda t, v: t.positive(v.x), "special.round": lambda t, v: t.special.round(v.x, decimals=2),
    "round to decimals": lambda t, v: t.round(v.x, decimals=2), "special.ndtr": lambda t, v: t.special.ndtr(v.x),
    "clamp": lambda t, v: t.clamp(v.x, -0.5, 0.5), "clamp_min": lambda t, v: t.clamp_min(v.x, 0.1),
    "clamp_max": lambda t, v: t.clamp_max(v.x, 0.1), "polygamma": lambda t, v: t.polygamma(1, v.chance),
    "xlogy": lambda t, v: t.xlogy(v.x, v.chance), "mvlgamma": lambda t, v: t.mvlgamma(v.chance + 2, 2),
    "logit": lambda t, v: t.logit(v.chance), "nan_to_num": lambda t, v: t.nan_to_num(v.x),
    "where": lambda t, v: t.where(v.mask, v.x, v.y), "where with a number": lambda t, v: t.where(v.mask, v.x, 0.0),
    "lerp": lambda t, v: t.lerp(v.x, v.y, 0.3), "lerp by a tensor": lambda t, v: t.lerp(v.x, v.y, v.x),
    "addcmul": lambda t, v: t.addcmul(v.x, v.x, v.y), "addcdiv": lambda t, v: t.addcdiv(v.x, v.x, v.chance),
    "nn.functional.prelu": lambda t, v: t.nn.functional.prelu(v.a, v.line),
    "nn.functional.threshold": lambda t, v: t.nn.functional.threshold(v.x, 0.1, 2.0),
    **{f"nn.functional.{name}": (lambda t, v, name=name: getattr(t.nn.functional, name)(v.x)) for name in (
        "relu", "relu6", "hardtanh", "softplus", "gelu", "silu", "mish", "elu", "selu", "celu", "leaky_relu",
        "hardsigmoid", "hardswish", "softsign", "tanhshrink", "logsigmoid", "softshrink", "hardshrink", "rrelu")},
    "gelu, tanh": lambda t, v: t.nn.functional.gelu(v.x, approximate="tanh"),
    "nn.functional.normalize": lambda t, v: t.nn.functional.normalize(v.a, dim=1),
    "nn.functional.cosine_similarity": lambda t, v: t.nn.functional.cosine_similarity(v.a, v.b),
    "nn.functional.pairwise_distance": lambda t, v: t.nn.functional.pairwise_distance(v.a, v.b),
    "linalg.cross": lambda t, v: t.linalg.cross(*v.triples),
    "rand": lambda t, v: t.rand(SIZE, dtype=v.x.dtype), "randn": lambda t, v: t.randn(SIZE, dtype=v.x.dtype),
    "uniform_": lambda t, v: v.x.new_empty(SIZE).uniform_(), "bernoulli": lambda t, v: t.bernoulli(v.chance),
    "exponential_": lambda t, v: v.x.new_empty(SIZE).exponential_(),
    "zeros": lambda t, v: t.zeros(SIZE, dtype=v.x.dtype), "ones": lambda t, v: t.ones(SIZE, dtype=v.x.dtype),
    "full": lambda t, v: t.full((SIZE,), 2.5, dtype=v.x.dtype),
    "arange": lambda t, v: t.arange(0, SIZE, dtype=v.x.dtype),
    "linspace": lambda t, v: t.linspace(0, 1, SIZE, dtype=v.x.dtype),
}  # fmt: skip

LOSSES: dict[str, Call] = {
    **{f"nn.functional.{name}": (lambda t, v, name=name: getattr(t.nn.functional, name)(v.x, v.y)) for name in (
        "mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss", "poisson_nll_loss", "kl_div")},
    "nn.functional.nll_loss": lambda t, v: t.nn.functional.nll_loss(v.a, v.classes),
    "nn.functional.cross_entropy": lambda t, v: t.nn.functional.cross_entropy(v.a, v.classes),
    "nn.functional.binary_cross_entropy": lambda t, v: t.nn.functional.binary_cross_entropy(v.chance, v.chance),
    "nn.functional.binary_cross_entropy_with_logits":
        lambda t, v: t.nn.functional.binary_cross_entropy_with_logits(v.x, v.chance),
    "nn.functional.soft_margin_loss": lambda t, v: t.nn.functional.soft_margin_loss(v.x, v.signs),
    "nn.functional.multilabel_soft_margin_loss":
        lambda t, v: t.nn.functional.multilabel_soft_margin_loss(v.a, v.chance.view(SIDE, SIDE)),
    "nn.functional.gaussian_nll_loss": lambda t, v: t.nn.functional.gaussian_nll_loss(v.x, v.y, v.chance),
    "nn.functional.triplet_margin_loss": lambda t, v: t.nn.functional.triplet_margin_loss(v.a, v.b, v.a + 1),
    "nn.functional.hinge_embedding_loss": lambda t, v: t.nn.functional.hinge_embedding_loss(v.x, v.signs),
    "nn.functional.margin_ranking_loss": lambda t, v: t.nn.functional.margin_ranking_loss(v.x, v.y, v.signs),
    "nn.functional.cosine_embedding_loss":
        lambda t, v: t.nn.functional.cosine_embedding_loss(v.a, v.b, v.signs[:SIDE]),
}  # fmt: skip

PRODUCTS: dict[str, Call] = {
    "mm": lambda t, v: t.mm(v.a, v.b), "matmul": lambda t, v: v.a @ v.b,
    "bmm": lambda t, v: t.bmm(v.batch, v.other_batch),
    "mv": lambda t, v: t.mv(v.a, v.line), "dot": lambda t, v: t.dot(v.x, v.y), "vdot": lambda t, v: t.vdot(v.x, v.y),
    "addmm": lambda t, v: t.addmm(v.b, v.a, v.b), "addmv": lambda t, v: t.addmv(v.line, v.a, v.line),
    "baddbmm": lambda t, v: t.baddbmm(v.other_batch, v.batch, v.other_batch),
    "addbmm": lambda t, v: t.addbmm(v.batch[0], v.batch, v.other_batch),
    "addr": lambda t, v: t.addr(v.a, v.line, v.line),
    "nn.functional.linear": lambda t, v: t.nn.functional.linear(v.a, v.b, v.line),
    "einsum": lambda t, v: t.einsum("bij,bjk->bik", v.batch, v.other_batch),
    "einsum, a sum": lambda t, v: t.einsum("ij,ij->i", v.a, v.b),
    "tensordot": lambda t, v: t.tensordot(v.batch, v.other_batch, 2), "inner": lambda t, v: t.inner(v.x, v.y),
    "outer": lambda t, v: t.outer(v.line, v.line), "kron": lambda t, v: t.kron(v.a[:32, :32], v.b[:32, :32]),
    "linalg.multi_dot": lambda t, v: t.linalg.multi_dot([v.a, v.b, v.a]),
    "matrix_power": lambda t, v: t.matrix_power(v.a, 3),
}  # fmt: skip

COPIES: dict[str, Call] = {
    "cat": lambda t, v: t.cat([v.x, v.y]), "cat of columns": lambda t, v: t.cat([v.a, v.b], 1),
    "stack": lambda t, v: t.stack([v.x, v.y]), "stack as columns": lambda t, v: t.stack([v.x, v.y], 1),
    "hstack": lambda t, v: t.hstack([v.a, v.b]), "vstack": lambda t, v: t.vstack([v.a, v.b]),
    "dstack": lambda t, v: t.dstack([v.a, v.b]), "column_stack": lambda t, v: t.column_stack([v.x, v.y]),
    "block_diag": lambda t, v: t.block_diag(v.a, v.a[:10, :10]),
    "cartesian_prod": lambda t, v: t.cartesian_prod(v.line, v.line),
    "flip": lambda t, v: v.x.flip(0), "fliplr": lambda t, v: t.fliplr(v.a), "flipud": lambda t, v: t.flipud(v.a),
    "roll": lambda t, v: v.x.roll(1000), "roll of rows": lambda t, v: v.a.roll(10, 0),
    "roll of columns": lambda t, v: v.a.roll(10, 1), "rot90": lambda t, v: t.rot90(v.a),
    "Tensor.repeat": lambda t, v: v.line.repeat(SIDE, 1), "tile": lambda t, v: t.tile(v.line, (SIDE, 1)),
    "repeat_interleave": lambda t, v: t.repeat_interleave(v.line, SIDE),
    "repeat_interleave of rows": lambda t, v: t.repeat_interleave(v.a[:500], 2, 0),
    "tril": lambda t, v: v.a.tril(), "triu": lambda t, v: v.a.triu(), "diag": lambda t, v: t.diag(v.line),
    "diag_embed": lambda t, v: t.diag_embed(v.line), "diagflat": lambda t, v: t.diagflat(v.line),
    "select_scatter": lambda t, v: t.select_scatter(v.a, v.line, 0, 5),
    "slice_scatter": lambda t, v: t.slice_scatter(v.a, v.b[:500], 0, 0, 500),
    "diagonal_scatter": lambda t, v: t.diagonal_scatter(v.a, v.line),
    "clone": lambda t, v: v.x.clone(), "clone of a transpose": lambda t, v: v.a.t().clone(),
    "clone of a slice": lambda t, v: v.a[:, ::2].clone(),
    "Tensor.contiguous": lambda t, v: v.a.t().contiguous(), "Tensor.reshape": lambda t, v: v.a.t().reshape(-1),
    "contiguous of a permutation": lambda t, v: v.batch.permute(2, 0, 1).contiguous(),
    "contiguous of an expansion": lambda t, v: v.line.expand(SIDE, SIDE).contiguous(),
    "Tensor.copy_": lambda t, v: v.a.copy_(v.a.clone()),
    "copy_ of a transpose": lambda t, v: t.empty_like(v.a).copy_(v.b.t()),
    "Tensor.unfold": lambda t, v: v.x[:250_000].unfold(0, 4, 1).contiguous(),
    "to float64": lambda t, v: v.x.to(t.float64, copy=True), "to float32": lambda t, v: v.x.to(t.float32, copy=True),
    "to float16": lambda t, v: v.x.to(t.float16, copy=True), "to int64": lambda t, v: v.x.to(t.int64),
    "to int32": lambda t, v: v.x.to(t.int32), "to uint8": lambda t, v: v.chance.to(t.uint8),
    "to bool": lambda t, v: v.x.to(t.bool), "from int64": lambda t, v: v.flat.to(v.x.dtype),
    "from bool": lambda t, v: v.mask.to(v.x.dtype),
    "fill": lambda t, v: t.fill(v.x, 2.0), "fill_": lambda t, v: v.chance.fill_(0.3),
    "zero_": lambda t, v: t.empty_like(v.x).zero_(),
}  # fmt: skip

PLACES: dict[str, Call] = {
    "masked_fill": lambda t, v: v.x.masked_fill(v.mask, 0.0), "masked_select": lambda t, v: v.x.masked_select(v.mask),
    "masked_scatter": lambda t, v: v.x.masked_scatter(v.mask, v.y), "nonzero": lambda t, v: t.nonzero(v.mask),
    "argwhere": lambda t, v: t.argwhere(v.square), "index by a mask": lambda t, v: v.x[v.mask],
    "index by positions": lambda t, v: v.x[v.flat], "index of rows": lambda t, v: v.a[v.order],
    "index of two dims": lambda t, v: v.a[v.index, v.index],
    "index_put": lambda t, v: t.index_put(v.x, (v.flat,), v.y),
    "index_put, adding": lambda t, v: t.index_put(v.x, (v.flat,), v.y, True),
    "gather": lambda t, v: t.gather(v.a, 1, v.index), "gather over rows": lambda t, v: t.gather(v.a, 0, v.index),
    "take_along_dim": lambda t, v: t.take_along_dim(v.a, v.index, 1),
    "scatter": lambda t, v: t.scatter(v.a, 1, v.index, v.b),
    "scatter_add": lambda t, v: t.scatter_add(v.a, 1, v.index, v.b),
    "scatter_add over rows": lambda t, v: t.scatter_add(v.a, 0, v.index, v.b),
    "scatter_reduce": lambda t, v: t.scatter_reduce(v.a, 1, v.index, v.b, "amax"),
    "index_select": lambda t, v: v.a.index_select(0, v.half),
    "index_select of columns": lambda t, v: v.a.index_select(1, v.order),
    "index_add": lambda t, v: t.index_add(v.a, 0, v.order, v.b),
    "index_copy": lambda t, v: t.index_copy(v.a, 0, v.order, v.b),
    "index_add of columns": lambda t, v: t.index_add(v.a, 1, v.order, v.b),
    "index_fill": lambda t, v: t.index_fill(v.a, 0, v.half, 2.0),
    "index_reduce": lambda t, v: t.index_reduce(v.a, 0, v.order, v.b, "amax"),
    "take": lambda t, v: t.take(v.x, v.flat), "put": lambda t, v: t.put(v.x, v.flat, v.y),
    "nn.functional.one_hot": lambda t, v: t.nn.functional.one_hot(v.classes, SIDE),
    "nn.functional.embedding": lambda t, v: t.nn.functional.embedding(v.order, v.a),
}  # fmt: skip

CALLS: dict[str, Call] = {**REDUCTIONS, **SCANS, **ELEMENTWISE, **LOSSES, **PRODUCTS, **COPIES, **PLACES}

# Names of the registry without a row: views and their like move no numbers; the rest is another name of a row.
VIEWS = frozenset((
    "Tensor.view Tensor.view_as Tensor.reshape_as flatten unflatten ravel Tensor.expand Tensor.expand_as broadcast_to "
    "broadcast_tensors transpose swapaxes swapdims t permute movedim adjoint unsqueeze squeeze select narrow diagonal "
    "as_strided atleast_1d atleast_2d atleast_3d meshgrid split split_with_sizes chunk unbind tensor_split hsplit "
    "vsplit dsplit numel").split())
SAME = {
    "selu": "nn.functional.selu", "celu": "nn.functional.celu", "rrelu": "nn.functional.rrelu",
    "threshold": "nn.functional.threshold", "prelu": "nn.functional.prelu", "hardshrink": "nn.functional.hardshrink",
    "cross": "linalg.cross", "chain_matmul": "linalg.multi_dot", "Tensor.to": "to float64",
    "Tensor.type_as": "to float64",
    "combinations": "cartesian_prod",
}  # fmt: skip

# Why a row is slower than PyTorch, where that is known: told below the table when the row misses.
CAUSES = {
    "unique": "NumPy's sort, one thread",
    "index_put": "of several values for one place the last wins: every thread looks at all positions; PyTorch's race",
    "put": "of several values for one place the last wins: every thread looks at all positions; PyTorch's race",
    "take": "bound by memory: one cache line per element",
    "gather": "bound by memory in float64: positions, elements and result are 24 MB; level with half as many rows",
    "add of a transpose": "bound by memory: the transpose is read line by line",
    **dict.fromkeys(
        ["clone", "Tensor.copy_", "sub", "addcdiv", "diagonal_scatter", "select_scatter", "scatter", "scatter_add",
         "nan_to_num", "stack", "cat", "kron", "add of a row", "sum over columns",
         "mean over columns", "to float16", "hstack", "vstack", "flip", "fliplr",
         "roll", "roll of rows", "mul by a number", "copysign", "rad2deg", "nn.functional.prelu",
         "nn.functional.hardtanh", "bincount"],
        "bound by memory: the two change places from run to run",
    ),
    "mm": "level: OpenBLAS here, MKL there; the two change places from run to run",
    "cumprod": "in float64 each product waits for the one before, as in PyTorch",
    "prod over columns": "bound by memory: rows come from the third cache; level with PyTorch in the second",
    "index_add": "the input is copied first, a pass that PyTorch makes beside the sum",
    "index_reduce": "rows are combined on one instruction set; half precision is converted by shifts and masks",
    "mv": "half precision is widened whole",
    "addmv": "half precision is widened whole",
    "cumsum over rows": "half precision is widened whole",
    "cumprod over rows": "bound by memory; half precision is widened whole",
    "nn.functional.margin_ranking_loss": "five passes, as its gradient is written in tensors",
    "nn.functional.gaussian_nll_loss": "seven passes, as its gradient is written in tensors",
    "nn.functional.soft_margin_loss": "four passes, as its gradient is written in tensors",
    "nn.functional.poisson_nll_loss": "four passes, as its gradient is written in tensors",
    "nn.functional.l1_loss": "three passes, as its gradient is written in tensors",
    "nn.functional.nll_loss": "1,000 numbers only: the call itself counts",
}
