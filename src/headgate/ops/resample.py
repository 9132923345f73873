"""interpolate and upsample: linear maps along each axis, given by taps. The gradient is the map turned round, which is
an op of the same kind, so every order exists.
"""
import functools
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import shape_of
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import converted, take
    from headgate.kernels.reference_pooling import resample
    from headgate.ops.arguments import given

    ndarray = np.ndarray

from headgate import dtypes
from headgate.core.declare import describe
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.kernels import taps as taps_of

SINGLE = np.dtype(np.float32)
CORNERS = "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
ONLY = (
    "Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank}D) for the modes: nearest | linear | bilinear "
    "| bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
)
RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "lanczos": 4, "trilinear": 5}


def by_planes(x: ndarray, taps: tuple) -> ndarray:
    """The taps of one, two or three axes read from (N, C, ...)."""
    if len(taps) == 1:
        return resample(x, None, taps[0][1])
    if len(taps) == 2:
        return resample(x, taps[0][1], taps[1][1])
    shape: tuple = shape_of(x)
    first: object = resample(x.reshape(shape[0], shape[1], shape[2], shape[3] * shape[4]), taps[0][1], None)
    deep: ndarray = first.reshape(shape[0], shape[1], -1, shape[3], shape[4])
    return resample(deep, taps[1][1], taps[2][1])


def only_places(taps: tuple) -> bool:
    """Whether each output is one element of the input."""
    for _, one in taps:
        if one[1] is not None or one[0].shape[1] != 1:
            return False
    return True


@cython.cclass
class Resample(Op):
    """Taps read along axes of x. attrs: (((axis, taps), ...), the same turned round)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        kind: object = cython.cast(object, x).dtype
        taps: tuple = attrs[0]
        if kind.kind != "u" and (kind.itemsize >= 4 or not only_places(taps)):
            wide: ndarray = x if kind.itemsize >= 4 else converted(x, SINGLE)
            found: ndarray = by_planes(wide, taps)
            return found if wide is x else converted(found, kind)
        result: object = x  # elements of types without loops are only moved
        for axis, one in taps:
            result = take(result, one[0].reshape(-1), axis)
        return result

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(TURNED, g, (n.attrs[1], n.attrs[0]))


def named(name: str, node: str, keeps: cython.int = 0) -> object:
    """An op under PyTorch's names. `keeps`: the bit of what PyTorch's node keeps though no gradient reads it."""
    op: Op = Resample()
    describe(op, name, (keeps,), 0, node + "Backward", None, True, keeps)
    return op


TURNED = named("upsample_backward", "UpsampleBackward")
OPS: dict = {}
for _rank in (1, 2, 3):
    OPS["nearest", _rank] = named(f"upsample_nearest{_rank}d", f"UpsampleNearest{_rank}D")
    OPS["nearest-exact", _rank] = named(f"_upsample_nearest_exact{_rank}d", f"UpsampleNearestExact{_rank}D")
for _mode, _rank in (("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3)):
    OPS[_mode, _rank] = named(f"upsample_{_mode}{_rank}d", f"Upsample{_mode.capitalize()}{_rank}D")
for _mode in ("bilinear", "bicubic", "lanczos"):
    OPS[_mode, "smooth"] = named(f"_upsample_{_mode}2d_aa", f"Upsample{_mode.capitalize()}2DAa")


@functools.lru_cache(64)
def plan(shape: tuple, sizes: tuple, factors: object, mode: str, aligned: bool, antialias: bool, kind: object) -> tuple:
    """The taps of each axis, and the same turned round. They are kept: nothing writes to them."""
    there: list = []
    back: list = []
    for i, out in enumerate(sizes):
        size = shape[i + 2]
        factor = None if factors is None else factors[i]
        if mode in ("nearest", "nearest-exact"):
            taps = taps_of.nearest(size, out, factor, mode == "nearest-exact")
        elif antialias:
            taps = taps_of.smooth(size, out, factor, aligned, kind, mode)
        elif mode == "bicubic":
            taps = taps_of.cubic(size, out, factor, aligned, kind)
        else:
            taps = taps_of.linear(size, out, factor, aligned, kind)
        there.append((i + 2, taps))
        back.append((i + 2, taps_of.turned(taps, size, kind)))
    return tuple(there), tuple(back)


def check_sizes(shape: tuple, sizes: tuple) -> None:
    """RuntimeError for sizes that are not positive, and for channels or places that are not there."""
    if any([one <= 0 for one in shape[2:] + sizes]):
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({shown(shape[2:])}) "
                           f"output ({shown(sizes)})")
    if any([one == 0 for one in shape[1:]]):
        raise RuntimeError(f"Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}")


def shown(sizes: tuple) -> str:
    """Sizes in PyTorch's words."""
    letters = ("D: {}, H: {}, W: {}", "H: {}, W: {}", "W: {}")[3 - len(sizes)]
    return letters.format(*sizes)


def factors_of(shape: tuple, scale_factor: object) -> list:
    """A factor for each axis. ValueError for another number of them."""
    rank = len(shape) - 2
    if not isinstance(scale_factor, (list, tuple)):
        return [scale_factor] * rank
    if len(scale_factor) != rank:
        raise ValueError("Input and scale_factor must have the same number of spatial dimensions, but got input with "
                         f"spatial dimensions of {list(shape[2:])} and scale_factor of shape {scale_factor}. Please "
                         "provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) "
                         "format.")
    return list(scale_factor)


def sizes_of(shape: tuple, size: object) -> list:
    """A size for each axis. ValueError for another number of them, TypeError for what are no ints."""
    rank = len(shape) - 2
    if not isinstance(size, (list, tuple)):
        return [size] * rank
    if len(size) != rank:
        raise ValueError("Input and output must have the same number of spatial dimensions, but got input with spatial "
                         f"dimensions of {list(shape[2:])} and output size of {size}. Please provide input tensor in "
                         "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.")
    if not all([hasattr(one, "__index__") and not isinstance(one, bool) for one in size]):
        raise TypeError("expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but "
                        f"got size with types {[type(one) for one in size]}")
    return list(size)


def check_mode(rank: int, mode: object, antialias: object, align_corners: object) -> None:
    """The errors for a mode that does not fit the input."""
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and rank == 4):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
                         "tensor as input")
    if mode == "lanczos" and rank == 4:
        if align_corners:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    plain = mode in ("nearest", "nearest-exact", "area")
    if rank in (3, 4, 5) and (plain or RANKS.get(mode) == rank):
        return
    if rank in (3, 4, 5) and mode in ("linear", "bilinear", "trilinear"):
        raise NotImplementedError(f"Got {rank}D input, but {mode} mode needs {RANKS[mode]}D input")
    raise NotImplementedError(ONLY.format(rank=rank, mode=mode))


def interpolate(
    input: object, size: object = None, scale_factor: object = None, mode: object = "nearest",
    align_corners: object = None, recompute_scale_factor: object = None, antialias: object = False,
) -> object:
    """(N, C, ...) resampled to `size`, or by `scale_factor`: "nearest", "nearest-exact", "area" for one to three axes,
    "linear" for one, "bilinear", "bicubic" for two, "trilinear" for three, "lanczos" for two with `antialias`.

    align_corners: corners fall on corners. antialias: the filter grows with the step when it gets smaller. ValueError,
    TypeError and NotImplementedError as in PyTorch. Differs from PyTorch: "nearest" by a factor that leaves a size as
    it is has the gradient of its values.
    """
    x: Tensor = given(input, "interpolate")
    shape: tuple = shape_of(x._array)
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(CORNERS)
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors: object = None
    if size is not None:
        sizes = sizes_of(shape, size)
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    else:
        factors = factors_of(shape, scale_factor)
    rank = len(shape)
    check_mode(rank, mode, antialias, align_corners)
    if factors is not None:
        if not all([hasattr(factor, "__float__") for factor in factors]):
            raise TypeError(f"upsample_{mode}{rank - 2}d() received an invalid combination of arguments")
        sizes = [int(length * factor) for length, factor in zip(shape[2:], factors)]
        if recompute_scale_factor:
            factors = None
    if mode == "area":
        return PUBLIC[f"nn.functional.adaptive_avg_pool{rank - 2}d"](x, tuple(sizes))
    check_sizes(shape, tuple(sizes))
    kind = dtypes.of(x._array)
    if not kind.is_floating_point and not (mode in ("nearest", "nearest-exact") and kind.name == "uint8"):
        raise refused_error(f"compute_indices_weights_{mode}", kind)
    op: Op = OPS[mode, "smooth"] if antialias else OPS[mode, rank - 2]
    wide: object = np.float64 if kind.name == "float64" else np.float32
    if factors is not None:
        factors = tuple(factors)
    return apply1(op, x, plan(shape, tuple(sizes), factors, mode, bool(align_corners), bool(antialias), wide))


def upsample(
    input: object, size: object = None, scale_factor: object = None, mode: object = "nearest",
    align_corners: object = None,
) -> object:
    """`interpolate` under its old name, with a warning."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: object, size: object = None, scale_factor: object = None) -> object:
    """`interpolate` to the nearest element, with a warning."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.",
                  stacklevel=2)
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: object, size: object = None, scale_factor: object = None) -> object:
    """Bilinear `interpolate` with aligned corners, with a warning."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.",
                  stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", True)


for _function in (interpolate, upsample, upsample_nearest, upsample_bilinear):
    publish("nn.functional." + _function.__name__, _function)
