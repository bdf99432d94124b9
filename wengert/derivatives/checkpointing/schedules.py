"""Schedules: in which order the rounds of a loop are advanced, stored, restored, reversed. Pure functions of lengths.

A schedule of n rounds is a list of actions on a state that is before round 0 when it begins:

    Store(slot)            keep the state in a slot
    Restore(slot)          go back to the state that is kept there
    Advance(start, stop)   run the rounds start, ..., stop - 1, keeping nothing of them
    Reverse(step)          run a round so that its derivative is known, and take the adjoint back through it

The rounds are reversed from the last to the first. `executed` runs a schedule and counts; it refuses a wrong one.
Griewank and Walther, Algorithm 799: revolve, ACM Transactions on Mathematical Software 26 (2000). Stumm and Walther,
New algorithms for optimal online checkpointing, SIAM Journal on Scientific Computing 32 (2010).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...primitives.scheduled import Action, Advance, Restore, Reverse, Store


class Count(NamedTuple):
    """What a schedule did: rounds advanced, rounds reversed, the most slots in use at once."""

    advanced: int
    reversed: int
    slots: int


# the formula -----------------------------------------------------------------------------------------------------
def reach(snapshots: int, repeats: int) -> int:
    """How many rounds can be reversed with so many snapshots, none run more than `repeats` times: C(s + t, s)."""
    return math.comb(snapshots + repeats, snapshots)


def repetitions(n: int, snapshots: int) -> int:
    """The fewest repetitions t with C(s + t, s) >= n."""
    t = 0
    while reach(snapshots, t) < n:
        t += 1
    return t


def fewest_advances(n: int, snapshots: int) -> int:
    """Rounds that have to be advanced, the first sweep among them: t n - C(s + t, t - 1), with t as above.

    Griewank and Walther (2000), equation (3): r(n, s) = t n - beta(s + 1, t - 1), beta(s, t) = C(s + t, s).
    """
    check(n, snapshots)
    if n <= 1:
        return 0
    t = repetitions(n, snapshots)
    return t * n - math.comb(snapshots + t, t - 1)


def recomputed(n: int, snapshots: int) -> int:
    """Rounds that are run a second time or more: the fewest advances, without those of the first sweep."""
    return fewest_advances(n, snapshots) - max(n - 1, 0)


def split(n: int, snapshots: int) -> int:
    """The round before which the next snapshot is kept: how far to advance first, of n rounds to reverse.

    Any m with r(n, s) = m + r(n - m, s - 1) + r(m, s) is optimal; this is the smallest that leaves both parts within
    their reach, Griewank and Walther (2000), section 4.
    """
    t = repetitions(n, snapshots)
    return max(reach(snapshots, t - 2) if t > 1 else 1, n - reach(snapshots - 1, t))


def check(n: int, snapshots: int) -> None:
    """Lengths are not negative; the state at the beginning takes a snapshot."""
    for value, name in ((n, "rounds"), (snapshots, "snapshots")):
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise ArgumentError(
                f"a schedule with {name}={value!r}", why="it is a whole number", write=f"{name}=20, say"
            )
    if n < 0 or snapshots < 1:
        raise ShapeError(
            f"a schedule for {n} rounds with {snapshots} snapshots",
            why="the state before the first round is kept, and takes one of the snapshots",
            write="snapshots=1 or more",
        )


# schedules -------------------------------------------------------------------------------------------------------
def binomial(n: int, snapshots: int) -> list[Action]:
    """The schedule with the fewest advances of all that use so many snapshots: `revolve`.

    >>> executed(binomial(10, 3))
    Count(advanced=15, reversed=10, slots=3)
    """
    check(n, snapshots)
    if not n:
        return []
    return [Store(0), *_reversal(0, n, 0, snapshots)]


def _reversal(start: int, stop: int, slot: int, snapshots: int) -> Iterator[Action]:
    """Reverse the rounds from start, whose state is in `slot` and is the present one, with the slots that follow."""
    pending = [(start, stop, slot, snapshots)]
    first = True
    while pending:
        start, stop, slot, free = pending.pop()
        if not first:
            yield Restore(slot)
        first = False
        while stop - start > 1 and free > 1:
            m = split(stop - start, free)
            yield Advance(start, start + m)
            yield Store(slot + 1)
            pending.append((start, start + m, slot, free))
            start, slot, free = start + m, slot + 1, free - 1
        for step in range(stop - 1, start - 1, -1):
            if step < stop - 1:
                yield Restore(slot)
            if step > start:
                yield Advance(start, step)
            yield Reverse(step)


def uniform(n: int, every: int) -> list[Action]:
    """A snapshot every so many rounds; within a segment each round is a snapshot when the segment is reversed."""
    if n < 0 or every < 1:
        raise ShapeError(
            f"a schedule for {n} rounds with a snapshot every {every}",
            why="there are rounds before the first snapshot and after it",
            write="every=1 or more",
        )
    starts = range(0, n, every)
    actions: list[Action] = []
    for k, start in enumerate(starts):
        actions.append(Store(k))
        if start != starts[-1]:
            actions.append(Advance(start, start + every))
    for k, start in reversed(list(enumerate(starts))):
        stop = min(start + every, n)
        if stop < n:
            actions.append(Restore(k))
        for j in range(start, stop - 1):
            actions += [Advance(j, j + 1), Store(len(starts) + j - start)]
        for j in range(stop - 1, start - 1, -1):
            if j < stop - 1:
                actions.append(Restore(len(starts) + j - start - 1 if j > start else k))
            actions.append(Reverse(j))
    return actions


def sqrt(n: int) -> list[Action]:
    """`uniform` with about as many segments as there are rounds in each."""
    return uniform(n, math.isqrt(max(n - 1, 0)) + 1)


# online ----------------------------------------------------------------------------------------------------------
class Online:
    """Where to keep snapshots while a loop runs whose end is not known. `leaving(position)` says the slot, or None.

    When there is one snapshot too many, one is given up: of the gaps between neighbours, the first that may take in the
    next one, so that its rounds can still be reversed with as few repetitions as any, by its slot and those behind it.
    Stumm and Walther (2010); the optimum up to C(s + 2, 2) rounds.
    """

    def __init__(self, snapshots: int) -> None:
        check(0, snapshots)
        self.snapshots = snapshots
        self.positions: list[int] = []
        self.slots: list[int] = []

    def leaving(self, position: int) -> int | None:
        """The slot for the state before this round, which is about to be run, if the state is to be kept."""
        s, ends = self.snapshots, [*self.positions, position, position + 1]
        if len(self.positions) < s:
            gone, slot = s, len(self.positions)
        else:
            gone = 1 + min(range(s), key=lambda k: (repetitions(ends[k + 2] - ends[k], s - k), k))
            slot = self.slots[gone] if gone < s else -1
        del ends[-1], self.slots[gone : gone + 1]
        self.positions = ends if gone > len(ends) - 1 else ends[:gone] + ends[gone + 1 :]
        if slot < 0:
            return None
        self.slots.append(slot)
        return slot


def kept_online(n: int, snapshots: int) -> list[int]:
    """The rounds whose states are kept when n rounds have been run, beside the present one.

    >>> kept_online(10, 3)
    [0, 4, 7]
    """
    placed = Online(snapshots)
    for position in range(n - 1):
        placed.leaving(position)
    return placed.positions


def online(rounds: Iterable[object], snapshots: int) -> list[Action]:
    """The schedule of a loop whose number of rounds shows only when it ends; then each gap is reversed binomially.

    >>> executed(online(iter(range(10)), 3))
    Count(advanced=15, reversed=10, slots=3)
    """
    actions: list[Action] = []
    placed, n, last = Online(snapshots), 0, 0
    for n, _ in enumerate(rounds, 1):
        if n < 2:
            continue
        slot = placed.leaving(n - 2)
        if slot is not None:
            actions += [Advance(last, n - 2)] * (n - 2 > last)
            actions.append(Store(slot))
            last = n - 2
    if not n:
        return []
    actions += [Advance(last, n - 1)] * (n - 1 > last)
    actions.append(Reverse(n - 1))
    stop, free = n - 1, [k for k in range(snapshots) if k not in placed.slots]
    for position, slot in zip(reversed(placed.positions), reversed(placed.slots), strict=True):
        slots = [slot, *free]
        actions.append(Restore(slot))
        for action in _reversal(position, stop, 0, len(slots)):
            actions.append(type(action)(slots[action.slot]) if isinstance(action, (Store, Restore)) else action)
        stop, free = position, [slot, *free]
    return actions


# the interpreter that counts -------------------------------------------------------------------------------------
def executed(actions: Iterable[Action]) -> Count:
    """Run a schedule on positions alone: what it costs. AssertionError where it is no schedule."""
    position, todo = 0, None
    slots: dict[int, int] = {}
    advanced = turned = most = 0
    for action in actions:
        match action:
            case Store(slot):
                slots[slot] = position
            case Restore(slot):
                position = slots[slot]
            case Advance(start, stop):
                assert position == start < stop, f"{action} at {position}"
                advanced, position = advanced + stop - start, stop
            case Reverse(step):
                assert position == step and todo in (None, step), f"{action} at {position}, {todo} is next"
                todo, turned = step - 1, turned + 1
                slots = {k: p for k, p in slots.items() if p < step}
        most = max(most, len(slots))
    assert todo in (None, -1), f"round {todo} was not reversed"
    return Count(advanced, turned, most)


@lru_cache(maxsize=64)
def actions_of(kind: str, n: int, snapshots: int) -> tuple[Action, ...]:
    """The actions of a schedule that a loop runs, made once."""
    return tuple(binomial(n, snapshots) if kind == "binomial" else uniform(n, snapshots))
