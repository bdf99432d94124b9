"""Plans for any graph: of all values kept, those are given up one by one that free most bytes for the least work.

While the peak is too high, of the values that are kept at the place of the peak the one with the most bytes for the
work of making it again is given up; it is made of what is kept. So Chen, Xu, Zhang and Guestrin, Training deep nets
with sublinear memory cost (2016), choose values by size; the ratio is that of Kumar, Purohit, Svitkina, Vee and Wang,
Efficient rematerialization for deep networks (2019). A heuristic: nothing is promised.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .joint import Joint

AT_ONCE = 0.1  # of the bytes that are kept at the peak: given up before the peak is looked for again
ROUNDS, STEPS = 150, 100_000  # rounds, and steps of all orders that are weighed


class Choice(NamedTuple):
    """What is kept, and what that takes."""

    keep: frozenset[int]
    peak: int
    weight: float


def choices(joint: Joint) -> list[Choice]:
    """Fewer and fewer values kept, as long as that helps at the peak."""
    every = {v for k in joint.forward for v in joint.steps[k].makes}
    order = joint.keeping(every)
    keep = set(joint.kept(order))
    found: list[Choice] = []
    for _ in range(max(20, min(ROUNDS, STEPS // max(len(order), 1)))):
        profile = joint.profile(order)
        found.append(Choice(frozenset(keep), joint.peak(order), joint.weight(order)))
        given = given_up(joint, keep, order, int(np.argmax(profile)) if len(profile) else 0)
        if not given:
            break
        keep -= given
        order = joint.keeping(keep)
    return found


def given_up(joint: Joint, keep: set[int], order: list[int], place: int) -> set[int]:
    """The kept values that are alive at a place and the cheapest to make again, for their bytes."""
    turn = joint.turn(order)
    alive = {v for v, first, last in joint.spans(order) if first < turn <= last and first <= place <= last}
    candidates = alive & keep - joint.results
    if place >= turn:  # what the step at the peak reads must be there in any case
        candidates -= set(joint.steps[order[place]].reads)
    price = prices(joint, keep, candidates)
    given: set[int] = set()
    wanted = AT_ONCE * sum(joint.sizes[v] for v in candidates)
    for v in sorted(candidates, key=lambda v: (price[v] / max(joint.sizes[v], 1), v)):
        given.add(v)
        wanted -= joint.sizes[v]
        if wanted <= 0:
            break
    return given


def prices(joint: Joint, keep: set[int], candidates: set[int]) -> dict[int, float]:
    """The work of making each value again of the others that are kept."""
    found = {}
    for v in candidates:
        steps, stack = set(), [v]
        while stack:
            u = stack.pop()
            k = joint.maker[u]
            if k not in steps and (u == v or u not in keep):
                steps.add(k)
                stack += joint.steps[k].reads
        found[v] = joint.weight(list(steps))
    return found
