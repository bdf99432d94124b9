"""What all loops share: the carry from round to round, the rows of results, the schedule of checkpoints."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.body import PYTHON_NUMBERS, carry_changed, carry_structure, fits
from ..core.provided import provided
from ..core.trace import Tracer
from ..core.tree import Structure, flatten
from ..core.types import ArrayType, type_of
from ..errors import UnsupportedFunctionError
from ..numpy.joining import stack

Function = Callable[..., Any]


def own(x: Any) -> Any:
    """What a body may assign to, as it may where it is traced."""
    return x.copy() if type(x) is np.ndarray else x


def begun(carry: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """The initial carry, Python numbers in the dtypes that they take."""
    return [t.dtype.type(x) if type(x) in PYTHON_NUMBERS else x for x, t in zip(carry, types, strict=True)]


def stacked(ys: tuple[Any, ...]) -> Any:
    """Rows as one array."""
    return stack(ys) if any(isinstance(y, Tracer) for y in ys) else np.array(ys)


def check_carry(before: Sequence[Any], tree: Structure, value: Any, owner: Function, what: str) -> None:
    """The carry after a round has the structure and the types of the one before it; Python numbers adapt."""
    leaves, found = flatten(value)
    if found != tree:
        raise carry_structure(owner, tree, found, what)
    for k, (x, y) in enumerate(zip(before, leaves, strict=True)):
        old, new = type_of(x), type_of(y)
        if old.shape == new.shape and (old.dtype == new.dtype or type(x) in PYTHON_NUMBERS or fits(y, old)):
            continue
        raise carry_changed(owner, tree, k, old, new, what)


def schedule(checkpoint: Any, what: str) -> Any:
    """What `checkpoint=` says: rounds of a segment (True: their root), or an object that gives the actions."""
    if isinstance(checkpoint, str) and checkpoint in ("binomial", "online"):
        return provided(checkpoint)()
    if hasattr(checkpoint, "actions"):
        return checkpoint
    if isinstance(checkpoint, (bool, np.bool_)) or (hasattr(checkpoint, "__index__") and checkpoint >= 0):
        return checkpoint if checkpoint is True else operator.index(checkpoint)
    raise UnsupportedFunctionError(
        f"{what} got checkpoint={checkpoint!r}",
        why="that is no schedule of checkpoints",
        write="rounds of a segment, True for their square root, 'binomial', 'online' or "
        "wg.checkpointing.binomial(snapshots=20)",
    )
