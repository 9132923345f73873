"""Tensors in memory that processes share: `share_memory_`, `is_shared`, and how such a tensor is sent to another one.

The memory moves once, for the tensor that asks; a tensor whose memory others see too is refused, since they would keep
the old one. Knows nothing of queues or workers.
"""
from typing import Any

import cython

if not cython.compiled:
    from headgate.core.apply import requires, wrap
    from headgate.core.arrays import count_of, low_address
    from headgate.core.records import Tensor
    from headgate.core.surface import bare, take_over
    from headgate.ops.arguments import given
    from headgate.ops.storage import bytes_of, seen

from headgate import dtypes
from headgate.core.declare import install_method
from headgate.core.surface import attributes
from headgate.ops.blocks import Block, block_of
from headgate.ops.pickling import reduce_ex
from headgate.ops.storage import ALONE, holders

ALIASED = (
    "share_memory_: other tensors (views, detached aliases, saved values) see this memory and would keep the old one; "
    "call it before they are made"
)
COWARDLY = (
    "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing "
    "process boundaries.  If you just want to transfer the data, call detach() on the tensor before serializing "
    "(e.g., putting it on the queue)."
)
_registered = False


def register() -> None:
    """Let multiprocessing send shared tensors as what they are; others are copied as before."""
    global _registered
    if not _registered:
        from multiprocessing.reduction import ForkingPickler

        ForkingPickler.register(Tensor, reduce_shared)
        _registered = True


def is_shared(self: object) -> object:
    """Whether the memory is shared with other processes."""
    x: Tensor = given(self, "is_shared")
    return block_of(x._storage.memory) is not None


def share_memory_(self: object) -> object:
    """Move the tensor's storage into memory that processes share: a forked child, or one it is sent to, sees writes.

    RuntimeError if other tensors see the storage (PyTorch moves them along). Nothing if it is shared already.
    """
    x: Tensor = given(self, "share_memory_")
    register()
    if block_of(x._storage.memory) is not None:
        return self
    if holders(x) > ALONE:
        raise RuntimeError(ALIASED)
    old: object = bytes_of(x._storage.memory)
    fresh = Block.fresh(len(old)).bytes(len(old))
    fresh[:] = old
    place(x, fresh, offset_of(x))
    x._storage.foreign = False
    return self


def offset_of(x: Tensor) -> object:
    """The tensor's first element in its storage."""
    if count_of(x._array) == 0:
        return 0
    return (low_address(x._array) - low_address(x._storage.memory)) // cython.cast(object, x._array).itemsize


def place(x: Tensor, memory: object, offset: object) -> None:
    """Let a tensor, and its storage, lie in other memory of the same bytes."""
    array: object = x._array
    kind = dtypes.of(x._array)
    steps = tuple([step // kind.itemsize for step in array.strides])
    if len(memory) % kind.itemsize == 0:
        memory = memory.view(kind.numpy)
    x._storage.memory = memory
    x._array = seen(x._storage, kind, offset, tuple(array.shape), steps)


def reduce_shared(self: object) -> object:
    """What multiprocessing's pickles hold for a tensor: a descriptor of its block, or a copy if it is not shared."""
    x: Tensor = given(self, "__reduce__")
    if requires(x) and not self.is_leaf:
        raise RuntimeError(COWARDLY)
    block = block_of(x._storage.memory)
    if block is None:
        return reduce_ex(self, 5)
    from multiprocessing.reduction import DupFd

    array: object = x._array
    kind = dtypes.of(x._array)
    steps = tuple([step // kind.itemsize for step in array.strides])
    size = len(bytes_of(x._storage.memory))
    place_in_block = kind.name, tuple(array.shape), steps, offset_of(x)
    return rebuild_shared, (DupFd(block.descriptor), size, place_in_block, requires(x), attributes(self) or None)


def rebuild_shared(sent: Any, size: object, place_in_block: tuple, requires_grad: object, state: object) -> object:
    """A tensor over the block that another process sent."""
    register()
    name, shape, steps, offset = place_in_block
    kind = dtypes.by_name(name)
    x: Tensor = bare(Tensor)
    memory = Block.over(sent.detach(), size).bytes(size)
    take_over(x, wrap(memory.view(kind.numpy) if size % kind.itemsize == 0 else memory))
    x._array = seen(x._storage, kind, offset, shape, steps)
    x._wants = bool(requires_grad)
    if state:
        vars(x).update(state)
    return x


install_method("is_shared", is_shared)
install_method("share_memory_", share_memory_)
