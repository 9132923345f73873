# A small transformer reads harbour.txt letter by letter and then writes on: attention with a causal mask, AdamW with a
# warm-up, gradients clipped, sampling from a multinomial.
import argparse
import math
from pathlib import Path

import torch
import torch.nn as nn
from torch.nn import functional as F


class Block(nn.Module):
    """Attention to what came before, then a network for each letter; both add to what is there."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )

    def attend(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        return self.project(y.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class CharTransformer(nn.Module):
    def __init__(self, letters, width=64, heads=4, layers=2, length=48, dropout=0.1):
        super().__init__()
        self.length = length
        self.token = nn.Embedding(letters, width)
        self.place = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.ModuleList([Block(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        self.head.weight = self.token.weight                      # one matrix for reading and writing
        nn.init.normal_(self.token.weight, std=0.02)

    def forward(self, index, targets=None):
        x = self.token(index) + self.place[: index.size(1)]
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    @torch.no_grad()
    def write(self, index, count, temperature=0.8):
        for _ in range(count):
            logits, _ = self(index[:, -self.length :])
            chances = F.softmax(logits[:, -1] / temperature, dim=-1)
            index = torch.cat([index, torch.multinomial(chances, num_samples=1)], dim=1)
        return index


def batch_of(data, length, count):
    starts = torch.randint(len(data) - length - 1, (count,))
    x = torch.stack([data[start : start + length] for start in starts])
    y = torch.stack([data[start + 1 : start + 1 + length] for start in starts])
    return x, y


def main():
    parser = argparse.ArgumentParser(description="a character transformer")
    parser.add_argument("--short", action="store_true", help="a few steps only")
    steps = 120 if parser.parse_args().short else 1500
    torch.manual_seed(1337)
    text = (Path(__file__).parent / "harbour.txt").read_text(encoding="utf-8")
    letters = sorted(set(text))
    number = {letter: index for index, letter in enumerate(letters)}
    data = torch.tensor([number[letter] for letter in text], dtype=torch.long)

    model = CharTransformer(len(letters))
    print(f"{len(text)} letters, {len(letters)} different; {sum(p.numel() for p in model.parameters())} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.01)
    warm_up = 20
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, 0.5 + 0.5 * math.cos(math.pi * step / steps))
    )
    for step in range(1, steps + 1):
        _, loss = model(*batch_of(data, model.length, 16))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step == 1 or step % (steps // 6) == 0:
            print(f"step {step:4}: loss {loss.item():.4f} ({math.exp(loss.item()):.1f} letters to choose from)")
    model.eval()
    start = torch.tensor([[number[letter] for letter in "The harbour "]])
    written = model.write(start, 60 if steps < 500 else 300)[0].tolist()
    print("".join(letters[index] for index in written))


if __name__ == "__main__":
    main()
