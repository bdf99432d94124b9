"""scipy.linalg: banded, Toeplitz and circulant matrices, matrix equations, updates, left eigenvectors."""

import mpmath
import numpy as np
import pytest
import scipy.linalg as sl

import wengert as wg
from scipy_checks import agrees, close
from wengert.errors import SingularPointError, UnsupportedFunctionError
from wengert.scipy import linalg as L


def spd_band(rng, k, n):
    """The upper diagonals of a positive definite matrix, and the lower ones, with numbers outside of it."""
    upper = rng.normal(size=(k + 1, n))
    upper[-1] = 2 * k + 3 + upper[-1] ** 2
    lower = np.full((k + 1, n), 7.0)
    for d in range(k + 1):
        lower[d, : n - d] = upper[k - d, d:]
    return upper, lower


# banded ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bands", [(1, 1), (2, 1), (0, 2), (2, 0), (0, 0)])
def test_solve_banded(bands, rng):
    """A vector, a matrix; complex; single precision."""
    ab = rng.normal(size=(sum(bands) + 1, 5))
    ab[bands[1]] += 5
    b = rng.normal(size=(5, 2))
    f, g = (lambda ab, b, m=m: m.solve_banded(bands, ab, b) for m in (L, sl))
    agrees(f, g, ab, b)
    agrees(f, g, ab, b[:, 0])
    agrees(f, g, ab + 0.3j, b + 1j * b, order=1)
    assert wg.jit(f)(ab.astype("f"), b.astype("f")).dtype == wg.vjp(f, ab.astype("f"), b.astype("f"))[0].dtype == "f"


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("k", [0, 1, 2])
def test_positive_definite_bands(k, lower, rng):
    """solveh_banded, cholesky_banded and cho_solve_banded; of complex matrices too."""
    ab, b = spd_band(rng, k, 5)[lower], rng.normal(size=(5, 2))
    agrees(L.solveh_banded, sl.solveh_banded, ab, b, lower=lower)
    inside = lambda m: lambda ab: masked(m.cholesky_banded(ab, lower=lower), k, lower)
    agrees(inside(L), inside(sl), ab)
    f, g = (lambda ab, b, m=m: m.cho_solve_banded((m.cholesky_banded(ab, lower=lower), lower), b) for m in (L, sl))
    agrees(f, g, ab, b[:, 0])
    z = ab + 0.2j * (ab - ab[-1 if not lower else 0])
    agrees(L.solveh_banded, sl.solveh_banded, z, b + 0j, order=1, lower=lower)
    agrees(inside(L), inside(sl), z, order=1)


def masked(ab, k, lower):
    """What lies in the matrix."""
    row, j = np.arange(k + 1)[:, None], np.arange(ab.shape[-1])
    return np.where(row + j < ab.shape[-1] if lower else row + j >= k, ab, 0)


def test_bands_against_dense_matrices(rng):
    """Gradients of a banded system are the diagonals of those of the dense one; log det by the banded factor."""
    upper, lower = spd_band(rng, 2, 6)
    dense = sum(np.diag(lower[d, : 6 - d], -d) + (np.diag(lower[d, : 6 - d], d) if d else 0) for d in range(3))
    b = rng.normal(size=6)
    slope = wg.grad(lambda a: np.sum(np.linalg.solve(a, b) ** 2))(dense)
    found = wg.grad(lambda ab: np.sum(L.solveh_banded(ab, b, lower=True) ** 2))(lower)
    for d in range(3):
        both = np.diag(slope, -d) + (np.diag(slope, d) if d else 0)
        np.testing.assert_allclose(found[d, : 6 - d], both, rtol=1e-10)
        np.testing.assert_array_equal(found[d, 6 - d :], 0)
    logdet = wg.grad(lambda ab: 2 * np.sum(np.log(L.cholesky_banded(ab)[-1])))(upper)
    np.testing.assert_allclose(logdet[-1], np.diag(np.linalg.inv(dense)), rtol=1e-10)
    np.testing.assert_allclose(logdet[-2, 1:], 2 * np.diag(np.linalg.inv(dense), 1), rtol=1e-10)


def test_bands_that_are_singular_or_do_not_fit(rng):
    """As SciPy says; native code too."""
    ab = np.zeros((3, 4))
    for run in (lambda f: wg.vjp(f, np.ones(4)), lambda f: wg.jit(f)(np.ones(4))):
        with pytest.raises(np.linalg.LinAlgError):
            run(lambda b: L.solve_banded((1, 1), ab * b, b))
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            run(lambda b: L.solveh_banded(-np.ones((1, 4)) * b, b))
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            run(lambda b: L.cholesky_banded(-np.ones((1, 4)) * b))
    with pytest.raises(ValueError, match="diagonals"):
        wg.vjp(lambda b: L.solve_banded((1, 1), np.ones((2, 4)), b), np.ones(4))
    with pytest.raises(ValueError, match="compatible"):
        wg.vjp(lambda b: L.solve_banded((0, 0), np.ones((1, 3)), b), np.ones(4))


# structured --------------------------------------------------------------------------------------------------------
def test_toeplitz_and_circulant_systems(rng):
    """Real, complex, rectangular products; a singular circulant matrix."""
    c, r, b = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(4, 2))
    c[0] += 6
    f, g = (lambda c, r, b, m=m: m.solve_toeplitz((c, r), b) for m in (L, sl))
    agrees(f, g, c, r, b, native=False)
    agrees(f, g, c + 1j, r - 1j, b[:, 0] + 0j, native=False, order=1)
    agrees(L.solve_toeplitz, sl.solve_toeplitz, c, b, native=False)
    f, g = (lambda c, r, b, m=m: m.matmul_toeplitz((c, r), b) for m in (L, sl))
    agrees(f, g, rng.normal(size=3), r, b)
    agrees(f, g, rng.normal(size=5), r, b[:, 0])
    np.testing.assert_allclose(wg.vjp(f, c, r, b)[0], sl.toeplitz(c, r) @ b)
    agrees(L.solve_circulant, sl.solve_circulant, c, b)
    agrees(L.solve_circulant, sl.solve_circulant, c + 1j, b + 1j, order=1)
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        wg.vjp(lambda c: L.solve_circulant(c, b), np.ones(4))
    f, g = (lambda b, m=m: m.solve_circulant(np.ones(4), b, singular="lstsq") for m in (L, sl))
    agrees(f, g, b[:, 0])


def test_special_matrices(rng):
    """Of vectors and of stacks of them."""
    a, s = rng.normal(size=4) + 2, rng.normal(size=3)
    agrees(L.companion, sl.companion, a)
    agrees(L.leslie, sl.leslie, a, s)
    for mode in ("full", "same", "valid"):
        for n in (2, 6):
            agrees(L.convolution_matrix, sl.convolution_matrix, a, n=n, mode=mode)
    two = rng.normal(size=(2, 3))
    close([wg.vjp(L.toeplitz, two)[0]], [np.stack([sl.toeplitz(c) for c in two])])


# equations ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n", [2, 8])
def test_matrix_equations(n, rng):
    """Lyapunov and Stein equations, small and large, by their residuals."""
    a, q = 0.4 * rng.normal(size=(n, n)) / np.sqrt(n) + 0.3 * np.eye(n), rng.normal(size=(n, n))
    order = 2 if n == 2 else 1
    agrees(L.solve_discrete_lyapunov, sl.solve_discrete_lyapunov, a, q, order=order, gradient=n == 2)
    agrees(L.solve_continuous_lyapunov, sl.solve_continuous_lyapunov, a, q, order=order, gradient=n == 2)
    z = a + 0.2j * a.T
    x = wg.vjp(L.solve_discrete_lyapunov, z, q + 0j)[0]
    np.testing.assert_allclose(z @ x @ z.conj().T - x + q, 0, atol=1e-12)


def test_riccati_equations(rng):
    """SciPy's solutions with a cross term; sqrt(q) in one dimension; the golden ratio's derivative in discrete time."""
    a, b = 0.5 * rng.normal(size=(3, 3)), rng.normal(size=(3, 2))
    g, h, s = rng.normal(size=(3, 3)), rng.normal(size=(2, 2)), 0.1 * rng.normal(size=(3, 2))
    for name in ("solve_continuous_are", "solve_discrete_are"):
        f, truth = (
            lambda a, b, g, h, s, m=m, name=name: getattr(m, name)(a, b, g @ g.T + np.eye(3), h @ h.T + np.eye(2), s=s)
            for m in (L, sl)
        )
        agrees(f, truth, a, b, g, h, s, native=False)
        with pytest.raises(UnsupportedFunctionError, match="e="):
            wg.vjp(lambda a: getattr(L, name)(a, b, np.eye(3), np.eye(2), e=np.eye(3)), a)  # noqa: B023
    one = np.ones((1, 1))
    root = lambda q: L.solve_continuous_are(0 * one, one, q * one, one)[0, 0]
    assert wg.grad(wg.grad(root))(4.0) == pytest.approx(-1 / 32)
    golden = lambda q: L.solve_discrete_are(one, one, q * one, one)[0, 0]  # x^2 = q x + q
    assert wg.grad(golden)(1.0) == pytest.approx(float(mpmath.diff(lambda q: (q + mpmath.sqrt(q * q + 4 * q)) / 2, 1)))


# factorisations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_update(sign, lower, rng):
    """The factor of A + v v^H, and of A - v v^H; stacks; complex; the derivative is that of cholesky(A +- v v^H)."""
    m, v = rng.normal(size=(4, 4)), 0.5 * rng.normal(size=4)
    c = np.linalg.cholesky(m @ m.T + 3 * np.eye(4), upper=not lower)
    a = lambda c: np.tril(c) @ np.tril(c).T if lower else np.triu(c).T @ np.triu(c)
    truth = lambda c, v: np.linalg.cholesky(a(c) + sign * np.outer(v, v), upper=not lower)
    triangle = np.tril if lower else np.triu
    agrees(lambda c, v: L.cholesky_update(triangle(c), v, sign, lower=lower), truth, c, v)
    slopes = [wg.grad(lambda c, v, f=f: np.sum(f(c, v) ** 3), (0, 1)) for f in (L.cholesky_update, truth)]
    if sign == 1 and lower:
        close([triangle(x) if x.ndim == 2 else x for x in slopes[0](c, v)], slopes[1](c, v))
    z = np.linalg.cholesky(m @ m.T + 3 * np.eye(4) + 0.2j * (m - m.T), upper=not lower)
    w = v + 0.1j
    c1 = wg.vjp(lambda z, w: L.cholesky_update(z, w, sign, lower=lower), z, w)[0]
    square = lambda c: c @ c.conj().T if lower else c.conj().T @ c
    np.testing.assert_allclose(square(c1), square(z) + sign * np.outer(w, w.conj()), atol=1e-12)
    two = L.cholesky_update(np.stack([c, 2 * c]), v, sign, lower=lower)
    np.testing.assert_allclose(two[1], truth(2 * c, v), atol=1e-12)


def test_cholesky_update_refuses(rng):
    """What is not positive definite, and what does not fit; an empty factor is its own."""
    for run in (lambda f, v: f(v), wg.vjp, lambda f, v: wg.jit(f)(v)):
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            run(lambda v: L.cholesky_update(np.eye(2), v, -1), np.array([0.0, 2.0]))
    with pytest.raises(ValueError, match="sign"):
        L.cholesky_update(np.eye(2), np.ones(2), 2)
    with pytest.raises(ValueError, match=r"3 elements|2 rows"):
        L.cholesky_update(np.eye(2), np.ones(3))
    assert L.cholesky_update(np.zeros((0, 0)), np.zeros(0)).shape == (0, 0)


def test_procrustes(rng):
    """The rotation that was applied, and derivatives."""
    agrees(L.orthogonal_procrustes, sl.orthogonal_procrustes, rng.normal(size=(5, 3)), rng.normal(size=(5, 3)))


def test_solve_by_structure(rng):
    """A triangle alone is read where one is assumed."""
    a, b = rng.normal(size=(3, 3)) + 4 * np.eye(3), rng.normal(size=(3, 2))
    for kind in ("lower triangular", "upper triangular"):
        for transposed in (False, True):
            agrees(L.solve, sl.solve, a, b, assume_a=kind, transposed=transposed)
    f, g = (lambda a, m=m: m.pinvh(a + a.T, lower=False) for m in (L, sl))
    agrees(f, g, a)


# eigenvectors and functions ----------------------------------------------------------------------------------------
def test_left_eigenvectors(rng):
    """As LAPACK normalises them; w_dot = w^H A_dot v / w^H v; defective matrices are refused."""
    for a in (np.diag([1.0, 2, 3]) + 0.3 * rng.normal(size=(3, 3)), rng.normal(size=(3, 3)) + 1j * np.diag([1, 2, 3])):
        w, left, right = wg.vjp(lambda a: L.eig(a, left=True), a)[0]
        truth = sl.eig(a, left=True)
        order = [np.argmin(np.abs(truth[0] - x)) for x in w]
        sign = np.sum(truth[1][:, order].conj() * left, axis=0)
        np.testing.assert_allclose(np.abs(sign), 1, rtol=1e-10)
        np.testing.assert_allclose(left.conj().T @ a, w[:, None] * left.conj().T, atol=1e-10)
        wg.check_grads(lambda a: [np.abs(x) ** 2 for x in L.eig(a, left=True)], (a,), order=1)
        a_dot = rng.normal(size=(3, 3)).astype(a.dtype)
        w_dot = wg.jvp(L.eigvals, (a,), (a_dot,))[1]
        dual = np.linalg.inv(right)
        np.testing.assert_allclose(
            w_dot[np.argsort(sl.eigvals(a).real)], np.diag(dual @ a_dot @ right)[np.argsort(w.real)]
        )
    with pytest.raises(SingularPointError):
        wg.jvp(lambda a: L.eig(a)[1], (np.array([[1.0, 1.0], [0.0, 1.0]]),), (np.eye(2),))


def test_functions_of_diagonalisable_matrices(rng):
    """funm with NumPy's functions, fractional powers in both arguments; d/dt A^t = A^t log A."""
    a = np.diag([1.0, 2, 3]) + 0.3 * rng.normal(size=(3, 3))
    agrees(lambda a: L.funm(a, np.sin), sl.sinm, a, lanes=False, gradient=False)
    agrees(lambda a: L.funm(a, np.sin), sl.sinm, a + 0.1j, lanes=False, order=1)
    power = sl.fractional_matrix_power(a, 0.7)
    f = lambda t: L.fractional_matrix_power(a, t)
    np.testing.assert_allclose(wg.jvp(f, (0.7,), (1.0,))[1], power @ sl.logm(a), rtol=1e-9)
    agrees(lambda a: L.fractional_matrix_power(a, 0.7), lambda a: sl.fractional_matrix_power(a, 0.7), a, gradient=False)
