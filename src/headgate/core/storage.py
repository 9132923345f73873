# built for speed
"""Memory and the writes to it: storage, the counters that aliases share, remembered writes, and places in user code.

Nothing here knows what a tensor or a graph is.
"""
import cython
import numpy as np

if not cython.compiled:
    ndarray = np.ndarray


def plain_fields(cls: type, **values: object) -> None:
    """Give the fields of an uncompiled record the defaults that compiled ones have by themselves."""
    for name, value in values.items():
        setattr(cls, name, value)


@cython.cclass
class Site:
    """A place in the user's code: the code object and the byte offset in it, resolved to a line only when shown."""


@cython.cclass
class Version:
    """The counter of in-place writes that a tensor, its views and its `detach()` aliases share.

    `serial` tells it from others; it is given at the first write, so that writes need not refer to the counter.
    """


@cython.cclass
class Storage(Version):
    """One block of memory. It is itself the first Version over it; `writes` counts the writes of every Version."""


@cython.cclass
class Write(Site):
    """One remembered write: the bytes it covered (addresses), the serial of the Version it went through (-1: none
    counted it), the op and the place. No reference to the Version: it may be the storage that remembers the write."""


@cython.cclass
class Cut(Site):
    """Why a tensor has no history although what it came from had one: the kind of cut and its place."""


if not cython.compiled:
    plain_fields(Site, _code=None, _lasti=0)
    plain_fields(Version, count=0, serial=0)
    plain_fields(Storage, memory=None, writes=0, ring=None, shield=None, foreign=False, lent=0)
    plain_fields(Write, low=0, high=0, serial=0, what=None, flags=0, number=0, quiet=False)
    plain_fields(Cut, kind=None, what=None)
