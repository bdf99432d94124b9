"""What the compiler must reach, and by how much it does or does not: the targets, one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import exp, log
from typing import Any, NamedTuple

from benchmarks.measure import Row

OWN, JAX, TORCH, C = "wengert", "JAX", "PyTorch", "C"


class Verdict(NamedTuple):
    """A measured number beside its limit. unit: what it is divided by, or "s"."""

    target: str
    program: str
    measured: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.limit

    @property
    def excess(self) -> float:
        """By how many times the limit is exceeded; at most 1 if it is met."""
        return self.measured / self.limit


def geometric_mean(numbers: Iterable[float]) -> float:
    """exp of the mean of the logarithms; NaN of nothing."""
    logs = [log(x) for x in numbers]
    return exp(sum(logs) / len(logs)) if logs else float("nan")


def number(row: Row, library: str, *path: str) -> float | None:
    """A number of a library's results, e.g. number(row, "JAX", "gradient", "wall"); None if it was not measured."""
    found: Any = row["results"].get(library)
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def quotient(row: Row, other: str, *path: str) -> float | None:
    """Our number over another library's."""
    a, b = number(row, OWN, *path), number(row, other, *path)
    return None if a is None or not b else a / b


def ratio(row: Row, library: str) -> float | None:
    """Time of the gradient over time of the function."""
    gradient, function = number(row, library, "gradient", "wall"), number(row, library, "function", "wall")
    return None if gradient is None or not function else gradient / function


def verdicts(rows: list[Row]) -> list[Verdict]:
    """All targets that can be judged by what was measured."""
    compiled = [row for row in rows if row["kind"] not in ("eager", "import")]
    return [v for judge in JUDGES for v in judge(compiled)]


def _array_speed(rows: list[Row]) -> Iterator[Verdict]:
    for row in rows:
        measured = quotient(row, JAX, "gradient", "wall")
        if row["kind"] == "array" and measured is not None:
            yield Verdict("gradient, array", row["name"], measured, 0.6 if row["name"] == "kmeans" else 0.8, "JAX")


LOOP_LIMITS = {"lstm": 1 / 2, "lorenz": 1 / 10}


def _loop_speed(rows: list[Row]) -> Iterator[Verdict]:
    loops = [row for row in rows if row["kind"] == "loop"]
    for other, each, together in ((JAX, 1.0, 1 / 4), (TORCH, 1 / 20, None)):
        found = {row["name"]: quotient(row, other, "gradient", "wall") for row in loops}
        known = {name: x for name, x in found.items() if x is not None}
        for name, x in known.items():
            yield Verdict("gradient, loops", name, x, LOOP_LIMITS.get(name, each) if other == JAX else each, other)
        if known and together:
            yield Verdict("gradient, loops", "geometric mean", geometric_mean(known.values()), together, other)


def _sparse_speed(rows: list[Row]) -> Iterator[Verdict]:
    for row in rows:
        if row["kind"] != "sparse":
            continue
        own, in_c = ratio(row, OWN), quotient(row, C, "function", "wall")
        if own is not None:
            yield Verdict("sparse Jacobian", row["name"], own, 7.0, "own function")
        if in_c is not None:
            yield Verdict("function", row["name"], in_c, 1.3, "C")


def _compile_time(rows: list[Row]) -> Iterator[Verdict]:
    for row in rows:
        measured = quotient(row, JAX, "compile", "gradient")
        if measured is not None:
            yield Verdict("compile time", row["name"], measured, 1 / 5, "JAX")


def _call_overhead(rows: list[Row]) -> Iterator[Verdict]:
    for row in rows:
        measured = number(row, OWN, "function", "wall")
        if row["kind"] == "call" and measured is not None:
            yield Verdict("call of a scalar function", row["name"], measured, 2e-6, "s")


def _gradient_ratio(rows: list[Row]) -> Iterator[Verdict]:
    found = {row["name"]: ratio(row, OWN) for row in rows if row["kind"] in ("array", "loop")}
    known = {name: x for name, x in found.items() if x is not None}
    for name, x in known.items():
        yield Verdict("gradient / function", name, x, 2.5, "own function")
    if known:
        yield Verdict("gradient / function", "geometric mean", geometric_mean(known.values()), 2.0, "own function")


def _memory(rows: list[Row]) -> Iterator[Verdict]:
    for row in rows:
        measured = quotient(row, JAX, "memory")
        if measured is not None:
            yield Verdict("peak memory", row["name"], measured, 1.0, "JAX")


JUDGES: tuple[Callable[[list[Row]], Iterator[Verdict]], ...] = (
    _array_speed,
    _loop_speed,
    _sparse_speed,
    _compile_time,
    _call_overhead,
    _gradient_ratio,
    _memory,
)
