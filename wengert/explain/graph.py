"""Programs as graphs: a node for each input, constant and equation, an edge for each use of a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.program import Equation, Program, Var
from ..errors import Source
from .extended import Extended, extended, values_of
from .formulas import barred, dotted
from .infix import equation_text, number_text
from .loops import Body, is_loop
from .names import Naming
from .point import Point
from .scope import Scope
from .wengert_list import WengertList

PRIMAL, ADJOINT = 0, 1  # the halves of a derivative's graph


class Label(NamedTuple):
    """What is written in a node: `name = expression`, value, tangent, adjoint. long: without abbreviation."""

    name: str
    expression: str
    value: str
    long: str
    tangent: str = ""
    adjoint: str = ""


class Node(NamedTuple):
    """An input, a constant or an equation.

    kind: "input", "seed", "constant", "equation", or "outer" (what a part of a graph uses from outside); half: of the
    function or of its adjoint; outs: its variables; group: the calls and branches that it stands in, outermost first;
    output: is it a result?
    """

    kind: str
    half: int
    outs: tuple[Var, ...]
    equation: Equation | None = None
    group: tuple[Any, ...] = ()
    output: bool = False

    @property
    def source(self) -> Source | None:
        """The user's line."""
        return self.equation.source if self.equation is not None else None

    @property
    def weight(self) -> int:
        """How many equations it stands for."""
        return int(self.equation is not None)


Edge = tuple[int, int]


class Graph(NamedTuple):
    """nodes: each after those that it uses; edges: (from, to), none twice.

    label: what is written in a node; rows: the numbers of the nodes of the Wengert list that it shows; bodies: the
    graphs of the programs that it runs.
    """

    title: str
    nodes: Sequence[Any]
    edges: Sequence[Edge]
    label: Callable[[Any], Label]
    rows: Callable[[Any], list[int]]
    bodies: Callable[[Any], list[Graph]]

    @property
    def extended(self) -> bool:
        """Is there a half that computes adjoints?"""
        return any(node.half == ADJOINT for node in self.nodes)


# of a function ---------------------------------------------------------------------------------------------------
class Derivatives(NamedTuple):
    """What is written under the value of a node, by the number of its row: its tangent, its adjoint."""

    tangents: Mapping[int, Any]
    adjoints: Mapping[int, Any]


NONE = Derivatives({}, {})


def list_graph(point: Point, made: WengertList, title: str, derivatives: Derivatives = NONE) -> Graph:
    """The computational graph of a Wengert list."""
    loops = {entry.equation: entry.body for entry in made.entries if entry.equation is not None and entry.body}
    return program_graph(point.straight, made.scope, title, groups=point.groups, loops=loops, derivatives=derivatives)


def program_graph(
    program: Program,
    scope: Scope,
    title: str,
    half: Mapping[Var, int] | None = None,
    groups: Sequence[tuple[Any, ...]] = (),
    loops: Mapping[Equation, Body] | None = None,
    derivatives: Derivatives = NONE,
    seeds: Sequence[Var] = (),
) -> Graph:
    """The graph of a program. half: of the variables of a derivative; groups: where each equation stands."""
    half = half or {}
    results = {a for a in program.outputs if isinstance(a, Var)}
    used = {a for eq in program.equations for a in eq.inputs}
    nodes = [Node("seed" if v in seeds else "input", half.get(v, PRIMAL), (v,)) for v in program.inputs]
    nodes += [Node("constant", half.get(v, PRIMAL), (v,)) for v, _ in program.constants]
    for k, eq in enumerate(program.equations):
        side = half.get(eq.outputs[0], PRIMAL) if eq.outputs else PRIMAL
        output = any(v in results for v in eq.outputs)
        nodes.append(Node("equation", side, eq.outputs, eq, groups[k] if groups else (), output))

    def body_of(node: Node) -> Body | None:
        return loops.get(node.equation) if loops and node.equation is not None else None

    def label(node: Node) -> Label:
        return node_label(node, scope, derivatives, used, body_of(node))

    def rows(node: Node) -> list[int]:
        return [scope.places[v] for v in node.outs if v in scope.places]

    def bodies(node: Node) -> list[Graph]:
        return body_graphs(node.equation, scope, body_of(node)) if node.equation else []

    return Graph(title, nodes, edges_of(nodes), label, rows, bodies)


def edges_of(nodes: Sequence[Node]) -> list[Edge]:
    """An edge from where a value is made to each node that uses it."""
    made = {v: k for k, node in enumerate(nodes) for v in node.outs}
    edges: dict[Edge, None] = {}
    for k, node in enumerate(nodes):
        for a in node.equation.inputs if node.equation is not None else ():
            if isinstance(a, Var) and a in made:
                edges[made[a], k] = None
    return list(edges)


def body_graphs(eq: Equation, scope: Scope, body: Body | None) -> list[Graph]:
    """What an equation runs: the body of a loop, in its first round where that is known; the branches of a cond."""
    if body is not None and body.program is not None:
        outs = [v for v in body.results if v in scope.places] or body.results
        names = ", ".join(scope.text(v).text for v in outs)
        title = f"One of {body.rounds:,} rounds of {names}, with the values of the first"
        return [program_graph(body.program, body.scope, title, groups=body.groups)]
    found = []
    place = "One round of " if is_loop(eq) else "Branch: " if eq.primitive.name == "cond" else ""
    for program in eq.programs:
        naming = Naming(scope.naming)
        for k, var in enumerate(program.inputs):
            naming.give(var, f"x{k + 1}")
        for k, (var, _) in enumerate(program.constants):
            naming.give(var, f"c{k + 1}")
        naming.equations(program.equations)
        found.append(program_graph(program, Scope(naming, {}), f"{place}{program.name}"))
    return found


# of its derivative -----------------------------------------------------------------------------------------------
def extended_graph(point: Point, made: WengertList, seed: Sequence[Any], title: str) -> Graph:
    """The graph of the function and its pullback: reverse mode extends the program by the nodes of the right half."""
    wide = extended(point.straight, point.leaves, seed)
    naming = Naming(made.scope.naming)
    naming.found = extended_names(wide, made.scope)
    seeds = [s for s in seed if s is not None]
    scope = Scope(naming, values_of(wide.program, [*point.leaves, *seeds]))
    places = made.scope.places
    scope.places = {v: places[of] for v, of in wide.primals.items() if of in places}
    half = dict.fromkeys(wide.forward, PRIMAL) | dict.fromkeys(wide.program.inputs, PRIMAL)
    half |= dict.fromkeys((v for eq in wide.program.equations for v in eq.outputs if v not in wide.forward), ADJOINT)
    half |= dict.fromkeys(wide.seeds, ADJOINT)
    graph = program_graph(wide.program, scope, title, half, seeds=wide.seeds)

    def rows(node: Node) -> list[int]:
        bars = [of for v in node.outs for of in wide.adjoints.get(v, ())]
        return graph.rows(node) if node.half == PRIMAL else [places[of] for of in bars if of in places]

    return graph._replace(rows=rows)


def extended_names(wide: Extended, scope: Scope) -> dict[Var, str]:
    """Primal variables as in the list; `x̄`; `∂y/∂x`; a1, a2, ... for what is on the way."""
    program = wide.program
    names = {v: scope.text(of).text for v, of in wide.primals.items()}
    taken = set(names.values())
    for var, of in wide.adjoints.items():
        names[var] = " = ".join(barred(scope.text(v).text) for v in of[:3]) + (" = …" if len(of) > 3 else "")
    for var, (y, x) in wide.partials.items():
        name = f"∂{scope.text(y).text}/∂{scope.text(x).text}" if x is not None else ""
        if name and len(name) <= 14 and var not in names:
            names[var] = name
    rest = (v for eq in program.equations for v in eq.outputs if v not in names)
    free = (name for k in range(1, len(program.equations) + len(taken) + 2) if (name := f"a{k}") not in taken)
    names.update(zip(rest, free, strict=False))
    names.update({v: f"c{k + 1}" for k, (v, _) in enumerate(program.constants) if v not in names})
    names.update({v: "seed" for v in wide.seeds if v not in names})
    return names


# what is written -------------------------------------------------------------------------------------------------
def node_label(node: Node, scope: Scope, derivatives: Derivatives, used: set[Any], body: Body | None = None) -> Label:
    """Name, expression, value and adjoint of a node. Of several results those that a table shows, if there are any."""
    outs = [v for v in node.outs if v in scope.places] or list(node.outs)
    name = ", ".join(scope.text(v).text for v in outs)
    if any(v in used and v not in outs for v in node.outs):
        name += ", …"
    expression = right_side(node.equation, scope, body) if node.equation is not None else ""
    values = [short_value(scope.values[v]) if v in scope.values else str(v.type) for v in outs]
    value = "; ".join(values) if len(values) < 3 else f"{len(values)} results"
    tangent, adjoint = (
        derivative_text(name, mark, found[scope.places[outs[0]]], word)
        if len(outs) == 1 and scope.places.get(outs[0]) in found
        else ""
        for mark, found, word in ((dotted, derivatives.tangents, "tangent"), (barred, derivatives.adjoints, "adjoint"))
    )
    long = f"{name} = {expression}" if expression else name
    return Label(shortened(name, 32), shortened(expression, 38), shortened(value, 44), long, tangent, adjoint)


def right_side(eq: Equation, scope: Scope, body: Body | None) -> str:
    """What an equation computes; of a loop how many rounds of what."""
    if not is_loop(eq):
        return equation_text(eq.primitive, [operand(scope, a) for a in eq.inputs], eq.params).text
    if body is not None and any(v in body.results for v in eq.outputs):
        return body.expression(next(v for v in reversed(body.results) if v in scope.places or v is body.results[0]))
    rounds = scope.value(eq.inputs[0]) if eq.primitive.name != "while" else scope.values.get(eq.outputs[0])
    times = f"{int(rounds)} rounds" if rounds is not None else "rounds"
    return times + (", last first" if eq.params.get("reverse") else "")


def derivative_text(name: str, mark: Callable[[str], str], value: Any, word: str) -> str:
    """`x̄ = 0.25`; of an array, which has the node's shape, the norm."""
    text = short_value(value)
    text = text[text.find("norm ") :] if "norm " in text else text
    return shortened(f"{mark(name)} = {text}" if len(name) <= 8 else f"{word} {text}", 44)


def operand(scope: Scope, atom: Any) -> Any:
    """How an operand is written: an adjoint of several by its first name."""
    text = scope.text(atom)
    return text._replace(text=text.text.partition(" = ")[0])


def short_value(value: Any) -> str:
    """A number in six digits; an array by its shape and norm, or whole if it is short."""
    array = np.asarray(value)
    if array.ndim == 0:
        return number_text(array[()]).text
    shape = "×".join(map(str, array.shape)) if array.ndim > 1 else f"{array.size} elements"
    if array.size == 0 or array.dtype.kind not in "fciub":
        return f"{shape}, {array.dtype.name}"
    if array.size <= 3 and array.ndim == 1:
        return "[" + ", ".join(number_text(x).text for x in array) + "]"
    with np.errstate(all="ignore"):
        return f"{shape}, norm {np.linalg.norm(array.astype(np.result_type(array, np.float64)).ravel()):.4g}"


def shortened(text: str, most: int) -> str:
    """The text, with its middle left out where it is long."""
    return text if len(text) <= most else f"{text[: 2 * most // 3]}…{text[-(most // 3) + 1 :]}"
