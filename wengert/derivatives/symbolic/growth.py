"""Expression swell: the size of a symbolic derivative against the size of the program that computes the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.call import Call, Function, check_callable, name_of
from ...core.record import record
from ...core.types import dtype_of, shape_of, type_of
from ...errors import NonScalarOutputError
from ...transforms.cost import program_cost
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from .expressions import Expression
from .make import expression
from .size import ONE, Sizes, SlopeSizes, size_text


class Swell(NamedTuple):
    """Operations of a function and of its gradient: as expressions, and as programs. Prints as a table.

    function, gradient: of the expression written out, a tree without names for parts that occur again; the gradient by
    the rules of differentiation, before simplification. shared: of SymPy's expressions of the gradient with such names.
    program, adjoint: of the recorded function, and of the function together with its gradient by reverse mode; then the
    equations of both.
    """

    function: int
    gradient: int
    shared: int
    program: int
    adjoint: int
    program_equations: int
    adjoint_equations: int

    def __str__(self) -> str:
        rows = [
            ("", "function", "gradient"),
            ("expression, written out", size_text(self.function), size_text(self.gradient)),
            ("expressions with names for common parts", "", size_text(self.shared)),
            ("program (reverse mode)", size_text(self.program), size_text(self.adjoint)),
            ("  its equations", str(self.program_equations), str(self.adjoint_equations)),
        ]
        head = "operations"
        return "\n".join(f"{a or head:<41}{b:>12}{c:>12}" for a, b, c in rows)

    def __repr__(self) -> str:
        return str(self)


def gradient_size(f: Expression) -> int:
    """Operations of all partial derivatives of an expression, written out, by the rules of differentiation."""
    sizes, total = Sizes(), 0
    for symbol, e in f.assignments:
        sizes.defined[symbol] = sizes(e)
    for s in f.variables:
        slopes = SlopeSizes(sizes, {s: ONE})
        for symbol, e in f.assignments:
            d = slopes(e)
            if d is not None:
                slopes.slopes[symbol] = d
        total += sum(max(slopes(e) or 0, 0) for e in f.results)
    return total


def swell(fun: Function, *args: Any) -> Swell:
    """Compare the symbolic gradient of a scalar-valued function with its reverse-mode program, by operations.

    args: where, as for `expression` (only types and structures count). The written-out expressions are counted, not
    formed: so the count may have hundreds of digits. An operation is an addition, product, power or function of single
    numbers.

    >>> import wengert as wg
    >>> def logistic(x, n=20):
    ...     for _ in range(n):
    ...         x = 4 * x * (1 - x)
    ...     return x
    >>> s = wg.symbolic.swell(logistic, 0.3)
    >>> s.gradient > 10**6, s.adjoint < 200
    (True, True)
    """
    check_callable(fun, "swell")
    value = expression(fun, *args, cse=True)
    slope = value.gradient(tuple(range(len(args))))
    call = Call(fun, tuple(range(len(args))), args, {}, False)
    types = [type_of(x) for x in call.leaves]
    program = record(call, types, name_of(fun))

    def both(*xs: Any) -> list[Any]:
        values, tape, ins, nodes = linearize_flat(lambda *xs: program.evaluate(xs), xs)
        if len(values) != 1 or shape_of(values[0]) != ():
            raise NonScalarOutputError(
                f"{name_of(fun)} does not return one number",
                why="swell is that of a gradient",
                write="reduce the result (np.sum)",
            )
        x_bars = transpose_tape(tape, ins, nodes, [np.ones((), dtype_of(values[0]))[()]])
        return [*values, *(x_bar for x_bar in x_bars if x_bar is not None)]

    adjoint = record(both, types, f"gradient of {name_of(fun)}")
    return Swell(
        value.expanded_operations,
        gradient_size(value),
        slope.operations,
        program_cost(program).operations,
        program_cost(adjoint).operations,
        len(program.equations),
        len(adjoint.equations),
    )
