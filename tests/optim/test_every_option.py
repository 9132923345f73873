"""Every optimizer and every keyword of it beside PyTorch: two groups with different options, parameters of many kinds,
states saved and loaded midway, and the class of the error for what is no value of an option.
"""

import copy
import inspect
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))
from optim_grid import arrays, translated

BOTH = (headgate, torch)
#: Values that stand for tensors of the library that runs.
TENSOR, TENSORS = "0.05 as a tensor", "0.8 and 0.9 as tensors"
FLAGS: dict[str, list[Any]] = {
    "lr": [0.1, 0, TENSOR], "maximize": [True], "weight_decay": [0.1], "foreach": [False, True], "fused": [True],
    "differentiable": [True],
}  # fmt: skip
BETAS, EPS = [(0.5, 0.8), (0.0, 0.0)], [1e-3]
TABLE: dict[str, dict[str, list[Any]]] = {
    "SGD": {"momentum": [0.9], "dampening": [0.3], "nesterov": [True], "weight_decay": [0.1, TENSOR]},
    "Adam": {"betas": [*BETAS, TENSORS], "eps": EPS, "amsgrad": [True], "decoupled_weight_decay": [True]},
    "AdamW": {"betas": [*BETAS, TENSORS], "eps": EPS, "amsgrad": [True], "weight_decay": [0, 0.5]},
    "NAdam": {"betas": BETAS, "eps": EPS, "momentum_decay": [0, 0.5], "decoupled_weight_decay": [True]},
    "RAdam": {"betas": [(0.9, 0.5)], "eps": EPS, "decoupled_weight_decay": [True]},
    "Adamax": {"betas": BETAS, "eps": EPS}, "Adadelta": {"rho": [0.5, 0.0], "eps": EPS},
    "Adagrad": {"lr_decay": [0.1], "initial_accumulator_value": [0.5], "eps": EPS},
    "RMSprop": {"alpha": [0.5], "eps": EPS, "momentum": [0.9], "centered": [True]},
    "Rprop": {"etas": [(0.3, 1.5)], "step_sizes": [(1e-3, 0.5)]},
    "ASGD": {"lambd": [0.1], "alpha": [0.5], "t0": [2]},
    "Adafactor": {"beta2_decay": [-0.5, 0.0], "eps": [(1e-3, 1e-2)], "d": [2.0]},
    "Muon": {"momentum": [0.5], "nesterov": [False], "eps": EPS, "ns_steps": [2], "ns_coefficients": [(2.0, -1.5, 0.5)],
             "adjust_lr_fn": ["original", "match_rms_adamw"], "weight_decay": [0, 0.5]},
    "LBFGS": {"max_iter": [0, 3], "max_eval": [2], "tolerance_grad": [30.0], "tolerance_change": [0.5],
              "history_size": [1], "line_search_fn": ["strong_wolfe"], "lr": [0.01, TENSOR]},
}  # fmt: skip
#: What needs another option beside it to be seen, or to be allowed.
BESIDE: dict[str, dict[str, Any]] = {
    "dampening": {"momentum": 0.5}, "nesterov": {"momentum": 0.5}, "decoupled_weight_decay": {"weight_decay": 0.1},
}  # fmt: skip
KINDS = {
    "float": lambda t, a: t.tensor(a.astype("f4")), "double": lambda t, a: t.tensor(a),
    "number": lambda t, a: t.tensor(a.astype("f4").ravel()[0]), "transposed": lambda t, a: t.tensor(a.astype("f4")).t(),
    "strided": lambda t, a: t.tensor(np.repeat(a, 2, 0))[::2], "empty": lambda t, a: t.zeros(0, 3),
}  # fmt: skip


def keywords(name: str) -> list[str]:
    return [key for key in inspect.signature(getattr(torch.optim, name)).parameters if key != "params"]


def choices(name: str, key: str) -> list[Any]:
    return TABLE[name].get(key, FLAGS.get(key, []))


def real(t: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Options with tensors of a library where the table has words for them."""
    made = {TENSOR: lambda: t.tensor(0.05), TENSORS: lambda: (t.tensor(0.8), t.tensor(0.9))}
    return {key: made[value]() if isinstance(value, str) and value in made else value for key, value in options.items()}


def cases(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of options of two groups: every value of every keyword once, then mixtures."""
    keys = [key for key in keywords(name) if choices(name, key)]
    found = [({**BESIDE.get(key, {}), key: value}, {}) for key in keys for value in choices(name, key)]
    chance = random.Random(name)
    for _ in range(8):
        one, two = ({key: chance.choice(choices(name, key)) for key in keys
                     if key != "differentiable" and chance.random() < 0.5} for _ in range(2))
        tensors = TENSOR in (*one.values(), *two.values()) or TENSORS in (*one.values(), *two.values())
        for options in (one, two):
            options.pop("fused", None) if options.get("foreach") else None
            options.pop("foreach", None) if tensors else None
            options.update({more: value for key in options if key in BESIDE for more, value in BESIDE[key].items()})
            options.pop("dampening", None) if options.get("nesterov") else None
        found.append((one, two))
    return found


def gradient(t: Any, param: Any, rng: np.random.Generator) -> Any:
    """A gradient that lies in memory as its parameter: PyTorch's fused kernels read it so, whatever its strides."""
    values = rng.standard_normal(tuple(param.shape))
    if param.dim() == 2 and param.stride(0) < param.stride(1):
        return t.tensor(values.T.copy()).to(param.dtype).t()
    return t.tensor(values).to(param.dtype)


def run(t: Any, name: str, one: dict[str, Any], two: dict[str, Any], kinds: list[str]) -> list[Any]:
    """Parameters after each of six steps, and the state at the end."""
    rng = np.random.default_rng(len(name))
    recorded = bool(one.get("differentiable"))
    params = [KINDS[kind](t, rng.standard_normal((4, 3))).requires_grad_(not recorded) for kind in kinds]
    without = t.ones(2, 2, requires_grad=True)
    optimizer = getattr(t.optim, name)(
        [{"params": [*params[:2], without]}, {"params": params[2:], **real(t, two)}], **real(t, one))
    path = []
    for step in range(6):
        for place, param in enumerate(params):
            param.grad = None if place == 1 and step % 3 == 1 else gradient(t, param, rng)
        optimizer.step()
        if step == 2:
            groups = [{"params": group["params"]} for group in optimizer.param_groups]
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = getattr(t.optim, name)(groups, **real(t, {"differentiable": True} if recorded else {}))
            optimizer.load_state_dict(saved)
        if step == 3:
            params.append(t.tensor(rng.standard_normal((2, 2)), requires_grad=not recorded))
            optimizer.add_param_group({"params": [params[-1]], "lr": 0.05})
            for group in optimizer.param_groups[:2]:
                group["lr"] = group["lr"] * 0.5
        path.append([param.detach().double().numpy().copy() for param in params])
    assert without.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    state = optimizer.state_dict()
    return [path, arrays(state), [(list(values), [value.stride() for value in values.values() if value.numel()])
                                  for values in state["state"].values()]]


def same(mine: list[Any], theirs: list[Any], rtol: float, atol: float) -> None:
    for step, (ours, others) in enumerate(zip(mine[0], theirs[0], strict=True)):
        for place, (one, other) in enumerate(zip(ours, others, strict=True)):
            np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=f"step {step}, parameter {place}")
    assert list(mine[1]) == list(theirs[1]) and mine[2] == theirs[2]
    for place, value in theirs[1].items():
        if not isinstance(value, np.ndarray):
            assert mine[1][place] == value, place
            continue
        assert mine[1][place].dtype == value.dtype and mine[1][place].shape == value.shape, place
        np.testing.assert_allclose(mine[1][place], value, rtol=10 * rtol, atol=10 * atol, err_msg=place)


def compare(name: str, one: dict[str, Any], two: dict[str, Any], chance: random.Random) -> None:
    every = ["float", "transposed"] if name == "Muon" else list(KINDS)
    if name == "Adafactor":
        every.remove("empty")  # both divide by its size
    if one.get("fused") or two.get("fused"):
        every.remove("strided")  # PyTorch's fused kernels read its memory as if it had no gaps
    kinds = [chance.choice(every) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mine, theirs = (run(t, name, one, two, kinds) for t in BOTH)
    same(mine, theirs, 2e-4, 1e-5)


@pytest.mark.parametrize("name", [name for name in TABLE if name != "LBFGS"])
def test_every_keyword(name: str) -> None:
    chance = random.Random(name)
    for one, two in cases(name):
        try:
            compare(name, one, two, chance)
        except Exception as problem:
            raise AssertionError(f"{name} {one} {two}: {problem}") from problem


def descend(t: Any, dtype: str, options: dict[str, Any]) -> tuple[list[float], Any]:
    """The losses of a valley, L-BFGS going down, its state saved and loaded midway."""
    rng = np.random.default_rng(0)
    start = t.tensor(rng.standard_normal((2, 3)), dtype=getattr(t, dtype), requires_grad=True)
    number = t.tensor(0.7, dtype=getattr(t, dtype), requires_grad=True)
    unused = t.zeros(2, dtype=getattr(t, dtype), requires_grad=True)
    optimizer = t.optim.LBFGS([start, number, unused], **real(t, options))
    losses: list[float] = []

    def closure() -> Any:
        optimizer.zero_grad()
        x = start.reshape(-1)
        loss = (10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() + number**4
        loss.backward()
        losses.append(loss.item())
        return loss

    for step in range(3):
        optimizer.step(closure)
        if step == 0:
            saved = optimizer.state_dict()
            optimizer = t.optim.LBFGS([start, number, unused])
            optimizer.load_state_dict(saved)
    return losses, optimizer.state_dict()


@pytest.mark.parametrize("key", TABLE["LBFGS"])
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_every_keyword_of_lbfgs(key: str, search: str | None) -> None:
    for value in TABLE["LBFGS"][key]:
        options = {"lr": 0.01 if search is None else 1, "line_search_fn": search, key: value}
        (mine, state), (theirs, wanted) = (descend(t, "float64", options) for t in BOTH)
        assert len(mine) == len(theirs) and np.allclose(mine[:12], theirs[:12], rtol=1e-7)
        assert {k: type(v).__name__ for k, v in state["state"][0].items()} == {
            k: type(v).__name__ for k, v in wanted["state"][0].items()}
        single, _ = descend(headgate, "float32", options)
        assert np.allclose(single[:5], theirs[:5], rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in TABLE if "capturable" in keywords(name)])
def test_capturable_needs_a_device(name: str) -> None:
    texts = []
    for t in BOTH:
        param = t.ones(2, requires_grad=True)
        optimizer = getattr(t.optim, name)([param], capturable=True)
        param.grad = t.ones(2)
        with pytest.raises(AssertionError, match=r"If capturable=True, params.* must be on supported") as caught:
            optimizer.step()
        texts.append(str(caught.value).partition("[")[0])
    assert texts[0] == texts[1]


def test_every_optimizer_and_keyword_is_in_the_table() -> None:
    kinds = {name for name, one in vars(torch.optim).items()
             if inspect.isclass(one) and issubclass(one, torch.optim.Optimizer) and hasattr(headgate.optim, name)}
    assert [name for name in torch.optim.__all__ if not hasattr(headgate.optim, name)] == []
    assert kinds - set(TABLE) == {"Optimizer", "SparseAdam"}  # the base; and what only says that it is missing
    for name in TABLE:
        assert list(inspect.signature(getattr(headgate.optim, name)).parameters) == ["params", *keywords(name)]
        for key in keywords(name):
            default = inspect.signature(getattr(torch.optim, name)).parameters[key].default
            tried = [True] if key == "capturable" else choices(name, key)  # a test of its own
            assert [value for value in tried if value != default], f"{name}: {key} is never varied"


BAD: dict[str, Any] = {
    "-1": lambda t: -1, "text": lambda t: "x", "None": lambda t: None, "two numbers": lambda t: t.ones(2),
    "negative tensor": lambda t: t.tensor(-1.0), "()": lambda t: (), "(0.5,)": lambda t: (0.5,),
    "(2.0, 3.0)": lambda t: (2.0, 3.0), "(-1.0, 0.9)": lambda t: (-1.0, 0.9), "three": lambda t: (0.9, 0.9, 0.9),
    "mixed": lambda t: (t.tensor(0.5), 0.5), "wide": lambda t: (t.ones(2) * 0.5, t.ones(2) * 0.5), "1j": lambda t: 1j,
}  # fmt: skip
#: Where Headgate takes a value that PyTorch stumbles over later, or the other way round; nothing is computed wrongly.
LATER = {"foreach", "fused", "differentiable", "decoupled_weight_decay", "max_iter", "max_eval", "ns_steps"}
ODD = {
    ("LBFGS", "tolerance_grad"), ("LBFGS", "tolerance_change"), ("ASGD", "alpha"), ("ASGD", "lambd"), ("Muon", "eps"),
    ("Rprop", "step_sizes"),
}  # fmt: skip


def error_of(t: Any, name: str, key: str, value: Any) -> str:
    """The class of what making an optimizer, or its first two steps, raise."""
    param = t.ones(2, 2, requires_grad=True)
    param.grad = t.ones(2, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = getattr(t.optim, name)([param], **{key: value})
            for _ in range(2):
                optimizer.step(*([lambda: (param * param).sum()] if name == "LBFGS" else []))
    except Exception as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("name", TABLE)
def test_bad_values_raise_errors_of_the_same_class(name: str) -> None:
    refused = 0
    for key in keywords(name):
        for word, make in BAD.items():
            if key in LATER or ((name, key) in ODD and word not in ("-1", "text", "()")):
                continue
            mine, theirs = (error_of(t, name, key, make(t)) for t in BOTH)
            assert mine == theirs, f"{name}({key}={word}): {mine or 'nothing'}, PyTorch {theirs or 'nothing'}"
            refused += bool(theirs)
    assert refused > 10


@pytest.mark.parametrize("option, value, error", [
    ("lr", TENSOR, RuntimeError), ("betas", TENSORS, ValueError),
])
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_lists_of_tensors_take_no_tensors_as_options(name: str, option: str, value: Any, error: type) -> None:
    """Also where a group asks for it only later; without a gradient nothing is said."""
    for t in BOTH:
        param = t.ones(2, requires_grad=True)
        optimizer = getattr(t.optim, name)([param], foreach=True)
        optimizer.param_groups[0].update(real(t, {option: value}))
        optimizer.step()
        param.grad = t.ones(2)
        with pytest.raises(error, match="as a Tensor is not supported for capturable=False and foreach=True"):
            optimizer.step()
        with pytest.raises(ValueError, match="as a Tensor is not supported for capturable=False and foreach=True"):
            getattr(t.optim, name)([param], foreach=True, **real(t, {option: value}))


@pytest.mark.parametrize("name", [name for name in TABLE if name != "LBFGS"])
def test_states_midway_go_both_ways(name: str) -> None:
    """Every mixture of options: saved by one library, loaded and gone on with in the other."""
    for one, _ in cases(name)[-8:]:
        for source, target in (BOTH, BOTH[::-1]):
            rng = np.random.default_rng(1)
            value = rng.standard_normal((3, 4)).astype("f4")
            first = source.tensor(value, requires_grad=True)
            optimizer = getattr(source.optim, name)([first], **real(source, one))
            for _ in range(2):
                first.grad = source.tensor(rng.standard_normal((3, 4)).astype("f4"))
                optimizer.step()
            second = target.tensor(first.detach().numpy(), requires_grad=True)
            other = getattr(target.optim, name)([second])
            other.load_state_dict(translated(target, optimizer.state_dict()))
            assert list(arrays(other.state_dict())) == list(arrays(optimizer.state_dict()))
            for _ in range(2):
                value = rng.standard_normal((3, 4)).astype("f4")
                for t, param, stepping in ((source, first, optimizer), (target, second, other)):
                    param.grad = t.tensor(value)
                    stepping.step()
            np.testing.assert_allclose(second.detach().numpy(), first.detach().numpy(), rtol=2e-4, atol=1e-5)


def test_muon_rounds_as_pytorch() -> None:
    """To the bit for small matrices; a sum in another order may move a larger one's bfloat16 by its last bit."""
    for shape, apart in (((4, 3), 1e-6), ((3, 7), 1e-6), ((1, 5), 1e-6), ((32, 32), 4e-4)):
        found = []
        for t in BOTH:
            rng = np.random.default_rng(2)
            param = t.ones(*shape, requires_grad=True)
            optimizer = t.optim.Muon([param], lr=0.1)
            for _ in range(3):
                param.grad = t.tensor(rng.standard_normal(shape).astype("f4"))
                optimizer.step()
            found.append(param.detach().numpy())
        np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=apart)


@pytest.mark.parametrize("name", [name for name in TABLE if name != "LBFGS"])
def test_complex_parameters_are_not_stepped_wrongly(name: str) -> None:
    """SGD is linear and steps them; the others would need the parts apart."""
    param = headgate.ones(2, 2, dtype=headgate.complex64)
    param.grad = headgate.ones(2, 2, dtype=headgate.complex64)
    optimizer = getattr(headgate.optim, name)([param])
    if name == "SGD":
        optimizer.step()
        assert param.tolist() == [[pytest.approx(1 - 1e-3)] * 2] * 2
        return
    with pytest.raises(RuntimeError, match="complex"):
        optimizer.step()
    assert param.tolist() == [[1.0, 1.0], [1.0, 1.0]]
