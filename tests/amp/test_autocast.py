"""autocast beside PyTorch: for every declared operation the types of its results, their values, and gradients; then the
cache of weights, nesting, threads, checkpoints, and networks that train."""

import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

import headgate
import headgate.utils.checkpoint
from headgate.core.asked import operator_now
from headgate.core.declare import REGISTRY
from headgate.core.modes import STATE

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))

import table

BOTH = (headgate, torch)
#: How the float32 tensors of a call are given: by position, which type.
KINDS: dict[str, Callable[[int], str]] = {
    "float32": lambda place: "float32", "bfloat16": lambda place: "bfloat16", "float16": lambda place: "float16",
    "float64": lambda place: "float64", "first bfloat16": lambda place: "bfloat16" if place == 0 else "float32",
    "first float32": lambda place: "float32" if place == 0 else "bfloat16",
}  # fmt: skip
#: Where PyTorch refuses what Headgate computes: its `roll` is made of `cat`, which takes no float16 under autocast for
#: bfloat16; its `cross` and `meshgrid` want one type, autocast or not.
REFUSES = frozenset("roll gradient cartesian_prod cross linalg.cross".split())
#: Where Headgate wants one type and PyTorch promotes, autocast or not.
PROMOTES = frozenset(["linalg.solve_triangular"])


def given(value: Any, lib: Any, kind: str, places: list[int]) -> Any:
    """Arguments with their float32 tensors in the types of KINDS."""
    if isinstance(value, lib.Tensor):
        if value.dtype is not lib.float32:
            return value
        places[0] += 1
        return value.to(getattr(lib, KINDS[kind](places[0] - 1)))
    if type(value) in (list, tuple):
        return type(value)(given(one, lib, kind, places) for one in value)
    if isinstance(value, dict):
        return {name: given(one, lib, kind, places) for name, one in value.items()}
    return value


def outcome(lib: Any, call: Any, args: Any, kwargs: Any, kind: str, narrow: str) -> tuple[Any, Any]:
    places = [0]
    args, kwargs = given(args, lib, kind, places), given(kwargs, lib, kind, places)

    def run() -> Any:
        with lib.autocast("cpu", dtype=getattr(lib, narrow)):
            return call(*args, **kwargs)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return table.outcome(run)


def types(result: Any, lib: Any) -> list[str]:
    return [str(one.dtype) for one in table.tensors_in(result, lib.Tensor)]


@pytest.mark.parametrize("name", table.names())
def test_types_of_results(name: str) -> None:
    """For each mixture of types, results are of PyTorch's; where it raises, so do we."""
    declared = REGISTRY[name]
    reference = table.torch_function(declared)
    for kind, narrow in [*((kind, "bfloat16") for kind in KINDS), ("float32", "float16"), ("float16", "float16")]:
        for args, kwargs in table.sample_calls(declared, table.Maker(declared, "float32", "contiguous")):
            what = f"{name} {kind} for {narrow} {kwargs}"
            theirs, their_error = outcome(torch, reference, table.to_torch(args), table.to_torch(kwargs), kind, narrow)
            mine, my_error = outcome(headgate, declared.entry, args, kwargs, kind, narrow)
            if their_error is None:
                if my_error is not None and name in PROMOTES and kind.startswith("first"):
                    continue
                if my_error is not None:
                    raise AssertionError(f"{what}: PyTorch gives a value") from my_error
                assert types(mine, headgate) == types(theirs, torch), what
            elif my_error is None:
                assert "not implemented for" in str(their_error) or name in REFUSES, f"{what}: PyTorch {their_error!r}"
            elif "not implemented for" not in str(their_error):
                assert isinstance(my_error, type(their_error)), f"{what}: {my_error!r}, PyTorch {their_error!r}"


@pytest.mark.parametrize("name", table.names())
def test_values_and_gradients(name: str) -> None:
    """Within a few roundings of bfloat16; gradients are of the inputs' type."""
    declared = REGISTRY[name]
    reference = table.torch_function(declared)
    for args, kwargs in table.sample_calls(declared, table.Maker(declared, "float32", "contiguous")):
        inputs = [x.requires_grad_() for x in table.tensors_in((args, kwargs), headgate.Tensor)
                  if declared.differentiable and x.dtype is headgate.float32 and x.is_leaf]
        their_args, their_kwargs = table.to_torch(args), table.to_torch(kwargs)
        theirs, their_error = outcome(torch, reference, their_args, their_kwargs, "float32", "bfloat16")
        if their_error is not None:
            continue
        mine, my_error = outcome(headgate, declared.entry, args, kwargs, "float32", "bfloat16")
        assert my_error is None, f"{name} {kwargs}"
        for x, y in zip(table.tensors_in(mine, headgate.Tensor), table.tensors_in(theirs, torch.Tensor)):
            near(x, y, name)
        results = [y for y in table.tensors_in(mine, headgate.Tensor) if y.requires_grad]
        if results and inputs:
            total = sum(y.float().sum() if y.is_floating_point() else y.real.sum() for y in results)
            found, error = table.outcome(lambda: headgate.autograd.grad(total, inputs, allow_unused=True))
            assert error is None or "is not implemented" in str(error), name
            for x, g in zip(inputs, found or ()):
                assert g is None or (g.dtype is x.dtype and g.shape == x.shape), name
        for x in inputs:
            x.requires_grad_(False)


def near(x: Any, y: Any, what: str) -> None:
    """Equal but for roundings of bfloat16, in the measure of the largest number."""
    left, right = table.array_of(x), table.array_of(y)
    if right.dtype.kind not in "fc":
        np.testing.assert_array_equal(left, right, err_msg=what)
        return
    finite = np.abs(right[np.isfinite(right)])
    largest = float(finite.max()) if finite.size else 1.0
    np.testing.assert_allclose(left, right, rtol=0.02, atol=0.01 * largest, err_msg=what)


# ---- weights --------------------------------------------------------------------------------------------------------


def graph_of(y: Any) -> Any:
    """The node that casts the weight of a matrix product."""
    return y.grad_fn.next_functions[1][0]


@pytest.mark.parametrize("cached", [True, False])
def test_a_weight_is_cast_once(cached: bool) -> None:
    for lib in BOTH:
        w, x = lib.ones(2, 2, requires_grad=True), lib.ones(2, 2)
        with lib.autocast("cpu", cache_enabled=cached):
            first, second = x.mm(w), x.mm(w)
            with lib.autocast("cpu", cache_enabled=cached):
                third = x.mm(w)
            again = x.mm(w)
        with lib.autocast("cpu", cache_enabled=cached):
            other = x.mm(w)
        nodes = [graph_of(y) for y in (first, second, third, again)]
        assert [one == nodes[0] for one in nodes] == [True, cached, cached, cached]
        assert graph_of(other) != nodes[0]
        (first + second + third + again + other).sum().backward()
        assert w.grad.dtype is lib.float32 and w.grad.tolist() == [[10.0, 10.0], [10.0, 10.0]]


def test_casts_made_without_gradients_do_not_hide_the_weight() -> None:
    for lib in BOTH:
        w, x = lib.ones(2, 2, requires_grad=True), lib.ones(2, 2)
        with lib.autocast("cpu"):
            with lib.no_grad():
                assert not x.mm(w).requires_grad
            assert x.mm(w).requires_grad
            with lib.no_grad():
                assert not x.mm(w).requires_grad


def test_a_written_weight_is_cast_again() -> None:
    w, x = headgate.ones(2, 2, requires_grad=True), headgate.ones(2, 2)
    with headgate.autocast("cpu"):
        assert x.mm(w).sum() == 8
        with headgate.no_grad():
            w.mul_(2.0)
        assert x.mm(w).sum() == 16


def test_a_cleared_cache() -> None:
    for lib in BOTH:
        w, x = lib.ones(2, 2, requires_grad=True), lib.ones(2, 2)
        with lib.autocast("cpu"):
            first = x.mm(w)
            lib.clear_autocast_cache()
            assert graph_of(first) != graph_of(x.mm(w))


# ---- contexts -------------------------------------------------------------------------------------------------------


def product(lib: Any) -> str:
    x = lib.ones(2, 2)
    kinds = {str((x @ x).dtype), str(lib.mm(x, x).dtype), str(x.matmul(x).dtype), str(lib.nn.Linear(2, 2)(x).dtype)}
    assert len(kinds) == 1
    return kinds.pop()


def test_nested_and_in_other_threads() -> None:
    seen = []
    for lib in BOTH:
        log: list[Any] = []
        x = lib.ones(2, 2)

        def work(lib: Any = lib, log: list[Any] = log) -> None:
            log.append((product(lib), lib.is_autocast_enabled("cpu")))
            with lib.autocast("cpu", dtype=lib.float16):
                log.append(product(lib))

        with lib.autocast("cpu"):
            log.append(product(lib))
            with lib.autocast("cpu", enabled=False):
                log.append((product(lib), lib.is_autocast_enabled("cpu")))
                with lib.autocast("cpu", dtype=lib.float16):
                    log.append((product(lib), str(lib.get_autocast_dtype("cpu"))))
            with pytest.raises(KeyError), lib.autocast("cpu", dtype=lib.float16):
                raise KeyError
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            log.append((product(lib), str(lib.get_autocast_dtype("cpu"))))
            log.append(str(lib.mm(x, x, out=lib.empty(2, 2)).dtype))
            log.append(str(lib.zeros(2, 2).addmm_(x, x).dtype))
        log.append(product(lib))
        lib.set_autocast_enabled("cpu", True)
        log.append(product(lib))
        lib.set_autocast_enabled("cpu", False)
        log.append(product(lib))
        log.append(lib.autocast("cpu")(lambda lib=lib: product(lib))())
        seen.append(log)
    assert seen[0] == seen[1]


def test_nothing_is_left_behind() -> None:
    before = operator_now("matmul")
    with headgate.autocast("cpu"), headgate.autocast("cpu", enabled=False), headgate.autocast("cpu"):
        assert operator_now("matmul") is not before
    again = headgate.autocast("cpu")
    with again, again:  # which PyTorch does not come out of
        assert product(headgate) == "torch.bfloat16"
    assert operator_now("matmul") is before and STATE.casting is None and not STATE.casts_off


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, *rest):
        if name == "ml_dtypes":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import headgate
from headgate import errors

try:
    with headgate.autocast("cpu"):
        raise AssertionError("was entered")
except ImportError as error:
    assert str(error) == errors.BFLOAT16_PACKAGE
assert not headgate.is_autocast_enabled("cpu") and headgate.autocast_increment_nesting() == 1
x = headgate.ones(2, 2)
with headgate.autocast("cpu", enabled=False):
    assert (x @ x).dtype is headgate.float32
with headgate.autocast("cpu", dtype=headgate.float16):
    assert (x @ x).dtype is headgate.float16
"""


def test_without_its_package_it_says_so_on_entering() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_cat_refuses_the_other_narrow_type() -> None:
    for lib in BOTH:
        x = lib.ones(2)
        with lib.autocast("cpu"):
            assert lib.cat([x.bfloat16(), x]).dtype is lib.float32
            assert lib.stack([x.bfloat16(), x.bfloat16()]).dtype is lib.bfloat16
            with pytest.raises(RuntimeError, match="Unexpected floating ScalarType in at::autocast::prioritize"):
                lib.cat([x.half(), x.bfloat16()])


def custom_run(lib: Any, cast_inputs: Any) -> list[Any]:
    seen: list[Any] = []

    class Doubled(lib.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        @lib.amp.custom_fwd(device_type="cpu", cast_inputs=cast_inputs)
        def forward(ctx: Any, x: Any, w: Any) -> Any:
            ctx.save_for_backward(x, w)
            seen.append((str(x.dtype), lib.is_autocast_enabled("cpu"), str(x.mm(w).dtype)))
            return x.mm(w)

        @staticmethod
        @lib.amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            x, w = ctx.saved_tensors
            seen.append((str(g.dtype), lib.is_autocast_enabled("cpu"), str(g.float().mm(w.float()).dtype)))
            return g.mm(w.t()), x.t().mm(g)

    x, w = lib.ones(2, 2, requires_grad=True), lib.ones(2, 2, requires_grad=True)
    with lib.autocast("cpu"):
        y = Doubled.apply(x, w)
        loss = y.float().sum()
    loss.backward()
    return [*seen, str(y.dtype), str(x.grad.dtype), w.grad.tolist()]


@pytest.mark.parametrize("kind", [None, "float32", "float16"])
def test_custom_functions(kind: str | None) -> None:
    found = [custom_run(lib, None if kind is None else getattr(lib, kind)) for lib in BOTH]
    assert found[0] == found[1]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_runs_again_as_it_ran(reentrant: bool) -> None:
    for lib in BOTH:
        kinds: list[str] = []
        layer, x = lib.nn.Linear(2, 2), lib.ones(2, 2, requires_grad=True)

        def part(x: Any, layer: Any = layer, kinds: list[str] = kinds) -> Any:
            y = layer(x)
            kinds.append(str(y.dtype))
            return y.tanh()

        with lib.autocast("cpu"):
            y = lib.utils.checkpoint.checkpoint(part, x, use_reentrant=reentrant)
        y.float().sum().backward()
        assert kinds == ["torch.bfloat16"] * 2 and layer.weight.grad.dtype is lib.float32
        assert not lib.is_autocast_enabled("cpu")


def test_a_backward_inside() -> None:
    for lib in BOTH:
        layer = lib.nn.Linear(3, 1)
        with lib.autocast("cpu"):
            loss = layer(lib.ones(2, 3)).sum()
            loss.backward()
            assert layer(lib.ones(2, 3)).dtype is lib.bfloat16
        assert layer.weight.grad.tolist() == [[2.0, 2.0, 2.0]] and layer.weight.grad.dtype is lib.float32


# ---- layers and training --------------------------------------------------------------------------------------------

SEQUENCE = (3, 2, 4)


def ramp(lib: Any, y: Any) -> Any:
    """Weights of a sum whose gradient does not cancel in a norm."""
    return lib.linspace(-1, 2, y.numel()).sin().reshape(y.shape)


LAYERS: dict[str, Callable[[Any], Any]] = {
    "Linear": lambda nn: nn.Linear(4, 3), "LSTM": lambda nn: nn.LSTM(4, 5, 2, bidirectional=True),
    "GRU": lambda nn: nn.GRU(4, 5, 2), "RNN": lambda nn: nn.RNN(4, 5, nonlinearity="relu"),
    "LSTMCell": lambda nn: nn.LSTMCell(4, 5), "GRUCell": lambda nn: nn.GRUCell(4, 5),
    "RNNCell": lambda nn: nn.RNNCell(4, 5), "LayerNorm": lambda nn: nn.LayerNorm(4),
    "Conv1d": lambda nn: nn.Conv1d(2, 3, 2), "Encoder": lambda nn: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0),
    "Decoder": lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), 2),
    "Normed": lambda nn: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2)),
    "Batch": lambda nn: nn.Sequential(nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3), nn.ReLU(), nn.AvgPool1d(2)),
    }  # fmt: skip


@pytest.mark.parametrize("given_as", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, given_as: str) -> None:
    values = np.random.default_rng(3).normal(size=SEQUENCE).astype("float32")
    found = []
    for lib in BOTH:
        lib.manual_seed(5)
        layer = LAYERS[name](lib.nn)
        x = lib.tensor(values.tolist(), dtype=getattr(lib, given_as))
        x = x[0] if name.endswith("Cell") else x
        with lib.autocast("cpu"):
            results = table.tensors_in(layer(x), lib.Tensor)
        sum((one.float() * ramp(lib, one)).sum() for one in results).backward()
        found.append((results, [p.grad for p in layer.parameters()]))
    for x, y in zip(found[0][0], found[1][0]):
        assert str(x.dtype) == str(y.dtype)
        near(x, y, name)
    for x, y in zip(found[0][1], found[1][1]):
        assert str(x.dtype) == str(y.dtype) == "torch.float32"
        scale = max(1e-3, float(y.abs().max()))
        np.testing.assert_allclose(table.array_of(x) / scale, table.array_of(y) / scale, atol=0.05)


ENCODERS: dict[str, dict[str, Any]] = {
    "fast": {"batch_first": True}, "norm first": {"batch_first": True, "norm_first": True}, "time first": {},
    "odd heads": {"batch_first": True, "nhead": 1}, "no bias": {"batch_first": True, "bias": False},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_in_evaluation(name: str, grad: bool) -> None:
    values = np.random.default_rng(4).normal(size=(3, 2, 8)).tolist()
    found = []
    for lib in BOTH:
        lib.manual_seed(2)
        layer = lib.nn.TransformerEncoderLayer(8, **{"nhead": 2, "dim_feedforward": 16, **ENCODERS[name]}).eval()
        stack = lib.nn.TransformerEncoder(layer, 2).eval()
        with lib.set_grad_enabled(grad), lib.autocast("cpu"):
            found.append([one(lib.tensor(values)) for one in (layer, stack)])
    for x, y in zip(*found):
        assert str(x.dtype) == str(y.dtype)
        near(x, y, name)


def perceptron(nn: Any) -> Any:
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))


def convolutional(nn: Any) -> Any:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_training_on_digits(build: Callable[[Any], Any]) -> None:
    """The losses of PyTorch's run, within what bfloat16 allows; and it learns."""
    from sklearn.datasets import load_digits

    data, target = load_digits(return_X_y=True)
    data = (data[:512] / 16).astype("float32")
    losses = []
    for lib in BOTH:
        lib.manual_seed(0)
        model = build(lib.nn)
        optimizer = lib.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, y = lib.from_numpy(data), lib.from_numpy(target[:512])
        run = []
        for step in range(24):
            rows = slice(step % 8 * 64, step % 8 * 64 + 64)
            optimizer.zero_grad()
            with lib.autocast("cpu"):
                scores = model(x[rows])
                assert scores.dtype is lib.bfloat16
                loss = lib.nn.functional.cross_entropy(scores, y[rows])
            assert loss.dtype is lib.float32
            loss.backward()
            optimizer.step()
            run.append(loss.item())
        losses.append(run)
    assert losses[0][-1] < 0.5 * losses[0][0]
    np.testing.assert_allclose(losses[0][:8], losses[1][:8], rtol=0.01)
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("inside", [True, False])
def test_the_users_functions_in_a_pass(inside: bool) -> None:
    """A pass computes in the types recorded; hooks and custom backwards are the user's code, where autocast casts."""
    seen = []
    for lib in BOTH:
        log: list[str] = []

        def note(*_: Any) -> None:
            x = lib.ones(2, 2)
            log.append(f"{lib.is_autocast_enabled('cpu')} {x.mm(x).dtype} {(x @ x).dtype}")

        class Double(lib.autograd.Function):  # type: ignore[misc,name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 2

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                note()
                return g * 2

        w = lib.ones(2, 2, requires_grad=True)
        with lib.autocast("cpu"):
            y = Double.apply(w)
            y.register_hook(note)
            w.register_post_accumulate_grad_hook(note)
            y.grad_fn.register_hook(note)
            if inside:
                y.sum().backward()
                note()
        if not inside:
            y.sum().backward()
        assert w.grad.dtype is lib.float32
        seen.append(log)
    assert seen[0] == seen[1]
