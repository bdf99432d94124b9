"""The body of a loop, or a branch, made anew for its arguments: what is known of its constants moves in.

Numbers, arrays filled with one number, and views of constants: a transposition costs nothing where it is used. Each
constant and each array of rows comes once; a carry that no round changes is a constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.program import Atom, Literal, Program, Var
from ..core.types import ArrayType
from ..primitives.shape import broadcast_to, reshape, transpose
from .after_loops import sums_after
from .branch_sums import sums_into_branches
from .builder import Builder
from .calls import strong
from .known_rows import read_known
from .read_first import read_first
from .residuals import save_less
from .sums_together import sums_together
from .unused import mark_simple, without_unused
from .used_once import used_once
from .views import adds_ones, aligned, viewed

Atoms = Sequence[Atom]


class Inside:
    """A body under construction. env: its inputs; consts: what the constants are outside; results: after `build`."""

    def __init__(self, outer: Builder, body: Program) -> None:
        self.outer, self.body = outer, body
        self.b = Builder()
        self.env: dict[Atom, Atom] = {}
        self.consts: dict[Atom, Var] = {}  # by what they are outside
        self.moved: dict[Atom, Atom] = {}  # variables that were moved out, and what they are outside
        self.results: Atoms = ()
        self.changed = False

    def constant(self, v: Var, a: Atom) -> None:
        """The input v is the constant a."""
        if type(a) is Literal:
            self.env[v] = self.b.literal(a.value if v.type.weak else v.type.dtype.type(a.value))
        else:
            self.env[v] = self.known(a, v)
        self.changed |= self.env[v] is not v

    def known(self, a: Atom, v: Var | None = None) -> Atom:
        """The atom inside for a constant: an input, or a view of one."""
        if type(a) is Literal:
            return self.b.literal(a.value)
        eq = self.outer.made.get(a)
        if eq is not None and is_free_view(eq):
            return self.b.make(eq.primitive, self.known(eq.inputs[0]), **eq.params)
        if a not in self.consts:
            self.consts[a] = Var(ArrayType(a.type.shape, a.type.dtype)) if v is None else v
        return self.consts[a]

    def constants(self, variables: Iterable[Var], given: Atoms) -> None:
        """These inputs are constants."""
        for v, a in zip(variables, given, strict=False):
            self.constant(v, a)

    def carry(self, variables: Sequence[Var], given: Atoms) -> list[int]:
        """Carries that no round changes are constants; the places of the others."""
        changing = []
        for j, (v, a) in enumerate(zip(variables, given, strict=True)):
            if self.body.outputs[j] is v and a.type == v.type:
                self.constant(v, a)
                self.changed = True
            else:
                self.env[v] = v
                changing.append(j)
        return changing

    def rows(self, variables: Sequence[Var], given: Atoms) -> dict[Atom, Var]:
        """Inputs that are rows of arrays: each array once, and none whose rows are all the same."""
        first: dict[Atom, Var] = {}
        for v, x in zip(variables, given, strict=True):
            row = repeated_row(self.outer, x)
            if row is not None:
                self.constant(v, row)
                self.changed = True
            elif x in first:
                self.env[v], self.changed = first[x], True
            else:
                self.env[v] = first[x] = v
        return first

    def build(self) -> None:
        """The body's equations; where nothing changes, those of the simplified body, which is remembered."""
        if self.changed:
            self.results = self.b.add_program(self.body, self.env)
            return
        p = self.body = self.body.transform("simplify")
        self.b.equations, self.b.constants = list(p.equations), dict(p.constants)
        self.b.made = {v: eq for eq in p.equations for v in eq.outputs}
        self.results = p.outputs

    def outside(self, a: Atom) -> Atom | None:
        """What a result of the body is outside, where it is the same in every round."""
        if type(a) is Literal:
            return strong(self.outer, self.outer.literal(a.value))
        if a in self.b.constants:
            return self.outer.constant(self.b.constants[a])
        return self.moved.get(a) or next((x for x, v in self.consts.items() if v is a), None)

    def used(self, outputs: Iterable[Atom]) -> set[Atom]:
        """What the body reads or returns."""
        return {a for eq in self.b.equations for a in eq.inputs}.union(outputs)

    def needed(self, used: set[Atom]) -> dict[Any, Atom]:
        """The constants that are used: inside, and what they are outside."""
        found: dict[Any, Atom] = {v: a for a, v in self.consts.items() if v in used}
        found.update((v, a) for v, a in self.moved.items() if v in used)
        return found

    def program(self, inputs: Sequence[Var], outputs: Atoms) -> Program:
        """The body that was made, which is simple."""
        p = self.body
        if not self.changed and not self.moved and p.inputs == tuple(inputs) and p.outputs == tuple(outputs):
            return p
        made = without_unused(p, self.b, outputs, inputs)
        if self.changed:
            made = finished(made)
        mark_simple(made)
        return made


def finished(program: Program) -> Program:
    """A program of simplified equations, with what looks at more than one of them."""
    program = sums_after(sums_together(sums_into_branches(used_once(program))))
    return read_first(save_less(read_known(program)))


def is_free_view(eq: Any) -> bool:
    """A view that costs nothing inside, wherever the array lies."""
    return eq.primitive in (transpose, broadcast_to) or (eq.primitive is reshape and adds_ones(eq))


def repeated_row(b: Builder, x: Atom) -> Atom | None:
    """The one row of an array whose rows are all the same."""
    eq = b.maker(x, broadcast_to)
    if eq is None or x.type.shape[0] == 0:
        return None
    source, shape = eq.inputs[0], x.type.shape
    if aligned(source.type.shape, len(shape))[0] != 1:
        return None
    if source.type.ndim == len(shape):
        source = viewed(b, source, source.type.shape[1:])
    return b.make(broadcast_to, source, shape=shape[1:])


class Returns:
    """The results that a loop or branch still has; and what each of the old ones is, an atom or one of those."""

    def __init__(self) -> None:
        self.inside: list[Any] = []
        self.outside: list[Var] = []
        self.old: list[Atom | int] = []
        self.at: dict[Any, int] = {}

    def keep(self, a: Any, v: Var, key: Any = None) -> None:
        """The result v is a, inside; two of the same key are one."""
        k = self.at.setdefault(a if key is None else key, len(self.inside))
        if k == len(self.inside):
            self.inside.append(a)
            self.outside.append(v)
        self.old.append(k)

    def add(self, found: Atom | None, a: Any, v: Var) -> None:
        """The result v is `found` outside, if that is an atom of its type; else it is a, inside."""
        if found is not None and found.type == v.type and found.type.weak == v.type.weak:
            self.old.append(found)
        else:
            self.keep(a, v)

    def of(self, made: Atoms) -> list[Atom]:
        """The old results, from the new ones."""
        return [made[a] if isinstance(a, int) else a for a in self.old]
