"""Results written into a tensor that others see, or that is itself an operand, where it has another size: beside
PyTorch."""

from typing import Any

import pytest
import torch

import headgate

BOTH = (headgate, torch)

pytestmark = pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")


def test_a_smaller_result_lies_in_the_memory_that_was_given() -> None:
    for lib in BOTH:
        x = lib.arange(16.0).view(4, 4)
        view = x[1]
        lib.neg(lib.ones(2), out=view)
        assert x[1].tolist() == [-1, -1, 6, 7]
        assert view.tolist() == [-1, -1] and view.storage_offset() == 4 and view.data_ptr() == x[1].data_ptr()
        assert x.untyped_storage().nbytes() == 64


@pytest.mark.parametrize("grow", [lambda lib, y: lib.neg(lib.ones(20), out=y), lambda lib, y: y.resize_(20)])
def test_what_others_see_stays_theirs_when_a_view_grows(grow: Any) -> None:
    for lib in BOTH:
        x = lib.arange(16.0)
        grow(lib, x[10:])
        assert x.storage_offset() == 0 and x.tolist()[:10] == list(range(10))
        assert x.as_strided((4,), (1,)).tolist() == [0, 1, 2, 3]
        assert x.as_strided((2,), (3,), 1).tolist() == [1, 4]
        x.resize_(2)
        assert x.tolist() == [0, 1]


def test_a_lone_tensor_grows_in_its_storage() -> None:
    for lib in BOTH:
        x = lib.arange(3.0)
        x.resize_(5)
        assert x.untyped_storage().nbytes() == 20 and x.storage_offset() == 0 and x.tolist()[:3] == [0, 1, 2]


CALLS: dict[str, Any] = {
    "mul": lambda lib, x: lib.mul(x, lib.ones(2, 3), out=x), "eq": lambda lib, x: lib.eq(x, lib.ones(2, 3), out=x),
    "second": lambda lib, x: lib.sub(lib.ones(2, 3), x, out=x),
    "where": lambda lib, x: lib.where(lib.ones(2, 3) > 0, x, lib.ones(2, 3), out=x),
    "addcmul": lambda lib, x: lib.addcmul(x, x, lib.ones(2, 3), out=x),
    "empty": lambda lib, x: lib.add(x, lib.ones(0, 3), out=x),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_an_operand_is_not_resized(name: str) -> None:
    for lib in BOTH:
        x = lib.ones(3)
        with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape"):
            CALLS[name](lib, x)
        assert x.shape == (3,)


def test_an_index_into_nothing() -> None:
    for lib in BOTH:
        with pytest.raises(IndexError, match="index out of range in self"):
            lib.index_add(lib.zeros(0), 0, lib.tensor([0, 2]), lib.ones(2))


def test_shapes_that_do_not_fit() -> None:
    for lib in BOTH:
        with pytest.raises(RuntimeError, match="must match the size of tensor b"):
            lib.linalg.cross(lib.ones(2, 3), lib.ones(4, 3))
        with pytest.raises(IndexError):
            lib.linalg.tensorsolve(lib.tensor(1.0), lib.ones(6), dims=(0, 1))
