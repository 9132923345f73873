"""A module's state as a dictionary: what `state_dict` gives and `load_state_dict` takes, entry by entry, with hooks.

Layout and texts are PyTorch's, so that state passes both ways. Nothing here knows files.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.hooks import RemovableHandle
from headgate.core.typed import Tensor
from headgate.nn.modules.calls import Called, enter
from headgate.nn.parameter import Parameter, is_lazy

EXTRA_STATE = "_extra_state"
POSITIONAL = ("Positional args are being deprecated, use kwargs instead. Refer to "
              "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.")


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found missing, and what it had no use for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class Stateful(Called):
    """Giving and taking state."""

    #: The layout's version of this class; kept in the metadata of a state_dict.
    _version: int = 1

    def get_extra_state(self) -> Any:
        """What else belongs to the state; a class that has some writes this and `set_extra_state`."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    # ---- giving -----------------------------------------------------------------------------------------------------

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers by dotted name, as an OrderedDict with the metadata of versions.

        The values share memory with the module's and have no history; with `keep_vars` they are the tensors themselves.
        """
        if args:
            warnings.warn(POSITIONAL, FutureWarning, stacklevel=2)
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and not prefix else prefix
            keep_vars = args[2] if len(args) > 2 and not keep_vars else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, local)
            if getattr(hook, "_from_public_api", False):
                if changed is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif changed is not None:
                destination = changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put this module's own entries into `destination`."""
        kept = [(name, value) for name, value in self._buffers.items() if name not in self._non_persistent_buffers_set]
        for name, value in (*self._parameters.items(), *kept):
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` collects."""
        return enter(self._state_dict_pre_hooks, hook, False)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata)` after it has, to change the dictionary in place."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return enter(self._state_dict_hooks, hook, False)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError("Cannot register the same function as the state dict post hook that was previously "
                               "registered via register_state_dict_post_hook")
        return enter(self._state_dict_hooks, hook, False)

    # ---- taking -----------------------------------------------------------------------------------------------------

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata, strict, missing, unexpected, messages)` before loading."""
        return enter(self._load_state_dict_pre_hooks, _WithModule(hook, self), False)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return enter(self._load_state_dict_pre_hooks, _WithModule(hook, self if with_module else None), False)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may clear the lists."""
        return enter(self._load_state_dict_post_hooks, hook, False)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy the entries into parameters and buffers of the same names; (missing, unexpected) keys.

        `strict`: RuntimeError if either is not empty. `assign`: take the entries themselves instead of their values.
        RuntimeError for sizes that do not match, naming all of them; entries that fit have been copied then, as in
        PyTorch.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        loading = _Loading(getattr(state_dict, "_metadata", None), assign)
        loading.into(self, OrderedDict(state_dict), "")
        if strict:
            loading.complain_of_keys()
        if loading.messages:
            raise RuntimeError("Error(s) in loading state_dict for {}:\n\t{}".format(
                type(self).__name__, "\n\t".join(loading.messages)))
        return _IncompatibleKeys(loading.missing, loading.unexpected)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: list[str],
        unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:
        """Take this module's own entries; what goes wrong is added to the lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        kept = [(name, value) for name, value in self._buffers.items() if name not in self._non_persistent_buffers_set]
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, mine in (*self._parameters.items(), *kept):
            if mine is None:
                continue
            if prefix + name in state_dict:
                message = self._take(name, mine, prefix + name, state_dict[prefix + name], assign)
                if message is not None:
                    error_msgs.append(message)
            elif strict:
                missing_keys.append(prefix + name)
        extra = prefix + EXTRA_STATE
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            unexpected_keys.extend(self._unknown(state_dict, prefix, extra))

    def _take(self, name: str, mine: Tensor, key: str, given: Any, assign: bool) -> str | None:
        """Copy or assign one entry; a message where it cannot be."""
        if not isinstance(given, Tensor):
            return (f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                    f"checkpoint but received {type(given)}")
        lazy = is_lazy(mine)
        if not lazy and mine.dim() == 0 and len(given.shape) == 1 and len(given) == 1:
            given = given[0]  # state of versions that had no 0-dim tensors
        if not lazy and mine.shape != given.shape:
            return (f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                    f"current model is {mine.shape}.")
        try:
            with no_grad():
                if assign:
                    if isinstance(mine, Parameter) and not isinstance(given, Parameter):
                        given = Parameter(given, requires_grad=mine.requires_grad)
                    setattr(self, name, given)
                else:
                    mine.copy_(given)
        except Exception as problem:
            return (f'While copying the parameter named "{key}", whose dimensions in the model are {mine.size()} and '
                    f"whose dimensions in the checkpoint are {given.size()}, an exception occurred : {problem.args}.")
        return None

    def _unknown(self, state_dict: Any, prefix: str, extra: str) -> list[str]:
        """Keys under the prefix that belong to nothing here."""
        mine = {name for name, value in (*self._parameters.items(), *self._buffers.items())
                if value is not None and name not in self._non_persistent_buffers_set}
        found = []
        for key in state_dict:
            if key.startswith(prefix) and key != extra:
                name, *rest = key[len(prefix):].split(".", 1)
                if name not in (self._modules if rest else mine):
                    found.append(key)
        return found


class _WithModule:
    """A hook that gets the module in front of its other arguments."""

    def __init__(self, hook: Callable[..., Any], module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.hook(*args, **kwargs) if self.module is None else self.hook(self.module, *args, **kwargs)


class _Loading:
    """One run of `load_state_dict` through the tree of modules."""

    def __init__(self, metadata: Any, assign: bool) -> None:
        self.metadata, self.assign = metadata, assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.messages: list[str] = []

    def into(self, module: Any, entries: Any, prefix: str) -> None:
        """Load a module's own entries, then its sub-modules'."""
        local = {} if self.metadata is None else dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            local["assign_to_params_buffers"] = True
        module._load_from_state_dict(entries, prefix, local, True, self.missing, self.unexpected, self.messages)
        for name, child in module._modules.items():
            if child is not None:
                path = f"{prefix}{name}."
                self.into(child, {key: value for key, value in entries.items() if key.startswith(path)}, path)
        found = _IncompatibleKeys(self.missing, self.unexpected)
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, found) is not None:
                raise RuntimeError("Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                                   "return new values, if incompatible_keys need to be modified, it should be done "
                                   "inplace.")

    def complain_of_keys(self) -> None:
        """Messages for keys that are missing or unexpected, before the others."""
        for kind, keys in (("Unexpected", self.unexpected), ("Missing", self.missing)):
            if keys:
                names = ", ".join(f'"{key}"' for key in keys)
                self.messages.insert(0, f"{kind} key(s) in state_dict: {names}. ")
