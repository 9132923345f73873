"""`torch.return_types`: the types of results with named fields, such as that of `sort`."""

from headgate import ops as _ops  # noqa: F401  (makes them)
from headgate.core.results import RETURN_TYPES as _RETURN_TYPES

globals().update(_RETURN_TYPES)
