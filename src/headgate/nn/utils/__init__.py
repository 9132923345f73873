"""`torch.nn.utils`: what is done to modules and their parameters. This file only re-exports."""

from headgate.nn.utils import parametrizations as parametrizations
from headgate.nn.utils import parametrize as parametrize
from headgate.nn.utils import stateless as stateless
from headgate.nn.utils.spectral_norm import remove_spectral_norm as remove_spectral_norm
from headgate.nn.utils.spectral_norm import spectral_norm as spectral_norm
from headgate.nn.utils.weight_norm import remove_weight_norm as remove_weight_norm
from headgate.nn.utils.weight_norm import weight_norm as weight_norm
