"""`torch.optim`: optimizers, learning-rate schedulers, weight averaging. This file only re-exports."""

from headgate.optim import lr_scheduler as lr_scheduler
from headgate.optim import swa_utils as swa_utils
from headgate.optim._adafactor import Adafactor as Adafactor
from headgate.optim._muon import Muon as Muon
from headgate.optim.adadelta import Adadelta as Adadelta
from headgate.optim.adagrad import Adagrad as Adagrad
from headgate.optim.adam import Adam as Adam
from headgate.optim.adamax import Adamax as Adamax
from headgate.optim.adamw import AdamW as AdamW
from headgate.optim.asgd import ASGD as ASGD
from headgate.optim.lbfgs import LBFGS as LBFGS
from headgate.optim.nadam import NAdam as NAdam
from headgate.optim.optimizer import Optimizer as Optimizer
from headgate.optim.radam import RAdam as RAdam
from headgate.optim.rmsprop import RMSprop as RMSprop
from headgate.optim.rprop import Rprop as Rprop
from headgate.optim.sgd import SGD as SGD
from headgate.optim.sparse_adam import SparseAdam as SparseAdam
from headgate.optim.swapping import swap_in_optimizer_params_and_state as swap_in_optimizer_params_and_state
