"""A while loop whose way back keeps a few states of it, though how many rounds there are shows only when it ends.

    online[cond, body, snapshots]   count, constants, consts, carry -> rounds, carry    as `while`, without rows
    replayed[program, back]         its derivative, as in scheduled.py

While the loop runs, at most `snapshots` states are kept, and the present one. When there is one more, one is given up:
the first whose gap may grow, that is, whose rounds can still be reversed with as few repetitions as any (`reach`). So
every number of rounds up to C(s + 2, s) is reversed with the fewest possible advances, as by a schedule made for it:
Stumm and Walther, New algorithms for optimal online checkpointing, SIAM J. Sci. Comput. 32 (2010) 836. A count that is
known when the loop begins (not negative) places them as `revolve` does. On the way back each gap is reversed by
revolve with the snapshots that have become free. All of it are programs on arrays of integers:

    pos, row    for each rank (the oldest first) the round before which the state was, and the row of the snapshots
    height      how many ranks are kept; the row of the next rank has the present state
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import Mask, fixpoint, rewired
from ..core.primitive import Custom, Primitive, Sample, TangentOf
from ..core.program import Program
from ..core.record import prune, record
from ..core.types import ArrayType, zeros
from . import discrete as dc
from . import elementwise as ew
from .bodies import Dual, Sizes, Values, chosen, placed
from .gather import gather, scatter_set
from .loops import batch_while, blind_to, while_, while_flows, while_jvp, while_narrow, while_type
from .reduce import argmin, count
from .scheduled import replayed, rounds_of, stored, strong_type
from .shape import broadcast_to, reshape

I64 = ArrayType((), np.int64)


@functools.cache
def reaches(snapshots: int) -> Any:
    """How many rounds s snapshots can reverse, none run more than t times: C(s + t, s), as a table [s, t]."""
    times = 64 if snapshots > 3 else 512
    table = [[min(math.comb(s + t, s), 2**62) for t in range(times)] for s in range(snapshots + 1)]
    return np.array(table, np.int64)


def split(table: Any, n: Any, snapshots: Any) -> Any:
    """How far to advance before the next snapshot, of n rounds to reverse: as in schedules.py, on arrays."""
    row, times = gather(table, snapshots, axis=0), table.shape[1]
    t = count(dc.less(row, broadcast_to(n, shape=(times,))), axis=(0,))
    below = gather(row, ew.maximum(t - 2, 0), axis=0)
    behind = gather(gather(table, snapshots - 1, axis=0), ew.minimum(t, times - 1), axis=0)
    least = ew.where(dc.greater(t, 1), below, np.int64(1))
    return ew.maximum(ew.minimum(ew.maximum(least, n - behind), n - 1), np.int64(1))


class Ranks:
    """What is kept of the states, as numbers: height, pos, row; and `next`, the round whose state is kept next."""

    def __init__(self, snapshots: int) -> None:
        self.s, self.table = snapshots, reaches(snapshots)
        self.places = np.arange(snapshots + 1)
        self.types = [I64, I64, *[ArrayType((snapshots + 1,), np.int64)] * 2]

    def begin(self) -> list[Any]:
        """Nothing is kept; the first state will be."""
        return [np.int64(0), np.int64(0), np.zeros(self.s + 1, np.int64), np.arange(self.s + 1)]

    def moved_on(self, n: Any, i: Any, height: Any, next: Any, pos: Any, row: Any) -> list[Any]:
        """Round i begins: is the state before it, the present one so far, kept? n: the rounds, negative if unknown."""
        known = dc.greater_equal(n, 0)
        due = dc.logical_or(dc.logical_not(known), dc.equal(next, i - 1))
        keep = dc.logical_and(dc.greater(i, 0), due)
        ahead = (i - 1) + split(
            self.table, ew.maximum(n - (i - 1), np.int64(2)), ew.maximum(self.s - height, np.int64(1))
        )
        next = ew.where(dc.logical_and(keep, known), ahead, next)
        higher = ew.where(keep, height + 1, height)
        over = dc.greater(higher, self.s)
        gone = ew.where(over, self.given_up(i, pos), np.int64(self.s + 1))
        wide = broadcast_to(gone, shape=(self.s + 1,))
        moved = ew.where(dc.greater_equal(self.places, wide), self.places + 1, self.places)
        moved = ew.where(
            self.places == self.s, ew.minimum(wide, broadcast_to(np.int64(self.s), shape=(self.s + 1,))), moved
        )
        height = ew.where(over, np.int64(self.s), higher)
        pos = scatter_set(gather(pos, moved, axis=0), i, height, axis=0)
        return [height, next, pos, gather(row, moved, axis=0)]

    def given_up(self, i: Any, pos: Any) -> Any:
        """The rank that is given up when there is one too many: the first whose rounds the gap before it can take."""
        s, times = self.s, self.table.shape[1]
        last = np.arange(2, s + 2)
        ends = ew.where(last > s, broadcast_to(i, shape=(s,)), gather(pos, np.minimum(last, s), axis=0))
        lengths = ends - gather(pos, np.arange(s), axis=0)
        wide = broadcast_to(reshape(lengths, shape=(s, 1)), shape=(s, times))
        return argmin(count(dc.less(self.table[:0:-1], wide), axis=(1,)), axis=0) + 1


class OnlineReplay:
    """What reverse mode runs in the place of an online loop: the loop that keeps states, and the way back."""

    def __init__(self, body: Program, cond: Program, active: Mask, sizes: Sizes, n_cond: int, snapshots: int) -> None:
        self.body, self.cond, self.sizes, self.n_cond = body, cond, sizes, n_cond
        self.ranks = Ranks(snapshots)
        self.ins, self.outs = fixpoint(body, active, *sizes, differentiable=True)
        self.active = active
        self.consts, self.carries, _ = sizes.split([strong_type(t) for t in map(zeros, body.in_types)])
        derivative = body.transform("derivative", self.ins, self.outs)
        linear = (False,) * len(body.inputs) + (True,) * sum(self.ins)
        bars, outs = (True,) * sum(self.outs), (True,) * sum(self.ins)
        self.step_back = derivative.transform("transpose", linear, bars, outs)
        self.snapshots = [ArrayType((snapshots + 1, *t.shape), t.dtype) for t in self.carries]
        self.state = [I64, *self.ranks.types, *self.snapshots]  # rounds, ranks, states
        self.keeping = prune(record(self.keep, [*self.consts, I64, *self.state, *self.carries], name=body.name))
        n = len(self.state)
        skipped = [*cond.inputs[:n_cond], *record(lambda *xs: [], self.state).inputs, *cond.inputs[n_cond:]]
        self.test = rewired(cond, skipped, cond.outputs)
        given = [*self.consts, *self.carries, *self.state]
        self.tangents = record(
            self.pushed, [*cond.in_types[:n_cond], *given, *chosen(self.xs, active)], name="tangents"
        )
        y_bars = chosen(self.carries, self.outs)
        self.back = record(self.pulled, [*cond.in_types[:n_cond], *given, *y_bars], name=f"{body.name} backwards")
        self.tangents.quiet = self.back.quiet = True
        assert n == len(skipped) - len(cond.inputs)

    @property
    def xs(self) -> list[ArrayType]:
        """Types of consts and carry."""
        return [*self.consts, *self.carries]

    def forwards(self, rounds: Any, constants: Values, consts: Values, carry: Values) -> list[Any]:
        """The rounds that were run, the ranks, the states that are kept, and the carry."""
        begin = [np.int64(0), *self.ranks.begin(), *map(zeros, self.snapshots)]
        sizes = {"n_cond": len(constants), "n_consts": len(consts) + 1}
        args = [*constants, *consts, rounds, *begin, *carry]
        return while_(*args, cond=self.test, body=self.keeping, **sizes)[1:]

    def keep(self, *args: Any) -> list[Any]:
        """A round: the state before it becomes the present one."""
        n, m = self.sizes.consts, len(self.state)
        consts, (rounds, i, *ranks), rest = args[:n], args[n : n + 6], args[n + 6 :]
        snapshots, carry = rest[: m - 5], rest[m - 5 :]
        height, next, pos, row = self.ranks.moved_on(rounds, i, *ranks)
        states = stored(snapshots, carry, gather(row, height, axis=0))
        return [i + 1, height, next, pos, row, *states, *self.body.evaluate([*consts, *carry])]

    def pushed(self, *args: Any) -> list[Any]:
        """The tangents of the results, by the loop of the body's jvp."""
        k, n, m = self.n_cond, sum(self.sizes), len(self.state)
        constants, xs, x_dots = args[:k], args[k : k + n], args[k + n + m :]
        dual = self.body.remember(Dual, self.sizes, self.active)
        test = self.cond.remember(blind_to, tuple(dual.carry_dots))
        both = dual.arguments(xs, placed(x_dots, self.active))
        results = while_(*constants, *both, cond=test, body=dual.body, n_cond=k, n_consts=dual.n_consts)
        return chosen(dual.results(results[1:])[1], self.outs)

    # back ----------------------------------------------------------------------------------------------------------
    def pulled(self, *args: Any) -> list[Any]:
        """The adjoints of the active arguments: round by round, from the last."""
        k, n = self.n_cond, self.sizes.consts
        consts, args = args[k : k + n], args[k + n + self.sizes.carry :]
        (rounds, height, _, pos, row), args = args[:5], args[5:]
        snapshots, bars = args[: len(self.snapshots)], args[len(self.snapshots) :]
        sums = [zeros(t) for t in chosen(self.consts, self.ins[:n])]
        begin = [rounds, height + 1, pos, row, *snapshots, *bars, *sums]
        results = rounds_of(self.reverse_round, rounds, consts, begin)[4 + len(snapshots) :]
        carry_bars, sums = results[: len(bars)], results[len(bars) :]
        found = iter([*sums, *carry_bars])
        return chosen([next(found) if on else None for on in self.ins], self.active)

    def reverse_round(self, *args: Any) -> list[Any]:
        """The state before a round, made of the last that is kept; and the adjoint of the round."""
        n, c = self.sizes.consts, self.sizes.carry
        consts, (k, *state), rest = args[:n], args[n : n + 4 + c], args[n + 4 + c :]
        n_bars = sum(self.outs)
        j = k - 1
        height, pos, row, *snapshots = self.reached(consts, j, state)
        carry = [gather(x, gather(row, height - 1, axis=0), axis=0) for x in snapshots]
        bars = self.step_back.evaluate([*consts, *carry, *rest[:n_bars]])
        n_sums = len(rest) - n_bars
        added = [ew.add(a, b) for a, b in zip(rest[n_bars:], bars, strict=False)]
        return [j, height - 1, pos, row, *snapshots, *bars[n_sums:], *added]

    def reached(self, consts: Values, j: Any, state: Values) -> list[Any]:
        """The ranks and states once the one before round j is kept: advanced from the last, with more on the way."""
        n = len(consts)

        def behind(j: Any, height: Any, pos: Any, *rest: Any) -> list[Any]:
            return [dc.less(gather(pos, height - 1, axis=0), j)]

        def step(*args: Any) -> list[Any]:
            consts, (j, height, pos, row, *snapshots) = args[:n], args[n:]
            start, source = (gather(x, height - 1, axis=0) for x in (pos, row))
            free = ew.maximum(self.ranks.s - height, np.int64(0)) + 1
            m = split(self.ranks.table, ew.maximum(j + 1 - start, np.int64(2)), free)
            carry = [gather(x, source, axis=0) for x in snapshots]
            carry = rounds_of(lambda *xs: self.body.evaluate(xs), m, consts, carry)
            target = gather(row, height, axis=0)
            return [height + 1, scatter_set(pos, start + m, height, axis=0), row, *stored(snapshots, carry, target)]

        types = [strong_type(x) for x in (j, *state)]
        cond = record(behind, types)
        body = record(step, [*map(strong_type, consts), *types])
        results = while_(j, *consts, j, *state, cond=cond, body=body, n_cond=1, n_consts=n + 1)
        return results[1:]


# the primitive ---------------------------------------------------------------------------------------------------
def _online(rounds: Any, *args: Any, snapshots: int, **params: Any) -> list[Any]:
    return while_(*args, **params)


def _jvp(primals: Values, tangents: Values, *, snapshots: int, **params: Any) -> Any:
    def loop(*args: Any, **params: Any) -> list[Any]:
        return online(primals[0], *args, snapshots=snapshots, **params)

    y, y_dot = while_jvp(primals[1:], tangents[1:], loop=loop, **params)
    return y, y_dot


def _linearize(
    primals: Values, active: Sequence[bool], *, cond: Program, body: Program, n_cond: int, n_consts: int, snapshots: int
) -> Any:
    rounds, *xs = primals
    constants, consts, carry = Sizes(n_cond, n_consts).split(xs)
    sizes = Sizes(n_consts, len(carry))
    made = body.remember(OnlineReplay, cond, tuple(active[1 + n_cond :]), sizes, n_cond, snapshots)
    results = made.forwards(rounds, constants, consts, carry)
    m = len(made.state)
    args = [*xs, *results[:m], *(TangentOf(i) for i, on in enumerate(active) if on and i > n_cond)]
    params = {"program": made.tangents, "back": made.back}
    return [results[0], *results[m:]], [False, *made.outs], replayed, args, params


def _batch(size: int, batched: Sequence[bool], rounds: Any, *args: Any, snapshots: int, **params: Any) -> Any:
    def loop(*args: Any, **params: Any) -> list[Any]:
        return online(np.int64(-1) if batched[0] else rounds, *args, snapshots=snapshots, **params)

    return batch_while(size, batched[1:], *args, loop=loop, **params)


def _narrow(used: Mask, *, snapshots: int, **params: Any) -> Any:
    params, ins, outs = while_narrow(used, **params)
    return {**params, "snapshots": snapshots}, (True, *ins), outs


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    """c = sin(a c) for k rounds, whose number is not known to the loop, and known."""
    number = ArrayType((), np.float64)
    cond = record(lambda k, c: [dc.greater(k, 0)], [I64, number])
    body = record(lambda a, k, c: [k - 1, ew.sin(a * c)], [number, I64, number])
    for rounds in (-1, 5):
        args = (np.asarray(rounds), np.asarray(rng.normal()), np.asarray(5), np.asarray(rng.normal()))
        yield Sample(args, {"cond": cond, "body": body, "n_cond": 0, "n_consts": 1, "snapshots": 2}, order=2)


online = Primitive(
    "online",
    _online,
    Custom(_jvp, _linearize),
    type_rule=lambda rounds, *types, snapshots, **params: while_type(*types, **params),
    batch=_batch,
    samples=_samples,
    flows=lambda differentiable, rounds, *sets, snapshots, **params: while_flows(differentiable, *sets, **params),
    narrow=_narrow,
    multiple=True,
)
