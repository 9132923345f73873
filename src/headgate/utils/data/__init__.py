"""`torch.utils.data`: datasets, samplers and the loader that makes batches of them.

This file only re-exports. PyTorch's data pipes are not here.
"""

from headgate.utils.data import _utils as _utils
from headgate.utils.data._utils.iterate import _DatasetKind as _DatasetKind
from headgate.utils.data.dataloader import DataLoader as DataLoader
from headgate.utils.data.dataloader import default_collate as default_collate
from headgate.utils.data.dataloader import default_convert as default_convert
from headgate.utils.data.dataloader import get_worker_info as get_worker_info
from headgate.utils.data.dataset import ChainDataset as ChainDataset
from headgate.utils.data.dataset import ConcatDataset as ConcatDataset
from headgate.utils.data.dataset import Dataset as Dataset
from headgate.utils.data.dataset import IterableDataset as IterableDataset
from headgate.utils.data.dataset import StackDataset as StackDataset
from headgate.utils.data.dataset import Subset as Subset
from headgate.utils.data.dataset import TensorDataset as TensorDataset
from headgate.utils.data.dataset import random_split as random_split
from headgate.utils.data.distributed import DistributedSampler as DistributedSampler
from headgate.utils.data.sampler import BatchSampler as BatchSampler
from headgate.utils.data.sampler import RandomSampler as RandomSampler
from headgate.utils.data.sampler import Sampler as Sampler
from headgate.utils.data.sampler import SequentialSampler as SequentialSampler
from headgate.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from headgate.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
