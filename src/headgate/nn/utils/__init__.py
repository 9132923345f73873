"""`torch.nn.utils`: what is done to parameters, gradients and sequences outside of layers. Only re-exports."""

from headgate.nn.utils import rnn as rnn
