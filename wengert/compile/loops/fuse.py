"""Fusion: nests become trees of loops. Two nests share a loop where what flows between them along it is aligned.

Nests are taken in the program's order; each joins the group that gives it most of what it reads, among those that do
not come before something it depends on. In a group it shares the outermost loop if, for every buffer that flows
between them, both access the same place in the same round: with the same coefficient, and with the rest of the
index within one step. The same is then asked of the loops inside. Axes of few elements are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import mathlib
from ..emit.windows import WIDEST
from .ir import UNROLL, Axis, Block, Buffer, Loop, Nest, Ref, Stmt, Straight, blocks, reads, writes

LARGEST = 400  # volume of a group
FUNCTION = 20  # what an elementary function counts in straight code; LLVM's time grows faster than the code's length
TRIES = 6  # groups that a nest tries to join
TINY = 64  # elements of a nest that is written out


class Group:
    """A node of the result, what stands before it, how many statements it has, and the groups that it must follow.

    after: all groups on which it depends, directly or not, as the bits of an int.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self.before: list[Any] = []
        self.size = 1
        self.after = 0

    @property
    def nodes(self) -> list[Any]:
        """Its nodes in order."""
        return [*self.before, self.node]

    def with_all(self, nests: Sequence[Nest]) -> Group:
        """With these nests at the end: it is straight, and they are written out."""
        self.node.body += map(tower, nests)
        self.size += sum(map(code_size, nests))
        return self


class Fusion:
    """The groups so far, in no final order; for each buffer the groups that write it, and those that read it.

    floating: nests that depend on no group (they read arguments, constants and each other, or nothing, as what a sum
    begins with); they wait for the first nest that needs them, and go with it.
    """

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.written: dict[Buffer, list[int]] = {}
        self.read: dict[Buffer, list[int]] = {}
        self.floating: dict[Buffer, Nest] = {}
        self.read_by: dict[Buffer, list[Buffer]] = {}  # what nests that float or have floated read: their results

    def add(self, node: Any) -> None:
        """Put a node where it belongs, after what it needs."""
        reading, writing = list(reads(node)), list(writes(node))
        touched = dict.fromkeys(r.buffer for r in (*reading, *writing))
        if type(node) is Nest and self.may_float(node, reading):
            self.floating[node.stmt.target.buffer] = node
            for r in reading:
                self.read_by.setdefault(r.buffer, []).append(node.stmt.target.buffer)
            return
        needed = [nest for b in touched if b in self.floating for nest in self.released(b)]
        needed += [nest for b in self.overwritten(writing) for nest in self.released(b)]
        needed = self.still_free(needed)
        if type(node) is Nest:
            self.place(node, needed)
            return
        for nest in needed:
            self.place(nest)
        depends = self.depends(node)
        self.groups.append(Group(node))
        self.follow(len(self.groups) - 1, depends)
        self.note(node, len(self.groups) - 1)

    def may_float(self, nest: Nest, reading: Sequence[Ref]) -> bool:
        """Does it depend on no group, and write an array that nobody has touched?"""
        own = nest.stmt.target.buffer
        if nest.stmt.accumulate or own in self.written or own in self.read or own in self.floating:
            return False
        if self.overwritten([nest.stmt.target]):
            return False
        return not any(r.buffer in self.written for r in reading)

    def released(self, buffer: Buffer) -> list[Nest]:
        """The floating nest that writes a buffer, after those that it needs."""
        nest = self.floating.pop(buffer, None)
        if nest is None:
            return []
        return [*(n for r in reads(nest) for n in self.released(r.buffer)), nest]

    def still_free(self, needed: Sequence[Nest], straight: bool = False) -> list[Nest]:
        """Those of the nests that depend on no group. What another one needed has been placed, and its users follow.

        straight: what is not written out is placed too, since what is written out may stand on both sides of it.
        """
        free: list[Nest] = []
        for nest in needed:
            if self.depends(nest) or (straight and not written_out(nest)):
                own = needed_by(nest, free)
                self.place(nest, own)
                free = self.still_free([n for n in free if n not in own], straight)
            else:
                free.append(nest)
        return free

    def overwritten(self, writing: Sequence[Ref]) -> list[Buffer]:
        """The results of floating nests that read what is now written over."""
        found = (b for w in writing for b in self.read_by.get(w.buffer, ()) if b in self.floating)
        return list(dict.fromkeys(found))

    def note(self, node: Any, k: int) -> None:
        """Group k has this node."""
        for found, refs in ((self.read, reads(node)), (self.written, writes(node))):
            for r in refs:
                where = found.setdefault(r.buffer, [])
                if k not in where:
                    where.append(k)

    def depends(self, node: Any) -> set[int]:
        """The groups that a node must follow: they write what it reads or writes, or read what it writes."""
        found = {k for r in reads(node) for k in self.written.get(r.buffer, ())}
        for w in writes(node):
            found.update(self.written.get(w.buffer, ()), self.read.get(w.buffer, ()))
        return found

    def follow(self, k: int, depends: set[int]) -> None:
        """Group k, and so what follows it, comes after these groups."""
        new = 0
        for d in depends:
            if d != k:
                new |= 1 << d | self.groups[d].after
        if new:
            for group in (self.groups[k], *(g for g in self.groups if g.after >> k & 1)):
                group.after |= new

    def open(self, k: int, depends: set[int]) -> bool:
        """Can what depends on these groups join group k? Not if one of them comes after it."""
        return not any(self.groups[d].after >> k & 1 for d in depends if d != k)

    def place(self, nest: Nest, needed: Sequence[Nest] = ()) -> None:
        """Join a group, or begin one; with the floating nests that it needs."""
        if written_out(nest):
            needed = self.still_free(needed, straight=True)
        depends = self.depends(nest)
        k = self.joined(nest, needed, depends)
        if k is None:
            k = len(self.groups)
            self.groups.append(self.begun(nest, needed))
        self.follow(k, depends)
        for n in (*needed, nest):
            self.note(n, k)

    def begun(self, nest: Nest, needed: Sequence[Nest]) -> Group:
        """A group of its own. Its loop is that of the first nest whose outermost axis is also this one's."""
        if written_out(nest):
            return Group(Straight([])).with_all([*needed, nest])
        inside = going_along(nest, needed, nest.axes[0])
        more = sum(map(volume, (*inside, nest)))
        group = Group(tower(inside[0] if inside else nest))
        group.size = more
        group.before += before(needed, inside)
        for n in (*inside[1:], nest) if inside else ():
            entered = enter(group.node, n, ())
            assert entered, "what goes along has the loop's axis"
        return group

    def joined(self, nest: Nest, needed: Sequence[Nest], depends: set[int]) -> int | None:
        """The number of the group that a nest has joined, if any: of those that it can join, the best."""
        if written_out(nest):
            return self.straight(nest, needed, depends)
        shared: dict[int, int] = {}
        own = {n.stmt.target.buffer for n in needed}
        for buffer in dict.fromkeys(r.buffer for n in (*needed, nest) for r in (*reads(n), n.stmt.target)):
            if buffer not in own:
                for k in {*self.written.get(buffer, ()), *self.read.get(buffer, ())[-TRIES:]}:
                    shared[k] = shared.get(k, 0) + buffer.size
        more = sum(map(volume, (*needed, nest)))
        for k in sorted(shared, key=lambda k: (-shared[k], -k))[:TRIES]:
            group = self.groups[k]
            if type(group.node) is Loop and group.size + more <= LARGEST and self.open(k, depends):
                axis = partner(group.node, nest, ())
                if axis is not None and self.enter(group, nest, needed, axis):
                    group.size += more
                    return k
        return None

    def straight(self, nest: Nest, needed: Sequence[Nest], depends: set[int]) -> int | None:
        """The last straight group that a nest that is written out can join."""
        for k in range(len(self.groups) - 1, max(len(self.groups) - 8 * TRIES, 0) - 1, -1):
            group = self.groups[k]
            if type(group.node) is Straight and group.size < 4 * LARGEST and self.open(k, depends):
                group.with_all([*needed, nest])
                return k
        return None

    def order(self) -> list[Group]:
        """The groups, each after those that it must follow, else as they began."""
        waiting = {k: g.after for k, g in enumerate(self.groups)}
        done, found = 0, []
        while waiting:
            k = next(k for k, after in waiting.items() if not after & ~done)
            del waiting[k]
            done |= 1 << k
            found.append(self.groups[k])
        return found

    def enter(self, group: Group, nest: Nest, needed: Sequence[Nest], axis: Axis) -> bool:
        """Join a loop, with what the nest needs: inside where it goes along with the nest, else before the loop."""
        inside = going_along(nest, needed, axis)
        group.before += before(needed, inside)
        for n in (*inside, nest):
            entered = enter(group.node, n, ())
            assert entered, "what goes along has the loop's axis"
        return True


def needed_by(nest: Nest, before: Sequence[Nest]) -> list[Nest]:
    """Those of the nests before it that a nest conflicts with, and those that they conflict with, in order."""
    found: list[Nest] = []
    for n in reversed(before):
        if any(True for m in (nest, *found) for _ in conflicts([n.stmt], m.stmt)):
            found.insert(0, n)
    return found


def going_along(nest: Nest, needed: Sequence[Nest], axis: Axis) -> list[Nest]:
    """Those of the nests that a nest needs, all of whose users need, in each round of the axis, only the same round."""
    along = {nest: axis}
    inside: list[Nest] = []
    for k in range(len(needed) - 1, -1, -1):
        first, later = needed[k], (*needed[k + 1 :], nest)
        users = [n for n in later if any(True for _ in conflicts([first.stmt], n.stmt))]
        if users and not written_out(first) and all(n in along and meets(first, n, along[n]) for n in users):
            along[first] = first.axes[0]
            inside.insert(0, first)
    return inside


def before(needed: Sequence[Nest], inside: Sequence[Nest]) -> list[Any]:
    """What a nest needs and what does not go along with it, fused among themselves."""
    return fuse(Block([n for n in needed if n not in inside])).nodes


def meets(first: Nest, second: Nest, axis: Axis) -> bool:
    """Do two nests touch an element of one array only in the same round: of the first's outermost axis, and of this?"""
    own = first.axes[0]
    if (own.extent, own.small) != (axis.extent, axis.small) or not (leads(own, first) and leads(axis, second)):
        return False
    return all(aligned(p, q, own, axis, ()) for p, q in conflicts([first.stmt], second.stmt))


def fuse(block: Block) -> Block:
    """The block's nests as loops, those of nested blocks as well."""
    fusion = Fusion()
    for node in block.nodes:
        for inner in blocks(node):
            inner.nodes = fuse(inner).nodes
        fusion.add(node)
    for buffer in list(fusion.floating):
        for nest in fusion.released(buffer):
            fusion.place(nest)
    return Block([node for group in fusion.order() for node in group.nodes])


def volume(nest: Nest) -> int:
    """How much code a nest may become: LLVM writes short loops out."""
    return max(1, extent_of([a for a in nest.axes if a.small]) // UNROLL)


def extent_of(axes: Sequence[Axis]) -> int:
    """How many rounds all axes make together."""
    n = 1
    for a in axes:
        n *= a.extent if type(a.extent) is int else 1 << 40
    return n


def written_out(nest: Nest) -> bool:
    """Is the whole nest written out, without a loop?"""
    return all(a.small for a in nest.axes) and extent_of(nest.axes) <= TINY


def code_size(nest: Nest) -> int:
    """About how much code a nest is that is written out."""
    return extent_of(nest.axes) * (FUNCTION if nest.stmt.op in mathlib.NAMES else 1)


def alone(nest: Nest) -> Loop | Straight:
    """A nest as a group of its own."""
    if written_out(nest):
        return Straight([tower(nest)])
    return tower(nest)


def tower(nest: Nest) -> Any:
    """A nest as loops within loops."""
    node: Any = nest.stmt
    for axis in reversed(nest.axes):
        node = Loop(axis, [node])
        remember(node, nest.stmt)
    return node


# alignment ---------------------------------------------------------------------------------------------------------
def enter(loop: Loop, nest: Nest, shared: tuple[Axis, ...]) -> bool:
    """Put the nest into this loop, if it can share it; and into loops inside, as far as it can."""
    axis = partner(loop, nest, shared)
    if axis is None:
        return False
    rename(nest, axis, loop.axis)
    put(loop, nest, (*shared, loop.axis))
    remember(loop, nest.stmt)
    return True


def put(loop: Loop, nest: Nest, inside: tuple[Axis, ...]) -> None:
    """Put what is left of a nest into the body of a loop: into the last loop that it can share, else at the end.

    What depends on nothing in the body stands first, out of the way of what does: numbers, and what sums begin with.
    """
    if not nest.axes:
        free = not any(True for _ in conflicts([loop], nest.stmt))
        loop.body.insert(0 if free else len(loop.body), nest.stmt)
        return
    for child in reversed(loop.body):
        if type(child) is Loop and enter(child, nest, inside):
            return
        if any(True for _ in conflicts([child], nest.stmt)):
            break
    fill = not any(True for _ in reads(nest)) and not any(True for _ in conflicts([loop], nest.stmt))
    loop.body.insert(0 if fill else len(loop.body), tower(nest))


def remember(loop: Loop, stmt: Stmt) -> None:
    """Note what a statement in a loop touches."""
    for ref in stmt.refs():
        if ref is not stmt.target:
            loop.touched.setdefault(ref.buffer, []).append((ref, None))
    loop.touched.setdefault(stmt.target.buffer, []).append((stmt.target, stmt.accumulate or "set"))


def leads(axis: Axis, nest: Nest) -> bool:
    """May a loop over this axis stand around the others of a nest? Short loops stand inside of longer ones."""
    return not axis.small or all(a.small for a in nest.axes)


def partner(loop: Loop, nest: Nest, shared: tuple[Axis, ...]) -> Axis | None:
    """The axis of the nest that can be the loop's: of its extent, far out in the nest, and aligned."""
    if not nest.axes or not leads(loop.axis, nest):
        return None
    pairs = list(conflicts([loop], nest.stmt))
    heaviest = weight(nest, nest.axes[0])
    for axis in nest.axes:
        fits = axis.extent == loop.axis.extent and 4 * weight(nest, axis) >= heaviest
        if fits and all(aligned(p, q, loop.axis, axis, shared) for p, q in pairs):
            return axis
    return None


def weight(nest: Nest, axis: Axis) -> int:
    """How far one step along an axis moves all references together."""
    refs = [nest.stmt.target, *(x for x in nest.stmt.operands if type(x) is Ref)]
    return sum(abs(r.coefficient(axis)) for r in refs)


def conflicts(nodes: Sequence[Any], stmt: Stmt) -> Iterable[tuple[Ref, Ref]]:
    """Pairs of references to one buffer, in the nodes and in the statement, of which one writes, and which may meet."""
    target, accumulate = stmt.target, stmt.accumulate
    own = [r for r in stmt.refs() if r is not target]
    for node in nodes:
        touched = node.touched if type(node) is Loop else touched_by(node)
        for r in own:
            for there, how in touched.get(r.buffer, ()):
                if how is not None and not apart(there, r):
                    yield there, r
        for there, how in touched.get(target.buffer, ()):
            together = how is not None and how == accumulate  # sums in any order are the same sum
            if together and same_place(there, target):
                continue
            if not apart(there, target):
                yield there, target


def touched_by(stmt: Stmt) -> dict[Buffer, list[tuple[Ref, str | None]]]:
    """What one statement touches, as loops remember it."""
    alone = Loop(NOWHERE, [stmt])
    remember(alone, stmt)
    return alone.touched


NOWHERE = Axis(1)


def same_place(p: Ref, q: Ref) -> bool:
    """Do two sums go through a buffer in the same steps, from the same place or so near that a window holds both?"""
    if p.indirect or q.indirect:
        return True
    steps = sorted(c for _, c in p.terms)
    return steps == sorted(c for _, c in q.terms) and (p.const == q.const or (steps[:1] == [1] and near(p, q)))


def near(p: Ref, q: Ref) -> bool:
    """See emit/windows.py."""
    return abs(p.const - q.const) < WIDEST <= min((abs(c) for _, c in p.terms if abs(c) != 1), default=WIDEST)


def apart(p: Ref, q: Ref) -> bool:
    """Do two references never meet? Axes that both have in common have one value."""
    common = tuple(a for a, c in p.terms if any(a is b and c == d for b, d in q.terms))
    (low_p, high_p), (low_q, high_q) = span(p, common), span(q, common)
    return high_p < low_q or high_q < low_p


def each(nodes: Sequence[Any]) -> Iterable[Stmt]:
    """The statements in loops."""
    for node in nodes:
        if isinstance(node, Stmt):
            yield node
        else:
            yield from each(node.body)


def aligned(p: Ref, q: Ref, axis: Axis, own: Axis, shared: tuple[Axis, ...]) -> bool:
    """Do two references of one buffer meet only in the same round? p is in the loop over axis, q in the nest (own)."""
    c = p.coefficient(axis)
    if not c or c != q.coefficient(own):
        return False
    if any(p.coefficient(s) != q.coefficient(s) for s in shared):
        return False
    if alike(p, q):
        return True
    low_p, high_p = span(p, (*shared, axis))
    low_q, high_q = span(q, (*shared, own))
    return max(high_p, high_q) - min(low_p, low_q) < abs(c)


def alike(p: Ref, q: Ref) -> bool:
    """Do two references go through a buffer alike, each element once, from places so near that a step of one axis
    outweighs that distance and all smaller steps? Then they meet where all their axes agree, or nowhere."""
    if p.indirect or q.indirect:
        return False
    steps = sorted((abs(c), c, a.extent) for a, c in p.terms if type(a.extent) is int)
    if len(steps) < len(p.terms) or steps != sorted((abs(c), c, a.extent) for a, c in q.terms if type(a.extent) is int):
        return False
    reach = abs(p.const - q.const)
    for size, _, extent in steps:
        if size <= reach:
            return False
        reach += size * (extent - 1)
    return len(p.terms) == len(q.terms)


def span(ref: Ref, without: tuple[Axis, ...]) -> tuple[int, int]:
    """The least and the greatest index of a reference, for fixed values of some axes."""
    low = high = ref.const
    for a, c in ref.terms:
        if not any(a is s for s in without):
            reach = c * ((a.extent if type(a.extent) is int else 1 << 40) - 1)
            low, high = low + min(reach, 0), high + max(reach, 0)
    for i in ref.indirect:
        reach = i.stride * (i.extent - 1)
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high


def rename(nest: Nest, old: Axis, new: Axis) -> None:
    """The nest with the loop's axis in the place of its own."""
    nest.stmt.substitute(old, new)
    nest.axes = [a for a in nest.axes if a is not old]
