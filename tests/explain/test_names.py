"""Variables have the user's names."""

import linecache

import numpy as np

import textbook_functions as functions
import wengert as wg
from wengert.errors import Source
from wengert.explain.names import names, statement, statements
from wengert.explain.point import Point
from wengert.explain.wengert_list import WengertList


def named(fun, *args, **kwargs):
    return [(n.name, n.expression) for n in WengertList(Point(fun, args, kwargs)).nodes]


def test_results_of_statements_have_their_names_and_the_others_numbers():
    def f(x1, x2):
        r = x1**2 + x2**2
        return r * np.exp(-r)

    assert named(f, 1.0, 2.0) == [
        ("x1", ""),
        ("x2", ""),
        ("v1", "x1**2"),
        ("v2", "x2**2"),
        ("r", "v1 + v2"),
        ("v3", "-r"),
        ("v4", "exp(v3)"),
        ("f", "r*v4"),
    ]


def test_paths_of_structures():
    params = [{"w": np.ones((2, 3)), "b": np.zeros(3)}]
    found = [n for n, _ in named(functions.network, params, np.ones(2))]
    assert found[:3] == ["params[0]['b']", "params[0]['w']", "x"]  # the order of the leaves: keys sorted
    assert "x₁" in found and found[-1] == "network"


def test_a_name_that_is_assigned_again_is_numbered():
    def f(x):
        y = x * 2
        y = y + 1
        y += x
        return y

    assert [n for n, _ in named(f, 1.0)] == ["x", "y", "y₁", "y₂"]


def test_no_name_is_given_twice_and_numbers_leave_the_users_names_alone():
    def f(v1, x):
        v3 = v1 * x + 1
        return np.sin(v3 * x) * v1

    found = [n for n, _ in named(f, 1.0, 2.0)]
    assert len(set(found)) == len(found)
    assert found[:2] == ["v1", "x"] and found[3] == "v3"


def test_rounds_of_an_unrolled_loop_each_have_the_name():
    def f(x):
        z = x
        for i in range(3):
            z = x * np.cos(z + i) + z * np.sin(x - i)
        return z

    nodes = WengertList(Point(f, (0.5,), {}, unroll=True)).nodes
    assert [n.name for n in nodes if n.name.startswith("z")] == ["z", "z₁", "z₂"]
    assert [n.number for n in nodes if n.name.startswith("z")] == [7, 14, 21]


def test_a_statement_of_several_like_operations_ran_once():
    def f(a, b):
        s = a + b + a + b
        return s * a

    def g(x):
        s = x[0] + x[1] + x[2]
        return s * s

    assert [n for n, _ in named(f, 1.0, 2.0)] == ["a", "b", "v1", "v2", "s", "f"]
    assert [n for n, _ in named(g, np.ones(3)) if n.startswith("s")] == ["s"]


def test_assignments_to_elements_make_a_new_value_of_the_name():
    def f(x):
        y = x * 1.5
        y[0] = x[1]
        return y

    assert [n for n, _ in named(f, np.ones(2))] == ["x", "y", "v1", "y₁"]


def test_the_body_of_a_loop_counts_rounds():
    nodes = WengertList(Point(functions.loop, (1.0, 2.0), {})).nodes
    found = {n.name: n.expression for n in nodes}
    assert found["z"] == "100 rounds of zₖ₊₁ = v4 + v8"
    assert found["zₖ₊₁"] == "v4 + v8" and found["iₖ₊₁"] == "iₖ + 1"
    assert all(n.group[0].label == "loop of 100 rounds" for n in nodes if n.in_loop)


def test_values_in_the_body_of_a_loop_are_those_of_the_first_round():
    values = {n.name: n.value for n in WengertList(Point(functions.loop, (1.0, 2.0), {})).nodes}
    assert values["zₖ"] == 0 and values["iₖ"] == 0
    assert values["zₖ₊₁"] == np.cos(0.0)  # a cos(0 + 0) + 0 sin(2 - 0)


def test_calls_are_opened_and_branches_are_those_taken():
    inner = wg.jit(lambda t: t * t)

    def f(x):
        return inner(x) + 1

    (square,) = [n for n in WengertList(Point(f, (3.0,), {})).nodes if n.expression == "x*x"]
    assert [g.kind for g in square.group] == ["compiled"]
    expressions = [e for _, e in named(functions.halved, 9.0)]
    assert "x₁*x₁" in expressions and not any("n" in e.split("*") for e in expressions)


def test_a_function_under_jit_is_the_function():
    assert named(wg.jit(functions.gaussian), 2.0, 0.5) == named(functions.gaussian, 2.0, 0.5)


WEIGHTS = np.array([1.0, 2.0])


def test_arrays_that_are_closed_over_have_the_users_names():
    scale = np.array([3.0, 4.0])
    found = named(lambda x: np.sum(x * WEIGHTS * scale), np.ones(2))
    assert {"WEIGHTS", "scale"} <= {n for n, _ in found}


def test_functions_of_flat_programs():
    program = wg.trace(functions.logarithms)(2.0, 3.0)
    found = names(program, ["w1", "w2"], "L")
    assert [found[v] for eq in program.equations for v in eq.outputs] == ["v1", "v2", "v3", "L"]
    assert [found[v] for v in program.inputs] == ["w1", "w2"]


def test_lines_of_a_page_that_is_not_python_are_read_one_by_one():
    text = "Some text, and:\n\ndef f(x):\n    for i in range(3):\n        y = x * 2\n"
    linecache.cache["a page"] = (len(text), None, text.splitlines(True), "a page")
    assert statement(Source("a page", 5, "f")) == (5, "y", 1, ())
    assert statement(Source("a page", 4, "f")).target == "i"
    assert statement(Source("a page", 1, "f")).target == ""


def test_several_results_of_one_operation_have_their_own_names():
    def f(a):
        q, r = np.linalg.qr(a)
        return np.sum(q * r)

    found = [n for n, _ in named(f, np.array([[2.0, 1.0], [1.0, 3.0]]))]
    assert {"q", "r"} <= set(found)


def test_a_source_that_is_not_there_gives_numbers():
    space = {}
    exec("def f(x):\n    y = x * 2\n    return y + 1", space)
    assert [n for n, _ in named(space["f"], 1.0)] == ["x", "v1", "f"]
    assert statements("<nowhere>", 0) == {}
