"""A row of the table: what was measured, in how many ways, and the targets that it is judged by."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

WAYS = ("at most", "at least", "equal to")


@dataclass(frozen=True)
class Target:
    """A limit, and the number that is judged by it.

    what:     what the number is, e.g. "time over that of the dense Jacobian"
    measured: the number
    way:      one of WAYS
    limit:    the other side
    """

    what: str
    measured: float
    way: str
    limit: float

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"{self.what}: {self.way!r} is none of {', '.join(WAYS)}")

    @property
    def met(self) -> bool:
        """Is it? NaN meets nothing."""
        if self.way == "equal to":
            return bool(self.measured == self.limit)
        return bool(self.measured <= self.limit if self.way == "at most" else self.measured >= self.limit)


@dataclass(frozen=True)
class Row:
    """One line of measured numbers.

    title:   what was measured, with its sizes
    unit:    of all numbers: "s", "bytes", or the plural of what is counted ("multiplications")
    numbers: library or way -> number; rows of a module with the same unit and the same ways are one table
    targets: by which the numbers are judged
    note:    what a reader must know to take the numbers for what they are
    """

    title: str
    unit: str
    numbers: dict[str, float]
    targets: tuple[Target, ...] = field(default=())
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row as numbers and texts; targets with their verdicts."""
        numbers = {way: float(x) for way, x in self.numbers.items()}
        targets = [
            {**asdict(t), "measured": float(t.measured), "limit": float(t.limit), "met": t.met} for t in self.targets
        ]
        return {**asdict(self), "numbers": numbers, "targets": targets}
