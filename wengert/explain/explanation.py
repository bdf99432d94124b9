"""wg.explain: everything about the derivatives of one function at one point, computed when it is looked at."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Program
from ..derivatives.mode import MEMORY, Choice, Linearised, choose
from ..errors import ArgumentError
from ..transforms.linearize import linearize_flat
from .cost import Costs, Derived, costs_of, derived_costs
from .curve import Curve, curve_of
from .forward import Direction, Forward, default_directions, forward_table, given_directions
from .methods import Comparison, Methods
from .page import derivative_graph, fragment, function_graph, page
from .point import Point, silence
from .reverse import Contribution, Reverse, reverse_table, seed_of
from .svg import Picture
from .terminal import renderables
from .text_tables import heading, text
from .truth import Truth, truth_of
from .wengert_list import Node, WengertList


class Shown(NamedTuple):
    """One node: value, tangent along each direction, adjoint, and what its users contribute to it."""

    node: Node
    value: Any
    tangents: tuple[Any, ...]
    adjoint: Any
    contributions: tuple[Contribution, ...]


class Explanation:
    """What `explain` returns: tables, comparisons and pictures, each computed when it is first looked at.

    program   the function as it was recorded
    nodes     the Wengert list: one row a variable, with its expression, value, type, line
    forward   tangents of each node along each of `directions`
    reverse   the adjoint of each node, and what each of its users contributes to it
    truth     the derivatives to 50 digits, found without any rule of the library
    methods   five ways to differentiate, with values, errors, evaluations, times, sizes
    curve     error against step of the numerical schemes
    cost      operations and bytes of the function and of its derivatives
    mode      which mode computes the whole Jacobian at less cost, and why
    graph     the computational graph; extended_graph: that of the function with its gradient
    notes     what a reader must know to read them

    `explanation["v1"]` is all that is known of one node, with whole arrays. `print` shows everything in a terminal, a
    notebook displays it, `save("page.html")` writes one self-contained page.
    """

    def __init__(
        self,
        point: Point,
        directions: Any = None,
        seed: Any = None,
        output: int | None = None,
        by_hand: Any = None,
        step: float | None = None,
    ) -> None:
        self.point, self.by_hand, self.step = point, by_hand, step
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
        _ = self.point.traceable  # which may add a note
        notes = list(self.point.notes)
        if self.seed_name:
            notes.append(f"Reverse mode starts from {self.seed_name}.")
        if self.wengert_list.omitted:
            notes.append(f"{len(self.wengert_list.omitted):,} of {self.wengert_list.total:,} nodes are left out.")
        return notes

    @functools.cached_property
    def wengert_list(self) -> WengertList:
        """Names and values of all variables, and the nodes that are shown."""
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

    @functools.cached_property
    def truth(self) -> Truth:
        """The derivative of <seed, f> along each direction, to 50 digits where that can be had."""
        return truth_of(self.point, self.seed, self.directions)

    @functools.cached_property
    def methods(self) -> Methods:
        """The five methods side by side."""
        at = (self.point, self.seed, self.directions, self.truth, self._costs)
        return Comparison(*at, self.by_hand, self.step).methods()

    @functools.cached_property
    def curve(self) -> Curve:
        """The error of the numerical schemes against their step."""
        return curve_of(self.point, self.seed, self.directions, self.truth, self.methods)

    @functools.cached_property
    def cost(self) -> Costs:
        """Operations and bytes of the function and of each derivative."""
        return costs_of(self.point, self._costs)

    @functools.cached_property
    def _costs(self) -> Derived:
        return derived_costs(self.point, self.wengert_list.active)

    @functools.cached_property
    def graph(self) -> Picture:
        """The computational graph: `.svg()`, `.save(path)`, shown by a notebook."""
        with np.errstate(all="ignore"):
            return Picture(function_graph(self))

    @functools.cached_property
    def extended_graph(self) -> Picture:
        """The graph of the function with its adjoint half."""
        with np.errstate(all="ignore"):
            return Picture(derivative_graph(self))

    @functools.cached_property
    def mode(self) -> Choice:
        """Which mode computes the whole Jacobian at less cost, and why."""
        moving = [k for k, on in enumerate(self.point.active) if on]
        leaves = self.point.leaves

        def f(*xs: Any) -> list[Any]:
            moved = dict(zip(moving, xs, strict=True))
            return self.point.traceable(*(moved.get(k, x) for k, x in enumerate(leaves)))

        primals = [leaves[k] for k in moving]
        with np.errstate(all="ignore"), silence():
            values, tape, ins, nodes = linearize_flat(f, primals)
        return choose(Linearised(primals, values, tape, ins, nodes), "auto", None, MEMORY)

    def __getitem__(self, name: str) -> Shown:
        """All that is known of the node of this name: its value, tangents, adjoint and contributions, whole."""
        for k, node in enumerate(self.nodes):
            if node.name == name:
                reverse = self.reverse.rows[k]
                return Shown(node, node.value, self.forward.rows[k].tangents, reverse.adjoint, reverse.contributions)
        names = [node.name for node in self.nodes]
        raise ArgumentError(
            f"{self.name} has no node {name!r}",
            why=f"its nodes are {', '.join(names[:20])}" + (", ..." if len(names) > 20 else ""),
            write="explanation[name] with one of these",
        )

    # printed and displayed ---------------------------------------------------------------------------------------
    def __str__(self) -> str:
        return text(self)

    def __repr__(self) -> str:
        return f"<wg.explain of {heading(self)}: {self.wengert_list.total:,} nodes>"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        return renderables(self, options.max_width)

    def _repr_html_(self) -> str:
        with np.errstate(all="ignore"):
            return fragment(self)

    def html(self) -> str:
        """One page that needs nothing else."""
        with np.errstate(all="ignore"):
            return page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file; returns its path."""
        file = Path(path)
        file.write_text(self.html(), encoding="utf-8")
        return file
