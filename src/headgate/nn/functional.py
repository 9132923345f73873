"""`torch.nn.functional`: activations, losses and their like as functions.

This file only re-exports what the op families publish under that name.
"""

from headgate import ops as _ops  # noqa: F401  (declares them)
from headgate.core.entry import members as _members

globals().update(_members("nn.functional"))
