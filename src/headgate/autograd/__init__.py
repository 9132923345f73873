"""Gradients: backward and grad, modes, custom functions, hooks, checks."""

from headgate.autograd import graph as graph
from headgate.autograd.backward import backward as backward
from headgate.autograd.backward import grad as grad
from headgate.autograd.modes import allow_stale as allow_stale
from headgate.autograd.modes import enable_grad as enable_grad
from headgate.autograd.modes import inference_mode as inference_mode
from headgate.autograd.modes import is_grad_enabled as is_grad_enabled
from headgate.autograd.modes import is_inference_mode_enabled as is_inference_mode_enabled
from headgate.autograd.modes import no_grad as no_grad
from headgate.autograd.modes import set_grad_enabled as set_grad_enabled
from headgate.autograd.function import Function as Function
from headgate.autograd.saving import saved_tensors_hooks as saved_tensors_hooks
from headgate.autograd.gradcheck import gradcheck as gradcheck
from headgate.autograd.gradcheck import gradgradcheck as gradgradcheck
from headgate.ops.parameter import Variable as Variable
