"""Linear algebra at singular points: repeated eigenvalues and singular values, zero singular values, singular matrices.

The truth are closed forms: of functions of matrices by divided differences (Daleckii and Krein), of polynomials of a
matrix, of the polar factor by differences.
"""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import SingularPointError

L = np.linalg


def sym(a):
    """The symmetric part."""
    return (a + np.swapaxes(a, -1, -2).conj()) / 2


def orthogonal(rng, n, is_complex=False):
    """A random orthogonal (unitary) matrix."""
    a = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if is_complex else 0)
    return L.qr(a)[0]


def with_eigenvalues(rng, w, is_complex=False):
    """A Hermitian matrix with these eigenvalues, in a random basis."""
    v = orthogonal(rng, len(w), is_complex)
    return sym((v * np.asarray(w, float)) @ v.conj().T)


def with_singular_values(rng, shape, s):
    """A matrix with these singular values, in random bases."""
    u, v = orthogonal(rng, shape[0]), orthogonal(rng, shape[1])
    return (u[:, : len(s)] * np.asarray(s, float)) @ v[:, : len(s)].T


def divided(f, df, w):
    """(f(w_j) - f(w_i)) / (w_j - w_i), and f' where they coincide."""
    gap = w[None] - w[:, None]
    same = np.abs(gap) < 1e-7
    return np.where(same, df((w[None] + w[:, None]) / 2), (f(w)[None] - f(w)[:, None]) / np.where(same, 1, gap))


def frechet(f, df, a, e):
    """The derivative of V f(w) V^H at a in direction e: V (f[w_i, w_j] (V^H e V)_ij) V^H."""
    w, v = L.eigh(a)
    return v @ (divided(f, df, w) * (v.conj().T @ e @ v)) @ v.conj().T


def function_of(f, a):
    """V f(w) V^H by eigh."""
    w, v = L.eigh(a)
    return (v * f(w)) @ np.conj(v).T


def close(found, expected, tolerance=1e-12):
    """Equal, relative to the largest element."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(1.0, np.max(np.abs(expected))))


FUNCTIONS = {
    "identity": (lambda w: w, lambda w: 1 + 0 * w),
    "square": (lambda w: w**2, lambda w: 2 * w),
    "exp": (np.exp, np.exp),
    "sqrt": (lambda w: np.sqrt(1 + w), lambda w: 0.5 / np.sqrt(1 + w)),
}
SPECTRA = {
    "distinct": [1, 2, 3.5, 5],
    "pair": [1, 2, 2, 3],
    "two pairs": [2, 2, 3, 3],
    "all equal": [2, 2, 2, 2],
    "all zero": [0, 0, 0, 0],
}


# repeated eigenvalues --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_matrix(name, spectrum, is_complex, rng):
    """V f(w) V^H at repeated eigenvalues, both modes, is exact."""
    f, df = FUNCTIONS[name]
    a = with_eigenvalues(rng, SPECTRA[spectrum], is_complex)
    g, e = (sym(rng.normal(size=(4, 4)) + 1j * is_complex * rng.normal(size=(4, 4))) for _ in range(2))
    if not is_complex:
        a, g, e = a.real, g.real, e.real

    def h(a):
        return np.sum(g * function_of(f, a)).real

    close(wg.grad(h)(a), frechet(f, df, a, g.conj()).conj())
    close(wg.jvp(h, (a,), (e,))[1], np.sum(g * frechet(f, df, a, e)).real)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_traces_of_functions_to_second_order(spectrum, rng):
    """Hessians of sum f(w), each mode over each mode, are divided differences of f'."""
    a, e = with_eigenvalues(rng, SPECTRA[spectrum]), sym(rng.normal(size=(4, 4)))

    def trace_of_exp(a):
        return np.sum(np.exp(L.eigvalsh(a)))

    close(wg.grad(trace_of_exp)(a), function_of(np.exp, a))
    for inner in (wg.jacrev, wg.jacfwd):
        for outer in (wg.jacrev, wg.jacfwd):
            hessian = outer(inner(trace_of_exp))(a)
            close(np.einsum("ijkl,kl->ij", hessian, e), frechet(np.exp, np.exp, a, e))


def test_exact_matrices_of_few_digits():
    """Identity and diagonal matrices, whose eigenvectors LAPACK returns exactly."""
    g = np.arange(9.0).reshape(3, 3)
    for a in (np.eye(3), np.zeros((3, 3)), np.diag([2.0, 2.0, 1.0])):
        close(wg.grad(lambda a: np.sum(g * function_of(np.exp, a)))(a), frechet(np.exp, np.exp, a, sym(g)))
        close(wg.grad(lambda a: np.sum(L.eigvalsh(a) ** 2))(a), 2 * a)


def test_projector_onto_an_eigenspace(rng):
    """A function of the eigenvectors alone: dP = sum over other spaces of terms with 1 / (w_j - w_i)."""
    a, g = with_eigenvalues(rng, [2, 2, 3, 3]), sym(rng.normal(size=(4, 4)))
    w, v = L.eigh(a)
    gap = np.where(np.abs(w[None] - w[:, None]) < 0.1, np.inf, w[None] - w[:, None])
    chosen = np.array([1.0, 1.0, 0, 0])
    expected = v @ ((chosen[None] - chosen[:, None]) / gap * (v.T @ g @ v)) @ v.T

    def projected(a):
        v = L.eigh(a)[1][:, :2]
        return np.sum(g * (v @ v.T))

    close(wg.grad(projected)(a), expected)
    close(wg.jvp(projected, (a,), (g,))[1], np.sum(expected * g))


def test_several_decompositions_and_vmap(rng):
    """Two matrices with repeated eigenvalues in one function, and a stack of them."""
    a, b = np.eye(3), with_eigenvalues(rng, [1, 1, 4])
    g = sym(rng.normal(size=(3, 3)))

    def h(a, b):
        return np.sum(g * (function_of(np.exp, a) @ function_of(np.sqrt, b)))

    left, right = g @ function_of(np.sqrt, b).T, function_of(np.exp, a).T @ g
    found = wg.grad(h, argnums=(0, 1))(a, b)
    close(found[0], frechet(np.exp, np.exp, a, sym(left)))
    close(found[1], frechet(np.sqrt, lambda w: 0.5 / np.sqrt(w), b, sym(right)))
    stack = np.stack([a, b])
    each = [wg.grad(lambda a: np.sum(g * function_of(np.exp, a)))(x) for x in stack]
    close(wg.vmap(wg.grad(lambda a: np.sum(g * function_of(np.exp, a))))(stack), each)


def test_nearly_repeated_eigenvalues(rng):
    """A gap of 1e-10: the limit is nearer to the truth than quotients of rounding errors."""
    a, g = with_eigenvalues(rng, [1, 2, 2 + 1e-10, 3]), sym(rng.normal(size=(4, 4)))
    close(wg.grad(lambda a: np.sum(g * function_of(np.exp, a)))(a), frechet(np.exp, np.exp, a, g), 1e-9)


def test_a_repeated_eigenvalue_alone_has_directional_derivatives():
    """Forward mode: the sorted eigenvalues of I + t E move with those of E. Reverse mode: a mean for their sum."""
    e = np.array([[1.0, 2.0], [2.0, -1.0]])
    close(wg.jvp(L.eigvalsh, (np.eye(2),), (e,))[1], L.eigvalsh(e))
    close(wg.jvp(lambda a: L.eigh(a)[0], (np.eye(2),), (e,))[1], L.eigvalsh(e))
    close(wg.grad(lambda a: np.sum(L.eigvalsh(a)))(np.eye(2)), np.eye(2))


def test_a_basis_that_was_chosen_has_no_derivative(rng):
    """An element of an eigenvector of a repeated eigenvalue is refused; so is a derivative that needs two limits."""
    a = with_eigenvalues(rng, [2, 2, 3])
    with pytest.raises(SingularPointError, match="eigenvectors"):
        wg.grad(lambda a: L.eigh(a)[1][0, 0])(a)
    with pytest.raises(SingularPointError, match="eigenvectors"):
        wg.hessian(lambda a: np.sum(np.arange(9.0).reshape(3, 3) * function_of(np.exp, a)))(a)
    with pytest.raises(SingularPointError, match="phase"):
        wg.grad(lambda a: L.eigh(a)[1][0, 0].imag)(with_eigenvalues(rng, [1, 2, 3], True))


def test_results_are_plain(rng):
    """What follows repeated eigenvalues does not leave the library."""
    a = np.eye(3)
    value, gradient = wg.value_and_grad(lambda a: np.sum(L.eigvalsh(a) ** 2))(a)
    assert type(value) is np.float64
    assert type(gradient) is np.ndarray
    (w, v), pull = wg.vjp(lambda a: tuple(L.eigh(a)), a)
    assert type(w) is type(v) is type(pull((np.ones(3), np.zeros((3, 3))))[0]) is np.ndarray
    assert type(wg.vmap(wg.grad(lambda a: np.sum(L.eigvalsh(a) ** 2)))(a[None])) is np.ndarray
    _, aux = wg.grad(lambda a: (np.sum(L.eigvalsh(a)), L.eigvalsh(a)), has_aux=True)(a)
    assert type(aux) is np.ndarray
    y, push = wg.linearize(lambda a: L.eigvalsh(a) ** 2, a)
    assert type(y) is type(push(a)) is np.ndarray
    program = wg.trace(wg.grad(lambda a: np.sum(np.exp(L.eigvalsh(a)))))(a)
    assert type(program(a)) is np.ndarray


# singular values -------------------------------------------------------------------------------------------------
def product(f, a, full=False):
    """U f(s) V^T."""
    u, s, vh = L.svd(a, full_matrices=full)
    k = len(s)
    return (u[:, :k] * f(s)) @ vh[:k]


MATRICES = {
    "repeated": ((3, 3), [2, 2, 1]),
    "tall, repeated": ((4, 2), [2, 2]),
    "wide, repeated": ((2, 4), [3, 3]),
    "rank 2 of 3": ((3, 3), [2, 1, 0]),
    "tall, rank 1": ((4, 2), [2, 0]),
    "wide, rank 1": ((2, 4), [2, 0]),
    "rank 1, repeated zero": ((4, 3), [2, 0, 0]),
    "zero": ((3, 3), [0, 0, 0]),
    "tall, zero": ((3, 2), [0, 0]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_products_of_singular_vectors(name, rng):
    """U f(s) V^T for odd polynomials f is a polynomial of the matrix, whatever its singular values; both modes."""
    a = with_singular_values(rng, *MATRICES[name])
    g, e = rng.normal(size=(2, *a.shape))
    cubic = g @ a.T @ a + a @ g.T @ a + a @ a.T @ g
    for full in (False, True):
        for f, expected in [(lambda s: s, g), (lambda s: s**3, cubic), (lambda s: s + s**3, g + cubic)]:
            h = lambda a, f=f, full=full: np.sum(g * product(f, a, full))
            close(wg.grad(h)(a), expected)
            close(wg.jvp(h, (a,), (e,))[1], np.sum(expected * e))


@pytest.mark.parametrize("name", MATRICES)
def test_sums_of_singular_values(name, rng):
    """Squares, fourth powers to second order, and the nuclear norm, where zero singular values contribute nothing."""
    a = with_singular_values(rng, *MATRICES[name])
    e = rng.normal(size=a.shape)
    close(wg.grad(lambda a: np.sum(L.svdvals(a) ** 2))(a), 2 * a)
    fourth = e @ a.T @ a + a @ e.T @ a + a @ a.T @ e
    for outer in (wg.jacrev, wg.jacfwd):
        hessian = outer(wg.grad(lambda a: np.sum(L.svdvals(a) ** 4) / 4))(a)
        close(np.einsum("ijkl,kl->ij", hessian, e), fourth)
    u, s, vh = L.svd(a, full_matrices=False)
    expected = (u * (s > 1e-12)) @ vh
    close(wg.grad(lambda a: L.norm(a, "nuc"))(a), expected)
    close(wg.jvp(lambda a: L.norm(a, "nuc"), (a,), (e,))[1], np.sum(expected * e))


@pytest.mark.parametrize("name", ["repeated", "tall, repeated", "wide, repeated"])
def test_polar_factor(name, rng):
    """U V^T at repeated singular values: H = (U V^T)_dot solves a Sylvester equation; here against differences."""
    a = with_singular_values(rng, *MATRICES[name])
    g, e = rng.normal(size=(2, *a.shape))
    f = lambda a: np.sum(g * product(np.ones_like, a))
    step = 1e-5
    difference = (8 * (f(a + step * e) - f(a - step * e)) - (f(a + 2 * step * e) - f(a - 2 * step * e))) / (12 * step)
    close(wg.jvp(f, (a,), (e,))[1], difference, 1e-8)
    close(np.sum(wg.grad(f)(a) * e), difference, 1e-8)


def test_the_complement_is_any_basis(rng):
    """Full matrices: a projector onto the complement is differentiated, an element of its basis is refused."""
    a, g = rng.normal(size=(5, 2)), rng.normal(size=(5, 5))
    p = a @ L.pinv(a)

    def complement(a):
        u = L.svd(a)[0][:, 2:]
        return np.sum(g * (u @ u.T))

    expected = -wg.grad(lambda a: np.sum(g * (a @ L.inv(a.T @ a) @ a.T)))(a)
    close(wg.grad(complement)(a), expected)
    assert abs(complement(a) - np.sum(g * (np.eye(5) - p))) < 1e-12
    with pytest.raises(SingularPointError, match="basis"):
        wg.grad(lambda a: L.svd(a)[0][0, 3])(a)


def test_singular_vectors_of_the_value_zero_are_refused(rng):
    """The polar factor of a matrix whose kernel has more than one dimension depends on the basis there."""
    a = with_singular_values(rng, (3, 3), [2, 0, 0])
    with pytest.raises(SingularPointError, match="zero"):
        wg.grad(lambda a: np.sum(np.arange(9.0).reshape(3, 3) * product(np.ones_like, a)))(a)


# norms -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [float, np.float32, complex])
def test_norms_at_zero(dtype):
    """The derivative of a norm at 0 is 0, in both modes and to second order."""
    zero = np.zeros(3, dtype)
    for p in (None, 1, 2, 3, 1.5, np.inf):
        close(wg.grad(lambda x, p=p: L.norm(x, p))(zero), zero)
        close(wg.jvp(lambda x, p=p: L.norm(x, p), (zero,), (zero + 1,))[1], 0)
    close(wg.jacrev(wg.grad(L.norm))(zero), np.zeros((3, 3)))
    for p in (None, 2, "nuc", 1, np.inf):
        close(wg.grad(lambda x, p=p: L.norm(x, p))(np.zeros((2, 2), dtype)), np.zeros((2, 2)))
    rows = np.array([[0, 0], [3, 4]], dtype)
    close(wg.grad(lambda x: np.sum(L.norm(x, axis=1)))(rows), np.array([[0, 0], [0.6, 0.8]]), 1e-6)


def test_extrema_share_among_ties():
    """max |x_i| at a tie, and the spectral norm of the identity."""
    close(wg.grad(lambda x: L.norm(x, np.inf))(np.array([1.0, -1.0])), [0.5, -0.5])
    close(wg.grad(lambda a: L.norm(a, 1))(np.ones((2, 2))), np.full((2, 2), 0.5))
    close(wg.grad(lambda a: L.norm(a, 2))(np.eye(2)), np.eye(2) / 2)


# determinants ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rank", [3, 2, 1, 0])
@pytest.mark.parametrize("is_complex", [False, True])
def test_det_is_a_polynomial(rank, is_complex, rng):
    """Its first and second derivatives are finite at every matrix: minors."""
    a = rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3)) + 0j
    a = a + 1j * rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3)) if is_complex and rank != 2 else a
    a = a if is_complex else a.real
    minor = lambda i, j: np.delete(np.delete(a, i, 0), j, 1)
    cofactors = np.array([[(-1) ** (i + j) * L.det(minor(i, j)) for j in range(3)] for i in range(3)])
    gradient = wg.grad(L.det, holomorphic=True)(a) if is_complex else wg.grad(L.det)(a)
    close(gradient, cofactors)
    hessian = wg.jacfwd(wg.grad(L.det, holomorphic=is_complex), holomorphic=is_complex)(a)
    signs = {(0, 1): 1, (1, 2): 1, (0, 2): -1}
    signs |= {(j, i): -s for (i, j), s in signs.items()}
    expected = np.zeros((3, 3, 3, 3), a.dtype)
    for (i, k), s in signs.items():
        for (j, m), t in signs.items():
            expected[i, j, k, m] = s * t * a[3 - i - k, 3 - j - m]
    close(hessian, expected, 1e-11)


def test_det_of_zero():
    """A gradient of zeros, and third derivatives refused."""
    close(wg.grad(L.det)(np.zeros((3, 3))), np.zeros((3, 3)))
    close(wg.grad(L.det)(np.zeros((1, 1))), np.ones((1, 1)))
    with pytest.raises(SingularPointError, match="det"):
        wg.jacfwd(wg.hessian(L.det))(np.zeros((3, 3)))


def test_log_determinants(rng):
    """d log|det A| = A^-T; the Hessian is -A^-T (x) A^-T; at singular matrices there is none."""
    a = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    y = L.inv(a)
    close(wg.grad(lambda a: L.slogdet(a)[1])(a), y.T)
    close(wg.hessian(lambda a: L.slogdet(a)[1])(a), -np.einsum("jk,li->ijkl", y, y))
    spd = a @ a.T
    close(wg.grad(lambda a: 2 * np.sum(np.log(np.diag(L.cholesky(a)))))(spd), L.inv(spd))
    close(wg.grad(lambda a: np.sum(np.log(L.eigvalsh(a))))(spd), L.inv(spd))
    for singular in (np.zeros((2, 2)), np.ones((2, 2))):
        with pytest.raises(SingularPointError, match="slogdet"):
            wg.grad(lambda a: L.slogdet(a)[1])(singular)


def test_singular_matrices_that_nobody_asks_about(rng):
    """Values at singular points are NumPy's, and a masked one among many harms nobody."""
    singular, a = np.ones((2, 2)), rng.normal(size=(2, 2)) + 2 * np.eye(2)
    (sign, logdet), _ = wg.vjp(lambda a: tuple(L.slogdet(a)), singular)
    assert (sign, logdet) == (0.0, -np.inf)
    stack = np.stack([a, singular])
    masked = wg.grad(lambda a: np.sum(np.where([True, False], L.slogdet(a)[1], 0.0)))(stack)
    close(masked, np.stack([L.inv(a).T, np.zeros((2, 2))]))
    assert wg.vjp(lambda a: L.cond(a), np.zeros((2, 2)) + np.diag([1.0, 0.0]))[0] == np.inf
    with pytest.raises(SingularPointError, match="cond"):
        wg.grad(L.cond)(np.diag([1.0, 0.0]))
    masked = wg.grad(lambda a: np.sum(np.where([True, False], np.abs(L.qr(a)[1][:, 0, 0]), 0.0)))(stack)
    close(masked[0], np.stack([a[:, 0] / L.norm(a[:, 0]), [0, 0]], axis=1))


# systems ---------------------------------------------------------------------------------------------------------
def test_solve_and_inverse_by_closed_forms(rng):
    """x = A^-1 b: A_bar = -z x^T with z = A^-T c; one factorisation of A^T more, and no inverse."""
    a, b, c = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3), rng.normal(size=3)
    a_bar, b_bar = wg.grad(lambda a, b: c @ L.solve(a, b), argnums=(0, 1))(a, b)
    z = L.solve(a.T, c)
    close(a_bar, -np.outer(z, L.solve(a, b)))
    close(b_bar, z)
    y = L.inv(a)
    g = rng.normal(size=(3, 3))
    close(wg.grad(lambda a: np.sum(g * L.inv(a)))(a), -(y.T @ g @ y.T))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_least_squares_by_closed_forms(shape, rng):
    """Tall: the normal equations. Wide: the solution of least norm."""
    a, b, c = rng.normal(size=shape), rng.normal(size=shape[0]), rng.normal(size=shape[1])

    def normal_equations(a, b):
        if shape[0] > shape[1]:
            return c @ L.solve(a.T @ a, a.T @ b)
        return c @ (a.T @ L.solve(a @ a.T, b))

    for f in (lambda a, b: c @ L.lstsq(a, b)[0], lambda a, b: c @ L.pinv(a) @ b):
        found = wg.grad(f, argnums=(0, 1))(a, b)
        for x, y in zip(found, wg.grad(normal_equations, argnums=(0, 1))(a, b), strict=True):
            close(x, y)
    residuals = lambda a: np.sum((b - a @ L.lstsq(a, b)[0]) ** 2)
    if shape[0] > shape[1]:
        close(wg.grad(lambda a: L.lstsq(a, b)[1][0])(a), wg.grad(residuals)(a))
        r, x = b - a @ L.lstsq(a, b)[0], L.lstsq(a, b)[0]
        close(wg.grad(residuals)(a), -2 * np.outer(r, x))


def test_pinv_at_constant_rank(rng):
    """Along matrices of one rank, the pseudo-inverse is smooth where it is rank-deficient too."""
    u, v = rng.normal(size=(4, 2)), rng.normal(size=(2, 3))
    for f in (L.pinv, lambda a: L.lstsq(a, np.arange(4.0), rcond=1e-10)[0]):
        wg.check_grads(lambda u, v, f=f: f(u @ v), (u, v))


def test_gradients_through_least_squares_written_out(rng):
    """theta = (X^T X)^-1 X^T y, z = (X^T X)^-1 dL/dtheta: dL/dy = X z, dL/dX = (y - X theta) z^T - X z theta^T.

    Of a matrix of lower rank, at constant rank: X^+ and (X^T X)^+ in place of the inverses, and (1 - X^+ X) g w^T with
    w = X^+T theta besides.
    """
    y, target = rng.normal(size=6), rng.normal(size=3)
    loss = lambda x, y: np.sum((L.lstsq(x, y, 1e-10)[0] - target) ** 2)
    for x in (rng.normal(size=(6, 3)), rng.normal(size=(6, 2)) @ rng.normal(size=(2, 3))):
        p = np.linalg.pinv(x, 1e-10)
        theta = p @ y
        g = 2 * (theta - target)
        z = p @ p.T @ g
        expected = np.outer(y - x @ theta, z) - np.outer(x @ z, theta)
        expected += np.outer(p.T @ theta, (np.eye(3) - p @ x) @ g)
        close(wg.grad(loss)(x, y), expected)
        close(wg.grad(loss, 1)(x, y), x @ z)
        close(wg.jit(wg.grad(loss))(x, y), expected)


def test_gradients_through_svd_written_out(rng):
    """The nuclear norm: U V^T; one value: u v^T; the nearest matrix of rank one, by a projector; at lower rank too."""
    for a in (rng.normal(size=(5, 3)), rng.normal(size=(5, 2)) @ rng.normal(size=(2, 3))):
        rank = np.linalg.matrix_rank(a)
        u, s, vt = np.linalg.svd(a, full_matrices=False)
        u, vt = u[:, :rank], vt[:rank]
        close(wg.grad(lambda a: np.sum(L.svd(a, compute_uv=False)))(a), u @ vt)
        for i in range(rank):
            close(wg.grad(lambda a, i=i: L.svd(a, compute_uv=False)[i])(a), np.outer(u[:, i], vt[i]))

        def nearest(a):
            u, s, vt = L.svd(a, full_matrices=False)
            return u[:, :1] * s[:1] @ vt[:1]

        w = rng.normal(size=(5, 3))
        p, m = np.outer(vt[0], vt[0]), a.T @ a  # A_1 = A P, P_dot = -R M_dot P - P M_dot R with R = (M - s_1^2)^+
        r, g = np.linalg.pinv(m - s[0] ** 2 * np.eye(3), 1e-10), a.T @ w
        half = -(r @ g @ p + p @ g @ r)
        close(wg.grad(lambda a, w=w: np.sum(w * nearest(a)))(a), w @ p + a @ (half + half.T))


def test_cholesky_and_eigh_read_one_triangle(rng):
    """Symmetric matrices move among their like; of others the triangle that is read moves, and its mirror image."""
    a = sym(rng.normal(size=(3, 3))) + 5 * np.eye(3)
    e = rng.normal(size=(3, 3))
    for f in (L.cholesky, L.eigvalsh, lambda a: np.abs(L.eigh(a)[1])):
        close(wg.jvp(f, (a,), (e,))[1], wg.jvp(f, (a,), (sym(e),))[1])
        close(wg.jvp(f, (np.tril(a),), (e,))[1], wg.jvp(f, (a,), (np.tril(e) + np.tril(e, -1).T,))[1])
        gradient = wg.grad(lambda a, f=f: np.sum(f(a)))(a)
        close(gradient, gradient.T)


def test_qr_of_a_singular_matrix():
    """Refused, not NaN."""
    with pytest.raises(SingularPointError, match="qr"):
        wg.grad(lambda a: L.qr(a)[0][0, 1])(np.ones((2, 2)))


def test_functions_of_a_matrix_by_eig(rng):
    """V f(w) V^-1 at a repeated eigenvalue of a matrix that is not symmetric."""
    a = np.array([[2.0, 0, 1], [0, 2, 1], [0, 0, 3]])
    g = rng.normal(size=(3, 3))

    def h(a):
        w, v = L.eig(a)
        return np.sum(g * ((v * w**3) @ L.inv(v))).real

    close(wg.grad(h)(a), g @ (a.T @ a.T) + a.T @ g @ a.T + a.T @ a.T @ g)
    close(wg.grad(lambda a: np.sum(L.eigvals(a) ** 2).real)(a), 2 * a.T)


def test_defective_matrices_are_refused():
    """Their eigenvalues move as roots do."""
    a = np.array([[1.0, 1.0], [0.0, 1.0]])
    for f in (lambda a: np.abs(L.eig(a)[1][1, 1]), lambda a: L.eigvals(a)[0].real):
        with pytest.raises((SingularPointError, L.LinAlgError)):
            wg.grad(f)(a)
