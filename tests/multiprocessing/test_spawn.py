"""torch.multiprocessing under `headgate run`: the script's own processes, started in every way, and what they share."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import headgate
import headgate.multiprocessing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs shared memory of this kind")

SCRIPT = '''
import os, sys, time
import torch
import torch.multiprocessing as mp
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __len__(self): return 6
    def __getitem__(self, i): return torch.full((2,), float(i))

def work(rank, shared, queue, done):
    shared[rank] += rank + 1
    queue.put((rank, torch.ones(2) * rank, shared[1:], torch.__name__))
    done.wait()  # who sends shared memory must be there until it has arrived

def fail(rank, how):
    if rank == 0:
        time.sleep(60)
    if how == "raise":
        raise ValueError("rank one")
    os.kill(os.getpid(), 9) if how == "kill" else sys.exit(4)

if __name__ == "__main__":
    for method in ("spawn", "forkserver", "fork"):
        print(torch.stack(list(DataLoader(Rows(), 2, num_workers=1, multiprocessing_context=method))).shape)
    t = torch.zeros(3, dtype=torch.float64).share_memory_()
    queue = mp.get_context("spawn").Queue()
    done = mp.get_context("spawn").Event()
    context = mp.spawn(work, args=(t, queue, done), nprocs=2, join=False)
    print(len(context.pids()))
    for rank, x, part, name in sorted((queue.get() for _ in range(2)), key=lambda one: one[0]):
        part[1] += 10
        print(rank, x, name, part.is_shared())
    done.set()
    while not context.join(): pass
    print(t)
    for how in ("raise", "kill", "exit"):
        try:
            mp.spawn(fail, args=(how,), nprocs=2)
        except Exception as error:
            print(type(error).__name__, error.error_index, str(error).strip().splitlines()[-1])
    process = mp.get_context("fork").Process(target=work, args=(0, t, queue, done))
    done.clear()
    process.start(); queue.get(); done.set(); process.join()
    print(t)
'''

EXPECTED = """\
torch.Size([3, 2, 2])
torch.Size([3, 2, 2])
torch.Size([3, 2, 2])
2
0 tensor([0., 0.]) headgate True
1 tensor([1., 1.]) headgate True
tensor([ 1.,  2., 20.], dtype=torch.float64)
ProcessRaisedException 1 ValueError: rank one
ProcessExitedException 1 process 1 terminated with signal SIGKILL
ProcessExitedException 1 process 1 terminated with exit code 4
tensor([ 2.,  2., 20.], dtype=torch.float64)
"""


def test_a_script_s_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "headgate", "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.stdout == EXPECTED, done.stderr


def test_names_and_strategies_are_those_of_torch() -> None:
    ours, theirs = headgate.multiprocessing, torch.multiprocessing
    assert set(theirs.__all__) <= set(dir(ours))
    assert ours.get_all_sharing_strategies() == theirs.get_all_sharing_strategies()
    before = ours.get_sharing_strategy()
    assert before == theirs.get_sharing_strategy()
    ours.set_sharing_strategy("file_system")
    assert ours.get_sharing_strategy() == "file_system"
    ours.set_sharing_strategy(before)
    texts = []
    for library in (ours, theirs):
        with pytest.raises(AssertionError) as caught:
            library.set_sharing_strategy("telepathy")
        texts.append(str(caught.value)[:60])
    assert texts[0] == texts[1]
    with pytest.warns(FutureWarning, match="only supports start_method=spawn"):
        ours.spawn(print, nprocs=0, start_method="fork")


def test_exceptions_can_be_pickled() -> None:
    raised = headgate.multiprocessing.ProcessRaisedException("text", 1, 22)
    exited = headgate.multiprocessing.ProcessExitedException("text", 1, 22, -9, "SIGKILL")
    assert pickle.loads(pickle.dumps(raised)).error_pid == 22
    assert pickle.loads(pickle.dumps(exited)).signal_name == "SIGKILL"


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int64", "bool"])
def test_sharing_keeps_values_layout_and_history(kind: str) -> None:
    x = headgate.arange(12).view(3, 4).to(getattr(headgate, kind), copy=True)
    if kind == "float32":
        x.requires_grad_()
    x.note = "kept"
    before, stride = x.tolist(), x.stride()
    assert not x.is_shared() and not x.untyped_storage().is_shared()
    assert x.share_memory_() is x and x.share_memory_() is x
    assert x.is_shared() and x.untyped_storage().is_shared()
    assert x.tolist() == before and x.stride() == stride and x.note == "kept" and x.is_leaf
    assert x[1:].is_shared() and not x.clone().is_shared()
    if kind == "float32":
        (x * x).sum().backward()
        assert x.grad.tolist() == (x * 2).tolist()


def test_an_empty_tensor_can_be_shared() -> None:
    x = headgate.zeros(0, 3).share_memory_()
    assert x.is_shared() and x.shape == (0, 3)


def test_memory_that_others_see_is_not_moved() -> None:
    x = headgate.ones(4)
    y = x.detach()
    with pytest.raises(RuntimeError, match="share_memory_: other tensors"):
        x.share_memory_()
    del y
    view = x[1:]
    with pytest.raises(RuntimeError, match="share_memory_: other tensors"):
        view.share_memory_()
    with pytest.raises(RuntimeError, match="storage alone"):
        x.untyped_storage().share_memory_()
    del view
    assert x.share_memory_().untyped_storage().share_memory_().is_shared()


def test_a_forked_child_writes_what_the_parent_reads() -> None:
    parameter = headgate.nn.Parameter(headgate.zeros(3))
    assert parameter.share_memory_() is parameter
    context = headgate.multiprocessing.get_context("fork")
    child = context.Process(target=lambda: parameter.data.add_(headgate.arange(3)))
    child.start()
    child.join()
    assert parameter.tolist() == [0, 1, 2]


def test_what_has_a_history_is_not_sent() -> None:
    from multiprocessing.reduction import ForkingPickler

    y = headgate.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
        ForkingPickler.dumps(y)
    x = headgate.ones(2, requires_grad=True)
    again = pickle.loads(ForkingPickler.dumps(x))
    assert again.requires_grad and again.tolist() == [1, 1]
