"""A budget in bytes for reverse mode through a program: what to keep, what to make again, and what that will take.

Several planners propose orders of the program's steps (joint.py); each is weighed exactly, and of those within the
budget the one with the least work is taken. The plan says whose it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...core.program import Program
from ...core.provided import provide
from ...errors import ShapeError
from ...primitives.planned import Halves, Limits
from ...primitives.program_call import checkpoint
from .chain import Chain
from .greedy import Choice, choices
from .halves import halves
from .integer import Programme
from .joint import Joint
from .native import compiled_bytes
from .polish import polished
from .scans import Variant, variants

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


LOWEST = 4  # levels of the table that are looked at for the lowest peak


class Plan:
    """What the value and the gradient of a checkpointed program will take, before it runs.

    peak: bytes at most, of all: arguments and constants, values, adjoints and results, what an operation needs while it
    runs. unlimited: the same without a budget. arguments: those of the program, with constants and the adjoints of its
    results. kept: of values alone, at most, on the way back; unlimited_kept. saved: of those kept from the run.
    again: operations that are run a second time or more, those of checkpoints in the program among them. forward:
    operations of one run. extra: again, as a part of one run and its way back, which counts as two runs. planner: who
    found the order. scans: loops in the program that keep snapshots instead of all rounds.
    """

    def __init__(self, joint: Joint, order: Sequence[int], planner: str, variant: Variant | None = None) -> None:
        self.joint, self.order, self.planner = joint, list(order), planner
        self.scans = variant.scans if variant else 0
        every = joint.plain
        self.peak, self.unlimited = joint.peak(order), joint.peak(every)
        self.arguments = joint.base
        self.kept, self.unlimited_kept = map(joint.most_kept, (order, every))
        self.saved = sum(joint.sizes[v] for v in joint.kept(order))
        self.forward = joint.operations(joint.forward)
        inner = sum(joint.steps[k].operations for k in joint.forward if joint.equations[k].primitive is checkpoint)
        self.again = joint.operations(order) - joint.operations(every) + inner
        self.again += variant.again.operations if variant else 0

    @property
    def extra(self) -> float:
        """Additional work, as a part of that of the gradient: a run, and its way back for twice as much."""
        return self.again / (3 * self.forward) if self.forward else 0.0

    @cached_property
    def halves(self) -> Halves:
        """The two programs."""
        return halves(self.joint, self.order)

    def __str__(self) -> str:
        scans = f", snapshots in {self.scans} scans" * bool(self.scans)
        return (
            f"{self.planner}{scans}: peak {self.peak:,} bytes instead of {self.unlimited:,}, of them "
            f"{self.arguments:,} arguments and at most {self.kept:,} kept values instead of {self.unlimited_kept:,}; "
            f"{self.again:,} operations more ({100 * self.extra:.1f}% of the gradient's)"
        )

    __repr__ = __str__


def in_bytes(budget: Any) -> int:
    """A number of bytes, or a text such as "2 GB" (10^9) or "512 MiB" (2^20)."""
    if isinstance(budget, str):
        match = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([a-z]*)\s*", budget.lower())
        if match and match[2] in UNITS and match[1].count(".") <= 1 and match[1] != ".":
            return int(float(match[1]) * UNITS[match[2]])
    elif isinstance(budget, (int, float, np.integer)) and budget >= 0:
        return int(budget)
    raise ShapeError(f"checkpoint got budget={budget!r}", why="it is a number of bytes", write='budget="2 GB" or 2e9')


# who proposes orders ---------------------------------------------------------------------------------------------
class Found:
    """An order that a planner proposes: what it takes."""

    def __init__(self, joint: Joint, order: Sequence[int], planner: str) -> None:
        self.order, self.planner = order, planner
        self.peak, self.weight = joint.peak(order), joint.weight(order)


class Planner:
    """The plans for a program whose arguments `active` have a derivative."""

    def __init__(self, program: Program, active: tuple[bool, ...], more: int, only_values: bool) -> None:
        self.program, self.joint = program, Joint(program, active, more, only_values)

    @cached_property
    def chain(self) -> Chain:
        """Its blocks."""
        return Chain(self.joint)

    def on_chain(self, budget: float) -> Found | None:
        """The best order of the dynamic programme within a budget, or else the one with the lowest peak."""
        self.chain.table(budget - self.joint.base)
        known: dict[int, Found] = {}
        levels = self.chain.levels()

        def found(k: int) -> Found:
            if k not in known:
                known[k] = Found(self.joint, self.chain.order(levels[k]), "dynamic programme")
            return known[k]

        low, high = 0, len(levels) - 1
        while low < high:  # the table's bytes are not exact: what fits is found by trying
            middle = (low + high + 1) // 2
            low, high = (middle, high) if found(middle).peak <= budget else (low, middle - 1)
        tried = [found(low), *known.values()] if levels else []
        fitting = [f for f in tried if f.peak <= budget]
        return min(fitting or tried, key=lambda f: (f.weight, f.peak) if fitting else (f.peak, f.weight), default=None)

    @cached_property
    def greedily(self) -> list[Choice]:
        """Fewer and fewer values kept."""
        return choices(self.joint)

    def proposals(self, budget: float) -> Iterator[Found]:
        """One of each planner, within the budget if it can."""
        joint = self.joint
        yield Found(joint, joint.plain, "everything kept")
        within = [c for c in self.greedily if c.peak <= budget] or [min(self.greedily, key=lambda c: c.peak)]
        choice = min(within, key=lambda c: c.weight)
        yield self.polished(Found(joint, joint.keeping(choice.keep), "greedy choice"), budget)
        if budget > joint.base and (found := self.on_chain(budget)) is not None:
            yield self.polished(found, budget)

        if self.programme.small and budget:
            for room in (budget, budget + max(joint.sizes)):  # it does not know that adjoints are written over values
                order = self.programme.order(room)
                if order is not None:
                    yield self.polished(Found(joint, order, "integer programme"), budget)

    @cached_property
    def programme(self) -> Programme:
        """Its integer programme."""
        return Programme(self.joint)

    def polished(self, found: Found, budget: float) -> Found:
        """The same with less work, within the budget; as it is where it does not fit."""
        if found.peak > budget:
            return found
        return Found(self.joint, polished(self.joint, found.order, budget), found.planner)

    def best(self, budget: float) -> Found:
        """The least work within a budget; where nothing is, the lowest peak."""
        if self.joint.peak(self.joint.plain) <= budget:
            return Found(self.joint, self.joint.plain, "everything kept")
        within = [f for f in self.proposals(budget) if f.peak <= budget]
        return min(within, key=lambda f: (f.weight, f.peak)) if within else self.smallest

    @cached_property
    def smallest(self) -> Found:
        """The order with the lowest peak that the planners find."""
        found = list(self.proposals(0))
        for _ in range(3):  # finer and finer
            self.chain.table(min(f.peak for f in found) - self.joint.base)
            orders = [self.chain.order(m) for m in self.chain.levels()[:LOWEST]]
            found += [Found(self.joint, order, "dynamic programme") for order in orders]
        if self.programme.small and (order := self.programme.order(None)) is not None:
            found.append(Found(self.joint, order, "integer programme"))
        return min(found, key=lambda f: (f.peak, f.weight))

    # what was asked for ------------------------------------------------------------------------------------------
    def order(self, limits: Limits) -> tuple[Sequence[int], str]:
        """The order for limits other than bytes, and its name."""
        if limits.segments is not None:
            return self.in_segments(limits.segments), f"{limits.segments} segments"
        if limits.policy is not None:
            return self.by_policy(limits.policy), "policy"
        return self.joint.plain, "everything kept"

    def in_segments(self, k: int) -> list[int]:
        """So many parts with about as many bytes each, all but the last run again."""
        chain, joint = self.chain, self.joint
        total = chain.saved[0]
        wanted = np.linspace(0, total[-1], k + 1)[1:-1]
        cuts = np.unique(np.searchsorted(total, wanted).clip(0, chain.n))
        last = cuts[-1] if len(cuts) else 0
        keep = {v for v, b in chain.made.items() if b >= last or any(b < c <= chain.last[v] for c in cuts)}
        return joint.keeping(keep)

    def by_policy(self, policy: Any) -> list[int]:
        """The results of the equations that a rule names are kept."""
        joint = self.joint
        return joint.keeping(v for k in joint.forward if policy(joint.equations[k]) for v in joint.steps[k].makes)


def plan_of(program: Program, active: tuple[bool, ...], limits: Limits, more: int) -> Plan:
    """The plan for a program. more: bytes that its arguments take beyond what their types say."""
    if limits.budget is None and limits.kept is None:
        planner = program.remember(Planner, active, more, False)
        return Plan(planner.joint, *planner.order(limits))
    return within_bytes(program, active, limits, more)


def within_bytes(program: Program, active: tuple[bool, ...], limits: Limits, more: int) -> Plan:
    """The plan within a number of bytes: of the first variant of the program, with fewer snapshots, that has one."""
    budget = limits.kept if limits.budget is None else limits.budget
    assert budget is not None
    lowest: tuple[Found, Variant] | None = None
    for variant in variants(program):
        found = variant.program.remember(Planner, active, more, limits.kept is not None).best(budget)
        if lowest is None or found.peak < lowest[0].peak:
            lowest = found, variant
        if found.peak <= budget:
            break
    assert lowest is not None
    found, variant = lowest
    joint = variant.program.remember(Planner, active, more, False).joint
    if found.peak > budget and limits.strict:
        raise no_room(program, budget, found.peak, "", 0 if limits.kept is not None else joint.base)
    plan = Plan(joint, found.order, found.planner, variant)
    if variant.scans:
        plain = program.remember(Planner, active, more, False).joint
        plan.unlimited, plan.unlimited_kept = plain.peak(plain.plain), plain.most_kept(plain.plain)
    return plan


@provide
def checkpoint_plan(program: Program, active: tuple[bool, ...], limits: Limits, more: int = 0) -> Plan:
    """What reverse mode will keep and run again; made once."""
    return program.remember(plan_of, active, limits, more)


@provide
def planned_halves(program: Program, active: tuple[bool, ...], limits: Limits, more: int, recorded: bool) -> Halves:
    """The two programs of a plan. recorded: they become part of a program, which is compiled within the budget too."""
    if recorded and limits.budget is not None and limits.strict:
        return program.remember(within_compiled, active, limits, more).halves
    return checkpoint_plan(program, active, limits, more).halves


def within_compiled(program: Program, active: tuple[bool, ...], limits: Limits, more: int) -> Plan:
    """The plan that is within the budget when it is compiled: for less and less, until it is."""
    budget = target = limits.budget
    assert budget is not None and target is not None
    checkpoint_plan(program, active, limits, more)  # an error if there is none even step by step
    relaxed = limits._replace(strict=False)
    while True:
        plan = checkpoint_plan(program, active, relaxed._replace(budget=max(target, 0)), more)
        size = compiled_bytes(plan.halves)
        if size <= budget:
            return plan
        if plan.peak > target:
            raise no_room(program, budget, size, " when it is compiled")
        target = plan.peak - max((size - budget) // 2, budget // 100, 1)


def no_room(program: Program, budget: int, smallest: int, how: str, base: int = 0) -> ShapeError:
    """The error for a budget that cannot be met."""
    return ShapeError(
        f"the gradient of {program.name} does not fit into {budget:,} bytes{how}",
        why=f"the smallest that is possible is {smallest:,} bytes"
        + (f", {base:,} of them its arguments and results" if base else ""),
        write="a larger budget, or smaller operations",
    )


provide(in_bytes)
