"""`torch.nn.parameter`: Parameter and its relatives. This file only re-exports."""

from headgate.ops.parameter import Buffer as Buffer
from headgate.ops.parameter import Parameter as Parameter
from headgate.ops.parameter import UninitializedParameter as UninitializedParameter
