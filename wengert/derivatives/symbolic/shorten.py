"""Named intermediate values: which are needed, and which are worth a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .names import symbol
from .size import Sizes

Assignments = list[tuple[Any, Any]]  # (symbol, expression), each in terms of the symbols before it


def used(assignments: Assignments, outs: Sequence[np.ndarray]) -> Assignments:
    """The assignments that the results depend on."""
    needed = {s for y in outs for e in y.reshape(-1) for s in e.free_symbols}
    kept = []
    for v, e in reversed(assignments):
        if v in needed:
            kept.append((v, e))
            needed |= e.free_symbols
    return kept[::-1]


DEEPEST = 30  # expressions nested deeper than this keep the names of parts: SymPy walks expressions recursively


def inlined(assignments: Assignments, outs: Sequence[np.ndarray]) -> tuple[Assignments, list[np.ndarray]]:
    """Values that are used once are written where they are used; the others keep their names."""
    assignments = used(assignments, outs)
    names = {v for v, _ in assignments}
    expressions = [e for _, e in assignments] + [e for y in outs for e in y.reshape(-1)]
    uses: Counter[Any] = Counter()
    for e in expressions:
        uses.update({s: occurrences(e, s) for s in e.free_symbols & names})
    values: dict[Any, Any] = {}
    kept = []
    for v, e in assignments:
        e = e.xreplace(values)
        if uses[v] == 1 and depth(e, {}) < DEEPEST:
            values[v] = e
        else:
            kept.append((v, e))
    return kept, [replaced(y, values) for y in outs]


def replaced(y: np.ndarray, values: dict[Any, Any]) -> np.ndarray:
    """The elements with expressions in the place of symbols."""
    made = np.empty(y.size, object)
    for k, e in enumerate(y.reshape(-1)):
        made[k] = e.xreplace(values)
    return made.reshape(y.shape)


def renamed(
    assignments: Assignments, outs: Sequence[np.ndarray], names: Iterator[str]
) -> tuple[Assignments, list[np.ndarray]]:
    """The same under other names, in order."""
    new = {v: symbol(next(names), bool(v.is_real)) for v, _ in assignments}
    return [(new[v], e.xreplace(new)) for v, e in assignments], [replaced(y, new) for y in outs]


def written_out(assignments: Assignments, outs: Sequence[np.ndarray]) -> int:
    """Operations if every intermediate value were written out wherever it is used."""
    sizes = Sizes()
    for v, e in assignments:
        sizes.defined[v] = sizes(e)
    return sum(sizes(e) for y in outs for e in y.reshape(-1))


def occurrences(e: Any, v: Any) -> int:
    """How often a symbol is written in an expression."""
    return int(e == v) if not e.args else sum(occurrences(a, v) for a in e.args)


def depth(e: Any, names: dict[Any, int]) -> int:
    """How deep an expression is nested. names: the depths of symbols that stand for expressions."""
    return 1 + max(depth(a, names) for a in e.args) if e.args else names.get(e, 0)


def written_out_depth(assignments: Assignments, outs: Sequence[np.ndarray]) -> int:
    """How deep the results are nested if every intermediate value is written out."""
    names: dict[Any, int] = {}
    for v, e in assignments:
        names[v] = depth(e, names)
    return max((depth(e, names) for y in outs for e in y.reshape(-1)), default=0)
