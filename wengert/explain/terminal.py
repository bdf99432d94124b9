"""An explanation in a terminal, by rich: tables that wrap, in colours where the terminal has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .text_tables import Table, heading, tables

if TYPE_CHECKING:
    from .explanation import Explanation

WIDEST = 24  # columns of text that do not give way
QUIET = {"expression", "tangent", "sum of what its users send"}  # columns that give way where the terminal is narrow


def renderables(explanation: Explanation, width: int) -> Iterator[Any]:
    """What rich prints: the function and its point, the notes, the tables."""
    from rich.text import Text

    yield Text(heading(explanation), style="bold")
    for note in explanation.notes:
        yield Text(note, style="italic")
    for table in tables(explanation, width):
        yield Text()
        yield rich_table(table)
        for note in table.below:
            yield Text(note, style="dim")


def rich_table(table: Table) -> Any:
    """One table."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    made.padding, made.collapse_padding = (0, 1, 0, 0), True
    for k, head in enumerate(table.heads):
        number, quiet = k in table.numbers, head in QUIET
        cells = [row[k] for row in (table.heads, *table.rows)]
        least = None if quiet or head.startswith("along") else max(map(cell_len, cells))
        made.add_column(
            Text(head),
            justify="right" if number else "left",
            overflow="fold" if quiet else "ellipsis",
            no_wrap=not quiet,
            min_width=least and min(least, WIDEST),
            style=_style(k, number),
        )
    for row in table.rows:
        made.add_row(*map(Text, row))
    return made


def _style(column: int, number: bool) -> str:
    if column == 0:
        return "cyan"
    return "green" if number else ""
