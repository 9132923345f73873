"""How batches travel from a worker: a pickle without its arrays, which go beside it as they are.

Pickle's protocol 5 (PEP 574, 2018) names the buffers. Small ones follow the pickle over the connection. Large ones are
laid into a slot: a block of shared memory that the loader's side maps once, hands to the tensors without a copy, and
that is used again when these are gone. Slots are anonymous, so nothing can be left behind; fresh ones for every batch
would cost more in page faults than a copy does.
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import struct
import sys
import weakref
from multiprocessing import reduction
from typing import Any

import numpy as np

from headgate.core.records import Tensor
from headgate.ops.blocks import Block
from headgate.ops.pickling import reduce_in_place
from headgate.ops.shared import COWARDLY

SHARED_FROM = 1 << 16  # bytes; below, a copy through the connection costs less than the bookkeeping
SLOTS = 16  # at most, a worker; who keeps more batches gets copies
ALIGNED = 64  # bytes between starts of arrays; the first so many of a slot hold whether it is in use
INLINE, OLD_SLOT, NEW_SLOT = 0, 1, 2
HEAD = struct.Struct("<IIQQ")  # how the buffers come, the slot, its size, how many buffers


class _Pickler(pickle.Pickler):
    """Pickles with multiprocessing's own rules, tensors without a copy."""

    def __init__(self, stream: io.BytesIO, buffers: list[pickle.PickleBuffer]) -> None:
        super().__init__(stream, protocol=5, buffer_callback=buffers.append)
        self.dispatch_table = {**copyreg.dispatch_table, **vars(reduction.ForkingPickler)["_extra_reducers"]}

    def reducer_override(self, value: Any) -> Any:
        """What stands for a plain tensor; other values as usual. RuntimeError for one with history."""
        if not isinstance(value, Tensor):
            return NotImplemented
        sent: Any = value
        if sent.requires_grad and not sent.is_leaf:
            raise RuntimeError(COWARDLY)
        return reduce_in_place(value) if type(value) is Tensor else NotImplemented


def _room(size: int) -> int:
    """The bytes that a buffer takes in a slot."""
    return -(-size // ALIGNED) * ALIGNED


class Sender:
    """A worker's side: packs messages, into slots of its own where they are large."""

    def __init__(self) -> None:
        self.slots: list[tuple[Block, int]] = []

    def pack(self, message: Any) -> list[Any]:
        """What `send` sends for a message."""
        buffers: list[pickle.PickleBuffer] = []
        stream = io.BytesIO()
        _Pickler(stream, buffers).dump(message)
        raw = [one.raw() for one in buffers]
        sizes = [one.nbytes for one in raw]
        way, number, handle = self._slot_for(sum(map(_room, sizes)))
        size = self.slots[number][1] if way != INLINE else 0
        head = HEAD.pack(way, number, size, len(raw)) + struct.pack(f"<{len(raw)}Q", *sizes) + stream.getvalue()
        if way == INLINE:
            return [head, *[one for one in raw if one.nbytes]]
        place, memory = ALIGNED, self.slots[number][0]
        for one in raw:
            memory[place : place + one.nbytes] = one
            place += _room(one.nbytes)
        return [head] if handle is None else [head, handle]

    def _slot_for(self, size: int) -> tuple[int, int, Block | None]:
        """(how the buffers go, which slot, the slot if the other side does not know it yet). Marks the slot as in use.
        """
        if size < SHARED_FROM or sys.platform != "linux":
            return INLINE, 0, None
        for number, (block, room) in enumerate(self.slots):
            if room >= size + ALIGNED and not block[0]:
                block[0] = 1
                return OLD_SLOT, number, None
        if len(self.slots) >= SLOTS:
            return INLINE, 0, None
        room = 1 << (size + ALIGNED - 1).bit_length()
        block = Block.fresh(room)
        block[0] = 1
        self.slots.append((block, room))
        return NEW_SLOT, len(self.slots) - 1, block


def send(connection: Any, packed: list[Any]) -> None:
    """Send what was packed. OSError if nobody reads."""
    for part in packed:
        if isinstance(part, Block):
            reduction.send_handle(connection, part.descriptor, None)  # type: ignore[attr-defined]
            part.release()
        else:
            connection.send_bytes(part)


class _Lease:
    """A slot while arrays lie in it; when the last is gone, the worker may use it again."""

    def __init__(self, block: Block, size: int) -> None:
        self.block: Block | None = block
        _leases.add(self)
        address = np.frombuffer(block, np.uint8).__array_interface__["data"][0]
        self.__array_interface__ = {"data": (address, False), "shape": (size,), "typestr": "|u1", "version": 3}

    def __del__(self) -> None:
        if self.block is not None:
            self.block[0] = 0


_leases: weakref.WeakSet[_Lease] = weakref.WeakSet()


def _keep_all() -> None:
    """Before a fork: what the child then sees too is never used again."""
    for lease in list(_leases):
        lease.block = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_keep_all)


class Receiver:
    """The loader's side of one worker's connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.slots: list[Block] = []

    def receive(self) -> list[Any]:
        """The parts of the next message. EOFError or OSError when the other side is gone."""
        head = self.connection.recv_bytes()
        way, number, room, count = HEAD.unpack_from(head)
        start = HEAD.size + 8 * count
        sizes = struct.unpack_from(f"<{count}Q", head, HEAD.size)
        pickled = memoryview(head)[start:]
        if way == INLINE:
            return [pickled, *map(self._read, sizes)]
        if way == NEW_SLOT:
            handle = reduction.recv_handle(self.connection)  # type: ignore[attr-defined]
            self.slots.append(Block.over(handle, room).release())
        memory = np.asarray(_Lease(self.slots[number], room))
        parts: list[Any] = [pickled]
        place = ALIGNED
        for size in sizes:
            parts.append(memory[place : place + size])
            place += _room(size)
        return parts

    def _read(self, size: int) -> Any:
        memory = np.empty(size, np.uint8)
        if size:
            self.connection.recv_bytes_into(memory)
        return memory


def unpack(parts: list[Any]) -> Any:
    """The message that was received."""
    return pickle.loads(parts[0], buffers=parts[1:])
