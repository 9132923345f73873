"""vmap: a function of single values as a function of batches, called once for each slice.

Nothing here knows derivatives: slicing and stacking have them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.ops.random import get_rng_state, set_rng_state
from headgate.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

RANDOMNESS = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
    "randomness flags on vmap or perform the randomness operation out of vmap"
)


def name_of(func: Callable[..., Any]) -> str:
    """How texts name a function."""
    return getattr(func, "__name__", None) or repr(func)


def spread(dims: Any, spec: TreeSpec) -> list[Any] | None:
    """A number, None, or containers of such, for each leaf of a structure that they may be short for; None if not."""
    if dims is None or isinstance(dims, int) and not isinstance(dims, bool):
        return [dims] * spec.num_leaves
    _, given = tree_flatten(dims)
    if spec.is_leaf() or given.is_leaf() or given.type is not spec.type or given.context != spec.context:
        return None
    parts = list(dims.values()) if isinstance(dims, dict) else list(dims)
    if len(parts) != len(spec.children_specs):
        return None
    found = [spread(part, child) for part, child in zip(parts, spec.children_specs)]
    return None if any(one is None for one in found) else [leaf for one in found for leaf in one or ()]


def placed(func: Callable[..., Any], in_dims: Any, leaves: list[Any], spec: TreeSpec) -> list[Any]:
    """The dim of each argument that is mapped, from the front, None for those that are not. ValueError for others."""
    where = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(f"{where}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
                         f"structure of inputs, got: {type(in_dims)}.")
    if spec.num_leaves == 0:
        raise ValueError(f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
                         "trying to vmap over a function with no inputs. The latter is unsupported.")
    dims = spread(in_dims, spec)
    if dims is None:
        raise ValueError(f"{where}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
                         f"{tree_flatten(in_dims)[1]} but inputs has structure {spec}.")
    for place, (dim, x) in enumerate(zip(dims, leaves)):
        if dim is None:
            continue
        if not isinstance(x, Tensor):
            raise ValueError(f"{where}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot "
                             "vmap over non-Tensor arguments, please use None as the respective in_dim")
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(f"{where}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
                             f"{x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}.")
        dims[place] = dim % x.ndim
    return dims


def size_of(dims: list[Any], leaves: list[Any]) -> int:
    """The common length of the mapped dims. ValueError where there is none."""
    sizes = [int(x.shape[dim]) for dim, x in zip(dims, leaves) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                         f"{sizes} for the mapped dimension")
    return sizes[0]


def joined(func: Callable[..., Any], results: list[Any], out_dims: Any) -> Any:
    """The results of the slices, stacked. ValueError for what is no tensor, and out_dims that do not fit."""
    name = name_of(func)
    flat = [tree_flatten(one) for one in results]
    spec = flat[0][1]
    dims = spread(out_dims, spec)
    if dims is None and isinstance(out_dims, tuple) and len(out_dims) == 1 and spec.is_leaf():
        dims = [out_dims[0]]
    if dims is None:
        raise ValueError(f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the "
                         f"structure of `outputs`. out_dims has structure {tree_flatten(out_dims)[1]} but outputs has "
                         f"structure {spec}.")
    found = []
    for column, dim in zip(zip(*[leaves for leaves, _ in flat]), dims):
        if dim is None:
            found.append(column[0])
            continue
        for y in column:
            if not isinstance(y, Tensor):
                raise ValueError(f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. Did you "
                                 "mean to set out_dims= to None for output?")
        found.append(PUBLIC["stack"](list(column), dim))
    return tree_unflatten(found, spec)


class Draws:
    """What random numbers do from slice to slice: refused, the same for all, or going on."""

    def __init__(self, randomness: str) -> None:
        self.kind = randomness
        self.start = None if randomness == "different" else get_rng_state()

    def next_slice(self) -> None:
        """Before a slice."""
        if self.kind == "same":
            set_rng_state(self.start)

    def end(self) -> None:
        """After the last. RuntimeError where numbers were drawn and must not be; they are put back."""
        if self.kind == "error" and not bool((get_rng_state() == self.start).all()):
            set_rng_state(self.start)
            raise RuntimeError(RANDOMNESS)


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps `func` over a dim of its arguments: it sees slices, and its results are stacked.

    in_dims: which dim of each argument (None: the whole of it for every slice), a number for all or a tuple, nested as
    the arguments are; keywords are not mapped. out_dims: where the mapped dim is put in results. randomness: "error"
    (random numbers are refused), "same" for every slice, "different". May be nested with itself and with derivatives.

    Differs from PyTorch: the function is called for one slice after the other, so nothing is gained in speed, and
    what depends on values (`item()`, `if`) is allowed. `chunk_size` has no effect.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = tree_flatten(args)
        dims = placed(func, in_dims, leaves, spec)
        count = size_of(dims, leaves)
        results = []
        draws = Draws(randomness)
        for number in range(count):
            draws.next_slice()
            part = [x if dim is None else x.select(dim, number) for x, dim in zip(leaves, dims)]
            results.append(func(*tree_unflatten(part, spec), **kwargs))
        draws.end()
        if not results:
            raise RuntimeError("vmap: a mapped dim of length 0 has no slice that says what the results look like")
        return joined(func, results, out_dims)

    return wrapped
