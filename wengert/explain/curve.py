"""The error of differences against their step: truncation on the right, rounding on the left, AD beneath them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..derivatives import numeric
from ..errors import WengertError
from .forward import Direction
from .methods import REFUSALS, SCHEMES, WAIT_S, Methods, strict
from .point import Point, silence
from .truth import Truth, paired


class Line(NamedTuple):
    """One scheme: its error at each step; empty with a note where it does not apply. best: (step, error)."""

    scheme: str
    errors: np.ndarray
    note: str = ""

    def best(self, steps: np.ndarray) -> tuple[float, float]:
        """The step with the smallest error, and that error."""
        k = int(np.nanargmin(self.errors))
        return float(steps[k]), float(self.errors[k])


class Curve(NamedTuple):
    """Relative errors along one direction. forward, reverse: those of automatic differentiation, which has no step;
    scale: the size of the derivative, by which errors are divided."""

    direction: str
    steps: np.ndarray
    lines: tuple[Line, ...]
    forward: float
    reverse: float
    scale: float
    reference: str


def steps_for(seconds: float) -> np.ndarray:
    """From 1 down to 1e-16, two a decade; of a function that takes its time fewer, for at most about ten seconds."""
    for spacing in (0.5, 1, 2):
        steps = 10.0 ** -np.arange(0, 16.25, spacing)
        if 5 * len(steps) * seconds < WAIT_S:
            break
    return steps


def curve_of(
    point: Point, seed: Sequence[Any], directions: Sequence[Direction], truth: Truth, methods: Methods
) -> Curve:
    """Errors of the forward and the central difference and of the complex step, from 1 down to 1e-16.

    The direction is the first along which the derivative is not zero.
    """
    k = next((k for k, v in enumerate(truth.values) if v != 0), 0)
    d, scale = directions[k], float(abs(truth.values[k])) or 1.0
    steps = steps_for(point.seconds)

    def f(*leaves: Any) -> Any:
        return paired(seed, point.flat(*leaves))

    lines = []
    for method in ("forward", "central", "complex"):
        try:
            with np.errstate(all="ignore"), silence(), strict():
                found = [numeric.directional(f, tuple(point.leaves), d.tangents, method, float(h)) for h in steps]
            lines.append(Line(SCHEMES[method], np.array([truth.error(k, v) / scale for v in found])))
        except (WengertError, *REFUSALS) as error:
            note = error.what if isinstance(error, WengertError) else (str(error).splitlines() or [""])[0]
            lines.append(Line(SCHEMES[method], np.zeros(0), note))
    exact = {m.kind: truth.error(k, m.values[k]) / scale for m in methods.rows if m.values and m.kind.endswith("mode")}
    return Curve(
        d.name,
        steps,
        tuple(lines),
        exact.get("forward mode", np.nan),
        exact.get("reverse mode", np.nan),
        scale,
        truth.reference,
    )
