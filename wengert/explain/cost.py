"""What the function costs at this point, and each of its derivatives: operations and bytes, counted, not timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Equation, Literal, Program, Var
from ..core.record import record
from ..core.types import is_inexact
from ..primitives.elementwise import add
from ..transforms.cost import Cost, application_cost, program_cost
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.transpose import transpose_tape
from .formulas import applied, kind_of, operands
from .loops import is_loop
from .point import Point, straightened

LIMIT = 4096
_known: dict[Any, Any] = {}  # what equations cost, by their kinds


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


def costs_of(point: Point, derived: Derived) -> Costs:
    """The rows: of one pass, and of the whole Jacobian by such passes."""
    n = sum(int(np.size(x)) for x, on in zip(point.leaves, point.active, strict=True) if on)
    results = [a.type for a in point.straight.outputs]
    m = sum(t.size for t in results if is_inexact(t.dtype))
    own, jvp, vjp = derived
    kinds = [("function", 1, own), ("one tangent (JVP)", 1, jvp)]
    kinds.append(("gradient (VJP)" if m == 1 else "one adjoint (VJP)", 1, vjp))
    kinds.append(("Jacobian, forward", n, jvp.times(n)))
    kinds.append(("Jacobian, reverse", m, vjp.times(m)))
    return Costs(tuple(_row(name, passes, cost, own) for name, passes, cost in kinds), n, m)


def _row(name: str, passes: int, cost: Cost, own: Cost) -> CostRow:
    ratios = (cost.operations / max(own.operations, 1), cost.bytes / max(own.bytes, 1))
    return CostRow(name, passes, cost.operations, cost.bytes, *ratios)


class Derived(NamedTuple):
    """What one equation costs: itself, with its tangents, and with what it sends to the adjoints of its inputs."""

    own: Cost
    jvp: Cost
    vjp: Cost

    def __add__(self, other: Any) -> Derived:
        return Derived(self.own + other.own, self.jvp + other.jvp, self.vjp + other.vjp)


def derived_costs(point: Point, active: Set[Var]) -> Derived:
    """Counted on the recorded equations, their jvps, and their linearised and transposed programs.

    The sum over the equations; where a variable has several users, their contributions are added up.
    """
    total = Derived(Cost(), Cost(), Cost())
    uses: dict[Var, int] = {}
    for eq in point.straight.equations:
        total += _equation_costs(point, eq, active)
        for a in eq.inputs:
            if isinstance(a, Var) and a in active:
                uses[a] = uses.get(a, 0) + 1
    for var, n in uses.items():
        added = application_cost(add, [var.type, var.type], [var.type], {}).times(n - 1)
        total = total._replace(vjp=total.vjp + added)
    return total


def _equation_costs(point: Point, eq: Equation, active: Set[Var]) -> Derived:
    """Counted on the recorded derivative programs of the equation; those that are alike are recorded once."""
    own = _cost_of(eq, point.values)
    moving = tuple(k for k, a in enumerate(eq.inputs) if a in active)
    live = tuple(v in active for v in eq.outputs)
    if not any(live):
        return Derived(own, own, own)
    values = [a.value if isinstance(a, Literal) else point.values[a] for a in eq.inputs]
    key = None
    if not eq.programs:  # how often loops run is not in their types
        key = kind_of(eq, values, (moving, live))
        if key is not None and key in _known:
            return _known[key]
    jvp = _derived(_pushed(eq, values, moving, live), eq, values, [values[k] for k in moving])
    seeds = [np.ones(v.type.shape, v.type.dtype)[()] for v, on in zip(eq.outputs, live, strict=True) if on]
    vjp = _derived(_pulled(eq, values, moving, live), eq, values, seeds)
    made = Derived(own, jvp, vjp)
    if key is not None and len(_known) < LIMIT:
        _known[key] = made
    return made


def _pushed(eq: Equation, values: Sequence[Any], moving: Sequence[int], live: Sequence[bool]) -> Callable[..., Any]:
    """x, x_dot -> y, y_dot."""

    def f(*args: Any) -> list[Any]:
        xs, rest = operands(eq, args)
        dots = [next(rest) if k in moving else None for k in range(len(xs))]
        ys, y_dots = jvp_flat(applied(eq), xs, dots)
        return [*ys, *(d for d in y_dots if d is not None)]

    return f


def _pulled(eq: Equation, values: Sequence[Any], moving: Sequence[int], live: Sequence[bool]) -> Callable[..., Any]:
    """x, y_bar -> y, x_bar."""

    def f(*args: Any) -> list[Any]:
        xs, rest = operands(eq, args)

        def g(*moved: Any) -> list[Any]:
            full = list(xs)
            for k, x in zip(moving, moved, strict=True):
                full[k] = x
            return applied(eq)(*full)

        ys, tape, ins, nodes = linearize_flat(g, [xs[k] for k in moving])
        y_bars = [next(rest) if on else None for on in live]
        x_bars = transpose_tape(
            tape, ins, nodes, [b if n is not None else None for b, n in zip(y_bars, nodes, strict=True)]
        )
        return [*ys, *(b for b in x_bars if b is not None)]

    return f


def _derived(f: Callable[..., Any], eq: Equation, values: Sequence[Any], seeds: Sequence[Any]) -> Cost:
    """The cost of an equation's derivative program, at these values."""
    args = [x for x, a in zip(values, eq.inputs, strict=True) if isinstance(a, Var)] + list(seeds)
    with np.errstate(all="ignore"):
        program = record(f, args, name="derivative")  # beside values, which some rules need
        if not any(e.programs for e in program.equations):
            return program_cost(program)
        straight, _, found = straightened(program, args)
    return cost_at(straight, found)


def cost_at(program: Program, values: dict[Var, Any]) -> Cost:
    """The cost of a straight program whose values are known: loops with the rounds that they ran."""
    operations = bytes = 0
    for eq in program.equations:
        cost = _cost_of(eq, values)
        operations += cost.operations
        bytes += cost.bytes
    return Cost(operations, bytes)


def _cost_of(eq: Equation, values: dict[Var, Any]) -> Cost:
    if not is_loop(eq):
        return application_cost(eq.primitive, [a.type for a in eq.inputs], [v.type for v in eq.outputs], eq.params)
    count = eq.outputs[0] if eq.primitive.name == "while" else eq.inputs[0]
    rounds = int(values[count] if isinstance(count, Var) else count.value)
    total = program_cost(eq.params["body"]).times(rounds)
    return total + program_cost(eq.params["cond"]).times(rounds + 1) if "cond" in eq.params else total
