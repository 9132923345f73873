"""`torch.backends.mkl`: a library that Headgate does not use."""


def is_available() -> bool:
    """False: Headgate does not use it."""
    return False
