"""`torch.cuda.amp`: the old names of automatic mixed precision. There is no CUDA, so they are disabled."""

from headgate.amp.deprecated import custom_bwd as custom_bwd
from headgate.amp.deprecated import custom_fwd as custom_fwd
from headgate.amp.deprecated import for_device as _for_device

autocast, GradScaler = _for_device("cuda", "float16")


def amp_definitely_not_available() -> bool:
    """True."""
    return True
