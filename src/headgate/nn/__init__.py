"""`torch.nn`: parameters, modules and functions of networks. This file only re-exports."""

from headgate.nn import attention as attention
from headgate.nn import functional as functional
from headgate.nn import init as init
from headgate.nn import modules as modules
from headgate.nn import parallel as parallel
from headgate.nn import parameter as parameter
from headgate.nn import utils as utils
from headgate.nn.modules import *  # noqa: F403
from headgate.nn.parallel import DataParallel as DataParallel
from headgate.nn.parameter import Buffer as Buffer
from headgate.nn.parameter import Parameter as Parameter
from headgate.nn.parameter import UninitializedBuffer as UninitializedBuffer
from headgate.nn.parameter import UninitializedParameter as UninitializedParameter
