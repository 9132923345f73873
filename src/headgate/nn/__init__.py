"""`torch.nn`: parameters and functions of networks."""

from headgate.nn import functional as functional
from headgate.nn import parameter as parameter
from headgate.nn import utils as utils
from headgate.nn.parameter import Buffer as Buffer
from headgate.nn.parameter import Parameter as Parameter
from headgate.nn.parameter import UninitializedParameter as UninitializedParameter
