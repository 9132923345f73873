"""grid_sample and affine_grid: an image read at places that a grid holds. Made of gathers and arithmetic, so gradients
of every order exist for the image and the grid.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.core.modes import grad_enabled
from headgate.core.typed import Tensor
from headgate.ops.whole import whole as one_node
from headgate.ops.whole import whole_op

CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)
OPS = {rank: whole_op(f"grid_sampler_{rank}d", f"GridSampler{rank}DBackward") for rank in (2, 3)}
MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)
KEYS = -0.75  # the parameter of the cubic convolution kernel


def tensor(value: Any, name: str, position: int) -> Any:
    """The argument itself; TypeError if it is no tensor."""
    if isinstance(value, Tensor):
        return value
    raise TypeError(errors.ARGUMENT.format(function="grid_sampler", name=name, position=position, expected="Tensor",
                                           type=type(value).__name__))


def chosen(condition: Any, first: Any, second: Any) -> Any:
    """`where`, the condition being a constant."""
    return PUBLIC["where"](condition.detach(), first, second)


def placed(coordinate: Any, size: int, aligned: bool) -> Any:
    """A coordinate of [-1, 1] as a place in the image."""
    return (coordinate + 1) / 2 * (size - 1) if aligned else ((coordinate + 1) * size - 1) / 2


def clipped(place: Any, size: int) -> Any:
    """A place outside moved to the border, and its gradient cut there."""
    inside = (place > 0) & (place < size - 1)
    return chosen(inside, place, place.detach().clamp(0, size - 1))


def reflected(place: Any, size: int, aligned: bool) -> Any:
    """A place outside mirrored at the border until it is inside."""
    low, high = (0.0, float(size - 1)) if aligned else (-0.5, size - 0.5)
    span = high - low
    if span == 0:
        return place * 0
    beyond = chosen(place >= low, place - low, low - place)
    flips = (beyond.detach() / span).floor()
    rest = beyond.fmod(span)
    return chosen(flips % 2 == 0, rest + low, span - rest + low)


def padded(place: Any, size: int, padding: int, aligned: bool) -> Any:
    """Where a place is read, by the padding mode."""
    if padding == ZEROS:
        return place
    return clipped(reflected(place, size, aligned) if padding == REFLECTION else place, size)


class Image:
    """The elements of an image, read at whole places: zero outside."""

    def __init__(self, input: Any) -> None:
        self.sizes = tuple(input.shape[2:])
        self.batch, self.channels = input.shape[:2]
        self.flat = input.reshape(self.batch, self.channels, -1)

    def read(self, places: list[Any]) -> tuple[Any, Any]:
        """(elements (N, C, P), 1 where a place is inside) for integer arrays (N, P), one for each axis."""
        index, inside = np.zeros(places[0].shape, np.int64), np.ones(places[0].shape, bool)
        for place, size in zip(places, self.sizes):
            inside &= (place >= 0) & (place < size)
            index = index * size + np.clip(np.nan_to_num(place), 0, size - 1).astype(np.int64)
        spread = np.ascontiguousarray(np.broadcast_to(index[:, None], (self.batch, self.channels, index.shape[1])))
        values = self.flat.gather(2, wrap(spread))
        return values, wrap(inside.astype(self.flat.dtype.numpy))


def whole(place: Any) -> Any:
    """The array of a tensor without history; of float32 for bfloat16."""
    place = place.detach()
    return (place.float() if place.dtype.name == "bfloat16" else place).numpy()


def below(place: Any) -> Any:
    """The array of the whole numbers below, in the tensor's type."""
    return np.floor(whole(place)).astype(place.dtype.numpy)


def read_linear(image: Image, places: list[Any]) -> Any:
    """The elements around each place, weighted by nearness."""
    first = [below(place) for place in places]
    total = None
    for corner in itertools.product((0, 1), repeat=len(places)):
        values, weight = image.read([low + step for low, step in zip(first, corner)])
        for place, low, step in zip(places, first, corner):
            weight = weight * (place - wrap(low) if step else wrap(low) + 1 - place)
        term = values * weight.unsqueeze(1)
        total = term if total is None else total + term
    return total


def read_nearest(image: Image, places: list[Any]) -> Any:
    """The nearest element of each place; the grid gets a gradient of zero."""
    values, weight = image.read([np.rint(whole(place)) for place in places])
    for place in places:
        weight = chosen(place.detach() == place.detach(), weight, place)
    return values * weight.unsqueeze(1)


def cubic_weights(share: Any) -> list[Any]:
    """The weights of the four elements around a place; Keys 1981."""
    def near(x: Any) -> Any:
        return ((KEYS + 2) * x - (KEYS + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((KEYS * x - 5 * KEYS) * x + 8 * KEYS) * x - 4 * KEYS

    return [far(share + 1), near(share), near(1 - share), far(2 - share)]


def read_cubic(image: Image, places: list[Any], padding: int, aligned: bool) -> Any:
    """Sixteen elements around each place, those outside read by the padding mode."""
    first = [below(place) for place in places]
    weights = [cubic_weights(place - wrap(low)) for place, low in zip(places, first)]
    total = None
    for row, column in itertools.product(range(4), repeat=2):
        taps = [wrap(low + step - 1) for low, step in zip(first, (row, column))]
        taps = [padded(tap, size, padding, aligned) for tap, size in zip(taps, image.sizes)]
        values, inside = image.read([whole(tap) for tap in taps])
        term = values * (inside * weights[0][row] * weights[1][column]).unsqueeze(1)
        total = term if total is None else total + term
    return total


def check(input: Any, grid: Any, mode: int) -> None:
    """PyTorch's errors for an image and a grid that do not fit."""
    shapes = f"but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError("grid_sampler(): expected grid and input to have same batch size, " + shapes)
    if grid.shape[grid.ndim - 1] != input.ndim - 2:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got "
                           f"grid with sizes {list(grid.shape)}")
    for dim in range(2, input.ndim):
        if input.shape[dim] <= 0:
            raise RuntimeError("grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
                               f"sizes {list(input.shape)} with dimension {dim} being empty")
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, " + shapes)
    if input.ndim == 5 and mode == BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def check_kinds(input: Any, grid: Any) -> None:
    """PyTorch's errors for element types."""
    if not input.is_floating_point():
        raise refused_error("grid_sampler_2d_cpu_kernel_impl" if input.ndim == 4 else "grid_sampler3d_cpu", input.dtype)
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {errors.TYPE_NAMES[input.dtype.name]} but found "
                           f"{errors.TYPE_NAMES[grid.dtype.name]}")


def nothing(input: Any, grid: Any, shape: tuple[int, ...]) -> Any:
    """A result without elements, of the image's type, whatever the grid's; gradients are zeros."""
    if not input.is_floating_point() and grid.requires_grad and grad_enabled():
        raise RuntimeError(f"Autograd not support dtype: {errors.TYPE_NAMES[input.dtype.name]}")
    result = input.new_empty(shape)
    for one in (input, grid):
        if input.is_floating_point() and one.is_floating_point():
            result = result + one.reshape(one.numel()).sum().to(input.dtype)
    return result


def grid_sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """`nn.functional.grid_sample` with modes by number: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2
    reflection."""
    tensor(input, "input", 1), tensor(grid, "grid", 2)
    check(input, grid, interpolation_mode)
    shape = (*input.shape[:2], *grid.shape[1:grid.ndim - 1])
    if 0 in shape and (input.ndim == 4 or input.is_floating_point()):
        empty = nothing(input, grid, shape)
        return one_node(OPS[input.ndim - 2], empty, input, grid) if input.is_floating_point() else empty
    check_kinds(input, grid)
    image = Image(input)
    rank = input.ndim - 2
    flat = grid.reshape(grid.shape[0], -1, rank)
    places = [placed(flat[:, :, rank - 1 - axis], size, align_corners) for axis, size in enumerate(image.sizes)]
    if interpolation_mode == BICUBIC:
        found = read_cubic(image, places, padding_mode, align_corners)
    else:
        places = [padded(place, size, padding_mode, align_corners) for place, size in zip(places, image.sizes)]
        found = (read_nearest if interpolation_mode == NEAREST else read_linear)(image, places)
    return one_node(OPS[rank], found.reshape(shape), input, grid)


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None,
) -> Any:
    """The image (N, C, H, W) read at the places of grid (N, h, w, 2), x and y from -1 to 1; or the same in three axes.

    mode: "bilinear", "nearest" or "bicubic" (two axes only); padding_mode: what lies outside, "zeros", "border" or
    "reflection". Jaderberg and others 2015. Differs from PyTorch: second gradients exist.
    """
    if mode not in MODES:
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
                         f"got: '{mode}'")
    if padding_mode not in PADDINGS:
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
                         f"but got: '{padding_mode}'")
    if align_corners is None:
        warnings.warn(CHANGED, stacklevel=2)
    return grid_sampler(input, grid, MODES.index(mode), PADDINGS.index(padding_mode), bool(align_corners))


def steps(count: int, aligned: bool, dtype: Any) -> Any:
    """Places of [-1, 1]: the corners among them, or the middles of equal parts."""
    if count <= 1:
        return np.zeros(count, dtype)
    found = np.linspace(-1, 1, count, dtype=dtype)
    return found if aligned else found * dtype.type(count - 1) / dtype.type(count)


def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Any:
    """`nn.functional.affine_grid` without its checks."""
    sizes = tuple(size[2:])
    lines = [steps(count, align_corners, theta.dtype.numpy) for count in sizes]
    axes = np.meshgrid(*lines, indexing="ij")
    base = np.stack([*axes[::-1], np.ones(sizes, lines[0].dtype)], -1).reshape(1, -1, len(sizes) + 1)
    spread = wrap(np.ascontiguousarray(np.broadcast_to(base, (size[0], *base.shape[1:]))))
    return spread.bmm(theta.transpose(1, 2)).view(size[0], *sizes, len(sizes))


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The grid for `grid_sample` that maps the places of an output of `size` by affine matrices.

    theta: (N, 2, 3) for (N, C, H, W), (N, 3, 4) for (N, C, D, H, W). ValueError and NotImplementedError for what does
    not fit.
    """
    if align_corners is None:
        warnings.warn(CHANGED, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
                                  f"respectively. Got size {size}.")
    rank = len(size) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (rank, rank + 1):
        raise ValueError(f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {size}. "
                         f"Got {theta.shape}.")
    if align_corners and min(size[2:]) == 1:
        warnings.warn("Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
                      "align_corners=True. This is not an intended use case of affine_grid. See the documentation of "
                      "affine_grid for details.", stacklevel=2)
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return affine_grid_generator(theta, size, align_corners)


for _function in (grid_sample, affine_grid):
    publish("nn.functional." + _function.__name__, _function)
for _plain in (grid_sampler, affine_grid_generator):
    publish(_plain.__name__, _plain)
