"""Margins, triplets, connectionist temporal classification, bilinear maps and distances beside PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))

from norm_beside import arrays, compare, leaves, same_error

X = arrays((4, 5))[0]
CLASSES = np.array([0, 3, 1, 4])
SEVERAL = np.array([[0, 2, -1, 1, 1], [3, -1, 0, 1, 1], [-1, 0, 0, 0, 0], [4, 4, 1, 2, -1]])
WEIGHT = arrays((5,), positive=True)[0]


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_multi_margin(p: int, reduction: str, dtype: str) -> None:
    def call(library: Any, x: Any, target: Any, *weight: Any) -> Any:
        w = weight[0].detach() if weight else None
        return library.nn.functional.multi_margin_loss(x, target, p, 0.7, w, reduction=reduction)

    for items in ((X, CLASSES), (X, CLASSES, WEIGHT), (X[0], CLASSES[0:1]), (X[0], np.array(2))):
        compare(call, *[one.astype(dtype) if one.dtype.kind == "f" else one for one in items], second=False)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_multilabel_margin(reduction: str) -> None:
    for items in ((X, SEVERAL), (X[0], SEVERAL[0])):
        compare(lambda library, x, y: library.nn.functional.multilabel_margin_loss(x, y, reduction=reduction), *items,
                second=False)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_triplets_by_any_distance(swap: bool, reduction: str) -> None:
    given = arrays((4, 3), (4, 3), (4, 3))
    for distance in (None, lambda a, b: (a - b).abs().sum(1)):
        compare(lambda library, *t, d=distance: library.nn.functional.triplet_margin_with_distance_loss(
            *t, distance_function=d, margin=0.5, swap=swap, reduction=reduction), *given)


def test_bilinear() -> None:
    for shape in ((3,), (2, 3), ()):
        given = arrays((*shape, 4), (*shape, 5), (2, 4, 5), (2,))
        compare(lambda library, *t: library.nn.functional.bilinear(*t), *given)
        compare(lambda library, *t: library.bilinear(*t), *given[:3])


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("shapes", [((3, 4), (5, 4)), ((2, 3, 4), (2, 5, 4)), ((2, 3, 4), (5, 4)), ((30, 4), (5, 4))])
def test_cdist(p: float, shapes: Any) -> None:
    compare(lambda library, x, y: library.cdist(x, y, p), *arrays(*shapes), second=p == 2 and shapes[0][0] == 30,
            what=f"{p} {shapes}")


def test_cdist_of_equal_rows() -> None:
    x, = arrays((4, 3))
    for p in (1.0, 2.0, 3.0):
        compare(lambda library, x, p=p: library.cdist(x, x, p, compute_mode="donot_use_mm_for_euclid_dist"), x,
                second=False)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, float("inf")])
def test_pdist(p: float) -> None:
    compare(lambda library, x: library.nn.functional.pdist(x, p), *arrays((5, 4)), second=False)
    compare(lambda library, x: library.pdist(x, p), *arrays((1, 4)), second=False)


def test_glu() -> None:
    for dtype in ("float64", "float32", "float16"):
        compare(lambda library, x: library.nn.functional.glu(x, 1), *arrays((3, 4), dtype=dtype))
    compare(lambda library, x: library.nn.GLU(0)(x), *arrays((4, 3)))


# ---- connectionist temporal classification --------------------------------------------------------------------------

TIME, BATCH, LETTERS = 9, 3, 5
SCORES = arrays((TIME, BATCH, LETTERS))[0]
PADDED = np.array([[1, 2, 2, 3], [3, 4, 0, 0], [1, 1, 1, 0]])
LENGTHS, TIMES = (4, 2, 3), (9, 7, 8)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("logs", [False, True])
def test_ctc(reduction: str, dtype: str, joined: bool, logs: bool) -> None:
    targets = np.concatenate([row[:k] for row, k in zip(PADDED, LENGTHS)]) if joined else PADDED

    def call(library: Any, x: Any, y: Any) -> Any:
        x = x.log_softmax(2) if logs else x
        return library.nn.functional.ctc_loss(x, y, TIMES, LENGTHS, reduction=reduction)

    normal = SCORES - np.log(np.exp(SCORES).sum(2, keepdims=True))
    compare(call, normal.astype(dtype), targets, second=False)


@pytest.mark.parametrize("times", [(9, 7, 8), (1, 7, 8), (3, 2, 3)])
@pytest.mark.parametrize("lengths", [(4, 2, 3), (0, 2, 1)])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("blank", [0, 4])
def test_ctc_at_the_edges(times: Any, lengths: Any, zero: bool, blank: int) -> None:
    targets = PADDED % 4 + (1 if blank == 0 else 0) * 1

    def call(library: Any, x: Any, y: Any) -> Any:
        return library.nn.functional.ctc_loss(
            x.log_softmax(2), y, library.tensor(times), library.tensor(lengths), blank, "none", zero)

    compare(call, SCORES, targets, second=False)


def test_ctc_of_one_sample() -> None:
    for reduction in ("none", "mean"):
        compare(lambda library, x, y, r=reduction: library.nn.functional.ctc_loss(
            x.log_softmax(1), y, library.tensor(9), library.tensor(4), reduction=r), SCORES[:, 0], PADDED[0],
            second=False)


def test_ctc_has_no_second_gradient() -> None:
    for library in (headgate, torch):
        x, y = leaves(library, [SCORES, PADDED])
        loss = library.nn.functional.ctc_loss(x, y, TIMES, LENGTHS)
        g, = library.autograd.grad(loss, x, create_graph=True)
        with pytest.raises((RuntimeError, NotImplementedError), match="not implemented"):
            g.sum().backward()


# ---- reductions by number -------------------------------------------------------------------------------------------

SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
CHANCES = arrays((4, 5), positive=True)[0]
PLAIN: list[Any] = [
    (lambda m, x, y, r: m.hinge_embedding_loss(x, y.sign(), 0.7, r), X, -X),
    (lambda m, x, y, r: m.kl_div(x, y, r), X, CHANCES), (lambda m, x, y, r: m.kl_div(x, y, r, log_target=True), X, -X),
    (lambda m, x, y, r: m.margin_ranking_loss(x, y, x.sign().detach(), 0.3, r), X, -X[::-1].copy()),
    (lambda m, x, y, r: m.poisson_nll_loss(x, y, True, True, 1e-8, r), X, CHANCES),
    (lambda m, x, y, r: m.triplet_margin_loss(x, y, x * y, 0.5, 2.0, 1e-6, True, r), X, CHANCES),
    (lambda m, x, y, r: m.cosine_embedding_loss(x, y, y.detach()[:, 0].sign(), 0.1, r), X, -X[::-1].copy()),
    (lambda m, x, y, r: m.binary_cross_entropy_with_logits(x, y.detach(), None, None, r), X, CHANCES / 2),
]


@pytest.mark.parametrize("case", range(len(PLAIN)))
@pytest.mark.parametrize("reduction", [0, 1, 2, 7])
@pytest.mark.filterwarnings("ignore")
def test_plain_functions(case: int, reduction: int) -> None:
    function, *items = PLAIN[case]
    compare(lambda library, x, y: function(library, x, y, reduction), *items)


N = "nn.functional"
ERRORS: list[Any] = [
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t, p=3)),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t, weight=x.detach())),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t, weight=x.detach()[0, :3])),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t, weight=x.detach()[0].float())),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t + 1)),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t[:2])),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x.reshape(1, 4, 5), t)),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x, t.double())),
    (lambda m, x, t, s: m.nn.functional.multi_margin_loss(x.long(), t)),
    (lambda m, x, t, s: m.nn.functional.multilabel_margin_loss(x, s + 2)),
    (lambda m, x, t, s: m.nn.functional.multilabel_margin_loss(x, s - 2)),
    (lambda m, x, t, s: m.nn.functional.multilabel_margin_loss(x, s[:2])),
    (lambda m, x, t, s: m.nn.functional.multilabel_margin_loss(x, s.double())),
    (lambda m, x, t, s: m.nn.functional.triplet_margin_with_distance_loss(x, x, x, margin=-1)),
    (lambda m, x, t, s: m.nn.functional.triplet_margin_with_distance_loss(x, x, x, reduction="a")),
    (lambda m, x, t, s: m.nn.functional.triplet_margin_with_distance_loss(x, x, x[0])),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x, m.ones(2, 5, 4).double())),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x[:2], m.ones(2, 5, 5).double())),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x, m.ones(5).double())),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x, m.ones(2, 5, 5).double(), m.ones(()).double())),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x[0], m.ones(2, 5, 5).double())),
    (lambda m, x, t, s: m.nn.functional.bilinear(x, x, m.ones(2, 5, 5).double(), m.ones(3).double())),
    (lambda m, x, t, s: m.cdist(x, x[:, :2])), (lambda m, x, t, s: m.cdist(x, x, -1)),
    (lambda m, x, t, s: m.cdist(x[0], x)), (lambda m, x, t, s: m.cdist(x, x.float())),
    (lambda m, x, t, s: m.cdist(x, x, compute_mode="a")), (lambda m, x, t, s: m.cdist(x.long(), x.long())),
    (lambda m, x, t, s: m.pdist(x[0])), (lambda m, x, t, s: m.pdist(x, -1)), (lambda m, x, t, s: m.pdist(x.long())),
    (lambda m, x, t, s: m.nn.functional.glu(x)), (lambda m, x, t, s: m.nn.functional.glu(x[0, 0])),
    (lambda m, x, t, s: m.nn.functional.glu(x, 3)), (lambda m, x, t, s: m.nn.functional.glu(x.long(), 0)),
]
CTC_ERRORS: list[Any] = [
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, (10, 7, 8), LENGTHS)),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, TIMES, (5, 2, 3))),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, TIMES[:2], LENGTHS)),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, TIMES, LENGTHS[:2])),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, TIMES, LENGTHS, blank=5)),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y[0], TIMES, LENGTHS)),
    (lambda m, x, y: m.nn.functional.ctc_loss(x.half(), y, TIMES, LENGTHS)),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, m.tensor([9.0, 7.0, 8.0]), m.tensor(LENGTHS))),
    (lambda m, x, y: m.nn.functional.ctc_loss(x, y, TIMES, LENGTHS, reduction="a")),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    same_error(ERRORS[case], X, CLASSES, SEVERAL)


@pytest.mark.parametrize("case", range(len(CTC_ERRORS)))
def test_ctc_errors(case: int) -> None:
    same_error(CTC_ERRORS[case], SCORES, PADDED)
