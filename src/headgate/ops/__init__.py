"""The operations, one file per family. Importing this package declares them all."""

# isort: off
# The order is that of declaration: a family may need the ops of those above it.
from headgate.ops import keep as keep  # isort: skip
from headgate.ops import bits as bits  # isort: skip
from headgate.ops import compare as compare  # isort: skip
from headgate.ops import explog as explog  # isort: skip
from headgate.ops import arith as arith
from headgate.ops import bounds as bounds
from headgate.ops import pairs as pairs
from headgate.ops import remainder as remainder
from headgate.ops import power as power
from headgate.ops import rounding as rounding
from headgate.ops import trig as trig
from headgate.ops import special as special
from headgate.ops import activation as activation
from headgate.ops import activate as activate
from headgate.ops import cumulative as cumulative
from headgate.ops import reduce as reduce
from headgate.ops import moments as moments
from headgate.ops import extreme as extreme
from headgate.ops import norms as norms
from headgate.ops import linalg as linalg
from headgate.ops import sums as sums
from headgate.ops import contraction as contraction
from headgate.ops import chains as chains
from headgate.ops import solve as solve
from headgate.ops import inverse as inverse
from headgate.ops import matrices as matrices
from headgate.ops import gammas as gammas
from headgate.ops import softmax as softmax
from headgate.ops import loss as loss
from headgate.ops import losses as losses
from headgate.ops import normalize as normalize
from headgate.ops import shape as shape
from headgate.ops import axes as axes
from headgate.ops import parts as parts
from headgate.ops import strided as strided
from headgate.ops import split as split
from headgate.ops import join as join
from headgate.ops import rearrange as rearrange
from headgate.ops import triangle as triangle
from headgate.ops import copying as copying
from headgate.ops import convert as convert
from headgate.ops import sizes as sizes
from headgate.ops import creation as creation
from headgate.ops import spaced as spaced
from headgate.ops import values as values
from headgate.ops import random as random
from headgate.ops import sampling as sampling
from headgate.ops import export as export
from headgate.ops import properties as properties
from headgate.ops import storage as storage
from headgate.ops import legacy as legacy
from headgate.ops import parameter as parameter
from headgate.ops import uninitialized as uninitialized
from headgate.ops import pickling as pickling
from headgate.ops import shared as shared
from headgate.ops import settings as settings
from headgate.ops import cut as cut
from headgate.ops import index as index
from headgate.ops import where as where
from headgate.ops import scatter as scatter
from headgate.ops import rows as rows
from headgate.ops import diagonals as diagonals
from headgate.ops import sorting as sorting
from headgate.ops import counting as counting
from headgate.ops import pad as pad
from headgate.ops import convolution as convolution
from headgate.ops import conv_tbc as conv_tbc
from headgate.ops import fold as fold
from headgate.ops import shuffle as shuffle
from headgate.ops import pooling as pooling
from headgate.ops import pool_functions as pool_functions
from headgate.ops import pool_more as pool_more
from headgate.ops import normalized as normalized
from headgate.ops import dropout as dropout
from headgate.ops import recurrent as recurrent
from headgate.ops import bags as bags
from headgate.ops import margins as margins
from headgate.ops import distances as distances
from headgate.ops import ctc as ctc
from headgate.ops import resample as resample
from headgate.ops import grids as grids
from headgate.ops import laws as laws
from headgate.ops import attention as attention
from headgate.ops import heads as heads
