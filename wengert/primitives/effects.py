"""Primitives that are there for what they do: print, and checks of what a program takes for granted.

They have no results and no derivative, and stay where they are: under every transformation they see the primal values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Constant, Primitive
from ..core.tree import Structure, unflatten
from ..errors import AssertionFailedError, Source


class Text(NamedTuple):
    """What is printed: a format, and its values as one structure, of which some leaves are no arrays."""

    format: Any
    tree: Structure
    others: tuple[Any, ...]  # a leaf for each value that is no array, Ellipsis for one that is

    def shown(self, values: Any) -> str:
        """The text, as str.format writes it."""
        rest = iter(values)
        args, kwargs = unflatten(self.tree, [next(rest) if x is ... else x for x in self.others])
        return str(self.format).format(*args, **kwargs)


Lanes = tuple[tuple[int, tuple[bool, ...]], ...]


def _print(counts: Any, *values: Any, text: Text, lanes: Lanes = ()) -> list[Any]:
    """One line; for each lane of vmap one, the outermost first."""
    if lanes:
        (size, batched), *inner = lanes
        for k in range(size):
            row = [x[k] if on else x for x, on in zip((counts, *values), batched, strict=True)]
            _print(*row, text=text, lanes=tuple(inner))
    elif counts:
        print(text.shown(values))
    return []


def _batch_print(size: int, batched: Any, counts: Any, *values: Any, text: Text, lanes: Lanes = ()) -> Any:
    print_(counts, *values, text=text, lanes=((size, tuple(batched)), *lanes))
    return [], []


print_ = Primitive(
    "print",
    _print,
    Constant(),
    type_rule=lambda *types, **params: [],
    batch=_batch_print,
    multiple=True,
    effect=True,
)


class Failure(NamedTuple):
    """What is raised where a check fails: an error of the user's, or of ours for a failed `assert`."""

    kind: type[BaseException]
    args: tuple[Any, ...]
    where: Source | None

    def error(self) -> BaseException:
        """The error."""
        if self.kind is AssertionFailedError:
            return AssertionFailedError(*self.args, where=self.where)
        error = self.kind(*self.args)
        error.add_note(f"raised by {self.where}  {self.where.text}" if self.where is not None else "raised at run time")
        return error


def _check(condition: Any, *, failure: Failure) -> list[Any]:
    if not np.all(condition):
        raise failure.error()
    return []


def _batch_check(size: int, batched: Any, condition: Any, *, failure: Failure) -> Any:
    check(condition, failure=failure)
    return [], []


check = Primitive(
    "check",
    _check,
    Constant(),
    type_rule=lambda condition, failure: [],
    batch=_batch_check,
    multiple=True,
    effect=True,
)
