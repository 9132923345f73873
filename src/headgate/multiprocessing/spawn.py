"""Starting several processes with one function, and waiting for them: the first failure ends all and is raised.

A failing process leaves its traceback in a file of its own, which the one that waits reads. Knows nothing of tensors.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

ENV_VAR_PARALLEL_START = "TORCH_MP_PARALLEL_START"
GRACE = 30.0  # seconds for a process to end after SIGTERM, if no other time was given
NOT_SPAWN = (
    "This method only supports start_method=spawn (got: {}).\nTo use a different start_method use:\n\t\t "
    "torch.multiprocessing.start_processes(...)"
)
log = logging.getLogger(__name__)


class ProcessException(Exception):
    """A process failed: which one (`error_index`), and its `error_pid`."""

    __slots__ = ["error_index", "error_pid"]

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """A process failed by an exception of its function; the text holds its traceback."""


class ProcessExitedException(ProcessException):
    """A process was ended by a signal (`signal_name`) or left with an `exit_code`."""

    __slots__ = ["exit_code"]

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None,
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.error_pid, self.exit_code, self.signal_name)


def _wrap(fn: Callable[..., Any], i: int, args: tuple[Any, ...], error_file: str) -> None:
    """What a started process runs."""
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # the process that waits gets it too
    except Exception:
        with open(error_file, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Started processes, to be joined."""

    def __init__(self, processes: Sequence[Any], error_files: Sequence[str]) -> None:
        self.error_files = error_files
        self.processes = processes
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The processes' ids."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for a process to end. True if all have ended well, False if some still run (or `timeout` is over).

        If one failed, the others get `grace_period` seconds to end by themselves, then are ended; then raises
        ProcessRaisedException or ProcessExitedException.
        """
        for sentinel in multiprocessing.connection.wait(list(self.sentinels), timeout) if self.sentinels else ():
            index = self.sentinels.pop(sentinel)  # type: ignore[call-overload]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                self._end(grace_period)
                self._fail(index)
        return not self.sentinels

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))

    def _end(self, grace_period: float | None) -> None:
        """End all processes: by SIGTERM, and those that stay by SIGKILL."""
        if grace_period is not None:
            self._wait(grace_period)
        for process in self.processes:
            if process.is_alive():
                log.warning("Terminating process %s via signal SIGTERM", process.pid)
                process.terminate()
        self._wait(GRACE if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                log.warning("Unable to shutdown process %s via SIGTERM , forcefully exiting via SIGKILL", process.pid)
                process.kill()
            process.join()

    def _fail(self, index: int) -> NoReturn:
        """Raise for the process that failed."""
        pid, code = self.processes[index].pid, self.processes[index].exitcode
        try:
            with open(self.error_files[index], encoding="utf-8") as file:
                found = file.read()
            os.unlink(self.error_files[index])
        except OSError:
            pass
        else:
            text = f"\n\n-- Process {index:d} terminated with the following error:\n{found}"
            raise ProcessRaisedException(text, index, pid)
        if code >= 0:
            text = f"process {index:d} terminated with exit code {code:d}"
            raise ProcessExitedException(text, error_index=index, error_pid=pid, exit_code=code)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"<Unknown signal {-code}>"
        text = f"process {index:d} terminated with signal {name}"
        raise ProcessExitedException(text, error_index=index, error_pid=pid, exit_code=code, signal_name=name)


class SpawnContext(ProcessContext):
    """The old name of ProcessContext."""

    def __init__(self, processes: Sequence[Any], error_files: Sequence[str]) -> None:
        warnings.warn("SpawnContext is renamed to ProcessContext since 1.4 release.", stacklevel=2)
        super().__init__(processes, error_files)


def _error_file() -> str:
    """The name of a file that does not exist yet; it comes to be only if the process fails."""
    handle, name = tempfile.mkstemp(prefix="headgate-errorfile-", suffix=".txt")
    os.close(handle)
    os.unlink(name)
    return name


def start_processes(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run `fn(i, *args)` in `nprocs` processes; wait for them, or with join=False give a context that can be joined.

    Raises ProcessRaisedException or ProcessExitedException when one fails, after ending the others.
    """
    context: Any = multiprocessing.get_context(start_method)
    files = [_error_file() for _ in range(nprocs)]
    processes = [
        context.Process(target=_wrap, args=(fn, number, args, file), daemon=daemon) for number, file in enumerate(files)
    ]
    if start_method == "forkserver" and os.environ.get(ENV_VAR_PARALLEL_START, "0") == "1":
        with ThreadPoolExecutor(max_workers=nprocs) as executor:
            list(executor.map(lambda process: process.start(), processes))
    else:
        for process in processes:
            process.start()
    started = ProcessContext(processes, files)
    if not join:
        return started
    try:
        while not started.join():
            pass
    except BaseException:
        for process in processes:
            with contextlib.suppress(OSError):
                process.terminate()
        raise
    return None


def spawn(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """`start_processes` by a fresh interpreter each; FutureWarning for another `start_method`, which has no effect."""
    if start_method != "spawn":
        warnings.warn(NOT_SPAWN.format(start_method), FutureWarning, stacklevel=2)
    return start_processes(fn, args, nprocs, join, daemon, start_method="spawn")
