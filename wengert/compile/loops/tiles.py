"""Loops of rounds over many lanes are run for a tile of lanes at a time, so that their state stays in the cache.

What `vmap` makes of a loop goes through all lanes in each round, and what it saves for the way back is as large as all
rounds of all lanes. Where no lane needs another, all rounds are run for some lanes before the next ones begin:

    repeat: for i < 10000: c[i] = f(c[i])            for tile: repeat: for i < 256: c[i] = f(c[i])
    for i < 10000: y[i] = g(c[i])            ->                for i < 256: y[256 tile + i] = g(c[i])

Arrays that are not used before or after are as large as a tile, stacks of rows included. A `while` that runs until its
last lane has finished runs until the last one of the tile has. Sums over the lanes grow from tile to tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .ir import (
    Axis,
    Block,
    Buffer,
    CallStmt,
    Const,
    For,
    Loop,
    Operand,
    Position,
    Ref,
    Region,
    Stmt,
    Straight,
    While,
    blocks,
    nodes,
    reads,
    statements,
    writes,
)

TILE = 256  # lanes of a tile, about
FEWEST = 4 * TILE  # lanes of a loop that is run in tiles
VECTOR = 8  # lanes that are computed at once
ACROSS = ("any_lane", "longest")  # what asks all lanes; lanes that have finished stand still, so those of a tile do


def in_tiles(block: Block) -> None:
    """Run such loops of a program in tiles, in place."""
    k = 0
    while k < len(block.nodes):
        lanes = lanes_of(block.nodes[k])
        found = None if lanes is None else widest(block, k, lanes)
        if found is not None:
            start, end, tiling = found
            block.nodes[start:end] = [*tiling.before, Tiles(tiling).region, *tiling.after]
            k = start + len(tiling.before)
        k += 1


def lanes_of(node: Any) -> int | None:
    """The number of lanes of a loop of rounds: the longest loop that stands in it."""
    if type(node) is not Region or not any(type(n) in (For, While) for n in node.body.nodes):
        return None
    inner = (n.axis.extent for n in nodes(node.body) if type(n) is Loop)
    lanes = max((e for e in inner if type(e) is int), default=0)
    return lanes if lanes >= FEWEST else None


def widest(block: Block, k: int, lanes: int) -> tuple[int, int, Tiling] | None:
    """The nodes around node k that can be run in tiles with it: all neighbours that look so, or from loop to loop."""
    if not is_laned(block.nodes[k], lanes):
        return None
    start, end = k, k + 1
    while start > 0 and is_laned(block.nodes[start - 1], lanes):
        start -= 1
    while end < len(block.nodes) and is_laned(block.nodes[end], lanes):
        end += 1
    last = max(j for j in range(k, end) if type(block.nodes[j]) is Region) + 1
    for a, b in dict.fromkeys(((start, end), (k, last), (k, k + 1))):
        others = [n for j, n in enumerate(block.nodes) if not a <= j < b]
        tiling = Tiling(block.nodes[a:b], lanes, {r.buffer for n in others for r in (*reads(n), *writes(n))})
        if tiling.is_possible():
            return a, b, tiling
    return None


def is_laned(node: Any, lanes: int) -> bool:
    """Is it made of loops over the lanes, loops of rounds, and straight code?"""
    kind = type(node)
    if kind is Loop:
        axis = node.axis
        if type(axis.extent) is not int or axis.extent % lanes:
            return False
        return not any(type(s) is CallStmt or any(is_position(x, axis) for x in s.operands) for s in statements(node))
    if kind in (For, While, Region):
        return all(is_laned(n, lanes) for inner in blocks(node) for n in inner.nodes)
    return kind is Straight


def is_position(x: Operand, axis: Axis) -> bool:
    """Is an operand the value of this axis?"""
    return type(x) is Position and x.axis is axis


def tile_of(lanes: int) -> int:
    """The lanes of a tile: such that there is no rest, and no rest of a vector, where that is possible."""
    even = [t for t in range(TILE // 2, 2 * TILE + 1, VECTOR) if lanes % t == 0]
    return min(even, key=lambda t: abs(t - TILE), default=TILE)


class Use(NamedTuple):
    """A reference to an array, by a statement, in a loop over the lanes or outside of any."""

    ref: Ref
    stmt: Stmt | None
    loop: Loop | None
    writes: bool


class Layout(NamedTuple):
    """Where the lanes of an array are `step` apart; own: it is not used outside of the tiles, has room for one."""

    step: int
    own: bool


SHARED = Layout(0, False)  # an array that does not depend on the lanes


class Tiling:
    """Nodes that may be run for one tile of lanes after the other.

    sums: what is added up over all lanes; before: the nodes with which sums begin; after: those that read them.
    """

    def __init__(self, nodes: Sequence[Any], lanes: int, outside: set[Buffer]) -> None:
        self.lanes, self.outside = lanes, outside
        self.sums = lane_sums(nodes, by_buffer(nodes))
        straight = [n for n in nodes if type(n) is Straight]
        self.before = [n for n in straight if any(w.buffer in self.sums for w in writes(n))]
        self.after = [n for n in straight if n not in self.before and any(r.buffer in self.sums for r in reads(n))]
        apart = {*self.before, *self.after}
        self.all, self.nodes = list(nodes), [n for n in nodes if n not in apart]
        self.uses = by_buffer(self.nodes)
        self.layouts: dict[Buffer, Layout] = {}

    # what may be done
    def is_possible(self) -> bool:
        """Does no lane need another? Finds the layouts."""
        if not self.are_apart():
            return False
        for buffer, found in self.uses.items():
            if any(use.writes for use in found):
                layout = self.layout(buffer, found)
                if layout is None:
                    return False
                self.layouts[buffer] = layout
        return True

    def are_apart(self) -> bool:
        """Can the nodes that begin sums come first, and those that read them last?"""
        adding = [
            k for k, n in enumerate(self.all) if type(n) is Loop and any(w.buffer in self.sums for w in writes(n))
        ]
        alone = all(use.loop is not None for buffer in self.sums for use in self.uses[buffer])
        first = all(self.all.index(n) < adding[0] and not any(reads(n)) for n in self.before)
        last = all(self.all.index(n) > adding[-1] for n in self.after)
        begun = {w.buffer for n in self.before for w in writes(n)}
        read, made = ({r.buffer for n in self.after for r in f(n)} for f in (reads, writes))
        written = {buffer for buffer, found in self.uses.items() if any(use.writes for use in found)}
        return (
            alone
            and first
            and last
            and begun <= self.sums
            and not read & written - self.sums
            and not made & self.uses.keys()
        )

    def step(self, use: Use) -> int:
        """How far apart the lanes are in a reference; of a loop over lanes and more, those of a lane are together."""
        if use.loop is None:
            return 0
        return use.ref.coefficient(use.loop.axis) * (use.loop.axis.extent // self.lanes)

    def layout(self, buffer: Buffer, found: list[Use]) -> Layout | None:
        """Where the lanes of an array that is written are; None where one may need what another has made."""
        own = buffer.kind in ("temp", "stack") and buffer not in self.outside
        steps = {self.step(use) for use in found}
        if steps == {0}:
            return SHARED if buffer in self.sums or (own and is_made_anew(found)) else None
        step = steps.pop()
        if steps or step < 0 or any(use.ref.indirect for use in found) or buffer.size % (step * self.lanes):
            return None
        return Layout(step, own) if all(self.is_apart(use, step) for use in found) else None

    def is_apart(self, use: Use, step: int) -> bool:
        """Does a reference stay in the part of its lane? Further axes go through that part, or from row to row."""
        assert use.loop is not None
        row, axis = step * self.lanes, use.loop.axis
        reach = use.ref.const % row + use.ref.coefficient(axis) * (axis.extent // self.lanes - 1)
        for a, c in use.ref.terms:
            if a is not axis and c % row:
                if c < 0 or type(a.extent) is not int:
                    return False
                reach += c * (a.extent - 1)
        return reach < step


def by_buffer(nodes: Sequence[Any]) -> dict[Buffer, list[Use]]:
    """The uses of each array."""
    found: dict[Buffer, list[Use]] = {}
    for node in nodes:
        for use in uses(node):
            found.setdefault(use.ref.buffer, []).append(use)
    return found


def lane_sums(nodes: Sequence[Any], uses: dict[Buffer, list[Use]]) -> set[Buffer]:
    """The arrays that loops over the lanes only add to, in the same place for all lanes, before or after all rounds."""
    found = set()
    for buffer, users in uses.items():
        inside = [use for use in users if use.loop is not None]
        if inside and all(use.loop in nodes and adds_up(use) for use in inside):
            found.add(buffer)
    return found


def adds_up(use: Use) -> bool:
    """Does a loop over the lanes add something up?"""
    stmt = use.stmt
    if stmt is None or use.loop is None or stmt.accumulate != "add" or use.ref is not stmt.target:
        return False
    return not use.ref.indirect and not use.ref.coefficient(use.loop.axis) and not asks_across(use)


def is_made_anew(found: Sequence[Use]) -> bool:
    """May every tile make an array that does not depend on the lanes: the same again, or what asks its own lanes?

    Or is it what each lane makes for itself, in one loop, before it reads it?
    """
    loops = {use.loop for use in found}
    if len(loops) == 1 and found[0].writes and None not in loops:
        return True
    return all(use.loop is None or asks_across(use) for use in found if use.writes)


def asks_across(use: Use) -> bool:
    """Does it go on for as long as any lane does?"""
    stmt = use.stmt
    return stmt is not None and stmt.accumulate is not None and stmt.eq is not None and stmt.eq.primitive.name in ACROSS


def uses(node: Any) -> Iterator[Use]:
    """The uses of arrays in a node, in order."""
    if type(node) in (Loop, Straight):
        loop = node if type(node) is Loop else None
        for stmt in statements(node):
            yield from (Use(ref, stmt, loop, False) for ref in stmt.refs())
            yield Use(stmt.target, stmt, loop, True)
    else:
        if type(node) is For and type(node.count) is Ref:
            yield Use(node.count, None, None, False)
        for inner in blocks(node):
            for child in inner.nodes:
                yield from uses(child)
        if type(node) is While:
            yield Use(node.flag, None, None, False)
            yield Use(node.count, None, None, True)


# doing it ------------------------------------------------------------------------------------------------------------
class Tiles:
    """The loop over the tiles of nodes that may be run so. The last tile may have fewer lanes."""

    def __init__(self, tiling: Tiling) -> None:
        self.lanes, self.layouts = tiling.lanes, tiling.layouts
        self.size = tile_of(self.lanes)
        self.axis = Axis(-(-self.lanes // self.size), most=0)
        self.here: Any = self.size  # how many lanes the tile has
        body = []
        if self.lanes % self.size:
            self.here = Ref(Buffer(np.int64, 1), 0, ())
            rest = Position(self.axis, self.lanes, -self.size)
            body.append(Straight([Stmt(self.here, "minimum", [Const(self.size), rest])]))
        for node in tiling.nodes:
            self.rewrite(node)
        for buffer, layout in self.layouts.items():
            if layout.own and layout.step:
                buffer.size = buffer.size // self.lanes * self.size
        loop = For(self.axis, Const(self.axis.extent), False, Block([*body, *tiling.nodes]))
        self.region = Region(Block([loop]))

    def rewrite(self, node: Any) -> None:
        """Rewrite the loops over lanes in a node, in place."""
        if type(node) is Loop:
            self.shorten(node)
        for inner in blocks(node):
            for child in inner.nodes:
                self.rewrite(child)

    def shorten(self, loop: Loop) -> None:
        """The loop over the lanes of a tile; around a loop over what belongs to a lane, where it was over both."""
        old, lane = loop.axis, Axis(self.here, most=0)
        each = old.extent // self.lanes
        inside = Axis(each)
        for stmt in statements(loop):
            stmt.target = self.moved(stmt.target, old, lane, inside)
            stmt.operands = tuple(self.moved(x, old, lane, inside) if type(x) is Ref else x for x in stmt.operands)
        loop.axis = lane
        if each > 1:
            loop.body = [Loop(inside, loop.body)]

    def moved(self, ref: Ref, old: Axis, lane: Axis, inside: Axis) -> Ref:
        """A reference in a tile."""
        c, each = ref.coefficient(old), inside.extent
        step, own = self.layouts.get(ref.buffer, Layout(c * each, False))
        row, size = step * self.lanes, step * self.size
        const = ref.const
        terms: list[tuple[Axis, int]] = []
        for a, k in ref.terms:
            if a is old:
                terms += [(lane, c * each), (inside, c)] if each > 1 else [(lane, c)]
            else:
                terms.append((a, k // row * size if own and row and k % row == 0 else k))
        if own and row:
            const = const // row * size + const % row
        elif step:
            terms.insert(0, (self.axis, size))
        indirect = tuple(
            i._replace(index=self.moved(i.index, old, lane, inside)) if type(i.index) is Ref else i
            for i in ref.indirect
        )
        return Ref(ref.buffer, const, tuple(terms), indirect)
