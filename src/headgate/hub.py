"""`torch.hub`: Headgate fetches nothing from the network and runs no code from elsewhere; each call says so."""

from __future__ import annotations

import os
from typing import Any, NoReturn

NO_HUB = (
    "torch.hub.{name} would fetch {what} from the network; Headgate does not. Fetch the file yourself and read it with "
    "torch.load."
)
_folder: str | None = None


def get_dir() -> str:
    """The folder where PyTorch would keep what it fetched."""
    home = os.environ.get("TORCH_HOME", os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch"))
    return _folder if _folder is not None else os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: Any) -> None:
    """Set that folder."""
    global _folder
    _folder = os.path.expanduser(d)


def load(repo_or_dir: Any, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: nothing is fetched."""
    raise NotImplementedError(NO_HUB.format(name="load", what="code and weights"))


def list(github: str, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: nothing is fetched."""
    raise NotImplementedError(NO_HUB.format(name="list", what="code"))


def help(github: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: nothing is fetched."""
    raise NotImplementedError(NO_HUB.format(name="help", what="code"))


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: nothing is fetched."""
    raise NotImplementedError(NO_HUB.format(name="load_state_dict_from_url", what=url))


def download_url_to_file(url: str, dst: str, *args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: nothing is fetched."""
    raise NotImplementedError(NO_HUB.format(name="download_url_to_file", what=url))
