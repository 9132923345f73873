"""Timer and Measurement: how long a statement takes, by Python's timeit, and the numbers of it.

Knows nothing of tensors.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Sequence
from typing import Any

from headgate.core.entry import PUBLIC

timer = timeit.default_timer
UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


class Measurement:
    """The times of several rounds of a statement, each of `number_per_run` runs, and what follows from them."""

    def __init__(self, number_per_run: int, raw_times: Sequence[float], title: str, num_threads: int = 1) -> None:
        self.number_per_run, self.raw_times = number_per_run, list(raw_times)
        self.title, self.num_threads = title, num_threads

    @property
    def times(self) -> list[float]:
        """Seconds a run, one for each round."""
        return [one / self.number_per_run for one in self.raw_times]

    def _part(self, part: float) -> float:
        """The time below which a part of the rounds lies."""
        ordered = sorted(self.times)
        place = part * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    @property
    def median(self) -> float:
        """The middle of the times."""
        return self._part(0.5)

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return sum(self.times) / len(self.times)

    @property
    def iqr(self) -> float:
        """How far the quarters are apart."""
        return self._part(0.75) - self._part(0.25)

    def __repr__(self) -> str:
        unit, size = next((one for one in reversed(UNITS) if self.median >= one[1]), UNITS[0])
        count = len(self.raw_times)
        head = f"{type(self).__module__}.{type(self).__name__}"
        name = "Median: " if count > 1 else ""
        runs = f"{count} measurement{'s' if count > 1 else ''}, {self.number_per_run} runs"
        rest = f" {'per measurement, ' if count > 1 else ', '}{self.num_threads} thread"
        return (f"<{head} object at {hex(id(self))}>\n{self.title}\n  {name}{self.median / size:.2f} {unit}\n  "
                f"{runs}{rest}{'s' if self.num_threads > 1 else ''}")


class Timer:
    """Times a statement, with its names from `globals`, after `setup`. Threads: one, unless `num_threads` says more.

    `label`, `sub_label` and `description` are shown with the result.
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "", timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None, label: str | None = None, sub_label: str | None = None,
        description: str | None = None, env: str | None = None, num_threads: int = 1, language: Any = "python",
    ) -> None:
        if str(language).lower() not in ("python", "py", "language.python"):
            raise ValueError(f"Invalid language `{language}`: only Python is timed")
        names = {} if globals is None else dict(globals)
        self._timer = timeit.Timer(stmt, setup, timer=timer, globals=names)
        first = label if label is not None else stmt.strip()
        lines = [f"{first}: {sub_label}" if sub_label else first, description or ""]
        self.title, self.num_threads = "\n".join(line for line in lines if line), num_threads

    def _run(self, number: int) -> float:
        """Seconds for so many runs, on as many threads as were asked for."""
        before = PUBLIC["get_num_threads"]()
        PUBLIC["set_num_threads"](self.num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            PUBLIC["set_num_threads"](before)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One round of so many runs, after a few that do not count."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self.title, self.num_threads)

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Rounds of as many runs as are long enough to be timed, until they took `min_run_time` seconds."""
        number = 1
        while self._run(number) < min_run_time / 1000 and number < 10**9:
            number *= 10
        times: list[float] = []
        while not times or sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self.title, self.num_threads)

