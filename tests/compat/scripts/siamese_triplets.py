"""Points of several rings embedded so that those of one ring lie close: triplets, hard mining, nearest neighbours."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

torch.manual_seed(5)


class Triplets(Dataset):
    def __init__(self, count=150):
        self.label = torch.arange(count) % 3
        angle = 2 * torch.pi * torch.rand(count)
        radius = 1.0 + self.label.float() + 0.15 * torch.randn(count)
        self.points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
        self.by_label = {k: torch.nonzero(self.label == k, as_tuple=True)[0] for k in range(3)}

    def __len__(self):
        return len(self.label)

    def pick(self, indices):
        return indices[torch.randint(len(indices), (1,)).item()]

    def __getitem__(self, i):
        own = self.label[i].item()
        other = (own + 1 + torch.randint(2, ()).item()) % 3
        positive, negative = self.pick(self.by_label[own]), self.pick(self.by_label[other])
        return {"anchor": self.points[i], "positive": self.points[positive], "negative": self.points[negative],
                "label": own}


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.PReLU(), nn.Linear(32, 32), nn.Softplus(), nn.Linear(32, 4))

    def forward(self, x):
        return F.normalize(self.layers(x), p=2, dim=-1)


data = Triplets()
loader = DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), batch_size=30, drop_last=False))
net = Embedder()
triplet = nn.TripletMarginLoss(margin=0.5, swap=True)
cosine = nn.CosineEmbeddingLoss(margin=0.2)
distance = nn.PairwiseDistance(p=2)
optimizer = torch.optim.Adagrad(net.parameters(), lr=0.05)
for epoch in range(6):
    losses = []
    for batch in loader:
        a, p, n = net(batch["anchor"]), net(batch["positive"]), net(batch["negative"])
        loss = triplet(a, p, n) + 0.1 * cosine(a, n, -torch.ones(len(a)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    if epoch % 2 == 0:
        spread = distance(a, n).mean() - distance(a, p).mean()
        print(f"epoch {epoch}: {torch.stack(losses).mean():.4f}, gap {spread.item():.3f},",
              batch["label"].dtype)

net.eval()
with torch.no_grad():
    embedded = net(data.points)
    pairs = torch.cdist(embedded, embedded)
    pairs.fill_diagonal_(float("inf"))
    near = pairs.argsort(dim=1)[:, :5]
    votes = F.one_hot(data.label[near], 3).sum(1)
    same = data.label[:, None].eq(data.label[None, :])
    hardest = pairs.masked_fill(~same, float("-inf")).masked_fill(torch.eye(150, dtype=torch.bool), float("-inf"))
    print("neighbours right:", bool((votes.argmax(1) == data.label).float().mean() > 0.6))
    values, _ = hardest.max(dim=1)
    print("hardest positives:", values.isfinite().all().item(), f"{values.mean():.2f} {values.median():.2f}")
    centre = torch.zeros(3, 4).index_add_(0, data.label, embedded) / torch.bincount(data.label)[:, None]
    print("norms of centres:", [round(v, 2) for v in torch.linalg.vector_norm(centre, dim=1).tolist()])
    print(f"{F.cosine_similarity(centre[0], centre[1], dim=0):.2f}", torch.triu(same.long(), diagonal=1).sum().item())
