"""Names that scripts reach in `torch._C`: the switches of `__torch_function__` and the class of generators.

Nothing else of PyTorch's compiled module exists.
"""

from headgate.core.function_modes import _is_torch_function_mode_enabled as _is_torch_function_mode_enabled
from headgate.core.function_modes import _len_torch_function_stack as _len_torch_function_stack
from headgate.core.overrides import DisableTorchFunction as DisableTorchFunction
from headgate.core.overrides import DisableTorchFunctionSubclass as DisableTorchFunctionSubclass
from headgate.core.overrides import _disabled_torch_function_impl as _disabled_torch_function_impl
from headgate.core.records import Tensor as TensorBase  # noqa: F401
from headgate.ops.random import Generator as Generator
