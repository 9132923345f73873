"""The 32-bit Mersenne twister with PyTorch's fills in plain NumPy: the class of `mt19937.pyx`, used uncompiled.

Same words, same positions, same bits, though slowly: fused operations are computed exactly in wider steps, and float64
functions come from the C library one by one. It must not know tensors, layouts or the default generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

WORDS = 624
STATE = np.dtype(
    [
        ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("state", "<u8", WORDS),
        ("normal_x", "<f8"), ("normal_y", "<f8"), ("normal_rho", "<f8"), ("has_double", "<i4"), ("space", "<i4"),
        ("next_float", "<f4"), ("has_float", "u1"), ("end", "u1", 3),
    ]
)  # fmt: skip
STATE_SIZE = STATE.itemsize
QUIET = np.errstate(over="ignore", invalid="ignore")  # what is too large for a dtype becomes infinite, as in C
LAWS = ("exponential", "geometric", "cauchy")


FORMS = {"float32": 1, "float64": 2, "float16": 3, "bfloat16": 4, "int64": 5, "uint8": 6, "bool": 6}


def plain(array: Any) -> int:
    """What a fill can take as it is: 1 float32, 2 float64, 3 float16, 4 bfloat16, 5 int64, 6 bool and uint8; else 0."""
    return FORMS.get(array.dtype.name, 0) if array.flags.carray else 0


def _twist(high: Any, low: Any) -> Any:
    mixed = ((high & np.uint32(0x80000000)) | (low & np.uint32(0x7FFFFFFF))) >> np.uint32(1)
    return mixed ^ np.where(low & np.uint32(1), np.uint32(0x9908B0DF), np.uint32(0))


def _renew(state: Any) -> None:
    """The next 624 words, in three stretches that read only what is finished."""
    for start, stop, source in ((0, 227, 397), (227, 454, 0), (454, 623, 227)):
        twisted = _twist(state[start:stop], state[start + 1 : stop + 1])
        state[start:stop] = state[source : source + stop - start] ^ twisted
    state[623] = state[396] ^ _twist(state[623:], state[:1])[0]


def _temper(y: Any) -> Any:
    y = y ^ (y >> np.uint32(11))
    y = y ^ ((y << np.uint32(7)) & np.uint32(0x9D2C5680))
    y = y ^ ((y << np.uint32(15)) & np.uint32(0xEFC60000))
    return y ^ (y >> np.uint32(18))


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _odd_sum(a: Any, b: Any) -> Any:
    """a + b rounded to odd in float64: rounding the result once more gives the correctly rounded sum (Boldo, 2008)."""
    total, error = _two_sum(a, b)
    bits = total.view(np.int64)
    away = np.where((error > 0) == (total > 0), 1, -1)
    return np.where((error != 0) & (bits & 1 == 0), bits + away, bits).view(np.float64)


def _fused_float(a: Any, b: Any, c: Any) -> Any:
    """a * b + c in float32 with one rounding: the product is exact in float64."""
    product = np.multiply(a, b, dtype=np.float64)
    return _odd_sum(product, np.broadcast_to(np.float64(c), product.shape)).astype(np.float32)


def _split(a: Any) -> tuple[Any, Any]:
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


def _fused_double(a: Any, b: Any, c: Any) -> Any:
    """a * b + c in float64 with one rounding, from the exact product of two halves each (Dekker, 1971)."""
    a, b = np.atleast_1d(np.float64(a)), np.atleast_1d(np.float64(b))
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    c = np.broadcast_to(np.float64(c), product.shape)
    low_sum, low_error = _two_sum(c, rest)
    total, error = _two_sum(product, low_sum)
    fused = total + _odd_sum(low_error, error)
    return np.where(np.isfinite(fused), fused, product + c)


def _each(function: Callable[[float], float], values: Any) -> Any:
    """A function of the C library for every element: NumPy's own may differ in the last bit."""
    return np.fromiter((function(value) for value in values.tolist()), np.float64, values.size)


def _log1p_negative(value: float) -> float:
    return math.log1p(-value)


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else -math.inf


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _fast_log(x: Any) -> Any:
    """Natural logarithm in float32 for 0 < x <= 1 by S. Moshier's Cephes polynomial (1992)."""
    bits = x.view(np.uint32)
    exponent = ((bits >> np.uint32(23)).astype(np.int32) - 126).astype(np.float32)
    x = ((bits & np.uint32(0x007FFFFF)) | np.uint32(0x3F000000)).view(np.float32)
    small = x < np.float32(0.707106781186547524)
    doubled = np.where(small, x, np.float32(0))
    exponent = exponent - small.astype(np.float32)
    x = (x - np.float32(1)) + doubled
    square, y = x * x, np.full_like(x, 7.0376836292e-2)
    for term in (
        -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
        -2.4999993993e-1, 3.3333331174e-1,
    ):  # fmt: skip
        y = _fused_float(y, x, np.float32(term))
    y = _fused_float(y * x, square, exponent * np.float32(-2.12194440e-4))
    y = _fused_float(square, np.float32(-0.5), y)
    return _fused_float(exponent, np.float32(0.693359375), x + y)


def _fast_sincos(x: Any) -> tuple[Any, Any]:
    """Sine and cosine in float32 for 0 <= x <= 2 pi by S. Moshier's Cephes polynomials (1992)."""
    octant = ((x * np.float32(1.27323954473516)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8):
        x = _fused_float(turns, np.float32(part), x)
    square = x * x
    even = _fused_float(np.float32(2.443315711809948e-005), square, np.float32(-1.388731625493765e-003))
    even = _fused_float(even, square, np.float32(4.166664568298827e-002)) * square
    even = _fused_float(even, square, square * np.float32(-0.5)) + np.float32(1)
    odd = _fused_float(np.float32(-1.9515295891e-4), square, np.float32(8.3321608736e-3))
    odd = _fused_float(odd, square, np.float32(-1.6666654611e-1)) * square
    odd = _fused_float(odd, x, x)
    swapped = (octant & 2) != 0
    sine, cosine = np.where(swapped, even, odd), np.where(swapped, odd, even)
    return np.where(octant & 4, -sine, sine), np.where((octant - 2) & 4, cosine, -cosine)


def _normal_blocks(data: Any, mean: float, deviation: float) -> None:
    """Box-Muller on uniforms in place; the size is a multiple of 16 and the pairs are (j, j + 8) of each 16."""
    blocks = data.reshape(-1, 2, 8)
    first, second = blocks[:, 0].ravel(), blocks[:, 1].ravel()
    if data.dtype == np.float32:
        radius = np.sqrt(np.float32(-2) * _fast_log(np.float32(1) - first))
        sine, cosine = _fast_sincos(np.float32(2 * math.pi) * second)
        fused: Any = _fused_float
        mean, deviation = np.float32(mean), np.float32(deviation)
    else:
        radius = np.sqrt(-2 * _each(math.log, 1 - first))
        angle = 2 * math.pi * second
        sine, cosine, fused = _each(math.sin, angle), _each(math.cos, angle), _fused_double
    blocks[:, 0] = fused(radius * cosine, deviation, mean).reshape(-1, 8)
    blocks[:, 1] = fused(radius * sine, deviation, mean).reshape(-1, 8)


class MT19937:
    """A stream of 32-bit words, seeded with the low 32 bits of `seed` as in PyTorch, and its fills."""

    def __init__(self, seed: int = 67280421310721) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again from `seed`; cached normals are dropped."""
        self._seed = seed
        words = [seed & 0xFFFFFFFF]
        for i in range(1, WORDS):
            words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + i) & 0xFFFFFFFF)
        self._state = np.array(words, np.uint32)
        self._left, self._next = 1, 0
        self._next_double: float | None = None
        self._next_float: float | None = None

    def initial_seed(self) -> int:
        """The seed that the stream was started from, 64 bits."""
        return self._seed

    def _take(self, count: int) -> Any:
        """The next `count` words."""
        parts = []
        while count:
            if self._left == 1:
                _renew(self._state)
                self._left, self._next = WORDS + 1, 0
            now = min(count, self._left - 1)
            parts.append(_temper(self._state[self._next : self._next + now]))
            self._left -= now
            self._next += now
            count -= now
        return np.concatenate(parts) if parts else np.empty(0, np.uint32)

    def _take_wide(self, count: int) -> Any:
        """The next `count` 64-bit words, the first of two the high one."""
        words = self._take(2 * count).astype(np.uint64)
        return words[::2] << np.uint64(32) | words[1::2]

    def _units(self, count: int, dtype: Any) -> Any:
        """Uniforms of [0, 1): float32 from 24 bits of a word, float64 from 53 of two."""
        if dtype == np.float32:
            return (self._take(count) & np.uint32(0xFFFFFF)).astype(np.float32) * np.float32(2**-24)
        return (self._take_wide(count) & np.uint64(2**53 - 1)).astype(np.float64) * 2**-53

    def random(self) -> int:
        """The next 32-bit word."""
        return int(self._take(1)[0])

    def random64(self) -> int:
        """The next two words as one, the first one high."""
        return int(self._take_wide(1)[0])

    def copy(self) -> MT19937:
        """An engine of its own at the same position."""
        other = MT19937()
        other.set_state(self.get_state())
        return other

    def get_state(self) -> Any:
        """The position as the 5056 bytes of `torch.get_rng_state()`."""
        saved = np.zeros(1, STATE)
        saved["seed"], saved["left"], saved["seeded"] = self._seed, self._left, 1
        saved["next"], saved["state"] = self._next, self._state
        if self._next_double is not None:
            saved["has_double"], saved["normal_y"] = 1, self._next_double
        if self._next_float is not None:
            saved["has_float"], saved["next_float"] = 1, self._next_float
        return saved.view(np.uint8)

    def set_state(self, state: Any) -> None:
        """Take the position from 5056 contiguous bytes that `core.generator` has checked."""
        saved = np.frombuffer(state.tobytes(), STATE)[0]
        self._seed, self._left, self._next = int(saved["seed"]), int(saved["left"]), int(saved["next"]) & 0xFFFFFFFF
        self._state = saved["state"].astype(np.uint32)
        self._next_double = float(saved["normal_y"]) if saved["has_double"] else None
        self._next_float = float(saved["next_float"]) if saved["has_float"] else None

    @QUIET
    def uniform(self, array: Any, low: float, high: float) -> None:
        """Any float dtype, in [low, high): u * (high - low) + low with one rounding in float32 or float64; half types
        are rounded from float32. A result of high becomes low."""
        wide = np.float64 if array.dtype == np.float64 else np.float32
        units = self._units(array.size, np.dtype(wide))
        if low != 0.0 or high != 1.0:
            fused = _fused_float if wide is np.float32 else _fused_double
            units = fused(units, wide(high) - wide(low), wide(low))
            units[units == wide(high)] = wide(low)
        result = units.astype(array.dtype)
        first, last = np.array([low, high], wide).astype(array.dtype)
        result[result == last] = first
        array.reshape(-1)[:] = result

    def integers(self, array: Any, span: int, base: int, wide: bool) -> None:
        """int64: word % span + base, of one word or (wide) of two; span 0 stands for 2**64."""
        words = self._take_wide(array.size) if wide else self._take(array.size).astype(np.uint64)
        if span:
            words = words % np.uint64(span)
        array.reshape(-1)[:] = (words + np.uint64(base % 2**64)).view(np.int64)

    def permutation(self, array: Any) -> None:
        """int64: 0 .. n-1, element i exchanged with element i + word % (n - i)."""
        count = array.size
        offsets = self._take(max(count - 1, 0)) % np.arange(count, 1, -1, dtype=np.uint32)
        numbers = list(range(count))
        for i, offset in enumerate(offsets.tolist()):
            numbers[i], numbers[i + offset] = numbers[i + offset], numbers[i]
        array[:] = numbers

    def permutation_large(self, array: Any) -> None:
        """int64: 0 .. n-1 by the inside-out shuffle with two words an element, PyTorch's from (2**32 - 1) // 20 on."""
        for i in range(array.size):
            other = self.random64() % (i + 1)
            array[i] = i
            array[i] = array[other]
            array[other] = i

    @QUIET
    def normal(self, array: Any, mean: float, deviation: float) -> None:
        """Any float dtype, at least 16: uniforms, then Box-Muller in blocks of 16; a rest redraws the last 16. Half
        types are rounded from float32, and draw nothing for the rest but that block."""
        flat = array.reshape(-1)
        whole = flat.size - flat.size % 16
        half = flat.dtype.itemsize == 2
        dtype = np.dtype(np.float32) if half else flat.dtype
        values = self._units(whole if half else flat.size, dtype)
        _normal_blocks(values[:whole], mean, deviation)
        flat[: values.size] = values
        if whole != flat.size:
            values = self._units(16, dtype)
            _normal_blocks(values, mean, deviation)
            flat[-16:] = values

    def _serial_normal(self) -> float:
        if self._next_double is not None:
            result, self._next_double = self._next_double, None
            return result
        first, second = self._units(2, np.float64).tolist()
        radius, angle = math.sqrt(-2.0 * math.log1p(-second)), 2 * math.pi * first
        self._next_double = radius * math.sin(angle)
        return radius * math.cos(angle)

    @QUIET
    def normal_serial(self, array: Any, mean: float, deviation: float) -> None:
        """float64 or float32: Box-Muller one at a time in float64, the second of each pair cached for the next call."""
        values = np.array([self._serial_normal() for _ in range(array.size)])
        array.reshape(-1)[:] = _fused_double(values, deviation, mean)

    def log_normal(self, array: Any, mean: float, deviation: float) -> None:
        """float64: exp of what `normal_serial` gives."""
        self.normal_serial(array, mean, deviation)
        array.reshape(-1)[:] = _each(_exp, array.reshape(-1))

    def bernoulli(self, array: Any, probability: float) -> None:
        """uint8, bool, float32 or float64: 1 where a double uniform (two words) is below `probability`."""
        array.reshape(-1)[:] = self._units(array.size, np.float64) < probability

    def bernoulli_each(self, array: Any, probability: Any) -> bool:
        """uint8, bool, float32 or float64: 1 where a uniform of the dtype of `probability` (float32 or float64, same
        size) is below it. False, and nothing drawn, unless all probabilities are in [0, 1]."""
        if not ((probability >= 0) & (probability <= 1)).all():
            return False
        array.reshape(-1)[:] = self._units(array.size, probability.dtype) < probability.reshape(-1)
        return True

    @QUIET
    def transformed(self, array: Any, law: int, first: float, second: float) -> None:
        """float64 or float32, functions of a float64 uniform u: law 0, exponential, -1 / first * log1p(-u); law 1,
        geometric, ceil(log(u) / log1p(-first)); law 2, Cauchy, first + second * tan(pi * (u - 1/2))."""
        units = self._units(array.size, np.float64)
        if LAWS[law] == "exponential":
            result = -1.0 / first * _each(_log1p_negative, units)
        elif LAWS[law] == "geometric":
            result = np.ceil(_each(_log, units) / math.log1p(-first))
        else:
            result = _fused_double(second, _each(math.tan, math.pi * (units - 0.5)), first)
        array.reshape(-1)[:] = result

    def categories(self, array: Any, cumulative: Any) -> None:
        """int64: for each a double uniform's place in `cumulative` (float32 or float64, rising to 1)."""
        units = self._units(array.size, np.float64)
        array[:] = cumulative.astype(np.float64).searchsorted(units)

    def race(self, weights: Any) -> Any:
        """For each row of weights (float32 or float64) the place whose weight divided by an exponential number is the
        largest, as a last dimension of 1. None, and nothing drawn, for rows that are no weights."""
        if weights.size == 0 or not bool(((weights >= 0) & (weights < np.inf)).all()):
            return None
        if not bool((weights > 0).any(axis=-1).all()):
            return None
        noise = np.empty_like(weights)
        self.transformed(noise, LAWS.index("exponential"), 1.0, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return (weights / noise).argmax(axis=-1, keepdims=True)
