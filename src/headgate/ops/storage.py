"""The memory behind tensors as users may see it: storages, and the methods that give a tensor other memory.

`set_` and `resize_` count as writes. What differs from PyTorch: a storage that grows is a new block, which other
tensors over the old one do not see.
"""
import sys
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import first_requiring, record, requires, wrap
    from headgate.core.arrays import count_of, high_address, low_address, make_view, set_meta, shape_of
    from headgate.core.inplace import adopt
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.storage import Storage, Version
    from headgate.core.views import MOVED
    from headgate.core.writes import check_writable, note_write
    from headgate.ops.arguments import given

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import install_method, overload
from headgate.core.device import CPU
from headgate.core.entry import PUBLIC, publish
from headgate.core.inplace import set_resized
from headgate.core.options import kind_of, sizes_of
from headgate.ops.blocks import block_of

DEPRECATED = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. "
    "This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
    "tensor.untyped_storage() instead of tensor.storage()"
)
NOT_SHARED = "a storage alone cannot be moved to shared memory; call share_memory_() on the tensor that it is of"


class _Memory:
    """Any object that NumPy reads memory from, with its owner."""

    def __init__(self, interface: dict, owner: object) -> None:
        self.__array_interface__ = interface
        self.owner = owner


def bytes_of(memory: ndarray) -> object:
    """All bytes that an array can touch, as a flat array of uint8 over the same memory."""
    count = high_address(memory) - low_address(memory) if count_of(memory) else 0
    if count == 0:
        return np.empty(0, np.uint8)
    read_only = not cython.cast(object, memory).flags.writeable
    interface = {"data": (low_address(memory), read_only), "shape": (count,), "typestr": "|u1", "version": 3}
    return np.asarray(_Memory(interface, memory))


class UntypedStorage:
    """A block of bytes. Of a tensor: the memory that it and its views share, alive as long as one of them is."""

    is_cuda = is_sparse = is_hpu = False
    device = CPU

    def __init__(self, *args: object, device: object = None) -> None:
        given = args[0] if args else 0
        if isinstance(given, (int, np.integer)):
            memory = np.zeros(given, np.uint8)
        else:
            memory = np.array(given, np.uint8)
        self._owner = new_owner(memory)

    def _bytes(self) -> object:
        return bytes_of(memory_of(self._owner))

    def nbytes(self) -> int:
        """The number of bytes."""
        return len(self._bytes())

    def __len__(self) -> int:
        return len(self._bytes())

    def size(self) -> int:
        """The number of bytes."""
        return len(self._bytes())

    def element_size(self) -> int:
        """1: elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """The address of the first byte; 0 if there is none."""
        found = self._bytes()
        return found.ctypes.data if len(found) else 0

    _cdata = property(data_ptr)

    def __getitem__(self, index: object) -> object:
        if isinstance(index, slice):
            return storage_over(self._bytes()[index])
        return int(self._bytes()[index])

    def __setitem__(self, index: object, value: object) -> None:
        self._bytes()[index] = value
        note_storage_write(self._owner)

    def __iter__(self) -> object:
        return iter(self._bytes().tolist())

    def tolist(self) -> list:
        """The bytes as a list of numbers."""
        return self._bytes().tolist()

    def fill_(self, value: object) -> object:
        """Set every byte."""
        self[:] = value
        return self

    def copy_(self, source: object, non_blocking: object = None) -> object:
        """Copy another storage's bytes, of the same number."""
        self[:] = source._bytes()
        return self

    def clone(self) -> object:
        """A copy."""
        return storage_over(self._bytes().copy())

    def resize_(self, size: int) -> None:
        """Change the number of bytes; what is there is kept. Tensors over this storage keep the block they had."""
        old = self._bytes()
        fresh = np.zeros(size, np.uint8)
        fresh[: len(old)] = old[:size]
        set_memory(self._owner, fresh)

    def cpu(self) -> object:
        """The storage itself."""
        return self

    def is_shared(self) -> bool:
        """Whether the memory is shared with other processes."""
        return block_of(memory_of(self._owner)) is not None

    def share_memory_(self) -> object:
        """The storage itself if it is shared; else RuntimeError, for its tensors would keep the memory they have."""
        if not self.is_shared():
            raise RuntimeError(NOT_SHARED)
        return self

    def untyped(self) -> object:
        """The storage itself."""
        return self

    def __repr__(self) -> str:
        body = "\n".join([f" {value}" for value in self.tolist()])
        return f"{body}\n[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"

    def __reduce__(self) -> object:
        return storage_over, (self._bytes().copy(),)


def new_owner(memory: object) -> Storage:
    """A storage of the core over an array's memory."""
    s: Storage = Storage.__new__(Storage)
    s.memory = memory
    return s


def memory_of(owner: Storage) -> object:
    """The array that a storage of the core holds."""
    return owner.memory


def set_memory(owner: Storage, memory: object) -> None:
    """Give a storage of the core other memory."""
    owner.memory = memory
    owner.writes += 1


def note_storage_write(owner: Storage) -> None:
    """Count a write that went through the storage itself."""
    x: Tensor = Tensor.__new__(Tensor)
    x._array = owner.memory
    x._storage = owner
    x._counter = Version.__new__(Version)
    note_write(x, "storage")


def storage_over(array: object) -> UntypedStorage:
    """A storage over an array's memory."""
    made = UntypedStorage.__new__(UntypedStorage)
    made._owner = new_owner(array)
    return made


class TypedStorage:
    """A storage seen as elements of one type. Deprecated in PyTorch; use `untyped_storage()`."""

    is_cuda = is_sparse = False
    device = CPU

    def __init__(self, *args: object, wrap_storage: object = None, dtype: object = None, device: object = None,
                 _internal: bool = False) -> None:
        if not _internal:
            warnings.warn(DEPRECATED, UserWarning, stacklevel=2)
        self.dtype = kind_of(dtype, "TypedStorage")
        if wrap_storage is not None:
            self._untyped = wrap_storage
        elif args and not isinstance(args[0], (int, np.integer)):
            self._untyped = storage_over(np.array(args[0], self.dtype.numpy))
        else:
            self._untyped = storage_over(np.zeros(args[0] if args else 0, self.dtype.numpy))

    def _values(self) -> object:
        return self._untyped._bytes().view(self.dtype.numpy)

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped

    def size(self) -> int:
        """The number of elements."""
        return len(self._untyped) // self.dtype.itemsize

    __len__ = size

    def nbytes(self) -> int:
        """The number of bytes."""
        return len(self._untyped)

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._untyped.data_ptr()

    _cdata = property(data_ptr)

    def __getitem__(self, index: object) -> object:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._values()[index].item()

    def __setitem__(self, index: object, value: object) -> None:
        self._values()[index] = value
        note_storage_write(self._untyped._owner)

    def __iter__(self) -> object:
        return iter(self.tolist())

    def tolist(self) -> list:
        """The elements as a list of numbers."""
        return self._values().tolist()

    def fill_(self, value: object) -> object:
        """Set every element."""
        self[:] = value
        return self

    def clone(self) -> object:
        """A copy."""
        return TypedStorage(wrap_storage=self._untyped.clone(), dtype=self.dtype, _internal=True)

    def is_shared(self) -> bool:
        """Whether the memory is shared with other processes."""
        return self._untyped.is_shared()

    def share_memory_(self) -> object:
        """As `UntypedStorage.share_memory_`."""
        self._untyped.share_memory_()
        return self

    def __repr__(self) -> str:
        body = "\n".join([f" {value}" for value in self.tolist()])
        return f"{body}\n[torch.storage.TypedStorage(dtype={self.dtype!r}, device=cpu) of size {len(self)}]"


def untyped_storage(self: object) -> object:
    """The storage of the tensor: its memory, shared with its views and aliases."""
    made = UntypedStorage.__new__(UntypedStorage)
    made._owner = given(self, "untyped_storage")._storage
    return made


def storage(self: object) -> object:
    """The storage seen as elements of the tensor's type (deprecated in PyTorch, which warns)."""
    given(self, "storage")
    warnings.warn(DEPRECATED, UserWarning, stacklevel=2)
    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self.dtype, _internal=True)


def is_storage(obj: object) -> object:
    """Whether a value is a storage."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


# ---- other memory for a tensor --------------------------------------------------------------------------------------


def rebind(x: Tensor, array: ndarray, storage: Storage):
    """Give a tensor other memory and count it as a write."""
    x._array = array
    x._storage = storage
    x._flags |= MOVED
    note_write(x, "set_")
    x._history_writes = x._storage.writes


def seen(storage: Storage, kind: object, offset: object, shape: tuple, strides: tuple) -> object:
    """A storage's memory as an array of a type, from element `offset`. RuntimeError where it does not reach."""
    unit = kind.itemsize
    memory: object = bytes_of(storage.memory)
    if strides is None:
        step = 1
        steps: list = []
        for length in reversed(shape):
            steps.insert(0, step)
            step *= max(length, 1)
        strides = tuple(steps)
    span = 0 if 0 in shape else 1 + sum([(length - 1) * step for length, step in zip(shape, strides)])
    if (offset + span) * unit > len(memory) and span:
        raise RuntimeError("Trying to resize storage that is not resizable")
    if not span:
        return np.empty(shape, kind.numpy)
    start = memory[offset * unit : (offset + span) * unit].view(kind.numpy)
    return make_view(start, shape, tuple([step * unit for step in strides]), 0)


def over_storage(source: object, kind: object) -> Tensor:
    """A tensor of one dimension over a whole storage."""
    owner: Storage = (source if isinstance(source, UntypedStorage) else source.untyped())._owner
    x: Tensor = Tensor.__new__(Tensor)
    count: object = len(source) // (kind.itemsize if isinstance(source, UntypedStorage) else 1)
    x._array = seen(owner, kind, 0, (count,), None)
    x._storage = owner
    x._counter = Version.__new__(Version)
    return x


SET = overload(Op(), "set", None)  # its gradient is not implemented, says the op
SET.name, SET.node_name, SET.type_name = "set_", "torch::autograd::NotImplemented", "NotImplemented"


def set_(
    self: object, source: object = None, storage_offset: object = 0, size: object = None, stride: object = None,
) -> object:
    """Make the tensor see other memory: a tensor's, or a storage's from an offset with sizes and strides (elements).

    Counts as a write. Without arguments the tensor becomes empty. Like PyTorch's it has no gradient: a backward pass
    that reaches it raises.
    """
    x: Tensor = given(self, "set_")
    n: Node = None
    inputs: tuple = (x, source) if isinstance(source, Tensor) else (x,)
    recording: cython.bint = grad_enabled() and first_requiring(inputs) is not None
    if isinstance(source, Tensor) and source.dtype is not self.dtype:
        raise RuntimeError(f"Could not set tensor of type {errors.C_NAMES[source.dtype.name]} to a tensor of type "
                           f"{errors.C_NAMES[self.dtype.name]}")
    check_writable(x, recording)
    if recording:
        n = record(SET, inputs, None)
        n.needs = 3  # it raises although a gradient may go nowhere
    see_other(x, source, storage_offset, size, stride)
    if n is not None:
        set_meta(n, x._array)
        adopt(x, n)
    return self


def see_other(x: Tensor, source: object, storage_offset: object, size: object, stride: object):
    """Give a tensor other memory."""
    y: Tensor
    owner: Storage
    kind = dtypes.of(x._array)
    if source is None:
        rebind(x, np.empty(0, kind.numpy), new_owner(np.empty(0, kind.numpy)))
        return
    if isinstance(source, Tensor):
        y = source
        array = y._array if size is None else seen(y._storage, kind, storage_offset, tuple(size), stride)
        rebind(x, array, y._storage)
        return
    owner = (source if isinstance(source, UntypedStorage) else source.untyped())._owner
    count = len(source) // (kind.itemsize if isinstance(source, UntypedStorage) else 1)
    shape = (count,) if size is None else tuple(size)
    rebind(x, seen(owner, kind, storage_offset, shape, None if stride is None else tuple(stride)), owner)


def resize_(self: object, *sizes: object, memory_format: object = None) -> object:
    """Give the tensor another size over the same storage, which grows if needed; new elements are uninitialised.

    Counts as a write. RuntimeError for a tensor that requires grad. Other tensors over a storage that grew keep the
    old memory.
    """
    x: Tensor = given(self, "resize_")
    if requires(x):
        raise RuntimeError(errors.RESIZE_GRAD)
    check_writable(x, False)
    shape: tuple = sizes_of(sizes, None, "resize_")
    if shape == shape_of(x._array):
        return self
    resized(x, shape)
    note_write(x, "resize_")
    return self


def holders(x: Tensor) -> object:
    """How many references to the storage there are beside the tensor's own as its counter."""
    return sys.getrefcount(x._storage) - (x._counter is x._storage)


ALONE = holders(wrap(np.zeros(1)))


def resized(x: Tensor, shape: tuple) -> None:
    """Another size over the same storage. One that does not reach grows, or is left to others that hold it."""
    kind = dtypes.of(x._array)
    count = 1
    for length in shape:
        count *= length
    memory: object = bytes_of(x._storage.memory)
    first = low_address(x._array) - low_address(x._storage.memory) if count_of(x._array) else 0
    if first + count * kind.itemsize > len(memory):
        fresh = np.zeros(first + count * kind.itemsize, np.uint8)
        fresh[: len(memory)] = memory
        block = fresh.view(kind.numpy) if len(fresh) % kind.itemsize == 0 else fresh
        if holders(x) > ALONE:
            x._storage = new_owner(block)
        else:
            x._storage.memory = block
    x._array = seen(x._storage, kind, first // kind.itemsize, shape, None)
    x._flags |= MOVED


set_resized(resized)


def resize_as_(self: object, the_template: object, *, memory_format: object = None) -> object:
    """`resize_` to the size of another tensor."""
    return resize_(self, *the_template.shape)


for _name, _function in (
    ("untyped_storage", untyped_storage), ("storage", storage), ("set_", set_), ("resize_", resize_),
    ("resize_as_", resize_as_),
):
    install_method(_name, _function)
publish("is_storage", is_storage)
PUBLIC["UntypedStorage"], PUBLIC["TypedStorage"] = UntypedStorage, TypedStorage
