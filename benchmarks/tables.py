"""The tables of a measurement, as rows of text: what the terminal and the Markdown file show."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.libraries import LIBRARIES
from benchmarks.measure import Row
from benchmarks.targets import OWN, Verdict, geometric_mean, number, ratio, verdicts

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "\N{MICRO SIGN}s"), (1e-9, "ns"))
SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
CLASSES = {"array": "arrays", "loop": "loops"}
TIMES = "\N{MULTIPLICATION SIGN}"


class Table(NamedTuple):
    title: str
    header: list[str]
    lines: list[list[str]]


def duration(seconds: float) -> str:
    """Three digits and a unit: 0.0001234 -> '123 us'."""
    return _scaled(seconds, UNITS)


def size(count: float) -> str:
    """Bytes in three digits and a unit."""
    return _scaled(count, SIZES)


def _scaled(x: float, units: tuple) -> str:
    scale, unit = next(((s, u) for s, u in units if x >= s), units[-1])
    return f"{x / scale:.3g} {unit}" if x / scale < 999.5 else f"{x / scale:.0f} {unit}"


def libraries(rows: list[Row]) -> list[str]:
    """Those of which a row knows something, in the order of the tables."""
    return [name for name in LIBRARIES if any(name in row["results"] or name in row["notes"] for row in rows)]


def own(rows: list[Row]) -> str:
    """The library that others are divided by: our compiler, or else our engine, or else the first."""
    names = [name for name in libraries(rows) if any(name in row["results"] for row in rows)]
    return next((name for name in (OWN, "wengert eager") if name in names), names[0] if names else OWN)


def all_tables(rows: list[Row]) -> list[Table]:
    """Every table of which something was measured."""
    compiled = [row for row in rows if row["kind"] not in ("eager", "import")]
    eager = [row for row in rows if row["kind"] == "eager"]
    tables = []
    if compiled:
        tables += [
            times(compiled, "gradient", "Time of a gradient"),
            times(compiled, "function", "Time of the function"),
            ratios(compiled, "Gradient over function: the cost of a gradient, in evaluations of the function"),
            compile_times(compiled),
            memory(compiled),
            judged(rows),
        ]
    if eager:
        tables.append(times(eager, "gradient", "The eager engine: time of a gradient, one operation at a time"))
        tables.append(ratios(eager, "The eager engine: gradient over function"))
    tables += [imports([row]) for row in rows if row["kind"] == "import"]
    return [table for table in tables if table.lines]


def times(rows: list[Row], what: str, title: str) -> Table:
    """Median times, and in brackets how many times ours that is; geometric means of those by class."""
    names, unit = libraries(rows), own(rows)
    lines = []
    for row in rows:
        mine = number(row, unit, what, "wall")
        cells = []
        for name in names:
            wall = number(row, name, what, "wall")
            text = _note(row, name) if wall is None else duration(wall)
            cells.append(text + (f" ({TIMES}{wall / mine:.2g})" if wall and mine and name != unit else ""))
        lines.append([row["title"], *cells])
    for kind, label in CLASSES.items():
        means = [_mean([row for row in rows if row["kind"] == kind], name, unit, what) for name in names]
        if any(means):
            lines.append([f"geometric mean, {label}", *means])
    return Table(f"{title} (in brackets: divided by that of {unit})", ["", *names], lines)


def _mean(rows: list[Row], name: str, unit: str, what: str) -> str:
    pairs = [(number(row, name, what, "wall"), number(row, unit, what, "wall")) for row in rows]
    quotients = [a / b for a, b in pairs if a and b]
    if name == unit or not quotients:
        return ""
    return f"{TIMES}{geometric_mean(quotients):.2g}" + (f" of {len(quotients)}" if len(quotients) < len(rows) else "")


def _note(row: Row, name: str) -> str:
    """Why there is no number, in a word."""
    return "" if name not in row["notes"] else row["notes"][name].split(":")[0] if _failed(row, name) else "\N{EN DASH}"


def _failed(row: Row, name: str) -> bool:
    return row["notes"].get(name, "").startswith("failed")


def _plain(rows: list[Row], title: str, cell) -> Table:
    names = [name for name in libraries(rows) if any(cell(row, name) for row in rows)]
    lines = [[row["title"], *(cell(row, name) or _note(row, name) for name in names)] for row in rows]
    return Table(title, ["", *names], lines if names else [])


def ratios(rows: list[Row], title: str) -> Table:
    def cell(row: Row, name: str) -> str:
        x = ratio(row, name)
        return "" if x is None else f"{x:.2f}"

    return _plain(rows, title, cell)


def compile_times(rows: list[Row]) -> Table:
    def cell(row: Row, name: str) -> str:
        x = number(row, name, "compile", "gradient")
        return "" if x is None else duration(x)

    return _plain(rows, "Time of compiling the gradient: the first call, less a later one", cell)


def memory(rows: list[Row]) -> Table:
    """What a library says; for the others, how far one call raises the process' resident memory."""

    def cell(row: Row, name: str) -> str:
        says, grows = number(row, name, "memory"), number(row, name, "growth")
        return size(says) if says is not None else f"+{size(grows)}" if grows else ""

    return _plain(rows, "Peak memory of the gradient, arguments and results included (+: growth of the process)", cell)


def imports(rows: list[Row]) -> Table:
    def cell(row: Row, name: str) -> str:
        x = number(row, name, "import", "cpu")
        return "" if x is None else duration(x)

    return _plain(rows, "Time of the import in a fresh process, processor time", cell)


def judged(rows: list[Row]) -> Table:
    """Each target: what was measured, the limit, whether it is met, and if not what limits it."""
    lines = []
    for v in verdicts(rows):
        measured, limit = (duration(x) if v.unit == "s" else f"{x:.3g} {TIMES} {v.unit}" for x in (v.measured, v.limit))
        outcome = "met" if v.met else f"missed by {TIMES}{v.excess:.2f}"
        lines.append([v.target, v.program, measured, limit, outcome, "" if v.met else _limit(rows, v)])
    return Table("Targets of the compiler", ["target", "program", "measured", "at most", "", "what limits it"], lines)


def _limit(rows: list[Row], v: Verdict) -> str:
    """What the time that is judged is made of, as far as that was measured."""
    row = next((row for row in rows if row["name"] == v.program), None)
    if row is None:
        return ""
    if v.target == "compile time":
        own, llvm = number(row, OWN, "compile", "gradient"), number(row, OWN, "work", "llvm")
        return f"LLVM takes {duration(llvm)} of {duration(own)}" if own and llvm else ""
    if not v.target.startswith(("gradient", "sparse")):
        return ""
    traffic, wall = number(row, OWN, "traffic"), number(row, OWN, "gradient", "wall")
    if traffic and wall and traffic >= wall / 2:
        return f"memory: to copy arguments and results takes {duration(traffic)} of {duration(wall)}"
    flops, of_function = number(row, OWN, "work", "gradient"), number(row, OWN, "work", "function")
    if not flops or not wall or not of_function:
        return ""
    rate = f"{flops / 1e6:.3g} million operations, {flops / wall / 1e9:.3g} a nanosecond"
    return f"{rate}; {flops / of_function:.2f} {TIMES} those of the function"
