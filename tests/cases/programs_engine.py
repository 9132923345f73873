"""Behaviours 35 to 44: higher orders, saved values, correct programs, ownership of gradients, re-entrance, exchange.

Layers and optimizers are written out on plain tensors here. Programs only; how they are compared is in harness.py.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
from harness import HandSGD, Log, case
from programs_flow import INPLACE, leaf


@case(35)
def a_detached_gradient_is_a_constant(torch: Any, log: Log) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (g,) = torch.autograd.grad(x**3, x, create_graph=True)
    log("g", (g.tolist(), g.requires_grad, g.is_leaf), (12.0, True, False))
    (second,) = torch.autograd.grad(g * x, x, retain_graph=True)
    log("full derivative", second, 12 * 2.0 + 12 - 0.0)
    g.detach_()
    log.state("g after detach_", g)
    (g * x).backward()
    log("as a constant", x.grad, 12)


@case(35)
def backward_with_create_graph(torch: Any, log: Log) -> None:
    x = torch.tensor(2.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    log("x.grad", (x.grad.tolist(), x.grad.requires_grad, x.grad.is_leaf), (12.0, True, False))
    first = x.grad
    x.grad = None
    first.backward()
    log("second derivative", x.grad, 12)
    x.grad = None


@case(36)
def a_state_dict_shares_storage_and_counter(torch: Any, log: Log) -> None:
    parameters = {"weight": leaf(torch, 1.0, 2.0)}
    state = {name: p.detach() for name, p in parameters.items()}
    loss = (parameters["weight"] ** 2).sum()
    log("shared", state["weight"].data_ptr() == parameters["weight"].data_ptr(), True)
    log.state("state", state["weight"])
    state["weight"].mul_(2)
    log("versions", (state["weight"]._version, parameters["weight"]._version), (1, 1))
    log.raises("backward", loss.backward, RuntimeError, INPLACE)


@case(37, report="both")
def data_rebound_after_saving(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 1
    z = y * y
    log("the saved value is the tensor itself", z.grad_fn._saved_self is y, True)
    y.data = torch.tensor([10.0, 20.0])
    log("still", z.grad_fn._saved_self is y, True)
    z.sum().backward()
    log("gradient from the new value", a.grad, [20, 40])


@case(38)
def a_deleted_detached_input_still_raises(torch: Any, log: Log) -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * 2
    z = y * y
    y.detach_()
    del y
    log.attempt("backward", z.backward)
    log("raised", log.entries[-1][1][0], "raised")


@case(38)
def detach_in_place_on_an_alias_cuts_only_the_alias(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    d = y.detach()
    log.attempt("detach_", lambda: d.detach_() is d)
    log.state("d", d)
    log.state("y", y)
    (y * 3).sum().backward()
    log("x.grad", x.grad, [6, 6])


@case(39)
def a_view_of_a_leaf_kept_across_steps(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0, 3.0)
    v = w[1:]
    for _ in range(3):
        (v * v).sum().backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=0.1)
        w.grad = None
    log("w", w, [1, 2 * 0.512, 3 * 0.512])
    log.state("v", v)


@case(39)
def parameters_packed_into_one_flat_storage(torch: Any, log: Log) -> None:
    torch_values = torch.arange(8.0).div(8).add(0.1)
    p, q = torch.zeros(2, 2, requires_grad=True), torch.zeros(2, 2, requires_grad=True)
    p.data = torch_values[0:4].view(2, 2)
    q.data = torch_values[4:8].view(2, 2)

    def step(parameter: Any) -> None:
        parameter.data.add_(parameter.grad, alpha=-0.01)
        parameter.grad = None

    handles = [tensor.register_post_accumulate_grad_hook(step) for tensor in (p, q)]
    x = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    for _ in range(3):
        loss = ((x @ p).tanh() @ q).pow(2).sum()
        loss.backward()
        log("loss", loss)
    log("flat", torch_values)
    for handle in handles:
        handle.remove()


@case(39)
def masked_logits_then_argmax(torch: Any, log: Log) -> None:
    x = leaf(torch, 5.0, 2.0, 3.0)
    logits = x * 2
    loss = (logits - 1).sum()
    loss.backward()
    with torch.no_grad():
        logits[0] = -1e9
        choice = logits.argmax()
    log("choice", choice)
    log("x.grad", x.grad, [2, 2, 2])


@case(39)
def double_backward_clipping_and_accumulation(torch: Any, log: Log) -> None:
    w, b = leaf(torch, 1.0, -2.0), leaf(torch, 0.5, 0.5)
    for _ in range(3):
        loss = ((w * w + b) ** 2).sum()
        gradients = torch.autograd.grad(loss, [w, b], create_graph=True)
        penalty = sum((g**2).sum() for g in gradients)
        (loss + 0.01 * penalty).backward()
        total = (w.grad.norm() ** 2 + b.grad.norm() ** 2) ** 0.5
        with torch.no_grad():
            for p in (w, b):
                p.grad.mul_(1.0 / (total + 1e-6))
        log("gradients", [w.grad, b.grad])
        with torch.no_grad():
            for p in (w, b):
                p.sub_(p.grad, alpha=0.01)
    log("parameters", [w, b])


@case(39)
def gradients_of_gradients_through_backward(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, -2.0)
    (w**3).sum().backward(create_graph=True)
    penalty = (w.grad**2).sum()
    w.grad = None
    penalty.backward()
    log("w.grad", w.grad, [2 * 3 * 6, 2 * 12 * -12])


@case(39)
def two_training_forwards_before_one_backward(torch: Any, log: Log) -> None:
    mean_kept = torch.zeros(2)
    weight = leaf(torch, 1.0, 2.0)

    def layer(x: Any) -> Any:
        mean = x.mean(0)
        mean_kept.mul_(0.9).add_(mean.detach(), alpha=0.1)
        return (x - mean) * weight

    one, two = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([[0.0, 1.0], [2.0, -4.0]])
    first, second = layer(one), layer(two)
    ((first**2).sum() + (second**3).sum()).backward()
    log("weight.grad", weight.grad)
    log("running mean", mean_kept)


@case(39)
def a_moving_average_copy(torch: Any, log: Log) -> None:
    w = leaf(torch, 1.0, 2.0)
    average = w.detach().clone()
    optimizer = HandSGD(torch, [w], lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        ((w - average) ** 2 + w * w).sum().backward()
        optimizer.step()
        with torch.no_grad():
            average.mul_(0.9).add_(w, alpha=0.1)
    log("average", average)
    log("w", w)


@case(39)
def rows_written_outside_the_saved_ones(torch: Any, log: Log) -> None:
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    rows = weight[torch.tensor([0, 2])]
    part = weight[0:2]
    loss = (rows * 2).sum() + (part * part).sum()
    weight.data[2:].mul_(10)
    loss.backward()
    log("weight.grad", weight.grad, [[2 + 2, 2 + 4], [6, 8], [2, 2]])


@case(40, report="both")
def silent_writes_to_running_statistics(torch: Any, log: Log) -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    variance = torch.ones(2)
    first = x / variance.sqrt().add(0.0) / variance
    variance.data.mul_(0.9).add_(0.5)
    log("version", variance._version, 0)
    first.sum().backward()
    log("x.grad", x.grad)


@case(41)
def leaves_never_share_gradient_memory(torch: Any, log: Log) -> None:
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    (a + b).sum().backward()
    log("apart", a.grad.data_ptr() != b.grad.data_ptr(), True)
    a.grad.zero_()
    log("b.grad", b.grad, [1, 1])
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    given = torch.ones(2)
    (a + b).backward(given)
    pointers = {given.data_ptr(), a.grad.data_ptr(), b.grad.data_ptr()}
    log("three memories", len(pointers), 3)
    a.grad.mul_(7)
    log("others untouched", [given, b.grad])


@case(41)
def who_may_take_a_given_gradient_over(torch: Any, log: Log) -> None:
    makers = {
        "leaf": lambda b: b,
        "view": lambda b: b.view(2),
        "times one": lambda b: b * 1,
        "plus": lambda b: b + 0,
        "negative": lambda b: -b,
        "reshape": lambda b: b.reshape(2, 1).reshape(2),
    }
    for label, make in makers.items():
        b = leaf(torch, 1.0, 2.0)
        given = torch.ones(2)
        make(b).backward(given)
        if label in ("leaf", "times one", "negative"):
            log(label, b.grad.data_ptr() == given.data_ptr(), False)
        log(label + " value", b.grad)
    b = leaf(torch, 1.0, 2.0)
    given = torch.ones(2)
    b.backward(given)
    b.backward(given)
    log("accumulated", (b.grad.tolist(), given.tolist()), ([2.0, 2.0], [1.0, 1.0]))


@case(42)
def a_hook_that_differentiates_the_same_graph(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x.exp()
    z = (y * y).sum()
    inner: list[Any] = []

    def hook(gradient: Any) -> None:
        if not inner:
            inner.append(None)  # the pass below reaches this hook again
            inner[0] = torch.autograd.grad(z, x, retain_graph=True)[0].tolist()

    y.register_hook(hook)
    z.backward(retain_graph=True)
    log("outer", x.grad)
    log("inner", inner)
    log.attempt("again", lambda: torch.autograd.grad(z, x)[0].tolist())


@case(42)
def two_threads_on_one_retained_graph(torch: Any, log: Log) -> None:
    x = torch.linspace(0.1, 1.0, 20).requires_grad_()
    y = x
    for _ in range(20):
        y = (y * y + 0.1).sin()
    z = y.sum()
    found: list[Any] = []

    def work() -> None:
        for _ in range(20):
            found.append(torch.autograd.grad(z, x, retain_graph=True)[0].tolist())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log("all the same", all(item == found[0] for item in found) and len(found) == 40, True)
    log("gradient", found[0])


@case(43)
def dlpack_and_numpy(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    log.raises("export with gradient", a.__dlpack__, BufferError, "require")
    shared = np.from_dlpack(a.detach())
    log("exported", shared.tolist(), [1.0, 2.0])
    log("same memory", shared.ctypes.data == a.data_ptr(), True)
    source = np.arange(3.0)
    imported = torch.from_dlpack(source)
    source[0] = 9
    log("imported shares memory", imported, [9, 1, 2])
    log.raises("negative strides", lambda: torch.from_numpy(np.arange(3.0)[::-1]), ValueError, "negative")
    array = np.arange(3.0)
    tensor = torch.from_numpy(array)
    array[1] = 7
    log("both ways", tensor, [0, 7, 2])
    tensor[2] = 8
    log("and back", array.tolist(), [0.0, 7.0, 8.0])


@case(44)
def set_and_resize_bump_the_version(torch: Any, log: Log) -> None:
    p, q = torch.ones(3), torch.zeros(3)
    p.set_(q)
    log("set_", (p._version, p.data_ptr() == q.data_ptr()), (1, True))
    p.resize_(5)
    log("resize_", (p._version, tuple(p.shape)), (2, (5,)))
    log("storage", p.untyped_storage().data_ptr() == p.detach().untyped_storage().data_ptr(), True)
    log("data_ptr of a view", q.detach()[1:].data_ptr() - q.data_ptr(), 4)
    log("bytes", torch.ones(3).untyped_storage().nbytes(), 12)
    log.attempt("resize_ with gradient", lambda: leaf(torch, 1.0).resize_(4))


@case(44)
def attributes_weak_references_and_arrays(torch: Any, log: Log) -> None:
    t = torch.ones(2)
    t.label = "mine"
    log("attribute", t.label, "mine")
    reference = weakref.ref(t)
    log("alive", reference() is t, True)
    del t
    log("gone", reference() is None, True)
    both = torch.ones(3) * np.arange(3.0)
    log("tensor times array", both, [0, 1, 2])
    log("division", torch.ones(3, dtype=torch.float64) / np.full(3, 2.0), [0.5, 0.5, 0.5])
    log("number times tensor", np.float64(2) * torch.ones(3), [2, 2, 2])
