"""declare: from one op to all its forms (function, method, in-place method, `out=`), and the table of declared ops.

The table is what tests, docs and reports read; adding an op touches nothing else. Nothing here computes.
"""
import cython

if not cython.compiled:
    from headgate.core.family import Binary, Ternary, Unary
    from headgate.core.operators import INPLACE
    from headgate.core.records import Op, Tensor

from headgate import errors
from headgate.core.entry import PUBLIC, Entry, install, publish, quicken
from headgate.core.operators import fill_slot

REGISTRY: dict = {}
# The in-place forms that PyTorch has as functions too.
WRITTEN_FUNCTIONS: frozenset = frozenset(
    "abs acos acosh addmv arccos arccosh arcsin arcsinh arctan arctanh as_strided asin asinh atan atanh ceil clamp "
    "clamp_max clamp_min clip cos cosh deg2rad erf erfc exp exp2 expm1 fix floor frac gcd i0 index_put lcm ldexp log "
    "log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal resize_as round rsqrt sigmoid sin sinc sinh "
    "sqrt square tan tanh trunc xlogy".split())


class Declared:
    """One declared op: its forms, where it may be tested and what it is compared with."""

    def __init__(self, name: str, op: object, entry: object, **facts: object) -> None:
        self.name = name
        self.op = op
        self.entry = entry
        self.inplace: bool = bool(facts.pop("inplace"))
        self.out: bool = bool(facts.pop("out"))
        self.method: bool = bool(facts.pop("method"))
        self.domain = facts.pop("domain")
        self.samples = facts.pop("samples")
        self.reference = facts.pop("reference")
        self.dtypes = facts.pop("dtypes")
        self.differentiable: bool = bool(facts.pop("differentiable"))
        self.smooth: bool = bool(facts.pop("smooth"))
        self.arity: int = facts.pop("arity")

    def __repr__(self) -> str:
        return f"Declared({self.name!r})"


def declare(
    op: object,
    name: str,
    *,
    loop: object = None,
    kind: object = None,
    reads: object = (),
    shapes: int = 0,
    looks: int = 0,
    node: str = "",
    overload: object = None,
    function: object = None,
    method: bool = True,
    inplace: object = None,
    out: bool = True,
    operator: str = "",
    aliases: tuple = (),
    differentiable: bool = True,
    smooth: bool = True,
    domain: tuple = (-3.0, 3.0),
    dtypes: str = "",
    samples: object = None,
    reference: object = None,
    public: bool = True,
) -> object:
    """Make an op public in all its forms and enter it into the table; its function (an Entry).

    name: PyTorch's, "sin" or "special.erf". loop: the kernel (`make_loop`), for elementwise ops. kind: FLOATS, SAME,
    ARITHMETIC ... (see `family`). reads: per input the values that its gradient reads, each an int of bits (1 << i for
    input i, 1 << OUT for the output). looks: which saved values PyTorch's node looks at before it computes a gradient,
    whether or not that reads them: one that was written since raises. shapes: bits of inputs whose shape backward
    reads. node: the node's name in PyTorch without number ("SinBackward", derived from the name by default). overload:
    None where PyTorch has one differentiable overload (`<SinBackward>`), else this one's number (`<SumBackward1>`).
    function: the public function with PyTorch's signature and a keyword `out` that it hands on; derived for the
    elementwise families. inplace: whether `name_` exists (default: elementwise families only), or its function, where
    passing arguments on would be too slow. domain: where random inputs of the table test are drawn. samples: a function
    make -> [(args, kwargs), ...] for the table test where drawing one or two plain tensors does not do; `make(*shape,
    low=, high=, dtype=)` gives a tensor. reference: what to compare with, where it is not torch's function of the same
    name. dtypes: letters of the kinds accepted, "f" floats, "i" integers, "b" bool (default by kind). smooth: False if
    the gradient is not continuous.
    """
    short: str = last_part(name)
    describe(op, short, reads, shapes, node, overload, differentiable, looks)
    if loop is not None:
        set_loop(op, loop, kind)
    if operator:
        fill_slot(operator, op)
    custom: bool = function is not None
    function = function or derived(op, short)
    entry: object = publish(name, function, documentation(op, function)) if public else function
    inplace = isinstance(op, (Unary, Binary)) if inplace is None else inplace
    install_forms(entry, function, op, short, aliases, method, inplace, custom)
    for alias in aliases if public else ():
        PUBLIC[alias] = entry
    REGISTRY[name] = Declared(
        name, op, entry, inplace=bool(inplace), out=out, method=method, domain=domain, samples=samples,
        reference=reference, dtypes=dtypes or "fib", differentiable=differentiable, smooth=smooth,
        arity=1 if isinstance(op, Unary) else 2 if isinstance(op, Binary) else 0,
    )
    return entry


def last_part(name: str) -> str:
    """`erf` of `special.erf`."""
    return name.rpartition(".")[2]


def describe(
    op: Op, name: str, reads: object, shapes: int, node: str, overload: object, differentiable: bool, looks: int = 0,
) -> None:
    """Fill what an op knows of itself."""
    base = node or "".join(part.capitalize() for part in name.split("_")) + "Backward"
    op.name = name
    op.written = name + "_"
    op.node_name = f"{base}{overload or 0}"
    op.type_name = base if overload is None else f"{base}{overload}"
    masks = tuple(reads)
    op.reads = masks
    op.reads0 = masks[0] if masks else 0
    op.reads1 = masks[1] if len(masks) > 1 else 0
    op.shapes = shapes
    op.looks = looks
    op.differentiable = differentiable
    if not cython.compiled and op.together != (type(op).pull_all is not Op.pull_all):
        raise TypeError(f"{name}: `together` must say whether {type(op).__name__} has a pull_all of its own")


def overload(
    op: Op, name: str, number: object, *, reads: object = (), shapes: int = 0, looks: int = 0, node: str = "",
) -> object:
    """Describe a further differentiable overload behind a public function that `declare` made; the op itself."""
    describe(op, last_part(name), reads, shapes, node, number, True, looks)
    return op


def constants(inputs: int, *ops: Op) -> None:
    """Say which inputs (bits) of some ops have no edge in PyTorch's graph: indices, masks, weights of a loss."""
    for op in ops:
        cython.cast(Op, op).constants = inputs


def set_loop(op: object, loop: object, kind: object) -> None:
    """Give an elementwise op its kernel."""
    if isinstance(op, Unary):
        cython.cast(Unary, op).loop = loop
        if kind is not None:
            cython.cast(Unary, op).kind = kind
    elif isinstance(op, Ternary):
        cython.cast(Ternary, op).loop = loop
    else:
        cython.cast(Binary, op).loop = loop
        if kind is not None:
            cython.cast(Binary, op).kind = kind


def documentation(op: object, function: object) -> object:
    """The op's own description, unless its function brings one."""
    return function.__doc__ or type(op).__doc__


def derived(op: Op, name: str) -> object:
    """The public function of an elementwise op."""

    def unary(input: object, *, out: object = None) -> object:
        return op.call1(input, out)

    def binary(input: object, other: object, *, out: object = None) -> object:
        result = op.call2(input, other, out)
        if result is NotImplemented:
            raise TypeError(operand_error(name, input, other))
        return result

    function = unary if isinstance(op, Unary) else binary
    function.__name__ = function.__qualname__ = name
    function.__doc__ = type(op).__doc__
    return function


def operand_error(name: str, x: object, y: object) -> str:
    """The text for an operand that is neither a tensor nor a number."""
    position, value = (1, x) if not isinstance(x, Tensor) else (2, y)
    return errors.ARGUMENT.format(
        function=name, name="input" if position == 1 else "other", expected="Tensor", type=type(value).__name__,
        position=position - name.endswith("_"),  # PyTorch does not count the tensor that a method belongs to
    )


def inplace_form(function: object, name: str) -> object:
    """`x.name_(...)`: the function with its result written into the first argument."""

    def method(self: object, *args: object, **kwargs: object) -> object:
        return function(self, *args, out=INPLACE, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{name.removesuffix('_')}`: writes the result into this tensor and returns it."
    return method


def inplace_fast(op: Op, name: str) -> object:
    """The in-place form of an elementwise op, without packing arguments."""

    def unary(self: object) -> object:
        return op.call1(self, INPLACE)

    def binary(self: object, other: object) -> object:
        result = op.call2(self, other, INPLACE)
        if result is NotImplemented:
            raise TypeError(operand_error(name, self, other))
        return result

    method = unary if isinstance(op, Unary) else binary
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{name.removesuffix('_')}`: writes the result into this tensor and returns it."
    return method


def install_forms(
    entry: object, function: object, op: object, name: str, aliases: tuple, method: bool, inplace: object, custom: bool
) -> None:
    """Put the methods on Tensor, the in-place forms included."""
    names = (name,) + tuple([alias for alias in aliases if "." not in alias])
    if not custom and isinstance(entry, Entry):
        quicken(entry, op, 1 if isinstance(op, Unary) else 2)
    for one in names:
        if method:
            install(Tensor, one, entry)
        if inplace:
            if callable(inplace):
                form = inplace
            else:
                form = inplace_form(function, one + "_") if custom else inplace_fast(op, one + "_")
            written = publish(f"Tensor.{one}_", form)
            if not custom and not callable(inplace):
                quicken(written, op, 1 if isinstance(op, Unary) else 2, INPLACE)
            install_written(one, written)


def install_written(name: str, form: object) -> None:
    """Put an in-place form on Tensor, and among the public functions where PyTorch has it there too."""
    install(Tensor, name + "_", form)
    if name in WRITTEN_FUNCTIONS:
        PUBLIC[name + "_"] = form


def install_method(name: str, function: object) -> object:
    """Put a function on Tensor as a method (an Entry), for what is no op."""
    entry = publish(f"Tensor.{name}", function)
    install(Tensor, name, entry)
    return entry


def install_property(name: str, get: object, put: object = None, doc: object = None, remove: object = None) -> None:
    """Put a property on Tensor."""
    install(Tensor, name, property(get, put, remove, doc or get.__doc__))


class Composite:
    """Stands in the table for a function made of other ops, so that it is tested and listed like an op."""

    def __init__(self, name: str) -> None:
        self.name = name


def composite(
    name: str, function: object, *, samples: object = None, method: bool = True, inplace: bool = False,
    aliases: tuple = (), reference: object = None, dtypes: str = "fib", differentiable: bool = True,
    smooth: bool = True, arity: int = 0, domain: tuple = (-3.0, 3.0), out: bool = False,
) -> object:
    """Publish a function made of other ops and enter it into the table; its Entry. Arguments as for `declare`."""
    entry: object = publish(name, function)
    for one in (last_part(name),) + tuple([alias for alias in aliases if "." not in alias]):
        if method:
            install(Tensor, one, entry)
        if inplace:
            install_written(one, publish(f"Tensor.{one}_", inplace_form(function, one + "_")))
    for alias in aliases:
        PUBLIC[alias] = entry
    REGISTRY[name] = Declared(
        name, Composite(name), entry, inplace=inplace, out=out, method=method, domain=domain, samples=samples,
        reference=reference, dtypes=dtypes, differentiable=differentiable, smooth=smooth, arity=arity,
    )
    return entry
