"""Images of bars, crosses and boxes, told apart by a convolutional network: Dataset, sampler, scheduler, confusion."""

from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, Subset, WeightedRandomSampler

torch.manual_seed(1)
NAMES = ["bar", "cross", "box"]


class Shapes(Dataset):
    def __init__(self, count, size=12, transform=None):
        self.transform, self.items = transform, []
        picks = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), count, replacement=True)
        for label in picks.tolist():
            image = torch.zeros(1, size, size)
            row, column = torch.randint(2, size - 4, (2,)).tolist()
            if label == 0:
                image[:, row] = 1
            elif label == 1:
                image[:, row, :] = 1
                image[..., column] = 1
            else:
                image[0, row - 1 : row + 3, column - 1 : column + 3] = 1
                image[0, row : row + 2, column : column + 2] = 0
            self.items.append((image, label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        image, label = self.items[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, label


def augment(image):
    image = image + 0.3 * torch.randn_like(image)
    if torch.rand(1).item() < 0.5:
        image = torch.flip(image, dims=[-1])
    return image.clamp_(0, 1)


class Net(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding="same", padding_mode="reflect"), nn.GroupNorm(4, 16), nn.LeakyReLU(0.1),
            nn.AdaptiveAvgPool2d((2, 2)),
        )
        self.drop = nn.Dropout2d(0.1)
        self.classifier = nn.Linear(16 * 2 * 2, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.drop(self.features(x))
        return self.classifier(torch.flatten(x, 1))


data = Shapes(360, transform=augment)
counts = Counter(label for _, label in data.items)
print({NAMES[label]: counts[label] for label in sorted(counts)})
train, test = Subset(data, range(300)), Subset(data, range(300, 360))
weights = [1.0 / counts[data.items[i][1]] for i in train.indices]
loader = DataLoader(train, batch_size=50, sampler=WeightedRandomSampler(weights, len(weights)))
model = Net()
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
EPOCHS = 5
optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-2, epochs=EPOCHS, steps_per_epoch=len(loader))

for epoch in range(EPOCHS):
    model.train()
    running, correct, seen = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = criterion(logits, labels)
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        running += loss.detach() * labels.size(0)
        correct += (logits.argmax(dim=1) == labels).sum().item()
        seen += labels.size(0)
    if epoch < 2:
        print(f"epoch {epoch}: loss {running / seen:.3f}, rate {optimizer.param_groups[0]['lr']:.5f}")

model.eval()
confusion = torch.zeros(3, 3, dtype=torch.int64)
with torch.inference_mode():
    for images, labels in DataLoader(test, batch_size=64):
        scores = F.softmax(model(images), dim=-1)
        top, guess = scores.max(dim=1)
        confusion += torch.bincount(labels * 3 + guess, minlength=9).view(3, 3)
print("right:", bool(confusion.diagonal().sum() > 50), "of", confusion.sum().item())
print(tuple(scores.shape), torch.isclose(scores.sum(1), torch.ones(60)).all().item(), bool((top > 1 / 3).all()))
print([name for name, _ in model.named_parameters()], [name for name, _ in model.named_buffers()])
