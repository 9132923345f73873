"""Module: the base of all layers and networks. What it has, how it is called and its state are in its bases.

Here are the walks over the tree (apply, to, train, zero_grad), copies and the text.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

from headgate import dtypes
from headgate.autograd.grad_mode import no_grad
from headgate.core.typed import Tensor
from headgate.nn.modules.calls import (  # noqa: F401
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from headgate.nn.modules.state import Stateful, _IncompatibleKeys  # noqa: F401
from headgate.nn.modules.tables import fresh_tables
from headgate.ops.convert import asked
from headgate.ops.creation import empty_like

NO_ACCELERATOR = "Torch not compiled with CUDA enabled"


class Module(Stateful):
    """Base of all neural network modules: parameters, buffers and sub-modules by name, `forward`, hooks, state.

    Subclasses call `super().__init__()` before they assign members, and write `forward`. Members are found through
    PyTorch's tables (`_parameters`, `_buffers`, `_modules`).
    """

    dump_patches: bool = False

    # ---- walks ------------------------------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Any], None]) -> Any:
        """Call `fn` on every sub-module, then on this one; this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Replace every parameter's data, gradient and every buffer by what `fn` makes of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                with no_grad():
                    replaced(parameter, fn)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move and cast: `to(device)`, `to(dtype)`, `to(tensor)`. Floating point members take the dtype.

        TypeError for an integer dtype. Headgate has the CPU only.
        """
        kind = asked(args, kwargs)[0]
        if kind is not None and not kind.is_floating_point:
            raise TypeError("nn.Module.to only accepts floating point or complex dtypes, but got desired "
                            f"dtype={kind}")
        return self._apply(lambda value: value.to(kind) if kind is not None and value.is_floating_point() else value)

    def _cast(self, kind: Any) -> Any:
        return self._apply(lambda value: value.to(kind) if value.is_floating_point() else value)

    def float(self) -> Any:
        """Cast all floating point members to float32."""
        return self._cast(dtypes.float32)

    def double(self) -> Any:
        """Cast all floating point members to float64."""
        return self._cast(dtypes.float64)

    def half(self) -> Any:
        """Cast all floating point members to float16."""
        return self._cast(dtypes.float16)

    def bfloat16(self) -> Any:
        """Cast all floating point members to bfloat16."""
        return self._cast(dtypes.bfloat16)

    def type(self, dst_type: Any) -> Any:
        """Cast all members."""
        return self._apply(lambda value: value.type(dst_type))

    def cpu(self) -> Any:
        """This module: everything is on the CPU."""
        return self._apply(lambda value: value.cpu())

    def cuda(self, device: Any = None) -> Any:
        """RuntimeError: there is no such device."""
        raise AssertionError(NO_ACCELERATOR)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Give every member fresh memory without its values."""
        return self._apply(lambda value: empty_like(value), recurse=recurse)

    def share_memory(self) -> Any:
        """Move every member into shared memory."""
        return self._apply(lambda value: value.share_memory_())

    def train(self, mode: bool = True) -> Any:
        """Set training mode (dropout, batch norm ...) for this module and all below it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Switch gradients for all parameters: `module.requires_grad_(False)` freezes it."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or set them to zero."""
        if getattr(self, "_is_replica", False):
            warnings.warn("Calling .zero_grad() from a module created with nn.DataParallel() has no effect.",
                          stacklevel=2)
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    if parameter.grad.grad_fn is not None:
                        parameter.grad.detach_()
                    else:
                        parameter.grad.requires_grad_(False)
                    parameter.grad.zero_()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: Headgate runs eagerly, and as fast as it can."""

    # ---- copies -----------------------------------------------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of a copy or pickle; tables that an older state lacks are empty."""
        fresh = fresh_tables()
        self.__dict__.update({name: fresh[name] for name in fresh if name not in state and name != "training"})
        self.__dict__.update(state)

    def _replicate_for_data_parallel(self) -> Any:
        """A copy that shares the parameters but has tables of its own."""
        replica = self.__new__(type(self))
        replica.__dict__.update(self.__dict__)
        for table in ("_parameters", "_buffers", "_modules"):
            replica.__dict__[table] = copy.copy(self.__dict__[table])
        replica.__dict__["_is_replica"] = True
        return replica

    # ---- text -------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What the text says beside the class's name; for subclasses to write."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(module), 2)}" for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


def replaced(parameter: Any, fn: Callable[[Tensor], Tensor]) -> None:
    """Give a parameter and its gradient the data that `fn` makes of them."""
    gradient, result = parameter.grad, fn(parameter)
    if result is not parameter:
        parameter.grad = None
        parameter.data = result
        if gradient is not None:
            parameter.grad = fn(gradient).requires_grad_(gradient.requires_grad)
    elif gradient is not None:
        gradient.data = fn(gradient)


def indented(text: str, spaces: int) -> str:
    """The text with all lines but the first moved right."""
    return text.replace("\n", "\n" + " " * spaces)


_addindent = indented  # PyTorch's name, which layers outside import


