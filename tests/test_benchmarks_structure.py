"""The table of what structure saves: verdicts, tables, agreement before timing; what the rows compute."""

import importlib
import math

import numpy as np
import pytest
import scipy.sparse as sp

import wengert as wg
from benchmarks.structure import NAMES, clock, elimination, loops, report, sparse_hessian, sparse_jacobian, taylor
from benchmarks.structure.rows import Row, Target
from benchmarks.structure.run import Part


def test_every_part_has_a_heading_and_rows():
    for name in NAMES:
        module = importlib.import_module(f"benchmarks.structure.{name}")
        assert module.__doc__.splitlines()[0].endswith(".") and callable(module.rows)


def test_targets_are_met_from_their_side():
    assert Target("t", 1.0, "at most", 1.0).met and not Target("t", 1.1, "at most", 1.0).met
    assert Target("t", 1.0, "at least", 1.0).met and not Target("t", 0.9, "at least", 1.0).met
    assert Target("t", 2, "equal to", 2).met and not Target("t", 3, "equal to", 2).met
    assert not any(Target("t", math.nan, way, 1.0).met for way in ("at most", "at least", "equal to"))
    with pytest.raises(ValueError, match="below"):
        Target("t", 1.0, "below", 2.0)


PART = Part(
    "part",
    "A part",
    [
        Row("one", "s", {"wengert": 1e-6, "JAX": 2e-3}, (Target("ratio", 0.5, "at most", 1.0),), "a note"),
        Row("two", "s", {"wengert": 3.0, "JAX": 0.5}, (Target("ratio", 6.0, "at most", 1.0),)),
        Row("three", "bytes", {"wengert": 2048}),
        Row("four", "products", {"wengert": 27977, "JAX": 0.125}),
    ],
    "",
)


def test_rows_with_the_same_ways_are_one_table():
    tables = report.tables(PART)
    assert [t.title for t in tables] == ["A part", "A part", "A part: products"]
    assert tables[0].header == ["", "wengert", "JAX"]
    assert tables[0].lines == [["one", "1 \N{MICRO SIGN}s", "2 ms"], ["two", "3 s", "500 ms"]]
    assert tables[1].lines == [["three", "2 KiB"]] and tables[2].lines == [["four", "27,977", "0.125"]]


def test_verdicts_and_notes():
    failed = Part("other", "Another part", [], "ImportError: no")
    assert [line[-1] for line in report.verdicts([PART, failed]).lines] == ["met", "**missed**"]
    assert report.notes([PART, failed]) == ["one: a note", "Another part: not measured (ImportError: no)"]
    assert len(report.views([PART, failed])) == 4


def test_results_must_agree():
    dense, sparse = np.eye(2), sp.csr_array(np.eye(2))
    clock.agree({"dense": dense, "sparse": sparse})
    with pytest.raises(AssertionError, match=r"sparse differs from dense by 5.0e-01"):
        clock.agree({"dense": dense, "sparse": sparse * 1.5})
    with pytest.raises(AssertionError, match="b differs"):
        clock.agree({"a": {"x": np.ones(2)}, "b": {"x": np.full(2, np.nan)}})


def test_times_are_taken_in_turn():
    order = []
    taken = clock.race({name: lambda name=name: order.append(name) for name in "ab"}, fill_s=0.0)
    assert set(taken) == {"a", "b"} and min(taken.values()) > 0
    assert order[:2] == ["a", "b"] and order.index("a", order.index("b", 2)) > 0


def test_colours_by_hand():
    """As a user of another library would colour: no two columns of a colour meet in a row."""
    structure = wg.sparse.jacobian(sparse_jacobian.text(np)).structure(sparse_jacobian.start()).pattern
    A = sp.csr_array((np.ones(structure.nnz), structure.indices, structure.indptr), structure.shape)
    colour = sparse_jacobian.greedy(A)
    seeds = np.eye(colour.max() + 1)[colour]
    assert (A @ seeds).max() == 1.0
    assert len(seeds[0]) <= 2 * wg.sparse.jacobian(sparse_jacobian.text(np)).colouring(sparse_jacobian.start()).products


def test_what_is_measured_is_what_it_says():
    """The functions of the rows, against closed forms."""
    u = np.linspace(1.0, 2.0, 5)
    assert sparse_hessian.text(np)(np.ones(5)) == 0.0 and sparse_jacobian.stencil(u).shape == (4,)
    equilibrium = np.concatenate([np.full(1024, 1.0), np.full(1024, 3.4)])  # u = A, v = B / A
    np.testing.assert_allclose(sparse_jacobian.text(np)(equilibrium), 0.0, atol=1e-9)
    np.testing.assert_allclose(loops.step_of(np)(np.full(6, loops.FORCE)), loops.FORCE)  # the fixed point x = F
    assert len(wg.trace(taylor.text(np))(0.3).equations) == 35
    f = taylor.text(np)
    np.testing.assert_allclose(taylor.nested(wg.grad, f, 3)(0.3), wg.derivatives(f, 0.3, order=3)[3], rtol=1e-12)


def test_rounds_and_counts():
    row = loops.rounds()
    assert all(target.met for target in row.targets) and row.numbers["wengert"] == row.numbers["optimum"] == 27_977
    assert set(elimination.HEURISTIC) == set(elimination.SEARCHED) == set(elimination.PROGRAMS)
