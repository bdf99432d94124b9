"""Graphs of functions and of their derivatives, and what folding makes of large ones."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

import explained_functions as functions
import wengert as wg
from random_functions import random_function
from wengert.core.program import Equation, Var
from wengert.core.types import ArrayType
from wengert.errors import Source
from wengert.explain import explain
from wengert.explain.extended import extended, values_of
from wengert.explain.fold import LIMIT, Fingerprints, Fold, fold, leaves
from wengert.explain.graph import ADJOINT, PRIMAL, Graph, Label, Node, edges_of, short_value, shortened
from wengert.explain.page import derivative_graph, function_graph
from wengert.primitives.elementwise import cos, sin


def names(graph):
    return [graph.label(n).name for n in graph.nodes]


# of a function ---------------------------------------------------------------------------------------------------
def test_the_graph_of_the_bell():
    graph = function_graph(functions.explanation("bell"))
    labels = [graph.label(n) for n in graph.nodes]
    assert [(x.name, x.expression, x.value) for x in labels] == [
        ("x1", "", "2"),
        ("x2", "", "0.5"),
        ("v1", "x1**2", "4"),
        ("v2", "x2**2", "0.25"),
        ("r", "v1 + v2", "4.25"),
        ("v3", "-r", "-4.25"),
        ("v4", "v3/2", "-2.125"),
        ("w", "exp(v4)", "0.119433"),
        ("bell", "x1*w", "0.238866"),
    ]
    found = {(labels[a].name, labels[b].name) for a, b in graph.edges}
    chain = [("r", "v3"), ("v3", "v4"), ("v4", "w"), ("w", "bell")]
    assert found == {("x1", "v1"), ("x2", "v2"), ("v1", "r"), ("v2", "r"), ("x1", "bell"), *chain}
    assert [n.output for n in graph.nodes] == [False] * 8 + [True]
    assert labels[0].adjoint == "x̄1 = -0.358299"


def test_tangents_are_written_where_there_is_one_direction():
    graph = function_graph(explain(functions.bell, 2.0, 0.5, directions=[(1.0, 0.0)]))
    labels = {graph.label(n).name: graph.label(n).tangent for n in graph.nodes}
    assert labels["x1"] == "ẋ1 = 1" and labels["v1"] == "v̇1 = 4" and labels["bell"].startswith("bell_dot = -0.358")
    several = function_graph(functions.explanation("bell"))
    assert not any(several.label(n).tangent for n in several.nodes)


def test_an_edge_is_drawn_once_however_often_a_value_is_used():
    graph = function_graph(explain(lambda x: x * x, 3.0))
    assert graph.edges == [(0, 1)]


def test_the_body_of_a_loop_shows_its_first_round():
    e = functions.explanation("rounds")
    graph = function_graph(e)
    loop = next(n for n in graph.nodes if n.equation is not None)
    assert graph.label(loop).name == "z"
    assert graph.label(loop).expression.startswith("100 rounds of z")
    (body,) = graph.bodies(loop)
    values = {body.label(n).expression: body.label(n).value for n in body.nodes}
    assert values["cos(v2)"] == short_value(np.cos(1.0))  # z + i = 1 + 0


# of its derivative -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["bell", "perceptron", "rounds", "pendulum", "sixty"])
def test_the_extended_program_computes_values_and_gradient(name):
    e = functions.explanation(name)
    point = e.point
    wide = extended(point.straight, point.leaves, e.seed)
    found = wide.program.evaluate([*point.leaves, *e.seed])
    expected = [*point.straight.evaluate(point.leaves), *e.reverse.gradient]
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("name", ["bell", "perceptron", "pendulum", "sixty"])
def test_adjoints_in_the_extended_graph_are_those_of_the_reverse_table(name):
    e = functions.explanation(name)
    wide = extended(e.point.straight, e.point.leaves, e.seed)
    values = values_of(wide.program, [*e.point.leaves, *e.seed])
    places = e.wengert_list.scope.places
    rows = {r.node.number: r.adjoint for r in e.reverse.rows}
    seen = 0
    for var, of in wide.adjoints.items():
        for primal in of:
            seen += 1
            np.testing.assert_allclose(values.get(var, 1.0), rows[places[primal]], rtol=1e-12)
    assert seen == sum(b is not None for b in rows.values())


def test_partial_derivatives_bear_their_names_and_values():
    e = functions.explanation("bell")
    graph = derivative_graph(e)
    found = {graph.label(n).name: graph.label(n).value for n in graph.nodes}
    assert found["∂v1/∂x1"] == "4" and found["∂v2/∂x2"] == "1"
    assert found["x̄1"] == "-0.358299" and found["x̄2"] == "-0.119433"


def test_halves_and_saved_values():
    graph = derivative_graph(functions.explanation("bell"))
    halves = {graph.label(n).name: n.half for n in graph.nodes}
    assert all(halves[name] == PRIMAL for name in ("x1", "x2", "r", "w", "bell"))
    assert all(halves[name] == ADJOINT for name in ("bell_bar", "w̄", "x̄1", "∂v1/∂x1"))
    assert all(graph.nodes[a].half <= graph.nodes[b].half for a, b in graph.edges)  # nothing leads back
    saved = {graph.label(graph.nodes[a]).name for a, b in graph.edges if graph.nodes[a].half < graph.nodes[b].half}
    assert saved == {"x1", "x2", "w"}


def test_one_variable_may_be_the_adjoint_of_several():
    graph = derivative_graph(explain(lambda x, y: np.sin(x + y), 1.0, 2.0))
    assert any(set(graph.rows(n)) == {0, 1, 2} for n in graph.nodes if n.half == ADJOINT)


@pytest.mark.parametrize("seed", range(6))
def test_extended_programs_of_random_functions(seed):
    f, _ = random_function(seed)
    args = 0.7, -0.4, np.linspace(-1.0, 1.0, 5)
    e = explain(f, *args)
    wide = extended(e.point.straight, e.point.leaves, e.seed)
    results = [s for s in e.seed if s is not None]
    found = iter(wide.program.evaluate([*e.point.leaves, *results])[len(e.seed) :])
    central = wg.numeric.jacobian(lambda *xs: sum(np.sum(y) for y in e.point.flat(*xs)), argnums=(0, 1, 2))
    for g, x_bar in zip(central(*args), e.reverse.gradient, strict=True):
        np.testing.assert_allclose(next(found) if x_bar is not None else 0.0 * g, g, rtol=1e-5, atol=1e-7)


def test_rules_of_decompositions_and_inactive_inputs():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])

    def f(a, n):
        w, v = np.linalg.eigh(a)
        return np.sum(np.log(w)) + v[0, 0] ** 2 * n

    graph = derivative_graph(explain(f, a, 2))
    assert graph.extended and any(n.output and n.half == ADJOINT for n in graph.nodes)


# folding ---------------------------------------------------------------------------------------------------------
def chain(kinds, lines=None, half=PRIMAL) -> Graph:
    """A chain of elementwise equations; lines: of the user's."""
    var = Var(ArrayType((), float))
    nodes = [Node("input", half, (var,))]
    for k, kind in enumerate(kinds):
        out = Var(ArrayType((), float))
        source = Source("file.py", lines[k] if lines else 1, "f")
        nodes.append(Node("equation", half, (out,), Equation(kind, [var], {}, [out], source)))
        var = out
    return Graph("chain", nodes, edges_of(nodes), lambda n: Label("", "", "", ""), lambda n: [], lambda n: [])


def checked(graph: Graph):
    """Fold, and look whether all nodes are still there, in order, and no edge leads back."""
    folded = fold(graph)
    assert [id(n) for item in folded.graph.nodes for n in leaves(item)] == [id(n) for n in graph.nodes]
    assert all(a < b for a, b in folded.graph.edges)
    assert len(folded.graph.nodes) <= LIMIT
    return folded


def test_sixty_nodes_are_drawn_as_they_are():
    graph = chain([sin] * (LIMIT - 1))
    assert list(checked(graph).graph.nodes) == list(graph.nodes)


def test_a_loop_that_was_unrolled_is_one_box_with_its_count():
    folded = checked(chain([sin, cos, cos] * 200, [3, 3, 4] * 200))
    assert [(b.kind, b.rounds, b.weight) for b in folded.graph.nodes[1:]] == [("repeat", 200, 600)]
    assert folded.graph.label(folded.graph.nodes[1]).name == "lines 3–4 ×200"
    inner = folded.open(folded.graph.nodes[1])
    assert [n.kind for n in inner.graph.nodes] == ["outer", "equation", "equation", "equation"]
    assert inner.graph.title == "lines 3–4: one of 200 rounds"
    assert inner.graph.nodes[-1].output  # the next round uses it


def test_loops_in_loops_fold_inside_out():
    kinds, lines = [], []
    for _ in range(30):
        kinds += [sin, *[cos, sin] * 10, cos]
        lines += [1, *[2, 3] * 10, 4]
    folded = checked(chain(kinds, lines))
    (box,) = folded.graph.nodes[1:]
    assert (box.rounds, box.weight) == (30, 660)


def test_without_repetitions_lines_fold_and_then_functions():
    rng = np.random.default_rng(0)
    kinds = [(sin, cos)[k] for k in rng.integers(0, 2, 300)]
    folded = checked(chain(kinds, [k // 10 for k in range(300)]))
    assert {b.kind for b in folded.graph.nodes[1:]} == {"line"}
    assert [b.weight for b in folded.graph.nodes[1:]] == [10] * 30


def test_what_nothing_folds_is_cut_into_parts_that_open():
    rng = np.random.default_rng(0)
    folded = checked(chain([(sin, cos)[k] for k in rng.integers(0, 2, 4000)]))
    parts = [n for n in folded.graph.nodes if isinstance(n, Fold)]
    assert len(parts) > 10
    inner = folded.open(parts[0])
    assert 1 < len(inner.graph.nodes) <= LIMIT


def test_opening_ends():
    rng = np.random.default_rng(1)
    folded = checked(chain([(sin, cos)[k] for k in rng.integers(0, 2, 3000)]))
    found, stack, opened = [], [folded], 0
    while stack:
        here = stack.pop()
        for item in here.graph.nodes:
            if isinstance(item, Fold):
                opened += 1
                stack.append(here.open(item))
            elif item.kind == "equation":
                found.append(item.outs[0])
    assert opened < 3000 and len(set(found)) > 1500  # of repetitions one round is shown


def test_halves_are_not_mixed():
    folded = fold(derivative_graph(functions.explanation("long")))
    assert len(folded.graph.nodes) <= LIMIT
    for item in folded.graph.nodes:
        assert {n.half for n in leaves(item)} == {item.half}


def test_layers_of_a_deep_network_are_one_box():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 3)) / 2 for _ in range(40)]

    def network(weights, x):
        for w in weights:
            x = np.tanh(x @ w)
        return np.sum(x)

    folded = fold(function_graph(explain(network, weights, np.ones((2, 3)))))
    assert len(folded.graph.nodes) <= 8
    assert any(isinstance(n, Fold) and n.rounds >= 39 for n in folded.graph.nodes)


@pytest.mark.parametrize(("kind", "n"), [("loop", 100_000), ("random", 30_000)])
def test_a_hundred_thousand_equations_fold_in_seconds(kind, n):
    rng = np.random.default_rng(0)
    choice = itertools.cycle((0, 1)) if kind == "loop" else rng.integers(0, 2, n)
    graph = chain([(sin, cos)[k] for k, _ in zip(choice, range(n), strict=False)])
    begin = time.process_time()
    folded = checked(graph)
    assert time.process_time() - begin < 6.0  # about a second on an idle core
    folded.open(next(b for b in folded.graph.nodes if isinstance(b, Fold)))


def test_fingerprints_compare_pieces():
    rng = np.random.default_rng(0)
    letters = rng.integers(0, 3, 60).tolist()
    prints = Fingerprints(letters)
    for i, j, length in rng.integers(0, 60, (500, 3)).tolist():
        inside = max(i, j) + length <= 60
        assert prints.equal(i, j, length) == (inside and letters[i : i + length] == letters[j : j + length])


# what is written -------------------------------------------------------------------------------------------------
def test_values_are_short():
    assert short_value(0.1 + 0.2) == "0.3"
    assert short_value(np.float64(2.0)) == "2"
    assert short_value(np.array([1.0, 2.5])) == "[1, 2.5]"
    assert short_value(np.full((3, 4), 2.0)) == f"3×4, norm {np.sqrt(48):.4g}"
    assert short_value(np.zeros((0, 3))) == "0×3, float64"
    assert short_value(np.array(True)) == "True"
    assert short_value(np.ones(5, complex)) == f"5 elements, norm {np.sqrt(5):.4g}"
    assert short_value(np.array([np.nan] * 4)) == "4 elements, norm nan"


def test_long_texts_lose_their_middle():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("a" * 30 + "b" * 30, 30) == "a" * 20 + "…" + "b" * 9
