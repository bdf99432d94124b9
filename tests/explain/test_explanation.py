"""wg.explain as a whole: what it prints and writes, how long it takes, what it loads."""

import subprocess
import sys
import time

import numpy as np
import pytest

import textbook_functions as functions
import wengert as wg


def test_as_text():
    made = wg.explain(functions.gaussian, 2.0, 0.5)
    text = str(made)
    assert text.startswith("gaussian at x1 = 2, x2 = 0.5")
    for title in ("Forward mode", "Reverse mode", "Five ways to differentiate", "Error against step", "Cost"):
        assert title in text
    assert "ẋ1" in text and "x̄1 = 2*x1*ā + e*gaussian_bar" in text
    assert repr(made) == "<wg.explain of gaussian at x1 = 2, x2 = 0.5: 9 nodes>"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_in_a_terminal_no_line_is_too_long(width):
    from io import StringIO

    from rich.console import Console

    for made in (wg.explain(functions.gaussian, 2.0, 0.5), wg.explain(functions.loop, 1.0, 2.0)):
        out = StringIO()
        Console(file=out, width=width).print(made)
        assert max(map(len, out.getvalue().splitlines())) <= width + 10  # accents count, and take no room
        assert "reverse mode" in out.getvalue()


def test_the_page_and_the_notebook(tmp_path):
    made = wg.explain(functions.gaussian, 2.0, 0.5)
    path = made.save(tmp_path / "gaussian.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert made._repr_html_().startswith("<style>")
    assert made.graph.svg().startswith("<svg") and made.extended_graph.svg().startswith("<svg")


def test_one_node_by_its_name():
    made = wg.explain(functions.gaussian, 2.0, 0.5)
    assert made["a"].value == 4.0 and made["a"].tangents == (4.0, None)
    assert [c.user for c in made["x1"].contributions] == ["a", "gaussian"]
    with pytest.raises(wg.errors.ArgumentError, match="no node 'q'"):
        made["q"]


def test_the_mode_of_the_jacobian():
    assert wg.explain(lambda x: np.sum(x**2), np.ones(50)).mode.mode == "reverse"
    assert wg.explain(lambda x: np.ones(50) * x, 2.0).mode.mode == "forward"
    mixed = wg.explain(lambda x, z: (np.real(z) * x, z * x), 1.0, 1j)
    assert "Jacobian" in str(mixed)


def test_what_is_shown_is_what_was_recorded():
    made = wg.explain(functions.gaussian, 2.0, 0.5)
    assert isinstance(made.program, wg.Program)
    assert made.program(2.0, 0.5) == functions.gaussian(2.0, 0.5)
    (result,) = [n for n in made.nodes if n.output]
    assert result.value == functions.gaussian(2.0, 0.5)
    assert result.line == "return x1 * e"


def test_the_arguments_may_change_afterwards():
    x = np.array([1.0, 2.0])
    made = wg.explain(lambda x: np.sum(x**2), x)
    x[:] = 0
    assert made.nodes[-1].value == 5.0 and np.array_equal(made.reverse.gradient[0], [2.0, 4.0])


def test_effects_are_not_done_again(capsys):
    def f(x):
        print("called")
        wg.print("x is {}", x)
        return x * x

    str(wg.explain(f, 3.0))
    assert capsys.readouterr().out == ""  # what it prints at each of the hundreds of evaluations is nobody's question


def test_a_feed_forward_network_layer_by_layer():
    """v_k = tanh(v_{k-1} w_k + b_k), batched: adjoints have the shapes of their primals."""
    rng = np.random.default_rng(0)
    params = [{"w": rng.normal(size=s), "b": np.zeros(s[1])} for s in ((4, 5), (5, 3))]
    made = wg.explain(functions.network, params, rng.normal(size=(7, 4)))
    shapes = {r.node.name: np.shape(r.adjoint) for r in made.reverse.rows}
    assert shapes["params[0]['w']"] == (4, 5) and shapes["params[1]['b']"] == (3,)
    assert shapes["x"] == (7, 4) and shapes["x₁"] == (7, 5) and shapes["x₂"] == (7, 3)
    rows = {r.node.name: r for r in made.reverse.rows}
    assert rows["params[1]['w']"].formula.startswith("params_bar[1]['w'] = x₁.T @ ")
    gradient = wg.grad(functions.network)(params, made.point.leaves[-1])
    np.testing.assert_allclose(rows["params[0]['w']"].adjoint, gradient[0]["w"], rtol=1e-12)


# speed -----------------------------------------------------------------------------------------------------------
def processor_seconds(run):
    """The least of three."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def test_ten_nodes_take_a_moment():
    assert processor_seconds(lambda: str(wg.explain(functions.gaussian, 2.0, 0.5))) < 0.3


def long(x, n):
    for _ in range(n):
        x = x + np.sin(x) * 0.01
    return x


def test_a_thousand_nodes_take_less_than_three_seconds():
    assert processor_seconds(lambda: str(wg.explain(lambda x: long(x, 333), 1.0, unroll=True))) < 3


def test_a_long_program_is_abridged():
    made = wg.explain(lambda x: long(x, 3_000), 1.0, unroll=True)
    assert made.wengert_list.total == 9_001 and len(made.nodes) == 2000
    lines = str(made).splitlines()
    assert len(lines) < 250 and any("7,001 of 9,001 nodes" in line for line in lines)


def test_a_program_that_only_differentiates_loads_nothing_of_it():
    script = "import sys, wengert; print([m for m in sys.modules if m.startswith('wengert.explain.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
