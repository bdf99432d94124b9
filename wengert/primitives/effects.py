"""Primitives that are there for what they do: print, and checks of what a program takes for granted.

They have no results and no derivative, and stay where they are: under every transformation they see the primal values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Constant, Primitive
from ..core.trace import live_lanes
from ..core.tree import Structure, unflatten
from ..core.types import shape_of
from ..errors import ArgumentError, AssertionFailedError, Source
from . import elementwise as ew
from .shape import broadcast_to, reshape


class Text(NamedTuple):
    """What is printed: a format, and its values as one structure, of which some leaves are no arrays."""

    format: Any
    tree: Structure
    others: tuple[Any, ...]  # a leaf for each value that is no array, Ellipsis for one that is

    def shown(self, values: Any) -> str:
        """The text, as str.format writes it."""
        rest = iter(values)
        args, kwargs = unflatten(self.tree, [next(rest) if x is ... else x for x in self.others])
        try:
            return str(self.format).format(*args, **kwargs)
        except (IndexError, KeyError, ValueError, TypeError) as error:
            raise ArgumentError(
                f"print() cannot write its values as {self.format!r}: {error}",
                why="the first argument is a format, as str.format has it",
                write='wg.print("x = {:.3f}, y = {}", x, y); {{ and }} for braces',
            ) from None


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


def _no_results(*types: Any, **params: Any) -> list[Any]:
    return []


class Effect(Primitive):
    """A primitive without results. Where lanes of vmap go different ways, it counts for those that are live."""

    def __init__(self, name: str, impl: Any, batch: Any, for_live: Any) -> None:
        super().__init__(name, impl, Constant(), type_rule=_no_results, batch=batch, multiple=True, effect=True)
        self.for_live = for_live

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply it, or write it down."""
        live = live_lanes.get()
        if live is not None:
            args, params = self.for_live(live, *args, **params)
        return super().__call__(*args, **params)


def _print_live(live: Any, counts: Any, *values: Any, text: Text, lanes: Lanes = ()) -> Any:
    if lanes:
        (size, (on, *others)), *inner = lanes
        if size == shape_of(live)[0]:
            counts = ew.logical_and(counts, live) if on else live
            lanes = ((size, (True, *others)), *inner)
    return (counts, *values), {"text": text, "lanes": lanes}


print_ = Effect("print", _print, _batch_print, _print_live)


class Failure(NamedTuple):
    """What is raised where a check fails: an error of the user's, or of ours for a failed `assert`."""

    kind: type[BaseException]
    args: tuple[Any, ...]
    where: Source | None

    def error(self) -> BaseException:
        """The error."""
        if self.kind is AssertionFailedError:
            return AssertionFailedError(
                str(self.args[0]),
                why="the condition of the `assert` does not hold for the values with which the program runs",
                write="arguments for which it holds",
                where=self.where,
            )
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


def _check_live(live: Any, condition: Any, *, failure: Failure) -> Any:
    size, shape = shape_of(live)[0], shape_of(condition)
    idle = ew.logical_not(live)
    if shape[:1] == (size,):
        idle = broadcast_to(reshape(idle, shape=(size, *(1,) * (len(shape) - 1))), shape=shape)
    elif shape == ():
        condition = broadcast_to(condition, shape=(size,))
    else:
        return (condition,), {"failure": failure}
    return (ew.logical_or(condition, idle),), {"failure": failure}


check = Effect("check", _check, _batch_check, _check_live)
