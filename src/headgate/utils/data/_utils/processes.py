"""The worker processes of one loader's iterator, as its side sees them: start, tasks, results, death and end.

Every worker has one connection; a closed one is how each side learns that the other is gone, so nothing waits for a
signal and nothing is left behind. Knows nothing of samplers, order or batches.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import time
import warnings
import weakref
from collections.abc import Iterator
from typing import Any, NoReturn

from headgate.utils.data._utils import channel
from headgate.utils.data._utils.worker import CHECK_INTERVAL, Task, _worker_loop

NOT_PICKLED = (
    "Got pickle error when attempting to start a worker Process. This might be because the worker Process arguments "
    "are not picklable. Python 3.14+ changed the multiprocessing start method in non-Mac POSIX platforms to "
    "'forkserver', which requires the worker Process arguments to be picklable. You can also try "
    "multiprocessing.set_start_method('fork')."
)
KILLED = "DataLoader worker (pid {pid}) is killed by signal: {name}. "
OUT_OF_MEMORY = (
    "It is possible that dataloader's workers are out of shared memory. Please try to raise your shared memory limit."
)
EXITED = (
    "DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. Details are lost due to "
    "multiprocessing. Rerunning with num_workers=0 may give better error trace."
)

IMPATIENT = 0.5  # seconds that a busy worker gets when something went wrong, or at exit

_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def why_dead(process: Any) -> str:
    """What ended a worker, in words."""
    process.join(CHECK_INTERVAL)
    code = process.exitcode
    if code is None or code >= 0:
        return EXITED.format(pid=process.pid, code=code)
    try:
        name = signal.strsignal(-code) or str(-code)
    except ValueError:
        name = f"Unknown signal {-code}"
    return KILLED.format(pid=process.pid, name=name) + (OUT_OF_MEMORY if -code == getattr(signal, "SIGBUS", 0) else "")


class Crew:
    """Worker processes, each with its connection. `active[i]`: worker i is awaited and its death is an error."""

    def __init__(self, context: Any, tasks: list[Task]) -> None:
        self.owner = os.getpid()
        self.processes: list[Any] = []
        self.connections: list[Any] = []
        self.receivers: list[channel.Receiver] = []
        self.active: list[bool] = []
        self.closed = False
        _crews.add(self)
        try:
            for task in tasks:
                self._start(context or multiprocessing, task)
        except BaseException:
            self.close(IMPATIENT)
            raise

    def _start(self, context: Any, task: Task) -> None:
        ours, theirs = context.Pipe()
        self.connections.append(ours)
        self.receivers.append(channel.Receiver(ours))
        try:
            process = context.Process(target=_worker_loop, args=(task, theirs), daemon=True)
            process.start()
        except (TypeError, AttributeError, pickle.PicklingError):
            warnings.warn(NOT_PICKLED, stacklevel=6)
            raise
        finally:
            theirs.close()
        self.processes.append(process)
        self.active.append(True)

    def send(self, number: int, message: Any) -> None:
        """Give a worker something to do. RuntimeError if it is dead."""
        try:
            self.connections[number].send(message)
        except OSError:
            self.fail([number])

    def receive(self, timeout: float | None = None) -> Any:
        """The next message of any active worker. RuntimeError if one died, TimeoutError after `timeout`."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = CHECK_INTERVAL if end is None else min(CHECK_INTERVAL, end - time.monotonic())
            if left < 0:
                raise TimeoutError
            for number in self._readable(left):
                try:
                    parts = self.receivers[number].receive()
                except (EOFError, OSError):
                    self.fail([number])
                return channel.unpack(parts)
            self.check()

    def _readable(self, timeout: float) -> Iterator[int]:
        """The active workers whose connection has something, or is closed, within `timeout` seconds."""
        places = {id(self.connections[i]): i for i in range(len(self.processes)) if self.active[i]}
        waited = [self.connections[i] for i in places.values()]
        ends = [self.processes[i].sentinel for i in places.values()]
        for one in multiprocessing.connection.wait(waited + ends, timeout):
            if id(one) in places:
                yield places[id(one)]

    def check(self) -> None:
        """RuntimeError if an active worker is dead and has nothing more to say."""
        ends = {process.sentinel: i for i, process in enumerate(self.processes) if self.active[i]}
        ready = multiprocessing.connection.wait(list(ends), 0)
        dead = [ends[one] for one in ready if not self._speaks(ends[one])]  # type: ignore[index]
        if dead:
            self.fail(dead)

    def _speaks(self, number: int) -> bool:
        try:
            return bool(self.connections[number].poll(0))
        except OSError:
            return False

    def fail(self, numbers: list[int]) -> NoReturn:
        """Raise for dead workers: which they are, and what ended them."""
        reasons = "".join(why_dead(self.processes[number]) for number in numbers)
        pids = ", ".join(str(self.processes[number].pid) for number in numbers)
        for number in numbers:
            self.dismiss(number)
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly: {reasons}")

    def dismiss(self, number: int) -> None:
        """Let one worker end: nothing more is expected of it."""
        self.active[number] = False
        self.connections[number].close()

    def close(self, patience: float = CHECK_INTERVAL) -> None:
        """End all workers, by force those still busy after `patience` seconds. Nothing a second time, or after a fork.
        """
        if self.closed or os.getpid() != self.owner:
            return
        self.closed = True
        _crews.discard(self)
        for connection in self.connections:
            connection.close()
        end = time.monotonic() + patience
        try:
            for process in self.processes:
                process.join(max(0.0, end - time.monotonic()))
        finally:
            for stop in ("terminate", "kill"):
                for process in self.processes:
                    if process.is_alive():
                        getattr(process, stop)()
                        process.join(CHECK_INTERVAL)


def _close_all() -> None:
    """At the interpreter's exit: before multiprocessing ends its daemons itself."""
    for crew in list(_crews):
        crew.close(IMPATIENT)


def _forget_all() -> None:
    """In a forked child: let go of the parent's connections, or workers would not see the parent's end."""
    for crew in list(_crews):
        for connection in crew.connections:
            connection.close()
    _crews.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
