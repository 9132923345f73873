# built for speed
"""Where in the user's code something happened: marked in a few nanoseconds, resolved to a file and line when shown.

The site is the first frame whose code is not Headgate's. Nothing here knows what is being marked.
"""
import linecache
import os
import sys

import cython

from headgate import _loading

if not cython.compiled:
    from headgate.core.storage import Site

    def watching() -> bool:  # compiled: from watch.h
        """Whether writes are remembered and stale edges marked: always, but in the build that measures the cost."""
        return True

FOLDER: str = os.path.join(os.path.dirname(os.path.abspath(_loading.__file__)), "")


def own_folder(folder: bytes) -> None:
    """Tell the C side which files are Headgate's."""
    if cython.compiled:
        hg_site_own(folder, len(folder))  # noqa: F821  (C, from site.h)


own_folder(os.fsencode(FOLDER))


def mark(site: Site) -> None:
    """Note the running place of the user's code in `site`."""
    if cython.compiled:
        site._code = hg_site_code()  # noqa: F821
        site._lasti = hg_site_lasti()  # noqa: F821
    else:
        walk(site)


def walk(site: Site) -> None:
    """The same by the interpreter's frame objects, for uncompiled running."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(FOLDER) and not name.startswith("<frozen importlib"):
            site._code = frame.f_code
            site._lasti = frame.f_lasti
            return
        frame = frame.f_back
    site._code = None


def here(site: Site) -> tuple:
    """(file name, line number) of a marked site, or (None, 0) where it was not marked."""
    code = site._code
    if code is None:
        return (None, 0)
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= site._lasti < end and number is not None:
            line = number
            break
    return (code.co_filename, line)


def line_of(site: Site) -> str:
    """`file.py:12` and the source line, for a message; an empty string where the place is unknown."""
    name, line = here(site)
    if name is None:
        return ""
    text = linecache.getline(name, line).strip()
    place = f"{os.path.basename(name)}:{line}"
    return f"{place}    {text}" if text else place
