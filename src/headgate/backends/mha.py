"""`torch.backends.mha`: the switch of the fast road of transformers in evaluation.

There is no such road here; switched off, padded places are not set to 0, as in PyTorch.
"""

from headgate.nn.attention import getter, setter

get_fastpath_enabled = getter("fastpath")
set_fastpath_enabled = setter("fastpath")
