"""checkpoint beside PyTorch: gradients, how often a part runs, random numbers, errors."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

import headgate
import headgate.utils.checkpoint

BOTH = (headgate, torch)


def layers(lib: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    made = [lib.nn.Linear(4, 4) for _ in range(5)]
    with lib.no_grad():
        for layer in made:
            for param in layer.parameters():
                param.copy_(lib.tensor(rng.standard_normal(tuple(param.shape)).astype("f4") / 2))
    return made


def gradients(modules: list[Any], x: Any) -> list[np.ndarray]:
    values = [param.grad for module in modules for param in module.parameters()]
    return [value.numpy() for value in [*values, x.grad] if value is not None]


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("early_stop", [False, True])
def test_gradients_and_how_often_a_part_runs(reentrant: bool, early_stop: bool) -> None:
    found = []
    for lib in BOTH:
        made = layers(lib)
        calls: list[str] = []

        def part(x: Any, scale: float, made: list[Any] = made, calls: list[str] = calls, lib: Any = lib) -> Any:
            calls.append("begin")
            y = lib.tanh(made[0](x)) * scale
            y = lib.sigmoid(made[1](y)) * y
            calls.append("end")
            return y

        x = lib.linspace(-1, 1, 8).view(2, 4).requires_grad_(True)
        options = {} if reentrant else {"early_stop": early_stop}
        y = lib.utils.checkpoint.checkpoint(part, x, 0.5, use_reentrant=reentrant, **options)
        assert calls == ["begin", "end"]
        (made[2](y) ** 2).sum().backward()
        found.append(([*gradients(made[:3], x), y.detach().numpy()], calls.count("begin")))
    assert found[0][1] == found[1][1] == 2
    for one, other in zip(found[0][0], found[1][0]):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("preserve", [False, True])
def test_random_numbers_of_the_second_run(reentrant: bool, preserve: bool) -> None:
    found = []
    for lib in BOTH:
        lib.manual_seed(3)
        drawn: list[Any] = []

        def noisy(x: Any, lib: Any = lib, drawn: list[Any] = drawn) -> Any:
            noise = lib.rand(3)
            drawn.append(noise.tolist())
            return (x * noise).sin()

        x = lib.ones(3, requires_grad=True)
        y = lib.utils.checkpoint.checkpoint(noisy, x, use_reentrant=reentrant, preserve_rng_state=preserve)
        y.sum().backward()
        drawn.append(lib.rand(2).tolist())
        assert (drawn[0] == drawn[1]) == preserve
        found.append((drawn, x.grad.tolist()))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-6)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_in_a_row(reentrant: bool, segments: int) -> None:
    found = []
    for lib in BOTH:
        made = layers(lib)
        x = lib.linspace(-1, 1, 8).view(2, 4).requires_grad_(True)
        for functions in (lib.nn.Sequential(*made), [*made, lib.tanh]):
            y = lib.utils.checkpoint.checkpoint_sequential(functions, segments, x, use_reentrant=reentrant)
            y.sum().backward()
        found.append(gradients(made, x))
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_nested_and_keyword_arguments_and_several_results() -> None:
    found = []
    for lib in BOTH:
        checkpoint = lib.utils.checkpoint.checkpoint

        def inner(x: Any, *, power: int) -> tuple[Any, Any]:
            return x**power, x.exp()

        def outer(x: Any, checkpoint: Any = checkpoint, inner: Any = inner) -> Any:
            a, b = checkpoint(inner, x * 2, power=3, use_reentrant=False)
            return (a * b).sin()

        x = lib.tensor([0.1, 0.2], requires_grad=True)
        checkpoint(outer, x, use_reentrant=False).sum().backward()
        (second,) = lib.autograd.grad((checkpoint(outer, x, use_reentrant=False) * x).sum(), [x])
        found.append([x.grad.tolist(), second.tolist()])
    for one, other in zip(*found):
        assert one == pytest.approx(other, rel=1e-5)


def test_a_graph_that_is_kept_gives_its_gradient_again() -> None:
    for lib in BOTH:
        x = lib.tensor([0.5], requires_grad=True)
        y = lib.utils.checkpoint.checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False)
        y.backward(retain_graph=True)
        first = x.grad.clone()
        y.backward()
        assert lib.allclose(x.grad, 2 * first)


def test_second_gradients() -> None:
    found = []
    for lib in BOTH:
        x = lib.tensor([0.5, 0.25], requires_grad=True)
        y = lib.utils.checkpoint.checkpoint(lambda x: (x**3).sin(), x, use_reentrant=False).sum()
        (g,) = lib.autograd.grad(y, [x], create_graph=True)
        (second,) = lib.autograd.grad((g**2).sum(), [x])
        found.append(second.tolist())
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_contexts_and_no_grad() -> None:
    for lib in BOTH:
        log: list[str] = []

        class Noting:
            def __init__(self, name: str, log: list[str] = log) -> None:
                self.name, self.log = name, log

            def __enter__(self) -> None:
                self.log.append(self.name)

            def __exit__(self, *_: object) -> None:
                pass

        checkpoint = lib.utils.checkpoint.checkpoint
        contexts = lambda: (Noting("first"), Noting("again"))  # noqa: E731
        x = lib.ones(1, requires_grad=True)
        checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=contexts).backward()
        assert log == ["first", "again"]
        with lib.no_grad():
            assert not checkpoint(lambda x: x.exp(), x, use_reentrant=False).requires_grad
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
            checkpoint(lambda x: x.exp(), lib.ones(1), use_reentrant=True)


def changing(lib: Any, again: Any) -> Any:
    """A part that does something else the second time."""
    runs: list[int] = []

    def part(x: Any) -> Any:
        runs.append(1)
        return (x * 2).exp().sin() if len(runs) == 1 else again(x)

    return lib.utils.checkpoint.checkpoint(part, lib.ones(3, requires_grad=True), use_reentrant=False)


@pytest.mark.parametrize("name, again", [
    ("fewer", lambda x: x * 2), ("shapes", lambda x: (x[:2] * 2).exp().sin()),
    ("types", lambda x: (x.double() * 2).exp().sin()),
])  # fmt: skip
def test_a_part_that_does_not_do_the_same_again(name: str, again: Any) -> None:
    for lib in BOTH:
        y = changing(lib, again)
        with pytest.raises(lib.utils.checkpoint.CheckpointError, match="torch.utils.checkpoint: "):
            y.sum().backward()


def test_refused() -> None:
    for lib in BOTH:
        checkpoint, x = lib.utils.checkpoint.checkpoint, lib.ones(1, requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            checkpoint(lambda x: x, x)
        assert "the use_reentrant parameter should be passed explicitly" in str(caught[0].message)
        with pytest.raises(ValueError, match="Unexpected keyword arguments: power"):
            checkpoint(lambda x: x, x, use_reentrant=True, power=2)
        with pytest.raises(ValueError, match="Passing `context_fn` or `debug` is only supported when"):
            checkpoint(lambda x: x, x, use_reentrant=True, debug=True)
        with pytest.raises(ValueError, match="determinism_check should be one of"):
            checkpoint(lambda x: x, x, use_reentrant=False, determinism_check="strict")
        y = checkpoint(lambda x: x.detach(), x, use_reentrant=True)
        with pytest.raises(RuntimeError, match="none of output has requires_grad=True"):
            y.sum().backward()
        with pytest.raises(ZeroDivisionError):
            checkpoint(lambda x: x / 0 if False else 1 // 0, x, use_reentrant=False)
        with lib.utils.checkpoint.set_checkpoint_early_stop(False):
            checkpoint(lambda x: x.exp(), x, use_reentrant=False).backward()
