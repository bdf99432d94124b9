"""What a program has become, in numbers: loops, calls, what is saved and computed again, memory, times of compiling."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..core.program import Equation, Program
from ..core.types import ArrayType, short_dtype
from .emit import parallel
from .emit.module import buffers_of
from .loops.costs import Cost, cost
from .loops.ir import Block, Branch, Buffer, Call, For, Loop, Region, Straight, While, nodes, reads, statements, writes
from .lower.callback import reason
from .memory import Memory, calls, is_call_back
from .stages import Stages


class Part(NamedTuple):
    """A node of the program: loops, a call of a library, a call back into NumPy, or control flow around others.

    times: how often it runs in one call of the program; None where data decide. cost: of one run. divided: do several
    threads share its rounds? lines: the user's lines that it comes from.
    """

    what: str
    depth: int
    times: int | None
    cost: Cost
    divided: bool
    lines: tuple[str, ...]


class Crossing(NamedTuple):
    """An array that the forward half of a derivative leaves to the backward half."""

    type: str
    bytes: int
    line: str


class Report:
    """What a call of a compiled function does, and what it takes. Printed, it is a table.

    parts: the program's nodes in order. callbacks: primitives that call back into NumPy, and why. saved, recomputed:
    what the backward half reads from memory, and what it computes again instead. memory: bytes of a call, known before
    it. seconds: of the stages of compilation; cached: was the machine code found on disk?
    """

    def __init__(self, program: Program, stages: Stages, cached: bool) -> None:
        self.name, self.types = program.name, list(program.in_types)
        self.recorded, self.simplified = len(program.equations), len(stages.program.equations)
        self.parts = list(parts(stages.block))
        self.callbacks = {name: why for node in calls(stages.block) for name, why in called_back(node)}
        self.memory, self.seconds, self.cached = Memory.of(stages), dict(stages.seconds), cached
        self.saved = list(crossings(stages.block).values())
        crossed = crossings(Stages(program, recomputing=False).block).values()
        self.recomputed = list((Counter(crossed) - Counter(self.saved)).elements())

    @property
    def flops(self) -> int | None:
        """Additions, multiplications and the like of one call; None where data decide how often loops run."""
        return self.total(lambda c: c.flops)

    @property
    def functions(self) -> int | None:
        """Exponentials, sines and other elementary functions of one call; None where data decide."""
        return self.total(lambda c: c.functions)

    @property
    def bytes(self) -> int | None:
        """Bytes that loops and calls read and write; None where data decide."""
        return self.total(lambda c: c.bytes)

    def total(self, what: Callable[[Cost], int]) -> int | None:
        """A sum over all parts."""
        if any(p.times is None for p in self.parts):
            return None
        return sum((p.times or 0) * what(p.cost) for p in self.parts)

    def __str__(self) -> str:
        return "\n".join(text(self))

    __repr__ = __str__


# the parts -----------------------------------------------------------------------------------------------------------
def parts(block: Block, depth: int = 0, times: int | None = 1) -> Iterator[Part]:
    """The nodes of a block and of the blocks in it."""
    users = Counter(b for node in block.nodes for b in buffers_of(node))
    for node in block.nodes:
        kind = type(node)
        if kind in (Loop, Straight):
            divided = depth == 0 and kind is Loop and parallel.division(node, users) is not None
            yield Part(shape_of(node), depth, times, cost(node), divided, lines(node))
        elif kind is Call:
            yield Part(node.name, depth, times, call_cost(node), False, lines(node))
        elif kind is Region:
            yield from parts(node.body, depth, times)
        elif kind is For:
            rounds = known_rounds(node.count)
            what = "rounds, as many as data say" if rounds is None else f"{rounds:,} rounds"
            yield Part(what, depth, times, NOTHING, False, own_lines(node))
            yield from parts(node.body, depth + 1, None if times is None or rounds is None else times * rounds)
        elif kind is While:
            yield Part("while", depth, times, NOTHING, False, own_lines(node))
            yield from parts(node.test, depth + 1, None)
            yield from parts(node.body, depth + 1, None)
        elif kind is Branch:
            yield Part(f"one of {len(node.blocks)} branches", depth, times, NOTHING, False, own_lines(node))
            for inner in node.blocks:
                yield from parts(inner, depth + 1, None)


NOTHING = Cost(0, 0, 0)


def known_rounds(count: Any) -> int | None:
    """The number of rounds, where it is a number."""
    value = getattr(count, "value", None)
    return int(value) if value is not None else None


def shape_of(node: Any) -> str:
    """The loops of a node: `loop 500 x 40`."""
    if type(node) is Straight:
        return "straight code"
    axes, inner = [str(node.axis.extent) if type(node.axis.extent) is int else "?"], node
    while True:
        loops = [c for c in inner.body if type(c) is Loop]
        if len(loops) != 1:
            return f"loop {' x '.join(axes)}" + (f" x ({len(loops)} loops)" if loops else "")
        inner = loops[0]
        axes.append(str(inner.axis.extent) if type(inner.axis.extent) is int else "?")


def lines(node: Any) -> tuple[str, ...]:
    """The user's lines from which a node comes, each once, in order."""
    return sources([node.eq] if type(node) is Call else [s.eq for s in statements(node)])


def own_lines(node: Any) -> tuple[str, ...]:
    """The line of a loop or branch itself."""
    return sources([node.eq])


def sources(equations: Iterable[Equation | None]) -> tuple[str, ...]:
    """The lines of equations."""
    found = [eq.source for eq in equations if eq is not None and eq.source is not None]
    return tuple(dict.fromkeys(f"{s.file.rsplit('/', 1)[-1]}:{s.line}" for s in sorted(found, key=lambda s: s.line)))


# calls ---------------------------------------------------------------------------------------------------------------
def called_back(node: Call) -> Iterator[tuple[str, str]]:
    """The primitive that calls back into NumPy, and why; nothing for other calls."""
    if is_call_back(node) and node.eq is not None:
        name = str(node.eq.primitive)
        yield name, reason(name) or f"no native arithmetic for {dtypes(node.eq)}"


def dtypes(eq: Equation) -> str:
    """The dtypes of an equation."""
    return ", ".join(dict.fromkeys(short_dtype(a.type.dtype) for a in (*eq.inputs, *eq.outputs)))


def call_cost(node: Call) -> Cost:
    """What a call of a library costs; a call back counts its bytes only."""
    buffers = dict.fromkeys(r.buffer for r in (*node.reads, *node.writes))
    moved = sum(b.nbytes for b in buffers)
    return Cost(call_flops(node), 0, moved)


# operations of LAPACK on (m, n), with k columns on the right: the terms of the highest order
LAPACK: dict[str, Callable[[float, float, float], float]] = {
    "getrf": lambda m, n, k: 2 / 3 * n**3,
    "getrs": lambda m, n, k: 2 * n**2 * k,
    "getri": lambda m, n, k: 4 / 3 * n**3,
    "solve": lambda m, n, k: 2 / 3 * n**3 + 2 * n**2 * k,
    "inv": lambda m, n, k: 2 * n**3,
    "det": lambda m, n, k: 2 / 3 * n**3,
    "triangular solve": lambda m, n, k: n**2 * k,
    "potrf": lambda m, n, k: n**3 / 3,
    "cholesky": lambda m, n, k: n**3 / 3,
    "geqrf": lambda m, n, k: 2 * n**2 * (m - n / 3),
    "orgqr": lambda m, n, k: 2 * n**2 * (m - n / 3),
    "ungqr": lambda m, n, k: 2 * n**2 * (m - n / 3),
    "syevd": lambda m, n, k: 9 * n**3,
    "heevd": lambda m, n, k: 9 * n**3,
    "gesdd": lambda m, n, k: 14 * m * n**2 + 8 * n**3,
}
_PRODUCT = re.compile(r"(\d+)x(\d+) (\d+)x(\d+)$")


def call_flops(node: Call) -> int:
    """Operations of a call: exactly for products of matrices, to the highest order for LAPACK; 0 where not known."""
    if node.eq is None or not node.eq.outputs:
        return 0
    out = node.eq.outputs[0].type
    factor = 4 if out.dtype.kind == "c" else 1
    product = _PRODUCT.search(node.name)
    if product:
        m, k, _, n = map(int, product.groups())
        stack = max(out.size // max(m * n, 1), 1)
        return 2 * m * k * n * stack * factor
    for name, count in LAPACK.items():
        if node.name == name or node.name[1:] == name:
            matrix = node.eq.inputs[0].type
            m, n = matrix.shape[-2:]
            return round(count(m, n, out.shape[-1] if out.ndim else 1) * stacked(matrix) * factor)
    return 0


def stacked(matrix: ArrayType) -> int:
    """How many matrices a stack has."""
    return math.prod(matrix.shape[:-2])


# what the backward half needs ----------------------------------------------------------------------------------------
def backward(eq: Equation | None) -> bool:
    """Does an equation belong to the backward half of a derivative?"""
    return eq is not None and eq.source is not None and any(s.startswith("adjoint") for s in eq.source.derivation)


def crossings(block: Block) -> dict[Buffer, Crossing]:
    """The arrays in memory that the forward half writes and the backward half reads, in another node."""
    written: dict[Buffer, Any] = {}
    found: dict[Buffer, Crossing] = {}
    for k, (owner, part, eq) in enumerate(pieces(block)):
        for ref in reads(part):
            made = written.get(ref.buffer)
            if made is not None and backward(eq) and not backward(made[1]) and made[0] is not owner:
                source = made[1].source if made[1] is not None else None
                b = ref.buffer
                line = f"{source.file.rsplit('/', 1)[-1]}:{source.line}" if source is not None else ""
                found.setdefault(b, Crossing(f"{short_dtype(b.dtype)}[{b.size}]", b.nbytes, line))
        for ref in writes(part):
            if ref.buffer.kind in ("temp", "stack"):
                written.setdefault(ref.buffer, (owner, eq, k))
    return found


def pieces(block: Block) -> Iterator[tuple[Any, Any, Equation | None]]:
    """Statements and calls in order, each with the node of a block in which it stands, and its equation."""
    for node in nodes(block):
        if type(node) is Call:
            yield node, node, node.eq
        elif type(node) in (Loop, Straight):
            for stmt in statements(node):
                yield node, stmt, stmt.eq


# text ----------------------------------------------------------------------------------------------------------------
def text(r: Report) -> Iterator[str]:
    """The lines of a report."""
    yield f"{r.name}({', '.join(map(str, r.types))}): {r.recorded} equations, {r.simplified} when simplified"
    yield ""
    rows: list[tuple[str, ...]] = [("", "times", "flops", "functions", "bytes", "from")]
    for p in r.parts:
        cells = ("", "", "") if p.cost == NOTHING else tuple(map(scaled, p.cost))
        what = "  " * p.depth + p.what + (", on several threads" if p.divided else "")
        rows.append((what, "?" if p.times is None else f"{p.times:,}", *cells, shortened(p.lines)))
    totals = ("?" if x is None else scaled(x) for x in (r.flops, r.functions, r.bytes))
    rows.append(("one call", "", *totals, ""))
    yield from aligned(rows)
    yield ""
    for name, why in r.callbacks.items():
        yield f"{name} calls back into NumPy: {why}"
    yield from crossing_text("saved for the backward half", r.saved)
    yield from crossing_text("computed again in the backward half", r.recomputed)
    yield ""
    yield str(r.memory)
    yield ""
    times = ", ".join(f"{name} {1e3 * s:.1f}" for name, s in r.seconds.items())
    yield f"compiled in {1e3 * sum(r.seconds.values()):.1f} ms: {times}" + ("; code found on disk" if r.cached else "")


def crossing_text(title: str, found: list[Crossing]) -> Iterator[str]:
    """What crosses, in a line each where there are few."""
    if found:
        yield f"{title}: {len(found)} arrays, {sum(c.bytes for c in found):,} bytes"
        for c in found[:8]:
            yield f"  {c.type} {c.line}"
        if len(found) > 8:
            yield f"  and {len(found) - 8} more"


def shortened(names: tuple[str, ...]) -> str:
    """A few lines of the user's, and how many more."""
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def scaled(n: int) -> str:
    """A number of at most four digits, with k, M, G, T."""
    value, unit = float(n), ""
    for unit in ("", "k", "M", "G", "T"):
        if value < 1000 or unit == "T":
            break
        value /= 1000
    return f"{n}" if not unit else f"{value:.3g} {unit}"


def aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns: the first and the last to the left, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:-1], widths[1:-1], strict=True)), row[-1]]
        yield "  ".join(cells).rstrip()
