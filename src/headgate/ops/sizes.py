"""What is asked of a tensor's layout: number of elements and dims, sizes, strides, place in its storage.

Nothing here computes or makes a tensor.
"""
import cython

if not cython.compiled:
    from headgate.core.arrays import count_of, same_shape, shape_of
    from headgate.core.arrays import is_contiguous as dense
    from headgate.core.records import Tensor
    from headgate.ops.arguments import given, other, place
    from headgate.ops.convert import layout_of, lies_as
    from headgate.ops.strided import first_element

from headgate import errors
from headgate.core.declare import composite, install_method, install_property
from headgate.core.device import channels_last, channels_last_3d, contiguous_format
from headgate.core.entry import PUBLIC
from headgate.core.size import Size

NO_DIMS = "Dimension specified as {dim} but tensor has no dimensions"


def numel(input: object) -> object:
    """The number of elements."""
    return cython.cast(object, given(input, "numel")._array).size


def size(self: object, dim: object = None) -> object:
    """The shape, or the length of one dim. IndexError for a dim that is not there."""
    x: Tensor = given(self, "size")
    if dim is None:  # a subclass may have a `shape` of its own
        return x.shape if type(self) is Tensor else Size(shape_of(x._array))
    if x._array.ndim == 0:
        raise IndexError(NO_DIMS.format(dim=dim))
    return shape_of(x._array)[place(dim, x._array.ndim, "size", "dim", 1)]


def strides_of(x: Tensor) -> tuple:
    """The strides in elements; NumPy's zeros for an empty array are those of a contiguous one to PyTorch."""
    if cython.compiled and count_of(x._array):
        return hg_steps(x._array)  # noqa: F821  (C, from shapes.h)
    item: cython.Py_ssize_t = cython.cast(object, x._array).itemsize
    shape: tuple = shape_of(x._array)
    if 0 in shape and 0 in cython.cast(object, x._array).strides:
        steps: list = [1] * len(shape)
        for at in range(len(shape) - 2, -1, -1):
            steps[at] = steps[at + 1] * max(shape[at + 1], 1)
        return tuple(steps)
    return tuple([step // item for step in cython.cast(object, x._array).strides])


def stride(self: object, dim: object = None) -> object:
    """How many elements of memory lie between neighbours along each dim, or along one."""
    x: Tensor = given(self, "stride")
    if dim is None:
        return strides_of(x)
    if x._array.ndim == 0:
        raise IndexError(NO_DIMS.format(dim=dim))
    return strides_of(x)[place(dim, x._array.ndim, "stride", "dim", 1)]


def dim(self: object) -> object:
    """The number of dims."""
    return given(self, "dim")._array.ndim


def element_size(self: object) -> object:
    """The bytes of one element."""
    return cython.cast(object, given(self, "element_size")._array).itemsize


def nbytes(self: object) -> object:
    """The bytes of all elements."""
    return cython.cast(object, given(self, "nbytes")._array).nbytes


def storage_offset(self: object) -> object:
    """How many elements of its storage lie before the tensor's first."""
    return first_element(given(self, "storage_offset"))


def is_contiguous(input: object, *, memory_format: object = contiguous_format) -> object:
    """Whether the elements lie in memory in the order of the dims (or as memory_format says), without gaps."""
    x: Tensor = given(input, "is_contiguous")
    if memory_format is contiguous_format:
        return bool(dense(x._array))
    if memory_format is channels_last and x._array.ndim != 4:
        return False
    if memory_format is channels_last_3d and x._array.ndim != 5:
        return False
    return bool(lies_as(x, layout_of(x, memory_format, "is_contiguous", cython.cast(object, x._array).itemsize)))


def is_same_size(input: object, other: object) -> object:
    """Whether both have the same shape."""
    return bool(same_shape(given(input, "is_same_size")._array, another(other, "is_same_size")._array))


def another(x: object, function: str) -> Tensor:
    """The argument called `other`, which hides the checking function of that name."""
    return other(x, function, "other")


def dim_order(self: object) -> object:
    """The dims from the outermost in memory to the innermost."""
    x: Tensor = given(self, "dim_order")
    steps = strides_of(x)
    return tuple(sorted(range(len(steps)), key=lambda at: (-steps[at], at)))


def read_only(name: str, get: object):
    """A property that cannot be assigned, with PyTorch's text for trying."""

    def put(self: object, value: object) -> None:
        raise AttributeError(errors.READ_ONLY.format(name=name))

    install_property(name, get, put)


composite("numel", numel, differentiable=False, samples=lambda make: [((make(3, 4),), {}), ((make(),), {})])
PUBLIC["is_same_size"] = install_method("is_same_size", is_same_size)
for _name, _function in (
    ("is_contiguous", is_contiguous), ("size", size), ("stride", stride), ("dim", dim), ("ndimension", dim),
    ("nelement", numel), ("element_size", element_size), ("storage_offset", storage_offset), ("dim_order", dim_order),
):
    install_method(_name, _function)
read_only("itemsize", element_size)
read_only("nbytes", nbytes)
