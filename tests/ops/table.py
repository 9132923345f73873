"""What the table test needs: inputs for a declared op on both libraries, and how results are compared.

Inputs come from the op's own samples, or are drawn from its domain. Every tensor is made once as an array and given to
Headgate and to PyTorch in the same layout.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import headgate
from headgate.core.declare import REGISTRY, Declared

FLOATS = ("float64", "float32", "float16", "bfloat16")
OTHERS = ("int64", "uint8", "bool")


def names() -> list[str]:
    """Every declared op."""
    return sorted(REGISTRY)


class Maker:
    """Makes the tensors of one sample call: seeded by the op's name, in one type and layout."""

    def __init__(self, declared: Declared, dtype: str, layout: str, seed: int = 0) -> None:
        self.random = np.random.default_rng(zlib.crc32(declared.name.encode()) + seed)
        self.domain = declared.domain
        self.dtype, self.layout = dtype, layout

    def array(self, shape: tuple[int, ...], low: float, high: float, dtype: str) -> np.ndarray[Any, Any]:
        """Values in [low, high): away from the integers for floats, so that kinks are not hit."""
        if dtype == "bool":
            return self.random.integers(0, 2, shape).astype(bool)
        if "int" in dtype:
            low, high = max(np.ceil(low), 0 if dtype == "uint8" else -100), max(np.floor(high), np.ceil(low) + 1)
            return self.random.integers(int(low), int(high) + 1, shape).astype(dtype)
        values = self.random.uniform(low, high, shape)
        near = np.abs(values - np.rint(values)) < 0.02
        kind = "float32" if dtype == "bfloat16" else dtype  # NumPy has no bfloat16
        return np.asarray(np.where(near, values + 0.03 * (1 if low >= 0 else -1), values)).astype(kind)

    def __call__(
        self, *shape: int, low: float | None = None, high: float | None = None, dtype: str | None = None
    ) -> Any:
        low = self.domain[0] if low is None else low
        high = self.domain[1] if high is None else high
        kind = str(dtype).removeprefix("torch.") if dtype is not None else self.dtype
        made = headgate.from_numpy(laid_out(self.array(shape, low, high, kind), self.layout))
        return made.bfloat16() if kind == "bfloat16" else made


def laid_out(array: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    """The same values contiguous, with reversed strides, or as every second element of a larger array."""
    if layout == "transposed" and array.ndim > 1:
        return np.ascontiguousarray(array.T).T
    if layout == "strided" and array.ndim:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    return array


def sample_calls(declared: Declared, make: Maker) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """(args, kwargs) for an op: its own samples, or one or two tensors in several shapes."""
    if declared.samples is not None:
        return list(declared.samples(make))
    shapes: Iterator[tuple[tuple[int, ...], ...]]
    if declared.arity == 2:
        shapes = iter([((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2, 3)), ((0, 3), (1, 3))])
    else:
        shapes = iter([((3, 4),), ((5,),), ((),), ((2, 0),)])
    return [(tuple(make(*shape) for shape in row), {}) for row in shapes]


def to_torch(value: Any) -> Any:
    """The same arguments for PyTorch, sharing nothing, in the same layout."""
    if isinstance(value, headgate.Tensor):
        array = array_of(value)
        copy = torch.empty_strided(array.shape, value.stride(),
                                   dtype=getattr(torch, str(value.dtype).removeprefix("torch.")))
        return copy.copy_(torch.from_numpy(np.array(array))).requires_grad_(value.requires_grad)
    if isinstance(value, headgate.dtypes.dtype):
        return getattr(torch, value.name)
    if isinstance(value, (list, tuple)):
        items = [to_torch(item) for item in value]
        return type(value)(items) if type(value) in (list, tuple) else tuple(items)
    if isinstance(value, dict):
        return {key: to_torch(item) for key, item in value.items()}
    return value


def torch_function(declared: Declared) -> Callable[..., Any] | None:
    """What the op is compared with: its reference, or PyTorch's function (or method) of the same name."""
    if declared.reference is not None:
        return declared.reference  # type: ignore[no-any-return]
    found: Any = torch
    for part in declared.name.split("."):
        found = getattr(found, part, None)
    return found if found is not None else getattr(torch.Tensor, declared.name, None)


def tensors_in(value: Any, kind: type) -> list[Any]:
    """The tensors among nested arguments or results, in order."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_in(item, kind)]
    return []


def array_of(value: Any) -> np.ndarray[Any, Any]:
    """A tensor of either library as an array; of float32 for bfloat16, which NumPy does not have."""
    if str(value.dtype) == "torch.bfloat16":
        value = value.float()
    return np.asarray(value.detach().numpy(force=True))  # PyTorch's gradients may be symbolic zeros


def count(value: Any) -> int:
    """The number of elements."""
    return int(np.prod(tuple(value.shape)))


TOLERANCE = {"float64": (1e-9, 1e-11), "float32": (3e-5, 2e-6), "float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}


def assert_same(mine: Any, theirs: Any, what: str, loose: float = 0.0) -> None:
    """Same number of tensors, shapes, types and values (within the type's tolerance, or `loose`; NaN equal)."""
    ours, others = tensors_in(mine, headgate.Tensor), tensors_in(theirs, torch.Tensor)
    assert len(ours) == len(others), f"{what}: {len(ours)} results, PyTorch {len(others)}"
    if not ours:
        assert mine == theirs or (mine != mine and theirs != theirs), f"{what}: {mine!r}, PyTorch {theirs!r}"
    for index, (x, y) in enumerate(zip(ours, others)):
        label = f"{what} [{index}]"
        assert tuple(x.shape) == tuple(y.shape), f"{label}: shape {tuple(x.shape)}, PyTorch {tuple(y.shape)}"
        assert x.dtype.name == str(y.dtype).removeprefix("torch."), f"{label}: {x.dtype}, PyTorch {y.dtype}"
        relative, absolute = TOLERANCE.get(x.dtype.name, (0, 0))
        np.testing.assert_allclose(array_of(x), array_of(y), rtol=max(relative, loose), atol=absolute, err_msg=label)


def outcome(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """(result, None) or (None, error)."""
    try:
        return call(), None
    except Exception as error:
        return None, error
