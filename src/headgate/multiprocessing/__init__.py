"""`torch.multiprocessing`: Python's multiprocessing, through which tensors can be sent, and `spawn`.

This file only re-exports, and lets queues and pipes send tensors in shared memory (`Tensor.share_memory_`) as what
they are. Others are copied, where PyTorch would move them into shared memory first.
"""

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403

from headgate.multiprocessing.sharing import get_all_sharing_strategies as get_all_sharing_strategies
from headgate.multiprocessing.sharing import get_sharing_strategy as get_sharing_strategy
from headgate.multiprocessing.sharing import set_sharing_strategy as set_sharing_strategy
from headgate.multiprocessing.spawn import ENV_VAR_PARALLEL_START as ENV_VAR_PARALLEL_START
from headgate.multiprocessing.spawn import ProcessContext as ProcessContext
from headgate.multiprocessing.spawn import ProcessExitedException as ProcessExitedException
from headgate.multiprocessing.spawn import ProcessRaisedException as ProcessRaisedException
from headgate.multiprocessing.spawn import SpawnContext as SpawnContext
from headgate.multiprocessing.spawn import spawn as spawn
from headgate.multiprocessing.spawn import start_processes as start_processes
from headgate.ops import shared as _shared

_shared.register()
__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy"]
__all__ += _multiprocessing.__all__  # type: ignore[attr-defined]
