"""What a tensor says of itself: type, device, sizes, strides, and the many questions whose answer is always no.

Nothing here computes or makes a tensor.
"""
import warnings

import cython

if not cython.compiled:
    from headgate.core.arrays import count_of, low_address
    from headgate.core.records import INFERENCE, Tensor

from headgate import dtypes, errors
from headgate.core.declare import install_method, install_property
from headgate.core.device import CPU, strided
from headgate.core.entry import install, publish


def read_only(name: str, get: object) -> None:
    """Put a property on Tensor that cannot be assigned, with PyTorch's text for trying."""

    def put(self: object, value: object) -> None:
        raise AttributeError(errors.READ_ONLY.format(name=name))

    install_property(name, get, put)


def dtype(self: object) -> object:
    """The element type."""
    return dtypes.of(cython.cast(Tensor, self)._array)


def device(self: object) -> object:
    """Where the memory is: always device(type='cpu')."""
    return CPU


def layout(self: object) -> object:
    """How the memory is organised: always torch.strided."""
    return strided


def version(self: object) -> object:
    """The number of in-place writes counted for this tensor, its views and its detach() aliases."""
    x: Tensor = self
    if x._flags & 65 == INFERENCE:  # without DATA, whose counter is its own
        raise RuntimeError(errors.INFERENCE_VERSION)
    return x._counter.count


def base(self: object) -> object:
    """The tensor that this one is a view of, or None."""
    return cython.cast(Tensor, self)._root


def is_view(self: object) -> object:
    """Whether the tensor is a view of another."""
    return cython.cast(Tensor, self)._root is not None


def no(self: object) -> object:
    """False: Headgate has dense tensors on the CPU only."""
    return False


def volatile(self: object) -> object:
    """Always False; the flag was removed from PyTorch, and reading it warns."""
    warnings.warn(errors.VOLATILE_READ, UserWarning, stacklevel=2)
    return False


def array_priority(self: object) -> object:
    """1000: NumPy leaves operators with arrays to the tensor."""
    return 1000


def real(self: object) -> object:
    """The real part: the tensor itself."""
    return self


def imag(self: object) -> None:
    """Raises RuntimeError: only complex tensors have one."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


def get_device(self: object) -> object:
    """-1: the number that the CPU has as a device."""
    return -1


def data_ptr(self: object) -> object:
    """The address of the first element; 0 for a tensor without elements."""
    x: Tensor = check(self, "data_ptr")
    return low_address(x._array) if count_of(x._array) else 0


def is_set_to(self: object, tensor: object) -> object:
    """Whether another tensor is the same view of the same memory."""
    x, y = self, tensor
    return x.data_ptr() == y.data_ptr() and x.shape == y.shape and x.stride() == y.stride() and x.dtype is y.dtype


def is_tensor(obj: object) -> object:
    """Whether a value is a tensor."""
    return isinstance(obj, Tensor)


def check(input: object, name: str) -> Tensor:
    """A tensor argument."""
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=name, name="input", position=1, expected="Tensor", type=type(input).__name__))
    return cython.cast(Tensor, input)


def is_floating_point(input: object) -> object:
    """Whether the element type is a float."""
    return dtypes.of(check(input, "is_floating_point")._array).is_floating_point


def is_complex(input: object) -> object:
    """Whether the element type is complex."""
    return dtypes.of(check(input, "is_complex")._array).is_complex


def is_signed(input: object) -> object:
    """Whether the element type has negative numbers."""
    return dtypes.of(check(input, "is_signed")._array).is_signed


def is_inference(input: object) -> object:
    """Whether the tensor was made under inference_mode."""
    return check(input, "is_inference")._flags & INFERENCE != 0


def is_nonzero(input: object) -> object:
    """Whether the only element is not zero. RuntimeError for none or several."""
    return bool(check(input, "is_nonzero"))


def is_conj(input: object) -> object:
    """False: nothing is lazily conjugated."""
    return False


def is_neg(input: object) -> object:
    """False: nothing is lazily negated."""
    return False


def is_distributed(input: object) -> object:
    """False: there is one process."""
    return False


for _name, _get in (
    ("dtype", dtype), ("device", device), ("layout", layout),
    ("_version", version), ("_base", base), ("__array_priority__", array_priority),
    ("volatile", volatile), ("real", real), ("imag", imag),
):
    read_only(_name, _get)
for _name in (
    "is_cuda", "is_sparse", "is_sparse_csr", "is_quantized", "is_mkldnn", "is_meta", "is_nested", "is_xla", "is_ipu",
    "is_mps", "is_xpu", "is_vulkan", "is_maia", "is_mtia",
):
    read_only(_name, no)
read_only("is_cpu", lambda self: True)
for _name, _method in (
    ("get_device", get_device), ("data_ptr", data_ptr), ("is_set_to", is_set_to), ("_is_view", is_view),
    ("is_pinned", lambda self, device=None: False), ("is_coalesced", no),
):
    install_method(_name, _method)
publish("is_tensor", is_tensor)
for _function in (
    is_floating_point, is_complex, is_signed, is_inference, is_nonzero, is_conj, is_neg, is_distributed,
):
    install(Tensor, _function.__name__, publish(_function.__name__, _function))
