"""What is printed of a compiled function: counts against counts by hand, and every stage in its words."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.loops.costs import cost
from wengert.compile.loops.ir import Loop, nodes
from wengert.errors import StructureError

X = np.linspace(0.1, 1.0, 1000)


def report(f, *args):
    return wg.jit(f).report(*args)


def test_elementwise_loops_are_counted():
    r = report(lambda x: np.sin(x) * 2.0 + 1.0, X)
    assert (r.flops, r.functions, r.bytes) == (2 * 1000, 1000, 2 * 8000)
    assert [p.times for p in r.parts] == [1]
    assert r.parts[0].what == "loop 1000"


def test_sums_are_counted():
    r = report(lambda x: np.sum(x * x), X)
    loop = next(p for p in r.parts if p.what.startswith("loop"))
    assert (loop.cost.flops, loop.cost.functions) == (2000, 0)


def test_complex_operations_are_several_real_ones():
    r = report(lambda z: z * z, X + 1j)
    assert (r.flops, r.bytes) == (6000, 32000)


def test_products_of_matrices():
    a, b = np.ones((64, 50)), np.ones((50, 40))
    assert report(lambda a, b: a @ b, a, b).flops == 2 * 64 * 50 * 40


def test_solves_to_the_highest_order():
    a = np.eye(200) + 1.0
    n = 200
    assert report(lambda a, b: np.linalg.solve(a, b), a, np.ones(n)).flops == pytest.approx(2 / 3 * n**3, rel=0.05)
    assert report(lambda a: np.linalg.cholesky(a), a).flops == pytest.approx(n**3 / 3, rel=0.05)


def test_rounds_multiply():
    r = report(lambda x: wg.fori_loop(0, 50, lambda i, c: c * x + 1.0, 0.5), 2.0)
    assert r.flops == 50 * 2
    assert "50 rounds" in str(r)


def test_what_data_decide_is_not_known():
    r = report(lambda x: wg.while_loop(lambda c: c < 100.0, lambda c: c * 2.0, x), 2.0)
    assert r.flops is None
    assert "?" in str(r)


def test_callbacks_say_why():
    r = report(lambda x: np.sum(np.sort(x) ** 2), X)
    assert set(r.callbacks) == {"argsort"}
    assert "calls back into NumPy" in str(r)
    assert "float16" in str(report(lambda x: x * 2, X.astype(np.float16))) or "f16" in str(
        report(lambda x: x * 2, X.astype(np.float16))
    )
    assert report(lambda x: x * 2, X).callbacks == {}


def test_what_is_saved_and_what_is_computed_again():
    def f(w, x):
        h = np.tanh(x @ w)
        return np.sum((h - np.mean(h)) ** 2)

    r = report(wg.grad(f), np.ones((30, 40)), np.ones((500, 30)))
    assert "f64[20000]" in [c.type for c in r.saved]
    assert all(c.line.startswith("test_report.py:") for c in r.saved)
    assert "saved for the backward half" in str(r)
    forward = report(f, np.ones((30, 40)), np.ones((500, 30)))
    assert forward.saved == forward.recomputed == []


def test_stages_and_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "code"))
    first, second = (report(lambda x: np.cos(x) ** 3, X) for _ in range(2))
    assert list(first.seconds) == [
        *("record", "simplify", "lower", "fuse", "plan", "emit", "optimise", "machine code", "load")
    ]
    assert not first.cached
    assert second.cached
    assert not {"optimise", "machine code"} & set(second.seconds)
    assert "code found on disk" in str(second)


def test_lines_are_the_users():
    r = report(lambda x: np.exp(x), X)
    assert r.parts[0].lines[0].startswith("test_report.py:")


def test_every_stage_prints():
    f = wg.jit(wg.grad(lambda x: np.sum(np.sin(x) ** 2)))
    for given in (X, wg.ArrayType((1000,), np.float64)):
        assert "sin" in str(f.program(given))
        assert "for i < 1000" in f.loops(given)
        assert "define i32 @wengert_main" in f.llvm(given)
        assert "wengert_main:" in f.assembly(given)
        assert "compiled in" in str(f.report(given))
        assert f.memory(given).arguments == 8000
    assert len(f.known) == 1
    with pytest.raises(StructureError, match="was called with a type"):
        f(wg.ArrayType((1000,), np.float64))


def test_costs_of_loops_whose_length_is_data():
    f = wg.jit(wg.grad(lambda x: wg.while_loop(lambda c: c < 100.0, lambda c: c * x, x)))
    for node in nodes(f.look((2.0,), {}).stages.block):
        if type(node) is Loop:
            assert cost(node).flops >= 0
