"""autocast and GradScaler beside PyTorch: states, warnings, errors, scaled training on the CPU; and the other modules
that scripts expect to be there."""

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import headgate

BOTH = (headgate, torch)


def name_of(value: Any) -> str:
    return str(value).replace("headgate", "torch")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_autocast_keeps_its_state(device: str) -> None:
    seen = []
    for lib in BOTH:
        log: list[Any] = []

        def note(lib: Any = lib, log: list[Any] = log) -> None:
            log.append([lib.is_autocast_enabled(device), name_of(lib.get_autocast_dtype(device)),
                        lib.is_autocast_cache_enabled()])

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            note()
            with lib.autocast(device, dtype=lib.float16, cache_enabled=False):
                note()
                with lib.amp.autocast(device_type=device, enabled=False):
                    note()
                note()
            note()
            lib.autocast(device_type=device, dtype=lib.bfloat16)(note)()
            note()
        log.append([str(one.message)[:40] for one in caught])
        seen.append(log)
    assert seen[0] == seen[1]


REFUSED: dict[str, Callable[[Any], Any]] = {
    "no text": lambda lib: lib.autocast(3),
    "no device": lambda lib: lib.autocast("abacus"),
    "meta": lambda lib: lib.autocast("meta", dtype=lib.float16),
    "no function": lambda lib: lib.autocast("cpu")(3),
    "fwd": lambda lib: lib.amp.custom_fwd(device_type=3),
    "growth": lambda lib: lib.amp.GradScaler("cpu", growth_factor=1.0),
    "backoff": lambda lib: lib.amp.GradScaler("cpu", backoff_factor=1.0),
    "outputs": lambda lib: lib.amp.GradScaler("cpu").scale(3),
    "early step": lambda lib: lib.amp.GradScaler("cpu").step(None),
    "early update": lambda lib: lib.amp.GradScaler("cpu").update(),
    "empty state": lambda lib: lib.amp.GradScaler("cpu").load_state_dict({}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_pytorch(name: str) -> None:
    found = []
    for lib in BOTH:
        with pytest.raises(Exception) as caught:
            REFUSED[name](lib)
        found.append((caught.type, str(caught.value)[:30]))
    assert found[0] == found[1]


def scaled_run(lib: Any, **options: Any) -> list[Any]:
    """A run in which some gradients overflow."""
    param = lib.tensor([1.0, -2.0], requires_grad=True)
    optimizer = lib.optim.SGD([param], lr=0.1, momentum=0.9)
    scaler = lib.amp.GradScaler("cpu", **{"init_scale": 8.0, "growth_interval": 3, **options})
    log: list[Any] = [scaler.get_scale()]
    for step in range(12):
        optimizer.zero_grad()
        loss = (param * param).sum() * (math.inf if step in (4, 9) else 1.0)
        scaler.scale(loss).backward()
        if step % 2:
            scaler.unscale_(optimizer)
            lib.nn.utils.clip_grad_norm_([param], 1.0)
        scaler.step(optimizer)
        scaler.update(32.0 if step == 6 else None)
        log.append((param.tolist(), scaler.get_scale(), scaler._get_growth_tracker()))
        if step == 7 and scaler.is_enabled():
            again = lib.amp.GradScaler("cpu")
            again.load_state_dict(scaler.state_dict())
            scaler = pickle.loads(pickle.dumps(copy.deepcopy(again)))
            log.append(scaler.state_dict())
    return log


@pytest.mark.parametrize("options", [{}, {"growth_factor": 4.0, "backoff_factor": 0.25}, {"enabled": False}])
def test_scaled_training_on_the_cpu(options: dict[str, Any]) -> None:
    found, expected = (scaled_run(lib, **options) for lib in BOTH)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        if isinstance(one, tuple):
            assert one[0] == pytest.approx(other[0], rel=1e-6, nan_ok=True) and one[1:] == other[1:]
        else:
            assert one == other


def test_calls_out_of_order() -> None:
    for lib in BOTH:
        param = lib.ones(1, requires_grad=True)
        optimizer = lib.optim.SGD([param], lr=0.1)
        scaler = lib.amp.GradScaler("cpu")
        scaler.scale([param.sum(), (param.sum(),)])[0].backward()
        scaler.unscale_(optimizer)
        with pytest.raises(RuntimeError, match="unscale_.. has already been called on this optimizer since"):
            scaler.unscale_(optimizer)
        with pytest.raises(RuntimeError, match="Closure use is not currently supported"):
            scaler.step(optimizer, closure=lambda: 0.0)
        with pytest.raises(AssertionError, match="A GradScaler instance may only be pickled at the beginning"):
            pickle.dumps(scaler)
        scaler.step(optimizer)
        with pytest.raises(RuntimeError, match="step.. has already been called since the last update"):
            scaler.step(optimizer)


def test_without_cuda_the_default_one_lets_everything_pass() -> None:
    for lib in BOTH:
        with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available"):
            scaler = lib.amp.GradScaler()
        with pytest.warns(FutureWarning, match=r"`torch.cuda.amp.GradScaler\(args...\)` is deprecated"):
            old = lib.cuda.amp.GradScaler(enabled=False)
        with pytest.warns(FutureWarning, match=r"`torch.cuda.amp.autocast\(args...\)` is deprecated"):
            context = lib.cuda.amp.autocast(enabled=False)
        with context:
            assert not lib.is_autocast_enabled()
        param = lib.ones(1, requires_grad=True)
        optimizer = lib.optim.SGD([param], lr=0.5)
        param.grad = lib.ones(1)
        for one in (scaler, old):
            assert not one.is_enabled() and one.scale(3) == 3 and one.get_scale() == 1.0 and one.state_dict() == {}
            one.unscale_(optimizer)
            one.step(optimizer)
            one.update()
        assert param.item() == 0.0


def test_custom_functions_under_autocast() -> None:
    for lib in BOTH:

        class Double(lib.autograd.Function):  # type: ignore[name-defined, misc]
            @staticmethod
            @lib.amp.custom_fwd(device_type="cpu", cast_inputs=lib.float16)
            def forward(ctx: Any, x: Any, lib: Any = lib) -> Any:
                ctx.inside = lib.is_autocast_enabled("cpu")
                ctx.kind = x.dtype
                return x * 2

            @staticmethod
            @lib.amp.custom_bwd(device_type="cpu")
            def backward(ctx: Any, g: Any, lib: Any = lib) -> Any:
                assert not ctx.inside and not lib.is_autocast_enabled("cpu")
                return g * 2

        x = lib.ones(2, requires_grad=True)
        assert Double.apply(x).dtype == lib.float32
        with lib.autocast("cpu"):
            y = Double.apply(x)
        assert y.dtype == lib.float16
        y.float().sum().backward()
        assert x.grad.tolist() == [2.0, 2.0]


def test_compile_gives_back_what_it_got() -> None:
    def function(x: Any) -> Any:
        return x

    layer = headgate.nn.Linear(1, 1)
    assert headgate.compile(function) is function and headgate.compile(layer, mode="max-autotune") is layer
    assert headgate.compile(backend="eager", fullgraph=True)(function) is function
    assert headgate.compiler.disable(function) is function and not headgate.compiler.is_compiling()
    for lib in BOTH:
        with pytest.raises(RuntimeError, match="Either mode or options can be specified"):
            lib.compile(function, mode="default", options={})
        with pytest.raises(RuntimeError, match="Unrecognized mode=fast"):
            lib.compile(function, mode="fast")


def test_scripts_are_a_clear_error() -> None:
    layer = headgate.nn.Linear(1, 1)
    for call in (lambda: headgate.jit.script(layer), lambda: headgate.jit.trace(layer, headgate.ones(1)),
                 lambda: headgate.jit.load("model.pt"), lambda: headgate.jit.save(layer, "model.pt")):
        with pytest.raises(NotImplementedError, match="needs TorchScript, which Headgate does not have"):
            call()
    assert headgate.jit.ignore(len) is len and headgate.jit.ignore(drop=True)(len) is len
    assert headgate.jit.unused(len) is len and headgate.jit.export(len) is len
    assert not headgate.jit.is_scripting() and not headgate.jit.is_tracing()
    assert headgate.jit.isinstance([1], list) and not headgate.jit.isinstance([1], (str, dict))


def test_nothing_is_fetched() -> None:
    for call in (lambda: headgate.hub.load("pytorch/vision", "resnet18"),
                 lambda: headgate.hub.load_state_dict_from_url("https://example.org/x.pt")):
        with pytest.raises(NotImplementedError, match="from the network; Headgate does not"):
            call()
    before = headgate.hub.get_dir()
    headgate.hub.set_dir("/somewhere")
    assert headgate.hub.get_dir() == "/somewhere"
    headgate.hub.set_dir(before)


def test_marks_outside_a_profile_do_nothing() -> None:
    with headgate.profiler.record_function("part"), headgate.autograd.profiler.record_function("inner"):
        assert headgate.autograd.profiler.record_function("f")(abs)(-1) == 1
    with headgate.autograd.profiler.profile(enabled=False):
        pass


def test_schedules_of_profiles() -> None:
    for options in ({"wait": 1, "warmup": 1, "active": 2}, {"wait": 0, "warmup": 1, "active": 1, "repeat": 2,
                                                           "skip_first": 3}):
        found, expected = (lib.profiler.schedule(**options) for lib in BOTH)
        assert [found(step).name for step in range(12)] == [expected(step).name for step in range(12)]
