"""The body of a loop as a list of its own: the first round's values, names with the number of the round."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.program import Equation, Program, Var
from .infix import equation_text
from .names import Naming, statement
from .point import Group, straightened
from .scope import Scope

ROUND = "ₖₘₙ"  # the round of a loop, of a loop in it, of one in that
ROUND_NAMES = "kmn"
NEXT = "₊₁"


def is_loop(eq: Equation) -> bool:
    """Does an equation run a program again and again?"""
    return eq.primitive.name in ("scan", "linear_scan", "while")


class Body:
    """What a loop runs. rounds: how often; program: its straight list at the first round, None where there is none.

    outer: the scope that the loop stands in; scope: that of the body; depth: how many loops are around.
    """

    def __init__(self, eq: Equation, outer: Scope, depth: int) -> None:
        self.equation, self.outer, self.depth = eq, outer, min(depth, len(ROUND) - 1)
        self.body: Program = eq.params["body"]
        n_consts = eq.params["n_consts"]
        is_while = eq.primitive.name == "while"
        args = eq.inputs[eq.params["n_cond"] if is_while else 1 :]
        n_carry = len(args) - n_consts if is_while else eq.params["n_carry"]
        self.consts, self.carry = args[:n_consts], args[n_consts : n_consts + n_carry]
        self.rows = args[n_consts + n_carry :]
        self.before = int(is_while)  # results before the carry: the number of rounds
        self.rounds = int(outer.values[eq.outputs[0]] if is_while else outer.value(eq.inputs[0]))
        self.program: Program | None = None
        self.groups: list[tuple[Group, ...]] = []
        self.scope = Scope(Naming(outer.naming), {})
        if self.rounds:
            at = -1 if eq.params.get("reverse") else 0
            first = [outer.value(a) for a in (*self.consts, *self.carry)] + [outer.value(a)[at] for a in self.rows]
            first = [_typed(x, t) for x, t in zip(first, self.body.in_types, strict=True)]
            self.program, self.groups, self.scope.values = straightened(self.body, first)

    @property
    def results(self) -> tuple[Var, ...]:
        """The carry as it comes out of the loop."""
        return self.equation.outputs[self.before : self.before + len(self.carry)]

    def name_results(self) -> None:
        """A result of the loop has the name that its body assigns."""
        made = {v: eq for eq in self.body.equations for v in eq.outputs}
        for var, a in zip(self.results, self.body.outputs, strict=False):
            target = statement(made[a].source).target if isinstance(a, Var) and a in made else ""
            if target:
                self.outer.naming.fixed[var] = target
        if self.before:
            self.outer.naming.fixed[self.equation.outputs[0]] = "rounds"

    def name_inputs(self) -> dict[Var, str]:
        """Names in the body, once the loop's results have theirs; for each input that is a node its kind."""
        assert self.program is not None
        scope, kinds, mark = self.scope, {}, ROUND[self.depth]
        inputs = iter(self.program.inputs)
        for a, var in zip(self.consts, inputs, strict=False):
            scope.texts[var] = self.outer.text(a)
            if isinstance(a, Var) and a in self.outer.places:
                scope.places[var] = self.outer.places[a]
        fixed, found = self.outer.naming.fixed, self.outer.naming.found
        bases = [fixed.get(v, found[v]) for v in self.results]
        for base, var in zip(bases, self.program.inputs[len(self.consts) :], strict=False):
            scope.naming.give(var, base + mark)
            kinds[var] = "carry"
        for a, var in zip(self.rows, self.program.inputs[len(self.consts) + len(self.carry) :], strict=True):
            scope.naming.give(var, f"{self.outer.text(a).text}[{ROUND_NAMES[self.depth]}]")
            kinds[var] = "row"
        for base, a in zip(bases, self.program.outputs, strict=False):
            if isinstance(a, Var):
                scope.naming.fixed.setdefault(a, base + mark + NEXT)
        return kinds

    def expression(self, var: Var) -> str:
        """What the loop does to one of its results: `100 rounds of zₖ₊₁ = v5 + v8`."""
        times = f"{self.rounds} round{'s' * (self.rounds != 1)}"
        if var not in self.results or self.program is None:
            return times if self.before and var is self.equation.outputs[0] else f"rows of {times}"
        a = self.program.outputs[self.results.index(var)]
        made: Any = next((eq for eq in self.program.equations if isinstance(a, Var) and a in eq.outputs), None)
        if made is None or is_loop(made):
            return f"{times} of {self.scope.text(a).text}"
        right = equation_text(made.primitive, [self.scope.text(i) for i in made.inputs], made.params)
        return f"{times} of {self.scope.text(a).text} = {right.text}"


def _typed(x: Any, type: Any) -> Any:
    """A loop's argument as its body takes it: of the body's dtype."""
    return x if np.asarray(x).dtype == type.dtype else type.dtype.type(x)
