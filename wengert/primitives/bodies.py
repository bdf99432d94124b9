"""The body of a loop, and what the loop's derivatives and vmap run in its place: again bodies of loops.

A body is a Program: consts, carry, rows of xs -> carry, rows of ys. Arguments of loops are grouped in that order.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.dataflow import Mask, acting, computable, fixpoint, narrowed_inputs, reach, rewired, sliced, used_inputs
from ..core.primitive import TangentOf
from ..core.program import Equation, Program, Var
from ..core.record import record
from ..core.trace import Tracer, live_lanes, setting
from ..core.types import DYNAMIC, ArrayType, dtype_of, shape_of, type_of, zeros
from ..errors import ShapeError
from . import elementwise as ew
from .gather import gather
from .reduce import argmax
from .shape import broadcast_to, reshape, transpose

Values = Sequence[Any]
Groups = tuple[Values, Values, Values]


class Sizes(NamedTuple):
    """How many constants and carries a loop has; the rest of its arguments are rows."""

    consts: int
    carry: int

    def split(self, items: Values) -> Groups:
        """(consts, carry, rows)."""
        first, second = self.consts, self.consts + self.carry
        return items[:first], items[first:second], items[second:]

    def chosen(self, mask: Sequence[bool]) -> Sizes:
        """The sizes of what a mask names."""
        consts, carry, _ = self.split(mask)
        return Sizes(sum(consts), sum(carry))


def strong(types: Sequence[ArrayType]) -> list[ArrayType]:
    """Types of what leaves a loop, a branch or a call: arrays, also where a Python number went in."""
    return [ArrayType(t.shape, t.dtype) for t in types]


def check_types(types: Values, args: Values) -> None:
    """A body is specialised to types: arguments of others would be computed with wrongly."""
    for t, a in zip(types, args, strict=False):
        if dtype_of(a) != t.dtype and type_of(a).dtype != t.dtype:  # in another order of bytes it will do
            raise ShapeError(
                f"a loop whose body was recorded for {t} runs on {type_of(a)}",
                why="a body is specialised to the types that it was recorded with",
                write="record the program again with arguments of the new type",
            )


def joined(a: Groups, b: Groups) -> list[Any]:
    """The arguments of a loop that runs two things at once: a's consts, b's consts, a's carry, b's carry, ..."""
    return [v for pair in zip(a, b, strict=True) for group in pair for v in group]


def chosen(items: Values, mask: Sequence[bool]) -> list[Any]:
    """The items that a mask names."""
    return [x for x, on in zip(items, mask, strict=True) if on]


def placed(items: Values, mask: Sequence[bool]) -> list[Any]:
    """The items at the places that a mask names, None at the others."""
    rest = iter(items)
    return [next(rest) if on else None for on in mask]


# forward mode ----------------------------------------------------------------------------------------------------
class Dual:
    """The jvp of a body as a body: consts, const_dots, carry, carry_dots, ... -> carry, carry_dots, ..."""

    def __init__(self, body: Program, sizes: Sizes, active: Mask) -> None:
        self.sizes, self.types = sizes, body.in_types
        self.ins, self.outs = fixpoint(body, active, *sizes, differentiable=True)
        self.dots = sizes.chosen(self.ins)
        made = body.transform("jvp", self.ins, self.outs)
        n, m = len(body.inputs), len(body.outputs)
        inputs = joined(sizes.split(made.inputs[:n]), self.dots.split(made.inputs[n:]))
        outputs = joined(
            Sizes(0, sizes.carry).split(made.outputs[:m]), Sizes(0, self.dots.carry).split(made.outputs[m:])
        )
        self.body = rewired(made, inputs, outputs)
        self.n_consts, self.n_carry = sizes.consts + self.dots.consts, sizes.carry + self.dots.carry

    @property
    def carry_dots(self) -> list[ArrayType]:
        """Types of the tangents in the carry."""
        return list(self.dots.split(chosen(self.types, self.ins))[1])

    def arguments(self, xs: Values, x_dots: Values) -> list[Any]:
        """Arguments of the loop. A carry that becomes active in a later round begins with the tangent zero."""
        pairs = chosen(list(zip(self.types, x_dots, strict=True)), self.ins)
        return joined(self.sizes.split(xs), self.dots.split([zeros(t) if d is None else d for t, d in pairs]))

    def results(self, results: Values) -> tuple[list[Any], list[Any]]:
        """The results of the loop as values and tangents."""
        n, m, d = self.sizes.carry, len(self.outs), self.dots.carry
        y = [*results[:n], *results[n + d : m + d]]
        return y, placed([*results[n : n + d], *results[m + d :]], self.outs)


# reverse mode ----------------------------------------------------------------------------------------------------
class Linearized:
    """A body in two: what the loop runs and saves (`body`), and what the linear scan runs with that (`linear`).

    A residual that no round changes is not stacked: constants, and what depends on them alone, are constants of the
    linear scan; rows of xs are its rows.
    """

    def __init__(self, body: Program, sizes: Sizes, active: Mask) -> None:
        self.active, self.types = active, body.in_types
        self.ins, self.outs = fixpoint(body, active, *sizes, differentiable=True)
        first, second = body.transform("linearize", self.ins, self.outs)
        consts, _, rows = sizes.split(first.inputs)
        saved, m = first.outputs[len(self.outs) :], len(self.outs)
        from_consts = computable(first, consts)
        constant = [v in from_consts for v in saved]
        known = {v: i for i, v in enumerate(first.inputs) if v in consts or v in rows}
        computed = [v for v in chosen(saved, constant) if v not in known]
        stacked = [v for v in saved if v not in known and v not in computed]
        self.body = rewired(first, first.inputs, [*first.outputs[:m], *stacked])
        self.invariant = sliced(first, consts, computed)

        row = [not on for on in constant]
        self.from_consts = [known.get(v) for v in chosen(saved, constant)]
        self.from_rows = [known.get(v) for v in chosen(saved, row)]
        r, self.dots = len(saved), sizes.chosen(self.ins)
        residuals: Groups = chosen(second.inputs[:r], constant), [], chosen(second.inputs[:r], row)
        self.linear = rewired(second, joined(residuals, self.dots.split(second.inputs[r:])), second.outputs)
        self.n_consts, self.n_carry = sum(constant) + self.dots.consts, self.dots.carry

    def linear_scan(self, first: int, count: Any, xs: Values, stacks: Values, length: int, reverse: bool) -> Any:
        """Arguments and parameters of the linear scan; input i of the body is argument first + i of the loop."""
        with np.errstate(all="ignore"):
            computed = iter(self.invariant.evaluate(xs[: len(self.invariant.inputs)]))
        stacked = iter(stacks)
        constant = [next(computed) if i is None else xs[i] for i in self.from_consts]
        rows = [next(stacked) if i is None else xs[i] for i in self.from_rows]
        pairs = enumerate(zip(self.active, self.types, strict=True))
        dots = [TangentOf(first + i) if on else t for i, (on, t) in pairs]
        args = joined((constant, [], rows), self.dots.split(chosen(dots, self.ins)))
        params = {"body": self.linear, "length": length, "reverse": reverse}
        return [count, *args], {**params, "n_consts": self.n_consts, "n_carry": self.n_carry}


class Transposed:
    """The transpose of a linear body, as the body of a linear scan in the opposite direction.

    It carries the adjoints of the carry and the sums of the adjoints of constants; adjoints of rows are its rows.
    """

    def __init__(self, body: Program, sizes: Sizes, linear: Mask, given: Mask) -> None:
        self.sizes, self.types, self.linear = sizes, body.out_types, linear
        self.bars, self.outs = transposed_fixpoint(body, sizes, linear, given)
        made = body.transform("transpose", linear, self.bars, tuple(chosen(self.outs, linear)))
        consts, _, rows = sizes.split(linear)
        self.n_consts, stacked = consts.count(False), rows.count(False)
        sums, carried = sizes.chosen(self.outs)
        self.n_carry = sums + carried
        self.body = summing(made, self.n_consts, stacked, sums, carried)
        self.sums = made.out_types[:sums]

    def arguments(self, args: Values, y_bars: Values) -> list[Any]:
        """Arguments of the linear scan; sums, and adjoints of the carry that are not given, begin with zeros."""
        consts, _, rows = self.sizes.split([None if on else a for a, on in zip(args, self.linear, strict=True)])
        carry_bars, row_bars = y_bars[: self.sizes.carry], y_bars[self.sizes.carry :]
        begin = [zeros(t) if b is None else b for b, t in zip(carry_bars, self.types, strict=False)]
        begin = chosen(begin, self.bars[: self.sizes.carry])
        return [a for a in (*consts, *map(zeros, self.sums), *begin, *rows, *row_bars) if a is not None]


def is_value(a: Any) -> bool:
    """In a transpose: is this argument a value, rather than the type of a tangent?"""
    return isinstance(a, np.ndarray | np.generic | int | float | complex | Tracer)


def transposed_fixpoint(body: Program, sizes: Sizes, linear: Mask, given: Sequence[bool]) -> tuple[Mask, Mask]:
    """Which outputs of the body have adjoints in some round, and which of its linear inputs get any."""
    sets = reach(body)
    bars = list(given)
    while True:
        touched = 0
        for bits, on in zip(sets, bars, strict=True):
            touched |= bits if on else 0
        outs = [on and bool(touched >> i & 1) for i, on in enumerate(linear)]
        carried = [a or b for a, b in zip(bars, sizes.split(outs)[1], strict=False)]
        if carried == bars[: sizes.carry]:
            outs[sizes.consts : sum(sizes)] = carried
            return tuple(bars), tuple(outs)
        bars[: sizes.carry] = carried


def summing(made: Program, given: int, stacked: int, sums: int, carried: int) -> Program:
    """A transposed body with sums of the adjoints of constants: total + const_bar."""
    consts, rows, bars = Sizes(given, stacked).split(made.inputs)
    totals = [Var(a.type) for a in made.outputs[:sums]]
    results = [Var(v.type) for v in totals]
    adds = [Equation(ew.add, [v, a], {}, [s]) for v, a, s in zip(totals, made.outputs, results, strict=False)]
    inputs = [*consts, *totals, *bars[:carried], *rows, *bars[carried:]]
    outputs = [*results, *made.outputs[sums:]]
    return Program(inputs, made.constants, [*made.equations, *adds], outputs, name=made.name, quiet=True)


# vmap ------------------------------------------------------------------------------------------------------------
def rows_first(x: Any) -> Any:
    """(lanes, rounds, ...) -> (rounds, lanes, ...), and back."""
    return transpose(x, axes=(1, 0, *range(2, len(shape_of(x)))))


def in_lanes(size: int, xs: Values, batched: Sequence[bool], wanted: Sequence[bool]) -> list[Any]:
    """Values with the batch axis wherever it is wanted."""
    return [
        broadcast_to(x, shape=(size, *shape_of(x))) if want and not on else x
        for x, on, want in zip(xs, batched, wanted, strict=True)
    ]


def held(live: Any, new: Values, old: Values) -> list[Any]:
    """The new carry in the lanes that still run, the old one in the others."""

    def mask(shape: tuple[int, ...]) -> Any:
        return broadcast_to(reshape(live, shape=(shape[0], *(1,) * (len(shape) - 1))), shape=shape)

    return [ew.where(mask(shape_of(n)), n, o) for n, o in zip(new, old, strict=True)]


def live_evaluated(program: Program, args: Values, batched: Sequence[bool], live: Any) -> list[Any]:
    """A batched program, where the lanes that are live count, of which there is one at least.

    The others compute what it computes where anything else might never end, leave the bounds of an array or fail a
    check. Effects are those of the live lanes.
    """
    if program.remember(wary):
        one = argmax(live, axis=0)
        args = [lent(x, one, live) if on else x for x, on in zip(args, batched, strict=True)]
    with setting(live_lanes, live) if program.effect else contextlib.nullcontext():
        return program.evaluate(args)


def wary(program: Program) -> bool:
    """May a program go wrong on arguments that were not meant for it?"""
    return any(
        eq.primitive.name in _WARY or DYNAMIC in [eq.params.get("length")] or any(p.remember(wary) for p in eq.programs)
        for eq in program.equations
    )


_WARY = frozenset(("while", "gather", "scatter_add", "scatter_set", "scatter_clear", "check"))


def lent(x: Any, one: Any, live: Any) -> Any:
    """The values of one lane in all that are not live."""
    shape = shape_of(x)
    mask = broadcast_to(reshape(live, shape=(shape[0], *(1,) * (len(shape) - 1))), shape=shape)
    return ew.where(mask, x, broadcast_to(gather(x, one, axis=0), shape=shape))


def holding(body: Program, sizes: Sizes, size: int, batched: Mask) -> Program:
    """A batched body with one row more, the lanes that still run; in the others the carry stands still."""

    def f(*args: Any) -> list[Any]:
        *inputs, live = args
        outs = live_evaluated(body, inputs, batched, live)
        return [*held(live, outs[: sizes.carry], sizes.split(inputs)[1]), *outs[sizes.carry :]]

    made = record(f, [*body.in_types, ArrayType((size,), bool)], name=body.name)
    made.quiet = True  # what finished lanes compute is not used
    return made


# as part of a program --------------------------------------------------------------------------------------------
def needed_carry(body: Program, sizes: Sizes, used: Sequence[bool]) -> Mask:
    """The carries that the used results need, and effects, in any number of rounds."""
    sets = reach(body)
    needed = list(used)
    acting_on = acting(body)
    while True:
        touched = acting_on
        for bits, on in zip(sets, needed, strict=True):
            touched |= bits if on else 0
        carry = [on or bool(touched >> (sizes.consts + i) & 1) for i, on in enumerate(needed[: sizes.carry])]
        if carry == needed[: sizes.carry]:
            return tuple(carry)
        needed[: sizes.carry] = carry


def narrowed_body(body: Program, sizes: Sizes, carry: Mask, rows: Sequence[bool]) -> tuple[Program, Mask, Mask]:
    """The body without the other carries and rows of results, the inputs that it keeps, and the carries.

    Those may be more: an equation that runs a program can take in what the results that are kept do not depend on.
    """
    made = rewired(body, body.inputs, chosen(body.outputs, (*carry, *rows)))
    consts, taken, xs = sizes.split(used_inputs([made]))
    grown = tuple(map(operator.or_, carry, taken))
    if grown != carry:
        return narrowed_body(body, sizes, grown, rows)
    ins = (*consts, *carry, *xs)
    return narrowed_inputs(made, ins), ins, carry
