"""`torch.utils.benchmark`: statements timed. This file only re-exports."""

from headgate.utils.benchmark.timer import Measurement as Measurement
from headgate.utils.benchmark.timer import Timer as Timer
from headgate.utils.benchmark.timer import timer as timer
