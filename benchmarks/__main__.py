"""`python -m benchmarks`: values and gradients beside other libraries; tables, and results.md, .json and .png."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import Progress

from benchmarks import imports, measure, report
from benchmarks.libraries import LIBRARIES
from benchmarks.programs import NAMES, program

ALL = (*NAMES, "import")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each library gets a fresh process")
    parser.add_argument("--only", nargs="+", default=ALL, metavar="NAME", help=f"of {', '.join(ALL)}")
    parser.add_argument("--libraries", nargs="+", default=[], metavar="NAME", help=f"of {', '.join(LIBRARIES)}")
    parser.add_argument("--write", action="store_true", help="write the files also where not everything is measured")
    chosen = parser.parse_args()
    for given, known in ((chosen.only, ALL), (chosen.libraries, LIBRARIES)):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen


def main() -> None:
    chosen, console = options(), Console()
    everything = chosen.only is ALL and not chosen.libraries
    rows = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring", total=len(chosen.only))
        told = lambda text: progress.update(task, description=text)
        for name in chosen.only:
            if name == "import":
                rows.append(imports.row(chosen.rounds, told))
            else:
                measured = program(name)
                rows.append(measure.row(measured, measure.names(measured, chosen.libraries), chosen.rounds, told))
            console.print(report.line(rows[-1]), style="dim", highlight=False, markup=False)
            progress.advance(task)
    for view in report.views(rows):
        console.print(view)
    for note in report.notes(rows):
        console.print(note, style="dim", markup=False)
    if everything or chosen.write:
        console.print("Written: " + ", ".join(str(path) for path in report.write(rows, chosen.rounds)))


if __name__ == "__main__":
    main()
