"""The trace tables of both modes: every node against closed forms worked out by hand."""

import numpy as np
import pytest

import textbook_functions as functions
import wengert as wg
from wengert.errors import ArgumentError, NonDifferentiableInputError, NonScalarOutputError, StructureError
from wengert.explain import explain
from wengert.explain.formulas import barred, dotted

SQRT2 = np.sqrt(2.0)


def columns(explanation):
    """Of each node its value, tangents and adjoint."""
    adjoints = {r.node.name: r.adjoint for r in explanation.reverse.rows}
    return {
        r.node.name: (r.node.value, [0.0 if t is None else t for t in r.tangents], adjoints[r.node.name])
        for r in explanation.forward.rows
    }


def check(explanation, expected):
    """expected: name -> value, (tangents), adjoint."""
    found = columns(explanation)
    assert list(found) == list(expected)
    for name, (value, tangents, adjoint) in expected.items():
        np.testing.assert_allclose(found[name][0], value, rtol=1e-14, err_msg=f"value of {name}")
        np.testing.assert_allclose(found[name][1], tangents, rtol=1e-14, err_msg=f"tangents of {name}")
        np.testing.assert_allclose(found[name][2], adjoint, rtol=1e-14, err_msg=f"adjoint of {name}")


# the two functions of the textbooks ------------------------------------------------------------------------------
def test_every_node_of_the_gaussian():
    """f = x1 exp(-(x1^2 + x2^2)/2) at (2, 1/2): c = 17/4, e = exp(-17/8)."""
    e = np.exp(-17 / 8)
    expected = {
        "x1": (2.0, (1, 0), (1 - 4) * e),
        "x2": (0.5, (0, 1), -e),
        "a": (4.0, (4, 0), -e),
        "b": (0.25, (0, 1), -e),
        "c": (4.25, (4, 1), -e),
        "v1": (-4.25, (-4, -1), e),
        "d": (-2.125, (-2, -0.5), 2 * e),
        "e": (e, (-2 * e, -0.5 * e), 2.0),
        "gaussian": (2 * e, ((1 - 4) * e, -e), 1.0),
    }
    check(explain(functions.gaussian, 2.0, 0.5), expected)


def test_every_node_of_the_logarithms():
    """L = w2 log w1 + sqrt(w2 log w1) at (e^2, 4): v1 = 2, v2 = 8, v3 = sqrt 8, dL/dv2 = 1 + 1/(2 sqrt 8)."""
    w1, w2, v3 = np.exp(2.0), 4.0, 2 * SQRT2
    slope = 1 + 1 / (2 * v3)
    expected = {
        "w1": (w1, (1, 0), slope * 4 / w1),
        "w2": (w2, (0, 1), slope * 2),
        "v1": (2.0, (1 / w1, 0), slope * 4),
        "v2": (8.0, (4 / w1, 2), slope),
        "v3": (v3, (4 / w1 / (2 * v3), 2 / (2 * v3)), 1.0),
        "logarithms": (8 + v3, (slope * 4 / w1, slope * 2), 1.0),
    }
    check(explain(functions.logarithms, w1, w2), expected)


def test_every_node_of_the_sine():
    """sin(x1 x2) + x3^2 at (1, 2, 3)."""
    c = np.cos(2.0)
    expected = {
        "x1": (1.0, (1, 0, 0), 2 * c),
        "x2": (2.0, (0, 1, 0), c),
        "x3": (3.0, (0, 0, 1), 6.0),
        "v1": (2.0, (2, 1, 0), c),
        "v2": (np.sin(2.0), (2 * c, c, 0), 1.0),
        "v3": (9.0, (0, 0, 6), 1.0),
        "sine": (np.sin(2.0) + 9, (2 * c, c, 6), 1.0),
    }
    check(explain(functions.sine, 1.0, 2.0, 3.0), expected)


def test_contributions_of_each_user():
    """In the gaussian, x1 is used twice: by a = x1**2 and by the result, x1*e."""
    rows = {r.node.name: r for r in explain(functions.gaussian, 2.0, 0.5).reverse.rows}
    e = np.exp(-17 / 8)
    found = [(c.user, c.formula, float(c.value)) for c in rows["x1"].contributions]
    assert [f[:2] for f in found] == [("a", "2*x1*ā"), ("gaussian", "e*gaussian_bar")]
    np.testing.assert_allclose([f[2] for f in found], [-4 * e, e], rtol=1e-14)
    assert rows["x1"].formula == "x̄1 = 2*x1*ā + e*gaussian_bar"


def test_rules_are_written_in_the_users_names():
    rows = {r.node.name: r.formula for r in explain(functions.logarithms, 2.0, 3.0).forward.rows}
    assert rows == {
        "w1": "",
        "w2": "",
        "v1": "v̇1 = 1/w1*ẇ1",
        "v2": "v̇2 = v1*ẇ2 + w2*v̇1",
        "v3": "v̇3 = 0.5/v3*v̇2",
        "logarithms": "logarithms_dot = v̇2 + v̇3",
    }


def test_accents():
    assert (dotted("x1"), barred("x1"), dotted("loss"), barred("params['w'][0]")) == (
        "ẋ1",
        "x̄1",
        "loss_dot",
        "params_bar['w'][0]",
    )
    assert barred("x₁") == "x̄₁" and dotted("h[0]") == "ḣ[0]"


# against the library's own derivatives of the whole function -----------------------------------------------------
CASES = {
    "network": (
        functions.network,
        ([{"w": np.full((3, 2), 0.3), "b": np.zeros(2)}], np.linspace(0, 1, 12).reshape(4, 3)),
    ),
    "loop": (functions.loop, (1.0, 2.0)),
    "halved": (functions.halved, (9.0,)),
    "einsum": (lambda a, b: np.einsum("ij,jk->", a, b) + np.linalg.norm(a), (np.ones((2, 3)), np.ones((3, 2)))),
    "assigned": (lambda x: wg.fori_loop(0, 3, lambda i, y: y * x, x)[0], (np.array([1.5, 2.0]),)),
    "used twice": (lambda x: x * x * x, (1.5,)),
    "float32": (lambda x: np.sum(np.sin(x) * x), (np.float32([1.0, 2.0]),)),
    "zero-dimensional": (lambda x: np.exp(x) * x, (np.array(0.5),)),
    "empty": (lambda x: np.sum(x**2), (np.zeros((0, 3)),)),
    "solve": (lambda A, b: np.sum(np.linalg.solve(A, b)), (np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0]))),
}


@pytest.mark.parametrize("name", CASES)
def test_tables_agree_with_the_derivatives_of_the_whole_function(name):
    fun, args = CASES[name]
    made = explain(fun, *args)
    expected = wg.tree_map(lambda x: x, wg.grad(fun, tuple(range(len(args))))(*args))
    leaves = [g for g in made.reverse.gradient if g is not None]
    for found, wanted in zip(leaves, _leaves(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6 if name == "float32" else 1e-12)
    assert made.forward.rows[-1].node.output or made.forward.rows[-1].node.in_loop
    (result,) = [r for r in made.forward.rows if r.node.output]
    for k, d in enumerate(made.directions):
        tangents = [np.zeros_like(x) if t is None else t for t, x in zip(d.tangents, made.point.leaves, strict=True)]
        slope = sum(np.sum(g * t) for g, t in zip(leaves, tangents, strict=True))
        np.testing.assert_allclose(result.tangents[k] or 0.0, slope, rtol=1e-5 if name == "float32" else 1e-10)


def _leaves(tree):
    found = []
    wg.tree_map(lambda x: found.append(x), tree)
    return found


@pytest.mark.parametrize("name", CASES)
def test_an_adjoint_is_the_sum_of_its_contributions(name):
    fun, args = CASES[name]
    for row in explain(fun, *args).reverse.rows:
        if row.adjoint is not None:
            np.testing.assert_allclose(sum(c.value for c in row.contributions), row.adjoint, rtol=1e-6)


def test_custom_rules_take_part_and_are_named():
    @wg.custom_vjp
    def clipped(x):
        return x * 1.0

    clipped.defvjp(lambda x: (x * 1.0, None), lambda _, bar: (np.minimum(bar, 0.5),))

    made = explain(lambda x: clipped(x) * 3.0, 2.0)
    assert made.reverse.gradient[0] == 0.5
    assert any("clipped" in n.expression for n in made.nodes)


# seeds and directions --------------------------------------------------------------------------------------------
def test_a_vector_result_takes_a_seed_or_one_output():
    def f(x):
        return {"a": x**2, "b": np.sum(x)}

    x = np.array([1.0, 2.0])
    assert np.array_equal(explain(f, x).reverse.gradient[0], 2 * x + 1)  # of the sum of all results
    assert np.array_equal(explain(f, x, output=1).reverse.gradient[0], [0, 4])
    seed = {"a": np.array([0.0, 10.0]), "b": np.float64(0.5)}
    assert np.array_equal(explain(f, x, seed=seed).reverse.gradient[0], [0.5, 40.5])
    assert "sum of all results" in explain(f, x).notes[0]


def test_directions_of_the_users():
    made = explain(functions.polynomial, 3.0, 4.0, directions={"diagonal": (1.0, 1.0), "x": (1.0, 0.0)})
    assert [d.name for d in made.forward.directions] == ["diagonal", "x"]
    assert [float(t) for t in made.forward.rows[-1].tangents] == [34.0, 24.0]


def test_many_elements_move_together():
    made = explain(lambda x, y: np.sum(x * y), np.arange(20.0), np.ones(20))
    assert [d.name for d in made.directions] == ["x + t", "y + t"]
    assert [float(t) for t in made.forward.rows[-1].tangents] == [20.0, 190.0]


def test_complex_functions():
    made = explain(lambda z: np.exp(1j * z) * z, 1.0 + 2.0j)
    slope = np.exp(1j * (1 + 2j)) * (1 + 1j * (1 + 2j))
    np.testing.assert_allclose(made.forward.rows[-1].tangents[0], slope, rtol=1e-14)
    np.testing.assert_allclose(made.reverse.gradient[0], slope, rtol=1e-14)


def test_integers_are_constants():
    made = explain(lambda x, n: x**n, 2.0, 3)
    adjoints = {r.node.name: r.adjoint for r in made.reverse.rows}
    assert adjoints["x"] == 12.0 and adjoints["n"] is None
    assert "n" in made.notes[0]


def test_static_arguments_and_keywords():
    def f(x, how="sin", *, scale):
        return getattr(np, how)(x) * scale

    made = explain(f, 1.0, "cos", scale=2.0)
    assert [n.name for n in made.nodes if n.kind == "input"] == ["x", "scale"]
    np.testing.assert_allclose(made.reverse.gradient, [-2 * np.sin(1.0), np.cos(1.0)])


# long lists ------------------------------------------------------------------------------------------------------
def test_a_long_list_shows_its_beginning_and_its_end():
    def f(x):
        for _ in range(1500):
            x = x + np.sin(x) * 0.001
        return x

    made = explain(f, 1.0, unroll=True)
    assert made.wengert_list.total == 4501 and len(made.nodes) == 2000
    assert made.nodes[0].name == "x" and made.nodes[-1].output
    np.testing.assert_allclose(made.reverse.gradient[0], wg.grad(f)(1.0), rtol=1e-12)
    np.testing.assert_allclose(made.forward.rows[-1].tangents[0], wg.grad(f)(1.0), rtol=1e-12)
    assert any("left out" in note for note in made.notes)


# errors ----------------------------------------------------------------------------------------------------------
def test_bad_input_is_refused_with_a_reason():
    with pytest.raises(NonDifferentiableInputError, match="floating-point"):
        explain(lambda x: x * 2, 3)
    with pytest.raises(ArgumentError, match="output=7"):
        explain(lambda x: x * 2, 3.0, output=7)
    with pytest.raises(ArgumentError, match="both"):
        explain(lambda x: x * 2, 3.0, output=0, seed=1.0)
    with pytest.raises(StructureError, match="returned a str"):
        explain(lambda x: "x", 3.0)
    with pytest.raises(NonScalarOutputError, match="no floating-point result"):
        explain(lambda x: x > 2, 3.0)
    with pytest.raises(StructureError, match="direction d1"):
        explain(lambda x, y: x * y, 3.0, 1.0, directions=[1.0])
    with pytest.raises(StructureError, match="a function"):
        explain(3.0, 1.0)
    with pytest.raises(NonDifferentiableInputError, match="traced value"):
        wg.grad(lambda x: explain(np.sin, x) and x)(1.0)
