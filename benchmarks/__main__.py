"""`python -m benchmarks`: time gradients beside other libraries; a table, and results.md and results.json."""

from __future__ import annotations

import argparse

from benchmarks import timing

timing.one_thread()  # before anything imports NumPy

from rich.console import Console  # noqa: E402
from rich.progress import Progress  # noqa: E402

from benchmarks import measure, report  # noqa: E402
from benchmarks.cases import CASES  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each library, interleaved")
    parser.add_argument("--only", default="", help="measure only cases whose name contains this; nothing is written")
    options = parser.parse_args()
    console = Console()
    with Progress(console=console) as progress:
        task = progress.add_task("measuring", total=None if options.only else len(CASES) + 1)
        rows = measure.all_rows(
            options.rounds, lambda name: progress.update(task, advance=1, description=name), options.only
        )
        progress.update(task, description="measured", total=1, completed=1)
    for table in report.rich_tables(rows):
        console.print(table)
    for row in rows:
        for shown, note in row["notes"].items():
            console.print(f"{row['case']}, {shown}: {note}", style="dim", markup=False)
    if not options.only:
        console.print("Written: " + ", ".join(str(path) for path in report.write(rows, options.rounds)))


if __name__ == "__main__":
    main()
