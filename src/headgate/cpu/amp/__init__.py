"""`torch.cpu.amp`: the old names of automatic mixed precision for the CPU."""

from headgate.amp.deprecated import for_device as _for_device

autocast, GradScaler = _for_device("cpu", "bfloat16")
