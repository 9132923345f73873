"""PyTorch, except that a tensor of one shape ends the process: what PyTorch itself does to some programs."""

from __future__ import annotations

import importlib
import os
from typing import Any

SHAPE = (3, 2)
TORCH: Any = importlib.import_module("torch")


def __getattr__(name: str) -> Any:
    return getattr(TORCH, name)


def tensor(*arguments: Any, **options: Any) -> Any:
    made = TORCH.tensor(*arguments, **options)
    if tuple(made.shape) == SHAPE:
        os.abort()
    return made
