"""`torch.utils`: what training scripts use beside networks, of which data loading is here.

This file only re-exports.
"""

from headgate.utils import data as data
