"""DataLoader beside PyTorch: batches, order, random numbers, warnings and errors, here and from worker processes.

Every case is an expression for a loader. It is evaluated with the datasets of `loading`, imported once for each
library; two passes over it must give the same in both, and leave the default generator at the same place.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import headgate


def import_for(library: str) -> ModuleType:
    """`loading` with the library that it shall use."""
    before = os.environ.get("HEADGATE_TEST_LIBRARY")
    os.environ["HEADGATE_TEST_LIBRARY"] = library
    name = f"loading_for_{library}"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("loading.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickles of its classes name it
    spec.loader.exec_module(module)
    if before is None:
        del os.environ["HEADGATE_TEST_LIBRARY"]
    return module


OURS, THEIRS = import_for("headgate"), import_for("torch")

CASES = """\
Squares(), batch_size=3
Squares(), batch_size=3, drop_last=True
Squares(), batch_size=3, shuffle=True
Squares(tensors=False), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(3)
Squares(), batch_size=None
Squares(), batch_size=None, shuffle=True
Squares(), batch_size=4, sampler=[4, 2, 0, 7, 1]
Squares(), batch_sampler=[[1, 2], [3], [0, 9, 8]]
Squares(), batch_size=2, pin_memory=True
Squares(), 2, False, data.RandomSampler(Squares(), replacement=True, num_samples=11)
Squares(), batch_size=3, collate_fn=as_list
Structured(), batch_size=3
Structured(), batch_size=None
data.TensorDataset(torch.arange(12.).view(6, 2), torch.arange(6)), batch_size=4, shuffle=True
data.Subset(data.TensorDataset(torch.arange(6)), [5, 3, 1, 1]), batch_size=3
data.ConcatDataset([Squares(3), Squares(4)]), batch_size=3, shuffle=True
Stream(0, 7), batch_size=3
Stream(0, 7), batch_size=3, drop_last=True
Stream(0, 7), batch_size=None
Stream(0, 12, shard=True), batch_size=2
data.ChainDataset([Stream(0, 3), Stream(10, 12)]), batch_size=2
Stream(0, 9, length=4), batch_size=2
Stream(0, 4, length=3), batch_size=None
Squares(), sampler=[3, 20], batch_size=2
Failing("value"), batch_size=2
Failing("key"), batch_size=2
Failing("special"), batch_size=2
Failing("stop"), batch_size=2
[1, "a", 2], batch_size=2
[[1, 2], [3]], batch_size=2
[None, None], batch_size=2
[(1, 2), (3, 4), (5, 6)], batch_size=2
["a", "b"], batch_size=2
torch.arange(5), batch_size=2
""".splitlines()
#: With two workers beside PyTorch; True: they persist.
WORKER_CASES = [
    ("Drawn(), batch_size=2", False),
    ("Drawn(), batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(5)", True),
    ("Drawn(), batch_size=2, worker_init_fn=noisy", True),
    ("Info(), batch_size=1, prefetch_factor=1", True),
    ("Uneven(), batch_size=2", False),
    ("Uneven(), batch_size=2, prefetch_factor=4", True),
    ("Stream(0, 4, length=4), batch_size=None", True),
    ("Squares(), batch_size=3, shuffle=True", True),
    ('Failing("special"), batch_size=1', True),
]


def outcome(tools: ModuleType, text: str, times: int = 2, **more: Any) -> Any:
    """Passes over a loader: batches or the error, the number of each warning's text, the generator afterwards."""
    tools.torch.manual_seed(11)
    passes: list[Any] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loader = eval(f"data.DataLoader({text}, **more)", {**vars(tools), "more": more})
        if "length=" in text:
            passes.append(len(loader))
        for _ in range(times):
            found: list[Any] = []
            try:
                for batch in loader:
                    found.append(tools.plain(batch))
            except Exception as error:
                lines = str(error).replace(tools.__name__, "loading").splitlines() or [""]
                found.append((type(error).__name__, lines[0], lines[-1]))
            passes.append(found)
    texts = [str(one.message).partition(" object at ")[0] for one in caught if one.category is UserWarning]
    return passes, [text.replace(tools.__name__, "") for text in texts], tools.torch.randint(10**6, (1,)).item()


@pytest.mark.parametrize("text", CASES)
def test_without_workers(text: str) -> None:
    assert outcome(OURS, text) == outcome(THEIRS, text)


@pytest.mark.parametrize(("text", "persistent"), WORKER_CASES)
def test_with_workers(text: str, persistent: bool) -> None:
    ours = outcome(OURS, text, num_workers=2, persistent_workers=persistent)
    assert ours == outcome(THEIRS, text, num_workers=2, persistent_workers=persistent)


#: PyTorch's own workers hang for ten seconds at the end of these; its texts are told here.
TOLD = {
    'Failing("key"), batch_size=1': ("KeyError", "Caught KeyError in DataLoader worker process 1.", "KeyError: 'five'"),
    "Squares(), worker_init_fn=refuse": (
        "ValueError", "Caught ValueError in DataLoader worker process 0.", "ValueError: worker 0 will not"),
}  # fmt: skip


@pytest.mark.parametrize("text", TOLD)
def test_errors_of_workers(text: str) -> None:
    passes, _, _ = outcome(OURS, text, num_workers=2)
    assert passes[0][-1] == passes[1][-1] == TOLD[text]


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("text", CASES)
def test_every_case_with_workers(text: str, workers: int) -> None:
    assert outcome(OURS, text, num_workers=workers) == outcome(THEIRS, text, num_workers=workers)


@pytest.mark.parametrize("text", [one for one in CASES if "Stream" not in one and "Failing" not in one])
def test_workers_give_what_none_would(text: str) -> None:
    """Batches, their order, and the default generator afterwards."""
    with_workers, alone = outcome(OURS, text, 1, num_workers=2), outcome(OURS, text, 1)
    if "Error" in str(alone):
        kinds = [one[-1][0] for one in (with_workers[0][0], alone[0][0])]
        assert kinds[0] == kinds[1]
        return
    assert with_workers[0] == alone[0]
    assert with_workers[2] == alone[2]


REFUSED = """\
num_workers=-1
timeout=-1
prefetch_factor=2
num_workers=1, prefetch_factor=-1
persistent_workers=True
shuffle=True, sampler=[1]
batch_size=2, batch_sampler=[[1]]
batch_sampler=[[1]], drop_last=True
batch_sampler=[[1]], shuffle=True
batch_size=None, drop_last=True
batch_size=0
batch_size=2.5
drop_last=1
shuffle=True, generator=3
multiprocessing_context="fork"
num_workers=1, multiprocessing_context="no such"
num_workers=1, multiprocessing_context=3
unknown=1
"""


def refusal(tools: ModuleType, text: str) -> Any:
    """The class and text of what is raised when a loader is made and its first batch taken."""
    try:
        return next(iter(eval(f"data.DataLoader({text})", vars(tools))))
    except Exception as error:
        return type(error), str(error).replace("headgate", "torch").replace(tools.__name__, "")


@pytest.mark.parametrize("text", REFUSED.splitlines())
def test_refused(text: str) -> None:
    ours, theirs = refusal(OURS, f"Squares(), {text}"), refusal(THEIRS, f"Squares(), {text}")
    assert ours[0] is theirs[0]
    assert ours[1][:40] == theirs[1][:40] if ours[0] is TypeError else ours == theirs


@pytest.mark.parametrize("text", ["shuffle=True", "sampler=[1]", "batch_sampler=[[1]]", "shuffle=[]"])
def test_refused_for_iterable_datasets(text: str) -> None:
    assert refusal(OURS, f"Stream(0, 3), {text}") == refusal(THEIRS, f"Stream(0, 3), {text}")


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"])
def test_attributes_are_fixed(name: str) -> None:
    texts = []
    for tools in (OURS, THEIRS):
        loader = tools.data.DataLoader(tools.Squares())
        with pytest.raises(ValueError) as caught:
            setattr(loader, name, 1)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_lengths_and_timeout_alone() -> None:
    for tools in (OURS, THEIRS):
        loader = tools.data.DataLoader
        assert len(loader(tools.Squares(), 3)) == 4 and len(loader(tools.Squares(), 3, drop_last=True)) == 3
        assert len(loader(tools.Stream(0, 9, length=9), 2)) == 5
        assert len(loader(tools.Squares(), batch_size=None)) == 10
        with pytest.raises(TypeError):
            len(loader(tools.Stream(0, 3)))
        with pytest.raises(AssertionError, match="requires timeout == 0"):
            iter(loader(tools.Squares(), timeout=1))


def test_many_workers_are_warned_about() -> None:
    texts = []
    for tools in (OURS, THEIRS):
        with pytest.warns(UserWarning, match="This DataLoader will create 1000 worker processes") as caught:
            tools.data.DataLoader(tools.Squares(), num_workers=1000)
        texts.append([str(one.message) for one in caught])
    assert texts[0] == texts[1]


CONVERTED = """\
np.arange(3), np.float32(2), np.array(["a"]), "text", b"bytes", 3, 2.5, None
[np.arange(2), (np.arange(2), "x")], {"a": np.bool_(True), "b": {"c": np.zeros(0)}}
Point(np.array(0), np.array([1, 2])), OrderedDict(a=np.arange(2)), range(3), (1, 2), torch.ones(2)
"""


@pytest.mark.parametrize("text", CONVERTED.splitlines())
def test_default_convert(text: str) -> None:
    found = [repr(tools.plain(eval(f"data.default_convert([{text}])", vars(tools)))) for tools in (OURS, THEIRS)]
    assert found[0] == found[1]


def test_a_changed_collation_is_used() -> None:
    """Also where the loader would gather rows by itself."""
    table = headgate.utils.data._utils.collate.default_collate_fn_map
    before = table[headgate.Tensor]
    table[headgate.Tensor] = lambda batch, *, collate_fn_map: "mine"
    try:
        found = list(OURS.data.DataLoader(OURS.data.TensorDataset(headgate.arange(4)), 2))
    finally:
        table[headgate.Tensor] = before
    assert found == [["mine"], ["mine"]]


# ---- rows gathered at once ------------------------------------------------------------------------------------------


class Counting(headgate.utils.data.TensorDataset):
    """Counts how often it is asked."""

    asked = 0

    def __getitem__(self, index: Any) -> Any:
        self.asked += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("kind", ["float32", "int64", "bool", "bfloat16", "float16", "uint8"])
@pytest.mark.parametrize("shape", [(9,), (9, 2), (9, 2, 3), (9, 0)])
def test_gathered_rows_equal_collated_ones(kind: str, shape: tuple[int, ...]) -> None:
    values = (headgate.rand(shape) * 5).to(getattr(headgate, kind))
    gathered = list(headgate.utils.data.DataLoader(headgate.utils.data.TensorDataset(values), 4))
    counting = Counting(values)
    collated = list(headgate.utils.data.DataLoader(counting, 4))
    assert counting.asked == 9
    for (one,), (other,) in zip(gathered, collated, strict=True):
        assert one.dtype is other.dtype and one.shape == other.shape and one.stride() == other.stride()
        assert one.tolist() == other.tolist() and one.is_contiguous() and not one.requires_grad
        assert type(one) is type(other) and one.untyped_storage().nbytes() == other.untyped_storage().nbytes()
        assert one._version == other._version and one._base is None is other._base
    gathered[0][0].zero_()
    assert values.tolist() == counting.tensors[0].tolist()


def test_rows_with_a_gradient_have_it() -> None:
    for library in (headgate, torch):
        x = library.ones(4, 2, requires_grad=True)
        loader = library.utils.data.DataLoader(library.utils.data.TensorDataset(x), 3)
        for (batch,) in loader:
            (batch * 2).sum().backward()
        assert x.grad.tolist() == [[2.0, 2.0]] * 4


def test_a_strided_source_is_read_row_by_row() -> None:
    for library in (headgate, torch):
        x = library.arange(12).view(3, 4).t()
        (batch,) = next(iter(library.utils.data.DataLoader(library.utils.data.TensorDataset(x), 2)))
        assert batch.tolist() == [[0, 4, 8], [1, 5, 9]] and batch.stride() == (3, 1)


@pytest.mark.parametrize("keys", [[0, 9], [-9, 1], [2, -1], [True, 2], [None, 1]])
def test_unusual_keys_mean_what_they_mean_elsewhere(keys: list[Any]) -> None:
    found = []
    for library in (headgate, torch):
        loader = library.utils.data.DataLoader(library.utils.data.TensorDataset(library.arange(8)), 2, sampler=keys)
        try:
            found.append([[one.tolist() for one in batch] for batch in loader])
        except Exception as error:
            found.append((type(error), str(error)))
    assert found[0] == found[1]
