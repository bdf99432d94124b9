"""The user's own names for the variables of a program: parameters, and what the lines they came from assign to."""

from __future__ import annotations

import ast
import functools
import itertools
import keyword
import linecache
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..core.program import Equation, Program, Var
from ..errors import Source

_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Statement(NamedTuple):
    """A statement of the user's: its first line, the name that it assigns ("" if none), how much it computes.

    targets: the names of `q, r = ...`.
    """

    line: int
    target: str
    operations: int
    targets: tuple[str, ...] = ()


NOTHING = Statement(0, "", 0)


def names(program: Program, paths: Sequence[str] = (), result: str = "") -> dict[Var, str]:
    """A name for each variable, none twice.

    Inputs are named by paths. The last equation of a statement has the name that the statement assigns, the others are
    v1, v2, ...; a name that is assigned again is numbered (`x`, `x₁`, `x₂`). result: for an output without a name.
    """
    naming = Naming()
    for k, var in enumerate(program.inputs):
        naming.give(var, paths[k] if k < len(paths) else f"x{k + 1}")
    for k, (var, _) in enumerate(program.constants):
        naming.give(var, f"c{k + 1}")
    naming.reserve(program.equations)
    naming.results(program, result)
    naming.equations(program.equations)
    return naming.found


class Naming:
    """Names given so far. within: a naming whose names are not given again here (that of what a loop stands in)."""

    def __init__(self, within: Naming | None = None) -> None:
        self.found: dict[Var, str] = {}
        self.fixed: dict[Var, str] = {}  # names that go before what statements say
        self.wanted: dict[Var, str] = {}  # names for what no statement names
        self.within = within
        self.taken: set[str] = set() if within is None else within.taken
        self.reserved: set[str] = set() if within is None else within.reserved
        self.again: dict[str, int] = {} if within is None else within.again
        self.numbers: Iterator[int] = itertools.count(1) if within is None else within.numbers

    def give(self, var: Var, name: str) -> None:
        """This name, or the next with a number."""
        if var in self.found:
            return
        stem = name
        while name in self.taken:
            self.again[stem] = self.again.get(stem, 0) + 1
            name = stem + str(self.again[stem]).translate(_SUBSCRIPT)
        self.taken.add(name)
        self.found[var] = name

    def number(self, var: Var) -> None:
        """v1, v2, ...: what has no name of its own."""
        name = next(n for n in map("v{}".format, self.numbers) if n not in self.taken and n not in self.reserved)
        self.taken.add(name)
        self.found[var] = name

    def reserve(self, equations: Iterable[Equation]) -> None:
        """The user's names are not given to anything else."""
        for eq in equations:
            _, target, _, targets = statement(eq.source)
            self.reserved.update((target, *targets))

    def results(self, program: Program, result: str) -> None:
        """What the program returns has this name, unless a statement names it."""
        outs = list(dict.fromkeys(a for a in program.outputs if isinstance(a, Var) and a not in self.found))
        for k, var in enumerate(outs):
            if result:
                self.wanted[var] = result if len(outs) == 1 else f"{result}[{k}]"

    def equations(self, equations: Sequence[Equation]) -> None:
        """Names for the results of equations."""
        for run in runs(equations):
            _, target, _, targets = statement(run[-1].source)
            ends = set(ends_of(run)) if target or len(targets) == len(run[-1].outputs) else set()
            for k, eq in enumerate(run):
                for j, var in enumerate(eq.outputs):
                    if var in self.fixed:
                        self.give(var, self.fixed[var])
                    elif k in ends and len(targets) == len(eq.outputs):
                        self.give(var, targets[j])
                    elif k in ends and target:
                        self.give(var, f"{target}[{j}]" if len(eq.outputs) > 1 else target)
                    elif var in self.wanted:
                        self.give(var, self.wanted[var])
                    else:
                        self.number(var)


# statements ------------------------------------------------------------------------------------------------------
def runs(equations: Sequence[Equation]) -> Iterable[list[Equation]]:
    """Equations that follow one another from one statement."""
    run: list[Equation] = []
    here: Any = None
    for eq in equations:
        place = (eq.source.file, statement(eq.source).line, eq.source.function) if eq.source else None
        if run and place != here:
            yield run
            run = []
        here = place
        run.append(eq)
    if run:
        yield run


def ends_of(run: Sequence[Equation]) -> list[int]:
    """The last equation of each time that a statement ran: it ran again where what it computes repeats itself.

    A statement of n operations that made more than n equations may have run more than once: then the tail of the run
    has a shortest period.
    """
    n = len(run)
    least = max(1, statement(run[-1].source).operations // 2)
    if n <= statement(run[-1].source).operations or n < 2 * least:
        return [n - 1]
    kinds = [id(eq.primitive) for eq in run]
    for period in range(least, n // 2 + 1):
        if kinds[n - period :] == kinds[n - 2 * period : n - period]:
            break
    else:
        return [n - 1]
    ends = [n - 1]
    while ends[-1] >= 2 * period - 1 and kinds[ends[-1]] == kinds[n - 1]:
        ends.append(ends[-1] - period)
    return ends[::-1]


def statement(source: Source | None) -> Statement:
    """The statement on a line of the user's."""
    if source is None or source.derivation or source.function == "<lambda>":
        return NOTHING
    known = statements(source.file, len(linecache.getlines(source.file)))
    return known.get(source.line, NOTHING) if known is not None else alone(source.file, source.line)


@functools.lru_cache(maxsize=64)
def statements(file: str, lines: int) -> dict[int, Statement] | None:
    """The innermost statement of each line of a file; None where the file as a whole is not Python."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None
    found: dict[int, Statement] = {}
    for node in ast.walk(tree):  # breadth first: what is inside comes later
        if not isinstance(node, ast.stmt) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        made = Statement(node.lineno, _target(node), _operations(node), _targets(node))
        last = node.body[0].lineno - 1 if isinstance(node, ast.For | ast.While | ast.If | ast.With) else node.end_lineno
        for line in range(node.lineno, max(last or 0, node.lineno) + 1):
            found[line] = made
    return found


@functools.lru_cache(maxsize=4096)
def alone(file: str, line: int) -> Statement:
    """A line that is a statement by itself, where what is around it is not Python (an example in a page of text)."""
    text = linecache.getline(file, line).strip()
    try:
        (node,) = ast.parse(text + " pass" if text.endswith(":") else text).body
    except (SyntaxError, ValueError):
        return Statement(line, "", 0)
    return Statement(line, _target(node), _operations(node), _targets(node))


def _target(node: ast.stmt) -> str:
    """The name that a statement assigns, as it is written."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
        target = node.target
    else:
        return ""
    if isinstance(target, ast.Subscript):  # x[i] = v makes a new x
        target = target.value
    if isinstance(target, ast.Name | ast.Attribute):
        text = ast.unparse(target)
        return "" if keyword.iskeyword(text) or text == "_" else text
    return ""


def _targets(node: ast.stmt) -> tuple[str, ...]:
    """The names of `q, r = ...`."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Tuple):
        return ()
    names = [e.id for e in node.targets[0].elts if isinstance(e, ast.Name)]
    return tuple(names) if len(names) == len(node.targets[0].elts) else ()


def _operations(node: ast.stmt) -> int:
    """How many operations the text of a statement holds at most: a name `np.exp` is none, nor is the key `p["w"]`."""
    if isinstance(node, ast.For | ast.While | ast.If | ast.With):
        return 1
    kinds = ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call | ast.Subscript | ast.Attribute
    found = [inner for inner in ast.walk(node) if isinstance(inner, kinds)]
    names = sum(isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) for inner in found)
    keys = sum(isinstance(inner, ast.Subscript) and _is_key(inner.slice) for inner in found)
    return len(found) - names - keys + isinstance(node, ast.AugAssign)


def _is_key(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and isinstance(index.value, str)
