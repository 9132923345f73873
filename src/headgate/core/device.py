"""Devices, layouts and memory formats: the constants that scripts pass about; Headgate has one device, the CPU.

Checks what a script asked for and raises what PyTorch without an accelerator raises. Nothing here knows tensors.
"""

from __future__ import annotations

import operator
from typing import Any

TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
NO_TYPE = "Expected one of {types} device type at start of device string: {given}"
BAD_STRING = "Invalid device string: '{given}'"
NO_CUDA = "Torch not compiled with CUDA enabled"
NO_ACCELERATOR = "Cannot access accelerator device when none is available."
NO_BACKEND = "Headgate has the device 'cpu' only, not '{given}'"
NO_PINNING = (
    "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on this "
    "system."
)


class device:
    """A device by name ("cpu", "cpu:0", "cuda:1") or by type and number; equal to others of the same type and number.

    Any of PyTorch's types can be named and compared; only "cpu" holds tensors. RuntimeError for other names. Also a
    context, as in PyTorch.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __new__(cls, type: Any = None, index: Any = None) -> device:
        if type is None and index is None:
            raise TypeError("device() received an invalid combination of arguments - got ()")
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool) and index is None:
            raise RuntimeError(NO_ACCELERATOR)
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}")
        self = object.__new__(cls)
        name, number = _parsed(type)
        if index is not None and number is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
        object.__setattr__(self, "type", name)
        object.__setattr__(self, "index", number if index is None else operator.index(index))
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{number})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type,) if self.index is None else (self.type, self.index)

    def __copy__(self) -> device:
        return self

    def __deepcopy__(self, memo: Any) -> device:
        return self

    def __enter__(self) -> device:
        check_device(self)
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _parsed(text: str) -> tuple[str, int | None]:
    """Type and number of "cuda:1"."""
    name, colon, number = text.partition(":")
    if name not in TYPES:
        if not name.isalpha():
            raise RuntimeError(BAD_STRING.format(given=text))
        raise RuntimeError(NO_TYPE.format(types=", ".join(TYPES), given=name))
    if colon and (not number.isdigit() or number != str(int(number))):
        raise RuntimeError(BAD_STRING.format(given=text))
    return name, int(number) if colon else None


CPU = device("cpu")


def check_device(given: Any) -> None:
    """Raise what PyTorch without an accelerator raises, unless `given` is None or a CPU device."""
    if given is None or given is CPU or given == "cpu":
        return
    if isinstance(given, int) and not isinstance(given, bool):
        raise RuntimeError(NO_ACCELERATOR)
    wanted = given if isinstance(given, device) else device(given)
    if wanted.type == "cuda":
        raise AssertionError(NO_CUDA)
    if wanted.type != "cpu":
        raise RuntimeError(NO_BACKEND.format(given=wanted))


class _Named:
    """A constant that prints as torch.<name> and is pickled by it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return _constant, (self.name,)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class layout(_Named):
    """How a tensor lies in memory: `strided`, the only one that Headgate has. Others can be named and compared."""


class memory_format(_Named):
    """The order of dimensions in memory; `preserve_format` keeps the source's."""


class qscheme(_Named):
    """A scheme of quantization; named for scripts that compare with it, there are no quantized tensors."""


strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc, jagged, _mkldnn = (
    layout("sparse_bsr"), layout("sparse_bsc"), layout("jagged"), layout("_mkldnn"),
)  # fmt: skip
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
CONSTANTS: dict[str, Any] = {
    one.name: one
    for one in (
        strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, jagged, _mkldnn, contiguous_format,
        preserve_format, channels_last, channels_last_3d,
    )
}  # fmt: skip


def _constant(name: str) -> Any:
    return CONSTANTS[name]


def check_layout(given: Any, name: str) -> None:
    """Raise unless `given` is None or `strided`."""
    if given is None or given is strided:
        return
    if not isinstance(given, layout):
        raise TypeError(f"{name}(): argument 'layout' must be torch.layout, not {type(given).__name__}")
    raise RuntimeError(f"Headgate has strided tensors only, not {given!r}")
