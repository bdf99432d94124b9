"""A byte budget for reverse mode through a straight program: which parts to keep, which to run again.

A program is a chain of parts between places where little is in use. Each part is kept (what its derivative needs stays
from the first run on) or run again (what it hands on stays, the rest while it is reversed). The choice with the least
work within the budget is found by dynamic programming over the cuts, with the pairs (bytes kept, work) that no other
pair beats; after Beaumont, Eyraud-Dubois, Herrmann, Joly and Shilova, Optimal checkpointing for heterogeneous chains
(2019), with one level of recomputation, and Chen, Xu, Zhang and Guestrin (2016) for equal parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.program import Literal, Program
from ...core.provided import provide
from ...errors import ShapeError
from ...primitives.program_call import checkpoint
from .chain import Chain

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
POINTS = 400  # pairs that are kept at each cut


class Part(NamedTuple):
    """From one cut to another. again: it is run again on the way back."""

    start: int
    stop: int
    again: bool


class Plan:
    """What a checkpointed program will take, before it runs.

    peak: bytes of the values that are kept for the way back, at most. unlimited: without checkpoints. again: operations
    that are run a second time, those of checkpoints in the program among them. forward: those of one run. extra: again,
    as a part of one run and its way back, which counts as two runs.
    """

    def __init__(self, chain: Chain, parts: Sequence[Part], peak: float) -> None:
        self.chain, self.parts, self.peak = chain, list(parts), int(peak)
        self.forward = int(chain.work[-1])
        self.unlimited = int(chain.tables()[2][0, -1])
        inner = sum(c for c, eq in zip(chain.costs, chain.program.equations, strict=True) if eq.primitive is checkpoint)
        self.again = int(sum(chain.work[p.stop] - chain.work[p.start] for p in parts if p.again)) + inner

    @property
    def extra(self) -> float:
        """Additional work, as a part of that of the gradient: a run, and its way back for twice as much."""
        return self.again / (3 * self.forward) if self.forward else 0.0

    def __str__(self) -> str:
        again = sum(p.again for p in self.parts)
        return (
            f"{len(self.parts)} parts, {again} of them run again: peak {self.peak:,} bytes instead of "
            f"{self.unlimited:,}, {self.again:,} operations more ({100 * self.extra:.1f}% of the gradient's)"
        )

    __repr__ = __str__


def in_bytes(budget: Any) -> int:
    """A number of bytes, or a text such as "2 GB" (10^9) or "512 MiB" (2^20)."""
    if isinstance(budget, str):
        match = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([a-z]*)\s*", budget.lower())
        if match and match[2] in UNITS and match[1].count(".") <= 1 and match[1] != ".":
            return int(float(match[1]) * UNITS[match[2]])
    elif isinstance(budget, (int, float, np.integer)) and budget >= 0:
        return int(budget)
    raise ShapeError(f"checkpoint got budget={budget!r}", why="it is a number of bytes", write='budget="2 GB" or 2e9')


def within(chain: Chain, budget: float) -> tuple[list[Part], float] | None:
    """The parts with the least work within a budget, and their peak; None where nothing fits."""
    handed, turned, kept = chain.tables()
    m = len(chain.cuts)
    # at each cut: bytes kept, work, peak so far, and where the pair came from (cut, pair, again)
    pairs: list[Any] = [np.zeros((1, 6))]
    for j in range(1, m):
        found = []
        for i in range(j):
            at = pairs[i]
            for again in (True, False):
                held = at[:, 0] + (handed[i, j] if again else kept[i, j])
                peak = np.maximum(at[:, 2], np.maximum(held, at[:, 0] + turned[i, j]) if again else held)
                work = at[:, 1] + (chain.work[j] - chain.work[i] if again else 0.0)
                rows = np.column_stack([held, work, peak, 0 * held + i, np.arange(len(at)), 0 * held + again])
                found.append(rows[peak <= budget])
        pairs.append(best(np.concatenate(found)))
    last = pairs[-1]
    if not len(last):
        return None
    row = last[np.lexsort((last[:, 2], last[:, 1]))[0]]
    peak, parts, j = row[2], [], m - 1
    while j:
        i, k, again = int(row[3]), int(row[4]), bool(row[5])
        parts.append(Part(i, j, again))
        row, j = pairs[i][k], i
    return parts[::-1], peak


def best(rows: Any) -> Any:
    """The pairs that no other pair beats in both, thinned out if there are very many."""
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    if not len(rows):
        return rows
    before = np.concatenate([[np.inf], np.minimum.accumulate(rows[:, 1])[:-1]])
    rows = rows[rows[:, 1] < before]
    if len(rows) > POINTS:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, POINTS).astype(int))]
    return rows


def smallest(chain: Chain) -> float:
    """The smallest peak that parts of the chain can have."""
    low, high = 0.0, float(chain.tables()[2][0, -1])
    for _ in range(24):
        middle = (low + high) / 2
        found = within(chain, middle)
        low, high = (middle, high) if found is None else (low, found[1])
        if high - low <= 1e-4 * high:
            break
    return high


def equal_parts(chain: Chain, k: int) -> tuple[list[Part], float]:
    """So many parts with about as many bytes each, all but the last run again."""
    handed, turned, kept = chain.tables()
    m = len(chain.cuts)
    wanted = np.linspace(0, kept[0, -1], k + 1)[1:-1]
    cuts = np.unique([0, *np.searchsorted(kept[0], wanted).clip(0, m - 1), m - 1])
    parts = [Part(int(i), int(j), j < m - 1) for i, j in itertools.pairwise(cuts)]
    held = peak = 0.0
    for i, j, again in parts:
        peak = max(peak, held + (turned[i, j] if again else kept[i, j]))
        held += handed[i, j]
    return parts, max(peak, held if len(parts) > 1 else 0.0)


@provide
def checkpoint_plan(program: Program, budget: Any, segments: int | None) -> Plan:
    """The plan for a program: within a budget, or in so many segments."""
    chain = program.remember(Chain)
    if segments is not None:
        return Plan(chain, *equal_parts(chain, segments))
    limit = in_bytes(budget)
    found = within(chain, limit)
    if found is None:
        raise ShapeError(
            f"checkpoint cannot keep the way back through {program.name} within {limit:,} bytes",
            why=f"the smallest that is possible is {int(np.ceil(smallest(chain))):,} bytes, without its arguments",
            write="a larger budget, wg.scan(..., checkpoint=) for loops, or smaller operations",
        )
    return Plan(chain, *found)


@provide
def run_in_parts(plan: Plan, args: Sequence[Any]) -> list[Any]:
    """The program's results, with checkpoints around the parts that are run again."""
    program = plan.chain.program
    values: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    for i, j, again in plan.parts:
        part = plan.chain.part(i, j)
        given = [values[v] for v in part.inputs]
        results = checkpoint(*given, program=part) if again else part.evaluate(given)
        values.update(zip(part.outputs, results, strict=True))
    constants = dict(program.constants)
    return [a.value if isinstance(a, Literal) else values[a] if a in values else constants[a] for a in program.outputs]
