"""Training under autocast with a gradient scaler, accumulated gradients, clipping, and a checkpoint that resumes."""

import os
import random
import tempfile

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x):
        return x + self.block(x)


def build():
    model = nn.Sequential(nn.Linear(5, 16), *[Residual(16) for _ in range(2)], nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=4)
    return model, optimizer, scheduler, scaler


def epoch(model, optimizer, scheduler, scaler, loader, accumulate=2):
    model.train()
    total, norm = 0.0, torch.tensor(0.0)
    optimizer.zero_grad(set_to_none=True)
    for number, (x, y) in enumerate(loader, start=1):
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            prediction = model(x)
            loss = nn.functional.mse_loss(prediction.float(), y) / accumulate
        scaler.scale(loss).backward()
        if number % accumulate == 0:
            scaler.unscale_(optimizer)
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
        total += loss.item() * accumulate
    scheduler.step()
    return total / len(loader), norm.item()


seed_everything(8)
x = torch.randn(128, 5)
y = (x @ torch.tensor([1.0, -2.0, 0.5, 0.0, 1.0])).unsqueeze(1) + 0.1 * torch.randn(128, 1)
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=False, num_workers=0, pin_memory=False)
model, optimizer, scheduler, scaler = build()
for number in range(3):
    loss, norm = epoch(model, optimizer, scheduler, scaler, loader)
    print(f"epoch {number}: loss {loss:.2f}, scale {scaler.get_scale():.0f}, "
          f"rate {optimizer.param_groups[0]['lr']:.5f}, clipped {norm > 0}")

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "checkpoint.pt")
    torch.save({"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(), "scaler": scaler.state_dict(),
                "rng": torch.get_rng_state()}, path)
    straight = epoch(model, optimizer, scheduler, scaler, loader)[0]
    resumed = build()
    checkpoint = torch.load(path, map_location=torch.device("cpu"), weights_only=True)
    for part, name in zip(resumed, ("model", "optimizer", "scheduler", "scaler")):
        part.load_state_dict(checkpoint[name])
    torch.set_rng_state(checkpoint["rng"])
    again = epoch(*resumed, loader)[0]
print("resumed exactly:", straight == again, checkpoint["epoch"], sorted(checkpoint["scaler"]))

with torch.no_grad():
    p = next(iter(model.parameters()))
    p.grad = torch.full_like(p, float("inf"))
    for q in list(model.parameters())[1:]:
        q.grad = torch.zeros_like(q)
old, weight = scaler.get_scale(), p.detach().clone()
scaler.step(optimizer)
scaler.update()
print("step left out:", torch.equal(weight, p), scaler.get_scale() / old, scaler.is_enabled())
with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
    print(model(x[:2]).dtype, torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"))
print(model.half()[0].weight.dtype, model.float()[0].weight.dtype, torch.finfo(torch.bfloat16).eps)
