"""What is kept of a sparse derivative: where it may be nonzero, and in which colours it is computed. Saved as .npz."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...errors import ArgumentError
from .colouring import Bipartite, colour
from .dependence import canonical
from .forms import bandwidth, blocks, form_of
from .orders import ORDERS
from .symmetric import colour_symmetric

MODES = {"jacobian": ("auto", "columns", "rows", "both"), "hessian": ("auto", "star", "acyclic", "columns")}


class Structure:
    """Where a Jacobian or a Hessian may be nonzero.

    pattern: a scipy.sparse.csr_array of bool, shape (elements of the results, elements of the inputs), in C order and
    in the order of the leaves; square for a Hessian. kind: "jacobian" or "hessian". origin: the fingerprint of the
    program that it was found from, for all data; empty for others.
    """

    def __init__(self, pattern: Any, kind: str = "jacobian", origin: str = "") -> None:
        if not sp.issparse(pattern) and np.ndim(pattern) != 2:
            raise ArgumentError(
                f"a {type(pattern).__name__} is no pattern of a matrix",
                why="a structure says for each row and column whether there may be an entry",
                write="a scipy.sparse matrix or an array (m, n); wg.sparse.pattern(f)(*args) finds it from a program",
            )
        self.pattern, self.kind, self.origin = canonical(sp.csr_array(pattern, dtype=bool)), kind, origin

    @property
    def shape(self) -> tuple[int, int]:
        """Elements of the results, elements of the inputs."""
        m, n = self.pattern.shape
        return int(m), int(n)

    @property
    def nnz(self) -> int:
        """Entries that may be nonzero."""
        return int(self.pattern.nnz)

    @functools.cached_property
    def bandwidth(self) -> tuple[int, int]:
        """How far the entries reach below and above the diagonal: max(i - j) and max(j - i), at least 0."""
        return bandwidth(self.pattern)

    @functools.cached_property
    def blocks(self) -> list[tuple[Any, Any]]:
        """The blocks that it falls into, as numbers of rows and of columns: no row of one has an entry in another.

        >>> import numpy as np
        >>> import wengert as wg
        >>> f = wg.vmap(lambda x: x * np.sum(x))
        >>> wg.sparse.pattern(f)(np.zeros((2, 3))).blocks
        [(array([0, 1, 2]), array([0, 1, 2])), (array([3, 4, 5]), array([3, 4, 5]))]
        """
        return blocks(self.pattern)

    @functools.cached_property
    def form(self) -> str:
        """What it looks like, in words: diagonal, banded, blocks, dense, or how long its rows are.

        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.sparse.pattern(np.diff)(np.zeros(5)).form
        'banded, 0 below and 1 above the diagonal'
        """
        return form_of(self)

    def colouring(self, mode: str = "auto", order: str = "auto", weight: float = 1.0) -> Colouring:
        """The colours in which it is computed.

        mode: for a Jacobian "columns" (JVPs), "rows" (VJPs), "both" (long rows by VJPs and the rest by JVPs, or long
        columns the other way), or "auto", the cheapest; for a Hessian "star" (read off directly), "acyclic" (fewer
        products, by substitution), "columns" (symmetry not used), or "auto": star. order: "natural", "largest first",
        "smallest last", "incidence degree", or "auto": the fewest colours of these, until no fewer are possible.
        weight: what a VJP costs, in JVPs. Raises ArgumentError.

        >>> import numpy as np
        >>> import wengert as wg
        >>> wg.sparse.pattern(np.diff)(np.zeros(1000)).colouring()
        columns: 2 products for a matrix of 999 x 1000 with 1998 entries
        """
        if not isinstance(mode, str) or mode not in MODES[self.kind]:
            raise unknown("mode", mode, MODES[self.kind], f"a sparse {self.kind} has these colourings")
        if order != "auto" and order not in ORDERS:
            raise unknown("order", order, ("auto", *ORDERS), "greedy colouring takes the vertices in one of these")
        if self.kind == "jacobian" or mode == "columns":
            way = colour(self.pattern, mode, order, weight)
            return Colouring(self, way, _mode_of(way))
        mode = "star" if mode == "auto" else mode
        found = colour_symmetric(self.pattern, mode, order)
        return Colouring(self, Bipartite(np.full(self.shape[0], -1), found), mode)

    def save(self, path: Any) -> None:
        """Write it to a file, `.npz`."""
        np.savez_compressed(path, **self.arrays())

    @classmethod
    def load(cls, path: Any) -> Structure:
        """Read it from a file."""
        with np.load(path, allow_pickle=False) as file:
            return cls.of(file)

    def arrays(self) -> dict[str, Any]:
        """What is saved."""
        return {
            "shape": np.array(self.shape),
            "indptr": self.pattern.indptr,
            "indices": self.pattern.indices,
            "kind": np.array(self.kind),
            "origin": np.array(self.origin),
        }

    @classmethod
    def of(cls, file: Any) -> Structure:
        """From what was saved."""
        indices = file["indices"]
        data = np.ones(indices.size, bool)
        pattern = sp.csr_array((data, indices, file["indptr"]), shape=tuple(file["shape"].tolist()))
        return cls(pattern, str(file["kind"]), str(file["origin"]))

    def __repr__(self) -> str:
        m, n = self.shape
        return f"Structure of a {self.kind}: {m} x {n}, {self.nnz} entries ({self.form})"


class Colouring:
    """A structure with the colours of its rows and columns (-1: none), and the mode that they belong to."""

    def __init__(self, structure: Structure, way: Bipartite, mode: str) -> None:
        self.structure, self.way, self.mode = structure, way, mode

    @property
    def numbers(self) -> tuple[int, int]:
        """How many products with the transpose (VJPs), and with the matrix (JVPs, HVPs), are computed."""
        return self.way.numbers

    @property
    def products(self) -> int:
        """Both together."""
        return sum(self.numbers)

    def save(self, path: Any) -> None:
        """Write it, and its structure, to a file, `.npz`."""
        colours = {"rows": self.way.rows, "columns": self.way.columns, "mode": np.array(self.mode)}
        np.savez_compressed(path, **self.structure.arrays(), **colours)

    @classmethod
    def load(cls, path: Any) -> Colouring:
        """Read it from a file."""
        with np.load(path, allow_pickle=False) as file:
            return cls(Structure.of(file), Bipartite(file["rows"], file["columns"]), str(file["mode"]))

    def __repr__(self) -> str:
        m, n = self.structure.shape
        rows, columns = self.numbers
        apart = f" ({rows} of rows, {columns} of columns)" if rows and columns else ""
        return (
            f"{self.mode}: {self.products} products{apart} for a matrix of {m} x {n} with {self.structure.nnz} entries"
        )


def _mode_of(way: Bipartite) -> str:
    rows, columns = way.numbers
    return "both" if rows and columns else "rows" if rows else "columns"


def unknown(what: str, given: Any, known: Sequence[str], why: str) -> ArgumentError:
    """The error for a choice that there is not."""
    return ArgumentError(
        f"there is no {what} {given!r} of a sparse derivative", why=why, write=f"{what}= one of {', '.join(known)}"
    )
