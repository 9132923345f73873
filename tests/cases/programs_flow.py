"""Behaviours 25 to 34: hooks, second backwards, replaced and tied parameters, modes, refusals and silent cuts.

Layers and optimizers are written out on plain tensors here. Programs only; how they are compared is in harness.py.
"""

from __future__ import annotations

import copy
from typing import Any

from harness import HandSGD, Log, case

INPLACE = "one of the variables needed for gradient computation has been modified by an inplace operation"
SECOND = "Trying to backward through the graph a second time"


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@case(25)
def hooks_before_an_in_place_write(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(3)
    y.sum().backward()
    log("hook sees the old value's gradient", seen, [[3.0, 3.0]])
    log("x.grad", x.grad, [6, 6])


@case(25)
def retain_grad_follows_the_tensor(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    log("y.grad", y.grad, [1, 1])
    log("retains", y.retains_grad, True)
    log.state("y", y)


@case(25)
def hooks_around_detach_in_place(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = x * 2
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    z = y * 3
    y.detach_()
    z.sum().backward()
    log("seen", seen)
    log("x.grad", x.grad, [6, 6])
    log.raises("hook on a detached tensor", lambda: y.register_hook(print), RuntimeError, "cannot register a hook")
    log.attempt("retain_grad on a detached tensor", y.retain_grad)
    handle = x.register_hook(lambda g: g * 10)
    x.grad = None
    (x * 1).sum().backward()
    log("hooked leaf", x.grad, [10, 10])
    handle.remove()
    (x * 1).sum().backward()
    log("hook removed", x.grad, [11, 11])


@case(26)
def second_backward(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    log("accumulated", x.grad, [2, 2])
    for label, make in (("t*t", lambda t: t * t), ("2*t", lambda t: 2 * t), ("exp", lambda t: t.exp())):
        loss = make(x * 1).sum()
        log.attempt(label + " first", loss.backward)
        log.attempt(label + " second", loss.backward)
    log("x.grad", x.grad)


@case(26)
def two_losses_on_a_shared_trunk(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    trunk = x.exp()
    one, two = (trunk * 2).sum(), (trunk * 3).sum()
    one.backward()
    log.raises("second loss", two.backward, RuntimeError, SECOND)
    trunk = x.exp()
    one, two = (trunk * 2).sum(), (trunk * 3).sum()
    one.backward(retain_graph=True)
    two.backward()
    log("x.grad", x.grad)


@case(26)
def a_carried_hidden_state(torch: Any, log: Log) -> None:
    w = torch.tensor([[0.5, -0.3], [0.2, 0.1]], requires_grad=True)
    h = torch.zeros(1, 2)
    x = torch.tensor([[1.0, -1.0]])
    for step in range(2):
        h = (h @ w + x).tanh()
        log.attempt(f"step {step}", lambda: h.sum().backward())
    log("raised on the second", log.entries[-1][1][0], "raised")
    h = torch.zeros(1, 2)
    w.grad = None
    for _ in range(3):
        h = (h.detach() @ w + x).tanh()
        h.sum().backward()
    log("with detach", w.grad)


@case(27)
def a_replaced_parameter_never_moves(torch: Any, log: Log) -> None:
    weight = leaf(torch, 1.0, 2.0)
    optimizer = HandSGD(torch, [weight], lr=0.1)
    old = weight
    weight = (weight.data * 2).requires_grad_()
    (weight * weight).sum().backward()
    optimizer.step()
    log("new", weight, [2, 4])
    log("old", old, [1, 2])
    log("gradients", (weight.grad.tolist(), old.grad), ([4.0, 8.0], None))


@case(28)
def marking_a_cut_loss(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    loss = (a.detach() * 2).sum()
    loss.requires_grad = True
    log.state("loss", loss)
    loss.backward()
    log("a.grad", a.grad, None)
    log("loss.grad", loss.grad, 1)


@case(29)
def tied_weights_share_a_freeze(torch: Any, log: Log) -> None:
    first = {"weight": leaf(torch, 1.0, 2.0), "bias": leaf(torch, 0.0, 0.0)}
    second = {"weight": first["weight"], "bias": leaf(torch, 1.0, 1.0)}
    second["weight"].requires_grad_(False)
    log("first is frozen too", first["weight"].requires_grad, False)
    x = leaf(torch, 1.0, 1.0)
    ((x * first["weight"] + first["bias"]) * second["weight"] + second["bias"]).sum().backward()
    log("weight.grad", first["weight"].grad, None)
    log("x.grad", x.grad, [1, 4])
    first["bias"].requires_grad_(False)
    for layer in (first, second):
        for parameter in layer.values():
            parameter.requires_grad_(True)
    log("all free again", [p.requires_grad for layer in (first, second) for p in layer.values()], [True] * 4)


@case(30)
def nested_modes(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0)
    with torch.no_grad():
        outer = x * 2
        with torch.enable_grad():
            inner = x * 2
        log("mode restored", torch.is_grad_enabled(), False)
    log("mode restored outside", torch.is_grad_enabled(), True)
    log.state("outer", outer)
    log.state("inner", inner)

    @torch.no_grad()
    def passed(value: Any) -> Any:
        return value

    @torch.no_grad()
    def computed(value: Any) -> Any:
        return value * 2

    y = x * 3
    log("own history kept", passed(y) is y and y.grad_fn is not None, True)
    log.state("computed", computed(y))
    with torch.set_grad_enabled(False):
        log.state("set_grad_enabled", x * 1)
    previous = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    log.state("as a function", x * 1)
    torch.set_grad_enabled(previous)
    try:
        with torch.no_grad():
            raise ValueError
    except ValueError:
        log("restored after an exception", torch.is_grad_enabled(), True)


@case(30)
def inference_tensors(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    with torch.inference_mode():
        i = torch.ones(2)
        j = a * 2
        i.add_(1)
        log("inside", (torch.is_inference_mode_enabled(), i.is_inference(), j.requires_grad), (True, True, False))
    log("outside", (torch.is_inference_mode_enabled(), i.is_inference()), (False, True))
    log.raises("saved for backward", lambda: a * i, RuntimeError, "Inference tensors cannot be saved for backward")
    log.raises(
        "written outside", lambda: i.add_(1), RuntimeError, "Inplace update to inference tensor outside InferenceMode"
    )
    log.attempt("version", lambda: i._version)
    log.attempt("requires_grad_", lambda: i.requires_grad_())
    log("not saved is fine", a + i - i)  # i itself: PyTorch wrote it before it refused
    c = i.clone()
    log("a clone is a normal tensor", (c.is_inference(), (a * c).requires_grad), (False, True))
    with torch.inference_mode():
        a.detach().add_(1)
    log("a normal tensor written inside", (a._version, a.tolist()))


@case(31)
def a_leaf_view_on_a_plain_base(torch: Any, log: Log) -> None:
    a0 = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    v = a0[0].requires_grad_()
    log.state("v", v)
    z = (v * v).sum()
    a0.zero_()
    log("versions", (a0._version, v._version), (1, 1))
    log.raises("backward", z.backward, RuntimeError, INPLACE)
    log("v.grad", v.grad, None)


@case(31)
def a_leaf_view_gets_its_gradient(torch: Any, log: Log) -> None:
    a0 = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    v = a0[0].requires_grad_()
    (v * v).sum().backward()
    log("v.grad", v.grad, [2, 4])
    log.state("base stays plain", a0)


@case(32)
def refusals(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    wide = torch.ones(1).expand(3)
    log.raises(
        "expanded", lambda: wide.detach().add_(1), RuntimeError, "more than one element of the written-to tensor"
    )
    log.state("wide", wide)
    out = torch.ones(3)
    log.raises("out=", lambda: torch.add(a, 1, out=out), RuntimeError, "don't support automatic differentiation")
    log.raises(
        "out= requiring", lambda: torch.add(out, 1, out=a), RuntimeError, "don't support automatic differentiation"
    )
    log.state("out untouched", out)
    with torch.no_grad():
        log("out= under no_grad", torch.add(a, 1, out=out), [2, 3, 4])
    log("version of out", out._version, 1)
    log.raises("deepcopy", lambda: copy.deepcopy(a * 2), RuntimeError, "Only Tensors created explicitly by the user")
    twin = copy.deepcopy(a)
    log("deepcopy of a leaf", (twin.requires_grad, twin.is_leaf, twin.data_ptr() != a.data_ptr()), (True, True, True))
    log.raises(
        "requires_grad_(False)",
        lambda: (a * 2).requires_grad_(False),
        RuntimeError,
        "you can only change requires_grad flags",
    )
    log.raises("integers", lambda: torch.tensor([1, 2], requires_grad=True), RuntimeError, "floating point")
    log.raises("integers later", lambda: torch.tensor([1, 2]).requires_grad_(), RuntimeError, "floating point")


@case(33)
def an_ignored_in_place_relu(torch: Any, log: Log) -> None:
    a = leaf(torch, -1.0, 2.0)
    h = a * 1
    torch.relu_(h)
    log("node", h.grad_fn.name(), "ReluBackward0")
    log.state("h", h)
    h.sum().backward()
    log("a.grad", a.grad, [0, 1])


@case(33)
def steps_without_gradient(torch: Any, log: Log) -> None:
    a = leaf(torch, -1.5, 2.5)
    log.state("argmax", a.argmax())
    log.state("comparison", a > 1)
    for name in ("round", "sign", "floor", "ceil", "trunc"):
        a.grad = None
        y = getattr(a, name)()
        log(name + " node", y.grad_fn.name())
        y.sum().backward()
        log(name + " gradient", a.grad, [0, 0])


@case(34)
def silent_cuts(torch: Any, log: Log) -> None:
    t = leaf(torch, 1.0, 2.0)
    built = torch.tensor([t[0] * 2, t[1] * 3])
    log("built", built, [2, 6])
    copied = torch.tensor(t)
    numbers = torch.from_numpy(t.detach().numpy()) * 2
    scalar = torch.tensor(t[0].item() * 2)
    for label, cut in (("built", built), ("copied", copied), ("numbers", numbers), ("scalar", scalar)):
        log.state(label, cut)
        log.raises(
            label + ", backward",
            lambda loss=cut: loss.sum().backward(),
            RuntimeError,
            "element 0 of tensors does not require grad",
        )
    log("copied is a copy", copied.data_ptr() != t.data_ptr(), True)
    log.raises(
        "numpy of a tracked tensor",
        lambda: (t * 1).numpy(),
        RuntimeError,
        "Can't call numpy() on Tensor that requires grad",
    )
