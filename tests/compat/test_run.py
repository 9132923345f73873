"""`headgate run`: a script cannot tell that it was not started by Python itself.

Where it can be, the same script is run by Python and by Headgate and everything it shows is compared.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def both(script: Path, *arguments: str, cwd: Path | None = None) -> list["subprocess.CompletedProcess[str]"]:
    """The script run by Python, and by `headgate run`."""
    return [
        subprocess.run(
            [sys.executable, *start, str(script), *arguments], capture_output=True, text=True, cwd=cwd, timeout=120
        )
        for start in ([], ["-m", "headgate", "run"])
    ]


def write(folder: Path, text: str, name: str = "script.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


FACES = """
import os, sys
print(sys.argv, __file__, __name__, __spec__, __package__, __doc__, __builtins__ is not None, type(__loader__).__name__)
print(sys.path[0] == os.path.dirname(os.path.realpath(__file__)), sys.modules["__main__"].__dict__ is globals())
import helper
print(helper.VALUE, sorted(name for name in globals() if not name.startswith("__")))
class Local: pass
import pickle
print(type(pickle.loads(pickle.dumps(Local()))) is Local, Local.__module__)
"""


def test_the_script_sees_what_python_shows(tmp_path: Path) -> None:
    write(tmp_path, "VALUE = 7", "helper.py")
    script = write(tmp_path, FACES)
    for path, cwd in ((script, None), (Path("script.py"), tmp_path)):
        expected, seen = both(path, "-x", "--help", "b c", cwd=cwd)
        assert seen.stdout == expected.stdout and expected.stdout.count("\n") == 4
        assert (seen.stderr, seen.returncode) == ("", 0)


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    raise ValueError('text')\nf()\n",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('a') from None\n",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('a') from error\n",
        "def broken(:\n    pass\n",
        "import no_such_module_anywhere\n",
        "import sys\nsys.exit(3)\n",
        "import sys\nsys.exit('words')\n",
        "import atexit\natexit.register(print, 'at the end')\nraise SystemExit(0)\n",
        "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\nraise ValueError\n",
        "assert 1 == 2, 'no'\n",
        "x = 'ünï'\nprint(ascii(x))\n",
        "# -*- coding: latin-1 -*-\nprint(1)\n",
        "raise ExceptionGroup('two', [ValueError(1), KeyError(2)])\n" if sys.version_info >= (3, 11) else "1 / 0\n",
    ],
)
def test_ends_as_python_ends(tmp_path: Path, code: str) -> None:
    """Output, error text with its traceback, and exit code are the same to the letter."""
    expected, seen = both(write(tmp_path, code))
    assert (seen.stdout, seen.stderr, seen.returncode) == (expected.stdout, expected.stderr, expected.returncode)


def test_a_missing_name_shows_no_frame_of_ours(tmp_path: Path) -> None:
    for code in (
        "import torch\ntorch.nothing_such\n",
        "import torch.nothing_such\n",
        "from torch import nothing_such\n",
    ):
        done = both(write(tmp_path, code))[1]
        assert done.returncode == 1
        assert done.stderr.count('File "') == 1, done.stderr
        assert "nothing_such" in done.stderr.splitlines()[-1]


def test_a_missing_name_in_a_from_import_says_what_is_nearest(tmp_path: Path) -> None:
    done = both(write(tmp_path, "from torch import tensr\n"))[1]
    assert done.stderr.splitlines()[-1].startswith("ImportError: cannot import name 'tensr'")
    # Python 3.12 goes on to say what it would have proposed itself
    assert "Headgate has no such name; the nearest is 'tensor'" in done.stderr.splitlines()[-1]


def test_an_interrupt_ends_by_the_signal(tmp_path: Path) -> None:
    script = write(tmp_path, "print('ready', flush=True)\nimport time\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "headgate", "run", str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell would have it ignored
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert error.rstrip().endswith("KeyboardInterrupt") and "compat" not in error


def test_a_module(tmp_path: Path) -> None:
    """`-m` runs a module, and a package by its __main__."""
    (tmp_path / "pack").mkdir()
    write(tmp_path / "pack", "")
    write(tmp_path / "pack", "", "__init__.py")
    write(tmp_path / "pack", "import sys, torch\nprint(__package__, sys.argv[1:], torch.__name__)\n", "__main__.py")
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "run", "-m", "pack", "a"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("pack ['a'] headgate\n", "")
