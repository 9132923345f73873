"""Blocks of memory that processes share: anonymous, alive as long as some process holds them, never on disk by name.

Knows bytes and NumPy arrays over them; nothing of tensors.
"""

from __future__ import annotations

import mmap
import os
from typing import Any

import numpy as np

NO_BLOCKS = "memory cannot be shared between processes on this system"


class Block(mmap.mmap):
    """So many bytes of shared memory, zero at first, and the descriptor by which another process may open them."""

    descriptor = -1

    @classmethod
    def fresh(cls, size: int) -> Block:
        """New memory. RuntimeError where the system has none of this kind."""
        if not hasattr(os, "register_at_fork"):
            raise RuntimeError(NO_BLOCKS)
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("headgate", os.MFD_CLOEXEC)
        else:
            import tempfile

            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, max(size, 1))
        return cls.over(descriptor, size)

    @classmethod
    def over(cls, descriptor: int, size: int) -> Block:
        """The memory behind a descriptor, which the block owns from now on."""
        block = cls(descriptor, max(size, 1))
        block.descriptor = descriptor
        return block

    def bytes(self, size: int) -> Any:
        """The first `size` bytes as an array over the memory."""
        return np.frombuffer(self, np.uint8)[:size]

    def release(self) -> Block:
        """Let go of the descriptor, which is not needed to use the memory here; the block itself."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1
        return self

    def __del__(self) -> None:
        self.release()


def block_of(array: Any) -> Block | None:
    """The block that an array lies in; None if its memory is the process's own."""
    while array is not None and not isinstance(array, Block):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return array
