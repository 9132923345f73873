"""Random number generators: PyTorch's CPU streams, word for word, filling NumPy arrays of any dtype and layout.

A fill checks its arguments, lays the numbers out in the order in which PyTorch visits the target (memory order,
innermost stride first), and leaves the stream where PyTorch leaves it. It must not know tensors, gradients or modes.
"""

from __future__ import annotations

import operator
import os
from typing import Any

import cython
import numpy as np

from headgate.core.random_checks import (
    CONTINUOUS,
    EXPANDED,
    FLOAT32,
    FLOAT64,
    INFINITE_PROBABILITY,
    INT64,
    LOWEST,
    NEGATIVE_PROBABILITY,
    NO_PROBABILITY,
    NOT_A_DISTRIBUTION,
    NOT_IMPLEMENTED,
    PROBABILITIES,
    RANDOM_FULL,
    UINT8,
    c_name,
    check_overlap,
    check_permutation,
    check_uniform,
    check_weights,
    checked_state,
    closed_range,
    fill_axes,
    int64,
    largest_integer,
    mantissa_bits,
    require_float,
    store,
    type_name,
)

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.kernels.reference import copy_into
    from headgate.kernels.reference_random import MT19937, plain

INITIAL_SEED = 67280421310721  # of a fresh generator, as in PyTorch
LARGE_PERMUTATION = (2**32 - 1) // 20  # from here on PyTorch draws two words an element
EXPONENTIAL, GEOMETRIC, CAUCHY = 0, 1, 2  # the engine's numbers for laws that are functions of one uniform
FLOAT_FORMS = (1, 2, 3, 4)  # the engine's numbers for arrays of float32, float64, float16 and bfloat16
WIDE_RANGE = 2**28  # from here on an integer takes two words, which keeps the skew of `%` small


def _ready(array: Any, forms: tuple[int, ...], dtype: Any) -> Any:
    """`array` itself if it is one of `forms`, else flat memory of `dtype` whose content is stored afterwards."""
    if plain(array) in forms:
        return array
    check_overlap(array)
    return np.empty(array.size, dtype)


class Generator:
    """A stream of random numbers with PyTorch's CPU algorithms (mt19937): same seed, same numbers, same position after.

    The fills take a NumPy array, write every element of it and return it. `Generator(device="cpu")`; any other device
    raises RuntimeError. Unlike PyTorch's, bad arguments never move the stream.
    """

    def __init__(self, device: Any = "cpu") -> None:
        if str(device) not in ("cpu", "cpu:0"):
            raise RuntimeError(f"Device type {device} is not supported for torch.Generator() api.")
        self.engine = MT19937(INITIAL_SEED)

    @property
    def device(self) -> str:
        """The name of the device, always "cpu"."""
        return "cpu"

    # ---- seeds and state ----

    def manual_seed(self, seed: Any) -> Generator:
        """Start again from an integer of -2**63 .. 2**64 - 1 (negative ones count from 2**64 down); returns self."""
        if isinstance(seed, (bool, float, str)) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        number = operator.index(seed)
        if not LOWEST <= number < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self.engine.seed(number % 2**64)
        return self

    def seed(self) -> int:
        """Start again from a number of the system's randomness, and return it."""
        number = int.from_bytes(os.urandom(8), "little")
        self.engine.seed(number)
        return number

    def initial_seed(self) -> int:
        """The seed that the stream was last started from."""
        return int(self.engine.initial_seed())

    def get_state(self) -> Any:
        """The stream's position: 5056 bytes (uint8), interchangeable with `torch.get_rng_state()`."""
        return self.engine.get_state()

    def set_state(self, state: Any) -> Generator:
        """Continue from bytes of `get_state()`. TypeError if not a uint8 array, RuntimeError if not such a state."""
        self.engine.set_state(checked_state(state))
        return self

    def clone_state(self) -> Generator:
        """A generator of its own at the same position."""
        other = Generator()
        other.engine = self.engine.copy()
        return other

    def get_offset(self) -> int:
        """Raises RuntimeError: streams on the CPU have no offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> None:
        """Raises RuntimeError: streams on the CPU have no offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self) -> Any:
        return _restored, (self.get_state(),)

    def random(self) -> int:
        """The next 32-bit word."""
        return int(self.engine.random())

    def random64(self) -> int:
        """The next two words as one number, the first one high."""
        return int(self.engine.random64())

    # ---- uniform and normal ----

    def uniform(self, array: Any, low: float = 0.0, high: float = 1.0) -> Any:
        """u * (high - low) + low with u in [0, 1): 53 bits of two words for float64, 24 of one for other floats.

        Half types are rounded from float32; a result that rounds to `high` becomes `low`. Bits as PyTorch's.
        RuntimeError for bounds that are no finite, rising pair; NotImplementedError for other dtypes.
        """
        form: cython.int = plain(array)
        if 0 < form < 5 and -3e4 < low <= high < 3e4:  # no need to look closer
            self.engine.uniform(array, low, high)
            return array
        require_float(array, "check_uniform_bounds")
        check_uniform(low, high, array.dtype)
        if array.size:
            target = _ready(array, FLOAT_FORMS, array.dtype)
            self.engine.uniform(target, low, high)
            if target is not array:
                store(array, target)
        return array

    def normal(self, array: Any, mean: float = 0.0, std: float = 1.0) -> Any:
        """Normal numbers by Box and Muller's method (1958), as PyTorch draws them.

        Contiguous arrays of 16 and more are made in blocks of 16; smaller and strided ones singly in float64, the
        second of each pair kept for the next such call. RuntimeError unless std >= 0; NotImplementedError for dtypes
        that are no floats.
        """
        if not std >= 0.0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        if array.size == 0:
            return array
        form: cython.int = plain(array)
        if not 0 < form < 5:
            require_float(array, "normal_kernel_cpu")
        if array.size < 16 or not array.flags.c_contiguous:
            target = _ready(array, (1, 2), FLOAT64)
            self.engine.normal_serial(target, mean, std)
        else:
            target = _ready(array, FLOAT_FORMS, array.dtype)
            self.engine.normal(target, mean, std)
        if target is not array:
            store(array, target)
        return array

    def log_normal(self, array: Any, mean: float = 1.0, std: float = 2.0) -> Any:
        """exp of normal numbers drawn singly in float64. RuntimeError unless std > 0; floats only."""
        if not std > 0.0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        if array.size == 0:
            return array
        require_float(array, "log_normal_cpu")
        target = _ready(array, (2,), FLOAT64)
        self.engine.log_normal(target, mean, std)
        if target is not array:
            store(array, target)
        return array

    # ---- integers ----

    def random_range(self, array: Any, low: Any, high: Any = None) -> Any:
        """Whole numbers of low .. high - 1: word % (high - low) + low; two words from a range of 2**28 on.

        Any dtype; `high` None means up to the dtype's largest (2**mantissa bits for floats). RuntimeError for an empty
        range or one that the dtype does not hold, UserWarning where a float dtype has gaps in it.
        """
        low = int64(low)
        if high is None:
            if low == LOWEST:
                return self._random_full(array)
        else:
            high = int64(high)
            if low < high and plain(array) == 5:
                self.engine.integers(array, high - low, low, high - low >= WIDE_RANGE)
                return array
        low, last = closed_range(low, high, array.dtype)
        return self._integers(array, last - low + 1, low, last - low + 1 >= WIDE_RANGE)

    def random_fill(self, array: Any) -> Any:
        """Whole numbers from 0 to the dtype's largest (2**mantissa bits for floats), any dtype."""
        dtype = array.dtype
        return self._integers(array, largest_integer(dtype) + 1, 0, dtype.name in ("int64", "float64"))

    def _random_full(self, array: Any) -> Any:
        if array.dtype.name not in ("int64", "float64", "float32", "bfloat16"):
            raise RuntimeError(RANDOM_FULL)
        return self._integers(array, 0, 0, True)

    def _integers(self, array: Any, span: int, base: int, wide: bool) -> Any:
        if array.size == 0:
            return array
        target = _ready(array, (5,), INT64)
        self.engine.integers(target, span % 2**64, base, wide)
        if target is not array:
            store(array, target)
        return array

    def randperm(self, n: Any, dtype: Any = INT64) -> Any:
        """A new array with 0 .. n-1 in random order. RuntimeError if n < 0 or `dtype` cannot hold it."""
        count = int64(n)
        if dtype is not INT64 or count < 0:
            dtype = np.dtype(dtype)
            check_permutation(count, dtype)
        result = np.empty(count, INT64)
        if count >= LARGE_PERMUTATION:
            self.engine.permutation_large(result)
        else:
            self.engine.permutation(result)
        if dtype is INT64 or dtype == INT64:
            return result
        other = np.empty(count, dtype)
        store(other, result)
        return other

    # ---- bernoulli and the laws that are functions of one uniform ----

    def bernoulli(self, array: Any, p: Any = 0.5) -> Any:
        """1 with probability p, else 0, in any dtype. `p`: a number (two words an element) or an array that broadcasts
        to `array` (one word where it is a float narrower than float64). RuntimeError unless all 0 <= p <= 1."""
        if isinstance(p, np.ndarray):
            return self._bernoulli_each(array, p)
        chance = float(p)
        if not 0.0 <= chance <= 1.0:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={chance:g}")
        if array.size == 0:
            return array
        target = _ready(array, (1, 2, 6), UINT8)
        self.engine.bernoulli(target, chance)
        if target is not array:
            store(array, target)
        return array

    def _bernoulli_each(self, array: Any, p: Any) -> Any:
        if not mantissa_bits(p.dtype):
            raise NotImplementedError(NOT_IMPLEMENTED.format(kernel="bernoulli_tensor_cpu_p_", name=type_name(p.dtype)))
        if array.size == 0:
            return array
        if p.shape == array.shape and plain(p) in (1, 2) and plain(array) in (1, 2, 6):
            if not self.engine.bernoulli_each(array, p):
                raise RuntimeError(PROBABILITIES)
            return array
        check_overlap(array)
        if p.dtype.char == "e":  # of which NumPy converts and compares two hundred in a microsecond
            p = copy_into(np.empty(p.shape, FLOAT32), p)
        try:
            spread = np.broadcast_to(p, array.shape)
        except ValueError:
            raise RuntimeError(EXPANDED.format(target=array.shape, source=p.shape)) from None
        dtype = FLOAT64 if p.dtype.name == "float64" else FLOAT32
        chances = spread.transpose(fill_axes(array)).astype(dtype, order="C")
        target = _ready(array, (1, 2, 6), UINT8)
        if not self.engine.bernoulli_each(target, chances):
            raise RuntimeError(PROBABILITIES)
        if target is not array and array.dtype.char == "e" and array.flags.c_contiguous:
            copy_into(array, target.reshape(array.shape))
        elif target is not array:
            store(array, target)
        return array

    def dropout_mask(self, array: Any, p: float) -> Any:
        """1 where dropout with probability `p` keeps an element, else 0: bernoulli(1 - p), as in PyTorch."""
        return self.bernoulli(array, 1.0 - p)

    def exponential(self, array: Any, lambd: float = 1.0) -> Any:
        """-1 / lambd * log1p(-u) with a float64 u. RuntimeError unless lambd > 0 and the dtype is a float."""
        if not lambd > 0.0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
        if array.size and not mantissa_bits(array.dtype):
            raise RuntimeError(CONTINUOUS.format(law="Exponential", name=type_name(array.dtype)))
        return self._transformed(array, EXPONENTIAL, lambd, 0.0)

    def geometric(self, array: Any, p: float) -> Any:
        """ceil(log(u) / log1p(-p)) with a float64 u, any dtype but bool. RuntimeError unless 0 < p < 1."""
        if not 0.0 < p < 1.0:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        if array.size and array.dtype.kind == "b":
            raise NotImplementedError(NOT_IMPLEMENTED.format(kernel="geometric_cpu", name="Bool"))
        return self._transformed(array, GEOMETRIC, p, 0.0)

    def cauchy(self, array: Any, median: float = 0.0, sigma: float = 1.0) -> Any:
        """median + sigma * tan(pi * (u - 1/2)) with a float64 u. RuntimeError unless sigma > 0 and a float dtype."""
        if not sigma > 0.0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        if not mantissa_bits(array.dtype):
            raise RuntimeError(CONTINUOUS.format(law="Cauchy", name=c_name(array.dtype)))
        return self._transformed(array, CAUCHY, median, sigma)

    def _transformed(self, array: Any, law: int, first: float, second: float) -> Any:
        if array.size == 0:
            return array
        target = _ready(array, (1, 2), FLOAT64)
        self.engine.transformed(target, law, first, second)
        if target is not array:
            if not mantissa_bits(array.dtype):
                with np.errstate(invalid="ignore"):
                    target = target.astype(INT64)
            store(array, target)
        return array

    # ---- multinomial ----

    def multinomial(self, weights: Any, count: Any, replacement: bool = False) -> Any:
        """Categories drawn by weight: int64 of shape (count,) or (rows, count) for `weights` (n,) or (rows, n), floats.

        Without replacement (or for one draw) the largest of weights / exponential, largest first; with it, a float64
        uniform's place in the cumulative weights. RuntimeError for weights that are no distribution, for count < 1 or,
        without replacement, > n. Among categories of weight 0, drawn when no others are left, PyTorch's order differs.
        """
        form: cython.int = plain(weights)
        if (form == 1 or form == 2) and 0 < weights.ndim < 3 and type(count) is int and count == 1:
            winners = self.engine.race(weights) if weights.size <= 2**24 else None
            if winners is not None:
                return winners
        number = int64(count)
        check_weights(weights, number, replacement)
        if weights.ndim == 2 and weights.shape[0] == 0:
            return np.empty((0, number), INT64)
        if not replacement or number == 1:
            return self._distinct_categories(weights, number)
        return self._categories(weights, number)

    def _distinct_categories(self, weights: Any, count: int) -> Any:
        if weights.size == 0 or not (bool((weights >= 0).all()) and bool((weights < np.inf).all())):
            raise RuntimeError(NOT_A_DISTRIBUTION)
        if not bool((weights > 0).any(axis=-1).all()):
            raise RuntimeError(NO_PROBABILITY)
        expanded = 0 in weights.strides  # whose copy is in rows; any other keeps the order of its dims
        noise = np.empty(weights.shape, weights.dtype) if expanded else np.empty_like(weights)
        noise = self.exponential(noise, 1.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            score = weights / noise
        if count == 1:
            return score.argmax(axis=-1, keepdims=True)
        return np.ascontiguousarray((-score).argsort(axis=-1, kind="stable")[..., :count])

    def _categories(self, weights: Any, count: int) -> Any:
        if bool((weights < 0).any()) or bool(np.isnan(weights).any()):
            raise RuntimeError(NEGATIVE_PROBABILITY)
        if not bool(np.isfinite(weights).all()):
            raise RuntimeError(INFINITE_PROBABILITY)
        if not bool((weights > 0).any(axis=-1).all()):
            raise RuntimeError(NO_PROBABILITY)
        table = np.array(weights, FLOAT64 if weights.dtype.name == "float64" else FLOAT32, order="C", ndmin=2)
        table = np.add.accumulate(table, axis=-1)
        table /= table[:, -1:].copy()
        table[:, -1] = 1
        result = np.empty((table.shape[0], count), INT64)
        for row, cumulative in zip(result, table):
            self.engine.categories(row, cumulative)
        return result if weights.ndim == 2 else result[0]


def _restored(state: Any) -> Generator:
    return Generator().set_state(state)


# ---- the default generator ----

default_generator = Generator()
default_generator.seed()


def manual_seed(seed: Any) -> Generator:
    """Start the default generator again from int(seed), and return it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator from the system's randomness, and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return default_generator.initial_seed()


def get_state() -> Any:
    """The default generator's position, 5056 bytes."""
    return default_generator.get_state()


def set_state(state: Any) -> None:
    """Continue the default generator from bytes of `get_state()`."""
    default_generator.set_state(state)
