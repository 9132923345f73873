"""Behaviours 14 to 24: writes to leaves, frozen parameters, writes through views and bases, and what is saved when.

Layers and optimizers are written out on plain tensors here. Programs only; how they are compared is in harness.py.
"""

from __future__ import annotations

from typing import Any

from harness import HandSGD, Log, case, node_name

INPLACE = "one of the variables needed for gradient computation has been modified by an inplace operation"


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@case(14)
def write_to_a_leaf(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    log.raises("leaf", lambda: a.add_(1), RuntimeError, "a leaf Variable that requires grad")
    log.raises("view of a leaf", lambda: a[0:1].add_(1), RuntimeError, "a view of a leaf Variable that requires grad")
    log.raises("setitem", lambda: a.__setitem__(0, 5.0), RuntimeError)
    log.state("a untouched", a)
    with torch.no_grad():
        a.add_(1)
        a[0:1].mul_(3)
    log("version", a._version, 2)
    log.state("a", a)
    (a * 2).sum().backward()
    log("a.grad", a.grad, [2, 2])


@case(14)
def step_between_forward_and_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    optimizer = HandSGD(torch, [w], lr=0.1)
    (w * w).sum().backward()
    loss = (w * w).sum()
    optimizer.step()
    log("version", w._version, 1)
    log.raises("backward", loss.backward, RuntimeError, INPLACE)
    log("w.grad stays", w.grad, [2, 4])


@case(14)
def loading_between_forward_and_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    loss = (w * w).sum()
    with torch.no_grad():
        w.copy_(torch.tensor([5.0, 6.0]))
    log.state("w", w)
    log.raises("backward", loss.backward, RuntimeError, INPLACE)


@case(15, report="both")
def data_write_between_forward_and_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    loss = (w * w).sum()
    w.data -= 1
    log.state("w", w)
    loss.backward()
    log("gradient of the new value", w.grad, [0, 2])


@case(15, report="both")
def data_rebinding_between_forward_and_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    loss = (w * w).sum()
    w.data = torch.tensor([5.0, 6.0])
    log("version", w._version, 0)
    loss.backward()
    log("gradient of the new value", w.grad, [10, 12])


@case(15, report="any")
def data_rebinding_to_another_shape_or_dtype(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    loss = (w * 3).sum()
    w.data = torch.ones(3)
    log.state("w", w)
    log.attempt("backward", loss.backward)
    log("w.grad", w.grad)
    v = leaf(torch, 1.0, 2.0)
    loss = (v * 3).sum()
    v.data = torch.ones(2, dtype=torch.float64)
    log("dtype", str(v.dtype).split(".")[-1], "float64")
    log.attempt("backward of the other dtype", loss.backward)
    log("v.grad", v.grad)
    log.attempt("integers", lambda: setattr(v, "data", torch.tensor([1, 2])))


@case(16)
def freeze_after_forward(torch: Any, log: Log) -> None:
    w, u = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    loss = (w * u).sum()
    w.requires_grad_(False)
    loss.backward()
    log("w.grad", w.grad, None)
    log("u.grad", u.grad, [1, 2])


@case(16)
def freeze_and_unfreeze_before_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    loss = (w * 3).sum()
    w.requires_grad_(False)
    w.requires_grad_(True)
    loss.backward()
    log("w.grad", w.grad, [3, 3])


@case(16)
def unfreeze_after_forward(torch: Any, log: Log) -> None:
    w, u = torch.tensor([1.0, 2.0]), leaf(torch, 3.0, 4.0)
    loss = (w * u).sum()
    w.requires_grad_(True)
    loss.backward()
    log("w.grad", w.grad, None)
    log("u.grad", u.grad, [1, 2])


@case(17)
def a_frozen_parameter_with_a_stale_gradient_still_moves(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0)
    optimizer = HandSGD(torch, [w], lr=0.1, momentum=0.9, decay=0.1)
    (w * w).sum().backward()
    optimizer.step()
    w.requires_grad_(False)
    before = w.item()
    optimizer.step()
    log("w moved", w.item() != before, True)
    log.state("w", w)


@case(17)
def zeroed_gradients_move_and_dropped_ones_do_not(torch: Any, log: Log) -> None:
    for drop in (False, True):
        w = leaf(torch, 1.0)
        optimizer = HandSGD(torch, [w], lr=0.1, momentum=0.9, decay=0.1)
        (w * w).sum().backward()
        optimizer.step()
        w.requires_grad_(False)
        optimizer.zero_grad(set_to_none=drop)
        before = w.item()
        optimizer.step()
        log(f"moved, dropped {drop}", w.item() != before, not drop)
        log.state("w", w)


@case(18)
def clipping_counts_a_stale_gradient(torch: Any, log: Log) -> None:
    frozen, free = leaf(torch, 1.0, 1.0), leaf(torch, 1.0, 1.0)
    (frozen * 100).sum().backward()
    frozen.requires_grad_(False)
    (free * frozen).sum().backward()
    held = [p for p in (frozen, free) if p.grad is not None]
    total = torch.stack(
        [torch.linalg.vector_norm(p.grad) if hasattr(torch, "linalg") else p.grad.norm() for p in held]
    ).norm()
    log("norm", total)
    log("counts the frozen one", float(total) > 141.0, True)
    factor = (1.0 / (total + 1e-6)).clamp(max=1.0)
    with torch.no_grad():
        for p in held:
            p.grad.mul_(factor)
    log("clipped", free.grad)
    log("frozen clipped", frozen.grad)


class HandBatchNorm:
    """Batch normalisation over rows, written out: running statistics move in train mode, frozen affine or not."""

    def __init__(self, torch: Any, width: int) -> None:
        self.torch, self.training = torch, True
        self.weight = torch.ones(width, requires_grad=True)
        self.bias = torch.zeros(width, requires_grad=True)
        self.mean, self.var = torch.zeros(width), torch.ones(width)

    def __call__(self, x: Any) -> Any:
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            self.mean.mul_(0.9).add_(mean.detach(), alpha=0.1)
            self.var.mul_(0.9).add_(var.detach(), alpha=0.1)
        else:
            mean, var = self.mean, self.var
        return (x - mean) / (var + 1e-5).sqrt() * self.weight + self.bias


@case(19)
def frozen_affine_still_moves_the_statistics(torch: Any, log: Log) -> None:
    layer = HandBatchNorm(torch, 2)
    layer.weight.requires_grad_(False)
    layer.bias.requires_grad_(False)
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0], [4.0, -1.0]], requires_grad=True)
    (layer(x) ** 2).sum().backward()
    log("mean moved", layer.mean, [0.26666, 0.2])
    log("x.grad", x.grad)
    log("weight.grad", layer.weight.grad, None)
    layer.training = False
    layer(x).sum().backward()
    log("eval leaves the mean", layer.mean, [0.26666, 0.2])
    layer.training = True
    layer(x)
    log("train moves it again", layer.mean)
    log("versions", (layer.mean._version, layer.var._version))


@case(20)
def base_modified_after_a_view(torch: Any, log: Log) -> None:
    b = leaf(torch, 1.0, 2.0, 3.0) * 1
    start = b
    v = b[1:]
    log("node before", v.grad_fn.name())
    b.mul_(3)
    log.state("b", b)
    log.state("v", v)
    log("versions", (b._version, v._version), (1, 1))
    (gradient,) = torch.autograd.grad(v.sum(), start)
    log("to the written base", gradient, [0, 1, 1])
    a = leaf(torch, 1.0, 2.0, 3.0)
    b = a * 1
    v = b[1:]
    b.mul_(3)
    v.sum().backward()
    log("a.grad", a.grad, [0, 3, 3])


@case(20)
def view_modified_after_it_was_made(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    b = a * 1
    v = b[1:2]
    v.mul_(5)
    log("base", node_name(b), "CopySlices")
    log.state("b", b)
    log.state("v", v)
    b.sum().backward()
    log("a.grad", a.grad, [1, 5, 1])


@case(20)
def chains_of_views_written_from_both_ends(torch: Any, log: Log) -> None:
    a = torch.arange(6.0).reshape(2, 3).requires_grad_()
    b = a * 2
    row, column = b[1], b.t()[0]
    piece = row[1:]
    piece.mul_(3)
    column.add_(1)
    b.mul_(2)
    for label, tensor in (("b", b), ("row", row), ("piece", piece), ("column", column)):
        log.state(label, tensor)
    (b.sum() + (piece * piece).sum() + column.sum() + row.sum()).backward()
    log("a.grad", a.grad)


@case(21)
def a_view_written_makes_a_plain_base_require_grad(torch: Any, log: Log) -> None:
    x = leaf(torch, 7.0)
    b = torch.zeros(3)
    v = b[0:1]
    v.copy_(x)
    log("base requires grad", b.requires_grad, True)
    log.state("b", b)
    log.state("v", v)
    b.sum().backward()
    log("x.grad", x.grad, [1])


@case(21)
def a_view_of_a_detached_alias_leaves_the_base_plain(torch: Any, log: Log) -> None:
    x = leaf(torch, 7.0)
    b = torch.zeros(3)
    d = b.detach()
    d[0:1].copy_(x)
    log("base", b, [7, 0, 0])
    log("base stays plain", b.requires_grad, False)
    log("alias requires grad", d.requires_grad, True)
    log.state("b", b)
    log.state("d", d)


@case(22)
def views_of_multi_output_functions(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0, 4.0)
    makers = {
        "split": lambda y: y.split(2)[0],
        "chunk": lambda y: y.chunk(2)[1],
        "unbind": lambda y: y.unbind(0)[0],
        "view of split": lambda y: y.split(2)[0][0:1],
        "of a reshape": lambda y: y.reshape(2, 2).unbind(0)[1],
    }
    for label, make in makers.items():
        y = a * 2
        log.raises(label, lambda view=make(y): view.mul_(2), RuntimeError, "multiple views")
        log.state(label + ", base", y)
    y = a * 2
    part = y.split(2)[0]
    y.mul_(2)
    log.attempt("read of a part after its base was written", lambda: part.sum().backward())


@case(22)
def a_view_born_under_no_grad(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    with torch.no_grad():
        v = y[0:1]
    log.state("v", v)
    log.raises("mul_", lambda: v.mul_(2), RuntimeError, "no_grad mode")
    log.state("y", y)


@case(23, report="any")
def a_write_to_what_nobody_saved(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 3
    z = y * 4
    y.zero_()
    z.sum().backward()
    log("x.grad", x.grad, [12, 12])


@case(23)
def saving_depends_on_who_needs_a_gradient(torch: Any, log: Log) -> None:
    x, w = leaf(torch, 1.0, 2.0), torch.tensor([3.0, 4.0])
    h = x * 1
    h2 = h * w
    h.zero_()
    h2.sum().backward()
    log("x.grad", x.grad, [3, 4])
    matrix = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    x.grad = None
    h = (x * 1).reshape(1, 2)
    out = h @ matrix.t()
    h.zero_()
    out.sum().backward()
    log("through a frozen layer", x.grad, [4, 6])
    free = matrix.clone().requires_grad_()
    h = (x * 1).reshape(1, 2)
    out = h @ free.t()
    h.zero_()
    log.raises("through a free layer", lambda: out.sum().backward(), RuntimeError, INPLACE)


@case(24)
def versions_are_compared_with_the_time_of_saving(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x.exp()
    y += 1
    log.state("y", y)
    log.raises("saved at creation", lambda: y.sum().backward(), RuntimeError, INPLACE)
    x.grad = None
    y = x * 1
    y += 1
    (y * y).sum().backward()
    log("saved after the write", x.grad, [4, 6])
