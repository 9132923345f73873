"""What a convolution's shapes and numbers must fulfil, with PyTorch's refusals, and the sizes of its result.

Knows sizes only; types are looked at where tensors are.
"""

from __future__ import annotations

import math
from typing import Any

Sizes = tuple[int, ...]


def check_geometry(stride: Sizes, padding: Sizes, dilation: Sizes, output_padding: Sizes, groups: Any) -> None:
    """RuntimeError for numbers that mean nothing."""
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(output_padding) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if min(stride) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilation) < 0:
        raise RuntimeError("dilation should be greater than zero")


def check_channels(x: Sizes, w: Sizes, bias: Any, transposed: bool, groups: Any) -> None:
    """RuntimeError unless input, weight and bias (its shape, or None) agree on their channels."""
    if len(x) != len(w):
        raise RuntimeError(f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight {list(w)}, but got "
                           f"{len(x)}-dimensional input of size {list(x)} instead")
    if w[0] < groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got "
                           f"weight of size {list(w)} instead")
    if w[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but "
                           f"got weight of size [{list(w)}] instead")
    given = "Given transposed=1" if transposed else f"Given groups={groups}"
    wanted = w[0] if transposed else w[1] * groups
    if x[1] != wanted:
        raise RuntimeError(f"{given}, weight of size {list(w)}, expected input{list(x)} to have {wanted} channels, but "
                           f"got {x[1]} channels instead")
    outputs = w[1] * groups if transposed else w[0]
    if bias is not None and bias != (outputs,):
        given = "Given transposed=1, weight" if transposed else "Given weight"
        raise RuntimeError(f"{given} of size {list(w)}, expected bias to be 1-dimensional with {outputs} elements, but "
                           f"got bias of size {list(bias)} instead")


def sizes_forward(x: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Sizes:
    """The result's last sizes. RuntimeError where the kernel does not fit in."""
    wide = [n + 2 * p for n, p in zip(x, padding)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if [True for n, k in zip(wide, reach) if n < k]:
        shown = " x ".join([str(n) for n in wide])
        raise RuntimeError(f"Calculated padded input size per channel: ({shown}). Kernel size: "
                           f"({' x '.join([str(k) for k in reach])}). Kernel size can't be greater than actual input "
                           f"size")
    return tuple([(n - k) // s + 1 for n, k, s in zip(wide, reach, stride)])


def sizes_transposed(
    x: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, output_padding: Sizes
) -> Sizes:
    """The transposed result's last sizes, which may mean nothing."""
    return tuple([(n - 1) * s - 2 * p + d * (k - 1) + o + 1
                  for n, k, s, p, d, o in zip(x, kernel, stride, padding, dilation, output_padding)])


def is_fused(
    kind: str, shape: Sizes, weight: Sizes, geometry: tuple[Sizes, Sizes, Sizes, int], output_padding: Sizes
) -> bool:
    """Whether PyTorch takes a fused kernel for a transposed convolution; those alone make results without elements."""
    stride, _, _, groups = geometry
    if [True for o, s in zip(output_padding, stride) if o >= s]:
        return False
    if kind != "float32":
        return kind == "bfloat16"
    return groups > 1 or shape[0] > 1 or (len(weight) > 3 and min(weight[-2:]) > 3) or math.prod(shape[:4]) > 20480


def check_transposed(
    x: Sizes, sizes: Sizes, stride: Sizes, dilation: Sizes, output_padding: Sizes, least: int
) -> None:
    """RuntimeError for too much output padding, or sizes below `least`."""
    if [True for o, s, d in zip(output_padding, stride, dilation) if o >= s and o >= d]:
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got output_padding: "
                           f"{list(output_padding)} stride: {list(stride)} dilation: {list(dilation)}")
    if min(sizes) < least:
        given, found = (" x ".join(map(str, (1, *size) if len(size) == 1 else size)) for size in (x, sizes))
        raise RuntimeError(f"Given input size per channel: ({given}). Calculated output size per channel: ({found}). "
                           "Output size is too small")
