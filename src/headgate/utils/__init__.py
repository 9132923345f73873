"""`torch.utils`: what training scripts use beside networks.

This file only re-exports; `data` comes when it is asked for, because it would add a twentieth to the time of an import.
"""

from headgate.utils import checkpoint as checkpoint
from headgate.utils import dlpack as dlpack


def __getattr__(name: str) -> object:
    """`data`, imported now."""
    if name != "data":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module("headgate.utils.data")


def __dir__() -> list[str]:
    """The names that are here, and the one that comes late."""
    return sorted({*globals(), "data"})
