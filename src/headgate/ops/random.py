"""Random tensors: the functions and in-place methods that draw from PyTorch's own streams, and the generators.

The numbers come from `core.generator`, which fills arrays; here they become leaves, or are written into tensors with
the gradient that PyTorch gives them: zero.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core import generator as streams
    from headgate.core.apply import first_requiring, record, wrap
    from headgate.core.arrays import is_float, set_meta
    from headgate.core.inplace import adopt
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.writes import check_writable, note_write
    from headgate.ops.creation import check_tensor, empty_as, leaf, target

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core import generator as streams_module
from headgate.core.declare import install_method, overload
from headgate.core.device import CPU
from headgate.core.device import device as device_type
from headgate.core.entry import PUBLIC, publish
from headgate.core.options import check_options, kind_of, no_combination, sizes_of


class Generator(streams_module.Generator):
    """A stream of random numbers with PyTorch's CPU algorithms: same seed, same numbers, same position after.

    `Generator()` or `Generator(device="cpu")`. Each drawing function takes one as `generator=`.
    """

    def __init__(self, device: object = "cpu") -> None:
        if not isinstance(device, device_type) and not isinstance(device, str):
            raise TypeError(f"Generator(): argument 'device' must be torch.device, not {type(device).__name__}")
        if device_type(device).type != "cpu":
            raise RuntimeError(f"Cannot get {device_type(device).type.upper()} generator without its library.")
        super().__init__("cpu")

    @property
    def device(self) -> object:
        """Always device(type='cpu')."""
        return CPU

    def get_state(self) -> object:
        """The stream's position as a uint8 tensor of 5056 bytes, interchangeable with PyTorch's."""
        return wrap(super().get_state())

    def set_state(self, new_state: object) -> object:
        """Continue from a tensor of `get_state()`. TypeError if it is no uint8 tensor."""
        return super().set_state(state_bytes(new_state))

    def clone_state(self) -> object:
        """A generator of its own at the same position."""
        other = Generator()
        other.set_state(self.get_state())
        return other

    def __reduce__(self) -> object:
        return restored, (super().get_state(),)


def restored(state: object) -> Generator:
    """A generator at a saved position (what a pickled one becomes)."""
    return Generator().set_state(state)


def state_bytes(state: object) -> object:
    """The array of a state."""
    if isinstance(state, Tensor):
        return np.ascontiguousarray(cython.cast(Tensor, state)._array)
    if isinstance(state, np.ndarray):
        return state
    raise TypeError("expected a torch.ByteTensor, but got " + type(state).__name__)


default_generator = streams_module.default_generator.__class__.__new__(Generator)


def share_engine(to: streams.Generator, source: streams.Generator) -> None:
    """Let two generators be one stream."""
    to.engine = source.engine


share_engine(default_generator, streams_module.default_generator)


def stream(generator: object, name: str) -> object:
    """The generator to draw from."""
    if generator is None:
        return default_generator
    if not isinstance(generator, streams_module.Generator):
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (generator={type(generator).__name__})")
    return generator


# ---- seeds and states -----------------------------------------------------------------------------------------------


def manual_seed(seed: object) -> object:
    """Start the default generator again from int(seed); returns it."""
    default_generator.manual_seed(int(seed))
    return default_generator


def seed() -> object:
    """Start the default generator from the system's randomness; returns the seed."""
    return default_generator.seed()


def initial_seed() -> object:
    """The seed that the default generator was last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> object:
    """The position of the default generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: object) -> None:
    """Continue the default generator from a tensor of `get_rng_state()`."""
    default_generator.set_state(new_state)


# ---- new tensors ----------------------------------------------------------------------------------------------------


def drawn(
    name: str, fill: object, sizes: tuple, size: object, out: object, kind: object, dtype: object,
    requires_grad: object, options: object,
) -> object:
    """A new leaf of the size asked for that `fill` drew into an array, or `out` filled."""
    if options is not None:
        check_options(name, options[0], options[1], options[2])
    shape: tuple = sizes_of(sizes, size, name)
    if out is not None:
        fill(target(out, shape, dtype, name))
        note_write(out, name)
        return out
    return leaf(fill(np.empty(shape, (kind or kind_of(dtype, name)).numpy)), requires_grad, name)


def rand(
    *size: object, generator: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, requires_grad: object = False, pin_memory: object = False, **more: object,
) -> object:
    """Uniform numbers of [0, 1) in a tensor of the given size. float32 takes 24 bits of a word, float64 53 of two."""
    options = None if layout is None and device is None and not pin_memory else (layout, device, pin_memory)
    source = stream(generator, "rand")
    return drawn("rand", source.uniform, size, only_size("rand", size, more), out, None, dtype, requires_grad, options)


def randn(
    *size: object, generator: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, requires_grad: object = False, pin_memory: object = False, **more: object,
) -> object:
    """Standard normal numbers in a tensor of the given size, by PyTorch's algorithms (one below 16 elements)."""
    options = None if layout is None and device is None and not pin_memory else (layout, device, pin_memory)
    source = stream(generator, "randn")
    return drawn("randn", source.normal, size, only_size("randn", size, more), out, None, dtype, requires_grad, options)


def drawn_normal(
    source: object, mean: object, std: object, size: object, out: object, dtype: object, requires_grad: object
) -> object:
    """A new leaf of normal numbers, or `out` filled with them."""
    return drawn("normal", lambda array: source.normal(array, mean, std), (), size, out, None, dtype, requires_grad,
                 None)


def only_size(name: str, size: tuple, more: dict) -> object:
    """The keyword `size`, which a starred parameter cannot have; any other keyword is an error."""
    if not more:
        if not size:
            raise no_combination(name, size)
        return None
    if list(more) != ["size"] or size:
        raise no_combination(name, size, more)
    return more["size"]


def randint(
    low: object, high: object = None, size: object = None, *, generator: object = None, out: object = None,
    dtype: object = None, layout: object = None, device: object = None, requires_grad: object = False,
    pin_memory: object = False,
) -> object:
    """Whole numbers of low .. high - 1 in a tensor of the given size (`randint(high, size)` starts at 0); int64.

    RuntimeError unless low < high.
    """
    if isinstance(high, (tuple, list)) and size is None:
        low, high, size = 0, low, high
    elif high is None and size is not None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)) or isinstance(low, float) or isinstance(high, float):
        raise no_combination("randint", (low,) if high is None else (low, high))
    source = stream(generator, "randint")
    kind = dtypes.by_name("int64") if dtype is None else None
    check_span(low, high)
    return drawn("randint", lambda array: source.random_range(array, low, high), (), size, out, kind, dtype,
                 requires_grad, (layout, device, pin_memory))


def check_span(low: object, high: object) -> None:
    """RuntimeError unless low < high."""
    if low >= high:
        raise RuntimeError(errors.RANDINT.format(low=int(low), high=int(high)))


def randperm(
    n: object, *, generator: object = None, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, requires_grad: object = False, pin_memory: object = False,
) -> object:
    """The numbers 0 .. n-1 in random order, int64. RuntimeError for a negative n or a type that cannot hold them."""
    check_options("randperm", layout, device, pin_memory)
    if isinstance(n, (float, str)) or not hasattr(n, "__index__"):
        raise TypeError(errors.ARGUMENT.format(
            function="randperm", name="n", position=1, expected="int", type=type(n).__name__))
    if n < 0:
        raise RuntimeError(errors.NEGATIVE_DIMENSION.format(size=n, shape=[n]))
    source = stream(generator, "randperm")
    if out is not None:
        array = target(out, (int(n),), dtype, "randperm")
        array[...] = source.randperm(n, array.dtype)
        note_write(out, "randperm")
        return out
    kind = dtypes.by_name("int64") if dtype is None else kind_of(dtype, "randperm")
    return leaf(source.randperm(n, kind.numpy), requires_grad, "randperm")


def like(name: str, fill: object, x: object, dtype: object, requires_grad: object, memory_format: object,
         options: tuple) -> object:
    """A new leaf of the shape, and unless told otherwise the type, of another tensor."""
    check_options(name, options[0], options[1], options[2])
    t: Tensor = check_tensor(x, name)
    kind = dtypes.of(t._array) if dtype is None else kind_of(dtype, name)
    return leaf(fill(empty_as(t._array, kind, memory_format)), requires_grad, name)


def rand_like(
    input: object, *, generator: object = None, dtype: object = None, layout: object = None, device: object = None,
    pin_memory: object = False, requires_grad: object = False, memory_format: object = None,
) -> object:
    """Uniform numbers of [0, 1) in the shape and type of `input`."""
    return like("rand_like", stream(generator, "rand_like").uniform, input, dtype, requires_grad, memory_format,
                (layout, device, pin_memory))


def randn_like(
    input: object, *, generator: object = None, dtype: object = None, layout: object = None, device: object = None,
    pin_memory: object = False, requires_grad: object = False, memory_format: object = None,
) -> object:
    """Standard normal numbers in the shape and type of `input`."""
    return like("randn_like", stream(generator, "randn_like").normal, input, dtype, requires_grad, memory_format,
                (layout, device, pin_memory))


def randint_like(
    input: object, low: object = None, high: object = None, *, generator: object = None, dtype: object = None,
    layout: object = None, device: object = None, pin_memory: object = False, requires_grad: object = False,
    memory_format: object = None,
) -> object:
    """Whole numbers of low .. high - 1 in the shape and type of `input`; one bound alone is the upper one."""
    if high is None or low is None:
        low, high = 0, low if high is None else high
    check_span(low, high)
    source = stream(generator, "randint_like")
    return like("randint_like", lambda array: source.random_range(array, low, high), input, dtype, requires_grad,
                memory_format, (layout, device, pin_memory))


# ---- in place -------------------------------------------------------------------------------------------------------


@cython.cclass
class Draw(Op):
    """The history of a tensor that was overwritten with random numbers: no gradient passes to what it was before."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        array: object = g._array
        return wrap(np.zeros(array.shape, array.dtype))


def draw(op: Op, x: object, other: object, fill: object) -> Tensor:
    """Overwrite a tensor by `fill` and make that its history. `other`: a tensor of parameters, or None."""
    t: Tensor = check_tensor(x, op.name + "_")
    inputs: tuple = (t,) if other is None else (t, other)
    recording: cython.bint = grad_enabled() and first_requiring(inputs) is not None
    n: Node = None
    check_writable(t, recording)
    if recording and is_float(t._array):
        n = record(op, inputs, None)
    fill(t._array)
    note_write(t, op.written)
    if n is not None:
        set_meta(n, t._array)
        adopt(t, n)
    return t


UNIFORM = overload(Draw(), "uniform", 0)
NORMAL = overload(Draw(), "normal", 0)
RANDOM = overload(Draw(), "random", 2)
RANDOM_BOUNDS = overload(Draw(), "random", 0)
RANDOM_TO = overload(Draw(), "random", 1)
BERNOULLI = overload(Draw(), "bernoulli", 2)
BERNOULLI_EACH = overload(Draw(), "bernoulli", 1)
EXPONENTIAL = overload(Draw(), "exponential", None)
GEOMETRIC = overload(Draw(), "geometric", None)
CAUCHY = overload(Draw(), "cauchy", None)
LOG_NORMAL = overload(Draw(), "log_normal", None)
for _op in (UNIFORM, EXPONENTIAL, GEOMETRIC, CAUCHY, LOG_NORMAL):
    _op.type_name = _op.node_name.removesuffix("0")


def uniform_(self: object, *args: object, generator: object = None, **bounds: object) -> object:
    """Fill with uniform numbers of [from, to) (0 and 1 by default). The old value gets a gradient of zero.

    RuntimeError for bounds that do not rise or are not finite; NotImplementedError for integer types.
    """
    low, high = two("uniform_", args, bounds, "from", "to", 0.0, 1.0)
    source = stream(generator, "uniform_")
    return draw(UNIFORM, self, None, lambda array: source.uniform(array, low, high))


def two(name: str, args: tuple, named: dict, first: str, second: str, low: object, high: object) -> tuple:
    """Two parameters by position or by a name that Python cannot have as a parameter."""
    if not named and len(args) != 1 and len(args) < 3:
        return args if args else (low, high)
    values = dict(zip((first, second), args))
    if len(args) > 2 or set(named) - {first, second} or set(named) & set(values):
        raise no_combination(name, args, named)
    values.update(named)
    return values.get(first, low), values.get(second, high)


def normal_(self: object, mean: object = 0.0, std: object = 1.0, *, generator: object = None) -> object:
    """Fill with normal numbers. The old value gets a gradient of zero. RuntimeError unless std >= 0."""
    source = stream(generator, "normal_")
    return draw(NORMAL, self, None, lambda array: source.normal(array, mean, std))


def random_(self: object, *args: object, generator: object = None, **bounds: object) -> object:
    """Fill with whole numbers: of [from, to), of [0, to), or of the type's whole range (2**24 for float32).

    RuntimeError for an empty range or one that the type does not hold.
    """
    source = stream(generator, "random_")
    if not args and not bounds:
        return draw(RANDOM, self, None, lambda array: source.random_fill(array))
    if len(args) == 1 and not bounds:
        return draw(RANDOM_TO, self, None, lambda array: source.random_range(array, 0, args[0]))
    low, high = two("random_", args, bounds, "from", "to", 0, None)
    return draw(RANDOM_BOUNDS, self, None, lambda array: source.random_range(array, low, high))


def bernoulli_(self: object, p: object = 0.5, *, generator: object = None) -> object:
    """Fill with 1 with probability p (a number, or a tensor that broadcasts), else 0. RuntimeError unless 0 <= p <= 1.
    """
    source = stream(generator, "bernoulli_")
    if isinstance(p, Tensor):
        chances: object = cython.cast(Tensor, p)._array
        return draw(BERNOULLI_EACH, self, p, lambda array: source.bernoulli(array, chances))
    return draw(BERNOULLI, self, None, lambda array: source.bernoulli(array, p))


def exponential_(self: object, lambd: object = 1.0, *, generator: object = None) -> object:
    """Fill with numbers of the exponential law of rate `lambd`. RuntimeError unless lambd > 0."""
    source = stream(generator, "exponential_")
    return draw(EXPONENTIAL, self, None, lambda array: source.exponential(array, lambd))


def geometric_(self: object, p: object, *, generator: object = None) -> object:
    """Fill with the number of trials up to the first success of probability p. RuntimeError unless 0 < p < 1."""
    source = stream(generator, "geometric_")
    return draw(GEOMETRIC, self, None, lambda array: source.geometric(array, p))


def cauchy_(self: object, median: object = 0.0, sigma: object = 1.0, *, generator: object = None) -> object:
    """Fill with numbers of the Cauchy law. RuntimeError unless sigma > 0."""
    source = stream(generator, "cauchy_")
    return draw(CAUCHY, self, None, lambda array: source.cauchy(array, median, sigma))


def log_normal_(self: object, mean: object = 1.0, std: object = 2.0, *, generator: object = None) -> object:
    """Fill with exp of normal numbers. RuntimeError unless std > 0."""
    source = stream(generator, "log_normal_")
    return draw(LOG_NORMAL, self, None, lambda array: source.log_normal(array, mean, std))


for _function in (rand, randn, randint, randperm, rand_like, randn_like, randint_like, manual_seed, seed, initial_seed,
                  get_rng_state, set_rng_state):
    publish(_function.__name__, _function)
for _method in (uniform_, normal_, random_, bernoulli_, exponential_, geometric_, cauchy_, log_normal_):
    install_method(_method.__name__, _method)
PUBLIC["Generator"], PUBLIC["default_generator"] = Generator, default_generator
