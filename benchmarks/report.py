"""A measurement in the terminal, in Markdown, in JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

from rich import box
from rich.table import Table as View

from benchmarks import plot
from benchmarks.libraries import versions
from benchmarks.measure import FILL_S, PASSES, Row
from benchmarks.tables import Table, all_tables, duration
from benchmarks.targets import number

HERE = Path(__file__).parent


def environment(rounds: int) -> dict:
    """What the numbers hold for: machine, versions, date, method."""
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "rounds": rounds,
        "versions": versions(),
        "method": "One program in one library a process, one at a time, pinned to one core, one thread, double "
        "precision; values and gradients checked to agree before timing; wall time of calls that wait for their "
        f"result, medians over {rounds} rounds of fresh processes, in each {PASSES} interleaved passes of {FILL_S} s"
        f"{_assertions()}",
    }


def _assertions() -> str:
    """What is to be known of llvmlite's LLVM where compile times are compared with those of others."""
    import llvmlite.binding as llvm

    on = getattr(llvm, "llvm_assertions_state", "") == "on"
    return "; LLVM as llvmlite has it, built with its assertions on" if on else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or sys.platform


def views(rows: list[Row]) -> list[View]:
    """The tables, for the terminal."""
    shown = []
    for table in all_tables(rows):
        view = View(title=table.title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD)
        for i, name in enumerate(table.header):
            view.add_column(name, justify="right" if i else "left", no_wrap=i > 0)
        for line in table.lines:
            view.add_row(*(cell.replace(" (", "\n(") if i else cell for i, cell in enumerate(line)))
        shown.append(view)
    return shown


def line(row: Row) -> str:
    """What was measured of a program, in a line, as soon as it is."""
    walls = {name: number(row, name, "gradient", "wall") for name in row["results"]}
    return f"{row['name']}: " + ", ".join(f"{name} {duration(wall)}" for name, wall in walls.items() if wall)


def notes(rows: list[Row]) -> list[str]:
    """Why numbers are missing."""
    return [f"{row['title']}, {name}: {note}" for row in rows for name, note in row["notes"].items()]


def markdown(table: Table) -> list[str]:
    """A table, in Markdown."""
    return [
        f"## {table.title}",
        "",
        "| " + " | ".join(table.header) + " |",
        "|---" + "|---:" * (len(table.header) - 1) + "|",
        *("| " + " | ".join(line) + " |" for line in table.lines),
        "",
    ]


def write(rows: list[Row], rounds: int) -> list[Path]:
    """results.json, results.md and results.png."""
    facts = environment(rounds)
    (HERE / "results.json").write_text(json.dumps({"environment": facts, "rows": rows}, indent=1) + "\n", "utf-8")
    machine = f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}"
    packages = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    text = [
        "# Benchmarks",
        "",
        f"Measured on {facts['date']}: {machine}; {packages}. {facts['method']}. Run again with `make bench`.",
        "",
        *(["![Time of a gradient](results.png)", ""] if (picture := plot.speed(rows, HERE / "results.png")) else []),
    ]
    for table in all_tables(rows):
        text += markdown(table)
    missing = notes(rows)
    text += ["## Not measured", "", *(f"- {note}" for note in missing), ""] if missing else []
    (HERE / "results.md").write_text("\n".join(text), "utf-8")
    return [HERE / "results.md", HERE / "results.json", *([picture] if picture else [])]
