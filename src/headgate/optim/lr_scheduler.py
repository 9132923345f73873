"""`torch.optim.lr_scheduler`: schedules of learning rates. This file only re-exports."""

from headgate.optim.schedule import LRScheduler as LRScheduler
from headgate.optim.schedule import _LRScheduler as _LRScheduler
from headgate.optim.schedule_combined import ChainedScheduler as ChainedScheduler
from headgate.optim.schedule_combined import ReduceLROnPlateau as ReduceLROnPlateau
from headgate.optim.schedule_combined import SequentialLR as SequentialLR
from headgate.optim.schedule_cycles import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from headgate.optim.schedule_cycles import CyclicLR as CyclicLR
from headgate.optim.schedule_cycles import OneCycleLR as OneCycleLR
from headgate.optim.schedule_factors import ConstantLR as ConstantLR
from headgate.optim.schedule_factors import CosineAnnealingLR as CosineAnnealingLR
from headgate.optim.schedule_factors import ExponentialLR as ExponentialLR
from headgate.optim.schedule_factors import LambdaLR as LambdaLR
from headgate.optim.schedule_factors import LinearLR as LinearLR
from headgate.optim.schedule_factors import MultiplicativeLR as MultiplicativeLR
from headgate.optim.schedule_factors import MultiStepLR as MultiStepLR
from headgate.optim.schedule_factors import PolynomialLR as PolynomialLR
from headgate.optim.schedule_factors import StepLR as StepLR
