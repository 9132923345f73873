"""What autocast lists without being in the table of operations, beside PyTorch: a call of each, in every mixture of
types. A name that is listed and neither declared nor called here fails."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import headgate
from headgate.amp import lists
from headgate.core.declare import REGISTRY
from headgate.core.entry import PUBLIC

BOTH = (headgate, torch)
LISTED = [
    *lists.NARROW, *lists.NARROW_IF_ALIKE, *lists.NARROW_RESULT, *lists.STATES, *lists.WIDE, *lists.WIDEST,
    *lists.ALONE,
]  # fmt: skip


def matrix(lib: Any) -> Any:
    return lib.tensor([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])


def waves(lib: Any, *shape: int) -> Any:
    count = 1
    for size in shape:
        count *= size
    return (lib.arange(count).float() * 0.37).sin().reshape(shape)


def pooled(lib: Any, dims: int) -> Any:
    pool = getattr(lib.nn.functional, f"max_pool{dims}d")
    return (*pool(waves(lib, 1, 1, *(4,) * dims), 2, return_indices=True), 2)


def recurrent(lib: Any, gates: int, cells: bool) -> Any:
    states = (waves(lib, 1, 2, 5), waves(lib, 1, 2, 5)) if cells else waves(lib, 1, 2, 5)
    weights = [waves(lib, gates * 5, 4), waves(lib, gates * 5, 5), waves(lib, gates * 5), waves(lib, gates * 5)]
    return (waves(lib, 3, 2, 4), states, weights, True, 1, 0.0, False, False, False)


ONE_MATRIX = """cholesky linalg.cholesky linalg.cholesky_ex linalg.svd svd linalg.eigh linalg.eigvalsh linalg.qr qr
    linalg.matrix_rank linalg.inv_ex pinverse cholesky_inverse linalg.cond linalg.svdvals linalg.inv inverse
    linalg.matrix_exp linalg.det linalg.slogdet linalg.lu_factor trace""".split()
CALLS: dict[str, Callable[[Any], Any]] = {
    **{name: lambda lib: (matrix(lib),) for name in ONE_MATRIX},
    "linalg.lstsq": lambda lib: (matrix(lib), matrix(lib)), "cdist": lambda lib: (matrix(lib), matrix(lib)),
    "cholesky_solve": lambda lib: (matrix(lib), matrix(lib).tril()),
    "lu_solve": lambda lib: (matrix(lib), *lib.linalg.lu_factor(matrix(lib))),
    "linalg.lu_solve": lambda lib: (*lib.linalg.lu_factor(matrix(lib)), matrix(lib)),
    "linalg.solve_ex": lambda lib: (matrix(lib), matrix(lib)),
    "linalg.tensorinv": lambda lib: (matrix(lib).reshape(3, 3), 1),
    "bilinear": lambda lib: (matrix(lib), matrix(lib), waves(lib, 2, 3, 3), None),
    "nn.functional.bilinear": lambda lib: (matrix(lib), matrix(lib), waves(lib, 2, 3, 3)),
    "concat": lambda lib: ([matrix(lib), matrix(lib)],), "concatenate": lambda lib: ([matrix(lib), matrix(lib)],),
    "row_stack": lambda lib: ([matrix(lib), matrix(lib)],), "mv": lambda lib: (matrix(lib), matrix(lib)[0]),
    "tensordot": lambda lib: (matrix(lib), matrix(lib)), "dot": lambda lib: (matrix(lib)[0], matrix(lib)[1]),
    "nn.functional.grid_sample":
        lambda lib: (waves(lib, 1, 2, 4, 4), waves(lib, 1, 3, 3, 2), "bilinear", "zeros", True),
    "grid_sampler": lambda lib: (waves(lib, 1, 2, 4, 4), waves(lib, 1, 3, 3, 2), 0, 0, True),
    **{f"nn.functional.max_unpool{dims}d": lambda lib, dims=dims: pooled(lib, dims) for dims in (1, 2, 3)},
    "nn.functional.max_pool3d_with_indices": lambda lib: (waves(lib, 1, 1, 4, 4, 4), 2),
    "max_pool3d": lambda lib: (waves(lib, 1, 1, 4, 4, 4), 2),
    "nn.functional.adaptive_max_pool3d_with_indices": lambda lib: (waves(lib, 1, 1, 4, 4, 4), 2),
    **{f"nn.functional.fractional_max_pool{dims}d{more}": lambda lib, dims=dims: (waves(lib, 1, 2, *(6,) * dims), 2, 3)
       for dims in (2, 3) for more in ("", "_with_indices")},
    "nn.functional.multi_margin_loss": lambda lib: (matrix(lib), lib.tensor([0, 1, 2])),
    "nn.functional.multilabel_margin_loss": lambda lib: (matrix(lib), lib.tensor([[0, 1, -1]] * 3)),
    "binary_cross_entropy_with_logits": lambda lib: (matrix(lib), matrix(lib)),
    "cosine_embedding_loss": lambda lib: (matrix(lib), matrix(lib), lib.ones(3)),
    "hinge_embedding_loss": lambda lib: (matrix(lib), lib.ones(3, 3)),
    "poisson_nll_loss": lambda lib: (matrix(lib), matrix(lib), True, False, 1e-8, 1),
    "margin_ranking_loss": lambda lib: (matrix(lib), matrix(lib), lib.ones(3, 3)),
    "triplet_margin_loss": lambda lib: (matrix(lib), matrix(lib) + 1, matrix(lib) - 1),
    "nn.functional.margin_ranking_loss": lambda lib: (matrix(lib), matrix(lib), lib.ones(3, 3)),
    "kl_div": lambda lib: (matrix(lib), matrix(lib)),
    **{name: lambda lib: (waves(lib, 5, 1, 4).log_softmax(-1), lib.tensor([[1, 2]]), lib.tensor([5]), lib.tensor([2]))
       for name in ("ctc_loss", "nn.functional.ctc_loss")},
    "lstm_cell": lambda lib: (matrix(lib)[:, :2], (matrix(lib), matrix(lib)), waves(lib, 12, 2), waves(lib, 12, 3)),
    "nn.functional.max_pool3d": lambda lib: (waves(lib, 1, 1, 4, 4, 4), 2, None, 0, 1, False, True),
    "lstm": lambda lib: recurrent(lib, 4, True), "gru": lambda lib: recurrent(lib, 3, False),
    "rnn_tanh": lambda lib: recurrent(lib, 1, False), "rnn_relu": lambda lib: recurrent(lib, 1, False),
}  # fmt: skip
# States of float16 under autocast for bfloat16: PyTorch's mixture of the two becomes float32.
KNOWN = {("lstm", "float16")}
PASSES = ("autograd.backward", "autograd.grad", "Tensor.backward")  # which give no result to look at


def test_every_listed_name_is_public_and_looked_at() -> None:
    assert not [name for name in LISTED if name not in PUBLIC]
    assert not [name for name in LISTED if name not in REGISTRY and name not in CALLS and name not in PASSES]
    assert len(LISTED) == len(set(LISTED))


def cast(value: Any, lib: Any, kind: str, places: list[int]) -> Any:
    """Arguments with their floats in one type, or the first of them narrow."""
    if isinstance(value, lib.Tensor) and value.dtype is lib.float32:
        places[0] += 1
        return value.to(getattr(lib, kind if kind != "first" else "bfloat16" if places[0] == 1 else "float32"))
    if type(value) in (list, tuple):
        return type(value)(cast(one, lib, kind, places) for one in value)
    return value


def kinds(value: Any, lib: Any) -> list[str]:
    if isinstance(value, lib.Tensor):
        return [str(value.dtype)]
    return [kind for one in value for kind in kinds(one, lib)] if isinstance(value, (list, tuple)) else []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "float16", "first"])
@pytest.mark.parametrize("name", [name for name in CALLS if name in PUBLIC])
def test_types_of_results(name: str, kind: str) -> None:
    if (name, kind) in KNOWN:
        pytest.skip("known to differ")
    found: list[Any] = []
    for lib in BOTH:
        function: Any = lib
        for part in name.split("."):
            function = getattr(function, part)
        args = cast(CALLS[name](lib), lib, kind, [0])
        try:
            with lib.autocast("cpu"):
                found.append(kinds(function(*args), lib))
        except Exception as error:
            found.append(error)
    if isinstance(found[1], Exception):
        if "prioritize" in str(found[1]) and name not in lists.WIDEST:
            return  # made of `cat` there
        assert isinstance(found[0], type(found[1])) or "not implemented for" in str(found[1]), found
    else:
        assert found[0] == found[1]
