"""What a static look can say of values: a tensor, several, an instance, a name of PyTorch, something else, unknown.

Holds the kinds, and the tables of what PyTorch's names return, by name alone. Knows no syntax and imports nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Named:
    """A module, class, function or constant reached from an import, by its dotted name ("torch.nn.Linear")."""

    path: str


@dataclass(frozen=True)
class Instance:
    """An instance of a class of PyTorch, by the dotted name of the class."""

    path: str


@dataclass(frozen=True)
class UserClass:
    """A class of the script; `module` says whether it derives from torch.nn.Module. `number` tells it from others."""

    name: str
    number: int
    module: bool


@dataclass(frozen=True)
class UserInstance:
    """An instance of a class of the script (`self` inside it)."""

    of: UserClass


@dataclass(frozen=True)
class UserFunction:
    """A function of the script; `number` tells it from others of its name."""

    name: str
    number: int


@dataclass(frozen=True)
class Method:
    """A bound method that is looked at before it is called: the kind of its owner, and its name."""

    owner: Kind
    name: str


@dataclass(frozen=True)
class Each:
    """Something that gives values of one kind when iterated or indexed: a list of tensors, `zip(...)`."""

    element: Kind


@dataclass(frozen=True)
class Several:
    """A tuple of known length."""

    elements: tuple[Kind, ...]


@dataclass(frozen=True)
class Simple:
    """A kind without parts."""

    name: str


TENSOR = Simple("tensor")
FOREIGN = Simple("foreign")  # evidently not of PyTorch: another library, a number, a string
UNKNOWN = Simple("unknown")
FUNCTION = Simple("function")  # one of the script's own that is not followed
UNSEEN = Simple("unseen")  # nothing assigned yet; joins with everything
Kind = Union[Named, Instance, UserClass, UserInstance, UserFunction, Method, Each, Several, Simple]  # noqa: UP007


def join(one: Kind, other: Kind) -> Kind:
    """The kind of a name that is assigned both: the one if they agree, else unknown."""
    if one == UNSEEN or one == other:
        return other
    return one if other == UNSEEN else UNKNOWN


#: Names whose result is one tensor, as functions of `torch`, `torch.nn.functional` or `torch.linalg` and as methods.
ONE_TENSOR = frozenset(
    """
    tensor as_tensor asarray zeros ones full empty rand randn randint randperm arange range linspace logspace eye
    zeros_like ones_like full_like empty_like rand_like randn_like randint_like from_numpy from_dlpack scalar_tensor
    new_zeros new_ones new_full new_empty new_tensor tril_indices triu_indices bernoulli normal multinomial poisson
    complex polar one_hot
    abs absolute neg negative positive add sub subtract mul multiply div divide true_divide floor_divide remainder fmod
    pow float_power square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 xlogy
    sin cos tan asin acos atan atan2 arctan2 arcsin arccos arctan sinh cosh tanh asinh acosh atanh sinc hypot
    erf erfc erfinv lgamma digamma gamma sigmoid logit softmax log_softmax softmin relu relu6 elu selu celu gelu silu
    mish leaky_relu prelu rrelu softplus softsign hardtanh hardsigmoid hardswish hardshrink softshrink
    tanhshrink threshold logsigmoid glu normalize dropout alpha_dropout
    ceil floor round trunc frac sign sgn signbit clamp clip clamp_min clamp_max nan_to_num lerp addcmul addcdiv where
    eq ne lt le gt ge equal_ greater greater_equal less less_equal not_equal isclose isnan isinf isfinite isposinf
    isneginf isreal logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not
    maximum minimum fmax fmin sum nansum mean nanmean prod std var amin amax argmin argmax logsumexp norm dist any all
    count_nonzero cumsum cumprod logcumsumexp diff trapezoid argsort bincount histc searchsorted bucketize
    matmul mm bmm mv dot vdot inner outer ger addmm addmv addr baddbmm addbmm linear bilinear einsum tensordot kron
    chain_matmul multi_dot matrix_power det logdet inv inverse pinv solve cholesky cross vecdot trace matrix_exp
    view view_as reshape reshape_as expand expand_as permute transpose t swapaxes swapdims movedim moveaxis squeeze
    unsqueeze flatten unflatten narrow select diagonal diag diag_embed diagflat unfold as_strided flip fliplr flipud
    roll rot90 repeat repeat_interleave tile cat concat concatenate stack hstack vstack dstack tril triu
    broadcast_to gather scatter scatter_add scatter_reduce index_select index_add index_copy index_fill index_put
    masked_select masked_fill masked_scatter take take_along_dim nonzero pad
    clone detach contiguous to cpu cuda type_as float double half bfloat16 int long short char byte bool
    requires_grad_ detach_ alias view_as_real view_as_complex conj real imag angle
    mse_loss l1_loss smooth_l1_loss huber_loss nll_loss cross_entropy binary_cross_entropy
    binary_cross_entropy_with_logits kl_div cosine_similarity pairwise_distance cosine_embedding_loss
    margin_ranking_loss triplet_margin_loss hinge_embedding_loss poisson_nll_loss gaussian_nll_loss ctc_loss
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d fold avg_pool1d avg_pool2d avg_pool3d
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d max_pool1d max_pool2d max_pool3d
    batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm embedding embedding_bag interpolate
    upsample grid_sample affine_grid pixel_shuffle scaled_dot_product_attention cdist clip_grad_norm_
    """.split()
)
#: Names whose result is a sequence of tensors.
MANY_TENSORS = frozenset(
    """
    split chunk unbind tensor_split hsplit vsplit dsplit meshgrid broadcast_tensors atleast_1d cummax cummin sort topk
    kthvalue mode svd qr eig eigh slogdet lstsq lu unique_consecutive aminmax var_mean std_mean frexp parameters
    buffers grad
    """.split()
)
#: Attributes of a tensor that are tensors, and of a named result of several.
TENSOR_ATTRIBUTES = frozenset(["data", "grad", "T", "mT", "H", "mH", "real", "imag"])
RESULT_FIELDS = frozenset(["values", "indices", "sign", "logabsdet", "eigenvalues", "eigenvectors", "Q", "R", "U", "S"])
#: Reductions that give one tensor over everything and two over a dimension.
BY_DIMENSION = frozenset(["max", "min", "median", "nanmedian"])
#: Classes whose instances are tensors, and layers whose call does not give one tensor.
TENSOR_CLASSES = frozenset(
    """
    Tensor Parameter Buffer Variable FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor
    ByteTensor BoolTensor
    """.split()
)
NOT_ONE_TENSOR = frozenset(
    """
    LSTM GRU RNN LSTMCell MultiheadAttention Module ModuleList ModuleDict ParameterList ParameterDict Sequential
    AdaptiveLogSoftmaxWithLoss
    """.split()
)
#: Methods of a module that give the module itself.
FLUENT = frozenset(["to", "train", "eval", "cpu", "double", "float", "half", "requires_grad_", "apply"])
#: Built-in functions whose result is evidently no tensor.
PLAIN_BUILTINS = frozenset(
    """
    len int float str repr bool range print isinstance issubclass type id hash input open format ord chr dict set
    hasattr callable dir vars complex bytes bytearray super object
    """.split()
)


def method_result(name: str, arguments: int, by_dimension: bool) -> Kind:
    """The kind that a tensor's method gives, by its name and the number of its arguments."""
    if name in BY_DIMENSION:
        return Each(TENSOR) if arguments or by_dimension else TENSOR
    if name in ("std", "var", "unique"):
        return TENSOR if name != "unique" or not arguments else UNKNOWN
    if name in ONE_TENSOR or (name.endswith("_") and not name.endswith("__")):
        return TENSOR
    if name in MANY_TENSORS:
        return Each(TENSOR)
    return FOREIGN if name in ("item", "tolist", "numpy", "size", "dim", "numel", "backward") else UNKNOWN


def function_result(path: str, arguments: int, by_dimension: bool) -> Kind:
    """The kind that a function of PyTorch gives, by its dotted name."""
    owner, _, name = path.rpartition(".")
    if name == "grad" and owner.endswith(".autograd"):
        return Each(TENSOR)
    if owner.endswith((".Tensor", "torch", "headgate", ".functional", ".linalg", ".special", ".fft")):
        if name in BY_DIMENSION and arguments > 1 and not by_dimension:
            return UNKNOWN  # torch.max(a, b) is one tensor, torch.max(a, 0) two
        return method_result(name, max(arguments - 1, 0), by_dimension)
    return UNKNOWN


def is_class(path: str) -> bool:
    """Whether a dotted name looks like a class: PyTorch's classes begin with a capital letter."""
    return path.rpartition(".")[2][:1].isupper()


def construct(path: str) -> Kind:
    """The kind of what calling a class gives."""
    return TENSOR if path.rpartition(".")[2] in TENSOR_CLASSES else Instance(path)


def iterate(kind: Kind) -> Kind:
    """The kind of one element of what is iterated or indexed."""
    if kind == TENSOR or kind in (UNSEEN, FOREIGN):
        return kind
    if isinstance(kind, Each):
        return kind.element
    if isinstance(kind, Several) and kind.elements:
        whole = kind.elements[0]
        for one in kind.elements[1:]:
            whole = join(whole, one)
        return whole
    return UNKNOWN
