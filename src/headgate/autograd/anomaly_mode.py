"""torch.autograd.anomaly_mode: backward checked for NaN. The lines of the forward calls are always known."""

from __future__ import annotations

from typing import Any

from headgate.core.engine import anomaly, set_anomaly
from headgate.core.reports import warn_at_user

NOTICE = (
    "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging."
)


class set_detect_anomaly:
    """Switch the check on or off, at once; as a context manager it is restored.

    With `check_nan`, a node whose gradient has a NaN raises RuntimeError naming it and the line of its call. Unlike
    PyTorch's, the mode costs nothing in forward: every error names the line anyway. It holds for all threads.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = anomaly()
        set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        set_anomaly(*self.before)


class detect_anomaly:
    """Within it, the check is on; a UserWarning says so."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warn_at_user(NOTICE, UserWarning)

    def __enter__(self) -> None:
        self.before = anomaly()
        set_anomaly(True, self.check_nan)

    def __exit__(self, *_: object) -> None:
        set_anomaly(*self.before)


def is_anomaly_enabled() -> bool:
    """Whether the check is on."""
    return bool(anomaly()[0])


def is_anomaly_check_nan_enabled() -> bool:
    """Whether the check, where it is on, looks for NaN."""
    return bool(anomaly()[1])


class set_multithreading_enabled:
    """Accepted, as in PyTorch a context manager too: a pass runs in the thread that started it."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass
