"""Expressions in which Python would decide on a traced value, rewritten as calls of operators.

a and b, a or b      _wg_.and_(a, lambda: b), _wg_.or_(a, lambda: b)
not a                _wg_.not_(a)
a if c else b        _wg_.choose(c, lambda: a, lambda: b)
a < b < c            _wg_.compare(a, "<", lambda: b, "<", lambda: c)
a in b               _wg_.contains(b, a)
f(a)                 _wg_.called(f)(a)
x[i], x.a            _wg_.item(x, i), _wg_.attribute(x, "a")
a + b, a < b, -a     _wg_.binary("add", a, b), _wg_.binary("lt", a, b), _wg_.unary("neg", a)
f"{a}"               f"{_wg_.shown(a)}"
super()              super(__class__, self)
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from typing import Any

from .scopes import parameters, walk_scope

OPERATORS = "_wg_"
THUNK = "_wg_thunk"

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


_METHODS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq",
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert"}
BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.MatMult: "matmul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "lshift", ast.RShift: "rshift",
}  # fmt: skip


def operator(name: str, *args: ast.expr) -> ast.Call:
    """`_wg_.name(*args)`."""
    return ast.Call(ast.Attribute(ast.Name(OPERATORS, ast.Load()), name, ast.Load()), list(args), [])


def thunk(body: ast.expr) -> ast.Lambda:
    """`lambda: body`, with a parameter by which it is known as ours."""
    args = no_arguments()
    args.kwonlyargs, args.kw_defaults = [ast.arg(THUNK)], [ast.Constant(None)]
    return at(ast.Lambda(args, body), body)


def no_arguments(*names: str) -> ast.arguments:
    """A parameter list of plain names."""
    return ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, [])


def at(new: Any, old: Any) -> Any:
    """A new node, with all that is new in it, where an old one begins."""
    whole = old.end_lineno == old.lineno  # else Python takes the last line for that of a call
    end = (old.end_lineno, old.end_col_offset) if whole else (old.lineno, old.col_offset)
    found = [new]
    while found:
        node = found.pop()
        if "lineno" in node._attributes:
            if hasattr(node, "lineno") and node is not new:
                continue  # it was there, or has been placed
            if not hasattr(node, "lineno"):
                node.lineno, node.col_offset = old.lineno, old.col_offset
                node.end_lineno, node.end_col_offset = end
        found.extend(ast.iter_child_nodes(node))
    return new


def definition(name: str, args: ast.arguments, body: list[ast.stmt]) -> ast.FunctionDef:
    """`def name(args): body`."""
    made = ast.FunctionDef(name, args, body, [])
    if sys.version_info >= (3, 12):
        made.type_params = []
    return made


def binds(nodes: Sequence[ast.AST]) -> bool:
    """Is there a `:=` in these expressions? In a lambda of ours it would bind another variable."""
    return any(isinstance(n, ast.NamedExpr) for node in nodes for n in (node, *walk_scope(node)))


class Expressions(ast.NodeTransformer):
    """Rewrites expressions. first: the first parameter of the method, class_name: the class around it."""

    def __init__(self, class_name: str | None, first: str | None) -> None:
        self.class_name, self.first = class_name, first
        self.as_text = False  # within an error message, where a traced value is shown as it can be

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """`and`, `or`: the later operands are evaluated where they are needed."""
        lazy = binds(node.values[1:])
        self.generic_visit(node)
        if lazy:
            return node
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        first, *rest = node.values
        return at(operator(name, first, *map(thunk, rest)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """`not`; `-x`, which may be a method of the user's."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return at(operator("not_", node.operand), node)
        if isinstance(node.operand, ast.Constant):
            return node
        return at(operator("unary", ast.Constant(_UNARY[type(node.op)]), node.operand), node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """`x + y`, which may be a method of the user's; numbers stay what they are."""
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            return node
        return at(operator("binary", ast.Constant(BINARY[type(node.op)]), node.left, node.right), node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """`a if c else b`."""
        lazy = binds([node.body, node.orelse])
        self.generic_visit(node)
        return node if lazy else at(operator("choose", node.test, thunk(node.body), thunk(node.orelse)), node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        """Chains, and `in`; a plain comparison may be a method of the user's."""
        lazy = binds(node.comparators[1:])
        self.generic_visit(node)
        if len(node.ops) == 1:
            if isinstance(node.ops[0], ast.Is | ast.IsNot):
                return node
            if isinstance(node.ops[0], ast.NotEq):
                return at(operator("differs", node.left, node.comparators[0]), node)
            if not isinstance(node.ops[0], ast.In | ast.NotIn):
                name = ast.Constant(_METHODS[type(node.ops[0])])
                return at(operator("binary", name, node.left, node.comparators[0]), node)
            found: ast.expr = at(operator("contains", node.comparators[0], node.left), node)
            return found if isinstance(node.ops[0], ast.In) else at(operator("not_", found), node)
        if lazy:
            return node
        args: list[ast.expr] = [node.left]
        for op, right in zip(node.ops, node.comparators, strict=True):
            args += [ast.Constant(_COMPARISONS[type(op)]), thunk(right)]
        return at(operator("compare", *args), node)

    def visit_Call(self, node: ast.Call) -> Any:
        """A call of a function, which is adopted, or replaced by the traced language's, when it is called."""
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            if not node.args and not node.keywords and self.first is not None:
                node.args = [ast.Name("__class__", ast.Load()), ast.Name(self.first, ast.Load())]
                at(node, node)
            return node
        self.generic_visit(node)
        node.func = at(operator("called", node.func), node.func)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """`x[i]`, where the index may be traced and x a plain array; a target is checked before it is assigned to."""
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            node.value = at(operator("target", node.value), node.value)
            return node
        return at(operator("item", node.value, _as_index(node.slice)), node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        """Text of a traced value cannot be computed; in an error message it is shown as it can be."""
        self.generic_visit(node)
        if not self.as_text:
            node.value = at(operator("shown", node.value), node.value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """`x.a`, which may be a property. Private names are mangled, as they are where the class is compiled."""
        self.generic_visit(node)
        if self.class_name and node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = f"_{self.class_name.lstrip('_')}{node.attr}"
        if not isinstance(node.ctx, ast.Load):
            return node
        return at(operator("attribute", node.value, ast.Constant(node.attr)), node)

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """Its body runs as an adopted function's."""
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """The methods of a class are adopted when they are called."""
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        """f-strings; the format specifications in them are left alone."""
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.visit_FormattedValue(value)
        return node


def _parts(index: ast.expr) -> list[ast.expr]:
    """The entries of an index expression, and the bounds of its slices."""
    entries = index.elts if isinstance(index, ast.Tuple) else [index]
    found: list[ast.expr] = []
    for e in entries:
        found += [b for b in (e.lower, e.upper, e.step) if b is not None] if isinstance(e, ast.Slice) else [e]
    return found


def _as_index(index: ast.expr) -> ast.expr:
    """An index expression as a value: `a:b` is `slice(a, b)`."""
    if isinstance(index, ast.Slice):
        bounds = [b if b is not None else ast.Constant(None) for b in (index.lower, index.upper, index.step)]
        return at(operator("slice", *bounds), index)
    if isinstance(index, ast.Tuple):
        return at(ast.Tuple([_as_index(e) for e in index.elts], ast.Load()), index)
    return index


def first_parameter(args: ast.arguments) -> str | None:
    """`self`."""
    names = parameters(args)
    return names[0] if names else None
