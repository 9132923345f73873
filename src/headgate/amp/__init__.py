"""`torch.amp`: automatic mixed precision on the CPU. Re-exports only."""

from headgate.amp import autocast_mode as autocast_mode
from headgate.amp import grad_scaler as grad_scaler
from headgate.amp.autocast_mode import autocast as autocast
from headgate.amp.autocast_mode import custom_bwd as custom_bwd
from headgate.amp.autocast_mode import custom_fwd as custom_fwd
from headgate.amp.autocast_mode import is_autocast_available as is_autocast_available
from headgate.amp.grad_scaler import GradScaler as GradScaler
