# A small convolutional network with batch norm and dropout on scikit-learn's handwritten digits, 8x8 pixels each.
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """Images of one channel, moved by up to one pixel while training."""

    def __init__(self, images, labels, move):
        self.images = torch.from_numpy(images).float().div(16).unsqueeze(1)
        self.labels = torch.from_numpy(labels)
        self.move = move

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.move:
            shifts = torch.randint(-1, 2, (2,)).tolist()
            image = torch.roll(image, shifts, dims=(1, 2))
        return image, self.labels[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = self.dropout(torch.flatten(x, 1))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def train(model, loader, optimizer, scheduler):
    model.train()
    total = 0.0
    for data, target in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * data.size(0)
    return total / len(loader.dataset)


def test(model, loader):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.nll_loss(output, target, reduction="sum").item()
            correct += output.argmax(dim=1, keepdim=True).eq(target.view_as(output.argmax(1, True))).sum().item()
    return loss / len(loader.dataset), 100.0 * correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="digits with a CNN")
    parser.add_argument("--short", action="store_true", help="two epochs only")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--workers", type=int, default=0, help="processes that load the data")
    args = parser.parse_args()
    epochs = 2 if args.short else args.epochs
    torch.manual_seed(0)

    images, labels = load_digits(return_X_y=True)
    split = train_test_split(images.reshape(-1, 8, 8), labels, test_size=0.2, random_state=0)
    more = {"num_workers": args.workers, "persistent_workers": args.workers > 0}
    train_loader = DataLoader(Digits(split[0], split[2], True), batch_size=64, shuffle=True, **more)
    test_loader = DataLoader(Digits(split[1], split[3], False), batch_size=180)

    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, epochs=epochs, steps_per_epoch=len(train_loader))
    for epoch in range(1, epochs + 1):
        train_loss = train(model, train_loader, optimizer, scheduler)
        test_loss, right = test(model, test_loader)
        print(f"epoch {epoch:2}: train loss {train_loss:.4f}, test loss {test_loss:.4f}, test accuracy {right:.1f} %")


if __name__ == "__main__":
    main()
