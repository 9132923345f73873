"""What every optimizer shares, beside PyTorch: groups and their checks, hooks, texts, state_dict, closures."""

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import headgate

BOTH = (headgate, torch)


def module_of(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.optim.optimizer")


def outcome(action: Callable[[Any], Any], lib: Any) -> tuple[str, str]:
    """The class and the opening words of what an action raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            action(lib)
        except (Exception, Warning) as error:
            return type(error).__name__, str(error).replace("headgate", "torch")[:60]
    return "", ""


def leaf(lib: Any, *shape: int) -> Any:
    return lib.ones(*(shape or (2,)), requires_grad=True)


def with_history(lib: Any) -> Any:
    return leaf(lib) * 2


REFUSED: dict[str, Callable[[Any], Any]] = {
    "one tensor": lambda lib: lib.optim.SGD(leaf(lib), lr=0.1),
    "nothing": lambda lib: lib.optim.SGD([], lr=0.1),
    "a set": lambda lib: lib.optim.SGD([{"params": {leaf(lib)}}], lr=0.1),
    "a number": lambda lib: lib.optim.SGD([1.5], lr=0.1),
    "history": lambda lib: lib.optim.SGD([with_history(lib)], lr=0.1),
    "no dict": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1).add_param_group([leaf(lib)]),
    "twice": lambda lib: lib.optim.SGD([{"params": [x := leaf(lib)]}, {"params": [x]}], lr=0.1),
    "duplicates": lambda lib: lib.optim.SGD([x := leaf(lib), x], lr=0.1),
    "some names": lambda lib: lib.optim.SGD([("a", leaf(lib)), leaf(lib)], lr=0.1),
    "names in one group": lambda lib: lib.optim.SGD([("a", leaf(lib))], lr=0.1).add_param_group(
        {"params": [leaf(lib)]}
    ),
    "no step": lambda lib: lib.optim.Optimizer([leaf(lib)], {}).step(),
    "other groups": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "other sizes": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
    "rate": lambda lib: lib.optim.SGD([leaf(lib)], lr=-1.0),
    "momentum": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1, momentum=-1),
    "decay": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1, weight_decay=-1),
    "nesterov": lambda lib: lib.optim.SGD([leaf(lib)], lr=0.1, nesterov=True),
    "wide rate": lambda lib: lib.optim.SGD([leaf(lib)], lr=lib.ones(2)),
    "adam rate": lambda lib: lib.optim.Adam([leaf(lib)], lr=-1.0),
    "adam eps": lambda lib: lib.optim.Adam([leaf(lib)], eps=-1.0),
    "adam beta": lambda lib: lib.optim.Adam([leaf(lib)], betas=(1.0, 0.9)),
    "adam beta 1": lambda lib: lib.optim.AdamW([leaf(lib)], betas=(0.9, 2.0)),
    "adam betas mixed": lambda lib: lib.optim.Adam([leaf(lib)], betas=(0.9, lib.tensor(0.9))),
    "adam foreach rate": lambda lib: lib.optim.Adam([leaf(lib)], lr=lib.tensor(0.1), foreach=True),
    "fused and foreach": lambda lib: lib.optim.Adam([leaf(lib)], fused=True, foreach=True),
    "fused and differentiable": lambda lib: lib.optim.SGD([leaf(lib)], lr=1, fused=True, differentiable=True),
    "momentum decay": lambda lib: lib.optim.NAdam([leaf(lib)], momentum_decay=-1),
    "radam beta": lambda lib: lib.optim.RAdam([leaf(lib)], betas=(-0.1, 0.9)),
    "adamax decay": lambda lib: lib.optim.Adamax([leaf(lib)], weight_decay=-1),
    "adagrad lr decay": lambda lib: lib.optim.Adagrad([leaf(lib)], lr_decay=-1),
    "adagrad value": lambda lib: lib.optim.Adagrad([leaf(lib)], initial_accumulator_value=-1),
    "rho": lambda lib: lib.optim.Adadelta([leaf(lib)], rho=1.5),
    "alpha": lambda lib: lib.optim.RMSprop([leaf(lib)], alpha=-1),
    "etas": lambda lib: lib.optim.Rprop([leaf(lib)], etas=(1.5, 1.2)),
    "asgd": lambda lib: lib.optim.ASGD([leaf(lib)], weight_decay=-1),
    "adafactor": lambda lib: lib.optim.Adafactor([leaf(lib)], d=0.5),
    "muon": lambda lib: lib.optim.Muon([leaf(lib)]),
    "lbfgs groups": lambda lib: lib.optim.LBFGS([{"params": [leaf(lib)]}, {"params": [leaf(lib)]}]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_pytorch(name: str) -> None:
    found, expected = outcome(REFUSED[name], headgate), outcome(REFUSED[name], torch)
    assert expected[0]
    assert found[0] == expected[0]
    assert found[1][:25] == expected[1][:25]


def test_capturable_needs_a_device() -> None:
    for lib in BOTH:
        param = leaf(lib)
        param.grad = lib.ones(2)
        with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must be on supported"):
            lib.optim.Adam([param], capturable=True).step()


def test_sparse_adam_says_what_is_missing() -> None:
    with pytest.raises(RuntimeError, match="no sparse tensors"):
        headgate.optim.SparseAdam([leaf(headgate)])


def test_required_options() -> None:
    for lib in BOTH:
        required = module_of(lib).required
        with pytest.raises(ValueError, match="parameter group didn't specify a value of required"):
            lib.optim.Optimizer([leaf(lib)], {"lr": required})


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "LBFGS", "Adagrad", "Muon", "Rprop", "ASGD"])
def test_text_and_groups(name: str) -> None:
    texts = []
    for lib in BOTH:
        optimizer = getattr(lib.optim, name)([leaf(lib, 2, 2)])
        keys = list(optimizer.param_groups[0])
        if name != "LBFGS":
            optimizer.add_param_group({"params": leaf(lib, 1, 3), "lr": 0.5})
        texts.append((repr(optimizer), keys, optimizer.defaults, len(optimizer.param_groups)))
    assert texts[0] == texts[1]


def test_names_are_kept_in_state_dicts() -> None:
    states = []
    for lib in BOTH:
        optimizer = lib.optim.SGD([("first", leaf(lib)), ("second", leaf(lib))], lr=0.1)
        other = lib.optim.SGD([leaf(lib), leaf(lib)], lr=0.5)
        other.load_state_dict(optimizer.state_dict())
        states.append((optimizer.state_dict()["param_groups"], other.state_dict()["param_groups"]))
    assert states[0] == states[1]


def test_loading_casts_to_the_parameter_and_keeps_the_step() -> None:
    for lib in BOTH:
        param = lib.ones(2, dtype=lib.float64, requires_grad=True)
        optimizer = lib.optim.Adam([param])
        saved = {
            "state": {0: {"step": lib.tensor(3.0), "exp_avg": lib.ones(2), "exp_avg_sq": lib.ones(2)}, "extra": 5},
            "param_groups": optimizer.state_dict()["param_groups"],
        }
        optimizer.load_state_dict(saved)
        state = optimizer.state[param]
        assert state["step"].dtype == lib.float32 and state["exp_avg"].dtype == lib.float64
        assert optimizer.state["extra"] == 5 and optimizer.state_dict()["state"]["extra"] == 5


def test_old_states_with_plain_steps_are_read() -> None:
    for lib in BOTH:
        param = leaf(lib)
        optimizer = lib.optim.Adam([param])
        group = {key: value for key, value in optimizer.state_dict()["param_groups"][0].items() if key != "amsgrad"}
        optimizer.load_state_dict({
            "state": {0: {"step": 3, "exp_avg": lib.ones(2), "exp_avg_sq": lib.ones(2)}}, "param_groups": [group],
        })  # fmt: skip
        param.grad = lib.ones(2)
        optimizer.step()
        assert float(optimizer.state[param]["step"]) == 4.0 and optimizer.param_groups[0]["amsgrad"] is False


def test_hooks_in_order() -> None:
    logs = []
    for lib in BOTH:
        log: list[Any] = []
        module = module_of(lib)
        param = leaf(lib)
        param.grad = lib.ones(2)
        optimizer = lib.optim.SGD([param], lr=0.1)

        def note(name: str, log: list[Any] = log) -> Callable[..., None]:
            return lambda *given: log.append((name, len(given), given[1:] if name == "pre" else None))

        handles = [
            optimizer.register_step_pre_hook(note("pre-own")), optimizer.register_step_post_hook(note("post")),
            module.register_optimizer_step_pre_hook(note("pre-all")),
            module.register_optimizer_step_post_hook(note("post-all")),
            optimizer.register_state_dict_pre_hook(note("state")),
            optimizer.register_state_dict_pre_hook(note("state first"), prepend=True),
            optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1}),
            optimizer.register_load_state_dict_pre_hook(lambda o, state: {**state, "read": log.append("load")}),
            optimizer.register_load_state_dict_post_hook(note("loaded")),
        ]  # fmt: skip
        optimizer.step()
        saved = optimizer.state_dict()
        log.append(sorted(saved))
        optimizer.load_state_dict(saved)
        for handle in handles:
            handle.remove()
        optimizer.step()
        log.append(sorted(optimizer.state_dict()))
        logs.append(log)
    assert logs[0] == logs[1]


def test_a_pre_hook_may_change_the_arguments() -> None:
    for lib in BOTH:
        optimizer = lib.optim.SGD([leaf(lib)], lr=0.1)
        calls: list[str] = []
        optimizer.register_step_pre_hook(lambda o, args, kwargs, calls=calls: ((o, lambda: calls.append("new")), {}))
        optimizer.step()
        assert calls == ["new"]
        optimizer.register_step_pre_hook(lambda *_: 1)
        with pytest.raises(RuntimeError, match="must return None or a tuple of"):
            optimizer.step()


def test_closures_run_with_gradients_on() -> None:
    for lib in BOTH:
        param = leaf(lib)
        optimizer = lib.optim.Adam([param])

        def closure(lib: Any = lib, param: Any = param, optimizer: Any = optimizer) -> Any:
            assert lib.is_grad_enabled()
            optimizer.zero_grad()
            loss = (param * param).sum()
            loss.backward()
            return loss

        with lib.no_grad():
            assert float(optimizer.step(closure).detach()) == 2.0
            assert not lib.is_grad_enabled()
        assert param.grad is not None


def test_zero_grad() -> None:
    for lib in BOTH:
        params = [leaf(lib), leaf(lib)]
        optimizer = lib.optim.SGD(params, lr=0.1)
        params[0].grad = held = lib.ones(2)
        optimizer.zero_grad(set_to_none=False)
        assert params[0].grad is held and held.tolist() == [0.0, 0.0] and params[1].grad is None
        loss = (params[0] ** 3).sum()
        params[0].grad = None
        loss.backward(create_graph=True)
        optimizer.zero_grad(set_to_none=False)
        assert params[0].grad.grad_fn is None
        optimizer.zero_grad()
        assert params[0].grad is None


def test_users_may_write_their_own() -> None:
    found = []
    for lib in BOTH:

        class Own(lib.optim.Optimizer):  # type: ignore[name-defined, misc]
            def __init__(self, params: Any, lr: float = 0.1) -> None:
                super().__init__(params, {"lr": lr})

            def step(self, closure: Any = None) -> None:
                for group in self.param_groups:
                    for param in group["params"]:
                        state = self.state[param]
                        state["count"] = state.get("count", 0) + 1
                        param.data.add_(param.grad, alpha=-group["lr"] / state["count"])

        param = leaf(lib)
        optimizer = Own([param])
        scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1)
        seen: list[int] = []
        optimizer.register_step_post_hook(lambda *_, seen=seen: seen.append(1))
        for _ in range(3):
            param.grad = lib.ones(2)
            optimizer.step()
            scheduler.step()
        found.append((param.tolist(), seen, optimizer.state_dict()))
    assert found[0] == found[1]


def test_a_subclass_of_a_compiled_one_steps_too() -> None:
    for lib in BOTH:

        class Louder(lib.optim.SGD):  # type: ignore[name-defined, misc]
            def step(self, closure: Any = None) -> Any:
                self.calls = getattr(self, "calls", 0) + 1
                return super().step(closure)

        param = leaf(lib)
        param.grad = lib.ones(2)
        optimizer = Louder([param], lr=0.5)
        optimizer.step()
        assert param.tolist() == [0.5, 0.5] and optimizer.calls == 1


def rosenbrock(lib: Any, dtype: Any, **options: Any) -> tuple[list[float], Any]:
    start = [lib.tensor([-1.2, 1.0, 0.3, -0.4], dtype=dtype, requires_grad=True), lib.tensor(0.5, dtype=dtype,
             requires_grad=True), lib.zeros(2, dtype=dtype, requires_grad=True)]
    optimizer = lib.optim.LBFGS(start, **options)
    losses: list[float] = []

    def closure() -> Any:
        optimizer.zero_grad()
        x = start[0]
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() + start[1] ** 4
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(4):
        optimizer.step(closure)
    return losses, optimizer


@pytest.mark.parametrize("options", [
    {"line_search_fn": "strong_wolfe"}, {"lr": 0.001}, {"lr": 0.5, "line_search_fn": "strong_wolfe", "history_size": 3},
    {"max_eval": 7, "line_search_fn": "strong_wolfe"}, {"lr": 1e-3, "max_iter": 4, "tolerance_grad": 1e3},
    {"max_iter": 1, "line_search_fn": "strong_wolfe", "tolerance_change": 1e-3},
])  # fmt: skip
def test_lbfgs_takes_the_same_way(options: dict[str, Any]) -> None:
    losses, optimizer = rosenbrock(headgate, headgate.float64, **options)
    expected, reference = rosenbrock(torch, torch.float64, **options)
    assert losses[:20] == pytest.approx(expected[:20], rel=1e-9)
    assert len(losses) == len(expected)
    found, wanted = optimizer.state_dict()["state"][0], reference.state_dict()["state"][0]
    assert found.keys() == wanted.keys()
    assert (found["func_evals"], found["n_iter"]) == (wanted["func_evals"], wanted["n_iter"])
    single, _ = rosenbrock(headgate, headgate.float32, **options)
    assert single[:10] == pytest.approx(expected[:10], rel=1e-3)


def test_lbfgs_refuses_other_searches() -> None:
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        rosenbrock(headgate, headgate.float64, line_search_fn="armijo")


@pytest.mark.parametrize("shape", [(4, 3), (3, 7)])
@pytest.mark.parametrize("adjust", [None, "match_rms_adamw"])
def test_muon_is_pytorch_within_its_bfloat16(shape: tuple[int, int], adjust: str | None) -> None:
    found = []
    for lib in BOTH:
        param = lib.ones(*shape, requires_grad=True)
        optimizer = lib.optim.Muon([param], lr=0.1, adjust_lr_fn=adjust)
        for step in range(3):
            torch.manual_seed(step)
            param.grad = lib.tensor(torch.randn(shape).numpy())
            optimizer.step()
        found.append(torch.tensor(param.detach().numpy()))
    assert (found[0] - found[1]).abs().max() < 0.02
