"""`torch.func`: functions of modules. This file only re-exports."""

from headgate.nn.utils.stateless import functional_call as functional_call
