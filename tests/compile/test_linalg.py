"""Linear algebra, compiled: defining equations, NumPy's results and errors, gradients; small and large matrices."""

import numpy as np
import pytest

import wengert as wg
from compile.test_blas import TOLERANCE, agree, random, text_of
from wengert.errors import SingularPointError
from wengert.primitives.linalg import solve_triangular
from wengert.primitives.linalg_det import cofactors

la = np.linalg
rng = np.random.default_rng(1)
CASES = [
    *((n, (), "d") for n in (1, 2, 6, 8, 20)),
    *((3, (2, 2), "d"), (9, (3,), "d")),
    *((n, (2,), dtype) for n in (4, 11) for dtype in "fDF"),
]
sizes = pytest.mark.parametrize(("n", "stack", "dtype"), CASES)


def mT(x):
    """Matrices transposed."""
    return np.swapaxes(x, -1, -2)


def regular(n, stack=(), dtype="d"):
    """Matrices that are far from singular."""
    return np.asarray(random((*stack, n, n), dtype) + 2 * np.sqrt(n) * np.eye(n), dtype)


def positive(n, stack=(), dtype="d"):
    """Positive definite matrices."""
    a = regular(n, stack, dtype)
    return a @ mT(a).conj()


def close(found, expected, dtype, factor=1.0):
    """Equal to rounding."""
    tol = factor * TOLERANCE[dtype]
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol * max(1, np.abs(expected).max(initial=0)))


@sizes
def test_systems(n, stack, dtype):
    a, b, c = regular(n, stack, dtype), random((*stack, n, 3), dtype), random((*stack, n, 11), dtype)

    @wg.jit
    def f(a, b, c):
        x, y = la.solve(a, b), la.solve(mT(a), c)
        return x, y, la.solve(a, b[..., :1]), la.inv(a), la.inv(mT(a)), la.solve(a, mT(mT(b) * 2)), la.solve(a, a)

    x, y, z, p, q, w, one = f(a, b, c)
    for found, matrix, right in ((x, a, b), (y, mT(a), c), (z, a, b[..., :1]), (w, a, 2 * b)):
        close(matrix @ found, right, dtype, 10)
        close(found, la.solve(matrix, right), dtype, 10)
    close(a @ p, np.broadcast_to(np.eye(n), a.shape), dtype, 10)
    close(one, np.broadcast_to(np.eye(n), a.shape), dtype, 10)
    close(q, mT(p), dtype, 10)


@sizes
def test_triangles(n, stack, dtype):
    a, b = regular(n, stack, dtype), random((*stack, n, 4), dtype)
    kinds = [(lower, unit) for lower in (True, False) for unit in (True, False)]

    @wg.jit
    def f(a, b):
        found = []
        for lower, unit in kinds:
            found.append(solve_triangular(a, b, lower=lower, unit=unit))
            found.append(solve_triangular(mT(a), b[..., :1] * 2, lower=lower, unit=unit))
            found.append(solve_triangular(a, mT(mT(b) * 2), lower=lower, unit=unit))
        return found

    found = iter(f(a, b))
    for lower, unit in kinds:
        for matrix, right in ((a, b), (mT(a), 2 * b[..., :1]), (a, 2 * b)):
            t = np.tril(matrix) if lower else np.triu(matrix)
            if unit:
                t = t + np.eye(n, dtype=dtype) * (1 - t)
            x = next(found)
            close(t @ x, right, dtype, 100 * np.abs(x).max() / np.abs(right).max())


@sizes
def test_factorisations(n, stack, dtype):
    s, a = positive(n, stack, dtype), random((*stack, n + 2, n), dtype)

    @wg.jit
    def f(s, a):
        return la.cholesky(s), la.cholesky(mT(s + s)), *la.qr(a), *la.qr(mT(a))

    low, other, q, r, p, t = f(s, a)
    close(low, la.cholesky(s), dtype)
    close(other, la.cholesky(mT(s + s)), dtype)
    for found, expected in zip((q, r, p, t), (*la.qr(a), *la.qr(mT(a))), strict=True):
        close(found, expected, dtype, 10)
    assert (np.tril(r, -1) == 0).all() and (np.triu(low, 1) == 0).all()


@sizes
def test_determinants(n, stack, dtype):
    a = random((*stack, n, n), dtype)
    a[..., 0] *= 2
    det, transposed, sign, log = wg.jit(lambda a: (la.det(a), la.det(mT(a) * 1.5), *la.slogdet(a)))(a)
    close(det, la.det(a), dtype, 100)
    close(transposed, la.det(mT(a) * 1.5), dtype, 100)
    close(sign, la.slogdet(a)[0], dtype, 10)
    close(log, la.slogdet(a)[1], dtype, 10)
    if n <= 4:
        close(wg.jit(cofactors)(a), la.det(a)[..., None, None] * mT(la.inv(a)), dtype, 1000)


@sizes
def test_spectra(n, stack, dtype):
    s, a = positive(n, stack, dtype), random((*stack, n + 2, n), dtype)

    @wg.jit
    def f(s, a):
        thin, full = la.svd(a, full_matrices=False), la.svd(mT(a))
        return *la.eigh(s), la.eigvalsh(mT(s)), *thin, *full, la.svd(a, compute_uv=False)

    w, v, values, u, d, vh, left, _, right, alone = f(s, a)
    close(w, la.eigvalsh(s), dtype, 10)
    close(values, w, dtype, 10)
    close(s @ v, v * w[..., None, :], dtype, 10)
    close(mT(v).conj() @ v, np.broadcast_to(np.eye(n), s.shape), dtype, 10)
    close((u * d[..., None, :]) @ vh, a, dtype, 10)
    close(d, la.svd(a, compute_uv=False), dtype, 10)
    close(alone, d, dtype, 10)
    close((left * d[..., None, :]) @ right[..., :n, :], mT(a), dtype, 10)


def test_small_matrices_are_written_out_and_large_ones_are_factored_once():
    def f(a, b):
        return la.slogdet(a)[1] * np.sum(la.solve(a, b)) + np.sum(la.inv(a.T))

    for g in (f, wg.grad(f, (0, 1))):
        assert "lapack." not in text_of(g, regular(6), random((6, 2)))
        assert "call_back" not in text_of(g, regular(12), random((12, 2)))
    assert text_of(f, regular(12), random((12, 2))).count("call void @lapack.dgetrf") == 1


FUNCTIONS = {
    "solve": lambda a: la.solve(a, np.cos(a)),
    "vector": lambda a: la.solve(a, a[0]),
    "inv": la.inv,
    "cholesky": lambda a: la.cholesky(a @ a.T),
    "det": lambda a: la.det(a / 4),
    "slogdet": lambda a: la.slogdet(a)[1],
    "qr": lambda a: la.qr(a)[0],
    "r": lambda a: la.qr(a[:, :2])[1],
    "eigvalsh": lambda a: la.eigvalsh(a @ a.T),
    "eigh": lambda a: (lambda w, v: (v * np.exp(-w / 30)) @ v.T)(*la.eigh(a + a.T)),
    "svdvals": lambda a: la.svd(a, compute_uv=False),
    "svd": lambda a: (lambda u, s, vh: (u * np.sin(s)) @ vh)(*la.svd(a, full_matrices=False)),
    "rows": lambda a: la.norm(a, axis=1),
    "frobenius": la.norm,
    "order 3": lambda a: la.norm(a[0], 3),
    "triangle": lambda a: solve_triangular(a, np.sin(a), lower=True, unit=False),
}


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name, n):
    f, a = FUNCTIONS[name], regular(n)
    weights = np.cos(np.arange(np.size(f(a)))).reshape(np.shape(f(a)))
    agree(wg.grad(lambda a: np.sum(f(a) * weights)), a, tol=1e-10)


def test_second_derivatives():
    x = random(4)
    agree(wg.hessian(lambda x: la.slogdet(np.outer(x, x) + np.eye(4) * (2 + x))[1]), x, tol=1e-10)
    agree(wg.hessian(lambda x: np.sum(la.solve(np.outer(x, x) + np.eye(4), x))), x, tol=1e-10)


def test_large_stacks_and_loops():
    a, b = regular(3, (500,)), random((500, 3, 1))
    agree(lambda a, b: np.sum(la.solve(a, b) ** 2) + np.sum(la.inv(a)), a, b, tol=1e-11)

    def filtered(a, b):
        def step(c, x):
            m, v = x
            c = la.solve(m, c + v)
            return c, la.slogdet(m)[1]

        c, logs = wg.scan(step, np.ones((3, 1)), (a, b))
        return np.sum(c * c) + np.sum(logs)

    agree(wg.grad(filtered), a[:50], b[:50], tol=1e-10)


def fails_as_numpy(f, x):
    """Compiled, a function raises the exception that it raises on NumPy's arrays."""
    with pytest.raises(la.LinAlgError) as expected:
        f(x)
    with pytest.raises(la.LinAlgError) as found:
        wg.jit(f)(x)
    if "at diagonal" in str(expected.value) and len(x) > 8:  # which one is said of small matrices alone
        assert str(found.value).startswith("singular matrix: resolution failed at ")
    else:
        assert str(found.value) == str(expected.value)
    assert "test_linalg.py" in found.value.__notes__[0]


@pytest.mark.parametrize("n", [1, 3, 12])
@pytest.mark.parametrize("stack", [(), (2,)])
def test_errors_are_those_of_numpy(n, stack):
    a = np.zeros((*stack, n, n))
    for f in (la.inv, lambda a: la.solve(a, a + 1)):
        fails_as_numpy(f, a)
    fails_as_numpy(lambda a: solve_triangular(a, a + 1, lower=True, unit=False), a)
    fails_as_numpy(lambda a: solve_triangular(a, a + 1, lower=False, unit=False), a + np.eye(n) * (np.arange(n) > 0))
    fails_as_numpy(la.cholesky, a - np.eye(n))
    fails_as_numpy(lambda a: la.svd(a)[1], a + np.nan)
    assert (wg.jit(la.det)(a) == 0).all() and (wg.jit(la.slogdet)(a)[1] == -np.inf).all()
    assert (wg.jit(la.slogdet)(a)[0] == 0).all()


@pytest.mark.parametrize("n", [2, 12])
def test_singular_points_are_refused(n):
    a = np.ones((n, n))
    for f in (lambda a: la.slogdet(a)[1], lambda a: la.qr(a)[0][0, 0] * la.qr(a)[1][0, 0]):
        with pytest.raises(SingularPointError):
            wg.jit(wg.grad(f))(a)
    with pytest.raises(SingularPointError, match="eigenvectors"):
        wg.jit(wg.grad(lambda a: np.sum(la.eigh(a)[1] * np.arange(n * n).reshape(n, n))))(np.eye(n))
    agree(wg.grad(lambda a: np.sum(la.eigvalsh(a))), np.eye(n))


@pytest.mark.parametrize("n", [2, 12])
def test_nan(n):
    a = regular(n)
    a[n - 1, n - 1] = np.nan
    assert np.isnan(wg.jit(la.cholesky)(a @ a.T)).any()
    assert np.isnan(wg.jit(lambda a: la.solve(a, np.ones((n, 1))))(a)).any()
    assert np.isnan(wg.jit(la.inv)(a)).any()


def test_empty():
    for shape in [(0, 0), (0, 3, 3), (0, 12, 12), (2, 0, 0)]:
        a = np.ones(shape)
        for f in (la.inv, la.cholesky, lambda a: la.solve(a, a), la.det, lambda a: la.slogdet(a)[1], la.eigvalsh):
            found, expected = wg.jit(f)(a), f(a)
            np.testing.assert_array_equal(found, expected)


def test_operands_are_left_alone():
    a, b = regular(12), random((12, 2))
    kept = a.copy(), b.copy()
    agree(lambda a, b: la.solve(a, b) + b + (a @ b) * la.det(a / 5), a, b, tol=1e-11)
    agree(lambda a: la.inv(np.sin(a)) @ np.sin(a), a, tol=1e-11)
    np.testing.assert_array_equal(a, kept[0])
    np.testing.assert_array_equal(b, kept[1])
