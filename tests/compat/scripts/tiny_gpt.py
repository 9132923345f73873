"""A character-level transformer with causal attention, weight decay only where it belongs, and sampling."""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(4)
TEXT = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. " * 8
chars = sorted(set(TEXT))
stoi = {ch: i for i, ch in enumerate(chars)}
data = torch.tensor([stoi[ch] for ch in TEXT])


@dataclass
class Config:
    vocab: int = len(chars)
    block: int = 16
    layers: int = 2
    heads: int = 2
    width: int = 16
    dropout: float = 0.1


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.proj = nn.Linear(config.width, config.width, bias=False)
        mask = torch.tril(torch.ones(config.block, config.block, dtype=torch.bool))
        self.register_buffer("mask", mask.view(1, 1, config.block, config.block), persistent=False)

    def forward(self, x, by_hand=False):
        b, t, c = x.size()
        q, k, v = (part.view(b, t, self.heads, c // self.heads).transpose(1, 2)
                   for part in self.qkv(x).chunk(3, dim=-1))
        if by_hand:
            score = (q @ k.transpose(-2, -1)) / math.sqrt(k.size(-1))
            score = score.masked_fill(~self.mask[:, :, :t, :t], float("-inf"))
            y = F.softmax(score, dim=-1) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(config.width), nn.RMSNorm(config.width)
        self.attention = CausalSelfAttention(config)
        self.mlp = nn.Sequential(nn.Linear(config.width, 4 * config.width), nn.GELU(approximate="tanh"),
                                 nn.Linear(4 * config.width, config.width), nn.Dropout(config.dropout))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab, config.width)
        self.wpe = nn.Embedding(config.block, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.ln_f = nn.LayerNorm(config.width)
        self.lm_head = nn.Linear(config.width, config.vocab, bias=False)
        self.lm_head.weight = self.wte.weight
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                std = 0.02 / math.sqrt(2 * config.layers) if name.endswith("proj.weight") else 0.02
                nn.init.normal_(p, mean=0.0, std=std)

    def forward(self, index, targets=None):
        position = torch.arange(index.size(1), device=index.device)
        x = self.wte(index) + self.wpe(position)
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))
        return logits, loss

    def optimizer(self, rate):
        named = {name: p for name, p in self.named_parameters() if p.requires_grad}
        decay = [p for p in named.values() if p.dim() >= 2]
        rest = [p for p in named.values() if p.dim() < 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=False)

    @torch.no_grad()
    def generate(self, index, count, temperature=1.0, top_k=None):
        for _ in range(count):
            logits, _ = self(index[:, -self.config.block :])
            logits = logits[:, -1, :] / temperature
            if top_k is not None:
                least, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < least[:, [-1]]] = -float("Inf")
            index = torch.cat((index, torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)), dim=1)
        return index


def batch(config, size=12):
    at = torch.randint(len(data) - config.block - 1, (size,))
    x = torch.stack([data[i : i + config.block] for i in at])
    y = torch.stack([data[i + 1 : i + 1 + config.block] for i in at])
    return x, y


config = Config()
model = GPT(config)
print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(model.state_dict())} entries")
optimizer = model.optimizer(6e-3)


def warmup(step, warm=5, total=40):
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup)
for step in range(40):
    x, y = batch(config)
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
    optimizer.step()
    scheduler.step()
    if step % 13 == 0:
        print(f"step {step}: loss {loss.item():.3f}, norm {norm:.3f}, rate {scheduler.get_last_lr()[1]:.5f}")

model.eval()
x, y = batch(config, 2)
attention = model.blocks[0].attention
hidden = torch.randn(2, 16, config.width)
print("both roads agree:", (attention(hidden) - attention(hidden, by_hand=True)).abs().max().item() < 1e-5)
prefix = torch.tensor([[stoi["t"], stoi["h"]]])
out = model.generate(prefix, 20, temperature=0.8, top_k=5)
print(out.shape, all(0 <= i < config.vocab for i in out[0].tolist()))
