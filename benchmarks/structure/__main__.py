"""`python -m benchmarks.structure`: sparse, eliminated, checkpointed, higher derivatives; structure.md and .json."""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.structure import NAMES, report
from benchmarks.structure.run import part


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.structure", description=__doc__)
    parser.add_argument("--only", nargs="+", default=NAMES, choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--write", action="store_true", help="write the files also where not everything is measured")
    return parser.parse_args()


def main() -> None:
    chosen, console = options(), Console()
    parts = []
    for name in chosen.only:
        with console.status(f"measuring: {name}"):
            parts.append(part(name))
        for view in report.views(parts[-1:]):
            console.print(view)
    for note in report.notes(parts):
        console.print(note, style="dim", markup=False)
    if chosen.only is NAMES or chosen.write:
        console.print("Written: " + ", ".join(str(path) for path in report.write(parts)))


if __name__ == "__main__":
    main()
