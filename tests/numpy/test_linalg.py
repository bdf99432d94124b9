"""numpy.linalg on traced arrays: values, types and errors as NumPy's; derivatives of order two against differences.

Points in general position; what happens at singular points is tested in tests/primitives/test_linalg.py.
"""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.errors import UnsupportedFunctionError

L = np.linalg


def hermitian(a):
    """The Hermitian part: linear, so that perturbations of a stay valid."""
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 2


def square(rng, kind, n=3):
    """Matrices with distinct eigenvalues: real, complex, a stack of two."""
    a = rng.normal(size=(2, n, n)) + np.diag(np.arange(3.0, 3.0 + n))
    return {"real": a[0], "complex": a[0] + 1j * rng.normal(size=(n, n)), "stack": a}[kind]


def leaves(y):
    """Results as a list."""
    return list(y) if isinstance(y, tuple | list) else [y]


def agrees(f, *args, order=2):
    """The traced value is NumPy's in value, shape and dtype; derivatives agree with differences."""
    expected = leaves(f(*args))
    for run in (lambda: wg.vjp(f, *args)[0], lambda: wg.jvp(f, args, args)[0]):
        for a, b in zip(leaves(run()), expected, strict=True):
            assert np.shape(a) == np.shape(b)
            assert np.asarray(a).dtype == np.asarray(b).dtype
            np.testing.assert_allclose(a, b, atol=1e-10)
    wg.check_grads(f, args, order=order)


def invariants(w, *vectors):
    """What does not depend on signs or phases of vectors."""
    return (w, *(np.abs(v) ** 2 for v in vectors))


def of_eigh(a):
    """Eigenvalues and squared sizes of eigenvectors."""
    w, v = L.eigh(hermitian(a))
    return invariants(w, v)


def of_svd(a):
    """Singular values, and squared sizes of singular vectors."""
    u, s, vh = L.svd(a, full_matrices=False)
    return invariants(s, u, vh)


OF_SQUARE = {
    "inv": L.inv,
    "det": L.det,
    "slogdet": L.slogdet,
    "cholesky": lambda a: L.cholesky(hermitian(a) + 9 * np.eye(3)),
    "cholesky upper": lambda a: L.cholesky(hermitian(a) + 9 * np.eye(3), upper=True),
    "qr": L.qr,
    "eigvalsh": lambda a: L.eigvalsh(hermitian(a)),
    "eigvalsh U": lambda a: L.eigvalsh(hermitian(a), "U"),
    "eigh": of_eigh,
    "eigvals": L.eigvals,
    "svdvals": L.svdvals,
    "svd": of_svd,
    "svd without vectors": lambda a: L.svd(a, compute_uv=False),
    "hermitian svd": lambda a: L.svd(hermitian(a), compute_uv=False, hermitian=True),
    "pinv": L.pinv,
    "hermitian pinv": lambda a: L.pinv(hermitian(a), hermitian=True),
    "power 5": lambda a: L.matrix_power(a, 5),
    "power -2": lambda a: L.matrix_power(a, -2),
    "power 1": lambda a: L.matrix_power(a, 1),
    "power 0": lambda a: L.matrix_power(a, 0) * a,
    "rank": lambda a: L.matrix_rank(a)[..., None, None] * a,
    "transpose": L.matrix_transpose,
    "trace": L.trace,
    "diagonal": lambda a: L.diagonal(a, offset=1),
    "vecdot": lambda a: L.vecdot(a, a + 1),
    "cross": lambda a: L.cross(a, a + 1),
    "matmul": lambda a: L.matmul(a, a),
    "matrix_norm": L.matrix_norm,
}


@pytest.mark.parametrize("kind", ["real", "complex", "stack"])
@pytest.mark.parametrize("name", OF_SQUARE)
def test_of_square_matrices(name, kind, rng):
    """Each function of one square matrix."""
    agrees(OF_SQUARE[name], square(rng, kind))


@pytest.mark.parametrize("kind", ["real", "complex", "stack"])
def test_eig_keeps_the_normalisation(kind, rng):
    """Eigenvectors of norm one whose largest element is real, as LAPACK returns them: every element is checked."""
    agrees(L.eig, square(rng, kind), order=1)


@pytest.mark.parametrize("kind", ["real", "complex", "stack"])
def test_solve(kind, rng):
    """Right sides: matrices, a vector, stacks that broadcast."""
    a = square(rng, kind)
    agrees(L.solve, a, rng.normal(size=(3, 2)))
    agrees(L.solve, a, rng.normal(size=3))
    agrees(L.solve, a, rng.normal(size=(2, 3, 1)))


MATRIX_NORMS = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]
VECTOR_NORMS = [None, 0, 1, -1, 2, 3, 0.5, np.inf, -np.inf]


@pytest.mark.parametrize("kind", ["real", "complex", "stack"])
@pytest.mark.parametrize("p", MATRIX_NORMS)
def test_matrix_norms(p, kind, rng):
    """All of them, over chosen axes."""
    a = square(rng, kind)
    agrees(lambda a: L.norm(a, p, axis=(-2, -1)), a)
    agrees(lambda a: L.norm(a, p, axis=(-1, -2), keepdims=True), a, order=1)
    if p not in ("nuc",):
        agrees(lambda a: L.cond(a, p), a)


@pytest.mark.parametrize("kind", ["real", "complex", "stack"])
@pytest.mark.parametrize("p", VECTOR_NORMS)
def test_vector_norms(p, kind, rng):
    """All of them, over one axis and over several."""
    a = square(rng, kind)
    agrees(lambda a: L.norm(a, p, axis=-1), a)
    agrees(lambda a: L.norm(a, p, axis=0, keepdims=True), a, order=1)
    agrees(lambda a: L.vector_norm(a, ord=2 if p is None else p, keepdims=True), a)
    agrees(lambda a: L.vector_norm(a, ord=2 if p is None else p, axis=(0, 1)), a)


def test_norm_of_everything(rng):
    """Without order and axis the array is one vector, of any number of axes."""
    agrees(L.norm, rng.normal(size=(2, 3, 2)))
    agrees(L.norm, rng.normal(size=3))
    assert wg.grad(L.norm)(np.array([3, 4.0], np.float32)).dtype == np.float32


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_rectangular_matrices(shape, is_complex, rng):
    """Least squares, pseudo-inverses, qr and svd of tall and wide matrices."""
    a = rng.normal(size=shape) + 1j * rng.normal(size=shape) * is_complex
    a = a if is_complex else a.real
    agrees(L.pinv, a)
    agrees(L.qr, a)
    agrees(lambda a: L.qr(a, "r"), a)
    agrees(lambda a: L.qr(a, "complete") if shape[0] <= shape[1] else L.qr(a), a)
    agrees(of_svd, a)
    agrees(lambda a: L.svdvals(a), a)
    agrees(lambda a, b: (lambda x, r, rank, s: (x, r, s))(*L.lstsq(a, b)), a, rng.normal(size=(shape[0], 2)))
    agrees(lambda a, b: L.lstsq(a, b, rcond=1e-10)[0], a, rng.normal(size=shape[0]))


def test_lstsq_returns_what_numpy_returns(rng):
    """Solution, residuals, rank, singular values; no residuals where the rank is not full."""
    a, b = rng.normal(size=(4, 2)), rng.normal(size=4)
    ranks = []
    for matrix in (a, a[:2], a[:, :1] @ a[:1]):
        right = b[: len(matrix)]
        expected = L.lstsq(matrix, right)
        for k in (0, 1, 3):
            found, _ = wg.vjp(lambda x, k=k, right=right: L.lstsq(x, right)[k], matrix)
            np.testing.assert_allclose(found, expected[k], atol=1e-12)
        wg.vjp(lambda x, right=right: ranks.append(int(L.lstsq(x, right)[2])) or x, matrix)
    assert ranks == [2, 2, 1]


def test_tensors(rng):
    """tensorsolve and tensorinv."""
    a = (rng.normal(size=(6, 6)) + 6 * np.eye(6)).reshape(2, 3, 6)
    agrees(L.tensorsolve, a, rng.normal(size=(2, 3)))
    agrees(lambda a, b: L.tensorsolve(a, b, axes=(0,)), np.moveaxis(a, -1, 0).copy(), rng.normal(size=(2, 3)), order=1)
    agrees(L.tensorinv, a.reshape(2, 3, 3, 2))


def test_chains_of_matrices(rng):
    """multi_dot with vectors at the ends."""
    agrees(lambda *xs: L.multi_dot(xs), *(rng.normal(size=s) for s in [(3,), (3, 2), (2, 4), (4,)]))
    agrees(lambda *xs: L.multi_dot(xs), *(rng.normal(size=s) for s in [(3, 5), (5, 2), (2, 4)]))
    agrees(lambda a, b: L.tensordot(a, b, axes=1), rng.normal(size=(3, 2)), rng.normal(size=(2, 2)))
    agrees(L.outer, rng.normal(size=3), rng.normal(size=2))


def test_gradients_in_single_precision(rng):
    """float32 in, float32 out."""
    a = square(rng, "real").astype(np.float32)
    for f in (L.det, L.norm, lambda a: L.slogdet(a)[1], lambda a: np.sum(L.svdvals(a)), lambda a: np.sum(L.inv(a))):
        assert wg.grad(f)(a).dtype == np.float32


def test_results_have_names(rng):
    """Named tuples, as NumPy's."""
    a = square(rng, "real")
    wg.vjp(lambda a: L.eigh(a).eigenvalues + L.svd(a).S + L.slogdet(a).logabsdet + np.diag(L.qr(a).R), a)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda a: L.inv(a[:2]), "square"),
        (lambda a: L.inv(a[0]), "two-dimensional"),
        (lambda a: L.inv(0 * a), "Singular"),
        (lambda a: L.solve(0 * a, a), "Singular"),
        (lambda a: L.cholesky(-a @ a.T), "positive definite"),
        (lambda a: L.lstsq(a, a[:2]), "dimensions"),
    ],
)
def test_errors_of_linear_algebra(f, message, rng):
    """LinAlgError stays LinAlgError."""
    with pytest.raises(L.LinAlgError, match=message):
        wg.vjp(f, square(rng, "real"))


def test_arguments_that_have_no_meaning(rng):
    """ValueError as in NumPy, or a refusal that says what to write."""
    a = square(rng, "real")
    for f in (
        lambda a: L.eigh(a, "Z"),
        lambda a: L.norm(a, "zz"),
        lambda a: L.norm(a[0], "fro"),
        lambda a: L.qr(a, "zz"),
    ):
        with pytest.raises(ValueError, match=r"UPLO|[Nn]orm|mode"):
            wg.vjp(f, a)
    with pytest.raises(UnsupportedFunctionError, match="reduced"):
        wg.vjp(lambda a: L.qr(a, "raw"), a)
    with pytest.raises(UnsupportedFunctionError, match="reduced"):
        wg.vjp(lambda a: L.qr(a[:, :2], "complete"), a)


def test_every_name_of_numpy_linalg():
    """wengert.numpy.linalg has all names of numpy.linalg."""
    assert set(np.linalg.__all__) <= set(wnp.linalg.__all__)


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "eigvalsh", "svdvals", "pinv", "norm"])
def test_vmap_is_a_stack(name, rng):
    """Lanes are a stack of matrices."""
    a = rng.normal(size=(4, 3, 3)) + 4 * np.eye(3)
    f = getattr(L, name)
    expected = [leaves(f(x)) for x in a]
    for k, y in enumerate(leaves(wg.vmap(f)(a))):
        np.testing.assert_allclose(y, [e[k] for e in expected])


def of_everything(np, a, b, c):
    """One number that depends on much of numpy.linalg."""
    linalg = np.linalg
    spd = a @ a.T + np.eye(3)
    w, v = linalg.eigh(spd)
    u, s, vh = linalg.svd(a, full_matrices=False)
    y = linalg.solve(a, b) + linalg.inv(a) @ b + linalg.cholesky(spd) @ b + w + s + linalg.pinv(a) @ b
    y = y + (v * np.exp(-w)) @ v.T @ b + u @ vh @ b
    z = linalg.det(a) * linalg.slogdet(a)[1] + linalg.norm(a, "nuc") + linalg.norm(a) + linalg.norm(b)
    return np.sum(c * y) + z


def test_against_autograd(rng):
    """Gradients of another system."""
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp

    args = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3), rng.normal(size=3)
    found = wg.grad(lambda *args: of_everything(np, *args), argnums=(0, 1))(*args)
    expected = autograd.grad(lambda *args: of_everything(anp, *args), (0, 1))(*args)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10)


def of_complex(np, a):
    """A real number that depends on a complex matrix."""
    linalg = np.linalg
    h = a @ np.conj(a).T
    y = np.abs(linalg.inv(a)[0, 1]) + np.real(linalg.det(a)) + np.imag(linalg.cholesky(h)[2, 0])
    return y + np.sum(linalg.eigvalsh(h) ** 1.5) + np.imag(linalg.qr(a)[0][1, 2]) + linalg.slogdet(a)[1]


def test_complex_gradients_are_those_of_jax(rng):
    """Adjoints are not conjugated: the gradient of f(x + iy) is df/dx - i df/dy."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    a = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)) + 3 * np.eye(3)
    expected = jax.grad(lambda a: of_complex(jax.numpy, a))(a)
    np.testing.assert_allclose(wg.grad(lambda a: of_complex(np, a))(a), expected, rtol=1e-10, atol=1e-10)
