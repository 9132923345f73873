"""A network learned on one task, its trunk frozen and its head replaced for another; hooks, groups of parameters."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

torch.manual_seed(7)


def make(classes):
    trunk = nn.Sequential(OrderedDict([
        ("fc1", nn.Linear(6, 20)), ("bn1", nn.BatchNorm1d(20)), ("act1", nn.Hardswish()),
        ("fc2", nn.Linear(20, 20)), ("act2", nn.Mish())]))
    return nn.ModuleDict({"trunk": trunk, "head": nn.Linear(20, classes)})


def forward(net, x):
    return net["head"](net["trunk"](x))


def fit(net, optimizer, x, y, steps, scheduler=None, every=None):
    for step in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(forward(net, x), y)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if every and step % every == 0:
            print(f"  step {step:2d}: {loss.item():.4f}", [round(g["lr"], 5) for g in optimizer.param_groups])
    return loss.item()


x = torch.randn(120, 6)
source = (x[:, 0] * x[:, 1] > 0).long()
target = torch.bucketize(x[:, 0] * x[:, 1] + 0.5 * x[:, 2], torch.tensor([-0.5, 0.5]))
net = make(2)
print("source task")
fit(net, torch.optim.NAdam(net.parameters(), lr=0.01), x, source, 25, every=12)

other = make(3)
pretrained = {k: v for k, v in net.state_dict().items() if not k.startswith("head")}
outcome = other.load_state_dict(pretrained, strict=False)
print("missing", outcome.missing_keys, "unexpected", outcome.unexpected_keys)
try:
    other.load_state_dict(net.state_dict())
except RuntimeError as error:
    print(str(error).splitlines()[0], len(str(error).splitlines()))

for parameter in other["trunk"].parameters():
    parameter.requires_grad = False
other["trunk"].bn1.eval()
before = parameters_to_vector(other["trunk"].parameters()).clone()
head_only = torch.optim.SGD(filter(lambda p: p.requires_grad, other.parameters()), lr=0.2, momentum=0.5)
print("head alone")
fit(other, head_only, x, target, 20, every=10)
print("trunk as it was:", torch.equal(before, parameters_to_vector(other["trunk"].parameters())))

seen = {}
handle = other["trunk"].act1.register_forward_hook(lambda m, inputs, out: seen.update(mean=out.mean().item()))
other["trunk"].fc2.requires_grad_(True)
gradient = other["trunk"].fc2.weight.register_hook(lambda g: g * 0.5)
optimizer = torch.optim.Adam([{"params": other["head"].parameters()},
                              {"params": other["trunk"].fc2.parameters(), "lr": 1e-3}], lr=1e-2, amsgrad=True)
warm = LinearLR(optimizer, start_factor=0.1, total_iters=3)
cosine = CosineAnnealingLR(optimizer, T_max=12)
print("head and last layer")
fit(other, optimizer, x, target, 15, SequentialLR(optimizer, [warm, cosine], milestones=[3]), every=7)
handle.remove()
gradient.remove()
print(f"hook saw {seen['mean']:.4f}", other["trunk"].fc1.weight.grad is None)

optimizer.add_param_group({"params": other["trunk"].fc1.parameters(), "lr": 1e-4, "name": "first"})
print(len(optimizer.param_groups), optimizer.param_groups[-1]["name"], optimizer.param_groups[-1]["amsgrad"])
with torch.no_grad():
    flat = parameters_to_vector(other.parameters())
    vector_to_parameters(flat * 0.9, other.parameters())
    print(torch.allclose(parameters_to_vector(other.parameters()), flat * 0.9), flat.numel())
    print([name for name, child in other.named_children()], len(list(other.modules())))
