"""A derivative that the user worked out by hand: a function, or formulas for the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.tree import flatten, unflatten
from ..core.types import shape_of
from ..errors import ArgumentError
from .expression import Expression
from .forward import Direction
from .point import Point
from .truth import paired


def values_by_hand(point: Point, by_hand: Any, directions: Sequence[Direction]) -> list[Any]:
    """Along each direction, the sum of partial derivatives times tangents.

    by_hand: a function of the same arguments that returns the gradient, or `{"x1": formula, ...}` with a function, a
    text or a number for each parameter; with one parameter also a text. A gradient is structured like the arguments.
    """
    args, kwargs = unflatten(point.tree, _filled(point))
    parts = partials(point, by_hand, args, kwargs)
    return [paired(d.tangents, parts) for d in directions]


def _filled(point: Point) -> list[Any]:
    given = iter(point.leaves)
    return [next(given) if on else x for x, on in zip(point.static, point.traced, strict=True)]


def partials(point: Point, by_hand: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The gradient as one array for each leaf."""
    if isinstance(by_hand, str):
        by_hand = dict.fromkeys(point.paths[:1], by_hand)
    if callable(by_hand):
        by_hand = by_hand(*args, **kwargs)
    if isinstance(by_hand, Mapping) and set(by_hand) == set(point.paths):
        values = dict(zip(point.paths, point.leaves, strict=True))
        leaves = [_partial(by_hand[path], path, values, args, kwargs) for path in point.paths]
    else:
        leaves = flatten(by_hand)[0]
    shapes = [shape_of(x) for x in leaves]
    wanted = [shape_of(x) for x in point.leaves]
    if shapes != wanted:
        raise ArgumentError(
            f"by_hand gives derivatives of shapes {shapes}; the arguments of {point.name} have {wanted}",
            why="a gradient by hand is compared element by element: it has the structure of the arguments",
            write=f"a function of the same arguments that returns one derivative for each of {', '.join(point.paths)}",
        )
    return [np.asarray(x)[()] for x in leaves]


def _partial(given: Any, path: str, values: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """One partial derivative: a formula in the parameters, a function of them, or what it is."""
    if isinstance(given, str):
        formula = Expression(given, [v for v in values if v.isidentifier()], f"d/d{path}")
        return formula(*(values[v] for v in formula.variables))
    return given(*args, **kwargs) if callable(given) else given
