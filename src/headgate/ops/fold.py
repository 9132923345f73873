"""Sliding blocks: nn.functional.unfold (blocks of an image as columns) and fold (columns added up into an image).

Each is the gradient of the other.
"""
import cython

if not cython.compiled:
    import numpy as np

    from headgate import dtypes
    from headgate.core.apply import apply1
    from headgate.core.arrays import shape_of
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference_pooling import fold as fold_kernel
    from headgate.kernels.reference_pooling import unfold as unfold_kernel
    from headgate.ops.arguments import given

    ndarray = np.ndarray

from headgate.core.declare import composite, overload
from headgate.core.family import refused_error
from headgate.ops.windows import whole_numbers

BLOCK_INPUT = (
    "Expected {dims} tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {shape}"
)


def blocks_along(size: object, kernel: object, dilation: object, padding: object, stride: object) -> int:
    """How many blocks fit along one dim."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@cython.cclass
class Im2Col(Op):
    """Blocks of (N, C, H, W) as columns (N, C * K * L, blocks). attrs: (kernel, dilation, padding, stride, (H, W))."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        kernel, dilation, padding, stride, size = attrs
        return unfold_kernel(x, kernel, dilation, padding, stride, size)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(COL2IM, g, n.attrs)


@cython.cclass
class Col2Im(Op):
    """Columns (N, C * K * L, blocks) added up into (N, C, H, W). attrs: as Im2Col."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        kernel, dilation, padding, stride, size = attrs
        return fold_kernel(x, kernel, dilation, padding, stride, size)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(IM2COL, g, n.attrs)


IM2COL = overload(Im2Col(), "im2col", 0, node="Im2ColBackward")
COL2IM = overload(Col2Im(), "col2im", 0, node="Col2ImBackward")


def both(value: object, function: str, name: str) -> tuple:
    """Two numbers, from one or two. RuntimeError for another count."""
    items = whole_numbers(value, function, name, 2)
    if not isinstance(value, (tuple, list)):
        return (items[0], items[0])
    if len(items) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(items)}")
    return tuple(items)


def check_blocks(kernel: tuple, dilation: tuple, padding: tuple, stride: tuple) -> bool:
    """RuntimeError for numbers that mean nothing."""
    for name, short, pair in (("kernel size", "kernel", kernel), ("dilation", "dilation", dilation),
                              ("stride", "stride", stride)):
        if min(pair) <= 0:
            raise RuntimeError(f"{name} should be greater than zero, but got {short}_height: {pair[0]} {short}_width: "
                               f"{pair[1]}")
    if min(padding) < 0:
        raise RuntimeError(f"padding should be non-negative, but got pad_height: {padding[0]} pad_width: {padding[1]}")
    return True


def refuse_integers(x: Tensor, kernel: str) -> bool:
    """NotImplementedError for integers; PyTorch takes bools."""
    kind = dtypes.of(x._array)
    if kind.category == 1:
        raise refused_error(kernel, kind)
    return True


def unfold(
    input: object, kernel_size: object, dilation: object = 1, padding: object = 0, stride: object = 1
) -> object:
    """The sliding blocks of (N, C, H, W), or (C, H, W), as columns: (N, C * K * L, blocks).

    Blocks go over the image row by row; elements of one by channel, row, column. Floats and bools; RuntimeError for
    sizes that make no block.
    """
    x: Tensor = given(input, "unfold")
    kernel, spread = both(kernel_size, "unfold", "kernel_size"), both(dilation, "unfold", "dilation")
    edges, steps = both(padding, "unfold", "padding"), both(stride, "unfold", "stride")
    check_blocks(kernel, spread, edges, steps)
    shape: tuple = shape_of(x._array)
    if len(shape) < 3:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-len(shape)}, {len(shape) - 1}], but "
                         f"got {len(shape)})")
    if len(shape) > 4 or 0 in shape[len(shape) - 3:]:
        raise RuntimeError(BLOCK_INPUT.format(dims="3D or 4D (batch mode)", shape=list(shape)))
    size = shape[len(shape) - 2:]
    counts = tuple([blocks_along(*one) for one in zip(size, kernel, spread, edges, steps)])
    if min(counts) < 1:
        raise RuntimeError(f"Given input with spatial size {size}, kernel_size={kernel}, dilation={spread}, "
                           f"padding={edges}, calculated shape of the array of sliding blocks as {counts}, but its "
                           f"components must be at least one.")
    refuse_integers(x, "im2col_out_cpu")
    return apply1(IM2COL, x, (kernel, spread, edges, steps, size))


def check_columns(shape: tuple, size: tuple, kernel: tuple, spread: tuple, edges: tuple, steps: tuple) -> bool:
    """RuntimeError unless the columns are the blocks of an image of that size."""
    row = len(shape) - 2
    if shape[row] % (kernel[0] * kernel[1]):
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
                           f"got input.size(1)={shape[row]} and kernel_size={kernel}.")
    counts = [blocks_along(*one) for one in zip(size, kernel, spread, edges, steps)]
    if shape[row + 1] != counts[0] * counts[1] or min(counts) < 1:
        raise RuntimeError(f"Given output_size={size}, kernel_size={kernel}, dilation={spread}, padding={edges}, "
                           f"stride={steps}, expected size of input's dimension 2 to match the calculated number of "
                           f"sliding blocks {counts[0]} * {counts[1]} = {counts[0] * counts[1]}, but got "
                           f"input.size(2)={shape[row + 1]}.")
    return True


def fold(
    input: object, output_size: object, kernel_size: object, dilation: object = 1, padding: object = 0,
    stride: object = 1,
) -> object:
    """Columns (N, C * K * L, blocks), or without N, added up where they lie in an image of `output_size`: (N, C, H, W).

    The gradient of `unfold`, as a function. RuntimeError unless the columns are as many as the image has blocks.
    """
    x: Tensor = given(input, "fold")
    size, kernel = both(output_size, "fold", "output_size"), both(kernel_size, "fold", "kernel_size")
    spread, edges = both(dilation, "fold", "dilation"), both(padding, "fold", "padding")
    steps = both(stride, "fold", "stride")
    check_blocks(kernel, spread, edges, steps)
    shape: tuple = shape_of(x._array)
    if len(shape) not in (2, 3) or 0 in shape[len(shape) - 2:]:
        raise RuntimeError("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
                           f"dimensions for input, but got: {list(shape)}")
    check_columns(shape, size, kernel, spread, edges, steps)
    refuse_integers(x, "col2im_out_cpu")
    return apply1(COL2IM, x, (kernel, spread, edges, steps, size))


composite("nn.functional.unfold", unfold, method=False, samples=lambda make: [
    ((make(2, 3, 5, 4), 2), {}), ((make(2, 5, 6), (2, 3)), {"stride": 2, "padding": 1, "dilation": (1, 2)}),
    ((make(0, 3, 5, 4), 2), {}), ((make(2, 3, 2, 2), 3), {}), ((make(2, 2), 1), {})])
composite("nn.functional.fold", fold, method=False, samples=lambda make: [
    ((make(2, 12, 12), (5, 4), 2), {}), ((make(6, 9), (4, 3), (2, 1)), {}),
    ((make(2, 12, 6), (5, 6), (2, 3)), {"stride": 2, "padding": 1, "dilation": (1, 2)}), ((make(2, 12, 5), 4, 2), {})])
