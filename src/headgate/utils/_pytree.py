"""Nested containers of values: taken apart into leaves and put together again.

Dictionaries, lists, tuples, named tuples and their kin are containers; everything else, None too, is a leaf. Knows
nothing of tensors.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

LEAF: Any = None


class TreeSpec:
    """The structure of nested containers: a type, what it needs beside its children, and the children's structures."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves: int = 1 if type is LEAF else sum(one.num_leaves for one in children_specs)

    def is_leaf(self) -> bool:
        """Whether it stands for a single value."""
        return self.type is LEAF

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        mine, theirs = (self.type, self.context, self.children_specs), (other.type, other.context, other.children_specs)
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is LEAF:
            return "*"
        prefix = f"TreeSpec({self.type.__name__}, {self.context}, ["
        inner = [one.__repr__(indent + 2) for one in self.children_specs]
        return prefix + (",\n" + " " * (indent + 2)).join(inner) + "])"


def _is_named(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _children(value: Any) -> tuple[Any, Any, list[Any]] | None:
    """(type, context, children) of a container; None for a leaf."""
    kind = type(value)
    if kind in (dict, OrderedDict):
        return kind, list(value), list(value.values())
    if kind is defaultdict:
        return kind, [value.default_factory, list(value)], list(value.values())
    if kind is deque:
        return kind, value.maxlen, list(value)
    if _is_named(value):
        return kind, kind, list(value)
    if kind in (list, tuple) or isinstance(value, tuple) and hasattr(kind, "n_sequence_fields"):
        return kind, None, list(value)
    return None


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves from left to right, and the structure that puts them together again."""
    parts = None if is_leaf is not None and is_leaf(tree) else _children(tree)
    if parts is None:
        return [tree], TreeSpec(LEAF, None, [])
    leaves: list[Any] = []
    specs = []
    for child in parts[2]:
        found, spec = tree_flatten(child, is_leaf)
        leaves.extend(found)
        specs.append(spec)
    return leaves, TreeSpec(parts[0], parts[1], specs)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The containers of a structure around new leaves. ValueError for another number of them."""
    leaves = list(leaves)
    if not isinstance(treespec, TreeSpec):
        raise TypeError("tree_unflatten(leaves, treespec): Expected `treespec` to be instance of TreeSpec but got item "
                        f"of type {type(treespec)}.")
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec refers to "
                         f"a pytree that holds {treespec.num_leaves} items ({treespec}).")
    return _built(iter(leaves), treespec)


def _built(leaves: Any, spec: TreeSpec) -> Any:
    if spec.type is LEAF:
        return next(leaves)
    children = [_built(leaves, one) for one in spec.children_specs]
    if spec.type in (dict, OrderedDict):
        return spec.type(zip(spec.context, children))
    if spec.type is defaultdict:
        return defaultdict(spec.context[0], zip(spec.context[1], children))
    if spec.type is deque:
        return deque(children, maxlen=spec.context)
    return spec.type(*children) if spec.context is spec.type else spec.type(children)


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """`func` of every leaf (and of those of further trees of the same structure), in the same containers."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [_flat_to(spec, rest) for rest in rests]
    return tree_unflatten([func(*group) for group in zip(leaves, *others)], spec)


def _flat_to(spec: TreeSpec, tree: Any) -> list[Any]:
    """What stands in a tree where the structure has leaves."""
    if spec.type is LEAF:
        return [tree]
    parts = _children(tree)
    if parts is None or parts[0] is not spec.type or len(parts[2]) != len(spec.children_specs):
        raise ValueError(f"Node type mismatch; expected {spec.type!r}, but got {type(tree)!r}.")
    return [leaf for child, one in zip(parts[2], spec.children_specs) for leaf in _flat_to(one, child)]


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Any = None) -> Any:
    """`func` of every leaf for what it does; the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Any = None, tree: Any = None, is_leaf: Any = None) -> Any:
    """`func` of the leaves of a type (or of those that a function accepts); the others as they are."""
    accept = kind if callable(kind) and not isinstance(kind, type) else lambda leaf: isinstance(leaf, kind)
    return tree_map(lambda leaf: func(leaf) if accept(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure alone."""
    return tree_flatten(tree, is_leaf)[1]


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether `pred` holds for every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))
