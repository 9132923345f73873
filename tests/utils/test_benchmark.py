"""torch.utils.benchmark: what a Timer runs, how often, and the numbers of a Measurement. No time is judged."""

from __future__ import annotations

import pytest

import headgate
from headgate.utils import benchmark


def ticks() -> object:
    """A clock that goes on a second at every look."""
    now = iter(range(10**9))
    return lambda: float(next(now))


def test_runs_and_names() -> None:
    done: list[int] = []
    found = benchmark.Timer("done.append(x)", setup="x = 3", globals={"done": done}, timer=ticks()).timeit(10)
    assert done == [3] * 12 and found.number_per_run == 10 and found.raw_times == [1.0]
    assert found.mean == found.median == 0.1 and found.iqr == 0


def test_rounds() -> None:
    seen: list[int] = []
    found = benchmark.Timer("pass", timer=ticks()).blocked_autorange(lambda count, time: seen.append(count), 3)
    assert found.number_per_run == 1 and found.times == [1.0] * 3 and seen == [1] * 3


def test_numbers_and_text() -> None:
    found = benchmark.Measurement(2, [2.0, 4.0, 12.0], "what: how")
    assert (found.times, found.median, found.mean, found.iqr) == ([1.0, 2.0, 6.0], 2.0, 3.0, 2.5)
    lines = ["what: how", "  Median: 2.00 s", "  3 measurements, 2 runs per measurement, 1 thread"]
    assert repr(found).splitlines()[1:] == lines
    timer = benchmark.Timer("x + 1", label="L", sub_label="S", description="D")
    assert timer.title == "L: S\nD"
    with pytest.raises(ValueError, match="Invalid language"):
        benchmark.Timer(language="c++")


def test_threads() -> None:
    seen: list[int] = []
    before = headgate.get_num_threads()
    names = {"seen": seen, "count": headgate.get_num_threads}
    benchmark.Timer("seen.append(count())", globals=names, num_threads=2).timeit(1)
    assert set(seen) == {2} and headgate.get_num_threads() == before
