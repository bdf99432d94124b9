"""scipy.linalg on traced arrays: values as SciPy's, derivatives of order two against differences."""

import numpy as np
import pytest
import scipy.linalg as sl

import wengert as wg
from wengert.errors import SingularPointError, UnsupportedFunctionError
from wengert.scipy import linalg as L


def leaves(y):
    """Results as a list."""
    return list(y) if isinstance(y, tuple | list) else [y]


def agrees(name, *args, order=2, **kwargs):
    """The traced value is SciPy's; derivatives agree with differences."""
    f = lambda *args: getattr(L, name)(*args, **kwargs)
    expected = leaves(getattr(sl, name)(*args, **kwargs))
    for a, b in zip(leaves(wg.vjp(f, *args)[0]), expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, atol=1e-10)
    wg.check_grads(f, args, order=order)


def spd(a):
    """A symmetric positive definite matrix."""
    return a @ a.T + np.eye(len(a))


@pytest.fixture
def a(rng):
    """A matrix with eigenvalues of positive real part."""
    return 0.3 * rng.normal(size=(3, 3)) + np.diag([1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", ["expm", "logm", "sqrtm", "sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm"])
def test_functions_of_a_matrix(name, a):
    """Real and complex matrices."""
    agrees(name, 0.5 * a)
    agrees(name, 0.5 * a + 0.1j * a.T, order=1)


def test_expm_by_closed_forms(a, rng):
    """d tr exp(A) = exp(A)^T; exp(t A) x solves y' = A y; the derivative in a direction is SciPy's."""
    np.testing.assert_allclose(wg.grad(lambda a: np.trace(L.expm(a)))(a), sl.expm(a).T)
    e = rng.normal(size=(3, 3))
    np.testing.assert_allclose(wg.jvp(L.expm, (a,), (e,))[1], sl.expm_frechet(a, e)[1], rtol=1e-10)
    np.testing.assert_allclose(wg.jvp(lambda t: L.expm(t * a) @ e, (0.5,), (1.0,))[1], a @ sl.expm(0.5 * a) @ e)
    np.testing.assert_allclose(wg.grad(lambda a: np.trace(L.expm(a)))(np.zeros((2, 2))), np.eye(2))
    agrees("expm", np.stack([a, a.T]), order=1)
    agrees("expm_frechet", a, e, order=1)


def test_inverse_functions(a):
    """log exp A = A and (A^1/2)^2 = A, so their derivatives are the identity."""
    for f in (lambda a: L.logm(L.expm(0.3 * a)) / 0.3, lambda a: L.sqrtm(a) @ L.sqrtm(a)):
        np.testing.assert_allclose(wg.jacobian(f)(a).reshape(9, 9), np.eye(9), atol=1e-10)
    with pytest.raises(ValueError, match="complex"):
        wg.vjp(L.sqrtm, -np.eye(2))


def test_systems(a, rng):
    """Triangles, transposes, vectors and matrices at the right side."""
    b = rng.normal(size=(3, 2))
    agrees("solve", a, b)
    agrees("solve", a, b[:, 0], transposed=True)
    for trans in (0, "T", 2):
        agrees("solve_triangular", a, b, trans=trans, lower=True)
        agrees("solve_triangular", a, b[:, 0], trans=trans, unit_diagonal=True)
    agrees("solve_sylvester", a, a.T + np.eye(3), rng.normal(size=(3, 3)))
    agrees("solve_continuous_lyapunov", a, rng.normal(size=(3, 3)))
    agrees("solve_discrete_lyapunov", 0.2 * a, rng.normal(size=(3, 3)))


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_factors(lower, a, rng):
    """cho_factor and cho_solve together are solve."""
    b = rng.normal(size=(3, 2))
    f = lambda a, b: L.cho_solve(L.cho_factor(spd(a), lower), b)
    np.testing.assert_allclose(wg.vjp(f, a, b)[0], np.linalg.solve(spd(a), b))
    wg.check_grads(f, (a, b))
    wg.check_grads(lambda a: L.cholesky(spd(a), lower=lower), (a,))
    np.testing.assert_allclose(wg.vjp(lambda b: L.cho_solve(sl.cho_factor(spd(a), lower), b), b)[0], f(a, b))


def test_lu_factors(a, rng):
    """lu in all forms, and lu_factor with lu_solve."""
    a, b = a[::-1].copy(), rng.normal(size=(3, 2))
    agrees("lu", a)
    agrees("lu", a, permute_l=True)
    agrees("lu", rng.normal(size=(4, 2)), permute_l=True)
    agrees("lu", rng.normal(size=(2, 4)), permute_l=True)
    for trans in (0, 1, 2):
        f = lambda a, b, trans=trans: L.lu_solve(L.lu_factor(a), b, trans)
        np.testing.assert_allclose(wg.vjp(f, a, b)[0], sl.lu_solve(sl.lu_factor(a), b, trans))
        wg.check_grads(f, (a, b))
        np.testing.assert_allclose(wg.vjp(lambda b: L.lu_solve(sl.lu_factor(a), b, trans), b)[0], f(a, b))  # noqa: B023
    with pytest.raises(SingularPointError):
        wg.grad(lambda a: np.sum(L.lu(a)[1] ** 2))(np.ones((2, 2)))


def test_eigenvalues(a, rng):
    """Also of pairs of matrices: A v = w B v."""
    s, b = a + a.T, spd(rng.normal(size=(3, 3)))
    squared = lambda *args, **kwargs: (lambda w, v: (w, v**2))(*L.eigh(*args, **kwargs))
    sym = lambda x: (x + x.T) / 2
    np.testing.assert_allclose(wg.vjp(L.eigvalsh, s)[0], sl.eigvalsh(s))
    w, v = wg.vjp(lambda s, b: L.eigh(s, b), s, b)[0]
    np.testing.assert_allclose(s @ v, b @ v * w, atol=1e-12)
    np.testing.assert_allclose(v.T @ b @ v, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(w, sl.eigh(s, b)[0])
    wg.check_grads(lambda s, b: squared(sym(s), sym(b)), (s, b))
    wg.check_grads(lambda s: L.eigh(sym(s), eigvals_only=True, subset_by_index=[1, 2]), (s,))
    agrees("eigvals", a)
    agrees("svdvals", a)
    for side in ("left", "right"):
        agrees("polar", rng.normal(size=(4, 3)), side=side)


def test_special_matrices(rng):
    """Made of vectors and blocks."""
    c, r = rng.normal(size=3), rng.normal(size=4)
    agrees("toeplitz", c)
    agrees("toeplitz", c, r)
    agrees("hankel", c)
    agrees("hankel", c, r)
    agrees("circulant", c)
    agrees("block_diag", rng.normal(size=(2, 3)), rng.normal(size=(1, 2)), c)
    agrees("khatri_rao", rng.normal(size=(2, 3)), rng.normal(size=(4, 3)))


def test_plain_arguments_are_left_to_scipy(a):
    """And what is not differentiated says so."""
    np.testing.assert_array_equal(L.expm(a), sl.expm(a))
    np.testing.assert_array_equal(L.hilbert(3), sl.hilbert(3))
    np.testing.assert_array_equal(L.null_space(np.ones((1, 2))), sl.null_space(np.ones((1, 2))))
    for name in [*L.REFUSED, "cossin"]:
        with pytest.raises(UnsupportedFunctionError, match=name):
            wg.vjp(getattr(L, name), a)
    with pytest.raises(UnsupportedFunctionError, match="pivoting"):
        wg.vjp(lambda a: L.qr(a, pivoting=True), a)
