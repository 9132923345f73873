"""`torch.func`: derivatives of functions as functions, maps over a dim, functions of modules.

This file only re-exports.
"""

from headgate.func.batching import vmap as vmap
from headgate.func.derivatives import grad as grad
from headgate.func.derivatives import grad_and_value as grad_and_value
from headgate.func.derivatives import linearize as linearize
from headgate.func.derivatives import vjp as vjp
from headgate.func.jacobians import hessian as hessian
from headgate.func.jacobians import jacfwd as jacfwd
from headgate.func.jacobians import jacrev as jacrev
from headgate.func.jacobians import jvp as jvp
from headgate.func.modules import functionalize as functionalize
from headgate.func.modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from headgate.func.modules import stack_module_state as stack_module_state
from headgate.nn.utils.stateless import functional_call as functional_call
