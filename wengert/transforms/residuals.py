"""Residuals of loops: which rows a loop saves for the loop that runs back over them, and which that one computes again.

The rule. A row is *cheap* if it follows from others by arithmetic, comparisons and views; elementary functions,
reductions, products of matrices, factorisations and loops are not. Save those rows from which all the others follow
cheaply and which take the fewest bytes: a minimum cut between what is computed dearly (and the carry) and what is
wanted. Constants and rows of xs are there anyhow. Of several smallest cuts the one next to what is wanted is taken, so
that the least is computed again; and nothing is changed where a number saved would cost more than eight operations.

    loop -> carry, all rows      becomes      loop -> carry, saved rows;     map: saved rows -> the other rows
    back: all rows -> ...                     back: saved rows -> ..., which begins with the body of the map

The map is a scan without a carry, so a loop inside a loop needs nothing more: to the outer loop the map of the inner
one is an equation like others, and cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.dataflow import renamed
from ..core.program import Atom, Equation, Program, Var
from ..core.types import DYNAMIC, ArrayType
from ..primitives import discrete as dc
from ..primitives import elementwise as ew
from ..primitives.contract import einsum, split_subscripts
from ..primitives.index import slice_
from ..primitives.join import concatenate, stack
from ..primitives.loops import linear_scan, scan, while_
from ..primitives.shape import broadcast_to, reshape, transpose
from .least_cut import ENDLESS, least_cut
from .unused import mark_simple, with_equations

LOOPS = (scan, linear_scan, while_)
VIEWS = frozenset((reshape, transpose, broadcast_to, slice_, stack, concatenate))
ARITHMETIC = frozenset(
    (ew.add, ew.sub, ew.mul, ew.div, ew.neg, ew.absolute, ew.fabs, ew.zero_safe_mul, ew.maximum, ew.minimum, ew.where)
    + (ew.convert, ew.real, ew.imag, ew.conj, dc.greater, dc.greater_equal, dc.less, dc.less_equal, dc.equal)
    + (dc.not_equal, dc.logical_and, dc.logical_or, dc.logical_not, dc.isfinite, dc.sign, dc.wins, dc.share)
)
MOST_WORK = 8  # operations for each number (8 bytes) that is saved less
MOST_STEPS = 1 << 16  # of the search for the cut: values times rows; larger bodies are left alone


def is_cheap(eq: Equation) -> bool:
    """Arithmetic, a view, a product without a sum, or a map of such."""
    p = eq.primitive
    if p is einsum:
        la, lb, lo = split_subscripts(eq.params["subscripts"])
        return set(la + lb) <= set(lo)
    return p in ARITHMETIC or p in VIEWS or is_light_map(eq)


def is_light_map(eq: Equation) -> bool:
    """A scan that carries nothing, with a cheap body."""
    return eq.primitive is scan and not eq.params["n_carry"] and all(map(is_cheap, eq.params["body"].equations))


def work(eq: Equation) -> int:
    """Operations of a cheap equation; those of an unknown number of rounds count once."""
    if eq.primitive is scan:
        return abs(eq.params["length"]) * sum(map(work, eq.params["body"].equations))
    return 0 if eq.primitive in VIEWS else sum(v.type.size for v in eq.outputs)


# the rows of a loop ----------------------------------------------------------------------------------------------
class Loop:
    """A loop's equation, by its parts."""

    def __init__(self, eq: Equation) -> None:
        self.eq, self.body = eq, eq.params["body"]
        if eq.primitive is while_:
            before, self.n_consts = eq.params["n_cond"], eq.params["n_consts"]
            self.count: Atom = eq.outputs[0]
            self.length, self.args = DYNAMIC, eq.inputs[before:]
            self.n_carry = len(self.args) - self.n_consts
            ends = 1 + self.n_carry
        else:
            self.count, self.length, self.args = eq.inputs[0], eq.params["length"], eq.inputs[1:]
            self.n_consts, self.n_carry = eq.params["n_consts"], eq.params["n_carry"]
            ends = self.n_carry
        self.ends, self.rows = eq.outputs[:ends], eq.outputs[ends:]  # results; of these, stacks of rows
        self.xs = self.args[self.n_consts + self.n_carry :]  # arrays whose rows are read

    @property
    def written(self) -> Sequence[Atom]:
        """The rows that are written, as the body calls them."""
        return self.body.outputs[self.n_carry :]

    def given(self) -> dict[Atom, tuple[bool, Atom]]:
        """What every round can read anyhow: is it a row, and of what; constants and rows of xs."""
        n, m = self.n_consts, self.n_consts + self.n_carry
        pairs = enumerate(zip(self.body.inputs, self.args, strict=True))
        return {v: (k >= m, a) for k, (v, a) in pairs if not n <= k < m}

    def saving(self, rows: dict[Atom, Var]) -> Equation:
        """The loop with other rows."""
        p, eq = self.body, self.eq
        outputs = [*p.outputs[: self.n_carry], *rows]
        body = with_equations(p, p.equations, outputs)
        pairs = list(zip(self.args, p.inputs, strict=True))
        n, m = self.n_consts, self.n_consts + self.n_carry
        before = eq.inputs[: len(eq.inputs) - len(self.args)]
        return loop_of(eq, before, (pairs[:n], pairs[n:m], pairs[m:]), body, [*self.ends, *rows.values()])

    def stack(self, row: Atom) -> Var:
        """A variable for the stack of a row."""
        return Var(ArrayType((self.length, *row.type.shape), row.type.dtype))


def save_less(program: Program, soft: frozenset[int] = frozenset()) -> Program:
    """The program whose loops save fewer bytes; itself where there are none to save. soft: its results that are only
    read by loops outside, as rows.
    """
    if not any(eq.primitive in LOOPS for eq in program.equations):
        return program
    arrays = read_as_arrays(program, soft)
    equations: list[Equation] = []
    made: dict[Atom, Equation] = {}
    for eq in program.equations:
        if eq.primitive in LOOPS and not is_light_map(eq):
            new = split(Loop(with_maps(eq, made)), arrays)
        else:
            new = [eq]
        for e in new:
            equations.append(e)
            made.update(dict.fromkeys(e.outputs, e))
    if tuple(equations) == program.equations:
        return program
    return with_equations(program, equations, program.outputs)


def read_as_arrays(program: Program, soft: frozenset[int]) -> set[Atom]:
    """The variables that something reads as they are, rather than a loop their rows."""
    found: set[Atom] = {a for k, a in enumerate(program.outputs) if k not in soft}
    for eq in program.equations:
        rows = len(Loop(eq).xs) if eq.primitive in (scan, linear_scan) else 0
        found.update(eq.inputs[: len(eq.inputs) - rows])
    return found


def split(loop: Loop, arrays: set[Atom]) -> list[Equation]:
    """The loop that saves less, and the map from what it saves to its other rows; or the loop as it is."""
    wanted = {k for k, v in enumerate(loop.rows) if v not in arrays}
    if not wanted or len(set(loop.written)) < len(loop.written):
        return [loop.eq]
    eq, body = loop.eq, save_less(loop.body, frozenset(loop.n_carry + k for k in wanted))
    loop = Loop(Equation(eq.primitive, eq.inputs, {**eq.params, "body": body}, eq.outputs, eq.source))
    rows, given = dict(zip(loop.written, loop.rows, strict=True)), loop.given()
    fixed = {*given, *(v for v, _ in body.constants)}
    soft = [a for k, a in enumerate(loop.written) if k in wanted and type(a) is Var and a not in fixed]
    kept = {a: v for a, v in rows.items() if a not in soft}
    found = smallest_cut(body, soft, fixed.union(kept))
    if found is None:
        return [eq]
    saved, again = found
    kept.update((a, rows.get(a) or loop.stack(a)) for a in saved)
    given.update((a, (True, v)) for a, v in kept.items())
    others = {a: rows[a] for a in soft if a not in kept}
    return [loop.saving(kept), row_map(loop, again, given, others)]


def row_map(
    loop: Loop, again: Sequence[Equation], given: dict[Atom, tuple[bool, Atom]], rows: dict[Var, Var]
) -> Equation:
    """The scan without a carry that computes these rows from what is given in each round."""
    used = {a for eq in again for a in eq.inputs}.union(rows)
    consts: list[Any] = [v for v, (row, _) in given.items() if v in used and not row]
    xs: list[Any] = [v for v, (row, _) in given.items() if v in used and row]
    p = loop.body
    constants = [(v, x) for v, x in p.constants if v in used]
    body = Program([*consts, *xs], constants, again, list(rows), name=f"rows of {p.name}", quiet=True)
    params = {"body": body, "length": loop.length, "reverse": False, "n_consts": len(consts), "n_carry": 0}
    inputs = [loop.count, *(given[v][1] for v in (*consts, *xs))]
    return Equation(scan, inputs, params, list(rows.values()), loop.eq.source)


Pairs = list[tuple[Atom, Var]]  # arguments of a loop, and the inputs of its body
Constants = list[tuple[Var, Any]]


def with_maps(eq: Equation, made: dict[Atom, Equation]) -> Equation:
    """A loop that begins each round with the maps that make the rows it reads."""
    loop = Loop(eq)
    maps = {m: None for x in loop.xs if (m := made.get(x)) is not None and is_light_map(m)}
    if not maps or len(set(loop.xs)) < len(loop.xs):
        return eq
    p = loop.body
    pairs, n, m = list(zip(loop.args, p.inputs, strict=True)), loop.n_consts, loop.n_consts + loop.n_carry
    groups = pairs[:n], pairs[n:m], pairs[m:]
    rows = dict(groups[2])
    first: list[Equation] = []
    same: dict[Atom, Atom] = {}
    constants = list(p.constants)
    for other in map(Loop, maps):
        first += opened_map(other, groups, rows, constants, same)
    equations = [*first, *(reading(e, same) for e in p.equations)]
    consts, carry, xs = groups
    xs = [(a, v) for a, v in xs if made.get(a) not in maps]
    body = Program(p.inputs, constants, equations, [same.get(a, a) for a in p.outputs], name=p.name, quiet=p.quiet)
    return loop_of(eq, [loop.count], (consts, carry, xs), save_less(body), eq.outputs)


def opened_map(
    other: Loop, groups: tuple[Pairs, Pairs, Pairs], rows: dict[Atom, Var], constants: Constants, same: dict[Atom, Atom]
) -> list[Equation]:
    """The equations of a map, for the body of the loop that reads these rows, whose arguments and constants grow.

    A row that no equation makes (it is an argument or a number, or comes twice) is added to `same`, with what it is.
    """
    q = other.body
    names: dict[Atom, Any] = {}
    for k, (a, v) in enumerate(zip(other.args, q.inputs, strict=True)):
        names[v] = input_of(groups[0 if k < other.n_consts else 2], a, v)
    for v, x in q.constants:
        names[v] = Var(v.type)
        constants.append((names[v], x))
    for a, x in zip(q.outputs, other.rows, strict=True):
        if x in rows and type(a) is Var and a not in names:
            names[a] = rows[x]
        elif x in rows:
            same[rows[x]] = names.get(a, a)
    return renamed(q.equations, names)


def reading(eq: Equation, same: dict[Atom, Atom]) -> Equation:
    """An equation that reads other variables."""
    if same.keys().isdisjoint(eq.inputs):
        return eq
    return Equation(eq.primitive, [same.get(a, a) for a in eq.inputs], eq.params, eq.outputs, eq.source)


def input_of(pairs: Pairs, a: Atom, like: Var) -> Var:
    """The input of a body for an argument of its loop, which may be there already."""
    for known, v in pairs:
        if known is a:
            return v
    pairs.append((a, Var(like.type)))
    return pairs[-1][1]


def loop_of(
    eq: Equation, before: Sequence[Atom], groups: tuple[Pairs, Pairs, Pairs], body: Program, outputs: Sequence[Var]
) -> Equation:
    """The loop like another of this body, on those of the constants and rows that the body uses."""
    used = {a for e in body.equations for a in e.inputs}.union(body.outputs)
    consts, carry, xs = groups
    consts, xs = ([(a, v) for a, v in pairs if v in used] for pairs in (consts, xs))
    together = [*consts, *carry, *xs]
    inputs = [v for _, v in together]
    made = Program(inputs, body.constants, body.equations, body.outputs, name=body.name, quiet=body.quiet)
    mark_simple(made)
    params = {**eq.params, "body": made, "n_consts": len(consts)}
    if "n_carry" in params:
        params["n_carry"] = len(carry)
    return Equation(eq.primitive, [*before, *(a for a, _ in together)], params, outputs, eq.source)


# the smallest cut ------------------------------------------------------------------------------------------------
def size_in_bytes(v: Atom) -> int:
    """Bytes of a row; one of unknown length cannot be saved."""
    return ENDLESS if DYNAMIC in v.type.shape else max(1, v.type.size * v.type.dtype.itemsize)


def smallest_cut(body: Program, wanted: Sequence[Var], free: set[Atom]) -> tuple[list[Var], list[Equation]] | None:
    """The fewest bytes of rows from which the wanted ones follow cheaply, and the equations by which they do."""
    price = {v: size_in_bytes(v) for v in wanted if v not in free}
    before: dict[Var, list[Var]] = {}
    for eq in reversed(body.equations):
        if any(v in price for v in eq.outputs) and is_cheap(eq):
            inputs = [a for a in eq.inputs if type(a) is Var and a not in free]
            price.update((a, size_in_bytes(a)) for a in inputs)
            before.update((v, inputs) for v in eq.outputs if v in price)
    if not before or len(price) * len(wanted) > MOST_STEPS:
        return None
    sinks = [v for v in wanted if v not in free]
    saved = least_cut(price, before, [v for v in price if v not in before], sinks)
    again, needed = [], set(wanted) - saved
    for eq in reversed(body.equations):
        if any(v in needed for v in eq.outputs):
            again.append(eq)
            needed.update(a for a in eq.inputs if type(a) is Var and a not in free and a not in saved)
    less = sum(map(size_in_bytes, wanted)) - sum(map(size_in_bytes, saved))
    if not less or sum(map(work, again)) > MOST_WORK * less / 8:
        return None
    return [v for v in price if v in saved], again[::-1]
