"""Uses of what Headgate has not: sparse and nested tensors, several processes. Read by `headgate check`, never run."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

indices = torch.tensor([[0, 1], [1, 0]])
graph = torch.sparse_coo_tensor(indices, torch.ones(2), (2, 2))
dense = torch.eye(3)
compressed = dense.to_sparse_csr()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.weight = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return self.layer(x).relu().to_sparse() + self.weight.sqeeze(0)


dist.init_process_group("gloo")
model = DistributedDataParallel(Net())
if hasattr(torch, "sparse_bsr_tensor"):
    rows = torch.sparse_bsr_tensor
