"""What Python's protocols ask of a tensor: text, truth, numbers, iteration, and the requires_grad flag."""
import cython

if not cython.compiled:
    from headgate.core.apply import current_node, requires
    from headgate.core.arrays import count_of, is_float
    from headgate.core.operators import slots
    from headgate.core.records import Node, Surface, Tensor

from headgate import dtypes, errors
from headgate.core.format import format_tensor
from headgate.core.records import set_surface


def text_of(x: Tensor) -> str:
    """PyTorch's repr."""
    n: Node = current_node(x)
    return format_tensor(
        x._array, dtype=dtypes.of(x._array), requires_grad=x._wants, grad_fn_name=n.op.label(n) if n is not None else None
    )


def truth(x: Tensor) -> bool:
    """The truth value of a tensor of one element; RuntimeError otherwise."""
    if count_of(x._array) == 1:
        return bool(x._array.item())
    raise RuntimeError(errors.BOOL_MANY if count_of(x._array) else errors.BOOL_EMPTY)


def number(x: Tensor, kind: object) -> object:
    """A tensor of one element as a Python number."""
    if count_of(x._array) != 1:
        raise ValueError(errors.ONE_ELEMENT)
    return kind(x._array.item())


def index(x: Tensor) -> int:
    """An integer tensor of one element as an index."""
    if count_of(x._array) != 1 or is_float(x._array):
        raise TypeError(errors.AS_INDEX)
    return int(x._array.item())


def iterate(x: Tensor) -> object:
    """The rows of a tensor."""
    if x._array.ndim == 0:
        raise TypeError(errors.ITERATE_ZERO_DIM)
    return iter([x[i] for i in range(x._array.shape[0])])


@cython.cclass
class Protocols(Surface):
    """Fills the protocol slot."""

    @cython.cfunc
    def construct(self, x: Tensor, args: tuple, kwargs: dict) -> object:
        raise TypeError("Tensor() is not available")

    @cython.cfunc
    def set_requires_grad(self, x: Tensor, value: object) -> object:
        if not isinstance(value, bool):
            raise RuntimeError(errors.FLAG_BOOL)
        if x._node is not None or (x._root is not None and requires(x) and not x._wants):
            if not value:
                raise RuntimeError(errors.NON_LEAF_FLAG)
            return None
        if value and not is_float(x._array):
            raise RuntimeError(errors.INTEGER_FLAG)
        x._wants = value
        return None

    @cython.cfunc
    def protocol(self, name: str, x: Tensor, argument: object) -> object:
        if name == "bool":
            return truth(x)
        if name == "repr":
            return text_of(x)
        if name == "iter":
            return iterate(x)
        if name == "index":
            return index(x)
        if name == "contains":
            return bool((x == argument).any())
        return number(x, {"float": float, "int": int, "complex": complex}[name])


set_surface(Protocols())
