"""SparseAdam: a clear error, since Headgate has no sparse tensors. It knows nothing else."""

from __future__ import annotations

from typing import Any


class SparseAdam:
    """Not available: it needs sparse gradients, which Headgate does not have. RuntimeError when made."""

    def __init__(self, params: Any, lr: Any = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8,
                 maximize: bool = False) -> None:
        raise RuntimeError("SparseAdam needs sparse gradients, and Headgate has no sparse tensors; use Adam instead")
