"""Message passing on a small graph, its edges an index: gather, scatter, softmax over neighbours, einsum."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(12)
NODES = 40
block = torch.arange(NODES) % 4
chance = torch.where(block[:, None] == block[None, :], 0.5, 0.03)
adjacency = torch.bernoulli(chance).triu(1)
adjacency = adjacency + adjacency.t() + torch.eye(NODES)
source, target = adjacency.nonzero().unbind(1)
print("edges", source.numel(), "degree", adjacency.sum(1).max().item(),
      torch.unique(block, return_counts=True)[1].tolist())
features = torch.eye(4)[block] * 0.3 + 0.7 * torch.randn(NODES, 4)


class GraphAttention(nn.Module):
    def __init__(self, inputs, outputs, heads=2):
        super().__init__()
        self.heads, self.outputs = heads, outputs
        self.project = nn.Linear(inputs, heads * outputs, bias=False)
        self.score = nn.Parameter(torch.empty(2, heads, outputs))
        nn.init.xavier_uniform_(self.score)

    def forward(self, x, source, target):
        h = self.project(x).view(-1, self.heads, self.outputs)
        left, right = torch.einsum("nhf,shf->snh", h, self.score)
        e = F.leaky_relu(left[source] + right[target], 0.2)
        index = target.unsqueeze(-1).expand_as(e)
        top = torch.full((x.size(0), self.heads), -1e9).scatter_reduce(0, index, e, reduce="amax")
        weight = (e - top.detach().gather(0, index)).exp()
        norm = torch.zeros_like(top).scatter_add(0, index, weight)
        weight = weight / norm.index_select(0, target)
        out = x.new_zeros(x.size(0), self.heads, self.outputs)
        out = out.index_add(0, target, weight.unsqueeze(-1) * h[source])
        return out.flatten(1), weight


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = GraphAttention(4, 8), GraphAttention(16, 4, heads=1)

    def forward(self, x, source, target):
        x, _ = self.one(x, source, target)
        x, weight = self.two(F.elu(x), source, target)
        return x, weight


net = Net()
shown = torch.zeros(NODES, dtype=torch.bool)
shown[torch.randperm(NODES)[:16]] = True
optimizer = torch.optim.Adam(net.parameters(), lr=0.02, weight_decay=5e-4)
for step in range(30):
    optimizer.zero_grad()
    logits, weight = net(features, source, target)
    loss = F.cross_entropy(logits[shown], block[shown])
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step}: {loss.item():.4f}, first score's gradient {net.one.score.grad.abs().sum():.4f}")
with torch.no_grad():
    logits, weight = net(features, source, target)
    sums = torch.zeros(NODES).index_put((target,), weight.squeeze(-1), accumulate=True)
    print("weights sum to one:", torch.allclose(sums, torch.ones(NODES), atol=1e-5))
    hidden = ~shown
    accuracy = (logits.argmax(1)[hidden] == block[hidden]).sum() / hidden.sum()
    print(f"hidden nodes: {accuracy:.1f}", "best edge to itself:", bool((weight.max() <= 1).item()))
    laplacian = torch.diag(adjacency.sum(0)) - adjacency
    smooth = torch.trace(logits.T @ laplacian @ logits) / torch.numel(logits)
    ranked = torch.sort(torch.diagonal(laplacian), descending=True, stable=True)
    print(f"smoothness {smooth:.2f}", ranked.values[:3].tolist(), torch.cumsum(ranked.values, 0)[-1].item())
    walk = torch.matrix_power(adjacency / adjacency.sum(1, keepdim=True), 3)
    print(f"{walk.sum():.3f}", torch.roll(block, 1)[:5].tolist(), torch.tile(block[:2], (2,)).tolist(),
          torch.repeat_interleave(block[:3], torch.tensor([1, 2, 3])).tolist())
