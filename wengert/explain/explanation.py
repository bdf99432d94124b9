"""wg.explain: everything about the derivatives of one function at one point, computed when it is looked at."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.program import Program
from .forward import Direction, Forward, default_directions, forward_table, given_directions
from .point import Point
from .reverse import Reverse, reverse_table, seed_of
from .wengert_list import Node, WengertList

Function = Callable[..., Any]


class Explanation:
    """What `explain` returns: see there.

    program: as it was recorded; nodes: the Wengert list; forward, reverse: the two trace tables; notes: what a reader
    must know to read them; omitted: numbers of the nodes that are left out of a long list.
    """

    def __init__(
        self,
        point: Point,
        directions: Any = None,
        seed: Any = None,
        output: int | None = None,
        by_hand: Any = None,
    ) -> None:
        self.point, self.by_hand = point, by_hand
        self.seed, self.seed_name = seed_of(point, seed, output)
        self.directions: tuple[Direction, ...] = (
            default_directions(point) if directions is None else given_directions(point, directions)
        )

    @property
    def name(self) -> str:
        """Of the function."""
        return self.point.name

    @property
    def program(self) -> Program:
        """The program that was recorded."""
        return self.point.program

    @property
    def notes(self) -> list[str]:
        """What a reader must know of this explanation."""
        notes = list(self.point.notes)
        if self.seed_name:
            notes.append(f"Reverse mode starts from {self.seed_name}.")
        if self.wengert_list.omitted:
            notes.append(
                f"{len(self.wengert_list.omitted)} of {self.wengert_list.total} nodes are left out of the tables."
            )
        return notes

    @functools.cached_property
    def wengert_list(self) -> WengertList:
        """The Wengert list with names and values of all variables."""
        return WengertList(self.point)

    @property
    def nodes(self) -> list[Node]:
        """The Wengert list, one row a node."""
        return self.wengert_list.nodes

    @functools.cached_property
    def forward(self) -> Forward:
        """The forward trace table."""
        return forward_table(self.point, self.wengert_list, self.directions)

    @functools.cached_property
    def reverse(self) -> Reverse:
        """The reverse trace table."""
        return reverse_table(self.point, self.wengert_list, self.seed)


def explain(
    fun: Function,
    *args: Any,
    directions: Any = None,
    seed: Any = None,
    output: int | None = None,
    by_hand: Any = None,
    unroll: bool = False,
    **kwargs: Any,
) -> Explanation:
    """Everything about the derivatives of `fun` at one point."""
    return Explanation(Point(fun, args, kwargs, unroll), directions, seed, output, by_hand)
