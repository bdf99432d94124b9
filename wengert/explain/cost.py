"""What the function costs at this point, and each of its derivatives: operations and bytes, counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Program, Var
from ..core.record import record
from ..core.types import dtype_of, is_inexact, type_of
from ..transforms.cost import Cost, application_cost, program_cost
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.transpose import transpose_tape
from .loops import is_loop
from .point import Point, straightened


class CostRow(NamedTuple):
    """What is computed, by how many passes; operations and bytes; as multiples of the function's own."""

    name: str
    passes: int
    operations: int
    bytes: int
    operations_ratio: float
    bytes_ratio: float


class Costs(NamedTuple):
    """The function, one tangent (JVP), the gradient or one adjoint (VJP), the Jacobian by columns and by rows.

    An operation is one arithmetic or elementary function of one number, a product of matrices has 2mkn; bytes are those
    of all arrays read and written. Counted on the programs that were recorded, loops with the rounds that they ran.
    """

    rows: tuple[CostRow, ...]
    inputs: int
    outputs: int


def costs_of(point: Point) -> Costs:
    """Counted on the recorded function, its jvp, and its linearised and transposed program."""
    n = sum(int(np.size(x)) for x, on in zip(point.leaves, point.active, strict=True) if on)
    results = [a.type for a in point.straight.outputs]
    m = sum(t.size for t in results if is_inexact(t.dtype))
    own = cost_at(point.straight, point.values)
    jvp, vjp = _jvp_cost(point), _vjp_cost(point)
    kinds = [("function", 1, own), ("one tangent (JVP)", 1, jvp)]
    kinds.append(("gradient (VJP)" if m == 1 else "one adjoint (VJP)", 1, vjp))
    kinds.append(("Jacobian, forward", n, jvp.times(n)))
    kinds.append(("Jacobian, reverse", m, vjp.times(m)))
    return Costs(tuple(_row(name, passes, cost, own) for name, passes, cost in kinds), n, m)


def _row(name: str, passes: int, cost: Cost, own: Cost) -> CostRow:
    ratios = (cost.operations / max(own.operations, 1), cost.bytes / max(own.bytes, 1))
    return CostRow(name, passes, cost.operations, cost.bytes, *ratios)


def _jvp_cost(point: Point) -> Cost:
    """One evaluation of the jvp: values and tangents."""
    moving = [x for x, on in zip(point.leaves, point.active, strict=True) if on]
    n = len(point.leaves)

    def f(*args: Any) -> list[Any]:
        rest = iter(args[n:])
        dots = [next(rest) if on else None for on in point.active]
        ys, y_dots = jvp_flat(lambda *xs: point.straight.evaluate(xs), args[:n], dots)
        return [*ys, *(d for d in y_dots if d is not None)]

    return _derived(f, point.leaves, moving)


def _vjp_cost(point: Point) -> Cost:
    """One evaluation, and one adjoint of the results pulled back to the arguments."""
    n = len(point.leaves)
    seeds = [np.ones(a.type.shape, a.type.dtype)[()] for a in point.straight.outputs if is_inexact(a.type.dtype)]

    def f(*args: Any) -> list[Any]:
        ys, tape, ins, nodes = linearize_flat(lambda *xs: point.straight.evaluate(xs), args[:n])
        rest = iter(args[n:])
        y_bars = [next(rest) if is_inexact(dtype_of(y)) else None for y in ys]
        x_bars = transpose_tape(tape, ins, nodes, y_bars)
        return [*ys, *(b for b in x_bars if b is not None)]

    return _derived(f, point.leaves, seeds)


def _derived(f: Callable[..., Any], leaves: Sequence[Any], seeds: Sequence[Any]) -> Cost:
    """The cost of a derivative's program at the point."""
    args = [*leaves, *seeds]
    with np.errstate(all="ignore"):
        program = record(f, [type_of(x) for x in args], name="derivative")
        straight, _, values = straightened(program, args)
    return cost_at(straight, values)


def cost_at(program: Program, values: dict[Var, Any]) -> Cost:
    """The cost of a straight program whose values are known: loops with the rounds that they ran."""
    total = Cost()
    for eq in program.equations:
        if is_loop(eq):
            is_while = eq.primitive.name == "while"
            count = eq.outputs[0] if is_while else eq.inputs[0]
            rounds = int(values[count] if isinstance(count, Var) else count.value)
            each = [program_cost(p) for p in eq.programs]
            total += sum(each, Cost()).times(rounds)
        else:
            total += application_cost(
                eq.primitive, [a.type for a in eq.inputs], [v.type for v in eq.outputs], eq.params
            )
    return total
