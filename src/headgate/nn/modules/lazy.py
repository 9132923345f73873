"""LazyModuleMixin: a layer that learns the sizes of its parameters from its first input, then becomes the plain layer.

What those sizes are is the business of each layer's `initialize_parameters`.
"""

from __future__ import annotations

from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.nn.parameter import is_lazy

REPLICATED = ("Modules with uninitialized parameters can't be used with `DataParallel`. Run a dummy forward pass to "
              "correctly initialize the modules")


class LazyModuleMixin:
    """Base, before a Module's class, of layers with uninitialised parameters or buffers.

    A subclass writes `initialize_parameters(*args, **kwargs)`, which gets the arguments of the first call, and may
    name in `cls_to_become` the class that the layer has from then on. RuntimeError at the first call if something is
    uninitialised after it.
    """

    cls_to_become: Any = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[misc]
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give all parameters and buffers their sizes and first values; for subclasses to write."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether some parameter or buffer of this layer itself has no size yet."""
        return any(is_lazy(one) for one in (*self._parameters.values(), *self._buffers.values()))

    def _infer_parameters(self: Any, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        for name in ("_initialize_hook", "_load_hook"):
            getattr(module, name).remove()
            delattr(module, name)
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _materialize_buffer(self: Any, name: str, shape: Any) -> None:
        """Give a buffer its size; a plain tensor over its memory takes its place."""
        buffer = self._buffers[name]
        buffer.materialize(shape)
        self._buffers[name] = buffer.detach()

    # ---- state ------------------------------------------------------------------------------------------------------

    def _save_to_state_dict(self: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
        kept = [(name, value) for name, value in self._buffers.items() if name not in self._non_persistent_buffers_set]
        for name, value in (*self._parameters.items(), *kept):
            if value is not None:
                destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()

    def _lazy_load_hook(
        self: Any, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: Any,
        unexpected_keys: Any, error_msgs: Any,
    ) -> None:
        """What is uninitialised here and not in the state gets the size that it has there."""
        for name, value in (*self._parameters.items(), *self._buffers.items()):
            given = state_dict.get(prefix + name)
            if given is None or not is_lazy(value) or is_lazy(given):
                continue
            with no_grad():
                if name in self._buffers:
                    self._materialize_buffer(name, given.shape)
                else:
                    value.materialize(given.shape)

    def _replicate_for_data_parallel(self) -> Any:
        raise RuntimeError(REPLICATED)
