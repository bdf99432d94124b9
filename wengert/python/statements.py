"""Statements in which Python would decide on a traced value, rewritten as calls of operators.

The blocks of a statement become functions of the same variables (`nonlocal`), which return how control left them: None
at their end, CONTINUE, BREAK, or RETURN with the value in a variable of its own. See docs/design/python.md.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from .exits import BREAK, CONTINUE, RETURN
from .expressions import Expressions, at, definition, first_parameter, no_arguments, operator, thunk
from .scopes import FUNCTIONS, Bound, always, exits, is_true, parameters

VALUE = "_wg_value"  # the variable that holds what a nested block returns
_CODES = {ast.Continue: CONTINUE, ast.Break: BREAK}


class CannotBeKept(Exception):
    """A statement that has no staged form: the function is run as it is."""


def name(id: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(id, ast.Load())


def call(id: str, *args: ast.expr) -> ast.Call:
    """A call of a function that we have written."""
    return ast.Call(name(id), list(args), [])


class Function(Expressions):
    """Rewrites one function. Inner functions are rewritten each by a Function of its own."""

    def __init__(self, node: Any, class_name: str | None, count: list[int]) -> None:
        super().__init__(class_name, first_parameter(node.args))
        self.count = count
        bound = Bound(node.body)
        self.outside = bound.outside
        self.locals = {*bound.all, *parameters(node.args)} - set(bound.outside)
        self.own = [n for n in bound.all if n not in bound.outside and n not in parameters(node.args)]

    def rewritten(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The body of the function."""
        declarations, body = _declarations(body)
        nested = any("return" in exits([s]) for s in body if not isinstance(s, ast.Return))
        if nested and not always(body):
            body = [*body, at(ast.Return(at(ast.Constant(None), body[-1])), body[-1])]
        made = self.block(body, False)
        bound = [*self.own, *([VALUE] if nested else [])]
        if bound:  # never run: it makes these names variables of this function
            targets: list[ast.expr] = [ast.Name(n, ast.Store()) for n in bound]
            never = ast.If(ast.Constant(0), [ast.Assign(targets, ast.Constant(None))], [])
            declarations = [*declarations, at(never, body[0])]
        return [*declarations, *made]

    # blocks ------------------------------------------------------------------------------------------------------
    def block(self, statements: Sequence[ast.stmt], nested: bool) -> list[ast.stmt]:
        """Statements one after the other. nested: in a function of ours, which returns how control leaves."""
        out: list[ast.stmt] = []
        for k, s in enumerate(statements):
            rest = list(statements[k + 1 :])
            if isinstance(s, ast.Return | ast.Break | ast.Continue):
                return [*out, *self.leave(s, nested)]
            if not exits([s]):
                out += self.statement(s)
                continue
            if isinstance(s, ast.If):
                s, rest = _with_rest(s, rest)
            prelude, code = self.leaving(s)
            out += prelude
            if rest:
                after = self.fresh("rest")
                out.append(self.function(after, rest))
                code = at(operator("after", code, name(after)), s)
            if not nested:
                code = at(operator("result", code, thunk(at(name(VALUE), s))), s)
            return [*out, at(ast.Return(code), s)]
        return out

    def leave(self, s: Any, nested: bool) -> list[ast.stmt]:
        """`return`, `break`, `continue`."""
        if not isinstance(s, ast.Return):
            return [at(ast.Return(ast.Constant(_CODES[type(s)])), s)]
        value = self.visit(s.value) if s.value is not None else at(ast.Constant(None), s)
        if not nested:
            return [at(ast.Return(value), s)]
        store = at(ast.Assign([ast.Name(VALUE, ast.Store())], value), s)
        return [store, at(ast.Return(ast.Constant(RETURN)), s)]

    def function(self, id: str, statements: Sequence[ast.stmt], *args: str) -> ast.stmt:
        """A block as a function of the same variables."""
        bound = Bound(statements)
        shared = [n for n in bound.all if n in self.locals]
        if "return" in exits(statements):
            shared.append(VALUE)
        declared: list[ast.stmt] = [ast.Nonlocal(shared)] if shared else []
        for kind, node in (("global", ast.Global), ("nonlocal", ast.Nonlocal)):
            names = [n for n in bound.all if self.outside.get(n) == kind]
            declared += [node(names)] if names else []
        body = self.block(statements, True) or [ast.Pass()]
        return at(definition(id, no_arguments(*args), [*declared, *body]), statements[0])

    def fresh(self, what: str) -> str:
        """A name that nobody has."""
        self.count[0] += 1
        return f"_wg_{what}_{self.count[0]}"

    # statements --------------------------------------------------------------------------------------------------
    def statement(self, s: ast.stmt) -> list[ast.stmt]:
        """A statement that control leaves at its end."""
        if isinstance(s, ast.If | ast.For | ast.While):
            prelude, code = self.leaving(s)
            return [*prelude, at(ast.Expr(code), s)]
        made = self.visit(s)
        return made if isinstance(made, list) else [made]

    def leaving(self, s: Any) -> tuple[list[ast.stmt], ast.expr]:
        """What comes before a statement, and the expression that runs it and says how control left it."""
        method = getattr(self, f"leaving_{type(s).__name__}", None)
        if method is None:
            raise CannotBeKept(f"{type(s).__name__.lower()} on line {s.lineno}")
        return method(s)

    def part(self, what: str, statements: Sequence[ast.stmt], out: list[ast.stmt], *args: str) -> ast.expr:
        """A block, defined in `out`, by its name; None where it is empty."""
        if not statements:
            return ast.Constant(None)
        id = self.fresh(what)
        out.append(self.function(id, statements, *args))
        return name(id)

    def leaving_If(self, s: ast.If) -> tuple[list[ast.stmt], ast.expr]:
        """if_(test, then, orelse)."""
        out: list[ast.stmt] = []
        test = self.visit(s.test)
        then, orelse = self.part("then", s.body, out), self.part("else", s.orelse, out)
        return out, at(operator("if_", test, then, orelse), s.test)

    def leaving_While(self, s: ast.While) -> tuple[list[ast.stmt], ast.expr]:
        """while_(test, body, orelse, names, into); the test of `while True` is None."""
        out: list[ast.stmt] = []
        written = self.written([s.test, *s.body])
        test: ast.expr = ast.Constant(None)
        if not is_true(s.test):
            id = self.fresh("test")
            bound = [n for n in Bound([s.test]).all if n in self.locals]
            result = at(ast.Return(self.visit(s.test)), s.test)
            body = [ast.Nonlocal(bound), result] if bound else [result]
            out.append(at(definition(id, no_arguments(), body), s))
            test = name(id)
        run, orelse = self.part("body", s.body, out), self.part("else", s.orelse, out)
        return out, at(operator("while_", test, run, orelse, *written), s)

    def leaving_For(self, s: ast.For) -> tuple[list[ast.stmt], ast.expr]:
        """for_(iterable, body, orelse, names, into); the body is given the item."""
        out: list[ast.stmt] = []
        written = self.written([s.target, *s.body])
        iterable = self.visit(s.iter)
        item = self.fresh("item")
        first = at(ast.Assign([s.target], name(item)), s.target)
        body = self.part("body", [first, *s.body], out, item)
        orelse = self.part("else", s.orelse, out)
        return out, at(operator("for_", iterable, body, orelse, *written), s)

    def written(self, nodes: Sequence[ast.AST]) -> list[ast.expr]:
        """The variables that a loop binds, and those into whose arrays it assigns."""
        bound = Bound(nodes)
        names = [n for n in bound.names if n in self.locals]
        if "return" in exits([n for n in nodes if isinstance(n, ast.stmt)]):
            names.append(VALUE)
        into = [n for n in {**bound.into, **bound.updated} if n not in bound.names]
        return [ast.Tuple([ast.Constant(n) for n in found], ast.Load()) for found in (names, into)]

    # statements that Python runs, whose blocks control may leave ---------------------------------------------------
    def leaving_With(self, s: ast.With) -> tuple[list[ast.stmt], ast.expr]:
        """The block as a function."""
        code, out = self.code(s)
        items = [self.visit(item) for item in s.items]
        return [*out, at(ast.With(items, self.run("with", s.body, code)), s)], name(code)

    def leaving_Try(self, s: ast.Try) -> tuple[list[ast.stmt], ast.expr]:
        """Each block as a function; `else` runs where control reached the end of the body."""
        if exits(s.finalbody):
            raise CannotBeKept(f"return, break or continue in `finally` on line {s.lineno}")
        code, out = self.code(s)
        body = self.handled(self.run("try", s.body, code), s)
        handlers = []
        for h in s.handlers:
            kind = self.visit(h.type) if h.type is not None else None
            handlers.append(at(ast.ExceptHandler(kind, h.name, self.run("except", h.body, code)), h))
        orelse: list[ast.stmt] = []
        if s.orelse:
            block = self.part("else", s.orelse, orelse)
            orelse.append(at(_store(code, operator("after", name(code), block)), s))
        final = self.block(s.finalbody, True)
        return [*out, at(ast.Try(body, handlers, orelse, final), s)], name(code)

    def leaving_Match(self, s: ast.Match) -> tuple[list[ast.stmt], ast.expr]:
        """The block of each case as a function."""
        code, out = self.code(s)
        cases = []
        for c in s.cases:
            guard = self.visit(c.guard) if c.guard is not None else None
            cases.append(ast.match_case(c.pattern, guard, self.run("case", c.body, code)))
        return [*out, at(ast.Match(self.visit(s.subject), cases), s)], name(code)

    def code(self, s: ast.stmt) -> tuple[str, list[ast.stmt]]:
        """A variable for how control left a statement."""
        code = self.fresh("exit")
        return code, [at(_store(code, ast.Constant(None)), s)]

    def run(self, what: str, statements: Sequence[ast.stmt], code: str) -> list[ast.stmt]:
        """A block as a function, and its call."""
        out: list[ast.stmt] = []
        block = self.part(what, statements, out)
        assert isinstance(block, ast.Name)
        return [*out, at(_store(code, call(block.id)), statements[0])]

    def handled(self, body: list[ast.stmt], s: ast.Try) -> list[ast.stmt]:
        """The body of a `try` that has handlers: an error that a traced condition raises would not meet them."""
        if not s.handlers:
            return body
        return [at(ast.With([ast.withitem(operator("handled"), None)], body), s)]

    # statements that Python runs -----------------------------------------------------------------------------------
    def visit_With(self, s: ast.With) -> Any:
        """Its block is rewritten in place."""
        return at(ast.With([self.visit(item) for item in s.items], self.block(s.body, True)), s)

    def visit_Try(self, s: ast.Try) -> Any:
        """Its blocks are rewritten in place."""
        s.body = self.handled(self.block(s.body, True), s)
        for h in s.handlers:
            h.type = self.visit(h.type) if h.type is not None else None
            h.body = self.block(h.body, True)
        s.orelse, s.finalbody = self.block(s.orelse, True), self.block(s.finalbody, True)
        return s

    def visit_Match(self, s: ast.Match) -> Any:
        """Its blocks are rewritten in place."""
        s.subject = self.visit(s.subject)
        for c in s.cases:
            c.guard = self.visit(c.guard) if c.guard is not None else None
            c.body = self.block(c.body, True)
        return s

    def visit_Assert(self, s: ast.Assert) -> Any:
        """The test of a traced condition is put off to when the program runs."""
        message = self.text(s.msg) if s.msg is not None else ast.Constant(None)
        s.test = at(operator("holds", self.visit(s.test), thunk(at(message, s))), s.test)
        return s

    def visit_Raise(self, s: ast.Raise) -> Any:
        """An error that a traced condition raises is put off in the same way."""
        if s.exc is not None:
            s.exc = at(operator("raised", self.text(s.exc)), s.exc)
        return s

    def text(self, node: ast.expr) -> ast.expr:
        """An error message."""
        before, self.as_text = self.as_text, True
        made = self.visit(node)
        self.as_text = before
        return made

    def visit_AnnAssign(self, s: ast.AnnAssign) -> Any:
        """Annotations of local variables are never evaluated, and cannot stand beside `nonlocal`."""
        if not isinstance(s.target, ast.Name):
            return self.generic_visit(s)
        if s.value is None:
            return at(ast.Pass(), s)
        return self.visit(at(ast.Assign([s.target], s.value), s))

    def visit_Assign(self, s: ast.Assign) -> Any:
        """What is assigned to a global variable must not be traced."""
        self.generic_visit(s)
        names = [n for n in Bound(s.targets).all if self.outside.get(n) == "global"]
        if names:
            s.value = at(operator("leaves", ast.Constant(names[0]), s.value), s.value)
        if len(s.targets) == 1 and isinstance(s.targets[0], ast.Attribute):
            target = s.targets[0]
            return at(ast.Expr(operator("set_attribute", s.value, target.value, ast.Constant(target.attr))), s)
        return s

    def visit_AugAssign(self, s: ast.AugAssign) -> Any:
        """`x += v` of a global variable is an assignment; `x[mask] += v` may need what x is elsewhere."""
        if isinstance(s.target, ast.Name) and self.outside.get(s.target.id) == "global":
            read = at(ast.Name(s.target.id, ast.Load()), s.target)
            return self.visit_Assign(at(ast.Assign([s.target], at(ast.BinOp(read, s.op, s.value), s)), s))
        if isinstance(s.target, ast.Subscript) and may_be_mask(s.target.slice) and not binds(s.value):
            x, index, value = map(self.visit, (s.target.value, s.target.slice, s.value))
            name = ast.Constant(IN_PLACE[type(s.op)])
            return at(ast.Expr(operator("augmented", x, index, name, thunk(value))), s)
        self.generic_visit(s)
        if not isinstance(s.target, ast.Name):
            return s
        read = at(ast.Name(s.target.id, ast.Load()), s.target)
        name = ast.Constant(IN_PLACE[type(s.op)])
        return at(ast.Assign([s.target], operator("in_place", name, read, s.value)), s)

    def visit_Global(self, s: ast.Global) -> Any:
        """Declared in front of the function."""
        return at(ast.Pass(), s)

    def visit_Nonlocal(self, s: ast.Nonlocal) -> Any:
        """The same."""
        return at(ast.Pass(), s)

    def visit_FunctionDef(self, s: ast.FunctionDef) -> Any:
        """An inner function: rewritten too."""
        s.decorator_list = [self.visit(d) for d in s.decorator_list]
        s.args = self.defaults(s.args)
        s.returns = None
        for a in (*s.args.posonlyargs, *s.args.args, *s.args.kwonlyargs, s.args.vararg, s.args.kwarg):
            if a is not None:
                a.annotation = None
        if not is_generator(s):
            s.body = Function(s, self.class_name, self.count).rewritten(s.body)
        return s

    def visit_AsyncFunctionDef(self, s: ast.AsyncFunctionDef) -> Any:
        """Left as it is."""
        return s

    def visit_Lambda(self, s: ast.Lambda) -> Any:
        """A lambda: its body is rewritten."""
        s.args = self.defaults(s.args)
        if not is_generator(s):
            s.body = Function(_as_def(s), self.class_name, self.count).visit(s.body)
        return s

    def defaults(self, args: ast.arguments) -> ast.arguments:
        """Default values are evaluated outside the function that has them."""
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [self.visit(d) if d is not None else None for d in args.kw_defaults]
        return args


def is_generator(node: Any) -> bool:
    """Does a function contain yield or await?"""
    body = node.body if isinstance(node.body, list) else [node.body]
    found = (n for s in body for n in (s, *_own_nodes(s)))
    return any(isinstance(n, ast.Yield | ast.YieldFrom | ast.Await) for n in found)


def _own_nodes(node: ast.AST) -> Any:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return
    for child in ast.iter_child_nodes(node):
        yield child
        yield from _own_nodes(child)


def _as_def(s: ast.Lambda) -> ast.FunctionDef:
    body: list[ast.stmt] = [at(ast.Return(s.body), s.body)]
    return at(definition("<lambda>", s.args, body), s)


def _declarations(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """`global` and `nonlocal` declarations, wherever they stand, and the body."""
    bound = Bound(body)
    found: list[ast.stmt] = []
    for kind, node in (("global", ast.Global), ("nonlocal", ast.Nonlocal)):
        names = [n for n, k in bound.outside.items() if k == kind]
        found += [at(node(names), body[0])] if names else []
    return found, body


def _with_rest(s: ast.If, rest: list[ast.stmt]) -> tuple[ast.If, list[ast.stmt]]:
    """Where one branch never reaches its end, what comes after the statement belongs to the other one."""
    if rest and always(s.body):
        return at(ast.If(s.test, s.body, [*s.orelse, *rest]), s), []
    if rest and s.orelse and always(s.orelse):
        return at(ast.If(s.test, [*s.body, *rest], s.orelse), s), []
    return s, rest


def _store(id: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(id, ast.Store())], value)


IN_PLACE = {
    ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv", ast.FloorDiv: "ifloordiv", ast.Mod: "imod",
    ast.Pow: "ipow", ast.MatMult: "imatmul", ast.BitAnd: "iand", ast.BitOr: "ior", ast.BitXor: "ixor",
    ast.LShift: "ilshift", ast.RShift: "irshift",
}  # fmt: skip


def may_be_mask(index: ast.expr) -> bool:
    """Can the value of an index expression be an array of truth values?"""
    return not isinstance(index, ast.Slice | ast.Tuple | ast.Constant)


def binds(value: ast.expr) -> bool:
    """Does an expression bind names (`:=`), or wait?"""
    return any(isinstance(e, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await) for e in ast.walk(value))
