"""One trunk and three heads whose losses are weighed by learned uncertainties; gradients of tasks compared."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
x = torch.randn(160, 10)
size = x[:, :3].sum(1) + 0.1 * torch.randn(160)
kind = (x[:, 3:6].argmax(1))
flags = torch.cat([(x[:, 6:7] > 0), (x[:, 7:8] + x[:, 8:9] > 0)], dim=1).to(torch.float32)


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.CELU(), nn.Dropout(0.1))
        self.heads = nn.ModuleDict({"size": nn.Linear(32, 1), "kind": nn.Linear(32, 3), "flags": nn.Linear(32, 2)})
        self.log_var = nn.ParameterDict({name: nn.Parameter(torch.zeros(())) for name in self.heads})

    def forward(self, x):
        shared = self.trunk(x)
        return {name: head(shared) for name, head in self.heads.items()}


def losses(out):
    return {"size": F.huber_loss(out["size"].squeeze(-1), size, delta=1.5),
            "kind": F.nll_loss(F.log_softmax(out["kind"], dim=1), kind),
            "flags": F.binary_cross_entropy_with_logits(out["flags"], flags, pos_weight=torch.tensor([1.0, 2.0]))}


model = MultiTask()
optimizer = torch.optim.Adam(
    [{"params": list(model.trunk.parameters()) + list(model.heads.parameters())},
     {"params": model.log_var.parameters(), "lr": 0.05, "weight_decay": 0}], lr=0.01, weight_decay=1e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=2, threshold=0.05)
for epoch in range(16):
    model.train()
    parts = losses(model(x))
    total = sum(torch.exp(-model.log_var[name]) * part + 0.5 * model.log_var[name] for name, part in parts.items())
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    plateau.step(total.item())
    if epoch % 5 == 0:
        print(f"epoch {epoch:2d}:", ", ".join(f"{name} {part.item():.3f}" for name, part in parts.items()),
              f"rate {optimizer.param_groups[0]['lr']:.4f}")
print({name: f"{value.item():.2f}" for name, value in model.log_var.items()}, plateau.num_bad_epochs)

model.eval()
parts = losses(model(x))
shared = model.trunk[0].weight
gradients = {}
for name, part in parts.items():
    gradients[name], = torch.autograd.grad(part, shared, retain_graph=True)
names = sorted(gradients)
flat = torch.stack([gradients[name].flatten() for name in names])
normal = flat / flat.norm(dim=1, keepdim=True)
similar = normal @ normal.T
print(names, [[f"{v:.2f}" for v in row] for row in similar.tolist()])
conflict = torch.where(similar < 0, similar, torch.zeros_like(similar)).sum()
print(f"conflict {conflict:.2f}", torch.equal(similar.argmax(0), torch.arange(3)))
together, = torch.autograd.grad(sum(parts.values()), shared)
print(torch.allclose(together.flatten(), flat.sum(0), atol=1e-6))

with torch.no_grad():
    out = model(x)
    right = (out["kind"].argmax(1) == kind).float().mean()
    both = ((out["flags"] > 0).float() == flags).all(dim=1).float().mean()
    print(f"kind {right:.1f}, flags {both:.1f}, size {F.l1_loss(out['size'].flatten(), size):.2f}")
unused = torch.autograd.grad(parts_of := losses(model(x))["size"], model.heads["kind"].weight, allow_unused=True)
print(unused, parts_of.requires_grad)
