"""`torch.backends`: the switches that scripts set, noted without effect, and questions whose answer is no."""

from headgate.backends import cuda as cuda
from headgate.backends import cudnn as cudnn
from headgate.backends import mha as mha
from headgate.backends import mkl as mkl
from headgate.backends import mkldnn as mkldnn
from headgate.backends import mps as mps
from headgate.backends import openmp as openmp
