"""The cheapest set of vertices that parts the sinks of a graph from its sources (maximum flow, Edmonds and Karp)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
ENDLESS = 1 << 62


def least_cut(
    price: Mapping[Node, int], before: Mapping[Node, Iterable[Node]], sources: Iterable[Node], sinks: Iterable[Node]
) -> set[Node]:
    """Vertices of the least total price without which no sink is reached; of several such sets that next to the sinks.

    before: the predecessors of each vertex. A vertex is two, joined by an edge of its price; all other edges cost more
    than anything. J. Edmonds, R. M. Karp, J. ACM 19 (1972) 248.
    """
    at = {v: 2 * k for k, v in enumerate(price)}
    start, end = 2 * len(at), 2 * len(at) + 1
    flow = Flow(2 * len(at) + 2)
    for v, i in at.items():
        flow.edge(i, i + 1, price[v])
        for a in before.get(v, ()):
            flow.edge(at[a] + 1, i, ENDLESS)
    for v in sources:
        flow.edge(start, at[v], ENDLESS)
    for v in sinks:
        flow.edge(at[v] + 1, end, ENDLESS)
    while flow.augment(start, end):
        pass
    left = flow.reaching(end)
    return {v for v, i in at.items() if i + 1 in left and i not in left}


class Flow:
    """A flow through a network; each edge is followed by its reverse."""

    def __init__(self, nodes: int) -> None:
        self.edges: list[list[int]] = [[] for _ in range(nodes)]
        self.to: list[int] = []
        self.room: list[int] = []

    def edge(self, a: int, b: int, capacity: int) -> None:
        """An edge from a to b."""
        for x, y, room in ((a, b, capacity), (b, a, 0)):
            self.edges[x].append(len(self.to))
            self.to.append(y)
            self.room.append(room)

    def augment(self, start: int, end: int) -> bool:
        """Send as much as fits along a shortest way that is left; False where there is none."""
        came: dict[int, int] = {start: -1}
        queue = deque([start])
        while queue and end not in came:
            a = queue.popleft()
            for e in self.edges[a]:
                if self.room[e] and self.to[e] not in came:
                    came[self.to[e]] = e
                    queue.append(self.to[e])
        if end not in came:
            return False
        way, b = [], end
        while b != start:
            way.append(came[b])
            b = self.to[came[b] ^ 1]
        most = min(self.room[e] for e in way)
        for e in way:
            self.room[e] -= most
            self.room[e ^ 1] += most
        return True

    def reaching(self, end: int) -> set[int]:
        """The nodes from which more could be sent to the end."""
        found, stack = {end}, [end]
        while stack:
            for e in self.edges[stack.pop()]:
                a = self.to[e]
                if self.room[e ^ 1] and a not in found:
                    found.add(a)
                    stack.append(a)
        return found
