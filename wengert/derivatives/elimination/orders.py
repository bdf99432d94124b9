"""Orders of elimination by rule: forward, reverse, minimal Markowitz degree, cheapest next, with a look ahead."""

from __future__ import annotations

from collections.abc import Callable

from .graph import Elimination, Graph, Step

COUNTS = ("multiplications", "pairs")  # what an order is to have few of: see graph.Elimination


def forward(graph: Graph, count: str) -> list[Step]:
    """In the order of the program: the products are those of forward mode, without its zeros."""
    return [(v,) for v in graph.intermediate]


def reverse(graph: Graph, count: str) -> list[Step]:
    """From the results back: the products are those of reverse mode, without its zeros."""
    return [(v,) for v in reversed(graph.intermediate)]


def markowitz(graph: Graph, count: str) -> list[Step]:
    """The vertex of smallest Markowitz degree next: (edges in) times (edges out), weighted by the sizes of Jacobians.

    Of equal ones the first in the program. Griewank and Reese (1991), after Markowitz (1957).
    """
    return _greedy(graph, lambda state, v: (state.cost(v, "pairs"), v))


def cheapest(graph: Graph, count: str) -> list[Step]:
    """The vertex whose elimination multiplies least next; of equal ones that of smallest degree, then the first."""
    return _greedy(graph, lambda state, v: (state.cost(v, "multiplications"), state.cost(v, "pairs"), v))


def lookahead(graph: Graph, count: str) -> list[Step]:
    """The vertex whose elimination, with what it adds to the degrees of its neighbours, costs least next.

    The rule of least "Markowitz damage" (Albrecht, Gottschling, Naumann 2003), weighted by sizes; of equal ones the
    last in the program.
    """
    sizes = graph.sizes
    return _greedy(graph, lambda state, v: (state.cost(v, count) + damage(state, v, sizes), -v))


def damage(state: Elimination, v: int, sizes: dict[int, int]) -> int:
    """How much the degrees of v's neighbours grow when it goes."""
    preds, succs = state.preds, state.succs
    grown = 0
    for i in preds[v]:
        if preds.get(i):  # an input has no degree
            out = sum(sizes[j] for j in succs[v] if j not in succs[i]) - sizes[v]
            grown += sizes[i] * sum(sizes[u] for u in preds[i]) * out
    for j in succs[v]:
        if succs.get(j):
            into = sum(sizes[i] for i in preds[v] if i not in preds[j]) - sizes[v]
            grown += sizes[j] * sum(sizes[u] for u in succs[j]) * into
    return grown


def _greedy(graph: Graph, rank: Callable[[Elimination, int], tuple[int, ...]]) -> list[Step]:
    """The vertex of lowest rank next. Ranks of vertices that are far from the last one have not changed."""
    state, steps = Elimination(graph), list[Step]()
    left = {v: rank(state, v) for v in state.left(graph.intermediate)}
    while left:
        v = min(left, key=left.__getitem__)
        near = neighbours(state, v)
        state.vertex(v)
        del left[v]
        steps.append((v,))
        for u in near & left.keys():
            if state.preds.get(u) and state.succs.get(u):
                left[u] = rank(state, u)
            else:
                del left[u]
    return steps


def neighbours(state: Elimination, v: int) -> set[int]:
    """The vertices within three edges of v, whose rank its elimination can change."""
    found = {v}
    for _ in range(3):
        found |= {u for w in found for side in (state.preds, state.succs) for u in side.get(w, ())}
    return found


RULES: dict[str, Callable[[Graph, str], list[Step]]] = {
    "forward": forward,
    "reverse": reverse,
    "markowitz": markowitz,
    "cheapest": cheapest,
    "lookahead": lookahead,
}


def best_rule(graph: Graph, count: str) -> tuple[str, list[Step]]:
    """The rule whose order costs least on this graph, and the order."""
    found = [(name, rule(graph, count)) for name, rule in RULES.items()]
    return min(found, key=lambda made: total(graph, made[1], count))


def total(graph: Graph, steps: list[Step], count: str) -> int:
    """What an order costs."""
    return int(getattr(Elimination(graph).run(steps), count))
