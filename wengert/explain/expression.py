"""Expressions as text, `x*exp(-(x**2 + y**2)/2)`: parsed by `ast`, each node checked against a list, never run by eval.

Allowed are numbers, names of variables, pi and e, + - * / // % ** @, elements of arrays (`x[0]`), lists of numbers, and
the functions of FUNCTIONS. Everything else is an error that says what it met.
"""

from __future__ import annotations

import ast
import linecache
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import numpy as wnp
from ..core.trace import setting
from ..errors import ArgumentError, Source, line

LONGEST = 10_000  # characters

BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
UNARY: dict[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
CONSTANTS = {"pi": np.pi, "e": np.e}

# fmt: off
SAME = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "hypot", "sinc", "abs",
    "sign", "floor", "ceil", "maximum", "minimum", "logaddexp", "sum", "mean", "prod", "max", "min", "dot",
)
# fmt: on
ALSO = {
    "ln": "log",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "pow": "power",
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(wnp, name) for name in SAME},
    **{name: getattr(wnp, numpy_name) for name, numpy_name in ALSO.items()},
    "norm": wnp.linalg.norm,
}


class Expression:
    """A formula in named variables, called with their values in the order of `variables`.

    >>> from wengert.explain.expression import Expression
    >>> f = Expression("x**2*y + y + 2")
    >>> f.variables, f(3.0, 4.0)
    (('x', 'y'), 42.0)
    """

    def __init__(self, text: str, variables: Iterable[str] | None = None, name: str = "f") -> None:
        self.text, self.__name__ = text, name
        self.tree = parsed(text)
        found = dict.fromkeys(names_of(self.tree))
        self.variables = tuple(v for v in found if v not in CONSTANTS) if variables is None else tuple(variables)
        for node in ast.walk(self.tree):
            check(node, text, self.variables)
        self.file = f"<{text}>"
        linecache.cache[self.file] = (len(text), None, [text + "\n"], self.file)

    @property
    def __signature__(self) -> Any:
        import inspect

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(v, kind) for v in self.variables])

    def __call__(self, *values: Any, **named: Any) -> Any:
        known = {**CONSTANTS, **dict(zip(self.variables, values, strict=False)), **named}
        try:
            with setting(line, Source(self.file, 1, "<lambda>")):
                return evaluated(self.tree.body, known)
        except (ArithmeticError, IndexError, ValueError) as error:
            raise ArgumentError(
                f"{self.text!r} has no value here: {error}",
                why="it is computed at the values that its variables are given",
                write="other values, or another formula",
            ) from None


def parsed(text: str) -> ast.Expression:
    """The syntax tree of a text, or our error."""
    if len(text) > LONGEST:
        raise wrong(text, f"it has {len(text)} characters; {LONGEST} are the most")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise wrong(text, f"{error.msg} at character {error.offset}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise wrong(text, f"it cannot be parsed: {error}") from None
    if depth(tree) > 200:
        raise wrong(text, "it is nested more than 200 deep")
    return tree


def depth(tree: ast.AST) -> int:
    """How deep the tree is, counted without recursion."""
    deepest, stack = 0, [(tree, 1)]
    while stack:
        node, d = stack.pop()
        deepest = max(deepest, d)
        stack += [(child, d + 1) for child in ast.iter_child_nodes(node)]
    return deepest


def names_of(tree: ast.Expression) -> list[str]:
    """The variables in the order in which they appear."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return [node.id for node in sorted(found, key=lambda n: (n.lineno, n.col_offset))]


_SILENT = (ast.Expression, ast.Load, ast.operator, ast.unaryop)


def check(node: ast.AST, text: str, variables: Iterable[str]) -> None:
    """Is this node of the tree one of those allowed?"""
    match node:
        case ast.BinOp():
            if isinstance(node.op, ast.BitXor):
                raise wrong(text, "^ is no power in Python", "** for a power: x**2")
            if type(node.op) not in BINARY:
                raise wrong(text, f"the operator {type(node.op).__name__} is not allowed")
        case ast.UnaryOp():
            if type(node.op) not in UNARY:
                raise wrong(text, f"the operator {type(node.op).__name__} is not allowed")
        case ast.Call():
            if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
                raise wrong(text, f"{ast.unparse(node.func)} is no function that is known", _known_functions())
            if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
                raise wrong(text, f"{node.func.id} takes its arguments by position here")
        case ast.Name():
            if node.id not in (*variables, *CONSTANTS, *FUNCTIONS):
                raise wrong(text, f"{node.id} has no value", f"give it one: {node.id}=1.5")
        case ast.Constant():
            if type(node.value) not in (int, float, complex):
                raise wrong(text, f"{ast.unparse(node)[:40]} is no number")
        case ast.Subscript():
            if not _is_index(node.slice):
                raise wrong(text, "an element has whole numbers as indices", "x[0], A[1, 2]")
        case ast.List() | ast.Tuple():
            pass
        case _:
            if not isinstance(node, _SILENT):
                raise wrong(text, f"{type(node).__name__} is not allowed")


def _is_index(node: ast.AST) -> bool:
    entries = node.elts if isinstance(node, ast.Tuple) else [node]
    inner = (e.operand if isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.USub) else e for e in entries)
    return all(isinstance(e, ast.Constant) and type(e.value) is int for e in inner)


def evaluated(node: ast.AST, known: Mapping[str, Any]) -> Any:
    """The value of a checked tree, by NumPy's functions of this library."""
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            a, b = evaluated(left, known), evaluated(right, known)
            if isinstance(op, ast.Pow) and isinstance(a, int) and isinstance(b, int):
                a = float(a)  # 9**9**9 would be a number of 369 million digits
            return BINARY[type(op)](a, b)
        case ast.UnaryOp(op=op, operand=operand):
            return UNARY[type(op)](evaluated(operand, known))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(evaluated(a, known) for a in args))
        case ast.Name(id=name):
            return known[name]
        case ast.Constant(value=value):
            return float(value) if type(value) is int and abs(value) > 2**53 else value
        case ast.Subscript(value=value, slice=index):
            return evaluated(value, known)[ast.literal_eval(index)]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return wnp.stack([wnp.asarray(evaluated(e, known)) for e in elements])
    raise AssertionError(f"{type(node).__name__} was not checked")


def value_of(text: str) -> Any:
    """A number or an array as text: `2`, `1e-3`, `pi/4`, `[1, 2, 3]`. Whole numbers become floats.

    >>> from wengert.explain.expression import value_of
    >>> value_of("2"), value_of("[1, 2]")
    (2.0, array([1., 2.]))
    """
    x = Expression(text, ())()
    if np.asarray(x).dtype.kind not in "fciub":
        raise wrong(text, "it is no number and no array of numbers")
    if np.ndim(x):
        return np.asarray(x, np.result_type(np.asarray(x).dtype, float))
    return complex(x) if np.iscomplexobj(x) else float(x)


def wrong(
    text: str, why: str, write: str = "numbers, variables, + - * / ** and functions such as exp(x)"
) -> ArgumentError:
    """The error for a text that is no expression."""
    shown = text if len(text) <= 80 else text[:77] + "..."
    return ArgumentError(f"{shown!r} is no expression that can be explained", why=why, write=write)


def _known_functions() -> str:
    return "one of " + ", ".join(sorted(FUNCTIONS))
