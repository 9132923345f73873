"""Headgate: an autograd tensor library in which the flow of gradients is controlled, checked and visible.

PyTorch's names over NumPy arrays, with a compiled core. This file only re-exports.
"""

from headgate import _pure

_pure.install()

from headgate import dtypes as dtypes  # noqa: E402
from headgate.core import entry as _entry  # noqa: E402
from headgate import ops as ops  # noqa: E402

globals().update({_name: _value for _name, _value in _entry.PUBLIC.items() if "." not in _name})
