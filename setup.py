"""Finds Headgate's extensions by itself and builds them; pyproject.toml holds everything else.

A `.py` file with a `.pxd` beside it, and every `.pyx`, becomes an extension of its dotted name. A `.c` file whose
name starts with one underscore is a hand-written extension module. Other C sources are named by the `.pyx` that uses
them, in a comment at its top: `# sources: a.c b.c`. Nothing here knows what any module does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path("src")
DEFINES = os.environ.get("HEADGATE_BUILD_DEFINES", "")          # "A B=2": C macros for every extension
KEEP_GOING = os.environ.get("HEADGATE_BUILD_KEEP_GOING") == "1"  # build what can be built, then fail
SYMBOLS = os.environ.get("HEADGATE_BUILD_SYMBOLS") == "1"  # keep names of functions, for profilers
JOBS = 2
HEADER_FOLDERS = sorted({path.parent.as_posix() for path in SOURCE.rglob("*.h")} | {SOURCE.as_posix()})
DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "nonecheck": False,
    "cdivision": True,
    "embedsignature": False,
    "auto_pickle": False,  # what is pickled says how; for the 350 ops and records Cython's own would take 2 MB
}
FLAVOUR = hashlib.sha1(repr((DEFINES, DIRECTIVES)).encode()).hexdigest()[:8]  # of a build; others do not mix with it
SHARED = "headgate._shared"  # where the types and helpers that every Cython module uses are, once
UNIX_FLAGS = ["-g0", "-fno-math-errno", "-fvisibility=hidden", "-fno-asynchronous-unwind-tables",
              "-Wno-unused-function",
              "-Werror=implicit-function-declaration"]


def optimisation(name: str) -> str:
    """Kernels for speed at any size; what every call runs through, which says so in its first lines, for speed.

    The rest is two thirds of all code and takes two thirds of the room when it is built for size, at no loss.
    """
    if ".kernels." in name:
        return "-O3"
    stem = SOURCE.joinpath(*name.split("."))
    source = next((file for kind in (".py", ".pyx", ".c") if (file := stem.with_suffix(kind)).exists()), None)
    if source is None:  # the shared module, which has no source of its own
        return "-Os"
    return "-O2" if "built for speed" in " ".join(first_lines(source)) else "-Os"


def first_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()[:5]


class ByIdentity(Extension):
    """An extension that sets can hold, as cythonize() needs to leave out one that fails."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def macros() -> list[tuple[str, str | None]]:
    """C macros of every extension: NumPy's current API alone, then what HEADGATE_BUILD_DEFINES names."""
    named = [item.partition("=") for item in DEFINES.split()]
    fixed: list[tuple[str, str | None]] = [
        ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
        ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
    ]
    return fixed + [(name, value or "1") for name, _, value in named]


def extension(file: Path, *more: Path) -> Extension:
    """One extension from `file` and further C sources; it is rebuilt when a header beside it changes."""
    name = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
    return ByIdentity(
        name,
        [file.as_posix(), *(path.as_posix() for path in more)],
        include_dirs=[numpy.get_include(), file.parent.as_posix(), *HEADER_FOLDERS],
        define_macros=macros(),
        depends=[header.as_posix() for kind in ("*.h", "*.inc") for header in sorted(file.parent.glob(kind))],
        libraries=["m", "dl", "pthread"] if sys.platform == "linux" else [],
        extra_link_args=["-Wl,-s"] if sys.platform == "linux" and not SYMBOLS else [],
    )


def named_sources(pyx: Path) -> list[Path]:
    """The C files in the comment `# sources: a.c b.c` among the first five lines of `pyx`."""
    found = [match[1].split() for line in first_lines(pyx) if (match := re.match(r"#\s*sources:\s*(.+)", line))]
    return [pyx.parent / name for names in found for name in names]


def cython_extensions() -> list[Extension]:
    """Dual files and `.pyx` files, by name."""
    dual = [path.with_suffix(".py") for path in SOURCE.rglob("*.pxd") if path.with_suffix(".py").exists()]
    return [extension(path) for path in sorted(dual)] + [
        extension(path, *named_sources(path)) for path in sorted(SOURCE.rglob("*.pyx"))
    ]


def c_extensions() -> list[Extension]:
    """Hand-written extension modules: `_name.c`, one file each."""
    return [extension(path) for path in sorted(SOURCE.rglob("_*.c")) if not path.name.startswith("__")]


def all_extensions() -> tuple[list[Extension], list[str]]:
    """Every extension with its Cython files translated, and the names of those that would not translate."""
    Options.warning_errors = True
    if sys.platform != "win32":  # the pool inherits warning_errors only by fork
        import multiprocessing

        multiprocessing.set_start_method("fork", force=True)
    wanted = cython_extensions()
    shared = ByIdentity(SHARED, [(SOURCE / SHARED.replace(".", "/")).with_suffix(".c").as_posix()])
    translated = cythonize(
        [*wanted, shared],
        build_dir=f"build/cython-{FLAVOUR}",
        compiler_directives=DIRECTIVES,
        nthreads=JOBS,
        exclude_failures=KEEP_GOING,
        shared_utility_qualified_name=SHARED,
        shared_utility_features_disabled=["MemoryView", "AutoPickle"],
        include_path=[SOURCE.as_posix()],
    ) if wanted else []
    failed = sorted({one.name for one in wanted} - {one.name for one in translated})
    return [*translated, *c_extensions()], failed


def stamp(file: Path) -> tuple[int, int]:
    """What tells one build of a file from another: its time and its size."""
    found = file.stat()
    return found.st_mtime_ns, found.st_size


class BuildExtensions(build_ext):
    """setuptools' builder with flags by compiler, objects kept between in-place builds, and atomic replacement."""

    failed: list[str] = []

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or JOBS
        if KEEP_GOING:
            for one in self.extensions:
                one.optional = True

    def run(self) -> None:
        if self.inplace or self.editable_mode:
            tag = f"{sys.implementation.cache_tag}-{FLAVOUR}"
            self.build_lib, self.build_temp = f"build/inplace-{tag}", f"build/objects-{tag}"
        super().run()
        if self.failed:
            raise SystemExit(f"not built: {', '.join(self.failed)}")

    def build_extension(self, ext: Extension) -> None:
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = ["/O2"]
        else:
            level = optimisation(ext.name)
            ext.extra_compile_args = [level, *UNIX_FLAGS]
            if level == "-Os" and sys.platform == "linux":
                ext.extra_link_args = [*ext.extra_link_args, "-Wl,-z,noseparate-code"]  # a page less, a little slower
        try:
            super().build_extension(ext)
        except Exception:
            if not KEEP_GOING:
                raise
            self.failed.append(ext.name)
            raise

    def copy_extensions_to_source(self) -> None:
        """Put each built file in place by renaming, so that a process that has the old one open keeps it whole."""
        packages = self.get_finalized_command("build_py")
        for one in self.extensions:
            target, built = (Path(name) for name in self._get_inplace_equivalent(packages, one))
            if not built.exists() or one.name in self.failed:
                continue
            if target.exists() and stamp(target) == stamp(built):
                continue
            fresh = target.with_name(f".{target.name}.{os.getpid()}")
            shutil.copy2(built, fresh)
            os.replace(fresh, target)


@contextlib.contextmanager
def one_build_at_a_time() -> Iterator[None]:
    """Wait for another build in the same tree to end; two at once would spoil each other's files."""
    try:
        import fcntl
    except ImportError:  # no such lock on Windows
        yield
        return
    Path("build").mkdir(exist_ok=True)
    with open("build/.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


os.chdir(Path(__file__).resolve().parent)
builds = bool({"build_ext", "bdist_wheel", "build", "install", "develop", "editable_wheel"} & set(sys.argv))
with one_build_at_a_time():
    extensions, BuildExtensions.failed = all_extensions() if builds else ([], [])
    setup(ext_modules=extensions, cmdclass={"build_ext": BuildExtensions})
