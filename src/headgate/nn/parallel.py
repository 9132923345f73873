"""`torch.nn.parallel` on a machine without devices to share work: the wrapper calls what it wraps."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from headgate.nn.modules.module import Module

T = TypeVar("T", bound=Module)


class DataParallel(Module, Generic[T]):
    """A module behind `.module`, called as it is: there are no devices to copy it to.

    Its names in state_dict begin with `module.`, as in PyTorch.
    """

    def __init__(self, module: T, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """The module's result."""
        return self.module(*inputs, **kwargs)
