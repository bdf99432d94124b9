"""The linearised graph: vertices are intermediate values, edges their local Jacobians; and its elimination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .algebra import Algebra, Local, Product

Edge = tuple[int, int]
Step = tuple[
    int, ...
]  # (v,): eliminate a vertex. (i, v, 1): front-eliminate the edge i -> v; (v, j, -1): back-eliminate


class Graph:
    """Vertices with sizes, and a Jacobian on each edge i -> j. Numbers grow along the edges.

    Law (Griewank and Walther, Evaluating Derivatives, chapter 9): dy/dx = the sum over all paths from x to y of the
    products of the Jacobians along them. inputs have no edges in, outputs none out.
    """

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int], algebra: Algebra) -> None:
        self.inputs, self.outputs, self.algebra = tuple(inputs), tuple(outputs), algebra
        self.edges: dict[Edge, Local] = {}
        self.sizes: dict[int, int] = {}

    @property
    def intermediate(self) -> list[int]:
        """The vertices to eliminate, in the order of the program."""
        ends = {*self.inputs, *self.outputs}
        return sorted({v for edge in self.edges for v in edge} - ends)

    @property
    def signature(self) -> tuple[object, ...]:
        """What an order depends on: the edges with their patterns and constants."""
        return tuple(
            (i, j, a.pattern.m, a.pattern.n, a.pattern.rows.tobytes(), a.pattern.cols.tobytes(), constant_key(a))
            for (i, j), a in self.edges.items()
        )


def constant_key(a: Local) -> bytes | None:
    """The constants of a matrix as a key."""
    return None if a.constant is None else a.constant.tobytes()


class Elimination:
    """A graph on which vertices and edges are eliminated, and what that has cost so far.

    multiplications: those that are carried out. Nothing is multiplied by an edge whose entries are all 1 or all -1, and
    products of constants are taken beforehand. pairs: the count of the literature, in which every product of two edges
    is a multiplication, also by a constant. additions: those that are carried out.
    """

    __slots__ = ("additions", "algebra", "multiplications", "pairs", "preds", "succs")

    def __init__(self, graph: Graph) -> None:
        self.algebra = graph.algebra
        self.multiplications = self.pairs = self.additions = 0
        self.preds: dict[int, dict[int, Local]] = {}
        self.succs: dict[int, dict[int, Local]] = {}
        for (i, j), a in graph.edges.items():
            self.preds.setdefault(j, {})[i] = a
            self.succs.setdefault(i, {})[j] = a

    def copy(self) -> Elimination:
        """The same state, to try something on. The edges of a vertex are never changed in place: copies share them."""
        new = object.__new__(Elimination)
        new.algebra = self.algebra
        new.multiplications, new.pairs, new.additions = self.multiplications, self.pairs, self.additions
        new.preds, new.succs = dict(self.preds), dict(self.succs)
        return new

    # steps -------------------------------------------------------------------------------------------------------
    def run(self, steps: Iterable[Step]) -> Elimination:
        """Take these steps."""
        for step in steps:
            self.step(step)
        return self

    def step(self, step: Step) -> bool:
        """Take one step; False where there is nothing to eliminate any more."""
        if len(step) == 1:
            return self.vertex(step[0])
        i, j, way = step
        return self.front(i, j) if way > 0 else self.back(i, j)

    def vertex(self, v: int) -> bool:
        """Each edge into v times each edge out of it; then v is gone."""
        preds, succs = self.preds.get(v), self.succs.get(v)
        if not preds or not succs:
            return False
        for i in sorted(preds):
            for j in sorted(succs):
                self.through(i, v, j)
        self.drop(v)
        return True

    def front(self, i: int, v: int) -> bool:
        """The edge i -> v times each edge out of v; then the edge is gone."""
        if i not in self.preds.get(v, ()) or not self.succs.get(v):
            return False
        for j in sorted(self.succs[v]):
            self.through(i, v, j)
        self.cut(i, v)
        return True

    def back(self, v: int, j: int) -> bool:
        """Each edge into v times the edge v -> j; then the edge is gone."""
        if j not in self.succs.get(v, ()) or not self.preds.get(v):
            return False
        for i in sorted(self.preds[v]):
            self.through(i, v, j)
        self.cut(v, j)
        return True

    # pieces ------------------------------------------------------------------------------------------------------
    def through(self, i: int, v: int, j: int) -> None:
        """c_ij += c_vj c_iv."""
        product = self.algebra.product(self.succs[v][j], self.preds[v][i])
        if not product.result.pattern.nnz:
            return
        self.multiplications += product.multiplications
        self.pairs += product.pairs
        self.additions += product.additions
        self.multiplied(i, v, j, product)
        old, new = self.preds[j].get(i), product.result
        if old is not None:
            total = self.algebra.sum(old, new)
            self.additions += total.additions
            new = total.result
        if new.pattern.nnz:
            self.preds[j] = {**self.preds[j], i: new}
            self.succs[i] = {**self.succs[i], j: new}
        else:  # constants that cancel
            self.cut(i, j)

    def multiplied(self, i: int, v: int, j: int, product: Product) -> None:
        """A product is taken, and added to the edge i -> j where there is one: here it is only counted."""

    def cut(self, i: int, j: int) -> None:
        """Remove an edge; a vertex that no edge enters, or none leaves, is removed with it."""
        self.forget(self.preds, j, i)
        self.forget(self.succs, i, j)

    def drop(self, v: int) -> None:
        """Remove a vertex with its edges, and what is left without a way from or to it."""
        for j in self.succs.pop(v, {}):
            self.forget(self.preds, j, v)
        for i in self.preds.pop(v, {}):
            self.forget(self.succs, i, v)

    def forget(self, side: dict[int, dict[int, Local]], u: int, v: int) -> None:
        """u has no edge from (or to) v any more; without any it is dropped."""
        side[u] = {w: a for w, a in side[u].items() if w != v}
        if not side[u] and (self.succs if side is self.preds else self.preds).get(u):
            self.drop(u)

    # costs -------------------------------------------------------------------------------------------------------
    def cost(self, v: int, count: str) -> int:
        """What eliminating v now would multiply: its Markowitz degree, by "pairs" or by "multiplications"."""
        product = self.algebra.product
        return sum(getattr(product(b, a), count) for a in self.preds[v].values() for b in self.succs[v].values())

    def left(self, vertices: Iterable[int]) -> list[int]:
        """Those of the vertices that are still to be eliminated."""
        return [v for v in vertices if self.preds.get(v) and self.succs.get(v)]
