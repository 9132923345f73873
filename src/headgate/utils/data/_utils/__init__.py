"""The parts of data loading behind `DataLoader`, under PyTorch's names.

This file only re-exports; `processes`, which needs multiprocessing, is imported when a loader has workers.
"""

from headgate.utils.data._utils import collate as collate
from headgate.utils.data._utils import fetch as fetch
from headgate.utils.data._utils import worker as worker
from headgate.utils.data._utils.failure import ExceptionWrapper as ExceptionWrapper
