"""Every message template against PyTorch: what the same mistake says there must begin with our text.

Knows headgate.errors alone; each row provokes PyTorch and gives the fields that the text should have carried.
"""

from __future__ import annotations

import copy
import string
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from headgate import errors

# Texts with nothing to compare: PyTorch has no such case (or, for the origin, it is a part of another text).
OWN = {"BFLOAT16_PACKAGE", "NOT_A_NUMBER", "NO_OPERANDS", "INPLACE_ORIGIN"}
ROWS = {}


def says(name, kind, case=None, /, **fields):
    """Register a function that makes PyTorch raise (or warn) with the text of template ``name``."""

    def keep(provoke):
        ROWS[f"{name}-{case}" if case else name] = (name, kind, fields, provoke)
        return provoke

    return keep


def row(name, kind, provoke, /, case=None, **fields):
    says(name, kind, case, **fields)(provoke)


def leaf(*shape):
    return torch.ones(*shape, requires_grad=True)


def made(*shape):
    return leaf(*shape) * 1


def ones(*shape, dtype=torch.float32):
    return torch.ones(*shape, dtype=dtype)


def integers(*values):
    return torch.tensor(values)


def expanded():
    return ones(1).expand(3)


def function(forward, backward=None):
    methods = {"forward": staticmethod(forward)}
    if backward is not None:
        methods["backward"] = staticmethod(backward)
    return type("Mine", (Function,), methods)


def assign(tensor, name, value):
    setattr(tensor, name, value)


def doubled(context, tensor):
    return tensor * 2


def passed(context, *gradients):
    return gradients[0]


# ---- backward -------------------------------------------------------------------------------------------------------


@says("INPLACE", RuntimeError, type="torch.FloatTensor", shape=[3, 2], version=2, expected=0,
      origin=errors.INPLACE_ORIGIN.format(number=0, node="Sigmoid"))  # fmt: skip
def _():
    output = leaf(3, 2).sigmoid()
    output.mul_(2).mul_(2)
    output.sum().backward()


@says("INPLACE", RuntimeError, "leaf", type="torch.DoubleTensor", shape=[3], version=1, expected=0, origin="")
def _():
    factor = torch.ones(3, dtype=torch.float64)
    output = torch.ones(3, dtype=torch.float64, requires_grad=True) * factor
    factor.mul_(2)
    output.sum().backward()


@says("SECOND_BACKWARD", RuntimeError)
def _():
    output = (leaf(3) ** 2).sum()
    output.backward()
    output.backward()


@says("SAVED_DETACHED", RuntimeError)
def _():
    middle = made(3)
    output = middle * middle
    middle.detach_()
    output.sum().backward()


def hooked(value):
    tensor = leaf(3)
    tensor.register_hook(lambda gradient: value)
    tensor.sum().backward()


def node_hooked(value):
    output = leaf(3) * 2
    output.grad_fn.register_hook(lambda inputs, outputs: value)
    output.sum().backward()


def self_assigned():
    tensor = leaf(3)
    tensor.grad = tensor


grad = torch.autograd.grad
row("NO_GRAD_FN", RuntimeError, lambda: ones(3).sum().backward(), index=0)
row("NO_GRAD_FN", RuntimeError, lambda: torch.autograd.backward([leaf(1).sum(), ones(())]), index=1, case="second")
row("NOT_SCALAR", RuntimeError, lambda: made(3).backward())
row("GRAD_SHAPE", RuntimeError, lambda: made(3).backward(ones(2)),
    index=0, grad=torch.Size([2]), output=torch.Size([3]))  # fmt: skip
row("GRAD_COUNT", RuntimeError, lambda: grad([leaf(1), leaf(1)], [leaf(1)], [None]), tensors=2, gradients=1)
row("GRAD_TYPE", TypeError, lambda: grad([leaf(3).sum()], [leaf(3)], ["a"]), type="str")
row("NO_INPUTS", RuntimeError, lambda: leaf(3).sum().backward(inputs=[]))
row("UNUSED", RuntimeError, lambda: grad(leaf(3).sum(), [leaf(3)]), index=0)
row("INPUT_NO_GRAD", RuntimeError, lambda: grad(leaf(3).sum(), [ones(3)]))
row("MATERIALIZE_UNUSED", ValueError,
    lambda: grad(leaf(3).sum(), [leaf(3)], allow_unused=False, materialize_grads=True))  # fmt: skip
row("BAD_GRADIENT", RuntimeError, lambda: function(doubled, lambda c, g: ones(2)).apply(leaf(3)).sum().backward(),
    node="MineBackward", index=0, got=[2], expected=[3])  # fmt: skip

# ---- in-place writes ------------------------------------------------------------------------------------------------


def no_grad_view():
    tensor = made(3)
    with torch.no_grad():
        view = tensor[0:1]
    view.mul_(2)


def inference_view():
    tensor = made(3)
    with torch.inference_mode():
        view = tensor[0:1]
    view.mul_(2)


def inference():
    with torch.inference_mode():
        return ones(3)


def partial_overlap():
    tensor = ones(4)
    tensor[1:].add_(tensor[:-1])


row("LEAF", RuntimeError, lambda: leaf(3).add_(1))
row("LEAF_VIEW", RuntimeError, lambda: leaf(3)[0:1].add_(1))
row("MULTI_VIEW", RuntimeError, lambda: made(3).split(1)[1].add_(1), number=1, node="Split", case="split")
row("MULTI_VIEW", RuntimeError, lambda: made(4).chunk(2)[0].add_(1), number=0, node="Split", case="chunk")
row("MULTI_VIEW", RuntimeError, lambda: made(3).unbind()[2].add_(1), number=2, node="Unbind", case="unbind")
row("NO_GRAD_VIEW", RuntimeError, no_grad_view)
row("INFERENCE_VIEW", RuntimeError, inference_view)
row("CUSTOM_VIEW", RuntimeError, lambda: function(lambda c, a: a.view_as(a), passed).apply(made(3)).add_(1),
    number=0, node="Mine")  # fmt: skip
row("INFERENCE_WRITE", RuntimeError, lambda: inference().add_(1))
row("OVERLAP", RuntimeError, lambda: expanded().add_(1))
row("OVERLAP", RuntimeError, lambda: torch.add(ones(3), 1, out=expanded()), case="out")
row("PARTIAL_OVERLAP", RuntimeError, partial_overlap)
row("INPLACE_SHAPE", RuntimeError, lambda: ones(3).add_(ones(2, 3)), output=[3], shape=[2, 3])
row("RESULT_TYPE", RuntimeError, lambda: integers(1).add_(1.5), result="Float", output="Long")
row("OUT_GRAD", RuntimeError, lambda: torch.add(leaf(3), 1, out=ones(3)), function="add")
row("OUT_RESIZED", UserWarning, lambda: torch.add(ones(3), 1, out=ones(2)), shape=[2], required=[3])
row("RESIZE_GRAD", RuntimeError, lambda: leaf(3).resize_(2))
row("INFERENCE_SAVED", RuntimeError, lambda: inference() * leaf(3))
row("INFERENCE_REQUIRES_GRAD", RuntimeError, lambda: inference().requires_grad_())
row("INFERENCE_VERSION", RuntimeError, lambda: inference()._version)

# ---- a tensor's autograd state, hooks -------------------------------------------------------------------------------


def unpacked():
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: 3, lambda value: 3):
        output = leaf(3) ** 3
    output.sum().backward()


def packed():
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.add_(1), lambda value: value):
        leaf(3).exp()


def hooks_twice():
    output = leaf(3) ** 2  # must live: PyTorch crashes where the node is gone
    saved = output.grad_fn._raw_saved_self
    saved.register_hooks(lambda value: value, lambda value: value)
    saved.register_hooks(lambda value: value, lambda value: value)


row("DETACH_VIEW", RuntimeError, lambda: ones(3)[0:1].detach_())
row("DEEPCOPY", RuntimeError, lambda: copy.deepcopy(made(3)))
row("NON_LEAF_FLAG", RuntimeError, lambda: made(3).requires_grad_(False))
row("INTEGER_FLAG", RuntimeError, lambda: assign(integers(1), "requires_grad", True))
row("INTEGER_REQUIRES_GRAD_", RuntimeError, lambda: integers(1).requires_grad_())
row("INTEGER_CREATION", RuntimeError, lambda: torch.tensor([1], requires_grad=True))
row("FLAG_BOOL", RuntimeError, lambda: assign(ones(3), "requires_grad", 1))
row("GRAD_ASSIGN_TYPE", TypeError, lambda: assign(leaf(3), "grad", "a"), type="str")
row("GRAD_ASSIGN_SHAPE", RuntimeError, lambda: assign(leaf(3), "grad", ones(2)), grad=[2], tensor=[3])
row("GRAD_ASSIGN_DTYPE", RuntimeError, lambda: assign(leaf(3), "grad", ones(3).double()),
    grad=errors.C_NAMES["float64"], tensor=errors.TYPE_NAMES["float32"])  # fmt: skip
row("GRAD_ASSIGN_SELF", RuntimeError, self_assigned)
row("GRAD_NON_LEAF", UserWarning, lambda: made(3).grad)
row("DATA_TYPE", TypeError, lambda: assign(leaf(3), "data", 3), type="int")
row("DATA_DTYPE", RuntimeError, lambda: assign(leaf(3), "data", integers(1)))
row("READ_ONLY", AttributeError, lambda: assign(ones(3), "shape", 3), name="shape")
row("VOLATILE", UserWarning, lambda: torch.autograd.Variable(ones(3), volatile=True))
row("VOLATILE_READ", UserWarning, lambda: ones(3).volatile)
row("HOOK_NO_GRAD", RuntimeError, lambda: ones(3).register_hook(print))
row("HOOK_POST_NON_LEAF", RuntimeError, lambda: made(3).register_post_accumulate_grad_hook(print))
row("RETAIN_NO_GRAD", RuntimeError, lambda: ones(3).retain_grad())
row("HOOK_RETURN", TypeError, lambda: hooked("a"), type="str")
row("HOOK_SIZE", RuntimeError, lambda: hooked(ones(2)), hook="<lambda>")
row("HOOK_TYPE", RuntimeError, lambda: hooked(ones(3).double()), hook="<lambda>",
    was="torch.FloatTensor", got="torch.DoubleTensor")  # fmt: skip
row("HOOK_RETURN_TUPLE", TypeError, lambda: node_hooked("a"), type="str")
row("HOOK_COUNT", RuntimeError, lambda: node_hooked((None,) * 3), hook="<lambda>", got=3, expected=2)
row("UNPACK_TYPE", TypeError, unpacked, type="int")
row("PACK_WRITE", RuntimeError, packed)
row("HOOKS_TWICE", RuntimeError, hooks_twice)

# ---- custom Function ------------------------------------------------------------------------------------------------


def dirty(context, tensor):
    context.mark_dirty(tensor)
    return tensor.add_(1)


def dirty_lost(context, tensor):
    context.mark_dirty(tensor)
    return tensor * 1


def dirty_two(context, tensor):
    context.mark_dirty(tensor)
    return tensor.add_(1), tensor * 2


def calls(name, argument):
    """A forward that passes ``argument`` to a method of its context."""

    def forward(context, tensor):
        getattr(context, name)(argument)
        return tensor * 1

    return function(forward, passed)


def twice_once():
    tensor, factor = leaf(3), leaf(3)
    output = function(doubled, once_differentiable(passed)).apply(tensor) * factor
    (gradient,) = grad(output.sum(), tensor, create_graph=True)
    gradient.sum().backward()


def differentiated(backward, *inputs, forward=doubled):
    function(forward, backward).apply(*inputs).sum().backward()


def product(context, first, second):
    return first * second


row("FUNCTION_FORWARD", NotImplementedError, lambda: type("Mine", (Function,), {}).apply(leaf(3)))
row("FUNCTION_BACKWARD", NotImplementedError, lambda: differentiated(None, leaf(3)))
row("FUNCTION_JVP", NotImplementedError, lambda: function(doubled).jvp(None))
row("FUNCTION_COUNT", RuntimeError, lambda: differentiated(passed, leaf(3), leaf(3), forward=product),
    node="MineBackward", expected=2, got=1)  # fmt: skip
row("FUNCTION_RETURN", RuntimeError, lambda: differentiated(lambda c, g: "a", leaf(3)), type="str")
row("FUNCTION_NOT_NONE", RuntimeError, lambda: differentiated(lambda c, g: (g, g), leaf(3), 2, forward=product),
    node="MineBackward", position=2)  # fmt: skip
row("FUNCTION_SAVE", TypeError, lambda: calls("save_for_backward", 3).apply(leaf(3)), index=0, type="int")
row("DIRTY_LEAF", RuntimeError, lambda: function(dirty, passed).apply(leaf(3)))
row("DIRTY_RETURNED", RuntimeError, lambda: function(dirty_lost, passed).apply(made(3)))
row("DIRTY_TYPE", RuntimeError, lambda: calls("mark_dirty", 3).apply(made(3)))
row("DIRTY_VIEW", RuntimeError, lambda: function(dirty_two, passed).apply(made(3)[0:1]))
row("NON_DIFFERENTIABLE_TYPE", RuntimeError, lambda: calls("mark_non_differentiable", 3).apply(made(3)))
row("MATERIALIZE_TYPE", TypeError, lambda: calls("set_materialize_grads", 3).apply(made(3)))
row("ONCE", RuntimeError, twice_once)
row("FUNCTION_LEGACY", RuntimeError, lambda: function(doubled)()(leaf(3)))
row("FUNCTION_INSTANCE", DeprecationWarning, lambda: function(doubled)(), type=f"<class '{__name__}.Mine'>")

# ---- shapes and dimensions ------------------------------------------------------------------------------------------

row("BROADCAST", RuntimeError, lambda: ones(2, 3, 1) + ones(4, 3), a=3, b=4, dim=1)
row("EXPAND", RuntimeError, lambda: ones(3).expand(4), target=4, size=3, dim=0, targets=[4], sizes=[3])
row("EXPAND_DIMS", RuntimeError, lambda: ones(2, 3).expand(4), type="torch.FloatTensor", shape=[2, 3], size=[4],
    provided=1, dims=2)  # fmt: skip
row("EXPAND_LEADING", RuntimeError, lambda: ones(3).expand(-1, 3), target=-1, dim=0)
row("DIM", IndexError, lambda: ones(()).sum(2), low=-1, high=0, dim=2)
row("DIM", IndexError, lambda: ones(2, 2).sum(-3), low=-2, high=1, dim=-3, case="negative")
row("DIM_TWICE", RuntimeError, lambda: ones(2, 2).sum((0, -2)), dim=0)
row("PERMUTE_TWICE", RuntimeError, lambda: ones(2, 2).permute(0, 0))
row("PERMUTE_COUNT", RuntimeError, lambda: ones(2, 2).permute(0), dims=2, given=1)
row("T_DIMS", RuntimeError, lambda: ones(2, 2, 2).t(), dims=3)
row("MT_DIMS", RuntimeError, lambda: ones(2).mT, dims=1)
row("VIEW_STRIDE", RuntimeError, lambda: ones(3, 2).t().view(6))
row("VIEW_SIZE", RuntimeError, lambda: ones(3, 2).view(4, -1), shape=[4, -1], size=6)
row("VIEW_INFER", RuntimeError, lambda: ones(3, 2).reshape(-1, -1))
row("VIEW_NEGATIVE", RuntimeError, lambda: ones(3, 2).reshape(-2, 3), size=-2, index=0, shape=[-2, 3])
row("VIEW_EMPTY", RuntimeError, lambda: ones(0, 2).reshape(-1, 0), shape=[-1, 0])
row("FLATTEN", RuntimeError, lambda: ones(3, 2, 1).flatten(2, 0))
row("UNFLATTEN", RuntimeError, lambda: ones(4).unflatten(0, (3, 2)), sizes=[3, 2], dim=0, size=4)
row("MOVEDIM", RuntimeError, lambda: ones(3).movedim((0,), (0, 1)), source=[0], destination=[0, 1])
row("SPLIT_SUM", RuntimeError, lambda: ones(3).split([1, 1]), size=3, dim=0, sizes=[1, 1])
row("SPLIT_NEGATIVE", RuntimeError, lambda: ones(3).split(-1), size=-1)
row("CHUNKS", RuntimeError, lambda: ones(3).chunk(0), chunks=0)
row("REPEAT_DIMS", RuntimeError, lambda: ones(3, 2).repeat(2))
row("UNFOLD", RuntimeError, lambda: ones(3).unfold(0, 4, 1), dim=0, size=3, wanted=4)
row("AS_STRIDED", RuntimeError, lambda: ones(3).as_strided((4,), (1,)), sizes=[4], strides=[1], offset=0, itemsize=4,
    required=16, size=12)  # fmt: skip
row("NARROW", RuntimeError, lambda: ones(3).narrow(0, 2, 3), start=2, length=3, size=3)
row("NARROW_START", IndexError, lambda: ones(3).narrow(0, 5, 1), low=-3, high=3, start=5)
row("NARROW_LENGTH", RuntimeError, lambda: ones(3).narrow(0, 0, -1))
row("CAT_NONE", ValueError, lambda: torch.cat([]))
row("CAT_ELEMENT", TypeError, lambda: torch.cat([ones(2), 3]), index=1, type="int")
row("CAT_SIZES", RuntimeError, lambda: torch.cat([ones(2, 3), ones(2, 2)]), dim=0, expected=3, got=2, number=1)
row("CAT_DIMS", RuntimeError, lambda: torch.cat([ones(2, 3), ones(2)]), first=2, other=1)
row("CAT_ZERO_DIM", RuntimeError, lambda: torch.cat([ones(()), ones(())]), index=0)
row("STACK_NONE", RuntimeError, lambda: torch.stack([]))
row("STACK_SIZES", RuntimeError, lambda: torch.stack([ones(2), ones(3)]), first=[2], other=[3], index=1)
row("NEGATIVE_SIZE", RuntimeError, lambda: torch.zeros(-1), function="zeros")
row("NEGATIVE_DIMENSION", RuntimeError, lambda: torch.randperm(-1), size=-1, shape=[-1])
row("SIZE_ITEM", TypeError, lambda: torch.Size([1, "a"]), index=1, type="str")
row("SIZE_ADD", TypeError, lambda: torch.Size([1]) + [1], type="list")

# ---- reductions and products ----------------------------------------------------------------------------------------

row("REDUCE_EMPTY", RuntimeError, lambda: ones(0).max(), function="max")
row("REDUCE_EMPTY_DIM", IndexError, lambda: ones(0, 3).max(0), function="max", dim=0)
row("MEAN_DTYPE", RuntimeError, lambda: integers(1).mean(), dtype="Long")
row("VAR_DTYPE", RuntimeError, lambda: integers(1).var())
row("NORM_DTYPE", RuntimeError, lambda: integers(1).norm(), dtype="Long")
row("TOPK", RuntimeError, lambda: ones(3).topk(4))
row("MM_SHAPES", RuntimeError, lambda: torch.mm(ones(2, 3), ones(4, 5)), n=2, k=3, k2=4, m=5)
row("MM_SELF", RuntimeError, lambda: torch.mm(ones(2), ones(2, 3)))
row("ADDMM_MATRIX", RuntimeError, lambda: torch.addmm(ones(2, 2), ones(2), ones(2, 2)), name="mat1", dims=1)
row("MM_DTYPE", RuntimeError, lambda: torch.mm(ones(2, 2), ones(2, 2).double()), first="float", second="double")
row("BMM_SHAPES", RuntimeError, lambda: torch.bmm(ones(5, 2, 3), ones(4, 2, 3)), batch=5, k=3, batch2=4, k2=2)
row("BMM_DIMS", RuntimeError, lambda: torch.bmm(ones(2, 3), ones(4, 2, 3)), name="batch1")
row("BMM_DTYPE", RuntimeError, lambda: torch.bmm(ones(2, 2, 2), ones(2, 2, 2).long()), first="Float", second="Long")
row("MV_SHAPES", RuntimeError, lambda: torch.mv(ones(2, 3), ones(4)), n=2, k=3, size=4)
row("MV_DIMS", RuntimeError, lambda: torch.mv(ones(2), ones(2)), input=1, matrix=1, vector=1)
row("MV_DTYPE", RuntimeError, lambda: torch.mv(ones(2, 2), ones(2).double()), vector="Double", matrix="Float")
row("ADDMM_DTYPE", RuntimeError, lambda: torch.addmm(ones(2), ones(2, 2), ones(2, 2).double()),
    first="Float", second="Double")  # fmt: skip
row("DOT_SIZES", RuntimeError, lambda: torch.dot(ones(2), ones(3)), a=2, b=3)
row("DOT_DIMS", RuntimeError, lambda: torch.dot(ones(2, 2), ones(3)), first=2, second=1)
row("DOT_DTYPE", RuntimeError, lambda: torch.dot(ones(2), ones(2).double()), first="Float", second="Double")
row("MATMUL_DIMS", RuntimeError, lambda: torch.matmul(ones(()), ones(2)), first=0, second=1)
row("EINSUM_SIZE", RuntimeError, lambda: torch.einsum("ij,jk->ik", ones(2, 3), ones(2, 3)), letter="j", size=2,
    operand=1, seen=3)  # fmt: skip
row("EINSUM_FEWER", RuntimeError, lambda: torch.einsum("ij,jk->ik", ones(2, 3)))

# ---- indexing -------------------------------------------------------------------------------------------------------


def put(tensor, index, value):
    tensor[index] = value


def delete(tensor):
    del tensor[0]


row("INDEX_RANGE", IndexError, lambda: ones(3)[-5], index=-5, dim=0, size=3)
row("INDEX_RANGE", IndexError, lambda: ones(3, 2)[integers(7)], index=7, dim=0, size=3, case="advanced")
row("INDEX_RANGE", RuntimeError, lambda: ones(3).gather(0, integers(5)), index=5, dim=0, size=3, case="gather")
row("INDEX_MANY", IndexError, lambda: ones(3)[0, 0], dims=1)
row("INDEX_ZERO_DIM", IndexError, lambda: ones(())[0])
row("INDEX_TYPE", IndexError, lambda: ones(3)[1.5], type="float")
row("INDEX_DTYPE", IndexError, lambda: ones(3)[ones(3)])
row("STEP", ValueError, lambda: ones(3)[::-1])
row("STEP_ZERO", ValueError, lambda: ones(3)[::0])
row("MASK_SHAPE", IndexError, lambda: ones(3, 2)[ones(3, 3) > 0], mask=[3, 3], dim=1, tensor=[3, 2])
row("INDEX_BROADCAST", IndexError, lambda: ones(3, 3)[integers(0, 1), integers(0, 1, 2)], shapes="[2], [3]")
row("INDEX_VALUE", RuntimeError, lambda: put(ones(3), integers(0, 1), ones(3)), value=[3], result=[2])
row("INDEX_PUT_DTYPE", RuntimeError, lambda: put(ones(3), integers(0), ones(1).double()),
    destination="Float", source="Double")  # fmt: skip
row("INDEX_ASSIGN", TypeError, lambda: put(ones(3), 0, "a"), value="str", tensor="torch.FloatTensor")
row("INDEX_DELETE", TypeError, lambda: delete(ones(3)))
row("SELECT_RANGE", IndexError, lambda: ones(3).select(0, 4), index=4, shape=[3], dim=0)
row("SELECT_ZERO_DIM", IndexError, lambda: ones(()).select(0, 0))
row("INDEX_SELECT_RANGE", IndexError, lambda: ones(3).index_select(0, integers(5)))
row("INDEX_SELECT_DTYPE", RuntimeError, lambda: ones(3).index_select(0, ones(2)))
row("INDEX_SELECT_DIMS", IndexError, lambda: ones(3).index_select(0, ones(2, 2).long()))
row("TAKE_RANGE", IndexError, lambda: ones(3).take(integers(5)), index=5, size=3)
row("GATHER_DTYPE", RuntimeError, lambda: ones(3).gather(0, ones(1)), function="gather")
row("GATHER_DIMS", RuntimeError, lambda: ones(3).gather(0, integers([5])), name="input")
row("GATHER_DIMS", RuntimeError, lambda: ones(3).scatter(0, integers([0, 1]), ones(1)), name="self", case="scatter")
row("GATHER_SIZE", RuntimeError, lambda: ones(3, 2).gather(0, ones(2, 4).long()),
    at=1, index=[2, 4], shape=[3, 2], dim=0)  # fmt: skip
row("SCATTER_DTYPE", RuntimeError, lambda: ones(3).scatter(0, integers(0), ones(1).double()), function="scatter")
row("SCATTER_SIZE", RuntimeError, lambda: ones(3).scatter(0, integers(0, 1), ones(1)), index=[2], shape=[3], dim=0,
    src=[1])  # fmt: skip
row("INDEX_ADD_COUNT", RuntimeError, lambda: ones(3).index_add(0, integers(0), ones(2)), count=1, size=2, dim=0)
row("MASKED_SELECT", RuntimeError, lambda: ones(3).masked_select(ones(3)))
row("MASKED_FILL", RuntimeError, lambda: ones(3).masked_fill(integers(1), 1), dtype=errors.C_NAMES["int64"])
row("MASKED_FILL_VALUE", RuntimeError, lambda: ones(3).masked_fill(ones(3) > 0, ones(1)), dims=1)
row("WHERE", RuntimeError, lambda: torch.where(ones(3), 1, 2), dtype="Float")
row("FILL_VALUE", RuntimeError, lambda: ones(3).fill_(ones(2)), dims=1)

# ---- arithmetic -----------------------------------------------------------------------------------------------------

row("INTEGER_POWER", RuntimeError, lambda: integers(2) ** -1)
row("ZERO_DIVISION", RuntimeError, lambda: integers(2) // 0)
row("ROUNDING_MODE", RuntimeError, lambda: torch.div(ones(2), 1, rounding_mode="a"), mode="a")
row("BOOL_SUBTRACT", RuntimeError, lambda: (ones(2) > 0) - (ones(2) > 0))
row("BOOL_NEGATIVE", RuntimeError, lambda: -(ones(2) > 0))
row("ALPHA_FLOAT", RuntimeError, lambda: torch.add(integers(1), 1, alpha=1.5))
row("CLAMP_NONE", RuntimeError, lambda: ones(3).clamp())
row("OVERFLOW", RuntimeError, lambda: torch.tensor([300], dtype=torch.uint8), type="uint8")
row("NOT_FOR_DTYPE", NotImplementedError, lambda: ones(2) & ones(2), kernel="bitwise_and_cpu", dtype="Float")
row("INVERT_FLOAT", TypeError, lambda: ~ones(2))
row("OPERAND", TypeError, lambda: ones(3) + "a", operator="+", left="Tensor", right="str")
row("ARGUMENT", TypeError, lambda: torch.add(ones(3), "a"), function="add", name="other", position=2, expected="Tensor",
    type="str")  # fmt: skip
row("ARANGE_STEP", RuntimeError, lambda: torch.arange(0, 3, 0))
row("ARANGE_SIGN", RuntimeError, lambda: torch.arange(0, 3, -1))
row("STEPS", RuntimeError, lambda: torch.linspace(0, 1, -1))

# ---- to Python, NumPy and back --------------------------------------------------------------------------------------


def read_only_array():
    array = np.ones(3)
    array.flags.writeable = False
    return torch.from_numpy(array)


row("NUMPY_GRAD", RuntimeError, lambda: np.asarray(leaf(3)))
row("ITEM", RuntimeError, lambda: ones(3).item(), count=3)
row("ONE_ELEMENT", ValueError, lambda: float(ones(3)))
row("BOOL_MANY", RuntimeError, lambda: bool(ones(3)))
row("BOOL_EMPTY", RuntimeError, lambda: bool(ones(0)))
row("AS_INDEX", TypeError, lambda: [1, 2][ones(())])
row("LEN_ZERO_DIM", TypeError, lambda: len(ones(())))
row("ITERATE_ZERO_DIM", TypeError, lambda: list(ones(())))
row("CONTAINS", RuntimeError, lambda: "a" in ones(3), type=str)
row("SCALAR_GRAD", UserWarning, lambda: float(leaf(1)))
row("COPY_CONSTRUCT", UserWarning, lambda: torch.tensor(ones(1)))
row("NOT_AN_ARRAY", TypeError, lambda: torch.from_numpy([1]), type="list")
row("NEGATIVE_STRIDE", ValueError, lambda: torch.from_numpy(np.ones(3)[::-1]))
row("BYTE_ORDER", ValueError, lambda: torch.from_numpy(np.ones(3, ">f4")))
row("NUMPY_TYPE", TypeError, lambda: torch.from_numpy(np.array(["a"])), type="str_")
row("READ_ONLY_ARRAY", UserWarning, read_only_array)
row("DLPACK_GRAD", BufferError, lambda: leaf(3).__dlpack__())
row("RAGGED", ValueError, lambda: torch.tensor([[1, 2], [3]]), expected=2, dim=1, got=1)
row("INFER_DTYPE", RuntimeError, lambda: torch.tensor({}), type="dict")
row("SUBCLASS", TypeError, lambda: torch.Tensor._make_subclass(int, ones(3)))

# ---- element types, random numbers, losses --------------------------------------------------------------------------

row("DEFAULT_DTYPE", TypeError, lambda: torch.set_default_dtype(torch.int32))
row("DEFAULT_DTYPE_OBJECT", TypeError, lambda: torch.set_default_dtype("float32"))
row("DTYPE_ARGUMENT", TypeError, lambda: torch.finfo("float32"), function="finfo", type="str")
row("FINFO", TypeError, lambda: torch.finfo(torch.int32))
row("IINFO", TypeError, lambda: torch.iinfo(torch.float32))
row("IINFO_BOOL", TypeError, lambda: torch.iinfo(torch.bool))
row("BERNOULLI", RuntimeError, lambda: torch.bernoulli(ones(1) * 2))
row("NORMAL_STD", RuntimeError, lambda: torch.normal(0.0, -1.0, (2,)), std=-1)
row("UNIFORM", RuntimeError, lambda: ones(3).uniform_(2, 1), low=2, high=1)
row("RANDINT", RuntimeError, lambda: torch.randint(3, 1, (2,)), low=3, high=1)
row("LOSS_SHAPES", UserWarning, lambda: F.mse_loss(ones(2, 3), ones(3)),
    target=torch.Size([3]), input=torch.Size([2, 3]))  # fmt: skip
row("REDUCTION", ValueError, lambda: F.mse_loss(ones(2), ones(2), reduction="a"), reduction="a")
row("TARGET_RANGE", IndexError, lambda: F.nll_loss(ones(2, 3), integers(0, 5)), target=5)
row("TARGET_BATCH", ValueError, lambda: F.nll_loss(ones(2, 3), integers(0)), input=2, target=1)
row("TARGET_DTYPE", RuntimeError, lambda: F.cross_entropy(ones(2, 3), ones(2)), dtype="Float")


@pytest.fixture(autouse=True)
def _every_warning():
    """PyTorch gives some warnings once a process unless told otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.parametrize("case", ROWS)
def test_text_is_that_of_torch(case):
    name, kind, fields, provoke = ROWS[case]
    text = getattr(errors, name).format(**fields)
    if name == "NUMPY_TYPE":  # the types that follow are Headgate's own
        text = text.partition("complex64")[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            provoke()
        except Exception as error:
            found, theirs = type(error), str(error)
            if issubclass(kind, Warning):
                raise
        else:
            assert issubclass(kind, Warning), f"nothing was raised; warnings: {[str(one.message) for one in caught]}"
            chosen = [one for one in caught if str(one.message).startswith(text)] or caught
            assert chosen, "nothing was warned"
            found, theirs = chosen[0].category, str(chosen[0].message)
    assert theirs[: len(text)] == text
    assert found is kind


def test_every_template_is_compared():
    templates = {name for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
    assert templates - OWN == {name for name, *_ in ROWS.values()}


@pytest.mark.parametrize("case", ROWS)
def test_fields_are_the_templates_own(case):
    """A field that a row gives and the text lacks would go unnoticed."""
    name, _, fields, _ = ROWS[case]
    assert {field for _, field, _, _ in string.Formatter().parse(getattr(errors, name)) if field} == set(fields)


def test_words_for_types():
    for name, word in errors.C_NAMES.items():
        first, other = ("float64", "double") if name == "float32" else ("float32", "float")
        kinds = getattr(torch, first), getattr(torch, name)
        with pytest.raises(RuntimeError) as caught:
            torch.mm(ones(1, 1, dtype=kinds[0]), ones(1, 1, dtype=kinds[1]))
        assert str(caught.value) == errors.MM_DTYPE.format(first=other, second=word)
        with pytest.raises(RuntimeError) as caught:
            torch.bmm(ones(1, 1, 1, dtype=kinds[0]), ones(1, 1, 1, dtype=kinds[1]))
        assert str(caught.value) == errors.BMM_DTYPE.format(
            first=errors.TYPE_NAMES[first], second=errors.TYPE_NAMES[name]
        )


def test_classes():
    assert issubclass(errors.WriteWarning, UserWarning) and issubclass(errors.CutWarning, UserWarning)
    assert not issubclass(errors.WriteWarning, errors.CutWarning)
    assert issubclass(errors.GradcheckError, RuntimeError)
