"""ChannelShuffle: channels of groups mixed. `nn.functional` moves the elements."""

from __future__ import annotations

from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.module import Module


class ChannelShuffle(Module):
    """Channels (groups, C / groups) in the order (C / groups, groups)."""

    __constants__ = ["groups"]

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
