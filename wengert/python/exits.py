"""How control leaves a block: at its end, by continue, break or return; known, or a traced number."""

from __future__ import annotations

from typing import Any, NamedTuple

GO, CONTINUE, BREAK, RETURN = 0, 1, 2, 3
BROKEN = 4  # by a `break`, so that the `else` of the loop, which may have a `break` of its own, is left out


class Exit(NamedTuple):
    """One of several ways, told by a traced integer."""

    code: Any
    ways: frozenset[int]


Way = Exit | int | None  # None: at the end


def ways(way: Way) -> frozenset[int]:
    """The ways in which control may leave."""
    return way.ways if isinstance(way, Exit) else frozenset([way or GO])


def code(way: Way) -> Any:
    """The way as a number, traced where it is not known."""
    return way.code if isinstance(way, Exit) else (way or GO)


def only(way: Way, possible: frozenset[int]) -> Way:
    """A way of which more is known."""
    return next(iter(possible)) if len(possible) == 1 else Exit(code(way), possible)
