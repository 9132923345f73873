"""`torch.backends.cuda`: NVIDIA's devices, which Headgate does not use; switches are noted only."""


class _Switches:
    """Settings of products, noted only."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Switches()


def is_built() -> bool:
    """False: Headgate does not use it."""
    return False
