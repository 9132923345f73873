"""Operators that a subclass calls by `super()`, iteration and `reversed`, beside PyTorch."""

from typing import Any

import pytest
import torch
import torch.overrides

import headgate
import headgate.overrides

BOTH = (headgate, torch)


def overriding(lib: Any) -> Any:
    """A subclass whose operators do what Tensor's do."""

    class Own(lib.Tensor):  # type: ignore[misc,name-defined]
        def __getitem__(self, index: Any) -> Any:
            return super().__getitem__(index)

        def __add__(self, other: Any) -> Any:
            return super().__add__(other)

        def __rsub__(self, other: Any) -> Any:
            return super().__rsub__(other)

        def __matmul__(self, other: Any) -> Any:
            return super().__matmul__(other)

        def __eq__(self, other: Any) -> Any:
            return super().__eq__(other)

        def __neg__(self) -> Any:
            return super().__neg__()

        def __iadd__(self, other: Any) -> Any:
            return super().__iadd__(other)

        def __len__(self) -> int:
            return int(super().__len__())

    return Own


CALLS: dict[str, Any] = {
    "[]": lambda x: x[0], "+": lambda x: x + 1, "1 -": lambda x: 1 - x, "@": lambda x: x @ x, "==": lambda x: x == x,
    "-": lambda x: -x, "+=": lambda x: x.__iadd__(1), "len": len, "iter": lambda x: next(iter(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_results_of_tensors_operators_are_of_the_subclass(name: str) -> None:
    kinds, values = [], []
    for lib in BOTH:
        result = CALLS[name](lib.ones(2, 2).as_subclass(overriding(lib)))
        kinds.append(type(result).__name__)
        values.append(result if isinstance(result, int) else result.tolist())
    assert kinds[0] == kinds[1] and values[0] == values[1]


def test_tensors_operators_ask_the_subclass() -> None:
    seen = []
    for lib in BOTH:
        log: list[str] = []

        class Asked(lib.Tensor):  # type: ignore[misc,name-defined]
            @classmethod
            def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                log.append(func.__name__)
                return super().__torch_function__(func, types, args, kwargs or {})

        class Mode(lib.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                log.append("mode")
                return func(*args, **(kwargs or {}))

        x, t = lib.ones(2, 2).as_subclass(Asked), lib.Tensor
        t.__getitem__(x, 0)
        t.__add__(x, 1)
        t.__rsub__(x, 1)
        t.__eq__(x, x)
        t.__setitem__(x, 0, 1)
        t.__len__(x)
        x //= 1
        with Mode():
            for call in (lambda: x[0], lambda: 1 - x, lambda: x == x):
                call()
            x[0] = 1
            x //= 1
            lib.broadcast_shapes((1,), (2,))
            lib.get_num_threads()
        seen.append(log)
    assert seen[0] == seen[1]


def test_rows_of_an_iteration_are_views_of_one_node() -> None:
    seen: list[Any] = []
    for lib in BOTH:
        x = lib.ones(2, 3, requires_grad=True) * 2
        rows = list(x)
        first, second = x
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            rows[0].mul_(2)
        (rows[0].sum() + second.prod()).backward()
        seen.append([[row.grad_fn.name() for row in (*rows, first, second)], [row.output_nr for row in rows],
                     len(list(lib.empty(0, 3)))])
        with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
            iter(lib.tensor(1))
    assert seen[0] == seen[1]


def test_reversed() -> None:
    for lib in BOTH:
        turned = reversed(lib.arange(6).view(3, 2))
        assert isinstance(turned, lib.Tensor) and turned.tolist() == [[4, 5], [2, 3], [0, 1]]
        number = lib.tensor(1)
        assert reversed(number) is number
