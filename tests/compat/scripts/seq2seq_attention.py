"""Sequences of digits turned around by a GRU with attention, teacher forcing and a greedy decoder."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(13)
random.seed(13)
BEGIN, END, SIZE, LENGTH = 0, 1, 8, 5


def samples(count):
    inner = torch.randint(2, SIZE, (count, LENGTH))
    return inner, torch.cat([inner.flip(1), torch.full((count, 1), END)], dim=1)


class Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.wa, self.ua, self.va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys):
        scores = self.va(torch.tanh(self.wa(query.unsqueeze(1)) + self.ua(keys))).squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        return torch.bmm(weights, keys).squeeze(1), weights


class Seq2Seq(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(SIZE, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Bilinear(hidden, hidden, hidden)
        self.attention = Attention(hidden)
        self.cell = nn.GRUCell(2 * hidden, hidden)
        self.out = nn.Linear(hidden, SIZE)

    def forward(self, source, target=None, forcing=0.0):
        encoded, last = self.encoder(self.embedding(source))
        keys = torch.add(*encoded.chunk(2, dim=-1)).div(2)
        hidden = torch.tanh(self.bridge(last[0], last[-1]))
        token = source.new_full((source.size(0),), BEGIN)
        logits, seen = [], []
        for step in range(LENGTH + 1):
            context, weights = self.attention(hidden, keys)
            hidden = self.cell(torch.cat([self.embedding(token), context], dim=-1), hidden)
            logits.append(self.out(hidden))
            seen.append(weights)
            forced = target is not None and random.random() < forcing
            token = target[:, step] if forced else logits[-1].argmax(dim=-1).detach()
        return torch.stack(logits, dim=1), torch.cat(seen, dim=1)


model = Seq2Seq()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0, rho=0.9)
for step in range(30):
    source, target = samples(32)
    logits, weights = model(source, target, forcing=0.9)
    loss = F.cross_entropy(logits.permute(0, 2, 1), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0 or step == 29:
        print(f"step {step:2d}: loss {loss.item():.3f}")
print(tuple(weights.shape), torch.allclose(weights.sum(-1), torch.ones(32, 6)))

model.eval()
with torch.no_grad():
    source, target = samples(4)
    logits, weights = model(source)
    likely, guess = logits.log_softmax(-1).max(-1)
    print(guess.shape, guess.dtype, bool((likely <= 0).all()))
    length = torch.where(guess == END, torch.arange(LENGTH + 1), LENGTH + 1).amin(dim=1).clamp(max=LENGTH)
    print("lengths in range:", bool(((length >= 0) & (length <= LENGTH)).all()))
    edits = (guess[:, :LENGTH] != target[:, :LENGTH]).count_nonzero(dim=1)
    print(edits.shape, source.gather(1, torch.tensor([[0], [1], [2], [3]])).flatten().tolist(), source[0].tolist())
for name, module in model.named_children():
    print(name, sum(p.numel() for p in module.parameters()))
