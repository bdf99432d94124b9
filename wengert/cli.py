"""The command line: `wengert explain "x**2*y + y + 2" x=3 y=4`, or `wengert explain module:function x=2`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import __version__
from .errors import ArgumentError, WengertError
from .explain import explain
from .explain.explanation import Explanation
from .explain.expression import Expression, value_of

EXAMPLES = """examples:
  wengert explain "x1*exp(-(x1**2+x2**2)/2)" x1=2 x2=0.5
  wengert explain "x**2*y + y + 2" x=3 y=4 --step 1e-5 --by-hand "x=2*x*y" --by-hand "y=x**2+1"
  wengert explain "sum(tanh(x))" "x=[0.1, 0.2, 0.3]" --html tanh.html
  wengert explain model.py:loss w=0.5
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0, or 2 where what was asked for cannot be done."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except WengertError as error:
        print(f"wengert: {error.what}", file=sys.stderr)
        for label, line in (("why:  ", error.why), ("write:", error.write)):
            if line:
                print(f"  {label} {line}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """What can be asked."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("wengert", description="Derivatives of numerical programs, and how they come about.")
    top.add_argument("--version", action="version", version=f"wengert {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="command")
    command = commands.add_parser(
        "explain",
        help="show what a derivative does: tables of both modes, five methods, cost",
        description="Everything about the derivatives of one function at one point.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    command.set_defaults(run=run_explain)
    command.add_argument("function", help="an expression, or module:function, or file.py:function")
    command.add_argument("values", nargs="*", metavar="name=value", help="its arguments: x=2, 'x=[1, 2, 3]', x=pi/4")
    command.add_argument("--html", metavar="FILE", help="write one page with the tables and pictures")
    command.add_argument(
        "--by-hand", action="append", metavar="name=formula", help="a partial derivative, to be checked"
    )
    command.add_argument("--output", type=int, metavar="K", help="explain element K of the results")
    command.add_argument("--step", type=float, metavar="H", help="the step of forward and central differences")
    command.add_argument("--unroll", action="store_true", help="show each round of Python's loops")
    return top


def run_explain(options: argparse.Namespace) -> int:
    """`wengert explain`."""
    named, positional = split_values(options.values)
    fun, values = target(options.function, positional, named)
    by_hand = dict(assignment(text) for text in options.by_hand) if options.by_hand else None
    made = explain(fun, *values, output=options.output, step=options.step, unroll=options.unroll, by_hand=by_hand)
    show(made)
    if options.html:
        print(f"\nwritten: {write(made, options.html)}")
    return 0


def show(explanation: Explanation) -> None:
    """In the terminal."""
    from rich.console import Console

    Console(highlight=False).print(explanation)


def write(explanation: Explanation, path: str) -> Path:
    """The page; our error where the file cannot be written."""
    try:
        return explanation.save(path)
    except OSError as error:
        raise ArgumentError(
            f"{path} cannot be written: {error.strerror}", why="the page is one file", write="--html with another path"
        ) from None


# the function and its arguments ----------------------------------------------------------------------------------
def split_values(texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """`x=2` by name, `2` by position."""
    named: dict[str, str] = {}
    positional = []
    for text in texts:
        if re.match(r"\s*[^\W\d]\w*\s*=(?!=)", text):
            name, value = assignment(text)
            if name in named:
                raise ArgumentError(f"{name} is given twice", why="it has one value", write=f"{name}= once")
            named[name] = value
        else:
            positional.append(text)
    return named, positional


def assignment(text: str) -> tuple[str, str]:
    """`name=formula`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier() or not value.strip():
        raise ArgumentError(f"{text!r} is no assignment", why="a name has a value", write="name=value: x=2, y=[1, 2]")
    return name.strip(), value


def target(text: str, positional: list[str], named: dict[str, str]) -> tuple[Callable[..., Any], list[Any]]:
    """The function that a text names or is, and its arguments in order."""
    if re.fullmatch(r"[\w./\\-]+\.py:\w+|[^\W\d][\w.]*:\w+", text):
        fun = found(*text.rsplit(":", 1))
        return fun, bound(fun, text, positional, named)
    formula = Expression(text)
    order = formula.variables
    if unknown := set(named) - set(order):
        raise ArgumentError(
            f"{', '.join(sorted(unknown))} does not occur in {text!r}",
            why=f"its variables are {', '.join(order) or 'none'}",
            write="values for these",
        )
    rest = iter(positional)
    values = {name: named[name] if name in named else next(rest, None) for name in order}
    missing = [name for name, value in values.items() if value is None]
    if missing or next(rest, None) is not None:
        what = f"{', '.join(missing)} has no value" if missing else "there are more values than variables"
        raise ArgumentError(what, why=f"{text!r} has the variables {', '.join(order) or 'none'}", write=example(order))
    return formula, [value_of(str(value)) for value in values.values()]


def example(names: Sequence[str]) -> str:
    """`x1=1 x2=1`."""
    return " ".join(f"{name}=1.5" for name in names) or "an expression in variables"


def found(module: str, name: str) -> Callable[..., Any]:
    """A function of a module, or of a file."""
    try:
        fun = getattr(from_file(module) if module.endswith(".py") else imported(module), name)
    except (ImportError, OSError) as error:
        raise ArgumentError(
            f"{module} cannot be imported: {error}",
            why="module:function is looked up in this folder and among the packages that are installed",
            write="the name of a module or the path of a file, :, and a function in it",
        ) from None
    except AttributeError:
        raise ArgumentError(
            f"{module} has no {name}", why="it was imported and looked at", write=f"{module}:function, of those it has"
        ) from None
    return fun


def imported(name: str) -> Any:
    """A module; this folder counts."""
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove("")


def from_file(path: str) -> Any:
    """A file as a module."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


def bound(fun: Callable[..., Any], text: str, positional: list[str], named: dict[str, str]) -> list[Any]:
    """The arguments of a function in their order; whole numbers are integers where the function says int."""
    try:
        signature = inspect.signature(fun)
        arguments = signature.bind(*positional, **named)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{text} does not take these arguments: {error}",
            why="each parameter without a default needs a value",
            write=f"wengert explain {text} name=value ...",
        ) from None
    values = []
    for name, given in arguments.arguments.items():
        parameter = signature.parameters[name]
        several = given if isinstance(given, tuple) else (given,)
        whole = parameter.annotation in (int, "int") or type(parameter.default) is int
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            raise ArgumentError(
                f"{name} of {text} is an argument by keyword only",
                why="arguments are passed by position here",
                write="a function of positional arguments",
            )
        values += [int(v) if whole and re.fullmatch(r"[+-]?\d+", v) else value_of(v) for v in several]
    return values
