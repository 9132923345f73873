"""What an import leaves behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import gc
{before}
thresholds, frozen, enabled = gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()
import headgate
assert gc.get_threshold() == thresholds and gc.isenabled() == enabled
assert (gc.get_freeze_count() > 0) == (frozen > 0)
"""


SETTINGS = ["", "gc.disable()", "gc.set_threshold(0)", "gc.set_threshold(5, 6, 7)", "gc.freeze()"]


@pytest.mark.parametrize("before", SETTINGS)
def test_collections_go_on_as_they_were(before: str) -> None:
    """The collector is held back while Headgate is imported; the user's settings hold again afterwards."""
    subprocess.run([sys.executable, "-c", CODE.format(before=before)], check=True)


LATE = """
import sys, headgate
from headgate import _LATE
assert not {{"headgate.utils", "headgate.linalg", "headgate.distributions"}} & set(sys.modules)
assert set(_LATE) <= set(dir(headgate))
assert getattr(headgate, {name!r}) is vars(headgate)[{name!r}]
"""


@pytest.mark.parametrize("name", ["utils", "linalg", "compile", "save", "vmap", "version"])
def test_rooms_are_imported_when_asked_for(name: str) -> None:
    """An import of Headgate leaves out what a script may never name; the name brings it, and is kept."""
    subprocess.run([sys.executable, "-c", LATE.format(name=name)], check=True)


LIBRARY = """
import importlib, headgate
from headgate import _library
for name in _library.names():
    module = importlib.import_module(name)
    assert module.__name__ == name and module.__file__ == _library.__file__, name
"""


@pytest.mark.compiled_only
def test_compiled_modules_come_from_one_library() -> None:
    """Every module that the library holds loads from it, by its own name."""
    subprocess.run([sys.executable, "-c", LIBRARY], check=True)


THREADS = """
import importlib, sys, threading, headgate
names = [*headgate._LATE]
start, failed = threading.Barrier(8), []
def load(own):
    start.wait()
    try:
        for name in own:
            getattr(headgate, name)
    except BaseException as error:
        failed.append(error)
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=load, args=(names[i::8],)) for i in range(8)]
for one in threads: one.start()
for one in threads: one.join()
assert not failed, failed
"""


def test_eight_threads_ask_for_rooms_at_once() -> None:
    """No thread sees a room that another has not finished, and none waits for ever."""
    subprocess.run([sys.executable, "-c", THREADS], check=True, timeout=120)
