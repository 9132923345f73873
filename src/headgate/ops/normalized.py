"""The functions of normalisation: torch's and torch.nn.functional's batch, instance, layer, group, rms and local
response norm, with their checks. The ops are in `normalize`.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import wrap
    from headgate.core.arrays import count_of, is_float, shape_of
    from headgate.core.modes import grad_enabled, set_grad
    from headgate.core.records import Tensor
    from headgate.ops.arguments import given, number
    from headgate.ops.normalize import GROUP, LAYER, RMS

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.ops.normalize import (
    ACCESSOR,
    FLOAT_PARAMETER,
    SAME_TYPE,
    check_types,
    parameter,
    run_blocks,
    run_channels,
)

BATCH_SIZE = "Expected more than 1 value per channel when training, got input size {size}"
NO_GRADIENT = (
    "The function 'native_batch_norm' is not differentiable with respect to argument '{name}'. This input cannot have "
    "requires_grad True."
)
SPATIAL = "Expected more than 1 spatial element when training, got input size {size}"


def product(sizes: tuple) -> int:
    """All of them multiplied."""
    found = 1
    for one in sizes:
        found *= one
    return found


def check_batch(shape: tuple, shown: object) -> None:
    """ValueError for a shape that has one value a channel."""
    if shape[0] * product(shape[2:]) == 1:
        raise ValueError(BATCH_SIZE.format(size=shown))


# ---- batch and instance norm ----------------------------------------------------------------------------------------


def check_counts(channels: object, named: tuple) -> None:
    """RuntimeError for a parameter that has not one number per channel."""
    t: Tensor
    for name, item in named:
        if item is not None:
            t = item
            if count_of(t._array) != channels:
                raise RuntimeError(f"{name} should contain {channels} elements not {count_of(t._array)}")


def batch(x: Tensor, w: object, b: object, mean: object, variance: object, training: object, momentum: object,
          eps: object) -> tuple:
    """(y, means, 1 / deviations) of a batch norm with its checks."""
    shape: tuple = shape_of(x._array)
    channels = shape[1] if len(shape) > 1 else 0
    if count_of(x._array) == 0:  # as in PyTorch nothing else is looked at
        result = cython.cast(object, x).clone()
        result = result if w is None else result * w[0]
        return result if b is None else result + b[0], np.zeros(channels), np.zeros(channels)
    for position, (name, item) in enumerate((("weight", w), ("bias", b), ("running_mean", mean),
                                             ("running_var", variance))):
        parameter(item, "batch_norm", name, position + 2)
    if not training:
        for name, item in (("running_mean", mean), ("running_var", variance)):
            if item is None:
                raise RuntimeError(name + " must be defined in evaluation mode")
    check_counts(channels, (("running_mean", mean), ("running_var", variance), ("weight", w), ("bias", b)))
    for name, item in (("running_mean", mean), ("running_var", variance)):
        if item is not None and grad_enabled() and item.requires_grad:
            raise RuntimeError(NO_GRADIENT.format(name=name))
        if item is not None and item.ndim != 1:
            raise RuntimeError(ACCESSOR.format(dims=item.ndim))
    if len(shape) < 2:
        raise IndexError(errors.DIM.format(low=-max(len(shape), 1), high=max(len(shape), 1) - 1, dim=1))
    if (mean is None) != (variance is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    check_types(x, (w, b, mean, variance), "batch_norm")
    sizes = (shape[0], 1, channels, product(shape[2:]))
    return run_channels((x, w, b, mean, variance), sizes, eps, bool(training), momentum)


def batch_norm(
    input: object, weight: object, bias: object, running_mean: object, running_var: object, training: object,
    momentum: object, eps: object, cudnn_enabled: object,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel (dim 1), as `nn.functional.batch_norm`, with
    the arguments in the order of torch.batch_norm."""
    x: Tensor = given(input, "batch_norm")
    return batch(x, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def native_batch_norm(
    input: object, weight: object, bias: object, running_mean: object, running_var: object, training: object,
    momentum: object, eps: object,
) -> tuple:
    """`batch_norm` with the means and 1 / deviations of the channels; both empty unless `training`."""
    x: Tensor = given(input, "native_batch_norm")
    y, mean, rstd = batch(x, weight, bias, running_mean, running_var, training, momentum, eps)
    if not training:
        mean, rstd = mean[:0], rstd[:0]
    return y, wrap(np.array(mean)), wrap(np.array(rstd))


def functional_batch_norm(
    input: object, running_mean: object, running_var: object, weight: object = None, bias: object = None,
    training: object = False, momentum: object = 0.1, eps: object = 1e-5,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel (dim 1 of (N, C, ...)); Ioffe, Szegedy 2015.

    training: mean and (biased) variance are those of the batch, and the running ones follow with weight `momentum`,
    the variance without bias; a write that the version does not count, as in PyTorch. Else the running ones are used.
    ValueError while training on one value a channel, RuntimeError for parameters of another size or type.
    """
    x: Tensor = given(input, "batch_norm")
    if training:
        shape: tuple = shape_of(x._array)
        if len(shape) == 0:
            raise IndexError("tuple index out of range")
        check_batch(shape, x.shape)
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    momentum = number(momentum, "batch_norm", "momentum", 7, "float")
    return batch(x, weight, bias, running_mean, running_var, training, momentum, eps)[0]


def follow(running: object, repeated: object, count: object, channels: object) -> None:
    """Give running statistics of channels the mean of those of every sample."""
    recording: bool = grad_enabled()
    set_grad(False)
    try:
        running.copy_(repeated.view(count, channels).mean(0, False))
    finally:
        set_grad(recording)


def instance_norm(
    input: object, weight: object, bias: object, running_mean: object, running_var: object, use_input_stats: object,
    momentum: object, eps: object, cudnn_enabled: object,
) -> object:
    """Batch norm of each sample by itself, with the arguments in the order of torch.instance_norm."""
    x: Tensor = given(input, "instance_norm")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    shape: tuple = shape_of(x._array)
    if len(shape) < 2:
        raise IndexError(errors.DIM.format(low=-max(len(shape), 1), high=max(len(shape), 1) - 1, dim=1))
    count, channels = shape[0], shape[1]
    repeated = [None if item is None else item.repeat(count) for item in (weight, bias, running_mean, running_var)]
    kind = dtypes.of(x._array) if weight is None else weight.dtype
    if running_mean is not None and running_mean.dtype is not kind:  # as in PyTorch the mean decides for both
        repeated[2:] = [None if item is None else item.to(kind) for item in repeated[2:]]
    rows: Tensor = cython.cast(object, x).contiguous().view((1, count * channels) + shape[2:])
    y = batch(rows, repeated[0], repeated[1], repeated[2], repeated[3], use_input_stats, momentum, eps)[0]
    for running, item in ((running_mean, repeated[2]), (running_var, repeated[3])):
        if running is not None and use_input_stats:
            follow(running, item, count, channels)
    return y.view(shape)


def functional_instance_norm(
    input: object, running_mean: object = None, running_var: object = None, weight: object = None,
    bias: object = None, use_input_stats: object = True, momentum: object = 0.1, eps: object = 1e-5,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel of each sample; Ulyanov, Vedaldi, Lempitsky
    2016. Running statistics, if given, follow the average over the samples. ValueError for one value a channel."""
    x: Tensor = given(input, "instance_norm")
    if use_input_stats and product(shape_of(x._array)[2:]) == 1:
        raise ValueError(SPATIAL.format(size=x.shape))
    momentum = number(momentum, "instance_norm", "momentum", 7, "float")
    eps = number(eps, "instance_norm", "eps", 8, "float")
    return instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


# ---- layer, rms, group norm -----------------------------------------------------------------------------------------


def check_normalized(x: Tensor, normalized_shape: object, function: str, star: str) -> tuple:
    """The shape that is normalised over; PyTorch's errors if the input does not end in it."""
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(function=function, name="normalized_shape", position=2,
                                               expected="tuple of ints", type=type(normalized_shape).__name__))
    tail = tuple(normalized_shape)
    shape: tuple = shape_of(x._array)
    if not tail:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           "element, but got normalized_shape = []")
    if len(shape) < len(tail) or shape[len(shape) - len(tail):] != tail:
        inner = ", ".join([str(one) for one in tail])
        raise RuntimeError(f"Given normalized_shape={list(tail)}, expected input with shape [*{star}{inner}], but got "
                           f"input of size{list(shape)}")
    return tail


def check_shaped(item: object, tail: tuple, name: str, function: str) -> None:
    """RuntimeError for a weight or bias that has another shape than what is normalised over."""
    parameter(item, function, name, 3)
    if item is not None and tuple(item.shape) != tail:
        raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                           f"{list(item.shape)} and normalized_shape = {list(tail)}")


def refuse_integers(x: Tensor, weight: object, bias: object) -> None:
    """PyTorch's error for an input that is no float beside parameters that are."""
    if (not is_float(x._array) or dtypes.of(x._array).category > 2) and (weight is not None or bias is not None):
        kind = (bias if weight is None else weight).dtype
        if kind is not dtypes.of(x._array):
            raise RuntimeError(FLOAT_PARAMETER if kind.name == "float64" else SAME_TYPE)


def layer(input: object, normalized_shape: object, weight: object, bias: object, eps: object) -> tuple:
    """(y, means, 1 / deviations, shape of the last two) of a layer norm with its checks."""
    x: Tensor = given(input, "layer_norm")
    eps = number(eps, "layer_norm", "eps", 5, "float")
    tail = check_normalized(x, normalized_shape, "layer_norm", ", ")
    check_shaped(weight, tail, "weight", "layer_norm")
    check_shaped(bias, tail, "bias", "layer_norm")
    refuse_integers(x, weight, bias)
    check_types(x, (weight, bias), "LayerNormKernelImpl")
    shape: tuple = shape_of(x._array)
    head = shape[:len(shape) - len(tail)]
    y, mean, rstd = run_blocks(LAYER, (x, weight, bias), (product(head), 1, product(tail), 1), eps, True)
    return y, mean, rstd, head + (1,) * len(tail)


def layer_norm(
    input: object, normalized_shape: object, weight: object = None, bias: object = None, eps: object = 1e-5,
    cudnn_enable: object = True,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dims, which have `normalized_shape`.

    weight, bias: of that shape, or None. Ba, Kiros, Hinton 2016. RuntimeError for shapes or types that do not fit.
    """
    return layer(input, normalized_shape, weight, bias, eps)[0]


def functional_layer_norm(
    input: object, normalized_shape: object, weight: object = None, bias: object = None, eps: object = 1e-5,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dims, which have `normalized_shape`.

    weight, bias: of that shape, or None. Ba, Kiros, Hinton 2016. RuntimeError for shapes or types that do not fit.
    """
    return layer(input, normalized_shape, weight, bias, eps)[0]


def native_layer_norm(
    input: object, normalized_shape: object, weight: object, bias: object, eps: object,
) -> tuple:
    """`layer_norm` with the means and 1 / deviations, which have no history."""
    y, mean, rstd, shape = layer(input, normalized_shape, weight, bias, eps)
    return y, wrap(mean.reshape(shape)), wrap(rstd.reshape(shape))


def rms_norm(input: object, normalized_shape: object, weight: object = None, eps: object = None) -> object:
    """x / sqrt(mean of x² + eps) * weight over the last dims, which have `normalized_shape`; Zhang, Sennrich 2019.

    eps None: the type's machine precision. Differs from PyTorch: one node, where PyTorch has one per step.
    """
    x: Tensor = given(input, "rms_norm")
    eps = None if eps is None else number(eps, "rms_norm", "eps", 4, "float")
    if isinstance(normalized_shape, (tuple, list)) and x._array.ndim < len(normalized_shape):
        raise ValueError(f"Input tensor must have at least {len(normalized_shape)} dimensions, but got {x._array.ndim}")
    tail = check_normalized(x, normalized_shape, "rms_norm", "")
    check_shaped(weight, tail, "weight", "rms_norm")
    kind = dtypes.of(x._array)
    if not is_float(x._array):
        raise refused_error("rms_norm", kind)
    if eps is None:  # PyTorch computes half types in float32
        eps = dtypes.finfo(dtypes.by_name("float32") if kind.itemsize == 2 else kind).eps
    shape: tuple = shape_of(x._array)
    sizes = (product(shape[:len(shape) - len(tail)]), 1, product(tail), 1)
    if weight is not None and kind.itemsize > 2 and grad_enabled() and not x.requires_grad:
        return run_blocks(RMS, (x, None, None), sizes, eps, False)[0] * weight  # as in PyTorch keeps nothing of x
    return run_blocks(RMS, (x, weight, None), sizes, eps, False)[0]


def grouped(x: Tensor, num_groups: object, weight: object, bias: object, eps: object) -> object:
    """A group norm with its checks."""
    shape: tuple = shape_of(x._array)
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, but got input of shape "
                           f"{list(shape)} and num_groups={num_groups}")
    for position, (name, item) in enumerate((("weight", weight), ("bias", bias))):
        parameter(item, "group_norm", name, 3 + position)
        if item is not None and tuple(item.shape) != (shape[1],):
            mine = list(weight.shape if weight is not None else item.shape)
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but "
                               f"got {name} of shape {mine} and input of shape {list(shape)}")
    refuse_integers(x, weight, bias)
    check_types(x, (weight, bias), "GroupNormKernelImpl")
    sizes = (shape[0] * num_groups, num_groups, shape[1] // num_groups, product(shape[2:]))
    return run_blocks(GROUP, (x, weight, bias), sizes, eps, True)[0]


def group_norm(
    input: object, num_groups: object, weight: object = None, bias: object = None, eps: object = 1e-5,
    cudnn_enabled: object = True,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and variance over groups of channels of a sample."""
    eps = number(eps, "group_norm", "eps", 5, "float")
    return grouped(given(input, "group_norm"), num_groups, weight, bias, eps)


def functional_group_norm(
    input: object, num_groups: object, weight: object = None, bias: object = None, eps: object = 1e-5,
) -> object:
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and variance over groups of channels of a sample.

    weight, bias: one number a channel, or None. Wu, He 2018. RuntimeError unless groups of equal size fill the
    channels, ValueError for one value a group.
    """
    x: Tensor = given(input, "group_norm")
    shape: tuple = shape_of(x._array)
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    sizes = (shape[0] * shape[1] // num_groups, num_groups) + shape[2:]
    check_batch(sizes, list(sizes))
    eps = number(eps, "group_norm", "eps", 5, "float")
    return grouped(x, num_groups, weight, bias, eps)


def native_group_norm(
    input: object, weight: object, bias: object, N: object, C: object, HxW: object, group: object, eps: object,
) -> tuple:
    """`group_norm` with the means and 1 / deviations of the groups, which have history."""
    x: Tensor = given(input, "native_group_norm")
    y = grouped(x, group, weight, bias, eps)
    flat = cython.cast(object, x).reshape(N, group, C // group * HxW)
    mean = flat.mean(2)
    return y, mean, (((flat - mean.unsqueeze(2)) ** 2).mean(2) + eps).rsqrt()


def local_response_norm(
    input: object, size: object, alpha: object = 1e-4, beta: object = 0.75, k: object = 1.0,
) -> object:
    """x / (k + alpha * mean of x² over `size` neighbouring channels) ** beta; channels are dim 1 of (N, C, ...).

    Krizhevsky, Sutskever, Hinton 2012. ValueError below three dims.
    """
    x: Tensor = given(input, "local_response_norm")
    shape: tuple = shape_of(x._array)
    if len(shape) < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {len(shape)} "
                         "dimensions)")
    if count_of(x._array) == 0:
        return input
    if size <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got kH: {size} kW: 1")
    squares: object = cython.cast(object, x) * x
    if len(shape) == 3:
        squares = squares.unsqueeze(1)
    else:
        squares = squares.view((shape[0], 1, shape[1], shape[2], product(shape[3:])))
    sides = (0, 0) * (squares.ndim - 3) + (size // 2, (size - 1) // 2)
    pool = PUBLIC["nn.functional.avg_pool2d" if len(shape) == 3 else "nn.functional.avg_pool3d"]
    average: object = pool(PUBLIC["nn.functional.pad"](squares, sides), (size,) + (1,) * (squares.ndim - 3), 1)
    return x / (average.view(shape) * alpha + k).pow(beta)


# ---- samples and publishing -----------------------------------------------------------------------------------------


def of_channels(make: object) -> list:
    """Batches of several ranks, with and without parameters."""
    return [((make(4, 3), None, None), {"training": True}),
            ((make(4, 3, 5), None, None, make(3), make(3)), {"training": True, "eps": 1e-2}),
            ((make(2, 3, 2, 2), None, None, make(3)), {"training": True})]


def of_samples(make: object) -> list:
    """Samples with channels."""
    return [((make(2, 3, 5),), {}), ((make(2, 3, 2, 3),), {"weight": make(3), "bias": make(3), "eps": 1e-3})]


def of_tails(make: object) -> list:
    """Inputs with the shape that is normalised over."""
    return [((make(4, 6), (6,)), {}), ((make(2, 3, 5), (5,), make(5), make(5)), {}),
            ((make(2, 3, 5), (3, 5), make(3, 5)), {"eps": 1e-2}), ((make(3, 5), (5,), make(5)), {})]


def of_groups(make: object) -> list:
    """Inputs and numbers of groups."""
    return [((make(4, 6), 3), {}), ((make(2, 6, 5), 2, make(6), make(6)), {}),
            ((make(2, 4, 2, 3), 4, make(4)), {"eps": 1e-2})]


def of_neighbours(make: object) -> list:
    """Inputs and sizes of windows."""
    return [((make(2, 5, 3), 3), {"alpha": 0.5}), ((make(2, 4, 2, 3), 2), {"beta": 0.5, "k": 2.0})]


for _name, _function, _samples in (
        ("batch_norm", functional_batch_norm, of_channels), ("instance_norm", functional_instance_norm, of_samples),
        ("layer_norm", functional_layer_norm, of_tails), ("group_norm", functional_group_norm, of_groups),
        ("local_response_norm", local_response_norm, of_neighbours)):
    composite("nn.functional." + _name, _function, method=False, dtypes="f", samples=_samples)
for _published in (batch_norm, instance_norm, layer_norm, group_norm, native_batch_norm, native_layer_norm,
                   native_group_norm):
    publish(_published.__name__, _published)
for _prefix in ("", "nn.functional."):  # not in the table: PyTorch's nodes are others
    publish(_prefix + "rms_norm", rms_norm)
