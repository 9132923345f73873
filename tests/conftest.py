"""What every test shares: Hypothesis profiles, the two markers, one thread for PyTorch, and the leak check.

HYPOTHESIS_PROFILE picks dev (the default), ci or nightly; HEADGATE_NIGHTLY=1 lets the long tests run; under
HEADGATE_PURE=1 tests of the compiled extensions are left out.
"""

import os
import sys
from collections.abc import Iterator

# PyTorch's own sums differ between one thread and two; the oracle runs on one. Set before anything imports it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

# Programs that tests start see this tree's Headgate, as the tests themselves do.
_SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_SOURCE, os.environ.get("PYTHONPATH")]))

PURE = os.environ.get("HEADGATE_PURE", "0") not in ("", "0")
NIGHTLY = os.environ.get("HEADGATE_NIGHTLY", "0") not in ("", "0")

_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
settings.register_profile("dev", max_examples=50, **_common)
settings.register_profile("ci", max_examples=300, derandomize=True, **_common)
settings.register_profile("nightly", max_examples=20_000, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this run is not for, saying why."""
    for item in items:
        if not NIGHTLY and item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="long; HEADGATE_NIGHTLY=1 runs it"))
        if PURE and item.get_closest_marker("compiled_only"):
            item.add_marker(pytest.mark.skip(reason="needs the compiled extensions; this run is uncompiled"))


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves a mode behind: grad mode, inference mode, the write guard, the default dtype."""
    before = _modes()
    yield
    after = _modes()
    if before and after != before:
        _restore(before)
        pytest.fail(f"the test left modes changed: {before} became {after}")


#: What reads each mode, and what sets it back, by the names that they have in Headgate.
MODES = {
    "is_grad_enabled": "set_grad_enabled",
    "is_inference_mode_enabled": None,
    "get_write_guard": "set_write_guard",
    "get_default_dtype": "set_default_dtype",
}


def _modes() -> dict[str, object]:
    headgate = sys.modules.get("headgate")
    return {name: getattr(headgate, name)() for name in MODES if hasattr(headgate, name)}


def _restore(before: dict[str, object]) -> None:
    """Put the modes back, so that one leaking test does not fail all that come after it."""
    headgate = sys.modules["headgate"]
    for name, setter in MODES.items():
        if setter is not None and name in before:
            getattr(headgate, setter)(before[name])
