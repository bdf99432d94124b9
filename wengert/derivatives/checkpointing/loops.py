"""Schedules as they are passed to loops: `checkpoint=wg.checkpointing.binomial(snapshots=20)`."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.provided import provide
from ...primitives.scheduled import Action, Store, Tables
from . import schedules


@dataclass(frozen=True)
class Plan:
    """What reverse mode through a loop takes, before anything runs. bytes: the peak. recomputed: rounds run again."""

    rounds: int
    snapshots: int
    recomputed: int
    bytes: int

    def __str__(self) -> str:
        again = self.recomputed / max(self.rounds, 1)
        return (
            f"{self.rounds:,} rounds, {self.snapshots} snapshots: peak {self.bytes:,} bytes, "
            f"{self.recomputed:,} rounds run again ({again:.2f} for each)"
        )


@dataclass(frozen=True)
class Binomial:
    """Snapshots at the places where the fewest rounds are run again. For `checkpoint=` of scan and fori_loop."""

    snapshots: int

    def actions(self, n: int) -> tuple[Action, ...]:
        """The schedule of a loop of n rounds."""
        return schedules.actions_of("binomial", n, self.snapshots)

    def plan(self, n: int, carry: int, round: int = 0) -> Plan:
        """What the gradient of a loop takes. carry, round: bytes of a state, and of what reversing one round takes."""
        actions = self.actions(n)
        slots = 1 + max((a.slot for a in actions if isinstance(a, Store)), default=-1)
        tables = Tables(n, self)
        written = sum(x.nbytes for x in (tables.stored, tables.count, tables.row, tables.moves))
        return Plan(n, slots, self.recomputed(n), (slots + 1) * carry + written + round)

    def recomputed(self, n: int) -> int:
        """How many rounds are run again."""
        return schedules.recomputed(n, self.snapshots)


@dataclass(frozen=True)
class Online:
    """Snapshots of a loop whose number of rounds is not known. For `checkpoint=` of all loops."""

    snapshots: int

    def actions(self, n: int) -> tuple[Action, ...]:
        """The schedule of a loop of n rounds, made without looking ahead."""
        return tuple(schedules.online(range(n), self.snapshots))

    def places(self, n: int) -> list[int]:
        """The rounds whose states are kept when n rounds have been run."""
        return schedules.kept_online(n, self.snapshots)

    def recomputed(self, n: int) -> int:
        """How many rounds are run again, if there are n."""
        return schedules.executed(self.actions(n)).advanced - max(n - 1, 0)


@provide
def online(snapshots: int = 20) -> Online:
    """The schedule for a loop whose end shows only when it is reached: so many snapshots, placed while it runs.

    Law: up to C(s + 2, 2) rounds as few are run again as by `binomial`, which knows their number; beyond, at most 16%
    more advances, as far as it was tried (s <= 20, n <= 2000). Memory: s + 1 carries. Stumm and Walther, New algorithms
    for optimal online checkpointing, SIAM Journal on Scientific Computing 32 (2010).

    >>> import wengert as wg
    >>> plan = wg.checkpointing.online(snapshots=3)
    >>> plan.places(10), plan.recomputed(10), wg.checkpointing.binomial(3).recomputed(10)
    ([0, 4, 7], 6, 6)
    >>> halve = lambda x: wg.while_loop(lambda x: x > 1.0, lambda x: x / 2, x, checkpoint=plan)
    >>> wg.grad(halve)(500.0)
    np.float64(0.001953125)
    """
    schedules.check(0, snapshots)
    return Online(snapshots)


@provide
def binomial(snapshots: int = 20) -> Binomial:
    """The schedule with the fewest recomputed rounds for so many snapshots (revolve).

    Law: with t the fewest repetitions such that C(s + t, s) >= n, a loop of n rounds runs
    t n - C(s + t, t - 1) - (n - 1) rounds again in reverse mode. Memory: s + 1 carries, and what the derivative of one
    round needs. Griewank and Walther, Algorithm 799, ACM Transactions on Mathematical Software 26 (2000).

    >>> import wengert as wg
    >>> plan = wg.checkpointing.binomial(snapshots=20)
    >>> plan.recomputed(10_000)
    27977
    >>> f = lambda x: wg.fori_loop(0, 100, lambda i, v: v * (1 - 0.01 * v), x, checkpoint=plan)
    >>> wg.grad(f)(1.0) == wg.grad(lambda x: wg.fori_loop(0, 100, lambda i, v: v * (1 - 0.01 * v), x))(1.0)
    np.True_
    """
    schedules.check(0, snapshots)
    return Binomial(snapshots)
