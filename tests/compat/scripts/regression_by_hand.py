"""A noisy cubic fitted by a small network, with a loop written by hand, early stopping and a checkpoint in memory."""

import copy
import io
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.linspace(-math.pi, math.pi, 240).unsqueeze(1)
y = 0.2 * x.pow(3) - x + 0.3 * torch.randn_like(x)
x = (x - x.mean()) / x.std()

generator = torch.Generator().manual_seed(42)
train_set, held_out = random_split(TensorDataset(x, y), [0.8, 0.2], generator=generator)
loader = DataLoader(train_set, batch_size=32, shuffle=True, generator=generator, drop_last=True)
x_held, y_held = (torch.stack(column) for column in zip(*held_out))


class Cubic(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("seen", torch.tensor(0, dtype=torch.long))
        self.body = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.SiLU())
        self.head = nn.Linear(width, 1)
        self.apply(self.begin)

    @staticmethod
    def begin(module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight, gain=nn.init.calculate_gain("tanh"))
            nn.init.constant_(module.bias, 0.01)

    def forward(self, x):
        if self.training:
            self.seen += x.size(0)
        return self.head(self.body(x)) * self.scale


device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = Cubic().to(device)
print(model)
print("parameters:", sum(p.numel() for p in model.parameters() if p.requires_grad), "on", device)
criterion = nn.SmoothL1Loss(beta=0.5)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)

best, best_state, patience = float("inf"), None, 0
for epoch in range(15):
    model.train()
    total = 0.0
    for xb, yb in loader:
        xb, yb = xb.to(device), yb.to(device, non_blocking=True)
        loss = criterion(model(xb), yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        error = torch.sqrt(torch.mean((model(x_held) - y_held) ** 2)).item()
    if epoch % 3 == 0:
        print(f"epoch {epoch:2d}: loss {total / len(train_set):.4f}, held out {error:.4f}, "
              f"rate {scheduler.get_last_lr()[0]:.4f}")
    if error < best - 1e-3:
        best, best_state, patience = error, copy.deepcopy(model.state_dict()), 0
    else:
        patience += 1
        if patience == 4:
            print("stopped early at", epoch)
            break

buffer = io.BytesIO()
torch.save({"model": best_state, "optimizer": optimizer.state_dict(), "best": best}, buffer)
buffer.seek(0)
again = Cubic()
checkpoint = torch.load(buffer, weights_only=True)
print(again.load_state_dict(checkpoint["model"]))
again.eval()
residual = (again(x_held) - y_held).detach()
r2 = 1 - residual.square().sum() / (y_held - y_held.mean()).square().sum()
print(f"R2 {r2:.4f}, seen {again.seen.item()}, best {checkpoint['best']:.4f}")
print(torch.allclose(again.scale, best_state["scale"]), sorted(checkpoint["optimizer"]))
