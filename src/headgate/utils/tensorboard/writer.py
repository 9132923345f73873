"""SummaryWriter and FileWriter of PyTorch's names over tensorboardX, which writes the event files.

Tensors are handed over as arrays. Knows nothing of networks: a graph cannot be drawn.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable
from typing import Any

from headgate.core.records import Tensor

EXTRA = (
    "No module named 'tensorboardX': torch.utils.tensorboard writes through it; install it with "
    "`pip install headgate[tensorboard]` (or `pip install tensorboardX`)"
)
NO_GRAPH = "add_graph: Headgate records no graph of a module that TensorBoard could draw; nothing is written"
NO_TENSORS = "add_tensor: tensorboardX has no such summary; use add_histogram or add_image"

try:
    import tensorboardX as _behind
    from tensorboardX.writer import FileWriter as FileWriter
except ModuleNotFoundError as error:
    if error.name != "tensorboardX":
        raise
    raise ModuleNotFoundError(EXTRA, name="tensorboardX") from None


def as_arrays(value: Any) -> Any:
    """A value with every tensor in it (inside dicts, lists and tuples too) as a NumPy array."""
    if isinstance(value, Tensor):
        tensor: Any = value
        plain = tensor.detach()
        return (plain.float() if plain.element_size() == 2 and plain.is_floating_point() else plain).numpy()
    if isinstance(value, dict):
        return {key: as_arrays(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)([as_arrays(one) for one in value])
    return value


def _with_arrays(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of tensorboardX that takes tensors too, and PyTorch's choices of a record's form, which it has not."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in ("new_style", "double_precision"):
            kwargs.pop(name, None)
        return method(self, *[as_arrays(one) for one in args], **{k: as_arrays(one) for k, one in kwargs.items()})

    return call


class SummaryWriter(_behind.SummaryWriter):  # type: ignore[misc]
    """Writes scalars, histograms, images and the like into `log_dir` (None: runs/DATE_HOST + comment) for TensorBoard.

    The methods are tensorboardX's, with tensors wherever it takes arrays. `add_graph` warns and writes nothing,
    `add_tensor` raises NotImplementedError; `new_style` and `double_precision` of `add_scalar` have no effect.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] | None = None, comment: str = "", purge_step: int | None = None,
        max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = "",
    ) -> None:
        place = None if log_dir is None else os.fspath(log_dir)
        super().__init__(place, comment, purge_step, max_queue, flush_secs, filename_suffix)

    @property
    def log_dir(self) -> str:
        """Where the event files are."""
        return str(self.logdir)

    def get_logdir(self) -> str:
        """Where the event files are."""
        return self.log_dir

    def add_hparams(
        self, hparam_dict: dict[str, Any], metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None, run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Hyperparameters and what was reached with them. TypeError unless both are dicts."""
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        super().add_hparams(as_arrays(hparam_dict), as_arrays(metric_dict), run_name, global_step)

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False, **_: Any) -> None:
        """Writes nothing, and warns so."""
        warnings.warn(NO_GRAPH, stacklevel=2)

    def add_tensor(self, tag: str, tensor: Any, global_step: int | None = None, walltime: Any = None) -> None:
        """Raises NotImplementedError."""
        raise NotImplementedError(NO_TENSORS)


for _name in ("add_scalar", "add_scalars", "add_histogram", "add_histogram_raw", "add_image", "add_images",
              "add_image_with_boxes", "add_figure", "add_video", "add_audio", "add_text", "add_embedding",
              "add_pr_curve", "add_pr_curve_raw", "add_mesh"):
    setattr(SummaryWriter, _name, _with_arrays(getattr(_behind.SummaryWriter, _name)))
