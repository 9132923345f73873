"""Headgate: an autograd tensor library in which the flow of gradients is controlled, checked and visible.

PyTorch's names over NumPy arrays, with a compiled core. This file only re-exports.
"""

import gc as _gc
import importlib as _importlib
import threading as _threading
from typing import TYPE_CHECKING as _TYPE_CHECKING

from headgate import _loading

_loading.install()
_thresholds = _gc.get_threshold()
if 0 < _thresholds[0] < 100_000:  # forty collections would look through what is imported and find no garbage
    _gc.set_threshold(100_000, *_thresholds[1:])

# isort: off
# The order matters: the core before the ops, the ops before what is made of them
from headgate import dtypes as dtypes  # noqa: E402
from headgate.core import entry as _entry  # noqa: E402
from headgate.core import surface as _surface  # noqa: E402, F401
from headgate.core.records import Tensor as Tensor  # noqa: E402
from headgate.core.reports import get_write_guard as get_write_guard  # noqa: E402
from headgate.core.reports import set_write_guard as set_write_guard  # noqa: E402
from headgate.errors import CutWarning as CutWarning  # noqa: E402
from headgate.errors import WriteWarning as WriteWarning  # noqa: E402
from headgate import ops as ops  # noqa: E402
from headgate import autograd as autograd  # noqa: E402
from headgate import _C as _C  # noqa: E402
from headgate import amp as amp  # noqa: E402
from headgate import nn as nn  # noqa: E402
from headgate import optim as optim  # noqa: E402
from headgate import overrides as overrides  # noqa: E402
from headgate import random as random  # noqa: E402
from headgate import return_types as return_types  # noqa: E402
from headgate.amp import GradScaler as GradScaler  # noqa: E402
from headgate.amp.autocast_mode import autocast as autocast  # noqa: E402
from headgate.amp.autocast_mode import autocast_decrement_nesting as autocast_decrement_nesting  # noqa: E402
from headgate.amp.autocast_mode import autocast_increment_nesting as autocast_increment_nesting  # noqa: E402
from headgate.amp.autocast_mode import clear_autocast_cache as clear_autocast_cache  # noqa: E402
from headgate.amp.autocast_mode import get_autocast_cpu_dtype as get_autocast_cpu_dtype  # noqa: E402
from headgate.amp.autocast_mode import get_autocast_dtype as get_autocast_dtype  # noqa: E402
from headgate.amp.autocast_mode import get_autocast_gpu_dtype as get_autocast_gpu_dtype  # noqa: E402
from headgate.amp.autocast_mode import is_autocast_cache_enabled as is_autocast_cache_enabled  # noqa: E402
from headgate.amp.autocast_mode import is_autocast_cpu_enabled as is_autocast_cpu_enabled  # noqa: E402
from headgate.amp.autocast_mode import is_autocast_enabled as is_autocast_enabled  # noqa: E402
from headgate.amp.autocast_mode import set_autocast_cache_enabled as set_autocast_cache_enabled  # noqa: E402
from headgate.amp.autocast_mode import set_autocast_cpu_dtype as set_autocast_cpu_dtype  # noqa: E402
from headgate.amp.autocast_mode import set_autocast_cpu_enabled as set_autocast_cpu_enabled  # noqa: E402
from headgate.amp.autocast_mode import set_autocast_dtype as set_autocast_dtype  # noqa: E402
from headgate.amp.autocast_mode import set_autocast_enabled as set_autocast_enabled  # noqa: E402
from headgate.autograd import allow_stale as allow_stale  # noqa: E402
from headgate.autograd import enable_grad as enable_grad  # noqa: E402
from headgate.autograd import inference_mode as inference_mode  # noqa: E402
from headgate.autograd import is_grad_enabled as is_grad_enabled  # noqa: E402
from headgate.autograd import is_inference_mode_enabled as is_inference_mode_enabled  # noqa: E402
from headgate.autograd import no_grad as no_grad  # noqa: E402
from headgate.autograd.anomaly_mode import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled  # noqa: E402
from headgate.autograd.anomaly_mode import is_anomaly_enabled as is_anomaly_enabled  # noqa: E402
from headgate.autograd import set_grad_enabled as set_grad_enabled  # noqa: E402
from headgate.core.device import CONSTANTS as _CONSTANTS  # noqa: E402
from headgate.core.device import device as device  # noqa: E402
from headgate.core.device import layout as layout  # noqa: E402
from headgate.core.device import memory_format as memory_format  # noqa: E402
from headgate.core.size import Size as Size  # noqa: E402
from headgate.dtypes import dtype as dtype  # noqa: E402
from headgate.dtypes import finfo as finfo  # noqa: E402
from headgate.dtypes import iinfo as iinfo  # noqa: E402
from headgate.kernels import show_config as show_config  # noqa: E402
# isort: on

__version__ = "0.1.0.dev0"
inf, nan, pi, e, newaxis = float("inf"), float("nan"), 3.141592653589793, 2.718281828459045, None
globals().update(dtypes.NAMES)
globals().update(_CONSTANTS)
globals().update({_name: _value for _name, _value in _entry.PUBLIC.items() if "." not in _name})
if _TYPE_CHECKING:  # what `__getattr__` finds
    from headgate import backends as backends
    from headgate import compiler as compiler
    from headgate import cpu as cpu
    from headgate import cuda as cuda
    from headgate import hub as hub
    from headgate import jit as jit
    from headgate import linalg as linalg
    from headgate import profiler as profiler
    from headgate import special as special
    from headgate import utils as utils
    from headgate.compiler import compile as compile
#: What is imported when it is asked for, or by its own name: most scripts name little of it.
_LATE = {
    **{_name: f"headgate.{_name}" for _name in (
        "accelerator", "backends", "compiler", "cpu", "cuda", "distributions", "func", "hub", "io", "jit", "linalg",
        "mps", "multiprocessing", "profiler", "serialization", "signal", "special", "testing", "types", "utils",
    )},
    "compile": "headgate.compiler", "load": "headgate.io.serialization", "save": "headgate.io.serialization",
    "version": "headgate.compat.version", "vmap": "headgate.func",
}  # fmt: skip
_LATE_LOCK = _threading.RLock()  # two threads that ask for two rooms which need one another would wait for ever
_INSIDE = ("dtypes", "errors", "ops")
if not _gc.get_freeze_count():  # what is there counts as old from now on, without being looked through
    _gc.freeze()
    _gc.unfreeze()
_gc.set_threshold(*_thresholds)
__all__ = [
    _name for _name in sorted({*globals(), *_LATE} - {"io"}) if not _name.startswith("_") and _name not in _INSIDE
]


def __getattr__(name: str) -> object:
    """A name of `_LATE`, imported now and kept."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _LATE_LOCK:
        module = _importlib.import_module(_LATE[name])
    found = module if module.__name__.endswith(f".{name}") else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Every name, those of `_LATE` too."""
    return sorted({*globals(), *_LATE})
