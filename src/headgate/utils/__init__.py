"""`torch.utils`: what training scripts use beside networks.

This file only re-exports.
"""

from headgate.utils import checkpoint as checkpoint
from headgate.utils import data as data
from headgate.utils import dlpack as dlpack
