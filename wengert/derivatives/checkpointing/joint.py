"""A program with its derivative as one list of steps, and what any order of these steps takes: bytes and work.

The steps are the equations of the values and, behind them, those of the adjoints. An order of the steps is the whole
plan: it begins with those of the values, the adjoints come in their order, and steps of values may be repeated between
them. A value is in memory from the step that makes it to the last step that uses it before it is made again. So the
peak of an order is a sum over what is alive, exact for a program that runs step by step; fused loops take less.

Views (reshaped, transposed, broadcast arrays) take no bytes of their own, and are no steps.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...core.dataflow import reached
from ...core.program import Atom, Equation, Program, Var
from ...core.record import record
from ...primitives.planned import IN_PLACE
from ...transforms.cost import application_cost, inner_programs, nbytes
from ...transforms.linearize import linearize_flat
from ...transforms.program import chosen, filled, merged
from ...transforms.transpose import transpose_tape

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "stop_gradient", "slice"))
TWISTED = frozenset(("transpose", "broadcast_to", "slice"))  # what is reshaped after these is copied
WORKSPACE = {"softmax": 1, "log_softmax": 1, "logsumexp": 2}  # arrays like the argument that NumPy makes meanwhile


class Step(NamedTuple):
    """An equation: the values that it reads and makes (numbers), its cost, and bytes that it needs while it runs.

    over: the operands whose memory its result can take, if nobody else needs them.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    over: tuple[int, ...]
    operations: int
    weight: float
    workspace: int


class Joint:
    """Values and adjoints of a program whose arguments `active` have a derivative.

    program: x, y_bar -> y, x_bar. equations, steps: all but views. forward: the steps that make y. adjoints: those that
    depend on y_bar, in order. All others (slopes) are made when they are needed. values: arrays by number; sizes: their
    bytes; maker: their steps. results: what the caller gets, for which there is room all the time; so their size is 0.
    """

    def __init__(self, program: Program, active: tuple[bool, ...], more: int = 0, only_values: bool = False) -> None:
        self.active, self.outs = active, reached(program, active, differentiable=True)
        self.original, self.program = program, joint_program(program, active, self.outs)
        self.roots = roots_of(self.program)
        n_y = len(program.outputs)
        made = {v for eq in self.program.equations for v in eq.outputs}
        behind = dependent(self.program, self.program.inputs[len(program.inputs) :])
        wanted = ancestors(self.program, self.program.outputs[:n_y])
        self.equations = [eq for eq in self.program.equations if not self.is_view(eq)]
        self.values = [v for eq in self.equations for v in eq.outputs]
        self.number = {v: k for k, v in enumerate(self.values)}
        self.sizes = [nbytes(v.type) for v in self.values]
        self.steps = [self.step(eq) for eq in self.equations]
        self.maker = [k for k, s in enumerate(self.steps) for _ in s.makes]
        names = enumerate(self.equations)
        self.forward = [k for k, eq in names if (eq in wanted or eq.effect) and not behind & set(eq.outputs)]
        self.adjoints = [k for k, eq in enumerate(self.equations) if behind & set(eq.outputs)]
        self.is_adjoint = set(self.adjoints)
        self.y, self.x_bars = (self.numbers(part) for part in (self.program.outputs[:n_y], self.program.outputs[n_y:]))
        self.results = {*self.y, *self.x_bars}
        self.only_values = only_values
        if only_values:
            forward = {v for k in self.forward for v in self.steps[k].makes}
            self.sizes = [n if v in forward else 0 for v, n in enumerate(self.sizes)]
            self.steps = [s._replace(workspace=0) for s in self.steps]
        self.given = sum(self.sizes[v] for v in self.results)
        for v in self.results:
            self.sizes[v] = 0  # counted all the time
        self.arguments = sum(nbytes(t) for t in program.in_types) + more
        self.seeds = sum(nbytes(v.type) for v in self.program.inputs[len(program.inputs) :])
        self.constants = sum(nbytes(v.type) for v, _ in self.program.constants)
        assert made >= set(self.values)

    def is_view(self, eq: Equation) -> bool:
        """Is its result an array that is there already?"""
        return len(eq.outputs) == 1 and self.roots[eq.outputs[0]] is not eq.outputs[0]

    def numbers(self, atoms: Iterable[Atom]) -> tuple[int, ...]:
        """The values that some atoms are, or are views of; arguments and constants are none."""
        found = (self.number.get(self.roots.get(a, a)) for a in atoms)
        return tuple(dict.fromkeys(k for k in found if k is not None))

    def step(self, eq: Equation) -> Step:
        """What an equation reads, makes and costs."""
        ins, outs = [a.type for a in eq.inputs], [v.type for v in eq.outputs]
        cost = application_cost(eq.primitive, ins, outs, eq.params)
        over = [a for a in eq.inputs if a in self.number and a.type == outs[0]] if eq.primitive in IN_PLACE else []
        reads, makes = self.numbers(eq.inputs), self.numbers(eq.outputs)
        return Step(reads, makes, self.numbers(over), cost.operations, cost.weight, workspace(eq))

    @property
    def base(self) -> int:
        """Bytes that are there all the time: arguments, results, adjoints of the results, constants."""
        return 0 if self.only_values else self.arguments + self.given + self.seeds + self.constants

    @cached_property
    def given_up(self) -> list[int]:
        """For each value the last adjoint step that reads it itself, as its place among the adjoints; else -1."""
        last = [-1] * len(self.values)
        for place, k in enumerate(self.adjoints):
            for v in self.steps[k].reads:
                last[v] = place
        return last

    @cached_property
    def plain(self) -> list[int]:
        """The order without checkpoints: all values that the way back needs are kept."""
        return self.keeping(v for k in self.forward for v in self.steps[k].makes)

    # orders ------------------------------------------------------------------------------------------------------
    def keeping(self, keep: Iterable[int]) -> list[int]:
        """The order that keeps some values for the way back, and makes the others when they are first needed.

        What is made again stays as long as an adjoint step to come reads it.
        """
        keep = set(keep)
        available = keep | set(self.y)
        order = list(self.forward)
        available &= {v for k in order for v in self.steps[k].makes}
        for place, k in enumerate(self.adjoints):
            self.bring(self.steps[k].reads, available, place, order)
            order.append(k)
            available.update(self.steps[k].makes)
            available -= {v for v in self.steps[k].reads if self.given_up[v] <= place and v not in keep}
        return self.trimmed(order)

    def bring(self, wanted: Iterable[int], available: set[int], place: int, order: list[int]) -> None:
        """Make what is wanted of what is available; of what is made on the way, what adjoints to come read stays."""
        here, stack = set(available), list(wanted)
        while stack:
            v = stack[-1]
            missing = [u for u in self.steps[self.maker[v]].reads if u not in here] if v not in here else []
            if missing:
                stack += missing
                continue
            stack.pop()
            if v in here:
                continue
            order.append(self.maker[v])
            made = self.steps[self.maker[v]].makes
            here.update(made)
            available.update(u for u in made if self.given_up[u] >= place)

    def trimmed(self, order: Sequence[int]) -> list[int]:
        """The order without repeated steps whose values nobody uses."""
        needed, kept = set(self.results), []
        first = set(self.forward)
        firsts: dict[int, int] = {}
        for p, k in enumerate(order):
            firsts.setdefault(k, p)
        for p in range(len(order) - 1, -1, -1):
            k = order[p]
            s = self.steps[k]
            once = k in self.is_adjoint or (k in first and firsts[k] == p)
            if not once and not any(v in needed for v in s.makes):
                continue
            kept.append(k)
            if k not in self.is_adjoint:
                needed.difference_update(s.makes)
            needed.update(s.reads)
        return kept[::-1]

    # what an order takes -----------------------------------------------------------------------------------------
    def spans(self, order: Sequence[int], stays: Container[int] = (), over: bool = True) -> list[tuple[int, int, int]]:
        """(value, first place, last place) for each time that a value is made. stays: they do to the end.

        over: may results be written over operands?
        """
        found: list[tuple[int, int, int]] = []
        begun: dict[int, int] = {}
        last: dict[int, int] = {}
        for p, k in enumerate(order):
            s = self.steps[k]
            for v in s.reads:
                last[v] = p
            for v in s.makes:
                if v in begun:
                    found.append((v, begun[v], last[v]))
                begun[v] = last[v] = p
        found += [(v, begun[v], len(order) - 1 if v in stays else last[v]) for v in begun]
        given: set[int] = set()  # places whose step writes over an operand
        for i, (v, first, p) in enumerate(found if over else ()):
            if p > first and v not in stays and p not in given and v in self.steps[order[p]].over:
                found[i] = v, first, p - 1
                given.add(p)
        return found

    def profile(self, order: Sequence[int], only: Any = None, stays: Container[int] = ()) -> Any:
        """Bytes in use at each place: of all values, with workspace, or of some values alone."""
        change = np.zeros(len(order) + 1)
        for v, first, last in self.spans(order, stays):
            if only is None or only(v):
                change[first] += self.sizes[v]
                change[last + 1] -= self.sizes[v]
        in_use = np.cumsum(change)[:-1]
        return in_use + [self.steps[k].workspace for k in order] if only is None else in_use

    def peak(self, order: Sequence[int]) -> int:
        """Bytes at most, with arguments and constants."""
        if self.only_values:
            return self.most_kept(order)
        return self.base + int(np.max(self.profile(order), initial=0))

    def most_kept(self, order: Sequence[int]) -> int:
        """Bytes at most of values that are there while an adjoint step runs."""
        values = self.profile(order, {v for k in self.forward for v in self.steps[k].makes}.__contains__)
        return int(np.max(values[[k in self.is_adjoint for k in order]], initial=0))

    def kept(self, order: Sequence[int]) -> list[int]:
        """The values that are there when the way back begins, and are used on it."""
        turn = self.turn(order)
        return sorted({v for v, first, last in self.spans(order, over=False) if first < turn <= last})

    def turn(self, order: Sequence[int]) -> int:
        """Where the way back begins: behind the steps of the values."""
        return len(self.forward)

    def weight(self, order: Sequence[int]) -> float:
        """The work of an order."""
        return float(sum(self.steps[k].weight for k in order))

    def operations(self, order: Sequence[int]) -> int:
        """Operations of an order."""
        return sum(self.steps[k].operations for k in order)


def joint_program(program: Program, active: tuple[bool, ...], outs: tuple[bool, ...]) -> Program:
    """x, y_bar -> y, x_bar: as gradients are recorded."""
    n = len(program.inputs)

    def f(*args: Any) -> list[Any]:
        def g(*xs: Any) -> list[Any]:
            return program.evaluate(merged(active, iter(xs), iter(chosen(args[:n], [not on for on in active]))))

        ys, tape, ins, nodes = linearize_flat(g, chosen(args[:n], active))
        x_bars = transpose_tape(tape, ins, chosen(nodes, outs), args[n:])
        return [*ys, *filled(x_bars, chosen(program.in_types, active))]

    made = record(f, [*program.in_types, *chosen(program.out_types, outs)], name=program.name)
    made.quiet |= program.quiet
    return made


def roots_of(program: Program) -> dict[Any, Any]:
    """For each variable the array that it is a view of, itself most often; a number for what was spread of one."""
    roots: dict[Any, Any] = {}
    twisted: set[Any] = set()
    for eq in program.equations:
        name = eq.primitive.name
        for v in eq.outputs:
            source = eq.inputs[0] if eq.inputs else v
            copied = name == "reshape" and source in twisted
            view = name in VIEWS and not copied
            roots[v] = roots.get(source, source) if view else v
            if view and (name in TWISTED or source in twisted):
                twisted.add(v)
    return roots


def dependent(program: Program, inputs: Iterable[Var]) -> set[Atom]:
    """The variables that depend on some inputs."""
    found: set[Atom] = set(inputs)
    for eq in program.equations:
        if any(a in found for a in eq.inputs if type(a) is Var):
            found.update(eq.outputs)
    return found


def ancestors(program: Program, outputs: Iterable[Atom]) -> set[Equation]:
    """The equations that outputs depend on."""
    needed, found = {a for a in outputs if type(a) is Var}, set()
    for eq in reversed(program.equations):
        if any(v in needed for v in eq.outputs):
            found.add(eq)
            needed.update(a for a in eq.inputs if type(a) is Var)
    return found


def workspace(eq: Equation) -> int:
    """Bytes that an equation takes while it runs, beside its arguments and results."""
    inner = inner_programs(eq.params)
    if inner:
        return max(inside(p) for p in inner)
    factor = WORKSPACE.get(eq.primitive.name, 0)
    return factor * nbytes(eq.inputs[0].type) if factor else 0


def inside(program: Program) -> int:
    """The peak of one run of a program, without its arguments and results."""
    return program.remember(_inside)


def _inside(program: Program) -> int:
    roots = roots_of(program)
    ends = {roots.get(a, a) for a in program.outputs}
    last: dict[Any, int] = {}
    for k, eq in enumerate(program.equations):
        for a in (*eq.inputs, *eq.outputs):
            if type(a) is Var:
                last[roots.get(a, a)] = k
    now = most = 0
    dying: dict[int, int] = {}
    for k, eq in enumerate(program.equations):
        for v in eq.outputs:
            if roots[v] is v and v not in ends:
                now += nbytes(v.type)
                dying[last[v]] = dying.get(last[v], 0) + nbytes(v.type)
        most = max(most, now + workspace(eq))
        now -= dying.get(k, 0)
    return most
