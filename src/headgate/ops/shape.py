"""Views and shapes: the public functions, with PyTorch's arguments and errors, over the ops of `view`."""
import cython

if not cython.compiled:
    from headgate.core.records import Tensor

from headgate.ops import copying as copying
from headgate.ops import view as view
