"""Settings of the process and questions about types: default dtype and device, threads, printing, promotion.

They are functions of PyTorch's names over the rooms below; nothing here computes.
"""

from __future__ import annotations

import warnings
from typing import Any

from headgate import dtypes, errors
from headgate._loading import WANTED
from headgate.core.device import CPU, check_device, device
from headgate.core.entry import PUBLIC, publish
from headgate.core.format import set_printoptions
from headgate.core.options import no_combination
from headgate.core.records import Tensor

if WANTED:
    from headgate.kernels import reference as door
else:
    from headgate.kernels import door  # type: ignore[no-redef]

DEPRECATED_TYPE = (
    "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
    "torch.set_default_device() as alternatives."
)
_state: dict[str, Any] = {
    "deterministic": False, "warn_only": False, "precision": "highest", "interop": None, "warn_always": False,
}  # fmt: skip


def get_default_dtype() -> dtypes.dtype:
    """The type of floats that nothing else determines; float32 at first."""
    return dtypes.default_dtype()


def set_default_dtype(d: Any) -> None:
    """Set the default float type. TypeError for what is no floating-point type."""
    dtypes.set_default_dtype(d)


def set_default_tensor_type(t: Any) -> None:
    """Deprecated: set the default type by a legacy tensor class or its name ("torch.DoubleTensor")."""
    warnings.warn(DEPRECATED_TYPE, UserWarning, stacklevel=2)
    kind = PUBLIC.get(t.removeprefix("torch.")) if isinstance(t, str) else t
    if not isinstance(getattr(kind, "dtype", None), dtypes.dtype):
        raise TypeError(f"invalid type object: {t!r}")
    dtypes.set_default_dtype(kind.dtype)


def set_default_device(device: Any) -> None:
    """Set where new tensors are made: "cpu" or None; other devices raise as in a PyTorch without them."""
    check_device(device)


def get_default_device() -> device:
    """device(type='cpu')."""
    return CPU


def get_num_threads() -> int:
    """How many threads one operation may use."""
    return int(door.get_num_threads())


def set_num_threads(int: Any) -> None:
    """Set how many threads one operation may use. RuntimeError for anything but a positive integer."""
    if isinstance(int, (bool, float, str)) or not hasattr(int, "__index__"):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(int).__name__}")
    if int < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    door.set_num_threads(int.__index__())


def get_num_interop_threads() -> int:
    """How many operations may run side by side: what was set, else as `get_num_threads`."""
    return _state["interop"] or get_num_threads()


def set_num_interop_threads(int: Any) -> None:
    """Noted only: operations of one Python thread run one after the other."""
    if int < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = int


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The element type that an operation on two tensors or numbers gives."""
    pairs = []
    for value in (tensor1, tensor2):
        if isinstance(value, Tensor):
            pairs.append((value.dtype, value.ndim))
        elif isinstance(value, (bool, int, float, complex)):
            pairs.append((dtypes.scalar_dtype(value), -1))
        else:
            raise no_combination("result_type", (tensor1, tensor2))
    return dtypes.result_type(pairs)


def _types(name: str, **given: Any) -> None:
    for position, (argument, value) in enumerate(given.items(), 1):
        if not isinstance(value, dtypes.dtype):
            raise TypeError(errors.ARGUMENT.format(
                function=name, name=argument, position=position, expected="torch.dtype", type=type(value).__name__))


def promote_types(type1: Any, type2: Any) -> dtypes.dtype:
    """The smallest type that holds values of both."""
    _types("promote_types", type1=type1, type2=type2)
    return dtypes.promote(type1, type2)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether a result of type `from_` may be written into `to`: the category may not fall."""
    _types("can_cast", from_=from_, to=to)
    return bool(dtypes.can_cast(from_, to))


def typename(obj: Any, /) -> str:
    """The full name of an object's type; of a tensor "torch.FloatTensor" and its like."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that depend on the input alone. Headgate's own kernels do anyway."""
    _state["deterministic"], _state["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` set."""
    return bool(_state["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """The `warn_only` of `use_deterministic_algorithms`."""
    return bool(_state["warn_only"])


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """`use_deterministic_algorithms` by a number or a word: 0 "default" (off), 1 "warn", 2 "error"."""
    words = ("default", "warn", "error")
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in words:
            raise RuntimeError("invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                               f"{debug_mode}")
        debug_mode = words.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` or `use_deterministic_algorithms` set, as a number."""
    return 0 if not _state["deterministic"] else 1 if _state["warn_only"] else 2


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set; float32 products are always computed in float32."""
    return str(_state["precision"])


def set_float32_matmul_precision(precision: str) -> None:
    """Noted only: "highest", "high" or "medium" allow a lower precision that Headgate does not use."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"{precision} is not one of 'highest', 'high', or 'medium'")
    _state["precision"] = precision


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers are always kept."""
    return False


def set_warn_always(b: bool, /) -> None:
    """Noted only: Python's warning filters decide how often a warning shows."""
    _state["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` set."""
    return bool(_state["warn_always"])


for _function in (
    get_default_dtype, set_default_dtype, set_default_tensor_type, set_default_device, get_default_device,
    get_num_threads, set_num_threads, get_num_interop_threads, set_num_interop_threads, result_type, promote_types,
    can_cast, use_deterministic_algorithms, are_deterministic_algorithms_enabled,
    is_deterministic_algorithms_warn_only_enabled, get_float32_matmul_precision, set_float32_matmul_precision,
    set_flush_denormal, set_warn_always, is_warn_always_enabled, set_deterministic_debug_mode,
    get_deterministic_debug_mode,
):
    publish(_function.__name__, _function)
# Not entries: PyTorch hands these to no override.
PUBLIC["typename"], PUBLIC["set_printoptions"] = typename, set_printoptions
