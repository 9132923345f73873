"""`torch.backends.mps`: Apple's devices, which Headgate does not use."""


def is_available() -> bool:
    """False: Headgate does not use it."""
    return False


def is_built() -> bool:
    """False: Headgate does not use it."""
    return False
