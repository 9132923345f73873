"""How samples become a batch: tensors, arrays and numbers are stacked, containers are taken apart and put together.

Knows values only; nothing of datasets or processes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from headgate import dtypes
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor

CollateMap = dict[Any, Callable[..., Any]]

np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _same_mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """`values` in a mapping of the class of `like` with its other attributes, or a plain dict if that has no such way.
    """
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _same_sequence(like: Sequence[Any], values: list[Any]) -> Any:
    """`values` in a sequence of the class of `like` with its other attributes, or a plain list if that has no such way.
    """
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for index, value in enumerate(values):
                clone[index] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers as tensors, inside containers too; everything else as it is. Tuples become lists.

    What a loader without batches (`batch_size=None`) does with a sample.
    """
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_"):
        if kind.__name__ == "ndarray" and np_str_obj_array_pattern.search(data.dtype.str) is not None:
            return data
        return PUBLIC["as_tensor"](data)
    if isinstance(data, Mapping):
        return _same_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        converted = [default_convert(one) for one in data]
        return kind(*converted) if hasattr(data, "_fields") else converted
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _same_sequence(data, [default_convert(one) for one in data])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """One value of a batch of samples; the first sample's class says how.

    `collate_fn_map` gives functions by class (an exact match first, then the first that is a base); then mappings are
    collated by key, named tuples by field, sequences by position (tuples become lists). RuntimeError for sequences of
    different lengths, TypeError for values of any other class.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        found = collate_fn_map.get(kind)
        if found is None:
            found = next((collate_fn_map[one] for one in collate_fn_map if isinstance(first, one)), None)
        if found is not None:
            return found(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _same_mapping(
            first, {key: collate([one[key] for one in batch], collate_fn_map=collate_fn_map) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*[collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)])
    if isinstance(first, Sequence):
        return _collate_sequences(first, batch, collate_fn_map)
    raise TypeError(default_collate_err_msg_format.format(kind))


def _collate_sequences(first: Sequence[Any], batch: Iterable[Any], collate_fn_map: CollateMap | None) -> Any:
    if not all(len(one) == len(first) for one in batch):
        raise RuntimeError("each element in list of batch should be of equal size")
    columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)]
    return columns if isinstance(first, tuple) else _same_sequence(first, columns)


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Tensors stacked along a new first dimension."""
    return PUBLIC["stack"](batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """NumPy arrays stacked as tensors; TypeError for text and objects."""
    if np_str_obj_array_pattern.search(batch[0].dtype.str) is not None:
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    as_tensor = PUBLIC["as_tensor"]
    return collate([as_tensor(one) for one in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """NumPy's numbers as one tensor."""
    return PUBLIC["as_tensor"](batch)


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Python's floats as one float64 tensor."""
    return PUBLIC["tensor"](batch, dtype=dtypes.by_name("float64"))


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Python's integers (or bools) as one tensor."""
    return PUBLIC["tensor"](batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Texts as they are."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """A batch of samples as tensors with a first dimension of its length, in the samples' own structure.

    Tensors, arrays and numbers are stacked (Python's floats as float64), text stays a list, mappings, named tuples and
    sequences are collated member by member. `default_collate_fn_map` may be changed for further classes.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
