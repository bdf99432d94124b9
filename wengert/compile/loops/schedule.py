"""The order of a block's nodes: what frees memory goes first, where that lowers the peak.

A node that is the last to use arrays waits for nothing but its operands, and so do the few nodes that it needs. When
they would give back more memory than they take, they are done at once. All else keeps the program's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .ir import Block, Buffer, Call, CallStmt, Loop, Straight, reads, statements, writes

LARGE = 2**14  # bytes of arrays that count
LEAST = 2**20  # bytes of all arrays at the peak, below which the order does not matter
LONGEST = 200  # nodes of a block
TOGETHER = 4  # nodes that are moved together


def schedule(block: Block) -> None:
    """Reorder the outermost nodes of a block, in place."""
    if len(block.nodes) > LONGEST:
        return
    order = Order(block.nodes)
    before = order.peak(range(len(block.nodes)))
    if before >= LEAST:
        found = order.better()
        if order.peak(found) < before:
            block.nodes = [block.nodes[k] for k in found]


class Order:
    """What the nodes of a block need: the nodes before them, and memory.

    needs: the nodes that each must follow; users: for each large array the nodes that use it.
    """

    def __init__(self, nodes: Sequence[Any]) -> None:
        self.nodes = nodes
        self.needs: list[set[int]] = []
        self.users: dict[Buffer, set[int]] = {}
        self.uses: list[set[Buffer]] = []
        written: dict[Buffer, list[int]] = {}
        touched: dict[Buffer, list[int]] = {}
        for k, node in enumerate(nodes):
            read, write = {r.buffer for r in reads(node)}, {r.buffer for r in writes(node)}
            self.needs.append(
                {j for b in read for j in written.get(b, ())} | {j for b in write for j in touched.get(b, ())}
            )
            for b in read | write:
                touched.setdefault(b, []).append(k)
                if b.kind == "temp" and b.home is None and b.nbytes >= LARGE:
                    self.users.setdefault(b, set()).add(k)
            for b in write:
                written.setdefault(b, []).append(k)
            self.uses.append({b for b in read | write if b in self.users})

    def better(self) -> list[int]:
        """An order in which what gives memory back is done at once."""
        done: list[int] = []
        waiting = dict.fromkeys(range(len(self.nodes)))
        while waiting:
            found = min(self.bundles(waiting), key=lambda x: self.taken(x, set(done)), default=())
            if not found or self.taken(found, set(done)) >= 0:
                found = (next(iter(waiting)),)
            for k in found:
                del waiting[k]
                done.append(k)
        return done

    def bundles(self, waiting: dict[int, None]) -> Iterable[tuple[int, ...]]:
        """Nodes that may be moved to the front, each with those that it needs."""
        for k in waiting:
            bundle, open_ = {k}, [k]
            while open_ and len(bundle) <= TOGETHER:
                more = {j for j in self.needs[open_.pop()] if j in waiting} - bundle
                bundle |= more
                open_ += more
            if not open_ and len(bundle) <= TOGETHER and all(can_move(self.nodes[j]) for j in bundle):
                yield tuple(sorted(bundle))

    def taken(self, bundle: Sequence[int], done: set[int]) -> int:
        """Bytes that nodes take when they are done next, less those that they give back."""
        after = done.union(bundle)
        total = 0
        for b in {b for k in bundle for b in self.uses[k]}:
            begun, ended = bool(self.users[b] & done), self.users[b] <= after
            total += b.nbytes * ((not begun and not ended) - (begun and ended))
        return total

    def peak(self, order: Sequence[int]) -> int:
        """The most bytes that are needed at a time."""
        place = {k: n for n, k in enumerate(order)}
        change = [0] * (len(order) + 1)
        for b, users in self.users.items():
            where = [place[k] for k in users]
            change[min(where)] += b.nbytes
            change[max(where) + 1] -= b.nbytes
        most = now = 0
        for c in change:
            now += c
            most = max(most, now)
        return most


def can_move(node: Any) -> bool:
    """Is a node arithmetic, which cannot fail and which nobody sees?"""
    if type(node) is Call:
        return node.name.startswith("matrix_by")
    if type(node) not in (Loop, Straight):
        return False
    return not any(
        (type(s) is CallStmt and not s.inline) or any(i.checked for r in (s.target, *s.refs()) for i in r.indirect)
        for s in statements(node)
    )
