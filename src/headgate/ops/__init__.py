"""The operations, one file per family. Importing this package declares them all."""

from headgate.ops import arith as arith
