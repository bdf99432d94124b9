"""Plans by dynamic programming over a chain of blocks, with as many levels of recomputation as the budget asks for.

A program is cut, where little is in use, into blocks. To reverse the blocks s, ..., t - 1 from the values in use at cut
s there are three ways: if it is one block, run it, keep all and reverse it; keep all of the first block, reverse the
rest, then it; run the blocks before a cut s', keep what is in use there, reverse the rest, then those blocks, anew. The
fewest work within m bytes follows for all m from shorter pieces. For chains that is the best persistent schedule:
Beaumont, Eyraud-Dubois, Herrmann, Joly, Shilova, Optimal checkpointing for heterogeneous chains (2019), theorem 1; with
blocks alike it is revolve. What crosses several cuts (a skip connection) is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .joint import Joint
from .needs import needs_of_adjoints

CUTS = 80  # blocks, at most
LEVELS = 500  # numbers of bytes that are told apart
BEYOND = 1.3


class Chain:
    """The blocks of a program, and the table of the least work for each piece and number of bytes.

    cuts: places in joint.forward. made, last: for each value of the forward run the blocks that make and last use it.
    """

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        self.needs = needs_of_adjoints(joint)
        self.reversed = set().union(*self.needs)  # the values that adjoints need
        self.cuts = places_to_cut(joint, self.reversed)
        self.n = len(self.cuts) - 1
        block = np.searchsorted(self.cuts, np.arange(len(joint.forward)), side="right") - 1
        self.made = {v: int(b) for k, b in zip(joint.forward, block, strict=True) for v in joint.steps[k].makes}
        self.last = dict(self.made)
        for k, b in zip(joint.forward, block, strict=True):
            self.last.update((v, max(self.last[v], int(b))) for v in joint.steps[k].reads)
        raw = [max((self.made[v] for v in reads), default=0) for reads in self.needs]
        # the block that is being reversed at each adjoint step: the last whose values are still needed
        self.stages = [int(x) for x in np.maximum.accumulate(raw[::-1])[::-1]]
        for stage, reads in zip(self.stages, self.needs, strict=True):
            self.last.update((v, max(self.last[v], stage)) for v in reads)
        self.sizes_of_blocks()

    def sizes_of_blocks(self) -> None:
        """Bytes between cuts: crossing[i, j] in use at cut j and made from cut i on; saved[i, j] needed to reverse the
        blocks between them; kept[i, j] either. Of blocks: ahead, a run that keeps what its reversal needs; passing, one
        that does not; turning, adjoints while it is reversed; waiting, adjoints when that is done.
        """
        joint, n = self.joint, self.n
        self.work = np.zeros(n + 1)
        self.crossing, self.saved = np.zeros((n + 1, n + 1)), np.zeros((n + 1, n + 1))
        kept = np.zeros((n + 1, n + 1))
        for v, b in self.made.items():
            self.crossing[: b + 1, b + 1 : self.last[v] + 1] += joint.sizes[v]
            if v in self.reversed:
                self.saved[: b + 1, b + 1 :] += joint.sizes[v]
            else:
                kept[: b + 1, b + 1 : self.last[v] + 1] += joint.sizes[v]
        self.kept = kept + self.saved
        self.ahead, self.passing = np.zeros(n), np.zeros(n)
        self.runs()
        self.adjoints()

    def adjoints(self) -> None:
        """What adjoints take, from the order that keeps all."""
        joint, n = self.joint, self.n
        order = joint.keeping(self.reversed)
        adjoint = joint.profile(order, lambda v: v not in self.made) + [joint.steps[k].workspace for k in order]
        self.turning, self.waiting = np.zeros(n), np.zeros(n + 1)
        where = {k: p for p, k in enumerate(order)}
        begin = len(joint.forward)
        done = np.zeros(n, bool)
        for stage, k in zip(self.stages, joint.adjoints, strict=True):
            p = where[k]
            self.turning[stage] = max(self.turning[stage], np.max(adjoint[begin : p + 1]))
            begin, done[stage] = p + 1, True
            self.waiting[stage] = adjoint[p]
        for b in range(n - 1, -1, -1):
            if not done[b]:
                self.waiting[b] = self.waiting[b + 1]

    def runs(self) -> None:
        """What a forward run of each block takes, and its work."""
        for b in range(self.n):
            steps = self.joint.forward[self.cuts[b] : self.cuts[b + 1]]
            self.work[b + 1] = self.work[b] + self.joint.weight(steps)
            for keep, peaks in ((True, self.ahead), (False, self.passing)):
                stays = {v for v, made in self.made.items() if made == b and self.last[v] > b}
                if keep:
                    stays |= {v for v in self.reversed if self.made[v] == b}
                if not self.joint.only_values:
                    peaks[b] = np.max(self.joint.profile(steps, stays=stays), initial=0)

    # the table ---------------------------------------------------------------------------------------------------
    def table(self, room: float) -> None:
        """least[s, t, m]: the work of reversing the blocks s, ..., t - 1 within m units; how[s, t, m]: the way.

        room: bytes, beside those that are there all the time, up to which the table goes, and somewhat beyond.
        """
        n = self.n
        self.unit = max(BEYOND * room / LEVELS, 1e-9)
        self.least = np.full((n, n + 1, LEVELS + 1), np.inf)
        self.how = np.zeros((n, n + 1, LEVELS + 1), np.int16)  # the cut; negative where all is kept before it
        for length in range(1, n + 1):
            for s in range(n - length + 1):
                self.piece(s, s + length)

    def units(self, size: float) -> int:
        """Bytes in units, rounded up."""
        return min(int(np.ceil(size / self.unit - 1e-6)), LEVELS + 1)

    def piece(self, s: int, t: int) -> None:
        """The best way for one piece, for all numbers of units."""
        keeping = passing = 0.0
        for cut in range(s + 1, t + 1):
            b = cut - 1
            keeping = max(
                keeping, self.kept[s, b] + self.ahead[b] + self.waiting[t], self.saved[s, cut] + self.turning[b]
            )
            self.way(s, t, cut, keeping, self.kept[s, cut], -cut)
            passing = max(passing, self.crossing[s, b] + self.passing[b] + self.waiting[t])
            if cut < t:
                self.way(s, t, cut, passing, self.crossing[s, cut], cut)

    def way(self, s: int, t: int, cut: int, peak: float, held: float, name: int) -> None:
        """A way that needs so many bytes itself, and leaves the rest without those that it holds."""
        lowest, taken = self.units(peak), self.units(held) if cut < t else 0
        lowest = max(lowest, taken)
        if lowest > LEVELS:
            return
        found = np.full(LEVELS + 1 - lowest, self.work[cut] - self.work[s])
        if cut < t:
            found += self.least[cut, t, lowest - taken : LEVELS + 1 - taken]
        if name > 0:
            found += self.least[s, cut, lowest:]
        better = found < self.least[s, t, lowest:]
        self.least[s, t, lowest:][better] = found[better]
        self.how[s, t, lowest:][better] = name

    # orders ------------------------------------------------------------------------------------------------------
    def levels(self) -> list[int]:
        """The numbers of units at which the work changes, from the fewest."""
        row = self.least[0, self.n]
        return [m for m in range(LEVELS + 1) if np.isfinite(row[m]) and (m == 0 or row[m] < row[m - 1])]

    def order(self, m: int) -> list[int]:
        """The order of steps within m units."""
        order: list[int] = []
        for kind, b in self.actions(0, self.n, m):
            if kind == "run":
                order += self.joint.forward[self.cuts[b] : self.cuts[b + 1]]
            else:
                self.reverse(b, order)
        return self.joint.trimmed(order)

    def actions(self, s: int, t: int, m: int) -> Iterator[tuple[str, int]]:
        """run and reverse of blocks, for a piece within m units."""
        todo: list[tuple[int, int, int] | int] = [(s, t, m)]
        while todo:
            now = todo.pop()
            if isinstance(now, int):
                yield "reverse", now
                continue
            s, t, m = now
            name = int(self.how[s, t, m])
            cut, held = abs(name), self.crossing if name > 0 else self.kept
            for b in range(s, cut):
                yield "run", b
            todo += [(s, cut, m)] if name > 0 else range(s, cut)
            if cut < t:
                todo.append((cut, t, m - self.units(held[s, cut])))

    def reverse(self, b: int, order: list[int]) -> None:
        """The adjoint steps of a block, with what they need beside the values of the run."""
        joint = self.joint
        held = {v for v, made in self.made.items() if made == b or (made < b <= self.last[v])}
        held |= {v for k in joint.adjoints for v in joint.steps[k].makes}
        for place, (stage, k) in enumerate(zip(self.stages, joint.adjoints, strict=True)):
            if stage == b:
                joint.bring(joint.steps[k].reads, held, place, order)
                order.append(k)


def places_to_cut(joint: Joint, needed: set[int]) -> list[int]:
    """Where little is in use in the forward run: less than next to it, and the least in each of so many pieces.

    needed: what reverse mode needs anyhow; what else is in use counts twice.
    """
    n = len(joint.forward)
    change = np.zeros(n + 2)
    for v, first, last in joint.spans(joint.forward, over=False):
        size = joint.sizes[v] * (1 if v in needed else 2)
        change[first + 1] += size
        change[last + 1] -= size
    live = np.cumsum(change)[: n + 1]
    low = [
        p for p in range(1, n) if live[p] <= min(live[p - 1] if p > 1 else np.inf, live[p + 1] if p + 1 < n else np.inf)
    ]
    pieces = np.array_split(np.array(low, int), CUTS - 1) if len(low) >= CUTS else [np.array([p]) for p in low]
    return sorted({0, n, *(int(p[np.argmin(live[p])]) for p in pieces if len(p))})
