"""Expressions that random programs are made of, with {a} and {b} for tensors. Smooth ones first: the functional
interpreter follows only these. Knows nothing of how they are combined.
"""

from __future__ import annotations

import math

from rarer import FUNCTIONS

# What every program starts with: the hooks' log, and three Functions.
PRELUDE = """import warnings
warnings.simplefilter('ignore')
log = []
def values(gradient):
    return gradient.detach().numpy(force=True).tolist()  # PyTorch's may be symbolic zeros, without memory
def listed(gradients):
    return [None if g is None else values(g) for g in gradients]
def wanted(gradients, node):
    # For inputs without history PyTorch computes some gradients and leaves out others.
    return [None if g is None or f is None else values(g) for g, (f, _) in zip(gradients, node.next_functions)]
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(0.5)
    @staticmethod
    def backward(ctx, g):
        return g * 0.5
class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        first, second = x * y, x.sign()
        ctx.mark_non_differentiable(second)
        return first, second
    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        log.append(ctx.needs_input_grad)
        return g * y, g * x
""" + FUNCTIONS

UNARY = (
    "-{a}", "{a}.exp()", "{a}.sin()", "{a}.cos()", "{a}.tanh()", "{a}.sigmoid()", "{a} * 0.5", "2.5 * {a}",
    "{a} + 1.5", "1.5 - {a}", "{a} / 2", "{a} ** 2", "{a} ** 3", "{a}.square()", "(1 + {a} * {a}).sqrt()",
    "(2 + {a}.sin()).log()", "1.0 / (2 + {a}.cos())", "{a}.clone()", "{a}.atan()", "(1 + {a} ** 2).rsqrt()",
)  # fmt: skip
# Some masks compare with 0: numbers that cancel do so but for their last bit, which may be either (edges.py).
ROUGH = (
    "{a}.relu()", "{a}.abs()", "{a}.clamp(-0.5, 0.5)", "{a}.sign()", "{a}.round()",
    "torch.nn.functional.softplus({a})", "{a}.softmax(-1)", "{a}.log_softmax(-1)", "{a}.masked_fill({a} > 0, 0.25)",
    "{a}.erf()", "{a}.expm1()", "{a}.cumsum(-1)", "{a}.float()", "{a}.double()", "{a}.flip(0)", "{a}.roll(1, 0)",
    "{a}.tril()", "{a}.pow(1.0)",
)  # fmt: skip
BINARY = (
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2 + {b}.sin())", "torch.add({a}, {b}, alpha=2)",
    "{a} * {b} + {a}", "torch.sub({a}, {b}, alpha=0.5)",
)  # fmt: skip
ROUGH_BINARY = (
    "torch.where({a} > 0, {a}, {b})", "torch.maximum({a}, {b})", "torch.minimum({a}, {b})", "{a} @ {b}",
    "torch.atan2({a}, 2 + {b} * {b})", "torch.mul({a}, {b})", "({a} > {b}) * {a}", "torch.lerp({a}, {b}, 0.3)",
    "torch.addcmul({a}, {a}, {b}, value=0.5)", "torch.addcdiv({a}, {a}, 2 + {b}.sin())", "{a}.div({b} + 3)",
    "{a}.expand_as({b}) * 1", "torch.stack([{a}, {b}])", "torch.hypot({a} + 2, {b})",
)  # fmt: skip
REDUCE = (
    "{a}.sum()", "{a}.mean()", "{a}.sum(0)", "{a}.sum(-1, keepdim=True)", "{a}.mean(-1)",
)  # fmt: skip
ROUGH_REDUCE = (
    "{a}.amax(0)", "{a}.max()", "{a}.prod()", "{a}.logsumexp(-1)", "{a}.norm()", "{a}.var(0)", "{a}.max(0)[0]",
    "{a}.prod(0)", "{a}.std()", "{a}.amin()", "{a}.argmax()", "{a}.sum((0, 1))",
)  # fmt: skip


def views_of(shape: tuple[int, ...]) -> list[str]:
    """View expressions that fit a shape."""
    rank, size = len(shape), math.prod(shape)
    found = [
        "{a}.view_as({a})",
        "{a}[None]",
        "{a}.unsqueeze(-1)",
        "{a}.reshape(-1)",
        "{a}.expand(2, *{a}.shape)",
        "{a}[...]",
        "{a}.squeeze()",
    ]
    if rank >= 1 and shape[0] >= 1:
        found += [
            "{a}[0]",
            "{a}[-1:]",
            "{a}[0:1]",
            "{a}.select(0, 0)",
            "{a}.narrow(0, 0, 1)",
            "{a}[..., 0]",
            "{a}.flatten()",
            "{a}[::2]",
            "{a}[..., 1:]",
        ]
    if rank >= 2:
        found += [
            "{a}.t()" if rank == 2 else "{a}.mT",
            "{a}.transpose(0, 1)",
            "{a}[:, 0]",
            "{a}[:, 0:1]",
            "{a}[1:, ...]",
            "{a}.permute(*reversed(range({a}.dim())))",
            "{a}.diagonal()",
            f"{{a}}.reshape({size})",
            "{a}.T",
            "{a}.unfold(0, 1, 1)",
        ]
    if rank == 1 and size == 3:
        found += ["{a}.view(3, 1)", "{a}.view(1, 3)", "{a}.as_strided((2,), (1,), {a}.storage_offset())"]
    return found
