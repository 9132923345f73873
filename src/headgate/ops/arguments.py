"""Arguments of shape functions, checked with PyTorch's exceptions and words: tensors, dims, sizes.

Knows no operation.
"""
import operator

import cython

if not cython.compiled:
    from headgate.core.dims import wrap_dim
    from headgate.core.records import Tensor

from headgate import errors


def given(x: object, function: str) -> Tensor:
    """`x` as a Tensor; TypeError if it is none."""
    if isinstance(x, Tensor):
        return cython.cast(Tensor, x)
    raise TypeError(errors.ARGUMENT.format(
        function=function, name="input", position=1, expected="Tensor", type=type(x).__name__))


def other(x: object, function: str, name: str) -> Tensor:
    """A further argument as a Tensor; TypeError if it is none."""
    if isinstance(x, Tensor):
        return cython.cast(Tensor, x)
    raise TypeError(errors.ARGUMENT.format(
        function=function, name=name, position=1, expected="Tensor", type=type(x).__name__))


def whole(value: object, function: str, name: str, position: cython.int) -> cython.Py_ssize_t:
    """An integer argument; TypeError for bools, floats and foreign objects."""
    if type(value) is int:
        return value
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(errors.ARGUMENT.format(
        function=function, name=name, position=position, expected="int", type=type(value).__name__))


def number(value: object, function: str, name: str, position: cython.int, expected: str = "Number") -> object:
    """A number argument as a float; TypeError for strings, None and foreign objects."""
    if type(value) is float:
        return value
    if not isinstance(value, (str, bytes)) and hasattr(value, "__float__"):
        return value.__float__()
    raise TypeError(errors.ARGUMENT.format(
        function=function, name=name, position=position, expected=expected, type=type(value).__name__))


def place(dim: object, count: cython.int, function: str, name: str, position: cython.int) -> cython.int:
    """A dim argument counted from the front. IndexError outside, TypeError for no integer."""
    if type(dim) is not int:
        dim = whole(dim, function, name, position)
    return wrap_dim(dim, count)


def places(dims: object, count: cython.int, function: str, name: str) -> tuple:
    """One or several dims counted from the front."""
    if isinstance(dims, (tuple, list)):
        return tuple([place(one, count, function, name, 1) for one in dims])
    return (place(dims, count, function, name, 1),)


def ints(args: tuple, named: object, function: str, name: str) -> tuple:
    """The integers of `f(2, 3)`, `f((2, 3))` or `f(name=(2, 3))`; TypeError for anything else."""
    items: object = args
    if named is not None:
        if args:
            raise TypeError(f"{function}() got multiple values for argument '{name}'")
        items = named if isinstance(named, (tuple, list)) else (named,)
    elif len(args) == 1 and isinstance(args[0], (tuple, list)):
        items = args[0]
    elif not args:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{name}"')
    for one in items:
        if type(one) is not int:
            return checked_ints(items, function, name, len(args) > 1)
    return tuple(items)


def checked_ints(items: object, function: str, name: str, several: cython.bint) -> tuple:
    """The items as ints, or PyTorch's error for one that is none."""
    found: list = []
    for at, one in enumerate(items):
        if isinstance(one, bool) and len(items) == 1 and function == "view":
            raise TypeError(f"{function}() received an invalid combination of arguments - got (bool)")
        try:
            found.append(operator.index(one))
        except TypeError:
            kind = type(one).__name__
            if function == "view" and (at == 0 or several):
                shown = ", ".join([type(item).__name__ for item in items])
                raise TypeError(f"view() received an invalid combination of arguments - got ({shown})") from None
            if at == 0:
                raise TypeError(errors.ARGUMENT.format(
                    function=function, name=name, position=1, expected="tuple of ints", type=kind)) from None
            raise TypeError(
                f"{function}(): argument '{name}' failed to unpack the object at pos {at + 1} with error "
                f"\"type must be tuple of ints,but got {kind}\""
            ) from None
    return tuple(found)


def sequence(items: object, function: str, name: str) -> tuple:
    """The integers of a list or tuple; TypeError for anything else, a single integer too."""
    if not isinstance(items, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name=name, position=2, expected="tuple of ints", type=type(items).__name__))
    return ints((items,), None, function, name)
