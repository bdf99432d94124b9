"""A sparse derivative for arguments of one combination of types: the products, the entries, and the check of what the
user says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core.call import name_of
from ...core.trace import Tracer
from ...errors import ArgumentError, UnsupportedFunctionError
from .compressed import Recovery, seeds
from .matrices import Layout
from .plan import Plan
from .structure import Colouring

MEMORY = 2**28  # bytes of products that are held at once
WAYS = {"jacobian": "jvp", "hessian": "hvp"}
SHOWN = 4  # entries that an error names


class Evaluation:
    """What a call runs. doubted: the entries that the program may have and a given pattern has not; None: no doubts.

    Where there are doubts, every call is checked, at the price of one more product.
    """

    def __init__(self, name: str, plan: Plan, colouring: Colouring, doubted: Any = None) -> None:
        kind = colouring.structure.kind
        self.name, self.plan, self.colouring, self.doubted, self.way = name, plan, colouring, doubted, WAYS[kind]
        sizes = plan.in_sizes if kind == "hessian" else plan.out_sizes
        self.recovery = Recovery(colouring)
        self.layout = Layout(colouring.structure.pattern, sizes, plan.in_sizes)
        self.width = 8 * max(sum(plan.in_sizes) + sum(plan.out_sizes), 1)  # bytes of a seed and its product
        fits = self.width * colouring.products <= MEMORY
        self.run = plan.entries(self.recovery, self.way) if self.recovery.solve is None and fits else None

    def entries(self, data: Sequence[Any]) -> Any:
        """The entries: all at once, or where that takes much memory so many products at a time."""
        if any(isinstance(x, Tracer) for x in data):
            return self.traced_entries(data)
        found = self.in_pieces(data) if self.run is None else self.run(*data)
        if self.doubted is not None:
            self.check(found, data)
        return found

    def traced_entries(self, data: Sequence[Any]) -> Any:
        """The same inside another transformation."""
        if self.recovery.solve is not None:
            raise not_traced(self.name, self.plan)
        if self.doubted is not None:
            raise unchecked(self.name, self.plan, self.doubted)
        run = self.run or self.plan.entries(self.recovery, self.way)
        return run(*data)

    def in_pieces(self, data: Sequence[Any]) -> Any:
        """The entries from products that are computed so many at a time."""
        way = self.colouring.way
        lines = zip(("vjp", self.way), (way.rows, way.columns), way.numbers, strict=True)
        parts = [pieces(self.plan.products(run), colours, k, data, self.width) for run, colours, k in lines if k]
        return self.recovery.picked(parts)

    def check(self, entries: Any, data: Sequence[Any]) -> None:
        """A pattern that is given must hold all that is nonzero: A v against a product, in a random direction."""
        pattern = self.colouring.structure.pattern
        v = np.random.default_rng(0).uniform(1, 2, pattern.shape[1])
        A = sp.csr_array((entries, pattern.indices, pattern.indptr), shape=pattern.shape)
        exact = self.plan.products(self.way)(v[None], *data)[0]
        scale = abs(A) @ v + np.abs(exact)
        wrong = np.abs(A @ v - exact) > 1e-3 * np.finfo(exact.dtype).eps ** 0.25 * scale
        if wrong.any():
            raise too_small(self.name, self.plan, np.flatnonzero(wrong), self.doubted)


def pieces(run: Callable[..., Any], colours: Any, count: int, data: Sequence[Any], width: int) -> Any:
    """All products, flat, so many at a time that seeds and products of `width` bytes fit into the memory."""
    step = min(max(MEMORY // width, 1), count)
    parts = []
    for start in range(0, count, step):
        some = run(seeds(colours, start, start + step), *data)  # one shape for all, so that one program serves
        parts.append(some[: count - start].reshape(-1))
    return np.concatenate(parts)


# errors ----------------------------------------------------------------------------------------------------------
def named_entries(entries: Any, rows: Any = None) -> str:
    """The first entries of a pattern, of these rows, as text."""
    if rows is not None:
        entries = entries[rows]
    i, j = entries.nonzero()
    if rows is not None:
        i = rows[i]
    pairs = [f"({a}, {b})" for a, b in zip(i[:SHOWN].tolist(), j[:SHOWN].tolist(), strict=True)]
    return ", ".join(pairs) + (f" and {i.size - SHOWN} more" if i.size > SHOWN else "")


def too_small(name: str, plan: Plan, rows: Any, doubted: Any) -> ArgumentError:
    """The error for a pattern that misses entries."""
    shown = ", ".join(map(str, rows[:SHOWN].tolist())) + (", ..." if rows.size > SHOWN else "")
    entries = "" if doubted is True else named_entries(doubted, rows)
    missing = f"; by the program {entries} may be nonzero and are not in it" if entries else ""
    return ArgumentError(
        f"the pattern given to {name} of {name_of(plan.fun)} is too small: rows {shown} differ from a product with a "
        f"random direction{missing}",
        why="an entry that the pattern leaves out is added to others of its colour, so that all of them are wrong",
        write="a pattern that covers it (wg.sparse.pattern(f)(*args) finds one), or no pattern=",
    )


def unchecked(name: str, plan: Plan, doubted: Any) -> UnsupportedFunctionError:
    """The error for a pattern that cannot be checked."""
    missing = "could not be found from the program" if doubted is True else f"has {named_entries(doubted)} besides"
    return UnsupportedFunctionError(
        f"the pattern given to {name} of {name_of(plan.fun)} must be checked at every point, and is used inside "
        "another transformation",
        why=f"it may be too small, which only values show: the structure of the program {missing}",
        write="a pattern with these entries; or check=False, if you know that they are zero wherever it is used",
    )


def not_traced(name: str, plan: Plan) -> UnsupportedFunctionError:
    """The error for a substitution in traced values."""
    return UnsupportedFunctionError(
        f"{name} of {name_of(plan.fun)} with an acyclic colouring is called inside another transformation",
        why="its entries are found by a sparse triangular system, which is solved by SciPy",
        write='mode="star"',
    )
