"""`torch.backends.mkldnn`: a library that Headgate does not use; its switch is noted only."""


def is_available() -> bool:
    """False: Headgate does not use it."""
    return False


enabled = False
