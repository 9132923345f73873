"""`torch.optim.swa_utils`: averages of weights. This file only re-exports."""

from headgate.optim.averaging import AveragedModel as AveragedModel
from headgate.optim.averaging import get_ema_avg_fn as get_ema_avg_fn
from headgate.optim.averaging import get_ema_multi_avg_fn as get_ema_multi_avg_fn
from headgate.optim.averaging import get_swa_avg_fn as get_swa_avg_fn
from headgate.optim.averaging import get_swa_multi_avg_fn as get_swa_multi_avg_fn
from headgate.optim.averaging import update_bn as update_bn
from headgate.optim.schedule_swa import SWALR as SWALR
