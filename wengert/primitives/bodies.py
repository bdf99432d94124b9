"""The body of a loop, and what the loop's derivatives and vmap run in its place: again bodies of loops.

A body is a Program: consts, carry, rows of xs -> carry, rows of ys. Arguments of loops are grouped in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.dataflow import Mask, as_bits, fixpoint, narrowed_inputs, reach, rewired, sliced, used_inputs
from ..core.primitive import TangentOf
from ..core.program import Equation, Program, Var
from ..core.record import record
from ..core.trace import Tracer
from ..core.types import ArrayType, dtype_of, shape_of, type_of, zeros
from ..errors import ShapeError
from . import elementwise as ew
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


def check_types(types: Values, args: Values) -> None:
    """A body is specialised to types: arguments of others would be computed with wrongly."""
    for t, a in zip(types, args, strict=False):
        if dtype_of(a) != t.dtype:
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

    def __init__(self, body: Program, sizes: Sizes, xs: Values, x_dots: Values) -> None:
        ins, self.outs = fixpoint(body, [t is not None for t in x_dots], *sizes, differentiable=True)
        self.sizes, self.dots = sizes, sizes.chosen(ins)
        made = body.transform("jvp", ins, self.outs)
        n, m = len(body.inputs), len(body.outputs)
        inputs = joined(sizes.split(made.inputs[:n]), self.dots.split(made.inputs[n:]))
        outputs = joined(
            Sizes(0, sizes.carry).split(made.outputs[:m]), Sizes(0, self.dots.carry).split(made.outputs[m:])
        )
        self.body = rewired(made, inputs, outputs)
        self.carry_dots = chosen(body.in_types, ins)[self.dots.consts :][: self.dots.carry]
        # a carry that becomes active in a later round begins with the tangent zero
        begin = [zeros(type_of(x)) if t is None else t for x, t in zip(chosen(xs, ins), chosen(x_dots, ins), strict=True)]
        self.args = joined(sizes.split(xs), self.dots.split(begin))
        self.params = {
            "body": self.body,
            "n_consts": sizes.consts + self.dots.consts,
            "n_carry": sizes.carry + self.dots.carry,
        }

    def results(self, results: Values) -> tuple[list[Any], list[Any]]:
        """The results of the loop as values and tangents."""
        n, m, d = self.sizes.carry, len(self.outs), self.dots.carry
        y = [*results[:n], *results[n + d : m + d]]
        return y, placed([*results[n : n + d], *results[m + d :]], self.outs)


# reverse mode ----------------------------------------------------------------------------------------------------
class Linearized:
    """A body in two: what the loop runs and saves (`first`), and what the linear scan runs with that (`second`).

    A residual that no round changes is not stacked: constants, and what depends on them alone, are constants of the
    linear scan; rows of xs are its rows.
    """

    def __init__(self, body: Program, sizes: Sizes, xs: Values, active: Sequence[bool]) -> None:
        self.sizes, self.active = sizes, active
        self.ins, self.outs = fixpoint(body, active, *sizes, differentiable=True)
        first, self.second = body.transform("linearize", self.ins, self.outs)
        m = len(body.outputs)
        self.saved = first.outputs[m:]
        self.values = dict(zip(first.inputs, xs, strict=True))
        self.constant = self.constants_of(first, reach(first)[m:])
        rows = set(sizes.split(first.inputs)[2])
        self.stacked = [v for v in self.saved if v not in self.constant and v not in rows]
        self.body = rewired(first, first.inputs, [*first.outputs[:m], *self.stacked])

    def constants_of(self, first: Program, sets: list[int]) -> set[Any]:
        """The residuals that depend on constants alone; they are computed here, once."""
        inputs = first.inputs[: self.sizes.consts]
        others = ~as_bits([True] * self.sizes.consts)
        found = [v for v, bits in zip(self.saved, sets, strict=True) if not bits & others]
        new = [v for v in found if v not in self.values]
        with np.errstate(all="ignore"):
            made = sliced(first, inputs, new).evaluate([self.values[v] for v in inputs])
        self.values.update(zip(new, made, strict=True))
        return set(found)

    def linear(self, first: int, count: Any, results: Values, length: int, reverse: bool) -> Any:
        """Results of the loop, and the linear scan: arguments (body's input i is argument first + i) and parameters."""
        m = len(self.outs)
        self.values.update(zip(self.stacked, results[m:], strict=True))
        r, dots = len(self.saved), self.sizes.chosen(self.ins)
        constant = [v in self.constant for v in self.saved]
        row = [not on for on in constant]
        inputs, values = self.second.inputs, [self.values[v] for v in self.saved]
        tangents = [
            TangentOf(first + i) if active else v.type
            for (i, active), v in zip(chosen(list(enumerate(self.active)), self.ins), inputs[r:], strict=True)
        ]
        body = rewired(
            self.second,
            joined((chosen(inputs[:r], constant), [], chosen(inputs[:r], row)), dots.split(inputs[r:])),
            self.second.outputs,
        )
        args = joined((chosen(values, constant), [], chosen(values, row)), dots.split(tangents))
        sizes = {"n_consts": sum(constant) + dots.consts, "n_carry": dots.carry}
        return results[:m], self.outs, [count, *args], {"body": body, "length": length, "reverse": reverse, **sizes}


class Transposed:
    """The transpose of a linear body, as the body of a linear scan in the opposite direction.

    It carries the adjoints of the carry and the sums of the adjoints of constants; adjoints of rows are its rows.
    """

    def __init__(self, body: Program, sizes: Sizes, args: Values, y_bars: Values) -> None:
        consts, _, rows = sizes.split(args)
        linear = tuple(k in range(sizes.consts, sum(sizes)) or not is_value(a) for k, a in enumerate(args))
        bars, self.outs = transposed_fixpoint(body, sizes, linear, [b is not None for b in y_bars])
        made = body.transform("transpose", linear, bars, tuple(chosen(self.outs, linear)))
        given, stacked = list(filter(is_value, consts)), list(filter(is_value, rows))
        sums, carried = sizes.chosen(self.outs)
        self.body = summing(made, len(given), len(stacked), sums, carried)
        begin = [zeros(t) if b is None else b for b, t in zip(y_bars, body.out_types, strict=True)][: sizes.carry]
        self.args = [
            *given,
            *(zeros(a.type) for a in made.outputs[:sums]),
            *chosen(begin, bars[: sizes.carry]),
            *stacked,
            *(b for b in y_bars[sizes.carry :] if b is not None),
        ]
        self.params = {"body": self.body, "n_consts": len(given), "n_carry": sums + carried}


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


def holding(body: Program, sizes: Sizes, size: int) -> Program:
    """A batched body with one row more, the lanes that still run; in the others the carry stands still."""

    def f(*args: Any) -> list[Any]:
        *inputs, live = args
        outs = body.evaluate(inputs)
        return [*held(live, outs[: sizes.carry], sizes.split(inputs)[1]), *outs[sizes.carry :]]

    made = record(f, [*body.in_types, ArrayType((size,), bool)], name=body.name)
    made.quiet = True  # what finished lanes compute is not used
    return made


# as part of a program --------------------------------------------------------------------------------------------
def needed_carry(body: Program, sizes: Sizes, used: Sequence[bool]) -> Mask:
    """The carries that the used results need, in any number of rounds."""
    sets = reach(body)
    needed = list(used)
    while True:
        touched = 0
        for bits, on in zip(sets, needed, strict=True):
            touched |= bits if on else 0
        carry = [on or bool(touched >> (sizes.consts + i) & 1) for i, on in enumerate(needed[: sizes.carry])]
        if carry == needed[: sizes.carry]:
            return tuple(carry)
        needed[: sizes.carry] = carry


def narrowed_body(body: Program, sizes: Sizes, carry: Mask, rows: Sequence[bool]) -> tuple[Program, Mask]:
    """The body without the other carries and rows of results, and the inputs that it keeps."""
    made = rewired(body, body.inputs, chosen(body.outputs, (*carry, *rows)))
    consts, _, xs = sizes.split(used_inputs([made]))
    ins = (*consts, *carry, *xs)
    return narrowed_inputs(made, ins), ins
