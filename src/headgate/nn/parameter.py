"""`torch.nn.parameter`: Parameter and its relatives. This file only re-exports."""

from headgate.ops.parameter import Buffer as Buffer
from headgate.ops.parameter import Parameter as Parameter
from headgate.ops.uninitialized import UninitializedBuffer as UninitializedBuffer
from headgate.ops.uninitialized import UninitializedParameter as UninitializedParameter
from headgate.ops.uninitialized import UninitializedTensorMixin as UninitializedTensorMixin
from headgate.ops.uninitialized import is_lazy as is_lazy
