"""A function as SymPy expressions, with the calculus that SymPy does on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.call import Argnums, Call, name_of, positions
from ...core.tree import Structure, flatten, unflatten
from ...errors import ArgumentError, NonDifferentiableInputError, NonScalarOutputError
from .calculus import Derivatives
from .package import load, objects
from .shorten import Assignments, used, written_out
from .size import Sizes
from .source import function_of


class Expression:
    """A function as expressions in symbols named after its parameters.

    value: the result, in the function's own structure; an array is a `sympy.Array`, a number an expression. symbols:
    the arguments, in the same way. assignments: with `cse=True`, the intermediate values that `value` refers to, as
    (symbol, expression), each in terms of those before it. Called like the function, it computes.
    """

    def __init__(
        self,
        call: Call,
        ins: Sequence[np.ndarray],
        outs: Sequence[np.ndarray],
        out_tree: Structure,
        assignments: Assignments,
    ) -> None:
        self._call, self._ins, self._outs, self._out_tree = call, list(ins), list(outs), out_tree
        self.assignments = used(assignments, self._outs)
        self._function: Callable[..., Any] | None = None

    # what it is ----------------------------------------------------------------------------------------------
    @property
    def value(self) -> Any:
        """The result."""
        return unflatten(self._out_tree, [shown(y) for y in self._outs])

    @property
    def symbols(self) -> tuple[Any, ...]:
        """The arguments: a structure of symbols for each."""
        return tuple(self._call.split([shown(x) for x in self._ins]))

    @property
    def variables(self) -> list[Any]:
        """The symbols of all arguments, one after the other."""
        return [s for x in self._ins for s in x.reshape(-1) if s.is_Symbol]

    @property
    def results(self) -> list[Any]:
        """The expressions of all results, one after the other."""
        return [e for y in self._outs for e in y.reshape(-1)]

    @property
    def operations(self) -> int:
        """Operations of all expressions as they stand: a sum or product of k terms has k - 1, a function one."""
        sizes = Sizes()
        return sum(sizes(e) for _, e in self.assignments) + sum(map(sizes, self.results))

    @property
    def expanded_operations(self) -> int:
        """Operations if every intermediate value were written out wherever it is used."""
        return written_out(self.assignments, self._outs)

    def __str__(self) -> str:
        return "\n".join([*(f"{symbol} = {e}" for symbol, e in self.assignments), str(self.value)])

    __repr__ = __str__

    def latex(self) -> str:
        """LaTeX of the result; with intermediate values, lines of an `aligned` environment."""
        sp = load()
        leaves = [sp.latex(shown(y)) for y in self._outs]
        result = leaves[0] if len(leaves) == 1 else r"\left(" + ", ".join(leaves) + r"\right)"
        if not self.assignments:
            return str(result)
        lines = [f"{sp.latex(symbol)} &= {sp.latex(e)}" for symbol, e in self.assignments]
        return r"\begin{aligned}" + r" \\ ".join([*lines, f"& {result}"]) + r"\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    # what it computes ----------------------------------------------------------------------------------------
    def function(self) -> Callable[..., Any]:
        """A function of arrays again, in wengert.numpy: it can be differentiated, mapped, compiled."""
        if self._function is None:
            trees = [(tree, n) for _, tree, n in self._call.trees]
            self._function = function_of(
                name_of(self._call.fun), trees, self._ins, self._outs, self._out_tree, self.assignments
            )
        return self._function

    def __call__(self, *args: Any) -> Any:
        return self.function()(*args)

    def simplified(self) -> Expression:
        """The same, with each expression simplified by `sympy.simplify`."""
        sp = load()
        return self._with(
            [mapped(sp.simplify, y) for y in self._outs],
            self._out_tree,
            [(symbol, sp.simplify(e)) for symbol, e in self.assignments],
        )

    def _with(self, outs: Sequence[np.ndarray], out_tree: Structure, assignments: Assignments) -> Expression:
        return Expression(self._call, self._ins, outs, out_tree, assignments)

    # derivatives ---------------------------------------------------------------------------------------------
    def derivative(self, *symbols: Any) -> Expression:
        """The derivative of each element with respect to a symbol, or one after the other: `e.derivative("x", "x")`.

        symbols: SymPy's own, as in `e.symbols`, or their names. The result has the structure of the function's.
        """
        known = {str(s): s for s in self.variables}
        found = self
        for symbol in symbols:
            if str(symbol) not in known:
                raise ArgumentError(
                    f"{name_of(self._call.fun)} has no symbol {symbol}",
                    why="a derivative is one with respect to an argument, or to an element of one",
                    write=f"one of {', '.join(known)}",
                )
            s = known[str(symbol)]
            rules = Derivatives(found.assignments, [s], found._taken())
            outs = [outer(rules, y, objects(s)) for y in found._outs]
            found = found._with(outs, found._out_tree, rules.assignments)
        return found

    def gradient(self, argnums: Argnums = 0) -> Expression:
        """The gradient of one number, by SymPy, in the structure of the argument."""
        if len(self._outs) != 1 or self._outs[0].shape != ():
            raise NonScalarOutputError(
                f"{name_of(self._call.fun)} does not return one number",
                why="a gradient is the derivative of one number; arrays have Jacobians",
                write="reduce the result (np.sum), or .jacobian()",
            )
        return self.jacobian(argnums)

    def jacobian(self, argnums: Argnums = 0) -> Expression:
        """The Jacobian, by SymPy: the structure of the result and, at each leaf, of the argument, as `wg.jacobian`."""
        leaves, rebuild = self._arguments(positions(argnums, "jacobian"))
        variables = [self._ins[k] for k in leaves]
        rules = Derivatives(self.assignments, [s for x in variables for s in x.reshape(-1)], self._taken())
        blocks = [outer(rules, y, x) for y in self._outs for x in variables]
        places = iter(range(len(blocks)))
        structure = unflatten(self._out_tree, [rebuild([next(places) for _ in variables]) for _ in self._outs])
        order, tree = flatten(structure)
        return self._with([blocks[k] for k in order], tree, rules.assignments)

    def hessian(self, argnums: Argnums = 0) -> Expression:
        """Second derivatives, by SymPy: the Jacobian of the Jacobian."""
        return self.jacobian(argnums).jacobian(argnums)

    def _arguments(self, argnums: Argnums) -> tuple[list[int], Callable[[list[Any]], Any]]:
        """The leaves of the arguments to differentiate, and how to put a list of as many into their structure."""
        trees, starts, at = self._call.trees, [], 0
        for _, _, n in trees:
            starts.append(at)
            at += n
        wanted = [argnums] if isinstance(argnums, int) else list(argnums)
        leaves = [starts[i] + k for i in wanted for k in range(trees[i][2])]
        for k in leaves:
            if not all(s.is_Symbol for s in self._ins[k].reshape(-1)):
                raise NonDifferentiableInputError(
                    f"{self._call.leaf_name(k)} of {name_of(self._call.fun)} is no symbol",
                    why="a derivative is one with respect to a symbol; integers stay the numbers that they are",
                    write="pass a float, an array of floats or symbols",
                )

        def rebuild(values: list[Any]) -> Any:
            left = iter(values)
            parts = [unflatten(trees[i][1], [next(left) for _ in range(trees[i][2])]) for i in wanted]
            return parts[0] if isinstance(argnums, int) else tuple(parts)

        return leaves, rebuild

    def _taken(self) -> set[Any]:
        """Symbols that are in use."""
        return {s for x in self._ins for e in x.reshape(-1) for s in e.free_symbols} | {s for s, _ in self.assignments}


def outer(rules: Derivatives, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dy/dx for each element of y and each of x: shape (*y.shape, *x.shape)."""
    made = np.empty((*y.shape, *x.shape), object)
    for i in np.ndindex(y.shape):
        for j in np.ndindex(x.shape):
            made[(*i, *j)] = rules.of(y[i], x[j])
    return made


def mapped(f: Callable[[Any], Any], y: np.ndarray) -> np.ndarray:
    """f of each element."""
    return objects(np.frompyfunc(f, 1, 1)(y))


def shown(y: np.ndarray) -> Any:
    """A number as an expression, an array as a `sympy.Array`."""
    return y[()] if y.shape == () else load().Array(list(y.reshape(-1)), y.shape)
