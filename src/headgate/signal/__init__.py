"""`torch.signal`: holds the windows for signals, and nothing else yet."""

from headgate.signal import windows as windows

__all__ = ["windows"]
