"""Five ways to differentiate, side by side at one point: by hand, symbolic, numerical, forward and reverse mode.

All of them compute the same numbers: the derivatives of <seed, f> along the directions. For each: the values, their
error against the truth, how often the function was evaluated or how many passes were made, the time, the size.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.exceptions import ComplexWarning

from ..derivatives import numeric
from ..errors import ArgumentError, UnsupportedFunctionError, WengertError
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.transpose import transpose_tape
from .by_hand import values_by_hand
from .cost import Derived
from .forward import Direction, unit_directions
from .point import Point, silence
from .symbolic import differentiated
from .truth import Truth, paired

SCHEMES = {
    "forward": "forward difference",
    "central": "central difference",
    "ridders": "extrapolated (Ridders)",
    "automatic": "automatic step",
    "complex": "complex step",
}
WAIT_S = 10.0  # a numerical scheme that would take longer is left out
CALLS = {"forward": 2, "central": 2, "ridders": 16, "automatic": 24, "complex": 1}  # for one direction
NOTHING = 1e-40  # beneath the digits of the truth: a derivative of this size is zero
PATIENCE_S = 0.008  # how long a method is timed, if one run is not longer
RUNS = 20


# What a function raises that does not take the arguments of a method (complex ones, say).
REFUSALS = (ArithmeticError, IndexError, RecursionError, TypeError, ValueError, ComplexWarning)


@contextlib.contextmanager
def strict() -> Iterator[None]:
    """An imaginary part that is dropped is an error: with it goes what the complex step reads off."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ComplexWarning)
        yield


class Method(NamedTuple):
    """One row. kind: one of the five ways; scheme: of a numerical one, the formula.

    values: along each direction, empty where the method does not apply, which note explains. error: the largest
    distance from the truth; relative: divided by the largest derivative. evaluations: calls of f. passes: runs of f
    with tangents, or forwards and backwards. seconds: the fastest of a few runs; of symbolic
    differentiation the first, with the making of the expression. size: operations of the derivatives' expressions, or
    of the program that computes value and derivatives.
    """

    kind: str
    scheme: str
    values: tuple[Any, ...]
    error: float
    relative: float
    evaluations: int | None
    passes: int | None
    seconds: float
    size: int | None
    note: str

    @property
    def name(self) -> str:
        """The kind, and of a numerical method the scheme."""
        return f"{self.kind}: {self.scheme}" if self.scheme else self.kind


class Methods(NamedTuple):
    """The rows, the names of the directions, and the truth that errors are measured against."""

    rows: tuple[Method, ...]
    directions: tuple[str, ...]
    truth: Truth


class Found(NamedTuple):
    """What a method computed."""

    values: Sequence[Any]
    evaluations: int | None = None
    passes: int | None = None
    size: int | None = None
    note: str = ""


class Comparison:
    """The methods at a point."""

    def __init__(
        self,
        point: Point,
        seed: Sequence[Any],
        directions: Sequence[Direction],
        truth: Truth,
        costs: Derived,
        by_hand: Any = None,
        step: float | None = None,
    ) -> None:
        self.point, self.seed, self.directions, self.truth = point, seed, tuple(directions), truth
        self.costs, self.by_hand, self.step = costs, by_hand, step
        units = unit_directions(point) if sum(map(np.size, point.leaves)) == len(directions) else []
        self.complex = any(a.type.dtype.kind == "c" for a in point.straight.outputs)
        self.whole = [u.name for u in units] == [d.name for d in directions]  # is it the whole gradient?

    def methods(self) -> Methods:
        """All rows."""
        rows = []
        if self.by_hand is not None:
            rows.append(self.row("by hand", "", self.hand))
        rows.append(self.row("symbolic", "", self.symbolic))
        for method, scheme in SCHEMES.items():
            rows.append(self.row("numerical", scheme, lambda method=method: self.numerical(method)))  # type: ignore[misc]
        rows.append(self.row("forward mode", "", self.forward))
        rows.append(self.row("reverse mode", "", self.reverse))
        return Methods(tuple(rows), tuple(d.name for d in self.directions), self.truth)

    def row(self, kind: str, scheme: str, compute: Callable[[], Any]) -> Method:
        """Run and time one method; what it cannot do is said in its row."""
        try:
            with np.errstate(all="ignore"), silence(), strict():
                found, seconds = fastest(compute)
        except ArgumentError:  # what was given by hand does not fit
            raise
        except WengertError as error:
            return refused(kind, scheme, f"{error.what}: {error.why}")
        except REFUSALS as error:
            return refused(kind, scheme, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
        seconds = seconds if not isinstance(found, Timed) else found.seconds
        found = found.found if isinstance(found, Timed) else found
        errors = [self.truth.error(k, v) for k, v in enumerate(found.values)]
        worst = np.nan if any(np.isnan(errors)) else max(errors, default=0.0)
        scale = max((float(abs(v)) for v in self.truth.values), default=0.0)
        relative = worst / scale if scale > NOTHING else worst
        counts = (found.evaluations, found.passes, seconds, found.size, found.note)
        return Method(kind, scheme, tuple(found.values), worst, relative, *counts)

    def number(self, *leaves: Any) -> Any:
        """<seed, f>."""
        return paired(self.seed, self.point.flat(*leaves))

    def hand(self) -> Found:
        """The user's own formula."""
        return Found(values_by_hand(self.point, self.by_hand, self.directions), 0)

    def symbolic(self) -> Timed:
        """SymPy's derivative; timed once, with the making of the expression."""
        found = differentiated(self.point, self.seed, self.directions, self.whole, self.costs.own.operations)
        return Timed(Found(found.values, None, None, found.operations, found.note), found.seconds)

    def numerical(self, method: str) -> Found:
        """Differences: of the whole gradient, or along each direction."""
        self.check_time(method)
        f = numeric.counted(self.number)
        step = self.step if method in ("forward", "central") else None
        if self.whole:
            gradient = numeric.jacobian(f, tuple(range(len(self.point.leaves))), method=method, step=step)
            parts = gradient(*self.point.leaves)
            values = [v for g in parts for v in np.ravel(g)]
        else:
            values = [self.along(f, d, method, step) for d in self.directions]
        return Found(self.real(values), f.calls)

    def check_time(self, method: str) -> None:
        """Refused where so many calls of the function would keep the reader waiting."""
        calls = CALLS[method] * len(self.directions)
        if calls * self.point.seconds > WAIT_S:
            raise UnsupportedFunctionError(
                f"{calls} calls of the function were not made",
                why=f"one takes {self.point.seconds:.2g} s; they would take {calls * self.point.seconds:.0f} s",
                write="fewer directions, or wg.numeric, which does not mind",
            )

    def along(self, f: Any, direction: Direction, method: str, step: Any) -> Any:
        """One directional derivative by differences."""
        return numeric.directional(f, tuple(self.point.leaves), direction.tangents, method=method, step=step)

    def real(self, values: Sequence[Any]) -> list[Any]:
        """Along the real axis: what a real function of complex numbers has besides is another direction."""
        return list(values) if self.complex else [np.real(v) for v in values]

    def forward(self) -> Found:
        """One tangent for each direction."""
        values = []
        for d in self.directions:
            _, y_dots = jvp_flat(self.point.traceable, self.point.leaves, d.tangents)
            values.append(paired([None if t is None else s for s, t in zip(self.seed, y_dots, strict=True)], y_dots))
        n = len(self.directions)
        return Found(values, None, n, n * self.costs.jvp.operations)

    def reverse(self) -> Found:
        """One pass forwards and back gives the derivative along every direction; of a complex result, two do.

        Adjoints are derivatives of real numbers: Re <s, f>, and with the seed -i s Im <s, f>.
        """
        _, tape, ins, nodes = linearize_flat(self.point.traceable, self.point.leaves)
        values = self.pulled(transpose_tape(tape, ins, nodes, self.seed))
        if not self.complex:
            return Found(values, None, 1, self.costs.vjp.operations)
        turned = [None if s is None else s * (-1j if np.iscomplexobj(s) else 0) for s in self.seed]
        others = self.pulled(transpose_tape(tape, ins, nodes, turned))
        both = [a + 1j * b for a, b in zip(values, others, strict=True)]
        return Found(both, None, 2, 2 * self.costs.vjp.operations)

    def pulled(self, x_bars: Sequence[Any]) -> list[Any]:
        """The real part of <x_bar, d>, for each direction."""
        found = []
        for d in self.directions:
            moved = [None if b is None else t for b, t in zip(x_bars, d.tangents, strict=True)]
            found.append(np.real(paired(moved, x_bars)))
        return found


def refused(kind: str, scheme: str, note: str) -> Method:
    """The row of a method that does not apply."""
    return Method(kind, scheme, (), np.nan, np.nan, None, None, np.nan, None, note)


class Timed(NamedTuple):
    """A result with a time of its own, where preparing it is not what is timed."""

    found: Found
    seconds: float


def fastest(compute: Callable[[], Any]) -> tuple[Any, float]:
    """The result, and the time of the fastest of a few runs."""
    best, began = np.inf, time.perf_counter()
    for _ in range(RUNS):
        start = time.perf_counter()
        result = compute()
        end = time.perf_counter()
        best = min(best, end - start)
        if isinstance(result, Timed) or end - began > PATIENCE_S:
            break
    return result, best
