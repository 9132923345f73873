"""`torch.overrides`: helpers for classes that answer for functions by `__torch_function__`.

This file only re-exports.
"""

from headgate.core.function_modes import BaseTorchFunctionMode as BaseTorchFunctionMode
from headgate.core.function_modes import TorchFunctionMode as TorchFunctionMode
from headgate.core.function_modes import _get_current_function_mode as _get_current_function_mode
from headgate.core.function_modes import _get_current_function_mode_stack as _get_current_function_mode_stack
from headgate.core.function_modes import _len_torch_function_stack as _len_torch_function_stack
from headgate.core.overrides import get_ignored_functions as get_ignored_functions
from headgate.core.overrides import get_overridable_functions as get_overridable_functions
from headgate.core.overrides import handle_torch_function as handle_torch_function
from headgate.core.overrides import has_torch_function as has_torch_function
from headgate.core.overrides import has_torch_function_unary as has_torch_function_unary
from headgate.core.overrides import has_torch_function_variadic as has_torch_function_variadic
from headgate.core.overrides import is_tensor_like as is_tensor_like
from headgate.core.overrides import is_tensor_method_or_property as is_tensor_method_or_property
from headgate.core.overrides import resolve_name as resolve_name
from headgate.core.overrides import wrap_torch_function as wrap_torch_function
