"""Linear algebra, compiled: defining equations, NumPy's results and errors, gradients; small and large matrices."""

import mpmath
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


# eigenvalues, least squares, functions of matrices -----------------------------------------------------------------
@sizes
def test_eigenvalues_of_any_matrix(n, stack, dtype):
    a = random((*stack, n, n), dtype)
    w, v = wg.jit(la.eig)(a)
    assert w.dtype == v.dtype == np.result_type(dtype, np.complex64)
    close(a @ v, v * w[..., None, :], dtype, 30)
    close(la.norm(v, axis=-2), np.ones_like(w.real), dtype, 10)
    found, expected = (np.sort_complex(np.round(x, 3).ravel()) for x in (wg.jit(la.eigvals)(a), la.eigvals(a)))
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_eigenvalues_of_what_is_no_number():
    for f in (la.eig, la.eigvals):
        with pytest.raises(la.LinAlgError, match="infs or NaNs"):
            wg.jit(f)(np.array([[1.0, np.nan], [0, 1]]))


@pytest.mark.parametrize("dtype", "dF")
@pytest.mark.parametrize(("m", "n"), [(9, 5), (5, 9), (12, 12), (3, 2)])
def test_least_squares(m, n, dtype):
    """Also of matrices of lower rank, with the solution of least norm."""
    a, b = random((m, n), dtype), random((m, 2), dtype)
    a[:, -1] = a[:, 0]
    f = wg.jit(
        lambda a, b: (la.lstsq(a, b, 1e-5)[0], la.pinv(a, 1e-5), la.matrix_rank(a, rtol=1e-5), la.lstsq(a, b, 1e-5)[3])
    )
    x, p, rank, s = f(a, b)
    close(x, la.lstsq(a, b, 1e-5)[0], dtype, 100)
    close(p, la.pinv(a, 1e-5), dtype, 100)
    close(s, la.svd(a, compute_uv=False), dtype, 10)
    assert rank == la.matrix_rank(a, rtol=1e-5) and np.shape(rank) == ()


@pytest.mark.parametrize("dtype", "dfD")
def test_lu_and_sylvester(dtype):
    for shape in [(20, 12), (12, 20), (2, 9, 9)]:
        a = random(shape, dtype)
        p, low, up = wg.jit(wg.scipy.linalg.lu)(a)
        close(p @ low @ up, a, dtype, 10)
        assert np.array_equal(p.sum(-1), np.ones(p.shape[:-1])) and (np.tril(up, -1) == 0).all()
        assert (np.abs(low) <= 1.5).all()  # of complex numbers |re| + |im| is compared
    a, b, q = regular(10, (2,), dtype), regular(7, (2,), dtype), random((2, 10, 7), dtype)
    x = wg.jit(wg.scipy.linalg.solve_sylvester)(a[0], b[0], q[0])
    close(a[0] @ x + x @ b[0], q[0], dtype, 100)


def exponential(a):
    """exp(A), with 60 digits."""
    with mpmath.workdps(60):
        y = mpmath.expm(mpmath.matrix(a.tolist()), method="taylor")
        return np.array([[complex(y[i, j]) for j in range(len(a))] for i in range(len(a))])


def test_exponential():
    """Small and large matrices, nilpotent ones and ones far from normal, which must not be squared too often."""
    matrices = [
        random((4, 4), "d"),
        10 * random((5, 5), "d"),
        random((3, 3), "D"),
        np.zeros((2, 2)),
        1e-9 * np.ones((2, 2)),
    ]
    matrices += [np.array([[1, 1e6], [0, -1.0]]), np.array([[0, 1e10], [0, 0.0]])]
    found = wg.jit(lambda *xs: [wg.scipy.linalg.expm(x) for x in xs])(*matrices)
    for a, y in zip(matrices, found, strict=True):
        expected = exponential(a)
        assert np.abs(y - expected).max() < 1e-14 * np.abs(expected).max()
    stack = np.array([1e-3, 1, 20])[:, None, None] * random((3, 3, 3), "d")
    for a, y in zip(stack, wg.jit(wg.scipy.linalg.expm)(stack), strict=True):
        np.testing.assert_allclose(y, exponential(a).real, rtol=1e-11)


def test_functions_by_exponentials():
    """sin^2 + cos^2 = 1, cosh^2 - sinh^2 = 1, tan = sin / cos, and slopes by differences."""
    a, x = random((9, 9), "d") / 5, random((9, 9), "d")
    sl, one = wg.scipy.linalg, np.eye(9)
    for matrix in (a, a + 0.1j * x):
        sin, cos, tan = (wg.jit(f)(matrix) for f in (sl.sinm, sl.cosm, sl.tanm))
        np.testing.assert_allclose(sin @ sin + cos @ cos, one, atol=1e-12)
        np.testing.assert_allclose(cos @ tan, sin, atol=1e-12)
    sinh, cosh, tanh = (wg.jit(f)(a) for f in (sl.sinhm, sl.coshm, sl.tanhm))
    np.testing.assert_allclose(cosh @ cosh - sinh @ sinh, one, atol=1e-12)
    np.testing.assert_allclose(cosh @ tanh, sinh, atol=1e-12)
    slope = wg.jit(lambda a, x: wg.jvp(sl.expm, (a,), (x,))[1])(a, x)
    np.testing.assert_allclose(slope, (exponential(a + 1e-6 * x) - exponential(a - 1e-6 * x)).real / 2e-6, atol=1e-7)


@pytest.mark.parametrize("n", [3, 6])
def test_cofactors_of_singular_matrices(n):
    """The derivative of det, and its derivative, where there is no inverse: against minors."""
    a, x = random((n, n), "d"), random((n, n), "d")
    a[:, 0] = a[:, 1]
    for matrix in (a, random((n, n), "d"), np.zeros((n, n))):
        gradient = wg.jit(wg.grad(lambda a: la.det(a)))(matrix)
        minors = [
            [(-1) ** (i + j) * la.det(np.delete(np.delete(matrix, i, 0), j, 1)) for j in range(n)] for i in range(n)
        ]
        np.testing.assert_allclose(gradient, minors, atol=1e-12)
        second = wg.jit(lambda a, x: wg.jvp(wg.grad(lambda a: la.det(a)), (a,), (x,))[1])(matrix, x)
        h = 1e-5
        differences = (cofactors(matrix + h * x) - cofactors(matrix - h * x)) / (2 * h)
        np.testing.assert_allclose(second, differences, atol=1e-6)


def test_forward_mode_where_eigenvalues_coincide():
    """Python chooses the basis there; elsewhere it is not asked."""
    d = random((4, 4), "d")
    d = d + d.T
    f = wg.jit(lambda a, d: wg.jvp(lambda a: la.eigvalsh(a), (a,), (d,))[1])
    np.testing.assert_allclose(f(np.eye(4), d), la.eigvalsh(d), atol=1e-12)
    v = la.eigh(d)[1]
    np.testing.assert_allclose(f(d, d @ d), np.diag(v.T @ d @ d @ v), atol=1e-12)
    g = wg.jit(lambda a, d: wg.jvp(lambda a: la.svd(a)[1], (a,), (d,))[1])
    np.testing.assert_allclose(g(np.eye(4), d), np.sort(la.eigvalsh(d))[::-1], atol=1e-12)


def test_hermitian_singular_values():
    a = random((6, 6), "d")
    a = a + a.T
    u, s, vh = wg.jit(lambda a: la.svd(a, hermitian=True))(a)
    np.testing.assert_allclose((u * s) @ vh, a, atol=1e-13)
    np.testing.assert_allclose(s, la.svd(a)[1], rtol=1e-12)
    assert la.matrix_rank(a, hermitian=True) == wg.jit(lambda a: la.matrix_rank(a, hermitian=True))(a) == 6


@pytest.mark.parametrize("dtype", ["d", "D", "f", "F"])
@pytest.mark.parametrize(("name", "n"), [("sqrtm", 1), ("sqrtm", 3), ("sqrtm", 8), ("logm", 2), ("logm", 5)])
def test_roots_and_logarithms_of_matrices(name, n, dtype):
    """As SciPy's, of stacks; with gradients; squares and exponentials lead back."""
    f = getattr(wg.scipy.linalg, name)
    a = regular(n, (2,), dtype) / (2 * np.sqrt(n))
    y = wg.jit(f)(a)
    assert y.dtype == a.dtype
    close(y, wg.vjp(f, a)[0], dtype, 100)
    back = y @ y if name == "sqrtm" else wg.vjp(wg.scipy.linalg.expm, y)[0]
    close(back, a, dtype, 1000)
    energy = wg.grad(lambda a: np.sum(np.abs(f(a)) ** 2))
    close(wg.jit(energy)(a), energy(a), dtype, 1000)
    assert ("calls back" in str(wg.jit(f).report(a))) == (n > 6)


def test_roots_and_logarithms_at_the_edge():
    """Real matrices with complex functions, no root, a wide spectrum (mpmath), zeros."""
    from wengert.scipy.linalg import logm, sqrtm

    for f in (sqrtm, logm):
        with pytest.raises(ValueError, match="complex"):
            wg.jit(f)(-np.eye(2))
        assert wg.jit(f)(-np.eye(2) + 0j).dtype == complex
    with pytest.raises(la.LinAlgError):
        wg.jit(sqrtm)(np.array([[0.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(wg.jit(sqrtm)(np.diag([0.0, 4.0])), np.diag([0.0, 2.0]))
    a = np.array([[1e-6, 3.0, 1.0], [0.0, 1.0, 5e3], [0.0, 0.0, 1e6]])
    exact = np.array(mpmath.logm(mpmath.matrix(a.tolist())).tolist(), complex).real
    close(wg.jit(logm)(a), exact, "d")
