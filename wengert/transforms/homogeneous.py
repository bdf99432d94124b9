"""Are the tangents that a user's rule gives linear in those it is given? Looked at on values, where they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.trace import concrete
from ..core.types import shape_of
from ..errors import NonLinearError

FACTOR = -2  # brings no rounding of its own, and finds |x_dot|, max(x_dot, 0)
TOLERANCE = 1e-2  # coarse enough for half precision


def is_known(x: Any) -> bool:
    """Is this a plain value, or a traced one of which the value is known, and one for all lanes? None is a zero."""
    value = concrete(x)
    return x is None or (
        isinstance(value, np.ndarray | np.generic | int | float | complex) and shape_of(value) == shape_of(x)
    )


def check_homogeneous(
    rule: Callable[..., Sequence[Any]], xs: Sequence[Any], x_dots: Sequence[Any], y_dots: Sequence[Any], name: str
) -> None:
    """NonLinearError unless `y_dot(-2 x_dot) = -2 y_dot(x_dot)`, wherever both are finite; all values are known.

    rule(xs, x_dots) gives the tangents, flat; y_dots are those that it gave for x_dots.
    """
    with np.errstate(all="ignore"):
        longer = rule([concrete(x) for x in xs], [FACTOR * concrete(d) for d in x_dots])
        for d, e in zip(y_dots, longer, strict=True):
            if d is not None and not _is_multiple(concrete(e), concrete(d)):
                raise NonLinearError(
                    f"the rule of {name} is not linear in the tangents: along {FACTOR} x_dot it gives something else "
                    f"than {FACTOR} y_dot",
                    why="the derivative in a direction is linear in the direction",
                    write="build y_dot of sums, products with primal values, and linear functions of x_dot",
                )


def _is_multiple(longer: Any, y_dot: Any) -> bool:
    a, b = np.asarray(longer), FACTOR * np.asarray(y_dot)
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.max(np.abs(b), where=finite, initial=0)
    return bool(np.all(np.abs(a - b) <= TOLERANCE * scale, where=finite))
