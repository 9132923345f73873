"""Dimension arguments, checked and made non-negative with PyTorch's errors. Knows numbers only."""
import cython

from headgate import errors


def wrap_dim(dim: object, count: cython.int) -> cython.int:
    """`dim` counted from the front; a zero-dimensional tensor accepts 0 and -1. IndexError outside."""
    n: cython.int = count if count > 0 else 1
    if not isinstance(dim, int):
        dim = dim.__index__()
    if dim < -n or dim >= n:
        raise IndexError(errors.DIM.format(low=-n, high=n - 1, dim=dim))
    return dim + n if dim < 0 else dim


def axes_of(dim: object, count: cython.int) -> object:
    """The dims of a reduction as a tuple of axes; None for all of them. RuntimeError for one given twice."""
    axes: list
    if dim is None:
        return None
    if not isinstance(dim, (tuple, list)):
        return (wrap_dim(dim, count),) if count > 0 or wrap_dim(dim, count) < 0 else None
    if len(dim) == 0 or count == 0:
        for one in dim:
            wrap_dim(one, count)
        if len(dim) > 1:
            raise RuntimeError(errors.DIM_TWICE.format(dim=0))  # a number has one dim, as far as reductions go
        return None
    axes = [wrap_dim(one, count) for one in dim]
    if len(set(axes)) != len(axes):
        raise RuntimeError(errors.DIM_TWICE.format(dim=max(axes, key=axes.count)))
    return tuple(axes)
