"""Statements that few programs need and that go wrong easily: hooks that raise, saved-tensor hooks, passes to chosen
inputs, Functions that return views. Drawn like those of statements.py, which knows how to combine them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statements import Statement

# More Functions for every program, after the prelude.
FUNCTIONS = """
class Itself(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, g):
        return g * 3
class Window(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)
    @staticmethod
    def backward(ctx, g):
        log.append(values(g))
        return g
class Twins(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.mark_dirty(x)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(y)
        return x.add_(y), y * y
    @staticmethod
    def backward(ctx, g, h):
        log.append((g is None, h is None))
        (y,) = ctx.saved_tensors
        return g, (None if g is None and h is None else g if h is None else 2 * y * h)
class Keeps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]
"""
# Contexts for a statement. Packing by itself checks nothing later; a copy is independent of later writes. Not inference
# mode: PyTorch writes to an inference tensor and then refuses.
CONTEXTS = (
    "torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t)",
    "torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)",
    "torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach() * 2, lambda t: t / 2)",
    "torch.autograd.graph.saved_tensors_hooks(lambda t: (t.tolist(), t.dtype), lambda t: torch.tensor(t[0]).to(t[1]))",
    "torch.autograd.graph.save_on_cpu()",
    "torch.enable_grad()",
    "torch.no_grad(), torch.enable_grad()",
    "torch.set_grad_enabled(False)",
    "torch.autograd.graph.disable_saved_tensors_hooks('none'), torch.autograd.graph.save_on_cpu()",
)  # fmt: skip


def settled(source: Any, target: Any) -> bool:
    """Whether a write defines what is read: no shared memory, the same elements, or an overlap that PyTorch refuses.

    Of other overlaps, what PyTorch reads depends on what it has written already.
    """
    if source.untyped_storage().data_ptr() != target.untyped_storage().data_ptr():
        return True
    if source.shape == target.shape and source.storage_offset() == target.storage_offset():
        # Along dims of one element PyTorch takes other steps for an overlap, although the elements are the same.
        return bool(source.stride() == target.stride())
    return bool(source.shape == target.shape and source.is_contiguous() and target.is_contiguous())


class Rarer:
    """Methods of the generator; `self` is one (statements.py)."""

    def within(self: Any, statement: Statement) -> Statement:
        """The statement inside of a context.

        Not a leaf's move without history: what still refers to the leaf in PyTorch's graph goes on expecting the shape
        that it had, also of later results (tests/autograd/test_followed.py has the moves that PyTorch follows).
        """
        context = self.pick(CONTEXTS)
        moved = re.match(r"(t\d+)\.(t_|unsqueeze_|squeeze_|transpose_)\(", statement.text)
        if moved and self.namespace[moved[1]].is_leaf and self.namespace[moved[1]].requires_grad:
            return statement
        return type(statement)(f"with {context}: {statement.text}", "other", statement.names)

    def raising_hook(self: Any) -> Statement | None:
        a = self.any_tensor(lambda tensor: tensor.requires_grad and not tensor._is_view())
        tag = self.hooks = self.hooks + 1
        once = f"log.append('r{tag}') or (1 / 0 if log.count('r{tag}') == 1 else None)"
        forms = (
            f"{a}.register_hook(lambda g: None if g is None else {once})",
            f"{a}.register_hook(lambda g: g * 3).remove()",
            f"{a}.register_hook(lambda g: None if g is None else g.sum())",
            f"{a}.grad_fn.register_hook(lambda i, o: {once})",
            f"{a}.grad_fn.register_hook(lambda i, o: tuple(None if g is None else g * 2 for g in i))",
            f"{a}.grad_fn.register_prehook(lambda o: tuple(None if g is None else g * 2 for g in o))",
            f"{a}.register_post_accumulate_grad_hook(lambda p: {once})",
            f"{a}.register_post_accumulate_grad_hook(lambda p: setattr(p, 'grad', None))",
        )
        return a and self.statement(self.pick(forms))

    def readable(self: Any, name: str) -> bool:
        """Whether a tensor's history can be read: not of a view whose base was written and that cannot follow."""
        try:
            _ = self.namespace[name].grad_fn
        except RuntimeError:
            return False
        return True

    def many_hook(self: Any) -> Statement | None:
        # Leaves: PyTorch does not count a tensor from which alone a pass starts, and calls the hook twice or never.
        a = self.any_tensor(lambda tensor: tensor.requires_grad and tensor.is_leaf and not tensor._is_view())
        b = self.any_tensor(lambda tensor: tensor.requires_grad and tensor.is_leaf and not tensor._is_view())
        if a is None or a == b or not (self.readable(a) and self.readable(b)):
            return None  # once PyTorch has refused a hook on a tensor, it takes the next one
        mode = self.pick(("all", "any"))
        self.awaited |= {a, b} if mode == "all" else set()
        seen = {"all": "lambda g: log.append(listed(g))", "any": "lambda g: log.append(values(g))"}[mode]
        return self.statement(f"torch.autograd.graph.register_multi_grad_hook([{a}, {b}], {seen}, mode='{mode}')")

    def chosen_pass(self: Any) -> Statement | None:
        """A pass to some inputs, perhaps to tensors that are no leaves."""
        a = self.any_tensor(lambda tensor: tensor.requires_grad and not tensor.is_leaf)
        b = self.any_tensor(lambda tensor: tensor.requires_grad)
        c = self.any_tensor(lambda tensor: tensor.requires_grad)
        if a is None or b is None:
            return None
        copy = "clone(memory_format=torch.contiguous_format)"
        forms = (
            f"{a}.sum().backward(inputs=[{b}], retain_graph=True)",
            f"{a}.sum().backward(inputs=[{b}, {c}], create_graph=True)",
            f"{a}.sum().backward(inputs={b})",
            f"torch.autograd.backward([{a}.sum(), {b}.sum()], retain_graph=True)",
            f"torch.autograd.backward([{a}, {b}], [torch.ones_like({a}), torch.ones_like({b})])",
        )
        if self.chance(0.5):
            return self.statement(self.pick(forms))
        more = self.pick(("allow_unused=True", "create_graph=True", "materialize_grads=True, retain_graph=True"))
        return self.new(f"torch.autograd.grad([{a}.sum(), {c}.sum()], [{b}, {c}], {more})[0].{copy}")

    def rarer_custom(self: Any) -> Statement | None:
        a = self.any_tensor()
        if a is None:
            return None
        target = self.namespace[a]
        b = self.any_tensor(lambda tensor: tensor.shape == target.shape and settled(tensor, target))
        forms = (
            f"Itself.apply({a})",
            f"Window.apply({a})",
            f"Keeps.apply({a})",
            f"Twins.apply({a}, {b})[0]",
            f"Twins.apply({a}, {b})[1]",
        )
        return self.new(self.pick(forms))
