"""A small network taught by a larger one: soft targets, a detached teacher, features matched, an average of weights."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(9)
N, CLASSES = 200, 4
centres = torch.randn(CLASSES, 8) * 1.5
labels = torch.randint(0, CLASSES, (N,))
inputs = centres[labels] + torch.randn(N, 8)


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(8, 48), nn.GELU(), nn.Linear(48, 16), nn.GELU())
        self.out = nn.Linear(16, CLASSES)

    def forward(self, x):
        hidden = self.features(x)
        return self.out(hidden), hidden


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 6)
        self.up = nn.Linear(6, 16, bias=False)
        self.out = nn.Linear(6, CLASSES)
        self.drop = nn.AlphaDropout(p=0.05)

    def forward(self, x):
        hidden = F.selu(self.first(x))
        return self.out(self.drop(hidden)), self.up(hidden)


teacher, student = Teacher(), Student()
optimizer = torch.optim.Adamax(teacher.parameters(), lr=0.02)
for _ in range(30):
    optimizer.zero_grad()
    F.cross_entropy(teacher(inputs)[0], labels).backward()
    optimizer.step()
teacher.eval().requires_grad_(False)
print(f"teacher {(teacher(inputs)[0].argmax(1) == labels).float().mean():.2f}")

average = AveragedModel(student, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.RAdam(student.parameters(), lr=0.02)
schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[15, 25], gamma=0.3)
soft = nn.KLDivLoss(reduction="batchmean", log_target=True)
T, alpha = 3.0, 0.7
for step in range(30):
    at = torch.randperm(N)[:50]
    x, y = inputs[at], labels[at]
    with torch.no_grad():
        wanted, features = teacher(x)
    logits, hidden = student(x)
    distilled = soft(F.log_softmax(logits / T, dim=1), F.log_softmax(wanted / T, dim=1)) * T * T
    loss = alpha * distilled + (1 - alpha) * F.cross_entropy(logits, y) + 0.05 * F.mse_loss(hidden, features.detach())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    average.update_parameters(student)
    if step % 10 == 0:
        print(f"step {step}: {loss:.3f} {distilled:.3f} {schedule.get_last_lr()[0]:.4f}")

student.eval()
average.eval()
with torch.no_grad():
    ours, theirs = student(inputs)[0], teacher(inputs)[0]
    agree = (ours.argmax(-1) == theirs.argmax(-1)).sum().item() / N
    divergence = torch.sum(theirs.softmax(1) * (theirs.log_softmax(1) - ours.log_softmax(1)), 1)
    print(f"agree {agree > 0.6}, divergence {divergence.mean():.2f}, averaged {average.n_averaged.item()}")
    print(f"average {F.cross_entropy(average(inputs)[0], labels):.2f}")
print(all(p.grad is None for p in teacher.parameters()), all(p.grad is not None for p in student.parameters()))
