"""Long programs that run in a process of their own: `python workers.py NAME LIBRARY NUMBER` prints what it measured.

Each takes the library as its argument and knows nothing of its inside.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


def resident() -> int:
    """Bytes of memory that the process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def train(torch: Any, steps: int) -> None:
    """A two-layer network on tensors alone, with momentum, gc off: prints memory after a tenth and after all steps."""
    gc.disable()
    torch.manual_seed(0)
    x, wanted = torch.randn(16, 8), torch.randn(16, 2)
    parameters = [torch.randn(8, 32) * 0.3, torch.zeros(32), torch.randn(32, 2) * 0.2, torch.zeros(2)]
    momenta = [torch.zeros_like(p) for p in parameters]
    for p in parameters:
        p.requires_grad_()
    memory = []
    for step in range(steps):
        if step in (steps // 10, steps - 1):
            memory.append(resident())
        w1, b1, w2, b2 = parameters
        hidden = (x @ w1 + b1).tanh()
        hidden = hidden * hidden.detach().sigmoid()
        hidden.mul_(0.9)
        loss = ((hidden @ w2 + b2 - wanted) ** 2).mean()
        for p in parameters:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p, momentum in zip(parameters, momenta):
                momentum.mul_(0.9).add_(p.grad)
                p.sub_(momentum, alpha=0.01)
    print(memory[1] - memory[0], loss.item())


def leaks(torch: Any, steps: int) -> None:
    """Shapes of graph that leave cycles behind in careless engines, gc off: prints the growth in bytes."""
    gc.disable()
    x = torch.ones(1000, requires_grad=True)

    def once() -> None:
        w = torch.ones(1000, requires_grad=True)
        y = w * x
        y = y.exp()
        z = y * y
        z.retain_grad()
        y.register_hook(lambda g: g * 1)
        v = z[10:]
        v.mul_(2)
        (first,) = torch.autograd.grad(v.sum(), w, create_graph=True)
        second = (first * w).sum()
        second.backward()
        x.grad = None
        held = x.detach() * 2
        held.mul_(w)  # the written tensor and its own history
        try:
            (y.data_ptr() and y.add_(1) and z.sum()).backward()
        except RuntimeError:
            pass

    for _ in range(200):
        once()
    start = resident()
    for _ in range(steps):
        once()
    print(resident() - start, gc.isenabled())


def deep(torch: Any, nodes: int) -> None:
    """A chain of so many nodes built, differentiated and freed on a stack of 1 MiB, in three shapes."""
    found: list[Any] = []

    def work() -> None:
        for shape in (grow, grow_in_place, grow_views):
            a = torch.tensor([1.0, 2.0], requires_grad=True)
            start = time.perf_counter()
            y = shape(a, nodes)
            y.sum().backward()
            value = a.grad.tolist()
            del y
            y = shape(a, nodes)  # freed without having been differentiated
            del y
            found.append((shape.__name__, value, round(time.perf_counter() - start, 2)))

    threading.stack_size(1 << 20)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print(found)


def grow(a: Any, nodes: int) -> Any:
    y = a
    for _ in range(nodes):
        y = y + 1
    return y


def grow_in_place(a: Any, nodes: int) -> Any:
    y = a * 1
    for _ in range(nodes):
        y.add_(1)
    return y


def grow_views(a: Any, nodes: int) -> Any:
    y = a * 1
    for _ in range(nodes // 10):
        y = y.view(2)
    return y


WORKERS: dict[str, Callable[[Any, int], None]] = {"train": train, "leaks": leaks, "deep": deep}

if __name__ == "__main__":
    WORKERS[sys.argv[1]](importlib.import_module(sys.argv[2]), int(sys.argv[3]))
