"""SymPy -> functions in wengert.numpy: Python source, written by SymPy's own printer and compiled."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ... import scipy
from ...core.tree import LEAF, Structure, describe, flatten, flatten_like, unflatten
from ...core.types import dtype_of, shape_of
from ...errors import ArgumentError, UnsupportedFunctionError
from .names import as_objects
from .package import load, objects
from .printer import printer
from .shorten import Assignments


class Writer:
    """Lines of Python for expressions, and the names that they use."""

    def __init__(self, symbols: Sequence[Any]) -> None:
        self.printer, self.sp = printer(), load()
        self.space: dict[str, Any] = {}
        self.names = self.printer.names = {s: f"x{k}" for k, s in enumerate(symbols)}

    def __call__(self, e: Any) -> str:
        """An expression as Python."""
        unknown = e.free_symbols - self.names.keys()
        if unknown:
            raise ArgumentError(
                f"the expression has symbols that are no arguments: {', '.join(sorted(map(str, unknown)))}",
                why="each symbol gets its value from an argument",
                write="from_sympy(expression, symbols) with all of its free symbols",
            )
        try:
            text = str(self.printer._print(e))
        except (NotImplementedError, TypeError) as error:
            raise not_written(e) from error
        for module, names in self.printer.module_imports.items():
            for name in names:
                self.space[name] = found_in(module, name, e)
        return text

    def assign(self, symbol: Any, e: Any) -> str:
        """A line that gives a symbol its value."""
        text = self(e)
        self.names[symbol] = f"v{len(self.names)}"
        return f"    {self.names[symbol]} = {text}"


def found_in(module: str, name: str, e: Any) -> Any:
    """A function of ours, by the name that SymPy's printer gave it."""
    if module == "scipy.constants" or name in ("pi", "e"):
        return getattr(np, name)
    for ours in (wnp, scipy.special):
        if hasattr(ours, name):
            return getattr(ours, name)
    raise not_written(e)


def not_written(e: Any) -> UnsupportedFunctionError:
    """The error for a function of SymPy's that has no counterpart here."""
    return UnsupportedFunctionError(
        f"{e} has no counterpart in wengert.numpy",
        why="SymPy knows functions that NumPy and scipy.special do not compute",
        write="sympy.simplify or rewrite the expression in other functions; or expression.evalf for its value",
    )


def function_of(
    name: str,
    trees: Sequence[tuple[Structure, int]],
    ins: Sequence[np.ndarray],
    outs: Sequence[np.ndarray],
    out_tree: Structure,
    assignments: Assignments,
) -> Callable[..., Any]:
    """The expressions as a function of arguments of these structures, whose elements are these symbols."""
    scalars = [s for x in ins for s in x.reshape(-1) if s.is_Symbol]
    compute = compiled(name, scalars, [e for y in outs for e in y.reshape(-1)], assignments)

    def function(*args: Any) -> Any:
        leaves = arguments(name, trees, args)
        values = [v for x, leaf in zip(ins, leaves, strict=True) for v in elements(name, x, leaf)]
        flat = iter(compute(*values))
        return unflatten(out_tree, [gathered([next(flat) for _ in range(y.size)], y.shape) for y in outs])

    function.__name__ = function.__qualname__ = name
    function.source = compute.source  # type: ignore[attr-defined]
    return function


_count = itertools.count()


def compiled(name: str, symbols: Sequence[Any], results: Sequence[Any], assignments: Assignments) -> Any:
    """A Python function of as many numbers (or arrays, element by element): the results in a tuple."""
    if not assignments and results:
        assignments, results = load().cse(list(results), list=True)
    write = Writer(symbols)
    lines = [f"def function({', '.join(write.names.values())}):"]
    lines += [write.assign(symbol, e) for symbol, e in assignments]
    lines.append(f"    return ({''.join(f'{write(e)}, ' for e in results)})")
    source = "\n".join(lines) + "\n"
    file = f"<program {name} {next(_count)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), write.space)
    function = write.space["function"]
    function.source = source
    return function


def arguments(name: str, trees: Sequence[tuple[Structure, int]], args: Sequence[Any]) -> list[Any]:
    """The leaves of the arguments."""
    if len(args) != len(trees):
        raise ArgumentError(
            f"{name} takes {len(trees)} arguments, not {len(args)}",
            why="its expression has the symbols of so many",
            write=f"arguments of the structures {', '.join(describe(tree) for tree, _ in trees)}",
        )
    found = []
    for k, ((tree, _), arg) in enumerate(zip(trees, args, strict=True)):
        found += flatten_like(tree, arg, f"argument {k} of {name}")
    return found


def elements(name: str, x: np.ndarray, leaf: Any) -> list[Any]:
    """The values of the symbols in x. A symbol without axes may be given an array: it goes element by element."""
    if x.shape and shape_of(leaf) != x.shape:
        raise ArgumentError(
            f"{name} got an array of shape {shape_of(leaf)} for one of shape {x.shape}",
            why="the expression has a symbol for each element",
            write=f"an array of shape {x.shape}; or make the expression again for the other shape",
        )
    found = []
    for index, e in zip(np.ndindex(x.shape), x.reshape(-1), strict=True):
        value = leaf[index] if x.shape else leaf
        if e.is_Symbol:
            found.append(value)
        elif dtype_of(leaf).kind in "iub" and complex(e) != complex(value):
            raise ArgumentError(
                f"{name} was made for the number {e}, and is called with {value}",
                why="integers and truth values are part of an expression, not symbols in it",
                write="make the expression again for the other number",
            )
    return found


def gathered(values: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """The elements of an array, computed one by one; each may itself be an array, behind them then."""
    if shape == ():
        return values[0]
    if not values:
        return np.zeros(shape)
    return wnp.reshape(wnp.stack(wnp.broadcast_arrays(*values)), (*shape, *np.broadcast_shapes(*map(shape_of, values))))


def from_sympy(expression: Any, symbols: Any) -> Callable[..., Any]:
    """A function in wengert.numpy that computes SymPy expressions: it can be traced, differentiated, mapped, compiled.

    expression: an expression, a matrix or array of them, or any structure of those; symbols: a symbol, or a sequence
    with one entry for each argument of the function: a symbol, a matrix or array of symbols, a structure of them. A
    symbol may be given an array: the expression is then applied element by element. Common subexpressions are computed
    once. The function's `source` is the Python that it runs. Raises UnsupportedFunctionError where SymPy knows a
    function that wengert does not, ArgumentError.

    >>> import sympy
    >>> import wengert as wg
    >>> x, y = sympy.symbols("x y")
    >>> f = wg.symbolic.from_sympy(x**2 * y + y + 2, (x, y))
    >>> f(3.0, 4.0), wg.grad(f)(3.0, 4.0)
    (42.0, np.float64(24.0))
    """
    sp = load()
    single = isinstance(symbols, sp.Symbol)
    if not single and not isinstance(symbols, list | tuple):
        raise _no_symbols(symbols)
    ins, trees = [], []
    for entry in (symbols,) if single else symbols:
        leaves, tree = flatten(entry)
        trees.append((tree, len(leaves)))
        ins += [_symbols(x) for x in leaves]
    found, out_tree = flatten(expression)
    outs = [_expressions(y) for y in found]
    name = str(expression) if out_tree == LEAF and len(str(expression)) < 40 else "expression"
    return function_of(name, trees, ins, outs, out_tree, [])


def _symbols(x: Any) -> np.ndarray:
    """A symbol, or an array or a matrix of symbols."""
    if not hasattr(x, "tolist") and not isinstance(x, load().Basic):
        raise _no_symbols(x)
    return as_objects(x)


def _no_symbols(x: Any) -> ArgumentError:
    return ArgumentError(
        f"from_sympy got {x!r} where symbols belong",
        why="the function that is made has one argument for each symbol, in this order",
        write='x, y = sympy.symbols("x y"); wg.symbolic.from_sympy(expression, (x, y))',
    )


def _expressions(y: Any) -> np.ndarray:
    """An expression, or an array or a matrix of them."""
    sp = load()
    try:
        return objects(as_objects(y if hasattr(y, "tolist") else sp.sympify(y)))
    except (sp.SympifyError, TypeError, ValueError):
        raise ArgumentError(
            f"from_sympy got a {type(y).__name__} where an expression belongs",
            why="it is SymPy's expressions that are turned into functions",
            write="an expression of SymPy, a matrix or array of them, or a structure of those",
        ) from None
