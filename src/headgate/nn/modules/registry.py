"""The members of a module: how parameters, buffers and sub-modules come in, are found, listed and replaced.

Texts of errors are PyTorch's. Nothing here knows how a module is called, saved or moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from headgate.core.typed import Tensor
from headgate.nn.modules.attributes import Attributes, missing
from headgate.nn.modules.tables import GLOBAL, fresh_tables
from headgate.nn.parameter import Buffer, Parameter
from headgate.ops.settings import typename


class Registry(Attributes):
    """Parameters, buffers and sub-modules under their names."""

    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    call_super_init: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument "
                                f"'{next(iter(kwargs))}'")
            if args:
                raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but "
                                f"{len(args) + 1} were given")
        self.__dict__.update(fresh_tables())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # ---- coming in --------------------------------------------------------------------------------------------------

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is no parameter but part of the module's state; one not `persistent` is not saved.

        KeyError for a name that is taken or cannot be one, TypeError for what is no tensor.
        """
        self._check_new(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                            "(torch Tensor or None required)")
        self._buffers[name] = told("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter (None: a place for one). KeyError for the name, TypeError for what is no Parameter."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_new(name, "parameter", "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{typename(param)}' object to parameter '{name}' "
                            "(torch.nn.Parameter or None required)")
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                f"To express '{name}' as a function of another Tensor, compute the value in the forward() method.")
        self._parameters[name] = told("parameter", self, name, param)

    def add_module(self, name: str, module: Any) -> None:
        """Add a sub-module under a name. TypeError for what is no Module, KeyError for the name."""
        if not isinstance(module, Registry) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = told("module", self, name, module)

    def register_module(self, name: str, module: Any) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def _check_new(self, name: str, kind: str, table: str) -> None:
        """Refuse a name for a new buffer or parameter."""
        if table not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[table]:
            raise KeyError(f"attribute '{name}' already exists")

    # ---- attributes -------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        """Parameters, modules and buffers go to their tables; a name that is in one takes only its like, or None."""
        mine = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in mine:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif name in mine.get("_parameters", ()):
            if value is not None:
                raise TypeError(f"cannot assign '{typename(value)}' as parameter '{name}' "
                                "(torch.nn.Parameter or None expected)")
            self.register_parameter(name, value)
        elif isinstance(value, Registry):
            if "_modules" not in mine:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            mine["_modules"][name] = told("module", self, name, value)
        elif name in mine.get("_modules", ()):
            if value is not None:
                raise TypeError(f"cannot assign '{typename(value)}' as child module '{name}' "
                                "(torch.nn.Module or None expected)")
            mine["_modules"][name] = told("module", self, name, value)
        elif isinstance(value, Tensor) and isinstance(value, Buffer) or name in mine.get("_buffers", ()):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"cannot assign '{typename(value)}' as buffer '{name}' "
                            "(torch.nn.Buffer, torch.Tensor or None expected)")
        if isinstance(value, Buffer):
            if "_buffers" not in self.__dict__:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        else:
            self._buffers[name] = told("buffer", self, name, value)

    def _forget(self, name: str, kept: str) -> None:
        """Take a name out of everything but the table it is about to stand in."""
        mine = self.__dict__
        for table in (mine, mine["_parameters"], mine["_buffers"], mine["_modules"]):
            if table is not mine[kept]:
                table.pop(name, None)
        if kept != "_buffers":
            mine["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name: str) -> None:
        """Take a member out, whatever it is."""
        mine = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if name in mine.get(table, ()):
                del mine[table][name]
                mine["_non_persistent_buffers_set"].discard(name)
                return
        if name not in mine:
            raise missing(self, name)
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted({name for name in names if not name[:1].isdigit()})

    # ---- finding ----------------------------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Any:
        """The sub-module at a dotted path ("" is the module itself). AttributeError where there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Registry):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Put a module at a dotted path. `strict`: only where there is one already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Registry):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        above, _, name = target.rpartition(".")
        parent = self.get_submodule(above)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Registry):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _member(self, target: str, kind: type, what: str, table: str | None) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        value = getattr(module, name)
        if not isinstance(value, kind) or (table is not None and name not in module.__dict__[table]):
            raise AttributeError(f"`{name}` is not {what}")
        return value

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path. AttributeError where there is none."""
        return self._member(target, Parameter, "an nn.Parameter", None)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path. AttributeError where there is none."""
        return self._member(target, Tensor, "a buffer", "_buffers")

    # ---- listing ----------------------------------------------------------------------------------------------------

    def _named_members(
        self, get_members_fn: Callable[[Any], Any], prefix: str = "", recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in get_members_fn(module):
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) of all parameters, each once, those of sub-modules too unless not `recurse`."""
        yield from self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, in the order in which they were registered, a module's own before its sub-modules'."""
        found: list[Parameter] = []
        if recurse and listed(self, set(), found):
            yield from found
            return
        for _, value in self.named_parameters(recurse=recurse):
            yield value

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(name, buffer) of all buffers."""
        yield from self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        for _, value in self.named_buffers(recurse=recurse):
            yield value

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """(name, module) of the sub-modules one level down, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Any]:
        """The sub-modules one level down."""
        for _, module in self.named_children():
            yield module

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """(path, module) of this module and all below it, each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, below, remove_duplicate)

    def modules(self) -> Iterator[Any]:
        """This module and all below it."""
        for _, module in self.named_modules():
            yield module

    def _get_name(self) -> str:
        return type(self).__name__


PARAMETERS, MEMBERS, MODULES = Registry.named_parameters, Registry._named_members, Registry.named_modules


def listed(module: Any, memo: set[int], found: list[Parameter]) -> bool:
    """Put the parameters of a module and of all below it into a list, without the names that the generators make. memo:
    what was met. False where a class or a module lists its members in a way of its own."""
    kind, mine = type(module), module.__dict__
    if (kind.named_parameters is not PARAMETERS or kind._named_members is not MEMBERS
            or kind.named_modules is not MODULES or "named_modules" in mine or "_named_members" in mine
            or "named_parameters" in mine):
        return False
    if id(module) in memo:
        return True
    memo.add(id(module))
    for value in mine["_parameters"].values():
        if value is not None and id(value) not in memo:
            memo.add(id(value))
            found.append(value)
    for below in mine["_modules"].values():
        if below is not None and not listed(below, memo, found):
            return False
    return True


def told(kind: str, module: Any, name: str, value: Any) -> Any:
    """What is registered, after the hooks on registrations of that kind have seen it."""
    for hook in GLOBAL[kind].values():
        output = hook(module, name, value)
        if output is not None:
            value = output
    return value
