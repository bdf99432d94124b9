"""taylor: flat functions, and what runs programs. The series of a loop is a loop whose body computes with series.

    program    x -> y   becomes   x, x_1 ... x_n -> y, y_1 ... y_n    for the inputs and outputs that have series

A coefficient is one value more for each active argument: constants, carries and rows have theirs beside them. Programs
have a fixed order. Where a series is asked for before its inputs are known to that order (inside a custom derivative),
the program is run again for each coefficient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core.dataflow import Mask, fixpoint, reached, rewired
from ..core.primitive import Primitive
from ..core.program import Program
from ..core.record import record
from ..core.trace import Tracer, handed_out, settled, unaliased
from ..core.types import ArrayType, dtype_of, is_inexact, shape_of, type_of, zeros
from ..primitives import call as primitives_call
from ..primitives import control, loops, planned, program_call
from ..primitives.bodies import Sizes
from .program import chosen, merged
from .taylor import WHOLE, Series, TaylorTrace, divided, once, times

Coefficients = Sequence[Sequence[Any]]  # [k - 1][i]: coefficient k of the i-th value that has any
Given = list[list[Any]]  # [i][k - 1]: coefficient k of argument i; empty where it has none
Run = Callable[[Given, int], tuple[Sequence[Any], Mask, Coefficients]]


def taylor_flat(
    f: Callable[..., Sequence[Any]],
    primals: Sequence[Any],
    series: Sequence[Sequence[Any]],
    order: int,
    owner: Any = None,
) -> tuple[list[Any], list[list[Any]]]:
    """Values of a flat function, and their coefficients 1 to order. series: those of the arguments; None is zero."""
    trace = TaylorTrace(order)
    trace.owner = owner
    with trace:
        xs = [unaliased(x) for x in primals]
        given = [Series([x, *s]) if any(c is not None for c in s) else None for x, s in zip(xs, series, strict=True)]
        outs = [settled(y) for y in f(*[Tracer(trace, x, s) for x, s in zip(xs, given, strict=True)])]
        values = [handed_out(trace.value(y)) for y in outs]
        found = [[trace.coefficient(y, k) for k in range(1, order + 1)] for y in outs]
    return values, [[handed_out(c) for c in cs] for cs in found]


def taylor_program(program: Program, active: Mask, outs: Mask, order: int) -> Program:
    """x, then coefficients 1, 2, ... of active inputs -> y, then coefficients 1, 2, ... of the results in `outs`."""
    n = len(program.inputs)

    def f(*args: Any) -> list[Any]:
        groups = [merged(active, iter(part), iter([None] * n)) for part in parts(args[n:], sum(active), order)]
        series = list(zip(*groups, strict=True))
        ys, found = taylor_flat(lambda *xs: program.evaluate(xs), args[:n], series, order)
        rows = chosen(list(zip(found, program.out_types, strict=True)), outs)
        return [*ys, *((zeros(t) if cs[k] is None else cs[k]) for k in range(order) for cs, t in rows)]

    made = record(f, [*program.in_types, *chosen(program.in_types, active) * order], name=f"series of {program.name}")
    made.quiet = True
    return made


def parts(items: Sequence[Any], size: int, count: int) -> list[Sequence[Any]]:
    """`count` groups of this size, one after another."""
    return [items[k * size : (k + 1) * size] for k in range(count)]


class Raised:
    """A loop's body that computes with series: consts, their coefficients; carry, its coefficients; rows, ..."""

    def __init__(self, body: Program, sizes: Sizes, active: Mask, order: int) -> None:
        self.sizes, self.types, self.order = sizes, body.in_types, order
        self.ins, self.outs = fixpoint(body, active, *sizes, differentiable=True)
        self.moving = sizes.chosen(self.ins)
        made = taylor_program(body, self.ins, self.outs, order)
        n, m = len(body.inputs), len(body.outputs)
        inputs = arranged(sizes, self.moving, made.inputs[:n], parts(made.inputs[n:], sum(self.ins), order))
        carries = Sizes(0, sizes.carry), Sizes(0, self.moving.carry)
        outputs = arranged(*carries, made.outputs[:m], parts(made.outputs[m:], sum(self.outs), order))
        self.body = rewired(made, inputs, outputs)
        self.n_consts = sizes.consts + self.moving.consts * order
        self.n_carry = sizes.carry + self.moving.carry * order

    @property
    def carried(self) -> list[ArrayType]:
        """Types of the coefficients in the carry."""
        return list(self.moving.split(chosen(self.types, self.ins))[1]) * self.order

    def arguments(self, values: Sequence[Any], given: Sequence[Sequence[Any]]) -> list[Any]:
        """The same, from one list of coefficients for each argument; those that are zero are made."""
        each = chosen(list(zip(given, values, self.types, strict=True)), self.ins)
        every = [[filled(cs[k], v, t) for cs, v, t in each] for k in range(self.order)]
        return arranged(self.sizes, self.moving, values, every)

    def results(self, results: Sequence[Any]) -> tuple[list[Any], Mask, Coefficients]:
        """The results of the loop: values, which have series, and those."""
        n, m, d, order = self.sizes.carry, len(self.outs), self.moving.carry, self.order
        stacked = results[n + d * order :]
        carried = parts(results[n : n + d * order], d, order)
        rows = parts(stacked[m - n :], sum(self.outs) - d, order)
        found = [[*c, *r] for c, r in zip(carried, rows, strict=True)]
        return [*results[:n], *stacked[: m - n]], self.outs, found


def arranged(sizes: Sizes, moving: Sizes, values: Sequence[Any], every: Coefficients) -> list[Any]:
    """Group by group (constants, carry, rows) the values, then their coefficients by order."""
    split = [moving.split(part) for part in every]
    found: list[Any] = []
    for g, group in enumerate(sizes.split(values)):
        found += [*group, *(c for part in split for c in part[g])]
    return found


def filled(coefficient: Any, value: Any, type: ArrayType) -> Any:
    """A coefficient for a program, which has no symbolic zeros. What a loop reads row by row is longer than a row."""
    return zeros(ArrayType(shape_of(value), type.dtype)) if coefficient is None else coefficient


# one rule for all --------------------------------------------------------------------------------------------------
def whole(trace: TaylorTrace, args: Sequence[Any], run: Run) -> list[Any]:
    """Results whose coefficients come together: `run(coefficients of the arguments, order)`."""
    every = [trace.series(a) for a in args]

    def upto(order: int) -> tuple[Sequence[Any], Mask, Coefficients]:
        return run([[None if s is None else s[k] for k in range(1, order + 1)] for s in every], order)

    order = 0 if trace.lazy else trace.order
    values, outs, found = upto(order)
    rule = once(lambda k: (found if k <= order else upto(k)[2])[k - 1])
    places = iter(range(len(values)))
    ys = []
    for y, on in zip(values, outs, strict=True):
        series = None
        if on:
            series = Series([y], functools.partial(lambda i, k: rule(k)[i], next(places)))
        ys.append(trace.lift(y, series))
    return ys


def moves(trace: TaylorTrace, args: Sequence[Any]) -> Mask:
    """Which arguments have a series?"""
    return tuple(trace.series(a) is not None for a in args)


def scan(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """The loop of the raised body."""
    sizes, active = Sizes(params["n_consts"], params["n_carry"]), moves(trace, args)[1:]
    count, *values = map(trace.value, args)

    def run(given: Given, order: int) -> Any:
        body = params["body"].remember(Raised, sizes, active, order)
        changed = {"body": body.body, "n_consts": body.n_consts, "n_carry": body.n_carry}
        return body.results(loops.scan(count, *body.arguments(values, given[1:]), **(params | changed)))

    return whole(trace, args, run)


def while_(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """The loop of the raised body; its condition looks at values only."""
    n_cond, n_consts = params["n_cond"], params["n_consts"]
    sizes, active = Sizes(n_consts, len(args) - n_cond - n_consts), moves(trace, args)[n_cond:]
    values = list(map(trace.value, args))

    def run(given: Given, order: int) -> Any:
        body = params["body"].remember(Raised, sizes, active, order)
        test = params["cond"].remember(loops.blind_to, tuple(body.carried))
        xs = body.arguments(values[n_cond:], given[n_cond:])
        made = {"cond": test, "body": body.body, "n_cond": n_cond, "n_consts": body.n_consts}
        count, *results = loops.while_(*values[:n_cond], *xs, **made)
        ys, outs, found = body.results(results)
        return [count, *ys], (False, *outs), found

    return whole(trace, args, run)


def cond(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """The branch that is taken, with series."""
    branches, active = params["branches"], moves(trace, args)[1:]
    outs = control.either([reached(b, active, differentiable=True) for b in branches])
    index, *values = map(trace.value, args)

    def run(given: Given, order: int) -> Any:
        made = tuple(b.remember(taylor_program, active, outs, order) for b in branches)
        coefficients = flat(given[1:], values, branches[0].in_types, active, order)
        results = control.cond(index, *values, *coefficients, branches=made)
        return results[: len(outs)], outs, parts(results[len(outs) :], sum(outs), order)

    return whole(trace, args, run)


def call(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """checkpoint, planned and jit: a program, called with series."""
    program, active = params["program"], moves(trace, args)
    others = {name: x for name, x in params.items() if name != "program"}
    outs = reached(program, active, differentiable=True)
    values = list(map(trace.value, args))

    def run(given: Given, order: int) -> Any:
        made = program.remember(taylor_program, active, outs, order)
        results = p(*values, *flat(given, values, program.in_types, active, order), program=made, **others)
        return results[: len(outs)], outs, parts(results[len(outs) :], sum(outs), order)

    return whole(trace, args, run)


def custom_rule(trace: TaylorTrace, p: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """A user's rule (custom_vjp too) sees a trace of its own, of one order less: what it closes over is found."""
    active = moves(trace, args)
    values = list(map(trace.value, args))

    def rule(*given: Any) -> list[Any]:
        dots = merged(active, iter(given[len(values) :]), iter([None] * len(values)))
        return p.kind.jvp(given[: len(values)], dots, **params)[1]  # type: ignore[union-attr]

    def run(given: Given, order: int) -> Any:
        ys = p(*values, **params)
        outs = tuple(is_inexact(dtype_of(y)) for y in ys)
        if not order:
            return ys, outs, []
        moving = chosen(list(zip(given, values, strict=True)), active)
        slopes = [[times(k, c) for k, c in enumerate(cs, 1)] for cs, _ in moving]
        firsts = [zeros(type_of(v)) if s[0] is None else s[0] for s, (_, v) in zip(slopes, moving, strict=True)]
        series = [*(cs[: order - 1] for cs in given), *(s[1:] for s in slopes)]
        y_dots, found = taylor_flat(rule, [*values, *firsts], series, order - 1)
        each = [[d, *cs] for d, cs, on in zip(y_dots, found, outs, strict=True) if on]
        return ys, outs, [[divided(cs[k - 1], k) for cs in each] for k in range(1, order + 1)]

    return whole(trace, args, run)


def flat(given: Given, values: Sequence[Any], types: Sequence[ArrayType], active: Mask, order: int) -> list[Any]:
    """Coefficients 1, 2, ... of active arguments, as `taylor_program` takes them."""
    each = chosen(list(zip(given, values, types, strict=True)), active)
    return [filled(cs[k], v, t) for k in range(order) for cs, v, t in each]


WHOLE.update(
    {
        loops.scan: scan,
        loops.linear_scan: scan,
        loops.while_: while_,
        control.cond: cond,
        program_call.checkpoint: call,
        program_call.jit: call,
        planned.planned: call,
        primitives_call.custom_jvp: custom_rule,
        primitives_call.custom_vjp: custom_rule,
        primitives_call.custom_linear: custom_rule,
    }
)
