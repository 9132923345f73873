"""Names misspelled or not there, among many that are. Read by `headgate check`, never run."""

import torch
import torch.nn.functional as F
from torch.nn import Conv4d, Linear
from torch.optim import AdmaW

x = torch.rand(2, 3, requires_grad=True)
y = F.gleu(x) + F.gelu(x)
y.sum().bakward()
z = torch.quantize_per_tensor(x.detach(), 0.1, 0, torch.quint8)
net = torch.nn.Sequential(Linear(3, 3), torch.nn.ReLu())
loss = torch.nn.CrossEntropyLos()(net(x), torch.tensor([0, 1]))
try:
    from torch.utils.data import DataLoader2
except ImportError:
    DataLoader2 = None
for parameter in net.parameters():
    parameter.gard.zero_()
x.T.contigous()
AdmaW(Conv4d(1, 2, 3).parameters())
