"""The benchmark harness: what agrees, what is judged, and the programs that are no other library's business."""

import math

import numpy as np
import pytest

import wengert as wg
from benchmarks import targets
from benchmarks.libraries import LIBRARIES
from benchmarks.measure import difference, disagreements, names
from benchmarks.programs import COMPILED, NAMES, bundle, kmeans, program
from benchmarks.tables import all_tables, duration, size


def result(gradient, function, compiled=1.0, memory=100):
    def wall(seconds):
        return {"wall": seconds, "wall_min": seconds, "cpu": seconds, "cpu_min": seconds, "samples": 1}

    compile_s = {"gradient": compiled, "function": compiled}
    return {"gradient": wall(gradient), "function": wall(function), "compile": compile_s, "memory": memory}


def row(name, kind, **results):
    return {"name": name, "title": name, "kind": kind, "results": results, "notes": {}}


def judged(rows):
    return {(v.target, v.program, v.unit): v for v in targets.verdicts(rows)}


@pytest.mark.parametrize("name", NAMES)
def test_every_program_is_named_as_it_is_found(name):
    p = program(name)
    assert p.name == name
    assert names(p), "it is measured in some library"
    assert set(p.left_out) <= set(LIBRARIES)


@pytest.mark.parametrize("name", COMPILED)
def test_data_come_from_a_fixed_seed(name):
    one, other = program(name).data(), program(name).data()
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key])


def test_difference_is_relative_to_the_largest_element():
    assert difference([np.array([1.0, 200.0])], [np.array([3.0, 200.0])]) == pytest.approx(0.01)
    assert difference([np.zeros(2)], [np.zeros(2)]) == 0.0


def test_difference_of_nan_and_of_other_shapes_is_no_agreement():
    assert math.isnan(difference([np.ones(2), np.array([np.nan])], [np.ones(2), np.ones(1)]))
    assert math.isnan(difference([np.array([np.nan]), np.ones(2)], [np.ones(1), np.ones(2)]))
    assert difference([np.ones(2)], [np.ones(3)]) == math.inf


def test_disagreements_name_the_library_that_differs_from_jax():
    good, bad = [np.array([1.0])], [np.array([1.0 + 1e-6])]
    lost = [np.array([np.nan])]
    results = {
        "wengert": {"gradient": bad, "function": good},
        "JAX": {"gradient": good, "function": good},
        "PyTorch": {"gradient": lost, "function": good},
        "C": {"function": good},
    }
    found = disagreements(results, 1e-9)
    assert set(found) == {"wengert", "PyTorch"}
    assert "gradient" in found["wengert"] and "1.0e-06" in found["wengert"]


def test_speed_of_arrays_is_judged_by_jax():
    rows = [
        row("gmm", "array", wengert=result(0.7, 0.5), JAX=result(1.0, 0.5)),
        row("kmeans", "array", wengert=result(0.7, 0.5), JAX=result(1.0, 0.5)),
    ]
    found = judged(rows)
    assert found["gradient, array", "gmm", "JAX"].met
    missed = found["gradient, array", "kmeans", "JAX"]
    assert not missed.met
    assert missed.excess == pytest.approx(0.7 / 0.6)


def test_speed_of_loops_is_judged_each_and_together():
    rows = [
        row("lorenz", "loop", wengert=result(1.0, 1.0), JAX=result(9.0, 1.0), PyTorch=result(10.0, 1.0)),
        row("kalman", "loop", wengert=result(1.0, 1.0), JAX=result(4.0, 1.0), PyTorch=result(30.0, 1.0)),
    ]
    found = judged(rows)
    assert not found["gradient, loops", "lorenz", "JAX"].met
    assert found["gradient, loops", "kalman", "JAX"].met
    assert found["gradient, loops", "geometric mean", "JAX"].measured == pytest.approx(1.0 / 6.0)
    assert not found["gradient, loops", "lorenz", "PyTorch"].met
    assert found["gradient, loops", "kalman", "PyTorch"].met


def test_ratio_compile_time_memory_and_calls_are_judged():
    rows = [
        row("gmm", "array", wengert=result(3.0, 1.0, 0.3, 101), JAX=result(9.0, 1.0, 1.0, 100)),
        row("scalar", "call", wengert=result(3e-6, 1.5e-6), JAX=result(6e-6, 6e-6)),
        row("bundle", "sparse", wengert=result(6.0, 1.0), C={"function": {"wall": 0.5}, "compile": {}}),
    ]
    found = judged(rows)
    assert not found["gradient / function", "gmm", "own function"].met
    assert not found["compile time", "gmm", "JAX"].met
    assert not found["peak memory", "gmm", "JAX"].met
    assert found["call of a scalar function", "scalar", "s"].met
    assert found["sparse Jacobian", "bundle", "own function"].met
    assert not found["function", "bundle", "C"].met


def test_what_was_not_measured_is_not_judged_and_leaves_a_cell():
    failed = row("gmm", "array", JAX=result(1.0, 0.5))
    failed["notes"]["wengert"] = "failed: ValueError: no"
    assert targets.verdicts([failed]) == []
    lines = all_tables([failed])[0].lines
    assert lines[0][1] == "failed"


def test_geometric_mean():
    assert targets.geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert math.isnan(targets.geometric_mean([]))


def test_numbers_are_written_with_their_units():
    assert duration(1.234e-4) == "123 \N{MICRO SIGN}s"
    assert duration(0.9999) == "1000 ms"
    assert size(3 * 2**20) == "3 MiB"


def test_sparse_jacobian_is_the_dense_one(monkeypatch):
    monkeypatch.setattr(bundle, "OBSERVATIONS", 13)
    monkeypatch.setattr(bundle, "CAMERAS", 3)
    monkeypatch.setattr(bundle, "POINTS", 5)
    data = bundle.data()
    subject = bundle.wengert(data)
    sparse = bundle.matrix(subject.derivative(*subject.args), data).toarray()

    def flat(cameras, points, weights):
        errors, rest = subject.f(cameras, points, weights, *subject.args[3:])
        return np.concatenate([errors.reshape(-1), rest])

    blocks = wg.jacfwd(flat, argnums=(0, 1, 2))(*subject.args[:3])
    dense = np.concatenate([b.reshape(39, -1) for b in blocks], axis=1)
    np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-9)


def test_hessian_diagonal_of_kmeans_is_twice_the_number_of_points(monkeypatch):
    monkeypatch.setattr(kmeans, "N", 50)
    monkeypatch.setattr(kmeans, "K", 4)
    data = kmeans.data()
    subject = kmeans.wengert(data)
    gradient, diagonal = subject.derivative(*subject.args)
    nearest = np.argmin(((data["points"][:, None] - data["centroids"]) ** 2).sum(axis=2), axis=1)
    counts = np.bincount(nearest, minlength=4)
    np.testing.assert_allclose(diagonal, 2.0 * counts[:, None] * np.ones(kmeans.D), rtol=1e-12)
    sums = np.stack([data["points"][nearest == k].sum(axis=0) for k in range(4)])
    np.testing.assert_allclose(gradient, 2.0 * (counts[:, None] * data["centroids"] - sums), rtol=1e-9, atol=1e-9)
