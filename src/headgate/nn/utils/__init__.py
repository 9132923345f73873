"""`torch.nn.utils`: what is done to modules, their parameters and gradients. This file only re-exports."""

from headgate.nn.utils import parametrizations as parametrizations
from headgate.nn.utils import parametrize as parametrize
from headgate.nn.utils import rnn as rnn
from headgate.nn.utils import stateless as stateless
from headgate.nn.utils.clip_grad import clip_grad_norm as clip_grad_norm
from headgate.nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from headgate.nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from headgate.nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from headgate.nn.utils.clip_grad import get_total_norm as get_total_norm
from headgate.nn.utils.convert_parameters import parameters_to_vector as parameters_to_vector
from headgate.nn.utils.convert_parameters import vector_to_parameters as vector_to_parameters
from headgate.nn.utils.fusion import fuse_conv_bn_eval as fuse_conv_bn_eval
from headgate.nn.utils.fusion import fuse_conv_bn_weights as fuse_conv_bn_weights
from headgate.nn.utils.fusion import fuse_linear_bn_eval as fuse_linear_bn_eval
from headgate.nn.utils.fusion import fuse_linear_bn_weights as fuse_linear_bn_weights
from headgate.nn.utils.init import skip_init as skip_init
from headgate.nn.utils.spectral_norm import remove_spectral_norm as remove_spectral_norm
from headgate.nn.utils.spectral_norm import spectral_norm as spectral_norm
from headgate.nn.utils.weight_norm import remove_weight_norm as remove_weight_norm
from headgate.nn.utils.weight_norm import weight_norm as weight_norm
