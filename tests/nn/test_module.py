"""Module and containers beside PyTorch: members, errors, state, hooks, copies, texts."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, arrays, outcome, same

import headgate


def net(library: Any) -> Any:
    """A small tree of modules with all kinds of members, made from one seed."""
    nn = library.nn

    class Block(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.inner = nn.Linear(size, size)
            self.register_buffer("seen", library.zeros(1))
            self.register_buffer("scratch", library.ones(2), persistent=False)
            self.register_parameter("nothing", None)
            self.scale = nn.Parameter(library.ones(size) * 2)

        def forward(self, x: Any) -> Any:
            return self.inner(x) * self.scale

        def extra_repr(self) -> str:
            return "a block"

    library.manual_seed(3)
    model = nn.Sequential(OrderedDict(first=Block(3), act=nn.Tanh(), more=nn.ModuleList([Block(3), nn.ReLU(),
        nn.ReLU()])))
    model.shared = model.first.inner
    return model


ERRORS: list[Callable[[Any, Any], Any]] = [
    lambda nn, m: m.register_buffer("a.b", None), lambda nn, m: m.register_buffer("", None),
    lambda nn, m: m.register_buffer(1, None), lambda nn, m: m.register_buffer("forward", None),
    lambda nn, m: m.register_buffer("q", 3), lambda nn, m: m.register_parameter("a.b", None),
    lambda nn, m: m.register_parameter("", None), lambda nn, m: m.register_parameter(1, None),
    lambda nn, m: m.register_parameter("forward", None), lambda nn, m: m.register_parameter("q", 3),
    lambda nn, m: m.register_parameter("q", nn.Parameter() * 2), lambda nn, m: m.add_module("a.b", None),
    lambda nn, m: m.add_module("", None), lambda nn, m: m.add_module(1, None), lambda nn, m: m.add_module("eval", None),
    lambda nn, m: m.add_module("q", 3), lambda nn, m: m.get_submodule("a"),
    lambda nn, m: m.get_submodule("first.scale"),
    lambda nn, m: m.get_parameter("first.a"), lambda nn, m: m.get_parameter("first.forward"),
    lambda nn, m: m.get_parameter("zz.a"), lambda nn, m: m.get_buffer("first.scale"), lambda nn, m: m.get_buffer("zz"),
    lambda nn, m: setattr(m.first, "scale", nn.Parameter() * 1), lambda nn, m: m.first.nothing_there,
    lambda nn, m: setattr(m, "act", 3), lambda nn, m: setattr(m.first, "seen", 3), lambda nn, m: nn.Module()(3),
    lambda nn, m: nn.Module(3), lambda nn, m: nn.Module(a=3), lambda nn, m: m.train(3), lambda nn, m: m.first("a"),
    lambda nn, m: delattr(m, "zzz"), lambda nn, m: m[7], lambda nn, m: nn.ModuleList([nn.ReLU()])[3],
    lambda nn, m: nn.ModuleList([3]), lambda nn, m: nn.Sequential(3), lambda nn, m: m + 3, lambda nn, m: m * 0,
    lambda nn, m: m * 1.5, lambda nn, m: m.insert(9, nn.ReLU()), lambda nn, m: nn.ModuleDict({"a": 3}),
    lambda nn, m: nn.ModuleDict({"a": nn.ReLU()})["b"], lambda nn, m: nn.ModuleDict(3),
    lambda nn, m: nn.ParameterList(3),
    lambda nn, m: nn.ParameterList()(), lambda nn, m: nn.ParameterDict({1: 3}), lambda nn, m: nn.ParameterDict()["a"],
    lambda nn, m: m.load_state_dict(3), lambda nn, m: m.load_state_dict({}), lambda nn, m: m.set_submodule("", m.act),
    lambda nn, m: m.set_submodule("a", 3), lambda nn, m: m.set_submodule("x.y", m.act),
    lambda nn, m: m.first.register_backward_hook(
        print) and m.first.register_full_backward_hook(print),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number: int) -> None:
    theirs, mine = (outcome(lambda library=library: ERRORS[number](library.nn, net(library))) for library in LIBRARIES)
    assert isinstance(theirs, tuple) and theirs == mine


def before_init(nn: Any, value: Any) -> Any:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.a = value(nn)

    return Early()


@pytest.mark.parametrize("value", [lambda nn: nn.Parameter(), lambda nn: nn.ReLU(), lambda nn: nn.Buffer()])
def test_members_before_init(value: Any) -> None:
    theirs, mine = (outcome(lambda library=library: before_init(library.nn, value)) for library in LIBRARIES)
    assert theirs == mine and theirs[0] == "AttributeError"


def listings(library: Any) -> dict[str, Any]:
    model = net(library)
    model.first.extra = 5
    return {
        "text": repr(model), "state": list(model.state_dict()),
        "metadata": model.state_dict()._metadata, "parameters": [name for name, _ in model.named_parameters()],
        "all": [name for name, _ in model.named_parameters(remove_duplicate=False)],
        "own": [name for name, _ in model.first.named_parameters("p", recurse=False)],
        "buffers": [name for name, _ in model.named_buffers()],
            "children": [name for name, _ in model.named_children()],
        "modules": [name for name, _ in model.named_modules(prefix="p")], "count": len(list(model.modules())),
        "get": repr(model.get_submodule("more.0.inner")), "slice": repr(model[:2]), "sum": repr(model[:1] + model[1:2]),
        "twice": repr(model[1:2] * 2), "names": list(vars(model.first)), "training": model.eval().more[0].training,
    }


def test_listings() -> None:
    theirs, mine = map(listings, LIBRARIES)
    for key, value in theirs.items():
        assert value == mine[key], key


CONTAINERS: list[Callable[[Any, Any], Any]] = [
    lambda t, nn: nn.ModuleList([nn.Linear(1, 1) for _ in range(3)] + [nn.ReLU()]),
    lambda t, nn: nn.ModuleList([nn.ReLU(), nn.Tanh()]).append(nn.ReLU()).extend([nn.Tanh(), nn.Tanh()]),
    lambda t, nn: nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ELU()])[1:], lambda t, nn: nn.ModuleList(),
    lambda t, nn: nn.ModuleList([nn.ReLU()]) + [nn.Tanh()],
    lambda t, nn: nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()}),
    lambda t, nn: nn.ModuleDict([("a", nn.Sequential(nn.ReLU()))]),
    lambda t, nn: nn.ParameterList([t.ones(2), 3, t.ones(())]),
    lambda t, nn: nn.ParameterDict({"b": t.ones(2), "a": t.ones(3)}), lambda t, nn: nn.ParameterDict(),
    lambda t, nn: nn.Sequential(nn.ReLU(), nn.Tanh()).insert(1, nn.ELU()), lambda t, nn: nn.Sequential(),
    lambda t, nn: nn.Sequential(nn.ReLU()).append(nn.Tanh()), lambda t, nn: nn.ParameterList([t.ones(2)] * 3)[1:],
    lambda t, nn: list(nn.ParameterDict({"a": 1, "b": 2}).items()),
    lambda t, nn: nn.ParameterDict({"a": 1}).get("z", 5),
    lambda t, nn: sorted(nn.ModuleDict({"a": nn.ReLU()}).keys()),
    lambda t, nn: nn.ParameterDict({"a": 1}) | nn.ParameterDict({"b": 2}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CONTAINERS)))
def test_containers(number: int) -> None:
    texts = [repr(CONTAINERS[number](library, library.nn)) for library in LIBRARIES]
    assert texts[0] == texts[1]


def test_deleting_from_sequential_renumbers() -> None:
    for library in LIBRARIES:
        nn = library.nn
        model = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ELU(), nn.ReLU())
        del model[1]
        assert list(model._modules) == ["0", "1", "2"] and model.pop(0) is not None and len(model) == 2
        del model[0:1]
        assert len(model) == 1


def test_state_passes_both_ways() -> None:
    theirs, mine = (net(library) for library in LIBRARIES)
    same(list(theirs.state_dict().values()), list(mine.state_dict().values()), 0, 0)
    with torch.no_grad():
        for value in theirs.parameters():
            value.add_(1)
    passed = OrderedDict((key, headgate.from_numpy(value.numpy())) for key, value in theirs.state_dict().items())
    assert repr(mine.load_state_dict(passed)) == "<All keys matched successfully>"
    same(list(theirs.state_dict().values()), list(mine.state_dict().values()), 0, 0)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("assign", [True, False])
@pytest.mark.parametrize("change", [
    lambda state, t: state.pop("first.scale"), lambda state, t: state.update(zz=t.ones(1)),
    lambda state, t: state.update({"first.scale": t.ones(7)}), lambda state, t: state.update({"first.scale": 3}),
    lambda state, t: state.update({"first.scratch": t.ones(2)}),
    lambda state, t: state.update({"more.0.zz.y": t.ones(2)}),
    lambda state, t: state.update({"first.nothing": t.ones(2)}), lambda state, t: None,
])  # fmt: skip
def test_loading(strict: bool, assign: bool, change: Any) -> None:
    def load(library: Any) -> Any:
        model = net(library)
        state = model.state_dict()
        change(state, library)
        try:
            return repr(model.load_state_dict(state, strict=strict, assign=assign))
        except RuntimeError as problem:
            return str(problem)

    assert load(torch).replace("torch.Tensor'", "") == load(headgate).replace("torch.Tensor'", "")


def test_a_copy_is_apart() -> None:
    for library in LIBRARIES:
        model = net(library)
        assert repr(pickle.loads(pickle.dumps(model[1:2]))) == repr(model[1:2])
        other = copy.deepcopy(model)
        assert repr(other) == repr(model)
        with library.no_grad():
            other.first.scale.fill_(9)
        assert float(model.first.scale.detach()[0]) == 2.0
        assert other.shared is other.first.inner


def test_conversions_keep_the_parameter() -> None:
    for library in LIBRARIES:
        model = net(library)
        parameter = model.first.scale
        parameter.grad = library.ones(3)
        model.double()
        assert model.first.scale is parameter and parameter.dtype is library.float64
        assert parameter.grad.dtype is library.float64 and model.first.seen.dtype is library.float64
        model.to(library.float32).to("cpu").float()
        assert parameter.dtype is library.float32
        assert outcome(lambda library=library, model=model: model.to(library.int64))[0] == "TypeError"


def hooked(library: Any) -> tuple[list[Any], Any]:
    """What every kind of hook sees, in order, and the gradient that they leave."""
    model, seen = net(library), []
    block = model.first

    def note(kind: str, answer: Any = None) -> Any:
        def hook(module: Any, *args: Any) -> Any:
            seen.append((kind, type(module).__name__, [one.round(4).tolist() for one in map(np.asarray, arrays(args))]))
            return answer(*args) if answer is not None else None

        return hook

    block.register_forward_pre_hook(note("pre", lambda args: (args[0] * 2,)))
    block.register_forward_pre_hook(note("pre first"), prepend=True)
    block.register_forward_pre_hook(note("kwargs", lambda args, kwargs: (args, kwargs)), with_kwargs=True)
    block.register_forward_hook(note("post", lambda args, out: out + 1))
    block.register_forward_hook(note("post kwargs"), with_kwargs=True)
    block.register_full_backward_pre_hook(note("backward pre", lambda grads: (grads[0] * 3,)))
    block.register_full_backward_hook(note("backward",
    lambda inputs, outputs: inputs[0] is not None and (inputs[0] * 5,) or None))
    handle = block.register_forward_hook(note("removed"))
    handle.remove()
    x = library.linspace(-1, 1, 6).view(2, 3).requires_grad_()
    block(x).sum().backward()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block(library.ones(1, 3)).sum().backward()
    return seen, x.grad.numpy()


def test_hooks() -> None:
    (theirs, gradient), (mine, own) = map(hooked, LIBRARIES)
    np.testing.assert_allclose(own, gradient, rtol=1e-5, atol=1e-6)
    for one, two in zip(theirs, mine, strict=True):
        assert one[:2] == two[:2] and len(one[2]) == len(two[2])
        for first, second in zip(one[2], two[2]):
            np.testing.assert_allclose(second, first, rtol=1e-3, atol=2e-4, err_msg=one[0])


def test_hooks_of_every_module() -> None:
    orders: list[Any] = []
    for library in LIBRARIES:
        seen: list[Any] = []
        module = library.nn.modules.module
        handles = [
            module.register_module_forward_pre_hook(lambda m, args: seen.append(("pre", type(m).__name__))),
            module.register_module_forward_hook(lambda m, args, out: seen.append(("post", type(m).__name__))),
            module.register_module_full_backward_hook(lambda m, i, o: seen.append(("back", type(m).__name__))),
        ]
        try:
            library.nn.Sequential(library.nn.Linear(2, 2))(library.ones(1, 2, requires_grad=True)).sum().backward()
        finally:
            for handle in handles:
                handle.remove()
        assert seen[:4] == [("pre", "Sequential"), ("pre", "Linear"), ("post", "Linear"), ("post", "Sequential")]
        orders.append(seen[4:].copy())
        library.nn.ReLU()(library.ones(1))
        assert len(seen) == 6
    assert orders[0] == orders[1] and sorted(orders[0]) == [("back", "Linear"), ("back", "Sequential")]


def test_always_called_hooks() -> None:
    for library in LIBRARIES:
        class Broken(library.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any) -> Any:
                raise ValueError("broken")

        seen: list[Any] = []
        broken = Broken()
        broken.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
        broken.register_forward_hook(lambda m, args, out: seen.append("not this"))
        with pytest.raises(ValueError, match="broken"):
            broken(1)
        assert seen == [None]


def test_state_hooks() -> None:
    def use(library: Any) -> Any:
        model, seen = net(library), []
        model.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("pre", prefix, keep)))
        model.register_state_dict_post_hook(lambda m, state, prefix, meta: state.update(added=library.ones(1)))
        model.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: seen.append(("load", len(state),
            prefix)))
        model.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
        state = model.state_dict()
        return [list(state), repr(model.load_state_dict(state)), seen]

    assert use(torch) == use(headgate)


def test_own_getattr_and_properties() -> None:
    for library in LIBRARIES:
        class Wrapped(library.nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.module = library.nn.Linear(2, 3)

            def __getattr__(self, name: str) -> Any:
                try:
                    return super().__getattr__(name)
                except AttributeError:
                    return getattr(self.module, name)

            @property
            def width(self) -> int:
                return self.out_features

        wrapped = Wrapped()
        assert wrapped.out_features == 3 and wrapped.width == 3 and wrapped.weight.shape == (3, 2)
        with pytest.raises(AttributeError, match="has no attribute 'zz'"):
            _ = wrapped.zz


def test_freezing_and_sharing() -> None:
    for library in LIBRARIES:
        model = net(library)
        model.first.requires_grad_(False)
        assert [p.requires_grad for p in model.parameters()] == [False] * 3 + [True] * 3
        out = model.first(library.ones(2, 3))
        assert not out.requires_grad
        tied = library.nn.Linear(3, 3)
        tied.weight = model.more[0].inner.weight
        (tied(model.more[0](library.ones(1, 3)))).sum().backward()
        assert tied.weight.grad is model.more[0].inner.weight.grad is not None
        model.zero_grad()
        assert tied.weight.grad is None
