"""Names in a piece of source: which ones it binds, into which it assigns, and how control may leave it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.For, ast.While)


class Bound(ast.NodeVisitor):
    """The names that statements bind in their own scope; nested functions and classes have scopes of their own.

    names: bound by name. updated: bound by `x += v` alone. into: the roots of `x[i] = v` and `x.a = v`. outside:
    declared global or nonlocal.
    """

    def __init__(self, nodes: Iterable[ast.AST] = ()) -> None:
        self.names: dict[str, None] = {}
        self.updated: dict[str, None] = {}
        self.into: dict[str, None] = {}
        self.outside: dict[str, str] = {}
        for node in nodes:
            self.visit(node)

    def bind(self, name: str | None) -> None:
        """A name is bound."""
        if name is not None:
            self.names[name] = None

    def visit_Name(self, node: ast.Name) -> None:
        """`x = ...`, `for x in ...`, `del x`."""
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """`x += v`."""
        if isinstance(node.target, ast.Name):
            self.updated[node.target.id] = None
        else:
            self.visit(node.target)
        self.visit(node.value)

    def visit_Subscript(self, node: Any) -> None:
        """`x[i] = v`."""
        if not isinstance(node.ctx, ast.Load):
            root = node.value
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                self.into[root.id] = None
        self.generic_visit(node)

    visit_Attribute = visit_Subscript

    def visit_FunctionDef(self, node: Any) -> None:
        """The name of the function; the defaults and decorators are evaluated here."""
        self.bind(node.name)
        for part in (*node.decorator_list, *self.defaults(node.args)):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    @staticmethod
    def defaults(args: ast.arguments) -> list[ast.expr]:
        """The default values of parameters."""
        return [*args.defaults, *(d for d in args.kw_defaults if d is not None)]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Its body is a scope of its own."""
        for part in self.defaults(node.args):
            self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """The name of the class."""
        self.bind(node.name)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)

    def comprehension(self, node: ast.AST) -> None:
        """Its targets are its own; `:=` in it binds outside."""
        for child in walk_scope(node):
            if isinstance(child, ast.NamedExpr):
                self.bind(child.target.id)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension

    def visit_Import(self, node: Any) -> None:
        """`import a.b` binds a."""
        for alias in node.names:
            self.bind(alias.asname or alias.name.split(".")[0])

    visit_ImportFrom = visit_Import

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """`except E as name`."""
        self.bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: Any) -> None:
        """Names in patterns."""
        self.bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        """`{**rest}`."""
        self.bind(node.rest)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        """`global x`."""
        self.outside.update(dict.fromkeys(node.names, "global"))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        """`nonlocal x`."""
        self.outside.update(dict.fromkeys(node.names, "nonlocal"))

    @property
    def all(self) -> list[str]:
        """Every name that is bound in any way."""
        return [*self.names, *(n for n in self.updated if n not in self.names)]


def walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes beneath, without the bodies of functions and classes."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, Scope):
            yield from walk_scope(child)


def parameters(args: ast.arguments) -> list[str]:
    """The names of a function's parameters."""
    found = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [a.arg for a in (*found, args.vararg, args.kwarg) if a is not None]


# how control leaves ------------------------------------------------------------------------------------------------
def exits(statements: Sequence[ast.stmt]) -> set[str]:
    """How control may leave these statements other than at their end: return, break, continue."""
    found: set[str] = set()
    for s in statements:
        if isinstance(s, ast.Return | ast.Break | ast.Continue):
            found.add(type(s).__name__.lower())
        elif isinstance(s, LOOPS):
            found |= exits(s.body) & {"return"} | exits(s.orelse)
        else:
            for block in blocks(s):
                found |= exits(block)
    return found


def blocks(s: ast.stmt) -> list[list[ast.stmt]]:
    """The lists of statements in a compound statement that is neither a loop nor a scope."""
    if isinstance(s, Scope):
        return []
    found = [getattr(s, field, []) for field in ("body", "orelse", "finalbody")]
    found += [h.body for h in getattr(s, "handlers", [])]
    found += [c.body for c in getattr(s, "cases", [])]
    return [b for b in found if b]


def always(statements: Sequence[ast.stmt]) -> bool:
    """Does control never reach the end of these statements?"""
    for s in statements:
        if isinstance(s, ast.Return | ast.Break | ast.Continue | ast.Raise):
            return True
        if isinstance(s, ast.If) and s.orelse and always(s.body) and always(s.orelse):
            return True
        if isinstance(s, ast.With) and exits(s.body) and always(s.body):
            return True
        if isinstance(s, ast.While) and is_true(s.test) and "break" not in exits(s.body):
            return True
    return False


def is_true(test: ast.expr) -> bool:
    """Is this `True` or `1`, as in `while True`?"""
    return isinstance(test, ast.Constant) and bool(test.value)
