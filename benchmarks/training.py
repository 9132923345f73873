"""Whole training steps: small networks of several kinds, through nn and optim, as a user writes them.

PyTorch runs each row with the number of threads that is best for it, found beforehand; Headgate with all cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import Row

Step = Callable[[], None]


def trained(library: Any, model: Any, loss: Callable[[], Any], optimizer: Any = None) -> Step:
    """One step: forget the gradients, loss, backward, Adam."""
    optimizer = optimizer or library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def data(library: Any, *shape: int) -> Any:
    """Fixed random numbers."""
    return library.from_numpy(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def classes(library: Any, high: int, *shape: int) -> Any:
    """Fixed random whole numbers."""
    return library.from_numpy(np.random.default_rng(0).integers(0, high, shape))


def small_mlp(library: Any) -> Step:
    """4-64-64-2, batch 32."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    x, y = data(library, 32, 4), data(library, 32, 2)
    return trained(library, model, lambda: library.nn.functional.mse_loss(model(x), y))


def lstm_cell(library: Any) -> Step:
    """50 steps of an LSTMCell, 8 to 32, batch 4, and backward through them."""
    cell = library.nn.LSTMCell(8, 32)
    x = data(library, 50, 4, 8)

    def loss() -> Any:
        state = None
        for part in x:
            state = cell(part, state)
        return state[0].sum()  # type: ignore[index]

    return trained(library, cell, loss)


def actor_critic(library: Any) -> Step:
    """One step of an agent with batch 1: policy, value, log-probability, advantage."""
    nn, functional = library.nn, library.nn.functional
    model = nn.ModuleDict({
        "body": nn.Sequential(nn.Linear(4, 64), nn.Tanh()), "actor": nn.Linear(64, 2), "critic": nn.Linear(64, 1)})
    state = data(library, 1, 4)

    def loss() -> Any:
        hidden = model["body"](state)
        policy = library.distributions.Categorical(logits=model["actor"](hidden))
        action, value = policy.sample(), model["critic"](hidden).squeeze(-1)
        advantage = 1.0 - value.detach()
        return (functional.mse_loss(value, library.ones(1)) - (policy.log_prob(action) * advantage).mean()
                - 0.01 * policy.entropy().mean())

    return trained(library, model, loss)


def wide_mlp(library: Any) -> Step:
    """784-256-10, batch 128."""
    nn = library.nn
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    x, y = data(library, 128, 784), classes(library, 10, 128)
    return trained(library, model, lambda: nn.functional.cross_entropy(model(x), y))


def lstm_layer(library: Any) -> Step:
    """An LSTM layer, batch 16, 50 steps, 32 to 64."""
    layer = library.nn.LSTM(32, 64, batch_first=True)
    x = data(library, 16, 50, 32)
    return trained(library, layer, lambda: layer(x)[0].sum())


def transformer(library: Any) -> Step:
    """A character transformer: 4 layers, 128 wide, 64 long, batch 12."""
    nn = library.nn
    layer = nn.TransformerEncoderLayer(128, 4, dim_feedforward=512, dropout=0.0, batch_first=True, norm_first=True)
    model = nn.ModuleDict({
        "embed": nn.Embedding(65, 128), "blocks": nn.TransformerEncoder(layer, 4, enable_nested_tensor=False),
        "head": nn.Linear(128, 65)})
    x, y = classes(library, 65, 12, 64), classes(library, 65, 12 * 64)
    mask = nn.Transformer.generate_square_subsequent_mask(64)

    def loss() -> Any:
        hidden = model["blocks"](model["embed"](x), mask=mask, is_causal=True)
        return nn.functional.cross_entropy(model["head"](hidden).flatten(0, 1), y)

    return trained(library, model, loss)


def lenet(library: Any) -> Step:
    """LeNet on 28x28, batch 64."""
    nn = library.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    x, y = data(library, 64, 1, 28, 28), classes(library, 10, 64)
    return trained(library, model, lambda: nn.functional.cross_entropy(model(x), y))


def residual(library: Any) -> Step:
    """A block of two 3x3 convolutions with batch norm, 64 channels, 32x32, batch 32."""
    nn, functional = library.nn, library.nn.functional
    model = nn.ModuleList([nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64),
                           nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)])
    x = data(library, 32, 64, 32, 32)

    def loss() -> Any:
        inner = functional.relu(model[1](model[0](x)))
        return functional.relu(x + model[3](model[2](inner))).mean()

    return trained(library, model, loss)


WANTED: list[tuple[str, Callable[[Any], Step], float]] = [
    ("4-64-64-2 MLP, Adam, batch 32", small_mlp, 12), ("LSTMCell, 50 steps", lstm_cell, 6),
    ("actor-critic step, batch 1", actor_critic, 10), ("784-256-10 MLP, batch 128", wide_mlp, 1.5),
    ("LSTM layer, 16x50x32-64", lstm_layer, 1.5), ("character transformer", transformer, 1.2),
    ("LeNet 28x28, batch 64", lenet, 1.5), ("3x3 convolution block, 64 channels, 32x32, batch 32", residual, 0.9),
]


def repeated(step: Step, prepare: Callable[[], None]) -> Callable[[int], None]:
    """A function that prepares and then takes n steps."""

    def call(n: int) -> None:
        prepare()
        for _ in range(n):
            step()

    return call


def best_threads(library: Any, step: Step, cores: int) -> int:
    """The number of threads with which the fastest of some steps was fastest."""
    found = {}
    for threads in sorted({1, cores}):
        library.set_num_threads(threads)
        step()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        found[threads] = min(times)
    return min(found, key=lambda threads: found[threads])


def rows(libraries: dict[str, Any], cores: int) -> list[Row]:
    """The rows, one model in each library."""
    made = []
    for name, build, wanted in WANTED:
        ways = {}
        for way, library in libraries.items():
            library.manual_seed(0)
            step = build(library)
            threads = best_threads(library, step, cores) if way == "torch" else cores
            ways[way] = repeated(step, lambda library=library, threads=threads: library.set_num_threads(threads))
        made.append(Row(name, ways, wanted))
    return made
