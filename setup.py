"""Finds Headgate's compiled modules by itself and builds one library of them; pyproject.toml holds everything else.

A `.py` file with a `.pxd` beside it, and every `.pyx`, becomes a compiled module of its dotted name. A `.c` file whose
name starts with one underscore is a hand-written module. Other C sources are named by the `.pyx` that uses them, in a
comment at its top: `# sources: a.c b.c`. All are linked into `headgate._library`, from which `headgate._loading` loads
them: one library opens in a tenth of the time of 145. Nothing here knows what any module does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

SOURCE = Path("src")
DEFINES = os.environ.get("HEADGATE_BUILD_DEFINES", "")          # "A B=2": C macros for every module
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
LIBRARY = "headgate._library"  # the one extension
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


class Part(Extension):
    """A module of the library. Sets can hold it, as Cython's translation needs to leave out one that fails."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    @property
    def opening(self) -> str:
        """The C function that opens it, by its whole name: two modules may have one last name."""
        return f"PyInit_{self.name.replace('.', '_')}"

    def macros(self) -> list[tuple[str, str | None]]:
        """C macros that put it into the library: its opening, and the library's ways to reach other modules."""
        own = f"PyInit_{self.name.rpartition('.')[2]}"
        ways = [("PyImport_ImportModule", "headgate_import"), ("PyObject_GetAttrString", "headgate_attribute")]
        return [*macros(), (own, self.opening), *ways]


def macros() -> list[tuple[str, str | None]]:
    """C macros of every module: NumPy's current API alone, then what HEADGATE_BUILD_DEFINES names."""
    named = [item.partition("=") for item in DEFINES.split()]
    fixed: list[tuple[str, str | None]] = [
        ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
        ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
    ]
    return fixed + [(name, value or "1") for name, _, value in named]


def part(file: Path, *more: Path) -> Part:
    """One module from `file` and further C sources; it is rebuilt when a header beside it changes."""
    name = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
    return Part(
        name,
        [file.as_posix(), *(path.as_posix() for path in more)],
        include_dirs=[numpy.get_include(), file.parent.as_posix(), *HEADER_FOLDERS],
        depends=[header.as_posix() for kind in ("*.h", "*.inc") for header in sorted(file.parent.glob(kind))],
    )


def named_sources(pyx: Path) -> list[Path]:
    """The C files in the comment `# sources: a.c b.c` among the first five lines of `pyx`."""
    found = [match[1].split() for line in first_lines(pyx) if (match := re.match(r"#\s*sources:\s*(.+)", line))]
    return [pyx.parent / name for names in found for name in names]


def cython_parts() -> list[Part]:
    """Dual files and `.pyx` files, by name."""
    dual = [path.with_suffix(".py") for path in SOURCE.rglob("*.pxd") if path.with_suffix(".py").exists()]
    return [part(path) for path in sorted(dual)] + [
        part(path, *named_sources(path)) for path in sorted(SOURCE.rglob("*.pyx"))
    ]


def c_parts() -> list[Part]:
    """Hand-written modules but the library itself: `_name.c`, one file each."""
    found = [part(path) for path in sorted(SOURCE.rglob("_*.c")) if not path.name.startswith("__")]
    return [one for one in found if one.name != LIBRARY]


def all_parts() -> tuple[list[Part], list[str]]:
    """Every module with its Cython files translated, and the names of those that would not translate."""
    Options.warning_errors = True
    if sys.platform != "win32":  # the pool inherits warning_errors only by fork
        import multiprocessing

        multiprocessing.set_start_method("fork", force=True)
    wanted = cython_parts()
    shared = Part(SHARED, [(SOURCE / SHARED.replace(".", "/")).with_suffix(".c").as_posix()])
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
    return [*translated, *c_parts()], failed


def library() -> Extension:
    """The one extension; `parts` are its modules."""
    return Extension(
        LIBRARY,
        [SOURCE.joinpath(*LIBRARY.split(".")).with_suffix(".c").as_posix()],
        libraries=["m", "dl", "pthread"] if sys.platform == "linux" else [],
        extra_link_args=["-Wl,-s"] if sys.platform == "linux" and not SYMBOLS else [],
    )


def stamp(file: Path) -> tuple[int, int]:
    """What tells one build of a file from another: its time and its size."""
    found = file.stat()
    return found.st_mtime_ns, found.st_size


class BuildLibrary(build_ext):
    """setuptools' builder with flags by compiler, objects kept between in-place builds, and atomic replacement."""

    parts: list[Part] = []
    failed: list[str] = []

    def run(self) -> None:
        if self.inplace or self.editable_mode:
            tag = f"{sys.implementation.cache_tag}-{FLAVOUR}"
            self.build_lib, self.build_temp = f"build/inplace-{tag}", f"build/objects-{tag}"
        super().run()
        if self.failed:
            raise SystemExit(f"not built: {', '.join(self.failed)}")

    def build_extension(self, ext: Extension) -> None:
        """Compile every module, as far as it changed, and link them with a list of those that compiled."""
        with ThreadPoolExecutor(JOBS) as pool:
            objects = list(pool.map(self.compile_part, self.parts))
        compiled = [one for one, files in zip(self.parts, objects, strict=True) if files]
        listed = Path(self.build_temp, "parts.inc")
        listed.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f'PART("{one.name}", {one.opening})\n' for one in compiled)
        if not listed.exists() or listed.read_text(encoding="utf-8") != lines:
            listed.write_text(lines, encoding="utf-8")
        ext.depends = [listed.as_posix()]
        ext.include_dirs = [listed.parent.as_posix()]
        ext.extra_compile_args = self.flags("-Os")
        ext.extra_objects = [file for files in objects for file in files]
        ext.depends += ext.extra_objects
        super().build_extension(ext)

    def flags(self, level: str) -> list[str]:
        return ["/O2"] if self.compiler.compiler_type == "msvc" else [level, *UNIX_FLAGS]

    def compile_part(self, one: Part) -> list[str]:
        """The object files of a module; none if it would not compile and the rest is to be built all the same."""
        try:
            return [self.compile_source(one, source) for source in one.sources]
        except Exception:
            if not KEEP_GOING:
                raise
            self.failed.append(one.name)
            return []

    def compile_source(self, one: Part, source: str) -> str:
        """The object file of a C source, compiled if that, a header beside it or a rule of this file is newer."""
        built: str = self.compiler.object_filenames([source], output_dir=self.build_temp)[0]
        if newer_group([source, *one.depends, "setup.py"], built) or self.force:
            self.compiler.compile(
                [source], output_dir=self.build_temp, macros=one.macros(), include_dirs=one.include_dirs,
                extra_postargs=self.flags(optimisation(one.name)),
            )
        return built

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
    BuildLibrary.parts, BuildLibrary.failed = all_parts() if builds else ([], [])
    setup(ext_modules=[library()] if builds else [], cmdclass={"build_ext": BuildLibrary})
