"""From a function to its source and back: the definition that it was compiled from, and the rewritten function."""

from __future__ import annotations

import ast
import copy
import linecache
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from .expressions import OPERATORS, THUNK, at, definition, no_arguments
from .scopes import parameters
from .statements import CannotBeKept, Function, is_generator

_FUNCTION = "_wg_function"
_parsed: dict[str, tuple[tuple[str, ...], ast.Module | None]] = {}
_lock = threading.RLock()  # CPython counts the depth of syntax trees for all threads together
_rewritten: dict[int, tuple[Any, Any]] = {}  # by the id of a code object: it, weakly, and what it was rewritten to


def rewritten(f: Any, operators: Any) -> Callable[..., Any] | None:
    """The function, rewritten, with its own globals and closure; None where its source is not to be had."""
    code = rewritten_code(f)
    if code is None:
        return None
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    cells[OPERATORS] = types.CellType(operators)
    closure = tuple(cells[name] for name in code.co_freevars)
    made = types.FunctionType(code, f.__globals__, f.__name__, f.__defaults__, closure)
    made.__kwdefaults__, made.__qualname__, made.__module__ = f.__kwdefaults__, f.__qualname__, f.__module__
    made.__dict__.update(f.__dict__)
    return made


def is_rewritten(f: Any) -> bool:
    """Is this a function that we have written, or an inner function of one?"""
    return OPERATORS in f.__code__.co_freevars


def rewritten_code(f: Any) -> Any:
    """The code of the rewritten function: made once for each code object."""
    code = f.__code__
    with _lock:
        known = _rewritten.get(id(code))
        if known is None or known[0]() is not code:
            known = _rewritten[id(code)] = weakref.ref(code, _forget(id(code))), _compiled(f)
        return known[1]


def _forget(key: int) -> Callable[[Any], None]:
    known = _rewritten  # when Python ends, the module's name is gone before the last code object

    def forget(_: Any) -> None:
        known.pop(key, None)

    return forget


def _compiled(f: Any) -> Any:
    module = _module(f)
    if module is None:
        return None
    code = f.__code__
    made = compile(module, code.co_filename, "exec", dont_inherit=True, flags=_future(code))
    (factory,) = (c for c in made.co_consts if isinstance(c, types.CodeType))
    (function,) = (c for c in factory.co_consts if isinstance(c, types.CodeType))
    return _named(function, code.co_name, code.co_qualname)


def _module(f: Any) -> ast.Module | None:
    """A function around the rewritten one, whose parameters are the variables that it closes over."""
    node, class_name = found(f)
    if node is None or is_generator(node) or isinstance(node, ast.AsyncFunctionDef):
        return None
    node = copy.deepcopy(node)
    try:
        body = Function(_as_def(node), class_name, [0]).rewritten(_body(node))
    except CannotBeKept:
        return None
    args = node.args
    args.defaults, args.kw_defaults = [], [None] * len(args.kwonlyargs)  # the function object brings its own
    for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if a is not None:
            a.annotation = None
    inner = at(definition(_FUNCTION, args, body), node)
    outer = definition("_wg_factory", no_arguments(*f.__code__.co_freevars, OPERATORS), [inner])
    return ast.Module([at(outer, node)], [])


def text(f: Any) -> str:
    """The rewritten source, to be read."""
    module = _module(f)
    return "" if module is None else ast.unparse(module)


def _future(code: Any) -> int:
    """The `from __future__` features with which code was compiled."""
    import __future__

    flags = [getattr(__future__, n).compiler_flag for n in __future__.all_feature_names]
    return sum(code.co_flags & flag for flag in set(flags))


def _named(code: Any, name: str, qualname: str) -> Any:
    """Code under the user's name for it; so are the blocks that became functions."""
    consts = tuple(
        _named(c, name, qualname)
        if isinstance(c, types.CodeType) and (c.co_name.startswith("_wg_") or THUNK in c.co_varnames)
        else _requalified(c, qualname)
        for c in code.co_consts
    )
    return code.replace(co_name=name, co_qualname=qualname, co_consts=consts)


def _requalified(const: Any, qualname: str) -> Any:
    """An inner function of the user's, named after the function around it."""
    if not isinstance(const, types.CodeType):
        return const
    return _named(const, const.co_name, f"{qualname}.<locals>.{const.co_name}")


def _body(node: Any) -> list[ast.stmt]:
    return [at(ast.Return(node.body), node.body)] if isinstance(node, ast.Lambda) else node.body


def _as_def(node: Any) -> Any:
    return at(definition("<lambda>", node.args, _body(node)), node) if isinstance(node, ast.Lambda) else node


# finding the definition --------------------------------------------------------------------------------------------
def found(f: Any) -> tuple[Any, str | None]:
    """The definition that a function was compiled from, and the name of the class around it; None where unknown."""
    code = f.__code__
    lines = linecache.getlines(code.co_filename, f.__globals__)
    if len(lines) < code.co_firstlineno:
        return None, None
    trees = (_block(lines, code), lambda: _tree(code.co_filename, tuple(lines)))
    for tree in trees if code.co_name != "<lambda>" else trees[::-1]:
        node = _in_tree(tree(), code)
        if node is not None:
            return node, _class_name(code.co_qualname)
    return None, None


def _in_tree(tree: ast.AST | None, code: Any) -> Any:
    """The definition of a code object; where several are at its line, the smallest around its instructions."""
    names = parameters_of(code)
    fits = [n for n in _at_first_line(tree, code) if parameters(n.args) == names] if tree is not None else []
    if len(fits) > 1:
        fits = sorted((n for n in fits if _contains(n, code)), key=lambda n: _span(n)[1])[:1]
    return fits[0] if len(fits) == 1 else None


def _class_name(qualname: str) -> str | None:
    """The class around a function of this qualified name."""
    for part in reversed(qualname.split(".<locals>.")):
        if "." in part:
            return part.split(".")[-2]
    return None


def parameters_of(code: Any) -> list[str]:
    """The names of the parameters, as `scopes.parameters` lists them."""
    n, k = code.co_argcount, code.co_kwonlyargcount
    more = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    return list(code.co_varnames[: n + k + more])


def _tree(filename: str, lines: tuple[str, ...]) -> ast.Module | None:
    known = _parsed.get(filename)
    if known is None or known[0] != lines:
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            tree = None
        known = _parsed[filename] = lines, tree
    return known[1]


def _block(lines: list[str], code: Any) -> Callable[[], ast.Module | None]:
    """The lines from which code was compiled, parsed alone: the rest of the file may be long, or no Python."""

    def parsed() -> ast.Module | None:
        first, last = code.co_firstlineno, _last_line(code)
        before = ["\n"] * (first - 1)
        if lines[first - 1][:1].isspace() and before:
            before[-1] = "if 1:\n"
        for end in range(last, min(last + 20, len(lines)) + 1):  # brackets may be closed further down
            try:
                return ast.parse("".join([*before, *lines[first - 1 : end]]))
            except SyntaxError:
                continue
        return None

    return parsed


def _last_line(code: Any) -> int:
    """The last line of which there are instructions."""
    inner = [_last_line(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return max([code.co_firstlineno, *inner, *(end for _, end, _, _ in code.co_positions() if end is not None)])


def _at_first_line(node: ast.AST, code: Any) -> Iterator[Any]:
    """The functions of a code object's name whose source begins at its first line."""
    line = code.co_firstlineno
    for child in ast.iter_child_nodes(node):
        first, last = _first_line(child), getattr(child, "end_lineno", None)
        if first is not None and last is not None and not first <= line <= last:
            continue
        if isinstance(child, ast.Lambda):
            if code.co_name == "<lambda>" and child.lineno == line:
                yield child
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name == code.co_name and first == line:
            yield child
        yield from _at_first_line(child, code)


def _first_line(node: Any) -> int | None:
    """Where a node begins, its decorators included."""
    decorators = getattr(node, "decorator_list", None)
    return decorators[0].lineno if decorators else getattr(node, "lineno", None)


def _span(node: Any) -> Any:
    """Where the body of a lambda begins and ends: line and column."""
    body = node.body if isinstance(node, ast.Lambda) else node
    return (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)


def _contains(node: Any, code: Any) -> bool:
    """Is this where code was compiled from, as far as its lines and columns tell?"""
    first, last = _span(node)
    found = [p for p in code.co_positions() if None not in p and p[3] > 0]
    return bool(found) and all(
        first <= (line, column) and (end, end_column) <= last for line, end, column, end_column in found
    )
