# Fine-tuning: a trunk learns the digits 0 to 4, is frozen, and a new head on it learns 5 to 9. The trunk's bytes, the
# running means of its batch norm among them, are compared before and after: not one may have changed.
import argparse
import copy
import hashlib

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def digest(module):
    """What a module holds, parameters and buffers, as one short text."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def fit(model, parameters, data, epochs, frozen=None):
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    for _ in range(epochs):
        model.train()
        if frozen is not None:
            frozen.eval()                           # else its batch norm would go on counting
        total = 0.0
        for x, y in DataLoader(data, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(x)
    print(f"  epoch {epochs}: loss {total / len(data):.4f}")


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    x, y = data.tensors
    return 100.0 * (model(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description="fine-tuning with a frozen trunk")
    parser.add_argument("--short", action="store_true", help="a few epochs only")
    epochs = 4 if parser.parse_args().short else 15
    torch.manual_seed(0)

    pixels, classes = load_digits(return_X_y=True)
    order = torch.randperm(len(pixels))
    x = torch.tensor(pixels / 16.0, dtype=torch.float32)[order]
    y = torch.tensor(classes)[order]
    low, cut = y < 5, 1400
    first = TensorDataset(x[:cut][low[:cut]], y[:cut][low[:cut]])
    second = TensorDataset(x[:cut][~low[:cut]], y[:cut][~low[:cut]] - 5)
    held_out = TensorDataset(x[cut:][~low[cut:]], y[cut:][~low[cut:]] - 5)

    trunk = nn.Sequential(nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
    model = nn.Sequential(trunk, nn.Linear(48, 5))
    print("digits 0 to 4, everything learns")
    fit(model, model.parameters(), first, epochs)

    for p in trunk.parameters():
        p.requires_grad_(False)
        p.grad = None
    before, kept = digest(trunk), copy.deepcopy(trunk.state_dict())
    model[1] = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 5))
    print(f"digits 5 to 9, a new head on the frozen trunk: {accuracy(model, held_out):.1f} % right at first")
    learning = [p for p in model.parameters() if p.requires_grad]
    print(f"  {sum(p.numel() for p in learning)} of {sum(p.numel() for p in model.parameters())} parameters learn")
    fit(model, learning, second, 2 * epochs, frozen=trunk)
    print(f"test accuracy {accuracy(model, held_out):.1f} %")

    print(f"trunk before {before}, after {digest(trunk)}")
    assert digest(trunk) == before and all(torch.equal(kept[name], value) for name, value in trunk.state_dict().items())
    assert all(p.grad is None for p in trunk.parameters())
    print("the trunk did not move by a bit")


if __name__ == "__main__":
    main()
