"""The measured table: in the terminal, in Markdown, in JSON."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table as View

from benchmarks.report import environment, markdown
from benchmarks.structure.run import Part
from benchmarks.tables import Table, duration, size

HERE = Path(__file__).parent.parent
METHOD = (
    "Each part in a fresh process, pinned to one core, one thread, double precision; all ways are checked to agree on "
    "the values, then timed in turn: wall time of calls that wait for their result, medians, compiling not counted"
)


def shown(number: float, unit: str) -> str:
    """A number as a reader reads it."""
    if unit == "s":
        return duration(number)
    if unit == "bytes":
        return size(number)
    return f"{number:,.0f}" if number == round(number) and abs(number) < 1e15 else f"{number:.3g}"


def tables(part: Part) -> list[Table]:
    """The rows of a part: those with the same unit and ways are one table."""
    found = []
    for (unit, ways), rows in groupby(part.rows, key=lambda row: (row.unit, tuple(row.numbers))):
        lines = [[row.title, *(shown(row.numbers[way], unit) for way in ways)] for row in rows]
        title = part.heading if unit in ("s", "bytes", "") else f"{part.heading}: {unit}"
        found.append(Table(title, ["", *ways], lines))
    return found


def verdicts(parts: list[Part]) -> Table:
    """Every target, and whether it is met."""
    lines = [
        [row.title, t.what, f"{t.measured:.4g}", f"{t.way} {t.limit:.4g}", "met" if t.met else "**missed**"]
        for part in parts
        for row in part.rows
        for t in row.targets
    ]
    return Table("Targets", ["", "judged", "measured", "target", ""], lines)


def notes(parts: list[Part]) -> list[str]:
    """What belongs to the numbers, and what failed."""
    said = [f"{row.title}: {row.note}" for part in parts for row in part.rows if row.note]
    return said + [f"{part.heading}: not measured ({part.failed})" for part in parts if part.failed]


def views(parts: list[Part]) -> list[View]:
    """All tables, for the terminal."""
    found = []
    for table in filter(lambda table: table.lines, [*(t for part in parts for t in tables(part)), verdicts(parts)]):
        view = View(title=table.title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD)
        for i, name in enumerate(table.header):
            view.add_column(name, justify="right" if i else "left")
        for line in table.lines:
            view.add_row(*line)
        found.append(view)
    return found


def write(parts: list[Part]) -> list[Path]:
    """structure.md and structure.json."""
    facts = {**environment(1), "method": METHOD}
    found = {part.name: {"heading": part.heading, "failed": part.failed, "rows": [r.as_json() for r in part.rows]}
             for part in parts}  # fmt: skip
    json_path, text_path = HERE / "structure.json", HERE / "structure.md"
    json_path.write_text(json.dumps({"environment": facts, "parts": found}, indent=1) + "\n", "utf-8")
    machine = f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}"
    packages = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    text = [
        "# What structure saves",
        "",
        f"Measured on {facts['date']}: {machine}; {packages}. {METHOD}.",
        "Run again with `python -m benchmarks.structure`.",
        "",
        *markdown(verdicts(parts)),
    ]
    for part in parts:
        for table in tables(part):
            text += markdown(table)
    said = notes(parts)
    text += ["## Notes", "", *(f"- {note}" for note in said), ""] if said else []
    text_path.write_text("\n".join(text), "utf-8")
    return [text_path, json_path]
