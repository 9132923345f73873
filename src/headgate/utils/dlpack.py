"""`torch.utils.dlpack`: the memory of tensors handed to other libraries, and theirs taken."""

from __future__ import annotations

import enum
from typing import Any

from headgate.core.entry import PUBLIC as _PUBLIC
from headgate.core.typed import Tensor

from_dlpack = _PUBLIC["from_dlpack"]


class DLDeviceType(enum.IntEnum):
    """The numbers of kinds of devices in DLPack."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule over the tensor's memory, which one other library may take. Nothing of its history goes with it."""
    return tensor.detach().__dlpack__()
