"""An order of steps as two programs: `first`, x -> y and what is kept, and `back`, x, kept, y_bar -> x_bar.

What is made again is made of values that stand behind `again`: so a compiler finds no equation that it knows already,
and does not begin before the adjoints are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...core.program import Atom, Equation, Program, Var
from ...core.record import prune
from ...primitives import elementwise as ew
from ...primitives.planned import Halves, again
from .joint import Joint


def halves(joint: Joint, order: Sequence[int]) -> Halves:
    """The programs of an order."""
    p, n = joint.program, len(joint.original.inputs)
    kept = [joint.values[v] for v in joint.kept(order)]
    n_y = len(joint.original.outputs)
    first = prune(
        Program(p.inputs[:n], p.constants, p.equations, [*p.outputs[:n_y], *kept], name=p.name, quiet=p.quiet)
    )
    back, careful = (Back(joint, kept, on).program(order[joint.turn(order) :]) for on in (False, True))
    return Halves(joint.outs, first, back, careful, tangents(joint, kept))


def tangents(joint: Joint, kept: Sequence[Var]) -> Program:
    """x, kept, x_dot -> y_dot: the program is run again."""
    made = joint.original.transform("derivative", joint.active, joint.outs)
    n = len(joint.original.inputs)
    inputs = [*made.inputs[:n], *(Var(v.type) for v in kept), *made.inputs[n:]]
    return Program(inputs, made.constants, made.equations, made.outputs, name=made.name, quiet=True)


class Back:
    """The second half while it is written. careful: products keep zeros.

    current: under which variable a value, an argument or a view is found now; a view with the variable it was made of.
    """

    def __init__(self, joint: Joint, kept: Sequence[Var], careful: bool) -> None:
        self.joint, self.careful = joint, careful
        self.equations: list[Equation] = []
        p, n = joint.program, len(joint.original.inputs)
        self.current: dict[Any, Any] = {v: v for v in (*p.inputs, *kept, *(v for v, _ in p.constants))}
        self.inputs = [*p.inputs[:n], *kept, *p.inputs[n:]]
        self.fixed = {v for v, _ in p.constants}
        self.views = {eq.outputs[0]: eq for eq in p.equations if joint.is_view(eq)}
        self.last = p.inputs[n]
        self.latest: list[Var] = [p.inputs[n]]  # the adjoint that was made last, behind results

    def program(self, order: Sequence[int]) -> Program:
        """The program of these steps."""
        run: list[int] = []
        for k in order:
            if k not in self.joint.is_adjoint:
                run.append(k)
                continue
            self.repeat(run)
            run = []
            self.step(k, self.current)
            self.made(k)
        p = self.joint.program
        outputs = [self.atom(a, self.current) for a in p.outputs[len(self.joint.original.outputs) :]]
        made = Program(self.inputs, p.constants, self.equations, outputs, name=f"{p.name} backwards", quiet=True)
        return prune(made)

    def step(self, k: int, names: dict[Any, Any]) -> None:
        """One equation, between the variables of now."""
        eq = self.joint.equations[k]
        outputs = [Var(v.type) for v in eq.outputs]
        self.equations.append(
            Equation(self.primitive(eq, k), [self.atom(a, names) for a in eq.inputs], eq.params, outputs, eq.source)
        )
        names.update(zip(eq.outputs, outputs, strict=True))
        if names is not self.current:
            self.current.update(zip(eq.outputs, outputs, strict=True))

    def primitive(self, eq: Equation, k: int) -> Any:
        """That of an equation; of a product with an adjoint the careful one, if that is asked for."""
        zeros = self.careful and eq.primitive is ew.mul and k in self.joint.is_adjoint
        return ew.zero_safe_mul if zeros and eq.inputs[1].type == eq.outputs[0].type else eq.primitive

    def atom(self, a: Atom, names: dict[Any, Any]) -> Atom:
        """What stands for an atom now; a view is taken again where its array is another one."""
        if type(a) is not Var:
            return a
        eq = self.views.get(a)
        if eq is None:
            return names[a]
        source = self.atom(eq.inputs[0], names)
        found = names.get(a)
        if found is None or found[0] is not source:
            found = source, Var(a.type)
            inputs = [source, *(self.atom(x, names) for x in eq.inputs[1:])]
            self.equations.append(Equation(eq.primitive, inputs, eq.params, [found[1]], eq.source))
            names[a] = found
        return found[1]

    def repeat(self, run: Sequence[int]) -> None:
        """Steps that are made again, one after the other."""
        if not run:
            return
        names = dict(self.current)
        behind = list(self.behind(run))
        fresh = [Var(v.type) for v in behind]
        inputs = [*self.latest, *(self.current[v] for v in behind)]
        self.equations.append(Equation(again, inputs, {"n": len(self.latest)}, fresh))
        self.latest = self.latest[-1:]
        names.update(zip(behind, fresh, strict=True))
        for k in run:
            self.step(k, names)

    def made(self, k: int) -> None:
        """An adjoint step has run: what is made again comes after it, and after all results that are there."""
        if not self.joint.results.intersection(self.joint.numbers([self.last])):
            self.latest.pop()
        self.last = self.joint.equations[k].outputs[0]
        self.latest.append(self.current[self.last])

    def behind(self, run: Sequence[int]) -> Iterable[Var]:
        """What stands behind `again`: for each equation at least one of its arguments, values before arguments."""
        fresh: dict[Any, None] = {}
        found: dict[Var, None] = {}
        for k in run:
            eq = self.joint.equations[k]
            sources = [self.source(a) for a in eq.inputs if type(a) is Var]
            if not any(s in fresh or s in found for s in sources):
                free = [s for s in sources if s not in self.fixed]
                values = [s for s in free if s in self.joint.number]
                found.update(dict.fromkeys(values or free[:1]))
            fresh.update(dict.fromkeys(eq.outputs))
        return found

    def source(self, a: Any) -> Any:
        """The array that an atom is, through views."""
        while a in self.views:
            a = self.views[a].inputs[0]
        return a
