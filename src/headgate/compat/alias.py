"""The alias: while it is installed, `import torch` and `import torch.anything` give Headgate's own modules.

The same module objects answer to both names, whether or not PyTorch is installed. Knows Headgate's modules by name
only; what they hold is their own business.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from headgate.compat import children
from headgate.compat.nearest import INTERNAL, answer_for, missing_module
from headgate.compat.version import follow

OURS, THEIRS = "headgate", "torch"
#: Modules that PyTorch has under a name where Headgate keeps them elsewhere.
ELSEWHERE = {"version": "headgate.compat.version", "torch_version": "headgate.compat.version"}
#: The package for files of tensors: its compiled part makes PyTorch's own tensors, so Headgate's form answers for it.
FILES = "headgate.io.safetensors"


def find_module(name: str) -> ModuleType | None:
    """Headgate's module that answers to `name` ("torch", "torch.nn.functional"), imported; None if it has none."""
    inner = name.partition(".")[2]
    if inner.partition(".")[0] in INTERNAL:
        return None
    ours = ELSEWHERE.get(inner) or (f"{OURS}.{inner}" if inner else OURS)
    try:
        module = importlib.import_module(ours)
    except ModuleNotFoundError as error:
        if error.name is not None and (ours + ".").startswith(error.name + "."):
            return None
        raise  # the module exists, and something that it needs does not
    explain_missing(module)
    return module


def _files(name: str) -> ModuleType:
    """What answers to `safetensors` and `safetensors.torch`."""
    ours = importlib.import_module(FILES)
    if name == "safetensors.torch":
        return ours
    package = ModuleType(name, ours.__doc__)
    package.__path__ = []
    package.safe_open, package.SafetensorError = ours.safe_open, ours.SafetensorError  # type: ignore[attr-defined]
    return package


def explain_missing(module: ModuleType) -> None:
    """Let a module answer for missing names with the nearest that exists, after a `__getattr__` of its own."""
    own = vars(module).get("__getattr__")
    if not getattr(own, "explains", False):
        module.__getattr__ = answer_for(module, own)  # type: ignore[method-assign]


class _Loader:
    """Gives an existing module to the import system, and takes back the spec that this writes into it."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


class _Finder:
    """Answers for `torch.*` before any other finder is asked."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in ("safetensors", "safetensors.torch"):
            return ModuleSpec(name, _Loader(_files(name)), is_package=name == "safetensors")  # type: ignore[arg-type]
        if name != THEIRS and not name.startswith(THEIRS + "."):
            return None
        module = find_module(name)
        if module is None:
            if _probed(sys._getframe(1)):
                return None
            raise missing_module(name, find_module(name.rpartition(".")[0]) or importlib.import_module(OURS))
        spec = ModuleSpec(name, _Loader(module), origin=vars(module).get("__file__"))  # type: ignore[arg-type]
        spec.submodule_search_locations = vars(module).get("__path__")
        return spec


def _probed(caller: FrameType | None) -> bool:
    """Whether the finder was asked by `importlib.util.find_spec`, which wants None where an import wants an error."""
    while caller is not None and caller.f_code.co_name == "_find_spec":
        caller = caller.f_back
    return caller is not None and caller.f_code is importlib.util.find_spec.__code__


def install() -> ModuleType:
    """Let Headgate answer to `torch` in this process from now on, and return its module. Twice is once.

    Raises RuntimeError if PyTorch itself is already imported: its modules would mix with Headgate's.
    """
    module = importlib.import_module(OURS)
    if sys.modules.get(THEIRS, module) is not module:
        raise RuntimeError("PyTorch is already imported; Headgate can answer to `torch` only in a process without it")
    if installed():
        return module
    _adorn(module)
    children.follow()
    sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]
    sys.modules[THEIRS] = module
    return module


def _adorn(module: ModuleType) -> None:
    """Give the package what scripts and libraries ask of `torch` about itself."""
    version = importlib.import_module(ELSEWHERE["version"])
    full: Any = follow(str(vars(module).get("__version__", "0")))
    version.__version__ = full  # type: ignore[attr-defined]
    module.__version__ = full  # type: ignore[attr-defined]
    if "version" not in vars(module):
        module.version = version  # type: ignore[attr-defined]
    for name, loaded in list(sys.modules.items()):
        first, _, inner = name.partition(".")
        if first == OURS and inner.partition(".")[0] not in INTERNAL and loaded is not None:
            explain_missing(loaded)


def installed() -> bool:
    """Whether Headgate answers to `torch` in this process."""
    return _Finder in sys.meta_path
