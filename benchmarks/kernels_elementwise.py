"""Elementwise kernels beside PyTorch on a million elements: interleaved rounds, median times, the worst ratios first.

Run it as `python benchmarks/kernels_elementwise.py [dtypes] [threads] [names]`, say `float32,float16 2 exp,add`.
It calls the kernel door and PyTorch's functions on the same arrays, and must not know tensors of Headgate.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from headgate.kernels import door

# The pause lets the other side's threads fall asleep: PyTorch's spin for some 10 ms, on the core that ours would need.
ELEMENTS, ROUNDS, CALLS, PAUSE = 1_000_000, 5, 9, 0.03
TESTS = Path(__file__).parent.parent / "tests" / "kernels" / "test_elementwise.py"


def cases():
    """The test file's table: name -> (PyTorch's function, inputs, parameters, domain)."""
    spec = importlib.util.spec_from_file_location("elementwise_cases", TESTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one(module, name, dtype):
    """Median seconds of PyTorch and of the door."""
    function, count, params, domain = module.CASES[name]
    arrays = module.inputs(name, count, domain, dtype, ELEMENTS)
    tensors = [torch.from_numpy(array) for array in arrays]
    turns = [lambda: function(*tensors), lambda: module.run(door, name, arrays, params)]
    times = [[], []]
    for round_number in range(ROUNDS):
        for which in (0, 1) if round_number % 2 else (1, 0):
            time.sleep(PAUSE)
            for call in range(CALLS):
                start = time.perf_counter()
                turns[which]()
                if call:  # the first one wakes threads
                    times[which].append(time.perf_counter() - start)
    return median(times[0]), median(times[1])


def main(dtypes="float32,float64,float16", threads="2", names=""):
    """Print a table for each dtype."""
    module = cases()
    torch.set_num_threads(int(threads))
    door.set_num_threads(int(threads))
    print(door.show_config().splitlines()[0])
    for dtype in dtypes.split(","):
        rows = []
        for name in names.split(",") if names else module.CASES:
            theirs, ours = one(module, name, dtype)
            rows.append((theirs / ours, name, theirs, ours))
        rows.sort()
        ratios = [row[0] for row in rows]
        slow = sum(ratio < 0.9 for ratio in ratios)
        print(f"\n{dtype}: {len(rows)} functions, median ratio {median(ratios):.2f}, below 0.9: {slow}")
        for ratio, name, theirs, ours in rows:
            print(f"  {name:24s} {ratio:6.2f}   PyTorch {theirs * 1e6:8.0f} us   here {ours * 1e6:8.0f} us")


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(*sys.argv[1:])
