"""What goes wrong in native code, as the exception that NumPy or the interpreter would raise there.

Native code returns a number; `Module.failures` says for each number what happened, and in which equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.program import Equation
from ...errors import BranchChangedError, MemoryLimitError
from ...primitives.window import beyond

KINDS: dict[str, Callable[..., Exception]] = {}  # (kind, *details) happened: details and equation -> the exception

DETAILED = {"index", "rows", "slice"}  # kinds to which a number belongs that is known only then


def fails(kind: str) -> Callable[[Callable[..., Exception]], Callable[..., Exception]]:
    """Declare the exception of a kind of failure: `make(eq, *details)`."""

    def declare(make: Callable[..., Exception]) -> Callable[..., Exception]:
        KINDS[kind] = make
        return make

    return declare


def exception(what: tuple[Any, ...], eq: Equation | None, detail: int = 0) -> Exception:
    """The exception for what happened in an equation, with the user's line as a note. detail: what native code left."""
    kind, *details = what
    error = KINDS[kind](eq, *details, detail) if kind in DETAILED else KINDS[kind](eq, *details)
    if eq is not None and eq.source is not None and not hasattr(error, "where"):
        error.add_note(f"  where: {eq.source}" + (f"    {eq.source.text}" if eq.source.text else ""))
    return error


@fails("index")
def _index(eq: Equation | None, extent: int, axis: int, place: int) -> Exception:
    index = place if place >= 0 else place - extent  # native code counts from the front
    return IndexError(f"index {index} is out of bounds for axis {axis} with size {extent}")


@fails("slice")
def _slice(eq: Equation | None, length: int, step: int, extent: int, start: int) -> Exception:
    return beyond(start, length, step, extent, None if eq is None else eq.source)


@fails("assume")
def _assume(eq: Equation | None, value: str) -> Exception:
    found = {"True": "False", "False": "True"}.get(value, "another value")
    return BranchChangedError(
        f"this program was recorded where a Python decision saw {value}; here it sees {found}",
        why="Python's own `if`, `while` and `range` are decided while a program is recorded, so it holds only the "
        "branch that was taken",
        write="record it again at this point with wg.trace(f)(*args), or write the decision with wg.cond or "
        "wg.while_loop, which keep both branches",
        where=None if eq is None else eq.source,
    )


@fails("rows")
def _rows(eq: Equation | None, row_bytes: int, rows: int) -> Exception:
    return MemoryLimitError(
        f"a loop would keep {rows:,} rows of {row_bytes:,} bytes, which are {rows * row_bytes / 1e9:.3g} GB",
        why="reverse mode keeps what each round's derivative needs; a loop that does not end keeps on growing",
        write="check the condition of the loop, bound its rounds with wg.fori_loop, or use wg.checkpoint in its body, "
        "which keeps less of each round",
        where=None if eq is None else eq.source,
    )
