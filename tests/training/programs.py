"""Twelve small training programs, written as a user of PyTorch would; each takes the library that it runs on.

A program is a class: `build` makes data and model from the seed that was set, `step` gives the loss of one step.
Nothing here compares anything.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class Program:
    """A model, its optimizer and one step of training. `torch`: the library; `kind`: the dtype of everything."""

    def __init__(self, torch: Any, kind: Any) -> None:
        self.torch, self.nn, self.F, self.kind = torch, torch.nn, torch.nn.functional, kind
        self.model: Any = None
        self.optimizer: Any = None
        self.scheduler: Any = None
        self.build()

    def build(self) -> None:
        raise NotImplementedError

    def loss(self) -> Any:
        raise NotImplementedError

    def data(self, *shape: int, seed: int = 0) -> Any:
        """Fixed random numbers, the same in every library."""
        values = np.random.default_rng(seed).normal(size=shape)
        return self.torch.from_numpy(values).to(self.kind)

    def classes(self, high: int, *shape: int, seed: int = 0) -> Any:
        """Fixed random whole numbers below `high`."""
        return self.torch.from_numpy(np.random.default_rng(seed).integers(0, high, shape))

    def step(self) -> float:
        """One step of the usual kind; its loss."""
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        return float(loss.detach())


class Mlp(Program):
    """A perceptron on batches from a shuffling DataLoader, SGD with momentum and a step schedule."""

    def build(self) -> None:
        torch, nn = self.torch, self.nn
        self.model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4))
        self.model.to(self.kind)
        data = torch.utils.data.TensorDataset(self.data(96, 8), self.classes(4, 96))
        self.loader = torch.utils.data.DataLoader(data, batch_size=24, shuffle=True)
        self.batches = iter(())
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=60, gamma=0.5)

    def loss(self) -> Any:
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(self.loader)
            batch = next(self.batches)
        return self.F.cross_entropy(self.model(batch[0]), batch[1])


class Cnn(Program):
    """Convolution, batch norm and dropout, with Adam."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3),
            nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(8, 5)).to(self.kind)
        self.x, self.y = self.data(16, 1, 6, 6), self.classes(5, 16)
        self.optimizer = self.torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def loss(self) -> Any:
        return self.F.cross_entropy(self.model(self.x), self.y)


class Lstm(Program):
    """An LSTM over sequences, gradients clipped by norm."""

    def build(self) -> None:
        nn = self.nn

        class Model(nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.lstm = nn.LSTM(3, 12, batch_first=True)
                self.head = nn.Linear(12, 1)

            def forward(self, x: Any) -> Any:
                out, (hidden, _) = self.lstm(x)
                return self.head(out[:, -1] + hidden[0])

        self.model = Model().to(self.kind)
        self.x, self.y = self.data(8, 10, 3), self.data(8, 1, seed=1)
        self.optimizer = self.torch.optim.Adam(self.model.parameters(), lr=5e-3)

    def loss(self) -> Any:
        return self.F.mse_loss(self.model(self.x), self.y)

    def step(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()
        return float(loss.detach())


class Gru(Program):
    """Two layers of GRU in both directions with dropout between them, RMSprop."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.ModuleDict({
            "gru": nn.GRU(3, 8, num_layers=2, dropout=0.2, bidirectional=True), "head": nn.Linear(16, 4)})
        self.model.to(self.kind)
        self.x, self.y = self.data(9, 6, 3), self.classes(4, 6)
        self.optimizer = self.torch.optim.RMSprop(self.model.parameters(), lr=1e-3)

    def loss(self) -> Any:
        out, _ = self.model["gru"](self.x)
        return self.F.cross_entropy(self.model["head"](out.mean(0)), self.y)


class Encoder(Program):
    """A transformer encoder with dropout, AdamW and one cycle of the learning rate."""

    def build(self) -> None:
        nn, optim = self.nn, self.torch.optim
        layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, dropout=0.1, batch_first=True)
        self.model = nn.ModuleDict({
            "embed": nn.Embedding(11, 16), "encoder": nn.TransformerEncoder(layer, 2), "head": nn.Linear(16, 3)})
        self.model.to(self.kind)
        self.x, self.y = self.classes(11, 6, 7), self.classes(3, 6, seed=1)
        self.optimizer = optim.AdamW(self.model.parameters(), lr=1e-3)
        self.scheduler = optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=2e-3, total_steps=400)

    def loss(self) -> Any:
        hidden = self.model["encoder"](self.model["embed"](self.x))
        return self.F.cross_entropy(self.model["head"](hidden.mean(1)), self.y)


class Decoder(Program):
    """A character model of causal attention written by hand, weights tied, a cosine schedule."""

    def build(self) -> None:
        nn, F, optim = self.nn, self.F, self.torch.optim

        class Block(nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self, width: int, heads: int) -> None:
                super().__init__()
                self.heads = heads
                self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
                self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
                self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

            def forward(self, x: Any) -> Any:
                batch, length, width = x.shape
                parts = self.qkv(self.first(x)).view(batch, length, 3, self.heads, width // self.heads)
                q, k, v = parts.permute(2, 0, 3, 1, 4)
                mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
                return x + self.mlp(self.second(x))

        self.model = nn.ModuleDict({
            "embed": nn.Embedding(13, 16), "blocks": nn.Sequential(Block(16, 2), Block(16, 2)),
            "norm": nn.LayerNorm(16)})
        self.model.to(self.kind)
        self.tokens = self.classes(13, 4, 9)
        self.optimizer = optim.AdamW(self.model.parameters(), lr=3e-3, betas=(0.9, 0.95))
        self.scheduler = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=200)

    def loss(self) -> Any:
        hidden = self.model["norm"](self.model["blocks"](self.model["embed"](self.tokens[:, :-1])))
        logits = self.F.linear(hidden, self.model["embed"].weight)
        return self.F.cross_entropy(logits.flatten(0, 1), self.tokens[:, 1:].flatten())


class Bag(Program):
    """An embedding bag over sentences of several lengths, Adagrad."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.ModuleDict({"bag": nn.EmbeddingBag(20, 8, mode="mean"), "head": nn.Linear(8, 3)}).to(self.kind)
        self.words = self.classes(20, 30)
        self.offsets = self.torch.tensor([0, 4, 9, 11, 20])
        self.y = self.classes(3, 5, seed=2)
        self.optimizer = self.torch.optim.Adagrad(self.model.parameters(), lr=0.1)

    def loss(self) -> Any:
        return self.F.cross_entropy(self.model["head"](self.model["bag"](self.words, self.offsets)), self.y)


class Gan(Program):
    """A generator and a discriminator; the fake is detached for the discriminator's step."""

    def build(self) -> None:
        nn, optim = self.nn, self.torch.optim
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 6), nn.Tanh())
        self.critic = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
        self.model = nn.ModuleList([self.generator, self.critic]).to(self.kind)
        self.real = self.data(16, 6).tanh()
        self.optimizers = [optim.Adam(part.parameters(), lr=2e-3, betas=(0.5, 0.999)) for part in self.model]

    def step(self) -> float:
        torch, criterion = self.torch, self.nn.BCEWithLogitsLoss()
        noise = torch.randn(16, 4, dtype=self.kind)
        fake = self.generator(noise)
        ones, zeros = torch.ones(16, 1, dtype=self.kind), torch.zeros(16, 1, dtype=self.kind)
        self.optimizers[1].zero_grad()
        critic_loss = criterion(self.critic(self.real), ones) + criterion(self.critic(fake.detach()), zeros)
        critic_loss.backward()
        self.optimizers[1].step()
        self.optimizers[0].zero_grad()
        generator_loss = criterion(self.critic(fake), ones)
        generator_loss.backward()
        self.optimizers[0].step()
        return float(critic_loss.detach()) + float(generator_loss.detach())


class ActorCritic(Program):
    """Actions drawn from a Categorical in a fixed environment; advantage without gradient, entropy bonus."""

    def build(self) -> None:
        nn = self.nn
        self.body = nn.Sequential(nn.Linear(4, 16), nn.Tanh())
        self.model = nn.ModuleDict({"body": self.body, "actor": nn.Linear(16, 2), "critic": nn.Linear(16, 1)})
        self.model.to(self.kind)
        self.optimizer = self.torch.optim.Adam(self.model.parameters(), lr=3e-3)

    def loss(self) -> Any:
        torch = self.torch
        state, total = np.array([0.1, -0.2, 0.3, 0.0]), torch.zeros((), dtype=self.kind)
        for _ in range(5):
            hidden = self.body(torch.from_numpy(state).to(self.kind))
            policy = torch.distributions.Categorical(logits=self.model["actor"](hidden))
            action = policy.sample()
            turned = np.roll(state, 1) * 0.9
            turned[0] += 0.1 if action.item() == 1 else -0.1
            reward, state = -abs(turned[0]), turned
            value = self.model["critic"](hidden)[0]
            advantage = reward - value
            total = total + 2 * advantage**2 - policy.log_prob(action) * advantage.detach() - 0.01 * policy.entropy()
        return total / 5


class Vae(Program):
    """A variational autoencoder, reparametrised."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.ModuleDict({
            "encoder": nn.Sequential(nn.Linear(10, 16), nn.ReLU()), "mean": nn.Linear(16, 3), "log": nn.Linear(16, 3),
            "decoder": nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 10))}).to(self.kind)
        self.x = self.data(20, 10).sigmoid()
        self.optimizer = self.torch.optim.Adam(self.model.parameters(), lr=2e-3)

    def loss(self) -> Any:
        hidden = self.model["encoder"](self.x)
        mean, log = self.model["mean"](hidden), self.model["log"](hidden)
        sample = mean + self.torch.randn_like(mean) * (0.5 * log).exp()
        rebuilt = self.F.binary_cross_entropy_with_logits(self.model["decoder"](sample), self.x, reduction="sum")
        return (rebuilt - 0.5 * (1 + log - mean.pow(2) - log.exp()).sum()) / 20


class Lbfgs(Program):
    """A small network fitted to a noisy sine by LBFGS with its line search; every evaluation counts as a step."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).to(self.kind)
        self.x = self.torch.linspace(-3, 3, 40, dtype=self.kind).unsqueeze(1)
        self.y = (self.x * 1.5).sin() + 0.2 * self.data(40, 1)
        self.optimizer = self.torch.optim.LBFGS(
            self.model.parameters(), lr=1, max_iter=10, line_search_fn="strong_wolfe")
        self.seen: list[float] = []

    def closure(self) -> Any:
        self.optimizer.zero_grad()
        loss = self.F.mse_loss(self.model(self.x), self.y)
        loss.backward()
        self.seen.append(float(loss.detach()))
        return loss

    def step(self) -> float:
        self.optimizer.step(self.closure)
        return self.seen[-1]


class Autoencoder(Program):
    """Strided convolutions down and transposed ones up, NAdam."""

    def build(self) -> None:
        nn = self.nn
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 2, stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2, stride=2), nn.Sigmoid())
        self.model.to(self.kind)
        self.x = self.data(6, 1, 8, 8).sigmoid()
        self.optimizer = self.torch.optim.NAdam(self.model.parameters(), lr=2e-3)

    def loss(self) -> Any:
        return self.F.mse_loss(self.model(self.x), self.x) * math.sqrt(2)


PROGRAMS = {kind.__name__: kind for kind in (
    Mlp, Cnn, Lstm, Gru, Encoder, Decoder, Bag, Gan, ActorCritic, Vae, Lbfgs, Autoencoder)}
