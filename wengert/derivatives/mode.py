"""Forward or reverse? The cost of a Jacobian's columns against that of its rows, counted on the linearised program.

A linear program and its transpose need the same number of multiplications (Tellegen's theorem), so what decides is how
many columns and rows there are, which part of the program each of them runs through, and what the transposed equations
move in memory: `x[i]` reads one element forwards; backwards it fills, and adds, an array as long as x, except in
compiled programs, which add it in place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..core.trace import recording
from ..core.types import ArrayType, type_of
from ..errors import ArgumentError, NonDifferentiableInputError
from ..transforms.cost import Cost, application_cost, elements, transposed_cost
from ..transforms.tape import LinearVar, Scaled, Tape

MEMORY = 2**30  # bytes, for the tangents or adjoints of one chunk, unless the user says otherwise
PICKED = 24  # bytes that are read and written for an entry that is picked from a product
ABOUT = 1.25  # counts are no closer to times than this
UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Passes(NamedTuple):
    """One mode: how many columns or rows are computed, how many of them at a time, and what that costs.

    memory: bytes of the tangents or adjoints of one of them, all of which are counted as if held at once.
    """

    passes: int
    chunk: int
    cost: Cost
    memory: int


class Sparse(NamedTuple):
    """The same Jacobian as a sparse matrix: products with columns (JVPs) and rows (VJPs), what that costs; its entries.

    gain: how many times less it costs than the mode that is chosen, by count, and what the result takes in memory with
    it; below 1 it costs more.
    """

    columns: int
    rows: int
    cost: Cost
    entries: int
    form: str
    gain: float

    @property
    def pays(self) -> bool:
        """Is it cheaper, by more than counts are wrong?"""
        return self.gain > ABOUT

    def __str__(self) -> str:
        count = self.columns + self.rows
        verdict = (
            f"wg.sparse.jacobian costs {self.gain:.3g} times less, by count" if self.pays else "would not pay, by count"
        )
        return f"sparse: {verdict} ({count} product{'s' * (count != 1)} for {self.entries} entries, {self.form})"


class Choice(NamedTuple):
    """How a Jacobian is computed, and why. Prints as a table.

    sparse: what it would cost as a sparse matrix; None where that was not asked, or where it has no sparse structure.
    """

    mode: str
    reason: str
    forward: Passes
    reverse: Passes
    bound: int
    sparse: Sparse | None = None

    @property
    def chosen(self) -> Passes:
        """The passes of the mode that is taken."""
        return self.forward if self.mode == "forward" else self.reverse

    @property
    def columns(self) -> int:
        """Elements of the differentiated arguments."""
        return self.forward.passes

    @property
    def rows(self) -> int:
        """Elements of the results."""
        return self.reverse.passes

    @property
    def chunk(self) -> int:
        """Columns (or rows) that are computed at a time."""
        return self.chosen.chunk

    def __str__(self) -> str:
        lines = [
            f"{self.mode} mode: {self.reason}",
            f"  {'mode':<10}{'passes':>10}{'at a time':>12}{'operations':>14}{'moved':>12}{'held':>12}",
        ]
        for name, p in (("forward", self.forward), ("reverse", self.reverse)):
            held = bytes_text(p.memory * min(p.chunk, max(p.passes, 1)))
            moved = bytes_text(p.cost.bytes)
            lines.append(f"  {name:<10}{p.passes:>10}{p.chunk:>12}{p.cost.operations:>14.3g}{moved:>12}{held:>12}")
        lines.append(
            "  counted on the linearised program, partial derivatives apart, which both modes compute once; "
            f"a chunk may hold {bytes_text(self.bound)}"
        )
        if self.sparse is not None:
            lines.append(f"  {self.sparse}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def bytes_text(n: int) -> str:
    """A number of bytes with its unit: 1.5 MB."""
    for unit in ("TB", "GB", "MB", "kB"):
        if n >= UNITS[unit]:
            return f"{n / UNITS[unit]:.3g} {unit}"
    return f"{n} B"


def parse_bytes(memory: Any) -> int:
    """A bound on memory: bytes as a number, or text such as "1 GB" or "512 MiB".

    >>> parse_bytes("1.5 GB"), parse_bytes(4096)
    (1500000000, 4096)
    """
    if memory is None:
        return MEMORY
    found = re.fullmatch(r"\s*([\d.]+(?:e\d+)?)\s*([a-zA-Z]*)\s*", str(memory))
    n = float(found[1]) * UNITS.get(found[2] or "B", 0) if found and found[1].count(".") < 2 else 0.0
    if not 1 <= n < float("inf"):
        raise ArgumentError(
            f"memory={memory!r} is no number of bytes",
            why="the bound says how much the tangents or adjoints of one chunk may take",
            write=f'memory="1 GB", memory=2**30; units are {", ".join(UNITS)}',
        )
    return int(n)


def check_chunk(chunk: Any) -> int | None:
    """The number of columns or rows at a time: a positive integer, or None for as many as the memory allows."""
    if chunk is None:
        return None
    if isinstance(chunk, bool) or not hasattr(chunk, "__index__") or chunk.__index__() < 1:
        raise ArgumentError(
            f"chunk={chunk!r} is no number of columns",
            why="a Jacobian is computed so many columns (or rows) at a time",
            write="chunk= a positive integer, or memory= a number of bytes",
        )
    return int(chunk.__index__())


# the count -------------------------------------------------------------------------------------------------------
class Linearised(NamedTuple):
    """A function at a point: primals and values, and the linear program between them."""

    primals: Sequence[Any]
    values: Sequence[Any]
    tape: Tape
    ins: Sequence[LinearVar]
    nodes: Sequence[LinearVar | None]

    def sizes(self) -> tuple[list[int], list[int]]:
        """Elements of each argument and of each result."""
        ins, outs = ([type_of(x).size for x in xs] for xs in (self.primals, self.values))
        return ins, outs


def choose(at: Linearised, mode: str, chunk: int | None, memory: int, lanes: int = 1) -> Choice:
    """The cheaper mode, or the one that is asked for. lanes: of transformations around it, which all hold tangents."""
    n, m = at.sizes()
    held = lanes * held_bytes(at)
    forward = Passes(sum(n), fitting(sum(n), held, chunk, memory), forward_cost(at, n), held)
    reverse = Passes(sum(m), fitting(sum(m), held, chunk, memory), reverse_cost(at, m), held)
    mode, reason = decide(at, forward, reverse) if mode == "auto" else (mode, "as asked for")
    return Choice(mode, reason, forward, reverse, memory)


def with_sparse(choice: Choice, at: Linearised, columns: int, rows: int, entries: int, form: str) -> Choice:
    """The choice beside what so many products would cost, from which so many entries are picked."""
    forward, reverse = pass_costs(at)
    cost = forward.times(columns) + reverse.times(rows) + Cost(0, PICKED * entries)
    dense = choice.chosen.cost + Cost(0, 8 * choice.columns * choice.rows)
    gain = dense.weight / cost.weight if cost.weight else 1.0
    return choice._replace(sparse=Sparse(columns, rows, cost, entries, form, gain))


def fitting(passes: int, held: int, chunk: int | None, memory: int) -> int:
    """How many columns or rows at a time: those that the memory can hold, or so many as are asked for."""
    return min(max(memory // max(held, 1), 1) if chunk is None else chunk, max(passes, 1))


def held_bytes(at: Linearised) -> int:
    """Bytes of one tangent (or adjoint) of every variable of the linear program."""
    total = sum(var.dtype.itemsize * math.prod(var.shape) for var in at.ins)
    for eq in at.tape.equations:
        for var in (eq,) if type(eq) is Scaled else eq.outs:
            total += var.dtype.itemsize * elements(var.shape)
    return total


def decide(at: Linearised, forward: Passes, reverse: Passes) -> tuple[str, str]:
    """The mode, and the reason in words."""
    only = required_mode(at)
    if only is not None:
        return only
    f, r = forward.cost.weight, reverse.cost.weight
    sides = f"{forward.passes} columns forward, {reverse.passes} rows in reverse"
    if r <= f <= ABOUT * r:
        return "forward", f"both modes cost about the same ({sides}), and forward needs no way back"
    mode, ratio = ("forward", r / f if f else 0.0) if f < r else ("reverse", f / r if r else 0.0)
    return mode, sides + (f"; by count it costs {ratio:.3g} times less" if ratio else "; it costs nothing")


def required_mode(at: Linearised) -> tuple[str, str] | None:
    """The one mode that gives the whole derivative between real and complex numbers."""
    kinds = [{type_of(x).dtype.kind for x in xs} & {"f", "c"} for xs in (at.primals, at.values)]
    ins, outs = kinds
    forward, reverse = "f" in ins and "c" in outs, "c" in ins and "f" in outs
    if forward and reverse:
        raise NonDifferentiableInputError(
            "a Jacobian of real and complex results in real and complex arguments at once has no mode",
            why="a complex result in a real argument needs forward mode, a real result in a complex argument reverse",
            write="argnums of one kind at a time, or the real and imaginary parts as arguments",
        )
    if forward:
        return "forward", "the results are complex and the arguments real: an adjoint of a real argument is real"
    if reverse:
        return "reverse", "the arguments are complex and the results real: a tangent moves along the real axis only"
    return None


def pass_costs(at: Linearised) -> tuple[Cost, Cost]:
    """One tangent in all arguments, through the whole program; one adjoint of all results, back through it."""
    return forward_cost(at, None), reverse_cost(at, None)


def forward_cost(at: Linearised, sizes: Sequence[int] | None) -> Cost:
    """All columns: each equation as many times as unit vectors reach it. sizes None: one tangent of all leaves."""
    reached: dict[int, int] = {}  # variable -> the arguments that it depends on, as bits
    weight = _weights(sizes)
    for k, var in enumerate(at.ins):
        reached[var.index] = reached.get(var.index, 0) | 1 << k
    operations = moved = 0
    for eq in at.tape.equations:
        bits = 0
        for var in arguments(eq):
            bits |= reached.get(var.index, 0)
        if bits:
            for out in (eq,) if type(eq) is Scaled else eq.outs:
                reached[out.index] = bits
            ops, size = tangent_cost(eq)
            n = weight(bits)
            operations += n * ops
            moved += n * size
    return Cost(operations, moved)


def reverse_cost(at: Linearised, sizes: Sequence[int] | None) -> Cost:
    """All rows: each equation as many times as adjoints of unit vectors come back to it. None: one adjoint of all."""
    reached: dict[int, int] = {}  # variable -> the results that depend on it, as bits
    in_place = recording.get() is not None  # compiled programs add the adjoint of x[i] into that of x
    weight = _weights(sizes)
    for k, node in enumerate(at.nodes):
        if node is not None:
            reached[node.index] = reached.get(node.index, 0) | 1 << k
    operations = moved = 0
    for eq in reversed(at.tape.equations):
        bits = 0
        for out in (eq,) if type(eq) is Scaled else eq.outs:
            bits |= reached.get(out.index, 0)
        if bits:
            again = []  # variables that have an adjoint already, to which another is added
            for var in arguments(eq):
                if var.index in reached:
                    again.append(var)
                reached[var.index] = reached.get(var.index, 0) | bits
            ops, size = adjoint_cost(eq, again, in_place)
            n = weight(bits)
            operations += n * ops
            moved += n * size
    return Cost(operations, moved)


def _weights(sizes: Sequence[int] | None) -> Callable[[int], int]:
    """The number of unit vectors of a set of leaves, given as bits; each set is counted once."""
    if sizes is None:
        return lambda bits: 1
    known: dict[int, int] = {}

    def weight(bits: int) -> int:
        if bits not in known:
            known[bits] = sum(size for k, size in enumerate(sizes) if bits >> k & 1)
        return known[bits]

    return weight


# one equation of a tape ------------------------------------------------------------------------------------------
def tangent_cost(eq: Any) -> tuple[int, int]:
    """Operations and bytes of one tangent through an equation."""
    if type(eq) is Scaled:
        size = math.prod(eq.shape)
        products, terms = _products(eq), len(eq.terms)
        return size * (products + terms - 1), eq.dtype.itemsize * size * (terms + 1 + products)
    return application_cost(eq.primitive, [_type(a) for a in eq.args], [_type(v) for v in eq.outs], eq.params)


def adjoint_cost(eq: Any, again: Sequence[LinearVar], in_place: bool) -> tuple[int, int]:
    """The same of one adjoint back through it: each argument's part, and its sum with what other users sent."""
    if type(eq) is Scaled:
        size, products = math.prod(eq.shape), _products(eq)
        return size * (products + len(again)), eq.dtype.itemsize * size * (1 + len(eq.terms) + products + len(again))
    if in_place and eq.primitive.accumulate is not None:
        part, whole = elements(eq.outs[0].shape), sum(elements(var.shape) for var in arguments(eq) if var not in again)
        return part, eq.outs[0].dtype.itemsize * (3 * part + whole)
    back = transposed_cost(eq.primitive, [_type(a) for a in eq.args], [_type(v) for v in eq.outs], eq.params)
    sizes = [elements(var.shape) for var in again]
    moved = sum(2 * n * var.dtype.itemsize for n, var in zip(sizes, again, strict=True))
    return back.operations + sum(sizes), back.bytes + moved


def _products(eq: Scaled) -> int:
    """The terms whose coefficient is not 1 or -1."""
    products = len(eq.terms)
    for partial, _, _ in eq.terms:
        if partial.constant and partial.law in (1, -1):
            products -= 1
    return products


def arguments(eq: Any) -> list[LinearVar]:
    """The tangents that an equation reads."""
    if type(eq) is Scaled:
        return [var for _, _, var in eq.terms]
    return [a for a in eq.args if isinstance(a, LinearVar)]


def _type(a: Any) -> ArrayType:
    return ArrayType(a.shape, a.dtype) if isinstance(a, LinearVar) else type_of(a)
