"""A program's linearised graph: recorded with its results, the entries of all local Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Program
from ...core.record import record
from ...core.types import ArrayType
from ...errors import NonDifferentiableInputError
from ...transforms.linearize import linearize_flat
from ...transforms.program import live_equations
from ...transforms.tape import LinearVar, Scaled, Tape
from .algebra import Algebra, Local
from .emit import summed
from .graph import Edge, Graph
from .local import local_jacobians


class Linearisation:
    """A program in two: `first` computes results and local Jacobians, which are the entries on the edges of `graph`."""

    def __init__(self, program: Program) -> None:
        self.types, self.out_types = program.in_types, program.out_types
        self.singular: dict[Edge, bool] = {}
        self.held: list[Edge] = []  # the edges whose entries `first` computes, in the order of its results
        self.graph = Graph((), (), Algebra())
        self.first = record(lambda *xs: self.linearised(program, xs), program.in_types, name=program.name)

    def linearised(self, program: Program, xs: Sequence[Any]) -> list[Any]:
        """Results and entries."""
        values, tape, ins, nodes = linearize_flat(lambda *args: program.evaluate(args), xs)
        tape.equations = live_equations(tape, nodes)
        outputs = _ends(tape, ins, nodes)
        self.graph = Graph([v.index for v in ins], outputs, Algebra())
        entries: dict[Edge, Any] = {}
        for eq in tape.equations:
            _refuse_complex(eq)
            for x, y, local, value in local_jacobians(eq, tape, self.graph.algebra):
                singular = isinstance(eq, Scaled) and eq.primitive.kind.singular  # type: ignore[union-attr]
                self.add((x.index, y.index), local, value, singular, entries)
        for k, node in zip(outputs, nodes, strict=True):
            if node is not None and node.index != k:
                self.add_output(node, k)
        for (i, j), local in self.graph.edges.items():
            self.graph.sizes[i], self.graph.sizes[j] = local.pattern.n, local.pattern.m
        _prune(self.graph)
        self.held = [edge for edge in entries if edge in self.graph.edges and entries[edge] is not None]
        return [*values, *(entries[edge] for edge in self.held)]

    def add(self, edge: Edge, local: Local, value: Any, singular: bool, entries: dict[Edge, Any]) -> None:
        """One local Jacobian, added to what is on its edge."""
        edges = self.graph.edges
        if not local.pattern.nnz:
            return
        if edge in edges:
            total = self.graph.algebra.sum(edges[edge], local)
            value = summed(edges[edge], entries[edge], local, value, total)
            local, singular = total.result, singular or self.singular[edge]
        if local.pattern.nnz:
            edges[edge], entries[edge], self.singular[edge] = local, value, singular
        else:  # constants that cancel
            del edges[edge], entries[edge], self.singular[edge]

    def add_output(self, node: LinearVar, k: int) -> None:
        """A result is a vertex of its own, behind the variable it is."""
        n = ArrayType(node.shape, float).size
        algebra, rows = self.graph.algebra, np.arange(n)
        local = algebra.local(algebra.pattern(n, n, rows, rows), np.ones(n))
        if n:
            self.graph.edges[node.index, k] = local
            self.singular[node.index, k] = False


def _ends(tape: Tape, ins: Sequence[LinearVar], nodes: Sequence[LinearVar | None]) -> list[int]:
    """The vertex of each result: its variable, or one behind it where the variable is also used otherwise."""
    used = {v.index for v in ins}
    for eq in tape.equations:
        sources = (v for _, _, v in eq.terms) if isinstance(eq, Scaled) else eq.args
        used |= {v.index for v in sources if isinstance(v, LinearVar)}
    ends = []
    for k, node in enumerate(nodes):
        ends.append(tape.count + k if node is None or node.index in used else node.index)
        used.add(ends[-1])
    return ends


def _refuse_complex(eq: Any) -> None:
    variables = [eq, *(x for _, _, x in eq.terms)] if isinstance(eq, Scaled) else [*eq.outs, *eq.args]
    if any(isinstance(v, LinearVar) and v.dtype.kind == "c" for v in variables):
        raise NonDifferentiableInputError(
            f"elimination meets a complex value, in {eq.primitive}",
            why="the derivative of a real part, or of a conjugate, is not a complex matrix",
            write="wg.jacobian(f), or the real and imaginary parts as values of their own",
        )


def _prune(graph: Graph) -> None:
    """Only what lies between inputs and outputs."""
    after, before = set(graph.inputs), set(graph.outputs)
    for i, j in sorted(graph.edges):
        if i in after:
            after.add(j)
    for i, j in sorted(graph.edges, key=lambda e: (-e[1], -e[0])):
        if j in before:
            before.add(i)
    graph.edges = {(i, j): a for (i, j), a in graph.edges.items() if i in after and j in before}
