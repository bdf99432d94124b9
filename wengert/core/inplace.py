"""Sums that a loop carries: `total + x` written over total, which nobody else refers to, and scattered into it.

The adjoint of a constant of a loop is such a sum: of a matrix in every round, or of single elements of an array. As
equations these are `x = scatter_add[shape](y, i)` and `total + x`, which touch the whole array in every round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .program import Atom, Equation, Literal, Program, Var


class Sums:
    """Which equations of a loop's body only add to what is carried from round to round.

    pairs: the carried inputs with the outputs that take their place. A sum is an input that is used once, in an
    equation `output = add input x`, whose output is not used in any other way.
    """

    def __init__(self, program: Program, pairs: Sequence[tuple[Var, Atom]]) -> None:
        self.uses = Counter(a for eq in program.equations for a in eq.inputs)
        self.uses.update(program.outputs)
        self.made_by: dict[Atom, Equation] = {
            v: eq for eq in program.equations if len(eq.outputs) == 1 for v in eq.outputs
        }
        self.replaced: set[Equation] = set()
        self.terms: dict[Equation, tuple[Var, list[Atom | Equation]]] = {}
        self.carried = [k for k, (total, result) in enumerate(pairs) if self.find(total, result)]

    @property
    def operands(self) -> set[Atom]:
        """What is added at the end, and so is in use until then."""
        terms = [term for _, terms in self.terms.values() for term in terms]
        return {a for term in terms for a in (term.inputs if isinstance(term, Equation) else (term,))}

    def find(self, total: Var, result: Atom) -> bool:
        """Is this carried value a sum? Then remember what is added to it."""
        eq = self.made_by.get(result)
        if eq is None or eq.primitive.name != "add" or self.uses[total] != 1 or self.uses[result] != 1:
            return False
        if total not in eq.inputs or not total.type.shape:
            return False
        (x,) = (a for a in eq.inputs if a is not total)
        self.terms[eq] = total, list(self.split(x, total))
        return True

    def split(self, x: Atom, total: Var) -> list[Atom | Equation]:
        """x as terms: sums that are used nowhere else in two, and what scatters into an array as its equation."""
        eq = self.made_by.get(x)
        if eq is None or self.uses[x] != 1 or isinstance(x, Literal):
            return [x]
        if eq.primitive.name == "add" and all(a.type == total.type for a in eq.inputs):
            self.replaced.add(eq)
            return [term for a in eq.inputs for term in self.split(a, total)]
        if eq.primitive.into is not None:
            self.replaced.add(eq)
            return [eq]
        return [x]


def owned(total: Any) -> Any:
    """An array to write over: in the first round a copy of what came in, which is read-only."""
    return total if total.flags.writeable else np.array(total)


def read_only(x: Any) -> Any:
    """The same array, not to be written over."""
    if type(x) is np.ndarray:
        x = x.view()
        x.flags.writeable = False
    return x


def add_into(total: Any, x: Any) -> None:
    """total += x."""
    np.add(total, x, out=total)


def sum_lines(
    total: Var, terms: Sequence[Atom | Equation], name: Callable[[Any], str], constant: Callable[[Any], str]
) -> list[str]:
    """Python for a sum: total = owned(total), and one call a term."""
    lines = [f"{name(total)} = {constant(owned)}({name(total)})"]
    for term in terms:
        if isinstance(term, Equation):
            params = [f"{k}={constant(v)}" for k, v in term.params.items()]
            arguments = [name(total), *map(name, term.inputs), *params]
            lines.append(f"{constant(term.primitive.into)}({', '.join(arguments)})")
        else:
            lines.append(f"{constant(add_into)}({name(total)}, {name(term)})")
    return lines
