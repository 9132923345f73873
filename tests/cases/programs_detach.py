"""Behaviours 1 to 13: what detach, .data, no_grad writes, NumPy aliases and detach_ do to values and gradients.

Programs only; how they are compared is in harness.py. They must not know anything of Headgate's inside.
"""

from __future__ import annotations

from typing import Any

from harness import Log, case

INPLACE = "one of the variables needed for gradient computation has been modified by an inplace operation"


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@case(1)
def detach_shares_memory_and_counter(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    o = a.sigmoid()
    c = o.detach()
    log("same memory", c.data_ptr() == o.data_ptr(), True)
    log("not a view", (c._base is None, c._is_view()), (True, False))
    c.zero_()
    log("versions", (o._version, c._version), (1, 1))
    log.state("o", o)
    log.state("c", c)
    log.raises("backward", lambda: o.sum().backward(), RuntimeError, INPLACE)
    log("a.grad", a.grad, None)


@case(1, report="any")
def write_to_the_original_counts_for_the_alias(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    o = a.exp()
    c = o.detach()
    d = c.detach()[1:]
    o.mul_(2)
    log("versions", (o._version, c._version, d._version), (1, 1, 1))
    d.add_(1)
    log("versions after the view", (o._version, c._version, d._version), (2, 2, 2))
    log.state("o", o)
    log.state("c", c)
    log.state("d", d)
    log.raises("backward", lambda: o.sum().backward(), RuntimeError, INPLACE)


@case(2, report="both")
def data_write_is_silent(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    o = a.sigmoid()
    c = o.data
    c.zero_()
    log("version of o stays", o._version, 0)
    log("version of c", c._version)
    log.state("c", c)
    o.sum().backward()
    log("wrong gradient", a.grad, [0, 0, 0])


@case(3, report="both")
def detach_write_where_nothing_is_saved(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    o = a + 1
    o.detach().zero_()
    log("version", o._version, 1)
    o.sum().backward()
    log("a.grad", a.grad, [1, 1, 1])


@case(4, report="both")
def write_of_history_into_a_detached_alias(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    w = leaf(torch, 7.0)
    b = a * 2
    d = b.detach()
    d[0:1] = w
    log.state("d", d)
    log("d has history", d.requires_grad, True)
    log("b changed", b, [7, 4, 6])
    log("version", b._version, 1)
    log.state("b", b)
    b.sum().backward()
    log("a.grad", a.grad, [2, 2, 2])
    log("w.grad", w.grad, None)


@case(5, report="both")
def no_grad_write_to_a_non_leaf(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    with torch.no_grad():
        y[0] = 100
    log.state("y", y)
    y.sum().backward()
    log("x.grad", x.grad, [2, 2])


@case(6, report="error")
def numpy_write_is_unseen(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    o = a.sigmoid()
    n = o.detach().numpy()
    log.attempt("write", lambda: n.__setitem__(slice(None), 0))
    log("version", o._version, 0)
    log("value", o, [0, 0, 0])
    o.sum().backward()
    log("wrong gradient", a.grad, [0, 0, 0])


@case(7)
def detach_in_place_spares_earlier_uses(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    z = y * 3
    log("returns itself", y.detach_() is y, True)
    log("version", y._version, 0)
    log.state("y", y)
    log("leaf without history", (y.grad_fn, y.is_leaf, y.requires_grad), (None, True, False))
    z.sum().backward()
    log("x.grad", x.grad, [6, 6])
    log("y.grad", y.grad, None)


@case(8)
def detach_in_place_of_a_saved_input(torch: Any, log: Log) -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * 2
    z = y * y
    y.detach_()
    log.attempt("backward", z.backward)
    log("raised", log.entries[-1][1][0], "raised")
    log("x.grad", x.grad, None)


@case(8)
def detach_in_place_of_an_own_output(torch: Any, log: Log) -> None:
    x = torch.tensor(0.5, requires_grad=True)
    y = x.exp()
    z = y * 3
    y.detach_()
    z.backward()
    log("x.grad", x.grad, 3 * 2.718281828**0.5)


@case(9)
def detach_in_place_on_views(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    y = a * 2
    for label, view in (("of a non-leaf", y[0:1]), ("of a leaf", a[1:]), ("of a plain tensor", torch.zeros(3)[0:2])):
        log.raises(label, view.detach_, RuntimeError)
        log.state(label, view)
    with torch.no_grad():
        born = y[0:1]
    log.raises("born under no_grad", born.detach_, RuntimeError)
    log.attempt("transposed", torch.zeros(2, 3).t().detach_)
    log.attempt("view of a detach", lambda: y.detach()[0:1].detach_())


@case(9)
def detach_in_place_on_a_base(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    y = a * 2
    v = y[0:1]
    y.detach_()
    log.state("y", y)
    log.state("v", v)
    log("the view keeps its history", v.grad_fn is not None, True)
    v.sum().backward()
    log("a.grad", a.grad, [2, 0, 0])


@case(10)
def write_to_the_old_view_of_a_detached_base(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    y = a * 2
    v = y[0:1]
    y.detach_()
    log.attempt("mul_", lambda: v.mul_(5))
    log.state("v", v)
    log.state("y", y)


@case(10, report="any")
def write_to_a_detached_base_with_a_live_view(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    y = a * 2
    v = y[0:1]
    y.detach_()
    y.mul_(5)
    log("seen in the view", v, [10])
    log.state("y", y)
    log("requires_grad of v", v.requires_grad)
    log.attempt("backward", lambda: v.sum().backward())
    log("a.grad", a.grad)


@case(11)
def detach_in_place_on_a_leaf(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    held = [a]
    log("same object", a.detach_() is held[0], True)
    log.state("a", a)
    log("still leaf", (a.requires_grad, a.is_leaf), (False, True))
    (held[0] * leaf(torch, 3.0, 4.0)).sum().backward()
    log("a.grad", a.grad, None)


@case(12)
def detach_in_place_then_a_new_leaf(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    same = y.detach_().requires_grad_()
    log("same object", same is y, True)
    log.state("y", y)
    (y * y).sum().backward()
    log("y.grad", y.grad, [4, 8])
    log("a.grad", a.grad, None)


@case(12)
def grad_for_a_tensor_cut_after_use(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    z = (y * 3).sum()
    y.detach_().requires_grad_()
    log.attempt("grad", lambda: torch.autograd.grad(z, y))
    log("raised", log.entries[-1][1][0], "raised")


@case(13)
def a_second_leaf_on_shared_storage(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    b = a.detach().requires_grad_()
    log("shared", b.data_ptr() == a.data_ptr(), True)
    (b * b).sum().backward()
    log("b.grad", b.grad, [2, 4])
    log("a.grad", a.grad, None)
    log.state("b", b)
    (a * 3).sum().backward()
    log("a.grad after its own use", a.grad, [3, 3])
    log("b.grad untouched", b.grad, [2, 4])
