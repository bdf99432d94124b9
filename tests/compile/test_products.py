"""Products written down: every shape of tile and of what is left over, transposed, stacked, added to; against NumPy."""

import itertools

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


def check(subscripts, shape_a, shape_b, dtype="float64"):
    """A product of arrays that are given, and of arrays that the program makes, against NumPy in double precision."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(dtype) for s in (shape_a, shape_b))
    expected = np.einsum(subscripts, a.astype(float), b.astype(float))
    scale = np.sqrt(expected.size and a.size / expected.size * 10 + 10)
    for g in (lambda a, b: wnp.einsum(subscripts, a, b), lambda a, b: wnp.einsum(subscripts, a * 2, b - 0.0) * 0.5):
        y = wg.jit(g)(a, b)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE[dtype] * scale * 10)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("m, n", list(itertools.product([2, 3, 13, 50], [2, 7, 8, 9, 15, 17, 25, 40])))
def test_rows_and_columns(m, n, dtype):
    check("ik,kj->ij", (m, 33), (33, n), dtype)


@pytest.mark.parametrize("subscripts", ["ik,kj->ij", "ki,kj->ij", "ik,jk->ij", "ki,jk->ij", "ik,kj->ji", "ki,jk->ji"])
@pytest.mark.parametrize("m, k, n", [(40, 20, 30), (100, 17, 9), (9, 600, 33), (5, 300, 5), (20, 1025, 20)])
def test_orders_of_axes(subscripts, m, k, n):
    lengths = {"i": m, "k": k, "j": n}
    a, b = subscripts.split("->")[0].split(",")
    check(subscripts, [lengths[c] for c in a], [lengths[c] for c in b])


@pytest.mark.parametrize(
    "subscripts, a, b",
    [
        ("bik,bkj->bij", (6, 20, 30), (6, 30, 10)),
        ("bik,bjk->bij", (6, 32, 18), (6, 32, 18)),
        ("lmik,kj->lmij", (4, 5, 20, 30), (30, 9)),
        ("lmik,lmij->kj", (4, 5, 20, 30), (4, 5, 20, 9)),
        ("lik,lij->kj", (700, 20, 25), (700, 20, 8)),
        ("hbik,hbjk->bhij", (2, 3, 17, 20), (2, 3, 17, 20)),
        ("bik,kj->jib", (5, 20, 30), (30, 20)),
    ],
)
def test_stacks(subscripts, a, b):
    check(subscripts, a, b)


def test_what_is_not_finite_stays_so():
    a, b = np.ones((20, 30)), np.ones((30, 12))
    a[3, 4], b[7, 2] = np.inf, np.nan
    y = wg.jit(lambda a, b: a @ b)(a, b)
    np.testing.assert_array_equal(y, a @ b)


def test_a_product_shares_the_loop_over_a_batch():
    rng = np.random.default_rng(1)
    x, w, v = rng.standard_normal((30, 20, 40)), rng.standard_normal((40, 24)), rng.standard_normal((24, 20))

    def loss(np_, x, w, v):
        return np_.sum(np_.tanh(np_.maximum(x @ w, 0.0) @ v) ** 2)

    f = wg.jit(lambda *args: loss(wnp, *args))
    np.testing.assert_allclose(f(x, w, v), loss(np, x, w, v), rtol=1e-13)
    assert f.loops(x, w, v).count("product") == 2
    g = wg.jit(wg.grad(lambda w: loss(wnp, x, w, v)))(w)
    h = np.zeros_like(w)
    h[3, 5] = 1e-6
    numerical = (loss(np, x, w + h, v) - loss(np, x, w - h, v)) / 2e-6
    np.testing.assert_allclose(g[3, 5], numerical, rtol=1e-7)


def test_products_that_are_added_to_sums():
    rng = np.random.default_rng(2)
    a, b, c = rng.standard_normal((50, 30)), rng.standard_normal((50, 20)), rng.standard_normal((50, 30))

    def f(np_, a, b, c):
        return (a + c).T @ b + a.T @ (b * 2.0) - c.T @ b

    np.testing.assert_allclose(wg.jit(lambda *x: f(wnp, *x))(a, b, c), f(np, a, b, c), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "subscripts, a, b",
    [
        ("ab,bc->ac", (60, 70), (70, 3)),
        ("ba,bc->ca", (70, 3), (70, 60)),
        ("ab,bc->ca", (60, 70), (70, 2)),
        ("ab,cb->ac", (60, 3), (70, 3)),
        ("lab,lbc->lac", (4, 30, 70), (4, 70, 3)),
        ("abd,bc->acd", (20, 70, 2), (70, 3)),
    ],
)
def test_thin_results(subscripts, a, b):
    check(subscripts, a, b)


def test_forces_between_points_are_one_loop():
    rng = np.random.default_rng(3)
    x, d = rng.standard_normal((70, 3)), rng.uniform(1, 2, (70, 70))

    def loss(np_, x):
        s = np_.sum(x * x, axis=1)
        excess = s[:, None] + s[None, :] - 2.0 * (x @ x.T) - d
        return np_.sum(excess * excess)

    g = wg.jit(wg.grad(lambda x: loss(wnp, x)))
    s = np.sum(x * x, axis=1)
    e = s[:, None] + s[None, :] - 2.0 * (x @ x.T) - d
    expected = 4 * (np.sum(e, axis=0) + np.sum(e, axis=1))[:, None] * x - 4 * (e @ x + e.T @ x)
    np.testing.assert_allclose(g(x), expected, rtol=1e-11, atol=1e-10)
    assert g.memory(x).working < x.shape[0] ** 2 * 8  # the matrix of distances is never there
