"""torch.autograd.variable: the old name of tensors."""

from headgate.ops.parameter import Variable as Variable
