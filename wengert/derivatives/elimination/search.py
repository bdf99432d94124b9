"""A better order by simulated annealing over orders of vertices, then with edges eliminated before their vertex."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .graph import Elimination, Graph, Step
from .orders import best_rule, total

if TYPE_CHECKING:
    from random import Random

FARTHEST = 30  # places by which a vertex moves in one trial
LONGEST = 50_000  # steps that are taken to try edges


def search(graph: Graph, count: str, trials: int, seed: int) -> list[Step]:
    """The best order found in so many trials, from the best rule's; the same for the same seed."""
    from random import Random  # loads hashlib and OpenSSL: when a search begins

    rng = Random(seed)
    start = best_rule(graph, count)[1]
    if len(start) < 2 or trials < 1:
        return start
    vertices = _Vertices(graph, [s[0] for s in start], count, rng).anneal(trials * 3 // 4)
    edges = _edges(graph, vertices, count, min(trials // 8, LONGEST // len(vertices)), rng)
    return min(vertices, edges, key=lambda steps: total(graph, steps, count))  # vertices alone where that is as good


class _Vertices:
    """An order of vertices that is changed a little at a time.

    What has been eliminated determines the state, in whatever order: when a vertex moves from one place to another,
    only the steps between the two cost otherwise. States are kept at every so many places, to start from.
    """

    def __init__(self, graph: Graph, order: list[int], count: str, rng: Random) -> None:
        self.order, self.count, self.rng = order, count, rng
        self.stride = 1 + len(order) ** 2 // 200_000  # the states take memory as the square of their number
        self.states = {0: Elimination(graph)}
        self.costs = [0] * len(order)
        self.replay(0, order)

    def state(self, place: int) -> Elimination:
        """A copy of the state before the step at a place."""
        kept = place - place % self.stride
        state = self.states[kept].copy()
        for v in self.order[kept:place]:
            state.vertex(v)
        return state

    def replay(self, start: int, part: list[int]) -> None:
        """Write these vertices from a place on, with their costs, and the states that are kept."""
        state = self.state(start)
        for place, v in enumerate(part, start):
            before = getattr(state, self.count)
            state.vertex(v)
            self.order[place], self.costs[place] = v, getattr(state, self.count) - before
            if (place + 1) % self.stride == 0:
                self.states[place + 1] = state.copy()

    def cost_of(self, start: int, part: list[int], limit: float) -> float:
        """The cost of these steps from a place on, or infinity once it is above the limit."""
        state = self.state(start)
        origin = getattr(state, self.count)
        for v in part:
            state.vertex(v)
            if getattr(state, self.count) - origin > limit:
                return math.inf
        return float(getattr(state, self.count) - origin)

    def anneal(self, trials: int) -> list[Step]:
        """Metropolis steps while the temperature falls; the best order met."""
        n, rng = len(self.order), self.rng
        now = best = sum(self.costs)
        kept = list(self.order)
        hot = max(1.0, 0.02 * now)
        for k in range(trials):
            heat = hot * (0.05 / hot) ** (k / trials)
            a = rng.randrange(n)
            b = min(max(a + rng.randint(-FARTHEST, FARTHEST), 0), n - 1)
            if a == b:
                continue
            low, high = min(a, b), max(a, b) + 1
            part = self.order[low:high]
            part.insert(b - low, part.pop(a - low))
            old = sum(self.costs[low:high])
            allowed = old - heat * math.log(1 - rng.random())
            new = self.cost_of(low, part, allowed)
            if new <= allowed:
                self.replay(low, part)
                now += int(new) - old
                if now < best:
                    best, kept = now, list(self.order)
        return [(v,) for v in kept]


def _edges(graph: Graph, steps: list[Step], count: str, trials: int, rng: Random) -> list[Step]:
    """Edges eliminated before their vertex is, one tried at a time and kept where that costs no more."""
    best = total(graph, steps, count)
    for _ in range(trials):
        place = rng.randrange(len(steps))
        state = Elimination(graph).run(steps[:place])
        vertex = rng.choice(state.left(s[0] for s in steps if len(s) == 1) or [steps[0][0]])
        ways: list[Step] = [(i, vertex, 1) for i in sorted(state.preds.get(vertex, ()))]
        ways += [(vertex, j, -1) for j in sorted(state.succs.get(vertex, ()))]
        if not ways:
            continue
        tried = [*steps[:place], rng.choice(ways), *steps[place:]]
        cost = total(graph, tried, count)
        if cost <= best:
            best, steps = cost, tried
    state = Elimination(graph)
    return [s for s in steps if state.step(s)]  # without those that found nothing left
