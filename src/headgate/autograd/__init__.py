"""Gradients: backward and grad, modes, custom functions, hooks, checks."""

from headgate.autograd import anomaly_mode as anomaly_mode
from headgate.autograd import function as function
from headgate.autograd import functional as functional
from headgate.autograd import grad_mode as grad_mode
from headgate.autograd import graph as graph
from headgate.autograd import profiler as profiler
from headgate.autograd import variable as variable
from headgate.autograd.anomaly_mode import detect_anomaly as detect_anomaly
from headgate.autograd.anomaly_mode import set_detect_anomaly as set_detect_anomaly
from headgate.autograd.anomaly_mode import set_multithreading_enabled as set_multithreading_enabled
from headgate.autograd.backward import backward as backward
from headgate.autograd.backward import grad as grad
from headgate.autograd.function import Function as Function
from headgate.autograd.grad_mode import allow_stale as allow_stale
from headgate.autograd.grad_mode import enable_grad as enable_grad
from headgate.autograd.grad_mode import inference_mode as inference_mode
from headgate.autograd.grad_mode import is_grad_enabled as is_grad_enabled
from headgate.autograd.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from headgate.autograd.grad_mode import no_grad as no_grad
from headgate.autograd.grad_mode import set_grad_enabled as set_grad_enabled
from headgate.autograd.gradcheck import gradcheck as gradcheck
from headgate.autograd.gradcheck import gradgradcheck as gradgradcheck
from headgate.autograd.saving import saved_tensors_hooks as saved_tensors_hooks
from headgate.ops.parameter import Variable as Variable
