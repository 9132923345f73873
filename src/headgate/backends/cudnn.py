"""`torch.backends.cudnn`: a library that Headgate does not use; its switches are noted only."""


def is_available() -> bool:
    """False: Headgate does not use it."""
    return False


def version() -> None:
    """None: there is no such library."""


enabled = True
deterministic = False
benchmark = False
allow_tf32 = True
