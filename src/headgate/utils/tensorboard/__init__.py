"""`torch.utils.tensorboard`: event files for TensorBoard, written by tensorboardX (the extra `headgate[tensorboard]`).

This file only re-exports; without tensorboardX it raises ModuleNotFoundError, which says how to get it.
"""

from headgate.utils.tensorboard.writer import FileWriter as FileWriter
from headgate.utils.tensorboard.writer import SummaryWriter as SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
