# A two-layer network learns the 1,797 handwritten digits that scikit-learn bundles: DataLoader, Adam, a schedule.
import argparse
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split


def main():
    parser = argparse.ArgumentParser(description="digits with an MLP")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="a few epochs only")
    args = parser.parse_args()
    epochs = 8 if args.short else args.epochs
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    pixels, classes = load_digits(return_X_y=True)
    digits = TensorDataset(torch.tensor(pixels / 16.0, dtype=torch.float32), torch.tensor(classes))
    train_set, test_set = random_split(digits, [0.8, 0.2], generator=torch.Generator().manual_seed(args.seed))
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=256)

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10)).to(device)
    print(model)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(train_set)} digits to learn from")
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    scheduler = StepLR(optimizer, step_size=10, gamma=0.5)

    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        scheduler.step()
        if epoch % 5 == 0 or epoch in (1, epochs):
            right = accuracy(model, test_loader)
            print(f"epoch {epoch:2}: loss {total / len(train_set):.4f}, test accuracy {right:.1f} %")


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(dim=1) == y).sum().item() for x, y in loader)
    return 100.0 * right / len(loader.dataset)


if __name__ == "__main__":
    main()
