"""The tables of a measurement: in the terminal, in Markdown, in JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

from rich import box
from rich.table import Table

from benchmarks.libraries import LIBRARIES, versions
from benchmarks.measure import Row

HERE = Path(__file__).parent
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "\N{MICRO SIGN}s"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Three digits and a unit: 0.0001234 -> '123 us'."""
    scale, unit = next(((s, u) for s, u in UNITS if seconds >= s), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}" if seconds / scale < 999.5 else f"{seconds / scale:.0f} {unit}"


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
        "method": "processor time; one process a library, pinned to one core, one thread; "
        "medians over interleaved rounds; gradients checked to agree before timing",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or sys.platform


def _cell(row: Row, shown: str) -> str:
    if shown in row["seconds"]:
        own = row["seconds"].get("wengert")
        times = f" (\N{MULTIPLICATION SIGN}{row['seconds'][shown] / own:.2g})" if own and shown != "wengert" else ""
        return duration(row["seconds"][shown]) + times
    note = row["notes"].get(shown)
    return "" if note is None else note.split(":")[0]


def _ratio_cell(row: Row, shown: str) -> str:
    return f"{row['ratio'][shown]:.2f}" if shown in row["ratio"] else row["notes"].get(shown, "").split(":")[0]


def _tables(rows: list[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """(title, header, lines) of each table."""
    libraries = list(LIBRARIES)
    lines = [[row["case"], *(_cell(row, shown) for shown in libraries)] for row in rows]
    tables = [("Time of a gradient (in brackets: divided by Wengert's)", ["", *libraries], lines)]
    priced = [row for row in rows if row["ratio"]]
    if priced:
        eager = [shown for shown in libraries if any(shown in row["ratio"] for row in priced)]
        tables.append(
            (
                "Gradient over primal: the cost of a gradient, in evaluations of the function itself",
                ["", *eager],
                [[row["case"], *(_ratio_cell(row, s) for s in eager)] for row in priced],
            )
        )
    return tables


def rich_tables(rows: list[Row]) -> list[Table]:
    views = []
    for title, header, lines in _tables(rows):
        view = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, show_lines=False)
        for i, name in enumerate(header):
            view.add_column(name, justify="right" if i else "left", no_wrap=i > 0)
        for line in lines:
            view.add_row(*(cell.replace(" (", "\n(") if i else cell for i, cell in enumerate(line)))
        views.append(view)
    return views


def write(rows: list[Row], rounds: int) -> list[Path]:
    """benchmarks/results.json and results.md."""
    facts = environment(rounds)
    (HERE / "results.json").write_text(
        json.dumps({"environment": facts, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    text = [
        "# Benchmarks",
        "",
        f"Measured on {facts['date']}: {facts['processor']}, {facts['cores']} cores, "
        f"{facts['system']}, Python {facts['python']}; "
        + ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
        + f". {facts['method'].capitalize()} ({rounds} rounds). Run again with `python -m benchmarks`.",
        "",
    ]
    for title, header, lines in _tables(rows):
        text += [
            f"## {title}",
            "",
            "| " + " | ".join(header) + " |",
            "|---" + "|---:" * (len(header) - 1) + "|",
            *("| " + " | ".join(line) + " |" for line in lines),
            "",
        ]
    notes = [f"- {row['case']}, {shown}: {note}" for row in rows for shown, note in row["notes"].items()]
    text += ["Not measured:", "", *notes, ""] if notes else []
    (HERE / "results.md").write_text("\n".join(text), encoding="utf-8")
    return [HERE / "results.md", HERE / "results.json"]
