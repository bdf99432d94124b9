"""A scan whose way back follows a schedule of snapshots: an ordinary scan that reads the schedule as data.

    scheduled[body, schedule]   consts, carry, xs -> carry, ys    the rounds; as `scan`, forwards and in forward mode
    replayed[program, back]     x, x_dot -> y_dot                 the derivative; its transpose is the program `back`

In reverse mode the rounds keep the carries of the schedule's first sweep, in as many rows as there are snapshots, and
one more for the present state. `back` is a scan over the rounds in the opposite order. Before it reverses a round it
makes the moves that the schedule says: restore the state of one row, advance it by some rounds, store it in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.dataflow import around, fixpoint, rewired
from ..core.execute import run
from ..core.primitive import Custom, Primitive, Sample, TangentOf
from ..core.program import Program
from ..core.record import prune, record
from ..core.types import DYNAMIC, ArrayType, dtype_of, shape_of, type_of, zeros
from . import elementwise as ew
from .bodies import Dual, Sizes, Values, chosen, is_value, placed
from .gather import gather, scatter_set
from .loops import batch_scan, scan, scan_type
from .program_call import checkpoint


class Store(NamedTuple):
    """Keep the state in a slot."""

    slot: int


class Restore(NamedTuple):
    """Go back to the state in a slot."""

    slot: int


class Advance(NamedTuple):
    """Run the rounds start, ..., stop - 1, keeping nothing of them."""

    start: int
    stop: int


class Reverse(NamedTuple):
    """Take the adjoint back through one round."""

    step: int


Action = Store | Restore | Advance | Reverse


class Tables:
    """A schedule as arrays. Rows of the snapshots: the slots, and behind them the present state.

    stored: the row to which each round of the first sweep writes the state before it. moves: (row, start, rounds, row),
    that is restore, advance, store, in the order in which they are made. For each round that is reversed, count: how
    many moves come before it; row: where its state is then.
    """

    def __init__(self, n: int, schedule: Any) -> None:
        actions = schedule.actions(n)
        self.slots = here = 1 + max((a.slot for a in actions if type(a) is Store), default=-1)
        self.stored = np.full(n, here, np.int32)
        self.count, self.row = np.zeros(n, np.int32), np.zeros(n, np.int32)
        moves: list[tuple[int, int, int, int]] = []
        at: dict[int, int] = {}  # the round whose state a slot holds
        row = start = position = done = 0  # the present state: that of a row, advanced from start to position
        sweep = True
        for action in actions:
            match action:
                case Advance(_, position):
                    pass
                case Restore(row):
                    start = position = at[row]
                case Store(slot):
                    if sweep:
                        self.stored[position] = slot
                    else:
                        moves.append((row, start, position - start, slot))
                    at[slot] = start = position
                    row = slot
                case Reverse(step):
                    if sweep:
                        row, sweep = int(self.stored[step]), False
                    elif position != start:
                        moves.append((row, start, position - start, here))
                        row, start = here, position
                    self.count[step], self.row[step] = len(moves) - done, row
                    done = len(moves)
        self.moves = np.array(moves, np.int32).reshape(-1, 4)


class EveryRound:
    """The schedule that stores each state."""

    def actions(self, n: int) -> list[Any]:
        """Store all, advancing by one; then reverse."""
        there = [a for k in range(n) for a in ((Advance(k - 1, k), Store(k)) if k else (Store(k),))]
        back = [a for k in range(n - 1, -1, -1) for a in ((Restore(k), Reverse(k)) if k < n - 1 else (Reverse(k),))]
        return [*there, *back]


# the rounds, and their derivative ----------------------------------------------------------------------------------
def _scheduled(*args: Any, schedule: Any, **params: Any) -> list[Any]:
    return scan(params["length"], *args, **params)


def _jvp(primals: Values, tangents: Values, *, body: Program, n_consts: int, n_carry: int, **params: Any) -> Any:
    dual = body.remember(Dual, Sizes(n_consts, n_carry), tuple(t is not None for t in tangents))
    sizes = {"n_consts": dual.n_consts, "n_carry": dual.n_carry}
    return dual.results(scheduled(*dual.arguments(primals, tangents), body=dual.body, **sizes, **params))


def _linearize(primals: Values, active: Sequence[bool], **params: Any) -> Any:
    """The rounds, which keep snapshots, and the derivative, which is given them."""
    made = params["body"].remember(Replay, tuple(active), *(params[k] for k in PARAMS))
    results, snapshots = made.forwards(primals)
    args = [*primals, *snapshots, *(TangentOf(i) for i, on in enumerate(active) if on)]
    return results, made.outs, replayed, args, {"program": made.tangents, "back": made.back}


def _batch(size: int, batched: Sequence[bool], *args: Any, schedule: Any, **params: Any) -> Any:
    def loop(count: int, *args: Any, **params: Any) -> list[Any]:
        return scheduled(*args, schedule=schedule, **params)

    return batch_scan(lambda: loop, size, [False, *batched], params["length"], *args, **params)


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    row = ArrayType((2,), np.float64)
    body = record(lambda w, c, x: [ew.sin(w * c + x), c * x], [row] * 3)
    params = {"body": body, "length": 3, "reverse": False, "n_consts": 1, "n_carry": 1, "schedule": EveryRound()}
    yield Sample(tuple(rng.normal(size=s) for s in ((2,), (2,), (3, 2))), params, order=2)


scheduled = Primitive(
    "scheduled",
    _scheduled,
    Custom(_jvp, _linearize),
    type_rule=lambda *types, schedule, **params: scan_type(0, *types, **params),
    batch=_batch,
    samples=_samples,
    flows=lambda differentiable, *sets, body, n_consts, n_carry, **params: around(
        body, sets, n_consts, n_carry, differentiable
    ),
    multiple=True,
)
PARAMS = ("length", "reverse", "n_consts", "n_carry", "schedule")


class Replay:
    """What reverse mode runs in the place of a scheduled scan: forwards, back, and the tangents in between."""

    def __init__(
        self, body: Program, active: tuple[bool, ...], n: int, reverse: bool, n_consts: int, n_carry: int, schedule: Any
    ) -> None:
        self.body, self.n, self.reverse, self.sizes = body, n, reverse, Sizes(n_consts, n_carry)
        self.tables = Tables(n, schedule)
        self.ins, self.outs = fixpoint(body, active, *self.sizes, differentiable=True)
        self.active = active
        self.carries = body.in_types[n_consts : n_consts + n_carry]
        derivative = body.transform("derivative", self.ins, self.outs)
        linear = (False,) * len(body.inputs) + (True,) * sum(self.ins)
        bars, outs = (True,) * sum(self.outs), (True,) * sum(self.ins)
        self.step_back = derivative.transform("transpose", linear, bars, outs)
        self.advance = prune(rewired(body, body.inputs, body.outputs[:n_carry]))
        self.types = self.loop_types(body.in_types, 0)
        self.snapshots = [ArrayType((self.tables.slots + 1, *t.shape), t.dtype) for t in self.carries]
        x_dots = chosen(self.types, active)
        self.keeping = self.with_snapshots()
        self.tangents = record(self.pushed, [*self.types, *self.snapshots, *x_dots], name=f"tangents of {body.name}")
        y_bars = chosen(self.loop_types(body.out_types, n_carry), self.outs)
        self.back = record(self.pulled, [*self.types, *self.snapshots, *y_bars], name=f"replay of {body.name}")
        self.tangents.quiet = self.back.quiet = True

    def loop_types(self, types: Sequence[ArrayType], rows: int) -> list[ArrayType]:
        """Types of the loop's arguments or results: behind consts and carry there are rows."""
        rows = rows or sum(self.sizes)
        stacks = [ArrayType((self.n, *t.shape), t.dtype) for t in types[rows:]]
        return [*(ArrayType(t.shape, t.dtype) for t in types[:rows]), *stacks]

    @property
    def params(self) -> dict[str, Any]:
        """Those of a scan of this length."""
        return {"length": self.n, "reverse": self.reverse}

    def forwards(self, args: Values) -> tuple[list[Any], list[Any]]:
        """Results, and the carries that the first sweep keeps."""
        consts, carry, xs = self.sizes.split(args)
        slots = self.tables.stored[::-1].copy() if self.reverse else self.tables.stored
        empty = [zeros(t) for t in self.snapshots]
        results = scan(
            self.n,
            *consts,
            *carry,
            *empty,
            *xs,
            slots,
            body=self.keeping,
            n_consts=len(consts),
            n_carry=2 * len(carry),
            **self.params,
        )
        n = len(carry)
        return [*results[:n], *results[2 * n :]], results[n : 2 * n]

    def with_snapshots(self) -> Program:
        """The body of the first sweep: its carry has the snapshots, its rows the places where states are written."""
        consts, carry, xs = self.sizes.split(self.body.in_types)
        types = [*consts, *carry, *self.snapshots, *xs, ArrayType((), np.int32)]
        return record(self.keep, types, name=self.body.name)

    def keep(self, *args: Any) -> list[Any]:
        """A round that writes the state before it to a row of the snapshots."""
        n = self.sizes.carry
        consts, both, (*row, slot) = Sizes(self.sizes.consts, 2 * n).split(args)
        outs = self.body.evaluate([*consts, *both[:n], *row])
        return [*outs[:n], *stored(both[n:], both[:n], slot), *outs[n:]]

    def pushed(self, *args: Any) -> list[Any]:
        """The tangents of the results, by the scan of the body's jvp."""
        xs, x_dots = args[: len(self.types)], args[len(self.types) + len(self.snapshots) :]
        dual = self.body.remember(Dual, self.sizes, self.active)
        sizes = {"n_consts": dual.n_consts, "n_carry": dual.n_carry}
        both = dual.arguments(xs, placed(x_dots, self.active))
        return chosen(dual.results(scan(self.n, *both, body=dual.body, **sizes, **self.params))[1], self.outs)

    # back ----------------------------------------------------------------------------------------------------------
    def pulled(self, *args: Any) -> list[Any]:
        """The adjoints of the active arguments: a scan over the rounds, from the last to the first."""
        (consts, carry, xs), t = self.sizes.split(args[: len(self.types)]), self.tables
        args = args[len(self.types) :]
        snapshots, bars = args[: len(carry)], args[len(carry) :]
        n_bars = sum(self.outs[: len(carry)])
        const_ins, _, _ = self.sizes.split(self.ins)
        sums = [zeros(t) for t in chosen(self.body.in_types[: len(consts)], const_ins)]
        tables = [x[::-1].copy() if self.reverse else x for x in (t.count, t.row)]
        fixed, changing = [*consts, *xs], [*snapshots, np.int32(0), *bars[:n_bars], *sums]
        rows = [*xs, *bars[n_bars:], *tables]
        types = [type_of(x) for x in (*fixed, *changing)] + [ArrayType(shape_of(x)[1:], dtype_of(x)) for x in rows]
        body = record(self.reverse_round, types, name=f"{self.body.name} backwards")
        sizes = {"n_consts": len(fixed), "n_carry": len(changing)}
        results = scan(self.n, *fixed, *changing, *rows, body=body, length=self.n, reverse=not self.reverse, **sizes)
        _, *rest = results[len(carry) : len(changing)]
        carry_bars, sums = rest[:n_bars], rest[n_bars:]
        found = iter([*sums, *carry_bars, *results[len(changing) :]])
        x_bars = [next(found) if on else None for on in self.ins]
        return chosen(x_bars, self.active)

    def reverse_round(self, *args: Any) -> list[Any]:
        """The moves before a round, and its adjoint."""
        n, n_xs = self.sizes.carry, len(self.types) - sum(self.sizes)
        n_bars, n_sums = sum(self.outs[:n]), sum(self.ins[: self.sizes.consts])
        fixed, changing, rows = Sizes(self.sizes.consts + n_xs, n + 1 + n_bars + n_sums).split(args)
        *rows, count, place = rows
        done, *snapshots = self.moved(fixed, changing[n], changing[:n], count)
        carry_bars, sums = changing[n + 1 :][:n_bars], changing[n + 1 + n_bars :]
        state = [gather(s, place, axis=0) for s in snapshots]
        consts = fixed[: self.sizes.consts]
        bars = self.step_back.evaluate([*consts, *state, *rows[:n_xs], *carry_bars, *rows[n_xs:]])
        added = [ew.add(a, b) for a, b in zip(sums, bars, strict=False)]
        return [*snapshots, done, *bars[n_sums : n_sums + n_bars], *added, *bars[n_sums + n_bars :]]

    def moved(self, fixed: Values, done: Any, snapshots: Values, count: Any) -> list[Any]:
        """How many moves are done, and the snapshots, after so many more of them."""
        moves, n_fixed = self.tables.moves, len(self.fixed_types)
        if not len(moves):
            return [done, *snapshots]

        def move(*args: Any) -> list[Any]:
            fixed, k, snapshots = args[:n_fixed], args[n_fixed], args[n_fixed + 1 :]
            source, start, rounds, target = (gather(column, k, axis=0) for column in moves.T.copy())
            state = [gather(s, source, axis=0) for s in snapshots]
            return [ew.add(k, np.int32(1)), *stored(snapshots, self.advanced(fixed, state, start, rounds), target)]

        return rounds_of(move, count, fixed, [done, *snapshots])

    def advanced(self, fixed: Values, state: Values, start: Any, rounds: Any) -> list[Any]:
        """The state after so many rounds more."""
        n, last, n_fixed = self.sizes.consts, np.int32(self.n - 1), len(self.fixed_types)

        def step(*args: Any) -> list[Any]:
            fixed, k, state = args[:n_fixed], args[n_fixed], args[n_fixed + 1 :]
            row = ew.sub(last, k) if self.reverse else k
            xs = [gather(x, row, axis=0) for x in fixed[n:]]
            return [ew.add(k, np.int32(1)), *self.advance.evaluate([*fixed[:n], *state, *xs])]

        return rounds_of(step, rounds, fixed, [start, *state])[1:]

    @property
    def fixed_types(self) -> list[ArrayType]:
        """Types of consts and rows."""
        consts, _, rows = self.sizes.split(self.types)
        return [*consts, *rows]


def rounds_of(step: Any, count: Any, fixed: Values, carry: Values) -> list[Any]:
    """The carry after `count` rounds, a number that is data."""
    body = record(step, [strong_type(x) for x in (*fixed, *carry)])
    params = {"length": DYNAMIC, "reverse": False, "n_consts": len(fixed), "n_carry": len(carry)}
    return scan(count, *fixed, *carry, body=body, **params)


def strong_type(x: Any) -> ArrayType:
    """The type of an array or number, which a loop carries."""
    return ArrayType(shape_of(x), dtype_of(x))


def stored(snapshots: Values, state: Values, row: Any) -> list[Any]:
    """The snapshots with a state in one row."""
    return [scatter_set(s, x, row, axis=0) for s, x in zip(snapshots, state, strict=True)]


# the derivative as a primitive -------------------------------------------------------------------------------------
RULES = checkpoint.kind
assert isinstance(RULES, Custom) and RULES.linearize and RULES.together and checkpoint.batch
JVP, LINEARIZE, TOGETHER, BATCH = RULES.jvp, RULES.linearize, RULES.together, checkpoint.batch


def _replayed(*args: Any, program: Program, back: Program) -> list[Any]:
    return run(program, args)


def _replayed_jvp(primals: Values, tangents: Values, *, program: Program, back: Program) -> Any:
    return JVP(primals, tangents, program=program)


def _replayed_linearize(primals: Values, active: Sequence[bool], *, program: Program, back: Program) -> Any:
    return LINEARIZE(primals, active, program=program)


def _replayed_transpose(y_bars: Values, *args: Any, program: Program, back: Program) -> list[Any]:
    """By the schedule, where the arguments are what reverse mode gives: all values known, all tangents wanted."""
    known = [a for a in args if is_value(a)]
    n = len(back.inputs) - len(y_bars)
    if len(known) != n or not all(map(is_value, args[:n])):
        return TOGETHER(y_bars, *args, program=program)
    bars = [zeros(v.type) if b is None else b for b, v in zip(y_bars, back.inputs[n:], strict=True)]
    return [*[None] * n, *back.evaluate([*known, *bars])]


def _replayed_samples(rng: np.random.Generator) -> Iterator[Sample]:
    """The derivative of the sample above, with snapshots and tangents."""
    for sample in _samples(rng):
        body, schedule = sample.params["body"], sample.params["schedule"]
        made = Replay(body, (True,) * 3, 3, False, 1, 1, schedule)
        tangents = [rng.normal(size=t.shape) for t in made.types]
        args = [*sample.args, *made.forwards(sample.args)[1], *tangents]
        yield Sample(tuple(args), {"program": made.tangents, "back": made.back}, order=1)


replayed = Primitive(
    "replayed",
    _replayed,
    Custom(_replayed_jvp, _replayed_linearize, together=_replayed_transpose),
    type_rule=lambda *types, program, back: [ArrayType(t.shape, t.dtype) for t in program.out_types],
    batch=lambda size, batched, *args, program, back: BATCH(size, batched, *args, program=program),
    samples=_replayed_samples,
    multiple=True,
)
