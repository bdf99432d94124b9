"""expression: a Python function as SymPy expressions, by recording it and translating the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...core.call import Argnums, Call, Function, adopting, check_callable, is_number_like, name_of, named, not_an_array
from ...core.program import Program
from ...core.provided import provided
from ...core.record import record
from ...core.trace import setting
from ...errors import ConcretizationError, NoExpressionError
from ...transforms.cost import program_cost
from .expressions import Expression
from .names import given, intermediate_names, leaf_names, symbols_for, variable_type
from .package import load, objects
from .shorten import Assignments, inlined, renamed, written_out, written_out_depth
from .size import size_text
from .translate import Translation

DEEPEST = 120  # nested so deep, SymPy's recursion is within Python's limit
LARGEST = 100_000  # operations of an expression, written out, beyond which nobody reads it and SymPy takes hours


def expression(fun: Function, *args: Any, cse: bool = False) -> Expression:
    """A function as SymPy expressions in symbols named after its parameters.

    args: as for a call of fun: numbers, arrays, structures of them. Of floating-point numbers only the type matters:
    they become symbols, `x`, or `x_0`, `x_1`, ... for the elements of an array, real ones where the dtype is real.
    Integers and truth values stay what they are. SymPy's own symbols, and matrices or arrays of them, stand for
    themselves.

    cse: intermediate values that are used more than once keep a name of their own, instead of being written out
    wherever they are used. Without it an expression of more than 100,000 operations is refused.

    Returns an Expression: `.value`, `.gradient()`, `.jacobian()`, `.hessian()`, `.simplified()`, `.latex()`,
    `.function()`. Raises NoExpressionError for what cannot be an expression (a loop that runs until a condition fails,
    a sort, an index that is data); MissingPackageError without SymPy.

    >>> import numpy as np
    >>> import wengert as wg
    >>> f = wg.symbolic.expression(lambda x, y: x * x * y + y + 2, 3.0, 4.0)
    >>> f
    x**2*y + y + 2
    >>> f.gradient(argnums=(0, 1))
    (2*x*y, x**2 + 1)
    >>> wg.symbolic.expression(lambda x: np.sum(np.sin(x)) * x[0], np.ones(2))
    x_0*(sin(x_0) + sin(x_1))
    """
    load()
    check_callable(fun, "symbolic.expression")
    call = Call(fun, tuple(range(len(args))), args, {}, False)
    for k, x in enumerate(call.leaves):
        if not given(x) and not is_number_like(x):
            raise not_an_array(call, k, "symbolic.expression")
    types = [variable_type(x) for x in call.leaves]
    ins = symbols_for(
        leaf_names(call), [x if t is not None else objects(x) for x, t in zip(call.leaves, types, strict=True)]
    )
    program = recorded(call, types)
    check_work(program)
    follow = [x for x, t in zip(ins, types, strict=True) if t is not None]
    taken = {s for x in follow for e in x.reshape(-1) for s in e.free_symbols}
    assignments, outs = translated(program, follow, intermediate_names(taken))
    if cse:
        assignments, outs = renamed(assignments, outs, intermediate_names(taken))
    else:
        check_size(program, assignments, outs)
        assignments, outs = translated(program, follow, None)
    assert call.out_tree is not None
    return Expression(call, ins, outs, call.out_tree, assignments)


def translated(program: Program, args: list[Any], names: Iterator[str] | None) -> tuple[Assignments, list[Any]]:
    """The program as expressions; with names, those intermediate values that are used more than once have them."""
    translation = Translation(names)
    outs = [objects(y) for y in translation.program(program, args)]
    return inlined(translation.assignments, outs) if names is not None else ([], outs)


def check_work(program: Program) -> None:
    """NoExpressionError where the program itself is so long that its operations cannot be written one by one."""
    n = program_cost(program).operations + sum(t.size for t in program.in_types)
    if n > LARGEST:
        raise NoExpressionError(
            f"{program.name} runs {size_text(n)} operations on single numbers",
            why="an expression holds each of them: each element of an array, each round of a loop",
            write="smaller arrays or fewer rounds, which have expressions of the same form; or wg.grad",
        )


def check_size(program: Program, assignments: Assignments, outs: list[Any]) -> None:
    """NoExpressionError where the expression, written out, is too large, or too deep for SymPy."""
    where = program.equations[-1].source if program.equations else None
    size = written_out(assignments, outs)
    if size > LARGEST:
        raise NoExpressionError(
            f"the expression of {program.name} has {size_text(size)} operations",
            why="an expression is a tree: each use of an intermediate value writes it out again, and so on",
            write="cse=True, which gives intermediate values names; or wg.grad, whose program grows as f does",
            where=where,
        )
    deep = written_out_depth(assignments, outs)
    if deep > DEEPEST:
        raise NoExpressionError(
            f"the expression of {program.name} is nested {deep} deep",
            why="SymPy walks expressions recursively, and Python ends a recursion that is too deep",
            write="cse=True, which gives intermediate values names; or wg.grad",
            where=where,
        )


def recorded(call: Call, types: list[Any]) -> Program:
    """The function's program, recorded on types; with its control flow, where a decision needs a value."""

    def flat(*tracers: Any) -> list[Any]:
        left = iter(tracers)
        outs = call(*(x if t is None else next(left) for x, t in zip(call.leaves, types, strict=True)))
        call.check_results("symbolic.expression", outs)
        return outs

    known = [t for t in types if t is not None]
    try:
        return record(flat, known, name_of(call.fun), call.fun)
    except ConcretizationError:
        call.fun = provided("adopt")(call.fun)
        with setting(adopting, True):
            return record(flat, known, name_of(call.fun), call.fun)


def grad(fun: Function, argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a scalar-valued function by symbolic differentiation, in the structure of `wg.grad`'s.

    The expression is made, and differentiated by SymPy, at each call.

    >>> import wengert as wg
    >>> wg.symbolic.grad(lambda x, y: x * x * y + y + 2, argnums=(0, 1))(3.0, 4.0)
    (24.0, 10.0)
    """
    check_callable(fun, "symbolic.grad")

    @named("symbolic.grad", fun)
    def gradient(*args: Any) -> Any:
        return expression(fun, *args).gradient(argnums)(*args)

    return gradient
