"""Lazy layers beside PyTorch: sizes from the first input, states both ways, errors, texts, the random stream."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest
from beside import LIBRARIES, inputs, outcome, same

import headgate
from headgate.core import entry, overrides
from headgate.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

#: name -> (arguments, keywords, shape of an input, shapes of the wrong rank)
LAYERS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any], tuple[int, ...]]]] = {
    "LazyLinear": [((3,), {}, (2, 5)), ((3, False), {}, (5,)), ((2,), {"dtype": "float64"}, (2, 3, 4))],
    "LazyConv1d": [((4, 3), {"padding": 1}, (2, 3, 7)), ((4, 2), {"groups": 2, "bias": False}, (2, 4, 6)),
                   ((2, 3), {}, (3, 7))],
    "LazyConv2d": [((4, 3), {"stride": 2, "padding_mode": "circular", "padding": 1}, (2, 3, 6, 6)),
                   ((6, (1, 2)), {"groups": 3}, (3, 4, 4))],
    "LazyConv3d": [((2, 2), {"dilation": 2}, (1, 2, 4, 4, 4)), ((2, 2), {"dtype": "float64"}, (2, 3, 3, 3))],
    "LazyConvTranspose1d": [((4, 3), {"stride": 2, "output_padding": 1}, (2, 3, 5)), ((2, 2), {"bias": False}, (3, 5))],
    "LazyConvTranspose2d": [((4, 3), {"groups": 2}, (2, 4, 4, 4)), ((2, 2), {}, (3, 4, 4))],
    "LazyConvTranspose3d": [((2, 2), {"padding": 1}, (1, 2, 3, 3, 3)), ((2, 2), {}, (2, 3, 3, 3))],
    "LazyBatchNorm1d": [((), {}, (4, 3)), ((1e-3, None), {"bias": False}, (4, 3, 5))],
    "LazyBatchNorm2d": [((), {"affine": False}, (2, 3, 4, 4)), ((), {"dtype": "float64"}, (2, 3, 4, 4))],
    "LazyBatchNorm3d": [((), {}, (2, 3, 2, 2, 2)), ((), {"track_running_stats": False}, (2, 3, 2, 2, 2))],
    "LazyInstanceNorm1d": [((), {}, (2, 3, 5)), ((), {"affine": False}, (2, 3, 5))],
    "LazyInstanceNorm2d": [((), {}, (2, 3, 4, 4)), ((), {"track_running_stats": False, "bias": False}, (2, 3, 4, 4))],
    "LazyInstanceNorm3d": [((), {"dtype": "float64"}, (2, 3, 2, 2, 2)), ((1e-4, 0.3), {}, (2, 3, 2, 2, 2))],
}
CASES = [(name, *case) for name, cases in LAYERS.items() for case in cases]


def made(library: Any, name: str, args: Any, keywords: Any) -> Any:
    keywords = {key: getattr(library, value) if key == "dtype" else value for key, value in keywords.items()}
    return getattr(library.nn, name)(*args, **keywords)


def numbers(library: Any, shape: tuple[int, ...], kind: str) -> Any:
    library.manual_seed(5)
    return library.randn(shape, dtype=getattr(library, kind))


@pytest.mark.parametrize(("name", "args", "keywords", "shape"), CASES)
def test_becomes_the_plain_layer(name: str, args: Any, keywords: Any, shape: Any) -> None:
    kind = keywords.get("dtype", "float32")
    results = []
    for library in LIBRARIES:
        x = numbers(library, shape, kind).requires_grad_()
        library.manual_seed(3)
        layer = made(library, name, args, keywords)
        assert layer.has_uninitialized_params() or "affine" in keywords or "track_running_stats" in keywords
        before = (repr(layer), type(layer).__name__, sorted(layer.state_dict()), [
            (key, repr(value), value.requires_grad) for key, value in layer.state_dict(keep_vars=True).items()
            if "num_batches" not in key])
        y = layer(x)
        assert type(layer) is getattr(library.nn, name.removeprefix("Lazy"))
        grads = library.autograd.grad((y * y).sum(), [x, *layer.parameters()], create_graph=True)
        total = sum((one * one).sum() for one in grads)
        twice = library.autograd.grad(total, [x, *layer.parameters()])
        assert not layer._forward_pre_hooks and not layer._load_state_dict_pre_hooks
        assert {type(one) for one in layer.parameters()} <= {library.nn.Parameter}
        assert {type(one) for one in layer.buffers()} <= {library.Tensor}
        results.append((before, repr(layer), list(layer.state_dict()), list(layer.state_dict().values()), y, grads,
                        twice, library.rand(3)))
    theirs, mine = results
    assert theirs[:3] == mine[:3]
    close = {"float32": 2e-4, "float64": 1e-9}[kind]
    for part in (3, 4, 5, 6) if kind == "float64" else (3, 4, 5):  # second gradients of norms are all rounding else
        same(theirs[part], mine[part], close, close)
    same(theirs[7], mine[7], 0, 0, "the random stream")


@pytest.mark.parametrize(("name", "args", "keywords", "shape"), CASES)
def test_states_both_ways(name: str, args: Any, keywords: Any, shape: Any) -> None:
    kind = keywords.get("dtype", "float32")
    results = []
    for library in LIBRARIES:
        x = numbers(library, shape, kind)
        library.manual_seed(3)
        ready, fresh, again = (made(library, name, args, keywords) for _ in range(3))
        ready(x)
        told = str(fresh.load_state_dict(ready.state_dict()))
        assert not fresh.has_uninitialized_params()
        assert str(again.load_state_dict(made(library, name, args, keywords).state_dict())) == told
        refused = outcome(lambda: ready.load_state_dict(again.state_dict()))
        ready.eval(), fresh.eval()
        refused = refused if isinstance(refused, tuple) and isinstance(refused[0], str) else None
        results.append((told, refused, again.has_uninitialized_params(), repr(again),
                        "InstanceNorm" in name and outcome(lambda: fresh(x)),
                        ready(x), fresh.state_dict(), fresh(x) if "InstanceNorm" not in name else ()))
        assert type(fresh) is type(ready) or "InstanceNorm" in name  # which has no sizes from a state
    theirs, mine = results
    assert theirs[:4] == mine[:4]
    if "InstanceNorm" in name and keywords.get("affine", True):
        assert theirs[4] == mine[4] and mine[4][0] == "ValueError"
    for one, two in zip(theirs[5:], mine[5:]):
        same(one, two, 2e-5, 2e-5)


@pytest.mark.parametrize(("name", "args", "keywords", "shape"), CASES)
def test_a_copy_and_another_type_before_the_first_call(name: str, args: Any, keywords: Any, shape: Any) -> None:
    results = []
    for library in LIBRARIES:
        layer = made(library, name, args, keywords)
        copied = outcome(lambda: copy.deepcopy(layer))
        layer = (layer if isinstance(copied, tuple) else copied).double()  # buffers cannot be copied, as in PyTorch
        kinds: list[Any] = [copied if isinstance(copied, tuple) else ()]
        kinds += [(str(one.dtype), repr(one)) for one in [*layer.parameters(), *layer.buffers()] if lacks_size(one)]
        library.manual_seed(1)
        y = layer(numbers(library, shape, "float64"))
        results.append((kinds, str(y.dtype), {key: str(value.dtype) for key, value in layer.state_dict().items()}, y))
    assert results[0][:3] == results[1][:3]
    same(results[0][3], results[1][3], 1e-9, 1e-9)


def lacks_size(value: Any) -> bool:
    return type(value).__name__.startswith("Uninitialized")


WRONG = {
    "rank": lambda library: library.nn.LazyConv2d(2, 3)(library.ones(3, 3)),
    "rank of a transposed one": lambda library: library.nn.LazyConvTranspose1d(2, 3)(library.ones(3)),
    "groups": lambda library: library.nn.LazyConv1d(4, 1, groups=2)(library.ones(1, 3, 4)),
    "rank of a norm": lambda library: library.nn.LazyBatchNorm2d()(library.ones(2, 3)),
    "no arguments": lambda library: library.nn.LazyLinear(),
    "norm with sizes": lambda library: library.nn.LazyBatchNorm1d()(library.ones(3)),
    "a function": lambda library: library.relu(library.nn.LazyLinear(2).weight),
    "an operator": lambda library: library.nn.LazyLinear(2).weight * 2,
    "from the right": lambda library: 2 - library.nn.LazyLinear(2).weight,
    "an index": lambda library: library.nn.LazyLinear(2).weight[0],
    "in a list": lambda library: library.cat([library.ones(2), library.nn.LazyLinear(2).weight]),
    "a method": lambda library: library.nn.LazyLinear(2).weight.sum(),
    "a view": lambda library: library.nn.LazyBatchNorm1d().running_mean.view(-1),
    "detach": lambda library: library.nn.LazyLinear(2).weight.detach(),
    "shape": lambda library: library.nn.LazyLinear(2).weight.shape,
    "shape of a buffer": lambda library: library.nn.LazyBatchNorm1d().running_var.shape,
    "sharing": lambda library: library.nn.LazyLinear(2).share_memory(),
    "into what has a size": lambda library: library.nn.Linear(2, 2).load_state_dict(
        library.nn.LazyLinear(2).state_dict()),
    "replicated": lambda library: library.nn.LazyLinear(2)._replicate_for_data_parallel(),
    "another size after a state": lambda library: after_a_state(library)(library.ones(2, 3)),
    "never told": lambda library: bare(library, forgets=False)(library.ones(2)),
    "still without": lambda library: bare(library, forgets=True)(library.ones(2)),
}
RIGHT = {
    "size": lambda library: tuple(library.nn.LazyLinear(2).weight.size()),
    "dtype": lambda library: str(library.nn.LazyBatchNorm1d(dtype=library.float64).running_var.dtype),
    "device": lambda library: str(library.nn.LazyLinear(2).weight.device),
    "floating": lambda library: library.nn.LazyLinear(2).weight.is_floating_point(),
    "cast": lambda library: str(library.nn.LazyLinear(2).weight.half().dtype),
    "cast of a buffer": lambda library: type(library.nn.LazyBatchNorm1d().running_mean.double()).__name__,
    "leaf": lambda library: library.nn.LazyLinear(2).weight.is_leaf,
    "gradient": lambda library: library.nn.LazyLinear(2).weight.grad,
    "frozen": lambda library: library.nn.UninitializedParameter(requires_grad=False).requires_grad,
    "after a state": lambda library: tuple(after_a_state(library)(library.ones(2, 5)).shape),
    "names": lambda library: [name for name, _ in library.nn.LazyBatchNorm2d().named_parameters()],
    "kind": lambda library: isinstance(library.nn.LazyLinear(2).weight, library.nn.Parameter),
    "kind of a buffer": lambda library: isinstance(library.nn.UninitializedBuffer(), library.nn.Buffer),
    "pickled": lambda library: repr(pickle.loads(pickle.dumps(library.nn.UninitializedParameter(False)))),
    "materialized": lambda library: described(library, library.nn.UninitializedParameter(), (2, 3)),
    "in another type": lambda library: described(library, library.nn.UninitializedParameter(), (2,), "float64"),
    "keywords": lambda library: tuple(library.nn.LazyLinear(3)(input=library.ones(2, 4)).shape),
    "in inference mode": lambda library: in_inference_mode(library),
}


def described(library: Any, value: Any, shape: Any, kind: str = "float32") -> Any:
    value.materialize(shape, dtype=getattr(library, kind))
    return tuple(value.shape), str(value.dtype), type(value).__name__, value.requires_grad, value.is_leaf


def in_inference_mode(library: Any) -> Any:
    layer = library.nn.LazyLinear(3)
    with library.inference_mode():
        return tuple(layer(library.ones(2, 4)).shape)


def after_a_state(library: Any) -> Any:
    ready, fresh = library.nn.LazyLinear(2), library.nn.LazyLinear(2)
    ready(library.ones(1, 5))
    fresh.load_state_dict(ready.state_dict())
    return fresh


def bare(library: Any, forgets: bool) -> Any:
    """A lazy layer of one's own that does not say its sizes."""
    class Layer(library.nn.modules.lazy.LazyModuleMixin, library.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = library.nn.UninitializedParameter()

        if forgets:
            def initialize_parameters(self, x: Any) -> None:
                pass

    return Layer()


@pytest.mark.parametrize("case", [*WRONG, *RIGHT])
def test_answers(case: str) -> None:
    call = WRONG.get(case) or RIGHT[case]
    theirs, mine = (outcome(lambda library=library: call(library)) for library in LIBRARIES)
    assert theirs == mine
    assert (isinstance(mine, tuple) and str(mine[0]).endswith("Error")) == (case in WRONG), mine


def test_own_lazy_layer_learns_and_optimizers_may_come_first() -> None:
    results = []
    for library in LIBRARIES:
        class Scale(library.nn.modules.lazy.LazyModuleMixin, library.nn.Module):  # type: ignore[misc]
            def __init__(self, library: Any = library) -> None:
                super().__init__()
                self.weight = library.nn.UninitializedParameter()

            def initialize_parameters(self, x: Any) -> None:
                self.weight.materialize((x.shape[-1],))
                self.reset()

            def reset(self, library: Any = library) -> None:
                with library.no_grad():
                    self.weight.fill_(0.5)

            def forward(self, x: Any) -> Any:
                return x * self.weight

        net = library.nn.Sequential(Scale(), library.nn.LazyLinear(2))
        optimizer = library.optim.Adam(net.parameters(), lr=0.1)
        library.manual_seed(2)
        x = library.randn(4, 3)
        for _ in range(3):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
        assert type(net[0]) is Scale  # nothing was named to become
        results.append(list(net.parameters()))
    same(results[0], results[1], 1e-5, 1e-6)


def test_arguments_are_looked_at_only_while_some_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls with plain tensors take their short road again when the last uninitialised tensor is gone."""
    gc.collect()  # layers that never got an input hold themselves by their hooks
    flags: list[bool] = []
    monkeypatch.setattr(overrides, "overrides", lambda flag, bit=1: flags.append(flag) if bit == 1 else None)
    monkeypatch.setattr(overrides, "_asking", [])
    assert headgate.ones(1).sum() == 1 and entry.PUBLIC
    first, second = UninitializedParameter(), UninitializedBuffer()
    assert is_lazy(first) and is_lazy(second) and not is_lazy(headgate.ones(1))
    second.materialize((2,))
    assert flags[-1] is True
    del first
    assert flags[-1] is False
    for kind in (UninitializedParameter, UninitializedBuffer):
        kind().materialize((1,))
    assert flags[-1] is False
    monkeypatch.setattr(overrides, "_asking", ["Other"])
    UninitializedParameter().materialize((1,))
    assert flags[-1] is True


def test_an_uninitialized_buffer_becomes_a_tensor() -> None:
    buffer = UninitializedBuffer()
    buffer.materialize((2,))
    buffer.fill_(1)
    assert repr(buffer) == "tensor([1., 1.])" and type(buffer + 1) is headgate.Tensor
    assert inputs(headgate, [3], "float32") == [3]
