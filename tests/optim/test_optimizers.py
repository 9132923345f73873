"""Every optimizer beside PyTorch over a grid of options: parameters and states, by the compiled and the Tensor form.

PyTorch's square root comes from MKL and is up to one unit in the last place off; with an exact one in its place the
compiled step must agree bit for bit.
"""

import copy
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
from headgate._loading import WANTED as UNCOMPILED

sys.path.insert(0, str(Path(__file__).parent))
from optim_grid import CASES, GRID, arrays, case_name, draw, parameters, run, translated

TENSOR_FORM_ONLY = ("Adafactor",)


def exact_root(x: Any) -> Any:
    return torch.from_numpy(np.asarray(np.sqrt(x.detach().numpy())))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "sqrt", exact_root)
    monkeypatch.setattr(torch.Tensor, "sqrt_", lambda x: x.copy_(exact_root(x)))


def make(lib: Any, name: str, params: list[Any], options: dict[str, Any]) -> Any:
    return getattr(lib.optim, name)(params, **options)


def close(found: Any, expected: Any, rtol: float = 2e-5, atol: float = 2e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True)


def compare_states(ours: dict[str, Any], theirs: dict[str, Any], bits: bool) -> None:
    found, expected = arrays(ours), arrays(theirs)
    assert found.keys() == expected.keys()
    for place, value in expected.items():
        if not isinstance(value, np.ndarray):
            assert found[place] == value, place
            continue
        assert found[place].dtype == value.dtype and found[place].shape == value.shape, place
        if bits:
            np.testing.assert_array_equal(found[place], value, err_msg=place)
        else:
            close(found[place], value, 1e-4, 1e-5)


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_steps_agree_bit_for_bit(case: tuple[str, dict[str, Any]], exact: None) -> None:
    name, options = case
    bits = not UNCOMPILED and name not in TENSOR_FORM_ONLY
    ours, theirs = parameters(headgate), parameters(torch)
    optimizer, reference = make(headgate, name, ours, options), make(torch, name, theirs, options)
    for found, expected in zip(run(headgate, optimizer, ours, range(14)), run(torch, reference, theirs, range(14))):
        for one, other in zip(found, expected):
            if bits:
                np.testing.assert_array_equal(one, other)
            else:
                close(one, other)
    compare_states(optimizer.state_dict(), reference.state_dict(), bits)


@pytest.mark.parametrize("name", GRID)
def test_steps_agree_with_pytorch_as_it_is(name: str) -> None:
    ours, theirs = parameters(headgate), parameters(torch)
    found = run(headgate, make(headgate, name, ours, GRID[name][-1]), ours, range(10))
    expected = run(torch, make(torch, name, theirs, GRID[name][-1]), theirs, range(10))
    for one, other in zip(found[-1], expected[-1]):
        close(one, other, 1e-4, 1e-5)


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_tensor_form_agrees(case: tuple[str, dict[str, Any]]) -> None:
    """Parameters that the loops cannot take, here transposed ones and halves, go by Tensor operations."""
    name, options = case
    rng = np.random.default_rng(3)
    first, half = draw(rng, ((4, 6), "f4")), draw(rng, ((5,), "f2"))
    made = []
    for lib in (headgate, torch):
        params = [lib.tensor(first).t().requires_grad_(True), lib.tensor(half).requires_grad_(True)]
        optimizer = make(lib, name, params, {**options, **({"eps": 1e-2} if name == "Adam" else {})})
        for step in range(6):
            again = np.random.default_rng(step)
            params[0].grad = lib.tensor(draw(again, ((6, 4), "f4")))
            params[1].grad = lib.tensor(draw(again, ((5,), "f2"))) if name == "SGD" else None
            optimizer.step()
        made.append([param.detach().numpy() for param in params])
    close(made[0][0], made[1][0], 1e-4, 1e-5)
    close(made[0][1], made[1][1], 2e-3, 1e-3)


@pytest.mark.parametrize("case", CASES, ids=case_name)
@pytest.mark.parametrize("direction", ["from PyTorch", "to PyTorch"])
def test_state_dicts_go_both_ways(case: tuple[str, dict[str, Any]], direction: str, exact: None) -> None:
    name, options = case
    source, target = (torch, headgate) if direction == "from PyTorch" else (headgate, torch)
    params = parameters(source)
    first = make(source, name, params, options)
    run(source, first, params, range(5))
    others = [target.tensor(param.detach().numpy()).requires_grad_(True) for param in params]
    second = make(target, name, others, {})
    second.load_state_dict(translated(target, first.state_dict()))
    assert arrays(second.state_dict()).keys() == arrays(first.state_dict()).keys()
    for one, other in zip(run(source, first, params, range(5, 9)), run(target, second, others, range(5, 9))):
        for x, y in zip(one, other):
            close(x, y, 1e-5, 1e-6)


DIFFERENTIABLE = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}, ["momentum_buffer"]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}, ["momentum_buffer"]),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True}, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
    ("AdamW", {}, ["exp_avg", "exp_avg_sq"]),
    ("NAdam", {"weight_decay": 0.1}, ["exp_avg", "exp_avg_sq"]),
    ("RAdam", {"decoupled_weight_decay": True, "weight_decay": 0.1}, ["exp_avg", "exp_avg_sq"]),
    ("Adamax", {}, ["exp_avg", "exp_inf"]),
    ("Adagrad", {"lr_decay": 0.1}, ["sum"]),
    ("Adadelta", {}, ["square_avg", "acc_delta"]),
    ("RMSprop", {"centered": True, "momentum": 0.5}, ["square_avg", "grad_avg", "momentum_buffer"]),
    ("Rprop", {}, ["prev", "step_size"]),
    ("ASGD", {"lr": 0.1}, ["ax"]),
]


@pytest.mark.parametrize("name, options, state", DIFFERENTIABLE, ids=[case[0] for case in DIFFERENTIABLE])
def test_differentiable_steps_pass_gradients(name: str, options: dict[str, Any], state: list[str]) -> None:
    found = []
    for lib in (headgate, torch):
        rng = np.random.default_rng(5)
        leaves = [lib.tensor(rng.random(4) + 0.5).requires_grad_(True) for _ in range(2 + len(state))]
        param, gradient, *values = [leaf.clone() for leaf in leaves]
        param.grad = gradient
        optimizer = make(lib, name, [param], {**options, "differentiable": True})
        optimizer.state[param].update(dict(zip(state, values)))
        optimizer.state[param]["step"] = lib.tensor(7.0)
        if name == "NAdam":
            optimizer.state[param]["mu_product"] = lib.tensor(0.4)
        if name == "ASGD":
            optimizer.state[param].update(eta=lib.tensor(0.1), mu=lib.tensor(0.5))
        optimizer.step()
        (param**2).sum().backward()
        found.append([param.detach().numpy(), *(None if x.grad is None else x.grad.numpy() for x in leaves)])
    for one, other in zip(*found):
        assert (one is None) == (other is None)
        if one is not None:
            close(one, other, 1e-6, 1e-8)


def test_learning_rate_as_tensor_gets_a_gradient() -> None:
    found = []
    for lib in (headgate, torch):
        lr = lib.tensor(0.1, requires_grad=True)
        param = lib.tensor([1.0, -2.0], requires_grad=True).clone()
        param.grad = lib.tensor([0.5, 0.25])
        lib.optim.SGD([param], lr=lr, differentiable=True).step()
        (param**2).sum().backward()
        found.append(float(lr.grad))
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize("name", ["SGD", "Adam", "RAdam", "Adagrad", "RMSprop", "ASGD", "Rprop"])
def test_learning_rate_as_tensor(name: str) -> None:
    ours, theirs = parameters(headgate), parameters(torch)
    found = run(headgate, make(headgate, name, ours, {"lr": headgate.tensor(0.02)}), ours, range(4))
    expected = run(torch, make(torch, name, theirs, {"lr": torch.tensor(0.02)}), theirs, range(4))
    for one, other in zip(found[-1], expected[-1]):
        close(one, other, 1e-4, 1e-5)


@pytest.mark.parametrize("name", GRID)
def test_copies_and_pickles_go_on_alike(name: str) -> None:
    if name == "Adafactor":
        pytest.skip("no state of its own to tell apart")
    params = parameters(headgate)
    optimizer = make(headgate, name, params, GRID[name][-1])
    run(headgate, optimizer, params, range(3))
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        others = twin.param_groups[0]["params"]
        assert twin.defaults == optimizer.defaults
        original = copy.deepcopy(optimizer)
        for x, y in zip(run(headgate, original, original.param_groups[0]["params"], range(3, 5))[-1],
                        run(headgate, twin, others, range(3, 5))[-1]):
            np.testing.assert_array_equal(x, y)


def test_large_parameters_by_threads_have_the_same_bits() -> None:
    value, gradient = (np.random.default_rng(k).standard_normal(100_001).astype("f4") for k in (0, 1))
    results = []
    for threads in (1, 2):
        before = headgate.get_num_threads()
        headgate.set_num_threads(threads)
        param = headgate.tensor(value).requires_grad_(True)
        optimizer = headgate.optim.AdamW([param], weight_decay=0.1, maximize=True)
        for _ in range(3):
            param.grad = headgate.tensor(gradient)
            optimizer.step()
        headgate.set_num_threads(before)
        results.append(param.detach().numpy().copy())
    np.testing.assert_array_equal(*results)


def test_state_that_is_replaced_is_seen() -> None:
    """What a step keeps in mind must not outlive what the user changes between steps."""
    for change in ("memory", "state", "tensor", "clear", "group"):
        found = []
        for lib in (headgate, torch):
            params = [lib.tensor([1.0, 2.0, 3.0], requires_grad=True), lib.ones(2, requires_grad=True)]
            optimizer = lib.optim.Adam(params, lr=0.1, amsgrad=True)
            for step in range(6):
                for place, param in enumerate(params):
                    param.grad = lib.full_like(param, 0.5 + step + place).detach()
                optimizer.step()
                state = optimizer.state[params[0]]
                if step == 2 and change == "memory":
                    params[0].data = lib.tensor([5.0, 5.0, 5.0])
                elif step == 2 and change == "state":
                    optimizer.state[params[0]] = {key: value.clone() * 2 for key, value in state.items()}
                elif step == 2 and change == "tensor":
                    state["exp_avg"] = lib.zeros(3)
                elif step == 2 and change == "clear":
                    optimizer.state.clear()
                elif step == 2:
                    optimizer.param_groups[0]["params"].reverse()
                    optimizer.add_param_group({"params": [lib.zeros(2, requires_grad=True)], "lr": 1.0})
            found.append([param.detach().numpy() for param in params])
        for one, other in zip(*found):
            close(one, other)


def test_a_step_is_one_write() -> None:
    param = headgate.ones(3, requires_grad=True)
    optimizer = headgate.optim.Adam([param])
    loss = (param * param).sum()
    param.grad = headgate.ones(3)
    before = param._version
    optimizer.step()
    assert param._version == before + 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_made_in_inference_mode_are_refused_before_any_is_written() -> None:
    with headgate.inference_mode():
        made = headgate.ones(2)
    first = headgate.ones(2, requires_grad=True)
    optimizer = headgate.optim.SGD([first, made], lr=0.1)
    first.grad = headgate.ones(2)
    made.grad = headgate.ones(2)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        optimizer.step()
    assert first.tolist() == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate")
def test_a_parameter_that_is_there_twice_is_stepped_twice() -> None:
    found = []
    for lib in (headgate, torch):
        param = lib.tensor([1.0, 2.0], requires_grad=True)
        optimizer = lib.optim.Adam([param, lib.ones(3, requires_grad=True), param], lr=0.1)
        for step in range(3):
            param.grad = lib.tensor([0.5, -1.0 - step])
            optimizer.step()
        found.append((param.tolist(), float(optimizer.state[param]["step"])))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6) and found[0][1] == found[1][1] == 6.0


def test_a_tuple_of_parameters_put_into_a_group() -> None:
    for lib in (headgate, torch):
        param = lib.ones(2, requires_grad=True)
        optimizer = lib.optim.SGD([param], lr=0.5)
        optimizer.param_groups[0]["params"] = (param,)
        param.grad = lib.ones(2)
        optimizer.step()
        assert param.tolist() == [0.5, 0.5]


def test_options_may_change_between_steps() -> None:
    found = []
    for lib in (headgate, torch):
        params = parameters(lib)
        optimizer = lib.optim.RMSprop(params)
        run(lib, optimizer, params, range(2))
        optimizer.param_groups[0].update(lr=0.3, alpha=0.5, weight_decay=0.1, maximize=True)
        run(lib, optimizer, params, range(2, 4))
        sgd = lib.optim.SGD(params, lr=0.1)
        run(lib, sgd, params, range(4, 5))
        sgd.param_groups[0].update(momentum=0.9, nesterov=True)
        found.append(run(lib, sgd, params, range(5, 8))[-1])
    for one, other in zip(*found):
        close(one, other, 1e-4, 1e-5)
