"""Which axis of which leaf vmap maps: in_axes and out_axes as structures, and the one length that all must have."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ..errors import ShapeError, StructureError
from .call import Call
from .options import whole
from .tree import broadcast_prefix, flatten
from .types import shape_of, type_of


def input_axes(in_axes: Any, args: tuple[Any, ...], kwargs: dict[str, Any], call: Call) -> list[int | None]:
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise StructureError(
            f"vmap in_axes has {len(in_axes)} entries for {len(args)} positional arguments",
            why="a tuple has one entry for each positional argument; keyword arguments are mapped over axis 0",
            write="one entry an argument, None for an argument that is not mapped",
            where=call.source,
        )
    return broadcast_axes(in_axes, args, "in_axes") + [0] * (len(call.leaves) - len(flatten(args)[0]))


def broadcast_axes(axes: Any, tree: Any, what: str) -> list[int | None]:
    """One axis for each leaf of a tree, from an int, None, or a structure that is a prefix of the tree."""
    try:
        found = broadcast_prefix(axes, tree)
        return [None if a is None else index(a) for a in found]
    except (ValueError, TypeError) as e:
        raise StructureError(
            f"vmap {what}={axes!r} does not fit the structure it maps",
            why=str(e),
            write="an int, None, or containers as in the arguments with ints and None as leaves",
        ) from None


def mapped_size(call: Call, axes: Sequence[int | None], axis_size: int | None) -> int:
    sizes = {} if axis_size is None else {whole(axis_size, "axis_size"): "axis_size"}
    for k, (x, a) in enumerate(zip(call.leaves, axes, strict=True)):
        if a is None:
            continue
        shape = shape_of(x)
        if not -len(shape) <= a < len(shape):
            raise ShapeError(
                f"vmap maps axis {a} of {call.leaf_name(k)}, which is {type_of(x)}",
                why="the array has no such axis",
                write="in_axes=None for an argument that is shared by all lanes",
                where=call.source,
            )
        sizes.setdefault(shape[a], call.leaf_name(k))
    if len(sizes) != 1:
        found = ", ".join(f"{n} ({name})" for n, name in sizes.items()) or "none"
        raise ShapeError(
            f"vmap needs one length of the mapped axes, found {found}",
            why="all lanes run together, so every mapped argument has as many",
            write="check in_axes, or give axis_size where nothing is mapped",
            where=call.source,
        )
    return next(iter(sizes))
