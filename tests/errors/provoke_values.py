"""Mistakes with shapes, products, indices, arithmetic, conversions, element types and losses, and the texts for them.

Each row provokes PyTorch and gives the fields that the text should have carried. Knows headgate.errors alone.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from provoke import integers, leaf, ones, row

from headgate import errors

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

# ---- uninitialised parameters ---------------------------------------------------------------------------------------

row("UNINITIALIZED", ValueError, lambda: torch.relu(torch.nn.UninitializedParameter()), function=torch.relu,
    kind="UninitializedParameter")  # fmt: skip
row("UNINITIALIZED", ValueError, lambda: torch.nn.UninitializedBuffer().sum(), function=torch.Tensor.sum,
    kind="UninitializedBuffer", case="of a buffer")  # fmt: skip
row("UNINITIALIZED_SHAPE", RuntimeError, lambda: torch.nn.UninitializedParameter().shape)
row("UNINITIALIZED_SHARED", RuntimeError, lambda: torch.nn.UninitializedParameter().share_memory_())
