"""Program -> SymPy: the program is evaluated on arrays of expressions, one equation after the other.

What applies element by element goes by the table; what only moves, adds and multiplies elements is NumPy's own
implementation, run on arrays of objects; what cannot be an expression is refused, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...core.primitive import Linear
from ...core.program import Equation, Literal, Program, Var
from ...core.record import record
from ...errors import NoExpressionError
from .names import symbol
from .package import load, objects
from .shorten import Assignments
from .structure import HANDLERS, STRUCTURAL
from .table import OF_CONDITIONS, SEVERAL, TABLE, apply, choose, indicator, is_condition, is_indicator, truth

INDEXED = {"gather": 1, "scatter_add": 1, "scatter_set": 2, "scatter_clear": 1, "rearrange": 1}  # from here on, indices


class Translation:
    """One translation. names: for intermediate values, which are then kept apart."""

    def __init__(self, names: Iterator[str] | None = None) -> None:
        self.sp, self.names = load(), names
        self.assignments: Assignments = []

    def program(self, program: Program, args: Sequence[Any]) -> list[Any]:
        """Flat arguments, arrays of expressions or numbers, to flat results."""
        env: dict[Var, Any] = dict(program.constants)
        env.update(zip(program.inputs, args, strict=True))
        for eq in program.equations:
            values = [a.value if isinstance(a, Literal) else env[a] for a in eq.inputs]
            outs = self.equation(eq, values)
            env.update(zip(eq.outputs, outs, strict=True))
        return [a.value if isinstance(a, Literal) else env[a] for a in program.outputs]

    def equation(self, eq: Equation, values: list[Any]) -> list[Any]:
        """The results of one equation."""
        p = eq.primitive
        if eq.effect:
            return self.effect(eq)
        if not any(map(symbolic, values)):
            outs = p(*values, **eq.params)
            return list(outs) if p.multiple else [outs]
        results = zip(self.outputs(eq, values), eq.outputs, strict=True)
        return [y if numeric(y) else self.named(objects(y), v.type.dtype.kind != "c") for y, v in results]

    def outputs(self, eq: Equation, values: list[Any]) -> list[Any]:
        """By the table, by NumPy, by the program that the equation runs."""
        name, params = eq.primitive.name, eq.params
        if name in TABLE:
            if name not in OF_CONDITIONS:
                values = [self.elementwise(indicator, [x]) if symbolic(x) else x for x in values]
            return [self.elementwise(TABLE[name], values)]
        if name in SEVERAL:
            return [self.elementwise(entry, values) for entry in SEVERAL[name]]
        if name in PROGRAMS:
            return PROGRAMS[name](self, eq, values)
        if name in INDEXED and any(map(symbolic, values[INDEXED[name] :])):
            raise index_of_data(eq)
        if name in HANDLERS:
            return [HANDLERS[name](*values, **params)]
        if name in STRUCTURAL:
            return [eq.primitive.impl(*map(lifted, values), **params)]
        if isinstance(eq.primitive.kind, Linear) and len(values) == 1 and not eq.primitive.multiple:
            return [linear_map(eq, values[0])]
        raise no_counterpart(eq)

    def elementwise(self, entry: Any, values: Sequence[Any]) -> Any:
        """An entry of the table at each element."""
        made = np.frompyfunc(lambda *xs: apply(self.sp, entry, *xs), len(values), 1)(*map(objects, values))
        return np.asarray(made, object)

    def named(self, y: np.ndarray, real: bool) -> np.ndarray:
        """The elements of a result under names of their own, where names are asked for."""
        if self.names is None:
            return y
        flat = y.reshape(-1)
        made = np.empty(flat.size, object)
        for k, e in enumerate(flat):
            made[k] = e if is_atom(self.sp, e) else self.assign(e, real)
        return made.reshape(y.shape)

    def assign(self, e: Any, real: bool) -> Any:
        """A new name for an expression."""
        assert self.names is not None
        v = symbol(next(self.names), real)
        self.assignments.append((v, e))
        return v

    def effect(self, eq: Equation) -> list[Any]:
        """Of effects, a Python decision that was taken would make the expression right on one side only."""
        if eq.primitive.name == "assume":
            raise NoExpressionError(
                "a Python decision was taken on the value of an argument",
                why="the expression would hold only where the decision goes the same way",
                write="wengert.numpy.where or wg.cond, which become Piecewise",
                where=eq.source,
            )
        return []


def symbolic(value: Any) -> bool:
    """Is this an array of expressions?"""
    return isinstance(value, np.ndarray) and value.dtype == object


def numeric(value: Any) -> bool:
    """Is this a number or an array of numbers?"""
    return isinstance(value, np.ndarray | np.generic | bool | int | float | complex) and not symbolic(value)


def is_atom(sp: Any, e: Any) -> bool:
    """A symbol or a number (or one with a sign), which is as short as any name; and conditions, which stay in place."""
    if is_condition(sp, e) or is_indicator(sp, e):
        return True
    return bool(e.is_Atom or e.is_number or (e.is_Mul and len(e.args) == 2 and e.args[0] == -1 and e.args[1].is_Atom))


def lifted(value: Any) -> Any:
    """An operand beside expressions: numbers as SymPy's; indices and masks stay what they are."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iub":
        return value
    return objects(value)


def linear_map(eq: Equation, x: np.ndarray) -> np.ndarray:
    """A linear primitive of one array, by its matrix: y = sum_i p(e_i) x_i (fft and the like)."""
    a, b = eq.inputs[0].type, eq.outputs[0].type
    total = objects(np.zeros(b.shape))
    parts: list[tuple[complex, Any]] = [(1.0, x)]
    if a.dtype.kind == "c" and b.dtype.kind == "f":  # linear in the real and in the imaginary part
        parts = [(1.0, np.frompyfunc(load().re, 1, 1)(x)), (1j, np.frompyfunc(load().im, 1, 1)(x))]
    for unit, part in parts:
        for e, element in zip(np.eye(x.size, dtype=a.dtype), np.reshape(part, -1), strict=True):
            image = eq.primitive.impl((unit * e).reshape(x.shape), **eq.params)
            total = total + objects(image) * element
    return total


# equations that run programs -------------------------------------------------------------------------------------
def _call(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """jit, checkpoint and planned: the program itself."""
    return self.program(eq.params["program"], values)


def _custom(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """A function with a derivative of its own: what it computes (SymPy differentiates that)."""
    inner = record(lambda *xs: eq.params["rule"].fun(*xs), [a.type for a in eq.inputs], name="custom rule")
    return self.program(inner, values)


def _cond(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """Branches: Piecewise, in the index that chooses."""
    index, *operands = values
    branches: Sequence[Program] = eq.params["branches"]
    if not symbolic(index):
        return self.program(branches[int(index)], operands)
    results = [self.program(branch, operands) for branch in branches]
    chooser = index[()]
    return [self.elementwise(_choose(chooser), ys) for ys in zip(*results, strict=True)]


def _choose(index: Any) -> Callable[..., Any]:
    """The value of the branch that an index names: a condition that became a number, or a number."""

    def chosen(sp: Any, *values: Any) -> Any:
        if is_condition(sp, index) or is_indicator(sp, index):
            return choose(sp, truth(sp, index), values[1], values[0])
        result = values[-1]
        for k in reversed(range(len(values) - 1)):
            result = choose(sp, sp.Eq(index, k), values[k], result)
        return result

    return chosen


def _cast(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """A condition as a number is Piecewise(1, 0), a number as a condition says whether it is not 0; others stay."""
    (x,) = values
    to, given = np.dtype(eq.params["dtype"]), eq.inputs[0].type.dtype
    if to.kind == "b" and given.kind != "b":
        return [self.elementwise(truth, [x])]
    if given.kind == "b":
        return [self.elementwise(indicator, [x])]
    if to.kind in "iu" and given.kind == "f":
        return [self.elementwise(lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)), [x])]
    return [x]


def _scan(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """A loop whose number of rounds is known: the rounds, one after the other."""
    count, *args = values
    params = eq.params
    body, n_consts, n_carry = params["body"], params["n_consts"], params["n_carry"]
    if symbolic(count) or params["length"] < 0:
        raise loop_of_data(eq)
    consts, carry, rows = args[:n_consts], args[n_consts : n_consts + n_carry], args[n_consts + n_carry :]
    stacked: list[list[Any]] = []
    order = range(int(count))
    for i in reversed(order) if params["reverse"] else order:
        outs = self.program(body, [*consts, *carry, *(np.asarray(x)[i] for x in map(_whole, rows))])
        carry = outs[:n_carry]
        stacked.append(outs[n_carry:])
    if params["reverse"]:
        stacked.reverse()
    types = [v.type for v in eq.outputs[n_carry:]]
    return [*carry, *(_stack([row[k] for row in stacked], t.shape) for k, t in enumerate(types))]


def _whole(x: Any) -> Any:
    return x if symbolic(x) else np.asarray(x)


def _stack(rows: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    made = np.empty(shape, object)
    for k, row in enumerate(rows):
        made[k] = objects(row)
    return made


def _slogdet(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    """The sign and the logarithm of |det A|."""
    det = HANDLERS["det"](*values)
    return [self.elementwise("sign", [det]), self.elementwise(lambda sp, d: sp.log(sp.Abs(d)), [det])]


def _while(self: Translation, eq: Equation, values: list[Any]) -> list[Any]:
    raise loop_of_data(eq)


PROGRAMS: dict[str, Callable[[Translation, Equation, list[Any]], list[Any]]] = {
    "jit": _call,
    "checkpoint": _call,
    "planned": _call,
    "custom_jvp": _custom,
    "custom_vjp": _custom,
    "cond": _cond,
    "scan": _scan,
    "linear_scan": _scan,
    "while": _while,
    "slogdet": _slogdet,
    "cast": _cast,
    "convert": _cast,
    "stop_gradient": lambda self, eq, values: refuse_stop(eq),
}


# refusals --------------------------------------------------------------------------------------------------------
def loop_of_data(eq: Equation) -> NoExpressionError:
    """The error for a loop whose rounds are data."""
    return NoExpressionError(
        "a loop runs until a condition on its values fails, and has no expression",
        why="an expression is one tree of finite size; the number of rounds, and so the tree, depends on the values",
        write="a loop over a known number of rounds; or wg.grad, which differentiates the loop as it is",
        where=eq.source,
    )


def index_of_data(eq: Equation) -> NoExpressionError:
    """The error for an index that depends on the arguments."""
    return NoExpressionError(
        f"an index of {eq.primitive} depends on the values of the arguments",
        why="which element an expression holds is decided when it is written",
        write="indices that are known; or wg.grad, wg.jacobian, which differentiate the program as it is",
        where=eq.source,
    )


def no_counterpart(eq: Equation) -> NoExpressionError:
    """The error for a primitive that has no counterpart in SymPy."""
    return NoExpressionError(
        f"{eq.primitive} has no expression in SymPy",
        why="it is an algorithm (a sort, an index that is data, a decomposition), or a function unknown to SymPy",
        write="write the function without it; or wg.grad, wg.jacobian, which differentiate it as it is",
        where=eq.source,
    )


def refuse_stop(eq: Equation) -> list[Any]:
    raise NoExpressionError(
        "stop_gradient has no expression",
        why="a value without its derivative is no mathematical function: SymPy's derivative would put it back",
        write="pass the value as an argument of its own, and differentiate with respect to the others",
        where=eq.source,
    )
