# A physics-informed network: it knows of a damped oscillator only the start, u(0) = 1 and u'(0) = 0, which is built in,
# and the equation u'' + 2 d u' + w^2 u = 0. The loss holds second derivatives; its gradient goes through them.
import argparse

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, width=32, layers=3):
        super().__init__()
        sizes = [1] + [width] * layers
        self.hidden = nn.ModuleList(nn.Linear(m, n) for m, n in zip(sizes, sizes[1:]))
        self.last = nn.Linear(width, 1)
        for layer in [*self.hidden, self.last]:
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, t):
        x = t
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return 1 + t**2 * self.last(x)


def derivative(u, t):
    return torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), create_graph=True)[0]


def exact(t, damping, frequency):
    """The solution for u(0) = 1, u'(0) = 0."""
    w = (frequency**2 - damping**2) ** 0.5
    return torch.exp(-damping * t) * (torch.cos(w * t) + damping / w * torch.sin(w * t))


def main():
    parser = argparse.ArgumentParser(description="a damped oscillator from its equation")
    parser.add_argument("--short", action="store_true", help="fewer steps")
    steps = 1500 if parser.parse_args().short else 6000
    torch.manual_seed(123)
    damping, frequency = 1.0, 4.0
    model = Net()
    inside = torch.linspace(0, 2, 60).view(-1, 1).requires_grad_(True)
    check = torch.linspace(0, 2, 200).view(-1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=1e-5)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        u = model(inside)
        du = derivative(u, inside)
        ddu = derivative(du, inside)
        loss = ((ddu + 2 * damping * du) / frequency**2 + u).pow(2).mean()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step == 1 or step % (steps // 6) == 0:
            with torch.no_grad():
                error = (model(check) - exact(check, damping, frequency)).abs().max().item()
            print(f"step {step:4}: loss {loss.item():.6f}, largest error {error:.4f}")


if __name__ == "__main__":
    main()
