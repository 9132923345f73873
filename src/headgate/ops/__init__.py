"""The operations, one file per family. Importing this package declares them all."""

from headgate.ops import arith as arith
from headgate.ops import reduce as reduce
from headgate.ops import shape as shape
from headgate.ops import creation as creation
from headgate.ops import cut as cut
