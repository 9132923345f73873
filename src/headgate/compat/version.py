"""What the alias says about itself: `torch.version` and `torch.__version__` while Headgate answers to `torch`.

The release is the one of PyTorch whose behaviour Headgate follows; the local part says who answers. Imports nothing.
"""

from __future__ import annotations

import re

#: The PyTorch release that Headgate follows.
FOLLOWS = "2.13.0"


class Version(str):
    """A version text that compares by release numbers, as PyTorch's own does: `"2.13" > "2.2"`, `> (1, 9)`.

    The local part (`+headgate...`) takes no part in the order; equality is that of texts. Differs from PyTorch in that
    pre-release parts of the other side are not weighed.
    """

    def __lt__(self, other: object) -> bool:
        return _release(self) < _release(other)

    def __le__(self, other: object) -> bool:
        return _release(self) <= _release(other)

    def __gt__(self, other: object) -> bool:
        return _release(self) > _release(other)

    def __ge__(self, other: object) -> bool:
        return _release(self) >= _release(other)


def _release(version: object) -> tuple[int, ...]:
    """The numbers before any suffix, without trailing zeros: "2.13.0+x" and (2, 13) are the same release."""
    text = ".".join(map(str, version)) if isinstance(version, (tuple, list)) else str(version)
    parts = re.sub(r"[^\d.].*", "", text).split(".")
    numbers = [int(part) for part in parts if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def follow(own: str) -> Version:
    """The version text of the alias, from Headgate's own: "2.13.0+headgate.0.1.0.dev0"."""
    return Version(f"{FOLLOWS}+headgate.{own}")


__version__ = Version(FOLLOWS + "+headgate")
cuda = None
hip = None
rocm = None
xpu = None
debug = False
git_version = "headgate"
