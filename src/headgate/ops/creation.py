"""Making tensors from values."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import wrap
    from headgate.core.records import Tensor

from headgate import dtypes
from headgate.core.entry import publish


def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False):
    """A new leaf tensor with a copy of `data` (numbers, nested sequences, arrays, tensors)."""
    kind = None if dtype is None else dtype.numpy
    array = np.array(cython.cast(Tensor, data)._array if isinstance(data, Tensor) else data, kind)
    if dtype is None and array.dtype.kind == "f" and not isinstance(data, (np.ndarray, np.generic, Tensor)):
        array = array.astype(dtypes.default_dtype().numpy)
    t: Tensor = wrap(array)
    t.requires_grad = requires_grad
    return t


publish("tensor", tensor)
