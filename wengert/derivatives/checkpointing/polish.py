"""An order of steps with less work in the same memory: what is made again although it could have stayed, stays.

A planner that looks at blocks gives up a value at the end of a block and makes it again in the next one; where there is
room for it in between, it is kept instead, and what was run only to make it is not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .joint import Joint

PASSES = 4


class Repeat(NamedTuple):
    """A step that is made again at a place: from where on its values would stay, and how many bytes they are."""

    place: int
    since: int
    size: int
    gain: float


def polished(joint: Joint, order: Sequence[int], limit: float) -> list[int]:
    """The order without steps for whose values there is room; peak: at most limit."""
    order = list(order)
    for _ in range(PASSES):
        room = limit - joint.base - joint.profile(order)
        if joint.only_values:
            room[[k not in joint.is_adjoint for k in order]] = np.inf
        gone = set()
        for r in sorted(repeats(joint, order), key=lambda r: (-r.gain, r.place)):
            if room[r.since : r.place].min(initial=float("inf")) >= r.size:
                room[r.since : r.place] -= r.size
                gone.add(r.place)
        if not gone:
            break
        order = joint.trimmed([k for p, k in enumerate(order) if p not in gone])
    return order


def repeats(joint: Joint, order: Sequence[int]) -> Iterator[Repeat]:
    """The steps that are made again, with what it would take to keep their values."""
    used: dict[int, int] = {}
    made: set[int] = set()
    for p, k in enumerate(order):
        s = joint.steps[k]
        if k in made:
            since = min(used[v] for v in s.makes)
            size = sum(joint.sizes[v] for v in s.makes)
            yield Repeat(p, since, size, s.weight / (max(size, 1) * (p - since)))
        made.add(k)
        used.update(dict.fromkeys((*s.reads, *s.makes), p))
