"""`torch.backends.cuda`: NVIDIA's devices, which Headgate does not use; switches are noted only."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from headgate.nn.attention import SWITCHES, getter, setter

DEPRECATED = (
    "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be removed. Please see "
    "`torch.nn.attention.sdpa_kernel()` for the new context manager, with updated signature."
)


class _Switches:
    """Settings of products, noted only."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Switches()


def is_built() -> bool:
    """False: Headgate does not use it."""
    return False


flash_sdp_enabled, enable_flash_sdp = getter("flash"), setter("flash")
math_sdp_enabled, enable_math_sdp = getter("math"), setter("math")
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = getter("mem_efficient"), setter("mem_efficient")
cudnn_sdp_enabled, enable_cudnn_sdp = getter("cudnn"), setter("cudnn")
fp16_bf16_reduction_math_sdp_allowed = getter("fp16_bf16_reduction")
allow_fp16_bf16_reduction_math_sdp = setter("fp16_bf16_reduction")


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[dict[str, Any]]:
    """Accepts a choice of attentions for a block of code, as `torch.nn.attention.sdpa_kernel`; deprecated there."""
    warnings.warn(DEPRECATED, FutureWarning, stacklevel=3)
    before = dict(SWITCHES)
    SWITCHES.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield {}
    finally:
        SWITCHES.update(before)
