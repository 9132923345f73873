"""The shape of a tensor: a tuple of Python ints that prints as PyTorch's and stays itself under slicing and adding.

Knows nothing of tensors.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from typing import Any, NoReturn

from headgate import errors

if os.environ.get("HEADGATE_PURE") == "1":

    class Sizes(tuple):
        """A tuple whose slices are of its own class."""

        __slots__ = ()

        def __getitem__(self, index: Any) -> Any:
            found = tuple.__getitem__(self, index)
            return tuple.__new__(type(self), found) if type(found) is tuple else found

else:
    from headgate.core._sizes import Sizes


class Size(Sizes):
    """A tensor's sizes, one int per dimension; equal to, and hashed as, the tuple of the same ints.

    ``Size(iterable)`` takes ints and what converts to one (bools, NumPy integers, one-element integer tensors);
    TypeError for other items. Slices, sums with tuples (either side) and multiples are Sizes. Cannot be subclassed.
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        if type(sizes) is Size:
            return sizes
        return tuple.__new__(cls, [_as_int(index, size) for index, size in enumerate(sizes)])

    def __init_subclass__(cls, **rest: Any) -> NoReturn:
        raise TypeError("type 'torch.Size' is not an acceptable base type")

    def numel(self) -> int:
        """The number of elements: the product of the sizes, 1 for no dimensions."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, tuple):
            raise TypeError(errors.SIZE_ADD.format(type=type(other).__name__))
        if type(other) is Size:
            return tuple.__new__(Size, tuple.__add__(self, other))
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: Any) -> Any:
        product = tuple.__mul__(self, count)
        return product if product is NotImplemented else tuple.__new__(Size, product)

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)


def _as_int(index: int, size: Any) -> int:
    if type(size) is int:
        return size
    try:
        return int(operator.index(size))
    except TypeError:
        raise TypeError(errors.SIZE_ITEM.format(index=index, type=type(size).__name__)) from None
