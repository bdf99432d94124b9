"""Structured data (pytrees): dict, list, tuple, namedtuple, dataclass and registered classes, by optree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import optree

from ..errors import StructureError
from .trace import Tracer

NAMESPACE = "wengert"
Structure = optree.PyTreeSpec

_PLAIN = (np.ndarray, float, Tracer, np.generic, int, complex)
LEAF: Structure = optree.tree_structure(0)  # type: ignore[arg-type]


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Leaves and structure. Dataclasses are registered when they are first met; None has no leaves."""
    if isinstance(tree, _PLAIN):
        return [tree], LEAF
    leaves, structure = optree.tree_flatten(tree, namespace=NAMESPACE)
    fresh = {type(leaf) for leaf in leaves if not isinstance(leaf, _PLAIN) and _is_dataclass(leaf)}
    if not fresh:
        return leaves, structure
    for cls in fresh:
        _register_dataclass(cls)
    return flatten(tree)


def describe(structure: Structure) -> str:
    """The containers of a structure, with * for a leaf: `{'w': *, 'b': (*, *)}`."""
    text = str(structure).removeprefix("PyTreeSpec(").removesuffix(")").removesuffix(", namespace='wengert'")
    return re.sub(r"CustomTreeNode\((\w+)\[.*?\], \[", r"\1([", text)


def leaf_path(structure: Structure, k: int) -> str:
    """How leaf k is reached from the whole: `['w'][0]`, `.bias`."""
    return str(structure.accessors()[k].codify(""))


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """The structure with these leaves."""
    if structure is LEAF:
        (leaf,) = leaves
        return leaf
    return optree.tree_unflatten(structure, leaves)


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply f to the leaves of trees of one structure."""
    if not callable(f):
        raise StructureError(
            f"tree_map takes a function, got a {type(f).__name__}",
            why="it is applied to each leaf",
            write="wg.tree_map(f, tree)",
        )
    leaves, structure = flatten(tree)
    others = [flatten_like(structure, t, "a tree") for t in rest]
    return unflatten(structure, [f(*xs) for xs in zip(leaves, *others, strict=True)])


def flatten_like(structure: Structure, tree: Any, what: str) -> list[Any]:
    """Leaves of a tree that must have this structure; StructureError otherwise."""
    leaves, found = flatten(tree)
    if found != structure:
        raise StructureError(
            f"{what}: the structure is {describe(found)}, expected {describe(structure)}",
            why="each leaf belongs to the leaf at the same place of the other structure",
            write="build it with the same containers and keys, for example by wg.tree_map over the other",
        )
    return leaves


class _Nothing:
    """Stands for a None that is a leaf, where the structure library would see an empty structure."""


def broadcast_prefix(prefix: Any, tree: Any) -> list[Any]:
    """One leaf of the prefix (None is one) for each leaf of the tree; ValueError where it is no prefix."""
    marked = optree.tree_map(lambda a: _Nothing if a is None else a, prefix, none_is_leaf=True, namespace=NAMESPACE)
    flatten(tree)  # registers dataclasses
    found = optree.broadcast_prefix(marked, tree, namespace=NAMESPACE)
    return [None if a is _Nothing else a for a in found]


def register(cls: type, to_children: Callable[[Any], tuple[Iterable[Any], Any]], from_children: Any) -> None:
    """Make a class a structure: `to_children(obj) -> (children, metadata)`, `from_children(metadata, children)`."""
    if not isinstance(cls, type):
        raise StructureError(
            f"register_structure takes a class, got {cls!r}",
            why="its objects are taken apart and put together",
            write="wg.register_structure(Model, to_children, from_children)",
        )
    optree.register_pytree_node(cls, to_children, from_children, namespace=NAMESPACE)


def _is_dataclass(leaf: Any) -> bool:
    return dataclasses.is_dataclass(leaf) and not isinstance(leaf, type)


def _register_dataclass(cls: Any) -> None:
    """Every field is a child, save those declared `field(metadata={"static": True})`."""
    fields = dataclasses.fields(cls)
    names = tuple(f.name for f in fields if not f.metadata.get("static"))
    static = tuple(f.name for f in fields if f.metadata.get("static"))

    def to_children(obj: Any) -> tuple[list[Any], Any, tuple[str, ...]]:
        return [getattr(obj, name) for name in names], tuple(getattr(obj, name) for name in static), names

    def from_children(metadata: Any, children: Iterable[Any]) -> Any:
        obj = object.__new__(cls)
        for name, child in zip(names + static, (*children, *metadata), strict=True):
            object.__setattr__(obj, name, child)
        return obj

    optree.register_pytree_node(cls, to_children, from_children, namespace=NAMESPACE)
