"""The command line: `headgate run`, `headgate check`, `headgate demo`.

Each command is one function from arguments to an exit code; the work is done in the rooms below. Only the room that a
command needs is imported, so that `headgate run` starts as fast as Headgate itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

USAGE = """\
usage: headgate COMMAND [ARGUMENTS]

  headgate run script.py [arguments]    run a PyTorch script with Headgate answering to `import torch`
  headgate run -m module [arguments]    the same for a module, as `python -m module`
  headgate check script.py [...]        list by line what the script uses and Headgate lacks, without running it
  headgate demo                         the six seed programs, then a network with frozen layers on real digits
  headgate --version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 the command's own failure, 2 a wrong call."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = given[0] if given else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if given else 2
    if command in ("-V", "--version"):
        return _version()
    if command not in COMMANDS:
        return _wrong(f"there is no command {command!r}")
    return COMMANDS[command](given[1:])


def _wrong(what: str) -> int:
    print(f"headgate: {what}\n{USAGE}", end="", file=sys.stderr)
    return 2


def _version() -> int:
    import headgate

    print(f"headgate {headgate.__version__}")
    return 0


def _run(arguments: list[str]) -> int:
    from headgate.compat import run

    module = arguments[:1] == ["-m"]
    target = arguments[1:] if module else arguments
    if not target or target[0] in ("-h", "--help"):
        return _wrong("run needs a script")
    try:
        return (run.run_module if module else run.run_script)(target[0], target[1:])
    except OSError as error:
        print(f"headgate: can't open file {target[0]!r}: {error.strerror}", file=sys.stderr)
        return 2


def _check(arguments: list[str]) -> int:
    from headgate.compat import check

    if not arguments or arguments[0].startswith("-"):
        return _wrong("check needs a script")
    return max(check.check_file(path, sys.stdout) for path in arguments)


def _demo(arguments: list[str]) -> int:
    from headgate.compat import demo

    if arguments:
        return _wrong("demo takes no arguments")
    return demo.run_all(sys.stdout)


def console() -> int:
    """`main` for the console script: a reader that closes the pipe early (`| head`) ends the command quietly."""
    try:
        code = main()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


COMMANDS: dict[str, Callable[[list[str]], int]] = {"run": _run, "check": _check, "demo": _demo}
