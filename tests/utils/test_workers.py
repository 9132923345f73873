"""Worker processes in trouble: killed, stuck, interrupted, forked from, left behind; other ways to start them.

Nothing may hang, and nothing may be left: no process, no descriptor, no shared memory.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headgate
import headgate.utils.data

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import loading  # noqa: E402

Loader = headgate.utils.data.DataLoader
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("how", "words"),
    [("SIGKILL", "is killed by signal: Killed"), ("SIGSEGV", "is killed by signal: Segmentation fault"),
     ("SIGBUS", "is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory"),
     ("exit", "exited unexpectedly with exit code 3")],
)  # fmt: skip
def test_a_dead_worker_is_told_with_its_pid_and_what_ended_it(how: str, words: str) -> None:
    iterator = iter(Loader(loading.Failing(how), num_workers=2))
    pids = [process.pid for process in iterator._workers]
    start = time.monotonic()
    with pytest.raises(RuntimeError) as caught:
        list(iterator)
    assert time.monotonic() - start < 3
    assert str(caught.value).startswith(f"DataLoader worker (pid(s) {pids[1]}) exited unexpectedly")
    assert f"DataLoader worker (pid {pids[1]}) {words}" in str(caught.value)
    assert not any(map(alive, pids))
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_death_is_noticed_though_the_next_batch_is_here() -> None:
    iterator = iter(Loader(loading.Squares(100), num_workers=2))
    next(iterator)
    victim = iterator._workers[1]
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    with pytest.raises(RuntimeError, match=f"pid {victim.pid}\\) is killed by signal: Killed"):
        next(iterator)


def test_persistent_workers_are_started_again_after_a_death() -> None:
    loader = Loader(loading.Squares(10), num_workers=1, persistent_workers=True)
    iterator = iter(loader)
    next(iterator)
    os.kill(iterator._workers[0].pid, signal.SIGKILL)
    iterator._workers[0].join()
    with pytest.raises(RuntimeError, match="Killed"):
        next(iterator)
    assert len(list(loader)) == 10
    os.kill(loader._iterator._workers[0].pid, signal.SIGKILL)
    loader._iterator._workers[0].join()
    with pytest.raises(RuntimeError, match="Killed"):
        iter(loader)
    assert len(list(loader)) == 10


def test_timeout() -> None:
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.3 seconds"):
        list(Loader(loading.Failing("sleep"), num_workers=2, timeout=0.3))
    assert time.monotonic() - start < 3


def test_a_class_that_cannot_travel_is_a_runtime_error_with_the_traceback() -> None:
    words = "(?s)Caught RuntimeError in DataLoader worker process 1.*nowhere to be found"
    with pytest.raises(RuntimeError, match=words):
        list(Loader(loading.Failing("local"), num_workers=2))


def test_the_worker_s_own_lines_are_in_the_traceback() -> None:
    with pytest.raises(ValueError, match=r'(?s)^Caught ValueError in DataLoader worker process 1\.\nOriginal Traceback '
                       r'\(most recent call last\):\n.*raise ValueError\("no five"\)\nValueError: no five'):
        list(Loader(loading.Failing("value"), num_workers=2))


def test_after_an_error_the_next_batch_follows() -> None:
    iterator = iter(Loader(loading.Failing("value"), num_workers=2))
    found = [next(iterator).item() for _ in range(5)]
    with pytest.raises(ValueError, match="no five"):
        next(iterator)
    assert [*found, *[one.item() for one in iterator]] == [0, 1, 2, 3, 4, 6, 7]


def test_a_tensor_with_history_is_refused() -> None:
    def collate(batch: Any) -> Any:
        return headgate.ones(2, requires_grad=True) * 2

    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
        list(Loader(loading.Squares(), num_workers=1, collate_fn=collate))


def test_tensors_arrive_as_they_were() -> None:
    big = headgate.arange(300_000).view(3, 100_000).float()
    sent = {"big": big, "part": big[:, 5:9], "turned": big[:, :7].t(), "half": big[0, :9].bfloat16(), "none": big[:0],
            "one": headgate.tensor(3), "leaf": headgate.ones(2, requires_grad=True),
            "parameter": headgate.nn.Parameter(headgate.ones(2))}  # fmt: skip
    sent["one"].note = "kept"
    (found,) = Loader(headgate.utils.data.Subset([sent], [0]), num_workers=1, collate_fn=lambda batch: batch[0])
    for name, one in sent.items():
        other = found[name]
        assert type(one) is type(other) and one.dtype is other.dtype and one.tolist() == other.tolist()
        assert one.requires_grad == other.requires_grad
        assert other.stride() == {"part": (4, 1), "turned": (1, 7)}.get(name, one.stride())
        other.data.add_(1)
    assert found["one"].note == "kept"
    assert sent["one"].item() == 3


class Wide(headgate.utils.data.Dataset):
    """Samples large enough to travel in shared memory, of one number each."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: int) -> Any:
        return headgate.full((30_000,), float(index))


def test_batches_that_are_kept_stay_as_they_were() -> None:
    """Also more of them than there are slots of shared memory."""
    kept = list(Loader(Wide(), num_workers=2))
    assert [(x.min().item(), x.max().item()) for x in kept] == [(i, i) for i in range(60)]
    assert all(x.shape == (1, 30_000) and x.is_contiguous() and not x.is_shared() for x in kept)
    for x in kept:
        x.add_(1)
    assert [x.mean().item() for x in kept] == [i + 1 for i in range(60)]


def test_slots_are_used_again() -> None:
    places = set()
    for number, x in enumerate(Loader(Wide(), num_workers=1)):
        assert x.min().item() == x.max().item() == number
        places.add(x.data_ptr())
    assert len(places) < 10


def test_a_part_keeps_the_whole_slot() -> None:
    parts = [x[0, 5:7] for x in Loader(Wide(), num_workers=1)]
    assert [x.tolist() for x in parts] == [[i, i] for i in range(60)]


def test_what_a_forked_child_sees_is_not_overwritten() -> None:
    iterator = iter(Loader(Wide(), num_workers=1))
    batch = next(iterator)
    ready, go = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.read(ready, 1)
        os._exit(0 if batch.max().item() == 0 else 1)
    del batch
    assert sum(x.max().item() for x in iterator) == sum(range(60))
    os.write(go, b"x")
    assert os.waitpid(pid, 0)[1] == 0


def test_sizes_may_change_from_batch_to_batch() -> None:
    def collate(batch: Any) -> Any:
        return headgate.full((int(batch[0]) * 5000,), 1), headgate.ones(0), [np.full(70_000, 2.5)], "text"

    for number, (x, none, (array,), text) in enumerate(Loader(range(30), num_workers=2, collate_fn=collate)):
        assert x.shape == (number * 5000,) and int(x.sum()) == number * 5000
        assert none.shape == (0,) and text == "text"
        assert type(array) is np.ndarray and array.flags.writeable and array.mean() == 2.5


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_ways_to_start(method: str) -> None:
    loader = Loader(loading.Squares(5), 2, num_workers=1, multiprocessing_context=method, worker_init_fn=loading.noisy)
    assert [batch[1].tolist() for batch in loader] == [[0, 1], [2, 3], [4]]


def test_what_cannot_be_pickled_is_warned_about() -> None:
    loader = Loader(loading.Squares(5), num_workers=1, multiprocessing_context="spawn", collate_fn=lambda batch: 0)
    with pytest.warns(UserWarning, match="Got pickle error when attempting to start a worker Process"):
        with pytest.raises((AttributeError, TypeError, Exception), match="pickle|local"):
            iter(loader)


def test_batches_as_they_come() -> None:
    loader = Loader(loading.Squares(9), num_workers=2, in_order=False)
    assert sorted(int(batch[1]) for batch in loader) == list(range(9))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uneven = [tuple(map(int, batch)) for batch in Loader(loading.Uneven(), None, num_workers=3, in_order=False)]
    assert len(uneven) == 16


def test_nothing_is_left_behind() -> None:
    list(Loader(loading.Squares(4), num_workers=2))
    gc.collect()
    before = open_descriptors()
    pids = []
    for _ in range(3):
        iterator = iter(Loader(loading.Squares(500), num_workers=2))
        next(iterator)
        pids += [process.pid for process in iterator._workers]
        del iterator
        list(Loader(loading.Squares(4), num_workers=2))
    for _ in Loader(loading.Squares(500), num_workers=2):
        break
    gc.collect()
    assert not any(map(alive, pids))
    assert open_descriptors() == before


def test_a_forked_child_neither_uses_nor_ends_the_parent_s_workers() -> None:
    loader = Loader(loading.Squares(50), num_workers=2)
    iterator = iter(loader)
    next(iterator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        pid = os.fork()
    if pid == 0:
        iterator.__del__()
        found = len(list(Loader(loading.Squares(4), num_workers=1)))
        os._exit(0 if found == 4 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(list(iterator)) == 49


def run(text: str, **more: Any) -> subprocess.Popen[str]:
    """A program of its own, with `loading` at hand."""
    start = "import os, signal, sys, time\nsys.path.insert(0, sys.argv[1])\nfrom loading import *\n"
    command = [sys.executable, "-c", start + text, str(HERE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


LEFT_OPEN = """
one = iter(data.DataLoader(Squares(100), num_workers=2)); next(one)
two = data.DataLoader(Squares(100), num_workers=1, persistent_workers=True); next(iter(two))
three = iter(data.DataLoader(Failing("sleep"), num_workers=1, prefetch_factor=9)); next(three)
print(*[w.pid for w in one._workers + two._iterator._workers + three._workers], flush=True)
"""


def test_exit_with_everything_open() -> None:
    start = time.monotonic()
    program = run(LEFT_OPEN)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0 and err == ""
    assert time.monotonic() - start < 10
    assert not any(alive(int(pid)) for pid in out.split())


def test_a_killed_program_leaves_no_workers() -> None:
    """Those that are busy end with what they are at; the stuck one here is ended by hand."""
    program = run(LEFT_OPEN + "os.kill(os.getpid(), signal.SIGKILL)\n")
    *pids, stuck = map(int, program.stdout.readline().split())
    program.wait(timeout=60)
    os.kill(stuck, signal.SIGKILL)
    end = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, pids))


@pytest.mark.parametrize("group", [False, True])
def test_interrupt(group: bool) -> None:
    """Of the program alone, or (as a terminal does it) of its workers too: a KeyboardInterrupt, and nothing left."""
    program = run(
        'it = iter(data.DataLoader(Failing("sleep"), num_workers=2))\n'
        "print(*[w.pid for w in it._workers], flush=True)\n"
        "try:\n    for batch in it: print(int(batch), flush=True)\nexcept KeyboardInterrupt: print('interrupted')\n"
        "print(len(list(data.DataLoader(Squares(4), num_workers=1))))",
        start_new_session=True,
    )
    pids = [int(one) for one in program.stdout.readline().split()]
    while program.stdout.readline() != "4\n":
        pass
    time.sleep(0.2)
    (os.killpg if group else os.kill)(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert out == "interrupted\n4\n" and err == ""
    assert not any(map(alive, pids))


def test_threads_after_a_fork() -> None:
    """Kernels that the parent ran on several threads still give the same results in a worker."""
    headgate.set_num_threads(2)
    x = headgate.rand(400_000)
    wanted = x.exp().sum().item()

    class Large(loading.data.Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            return x.exp().sum()

    assert [round(one.item(), 1) for one in Loader(Large(), num_workers=2)] == [round(wanted, 1)] * 4
    assert x.exp().sum().item() == wanted
