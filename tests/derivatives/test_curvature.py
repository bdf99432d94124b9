"""Curvature products and estimates against dense matrices and closed forms."""

import numpy as np
import pytest
from scipy.fft import dct, idct
from scipy.sparse import linalg
from scipy.sparse.linalg import LinearOperator

import wengert as wg
from wengert import curvature
from wengert.derivatives.curvature import spectrum
from wengert.errors import ArgumentError, SingularPointError, WengertError

N = 12
A = np.random.default_rng(3).normal(size=(N, N)) / 3
X = np.linspace(-1.0, 1.0, N)
MODES = ["auto", "forward over reverse", "reverse over reverse"]


def f(x):
    return np.log(np.sum(np.exp(A @ x))) + np.sum(np.sin(x) * x[::-1] ** 2)


def by_differences(g, x, h=1e-5):
    """The matrix of central differences of the gradient."""
    rows = [(wg.grad(g)(x + h * e) - wg.grad(g)(x - h * e)) / (2 * h) for e in np.eye(len(x))]
    return np.array(rows)


def random(seed=0):
    return np.random.default_rng(seed)


def symmetric(eigenvalues, seed=1):
    """A matrix with these eigenvalues."""
    n = len(eigenvalues)
    Q = np.linalg.qr(random(seed).normal(size=(n, n)))[0]
    return (Q * eigenvalues) @ Q.T


# products ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
def test_hessian(mode):
    H, want = curvature.hessian(f, X, mode=mode), by_differences(f, X)
    np.testing.assert_allclose(H.dense(), want, atol=1e-8)
    np.testing.assert_allclose(H(X), want @ X, atol=1e-8)
    np.testing.assert_allclose(H(X), wg.hvp(f, (X,), (X,)), rtol=1e-12, atol=1e-14)
    assert H.mode in MODES[1:] and (mode == "auto" or H.mode == mode)


def test_the_composition_is_chosen_by_what_both_cost():
    """One tangent forward, or one adjoint back, whatever number of leaves there are."""
    weights = {"A": np.ones((3, N)), "b": np.zeros(3)}
    H = curvature.hessian(lambda p: np.sum(np.tanh(p["A"] @ X + p["b"]) ** 2), weights)
    forward, reverse = H.choice.forward, H.choice.reverse
    assert forward.passes == reverse.passes == 1
    assert forward.cost.operations < 20 * 3 * N  # not once for each leaf
    assert H.mode == f"{H.choice.mode} over reverse" and "by count" in str(H.choice)
    indexed = curvature.hessian(lambda x: sum(x[i] * x[i + 1] ** 2 for i in range(N - 1)), X)
    assert indexed.choice.mode == "forward" and "costs 0." in indexed.choice.reason  # x[i] fills an array backwards
    assert curvature.hessian(f, X, mode=MODES[2]).choice.mode == "reverse"


def test_products_are_compiled_batched_and_differentiated():
    """Inside other transformations, and of a function that is itself compiled."""
    want, V = by_differences(f, X), random().normal(size=(3, N))
    compiled = curvature.hessian(wg.jit(f), X)
    np.testing.assert_allclose(compiled.rows(V), V @ want, atol=1e-7)
    np.testing.assert_allclose(wg.jit(lambda x, V: curvature.hessian(f, x).rows(V))(X, V), V @ want, atol=1e-7)
    np.testing.assert_allclose(wg.vmap(lambda v: curvature.hessian(f, X)(v))(V), V @ want, atol=1e-7)
    points = np.stack([X, X / 2])
    found = wg.jit(wg.vmap(lambda x: curvature.hessian(f, x).dense()))(points)
    np.testing.assert_allclose(found[1], by_differences(f, X / 2), atol=1e-7)

    def structured(x, v):
        H = curvature.hessian(lambda p: np.sum(p["a"] ** 3) * p["b"], {"a": x[1:], "b": x[0]})
        return H.flat(H(H.tree(v)))

    dense = wg.hessian(lambda x: np.sum(x[:-1] ** 3) * x[-1])(np.append(X[1:], X[0]))
    np.testing.assert_allclose(wg.jit(structured)(X, V[0]), dense @ V[0], rtol=1e-12, atol=1e-12)
    slope = wg.grad(lambda x: curvature.trace(curvature.hessian(lambda x: np.sum(x**4), x), random()).value)(X)
    np.testing.assert_allclose(slope, 24 * X, rtol=1e-12)  # a diagonal matrix: the estimate is exact


PRODUCTS = {
    "hessian": lambda: curvature.hessian(lambda x: f(x) + 5 * np.sum(x**2), X),
    "float32": lambda: curvature.hessian(lambda x: np.sum(x**4) + np.sum(x**2), X.astype(np.float32)),
    "gauss_newton": lambda: curvature.gauss_newton(lambda x: A @ np.sin(x) + x, X),
    "fisher": lambda: curvature.fisher(lambda x: A @ x + x, X, "poisson"),
    "empirical fisher": lambda: curvature.fisher(lambda x: A @ x + x**2 + x, X),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_scipys_iterative_methods_take_every_operator(name):
    product = PRODUCTS[name]()
    M, operator, b = product.dense().astype(float), product.operator, np.ones(N)
    rtol = 1e-4 if product.dtype == np.float32 else 1e-8
    values, _ = linalg.eigsh(operator, 2, v0=b.astype(product.dtype))
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(M)[-2:], rtol=rtol)
    for solve in (linalg.cg, linalg.minres):
        x, failed = solve(operator, b, rtol=rtol / 100, maxiter=500)
        assert not failed
        np.testing.assert_allclose(M @ x, b, atol=100 * rtol)
    shifted = operator + 2.0 * linalg.aslinearoperator(np.eye(N))
    np.testing.assert_allclose(shifted @ b, M @ b + 2 * b, rtol=rtol)


def test_hessian_of_a_structure():
    x = {"a": 2.0, "b": np.array([[1.0, 3.0]]), "none": np.zeros(0)}
    H = curvature.hessian(lambda p: p["a"] ** 2 * np.sum(p["b"] ** 2), x)
    v = {"a": 1.0, "b": np.array([[0.5, -1.0]]), "none": np.zeros(0)}
    found = H(v)
    # d^2 f = 2 B da^2 + 8 a b da db + 2 a^2 db^2, with B = |b|^2.
    assert found["a"] == pytest.approx(2 * 10 + 4 * 2 * (0.5 - 3))
    np.testing.assert_allclose(found["b"], 4 * 2 * x["b"] + 2 * 4 * v["b"])
    assert found["none"].shape == (0,) and H.shape == (3, 3)
    np.testing.assert_allclose(H.rows(H.flat(v)[None])[0], H.flat(found))
    assert H.tree(H.flat(v))["b"].tolist() == v["b"].tolist() and H.tree(H.flat(v))["a"] == 1.0


def test_operators_are_scipys():
    H = curvature.hessian(f, X)
    assert isinstance(H.operator, LinearOperator)
    V = random().normal(size=(N, 3))
    for found in (H.operator @ V, H.operator.T @ V, H.rows(V.T).T):
        np.testing.assert_allclose(found, H.dense() @ V, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(H.operator @ V[:, 0], H.dense() @ V[:, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("x", [2.0, np.float32(2.0), np.zeros(0), np.ones((2, 1), np.float32)])
def test_hessian_of_scalars_empty_and_float32(x):
    H = curvature.hessian(lambda x: np.sum(x**3), x)
    assert np.shape(H(x)) == np.shape(x) and np.asarray(H(x)).dtype == np.asarray(x).dtype
    np.testing.assert_allclose(H.dense(), np.diag(6.0 * np.ravel(x)))


def residuals(x):
    return np.tanh(A[:7] @ x) - 0.3


def test_gauss_newton():
    J = wg.jacobian(residuals)(X)
    np.testing.assert_allclose(curvature.gauss_newton(residuals, X).dense(), J.T @ J, rtol=1e-12, atol=1e-14)
    weights = np.arange(1.0, 8.0)
    G = curvature.gauss_newton(residuals, X, lambda z: np.sum(weights * z**4))
    want = J.T @ np.diag(12 * weights * residuals(X) ** 2) @ J
    np.testing.assert_allclose(G.dense(), want, rtol=1e-12, atol=1e-13)
    # Where the model is linear it is the Hessian.
    linear = curvature.gauss_newton(lambda x: A @ x, X, lambda z: np.log(np.sum(np.exp(z))))
    np.testing.assert_allclose(linear.dense(), by_differences(lambda x: np.log(np.sum(np.exp(A @ x))), X), atol=1e-8)


def covariance(family, z):
    """Of independent observations with these natural parameters."""
    if family == "normal":
        return np.eye(z.size)
    if family == "bernoulli":
        p = 1 / (1 + np.exp(-z))
        return np.diag(p * (1 - p))
    if family == "poisson":
        return np.diag(np.exp(z))
    p = np.exp(z) / np.sum(np.exp(z))
    return np.diag(p) - np.outer(p, p)


@pytest.mark.parametrize("family", ["normal", "bernoulli", "categorical", "poisson"])
def test_fisher(family):
    J = wg.jacobian(residuals)(X)
    found = curvature.fisher(residuals, X, family).dense()
    np.testing.assert_allclose(found, J.T @ covariance(family, residuals(X)) @ J, rtol=1e-11, atol=1e-13)


def test_empirical_fisher():
    found = curvature.fisher(residuals, X).dense()
    gradients = wg.jacobian(residuals)(X)
    np.testing.assert_allclose(found, sum(np.outer(g, g) for g in gradients), rtol=1e-12, atol=1e-14)


# diagonals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chunk", [None, 5])
def test_exact_diagonal_and_laplacian(chunk):
    want = np.diag(by_differences(f, X))
    np.testing.assert_allclose(curvature.hessian_diagonal(f, X, chunk=chunk), want, atol=1e-8)
    np.testing.assert_allclose(curvature.laplacian(f, X, chunk=chunk), want.sum(), atol=1e-7)
    np.testing.assert_allclose(wg.jit(lambda x: curvature.laplacian(f, x, chunk=chunk))(X), want.sum(), atol=1e-7)


def test_laplacian_of_a_harmonic_function_and_of_structures():
    harmonic = lambda p: np.exp(p["x"]) * np.sin(p["y"])
    assert curvature.laplacian(harmonic, {"x": 0.3, "y": 0.7}) == pytest.approx(0.0, abs=1e-15)
    found = curvature.hessian_diagonal(lambda p: p["a"] ** 3 * p["b"] ** 2, {"a": 2.0, "b": np.ones(2)})
    np.testing.assert_allclose(found["a"], [12.0, 12.0])
    np.testing.assert_allclose(found["b"], 16 * np.eye(2))
    assert curvature.laplacian(lambda x: np.sum(x**2), np.zeros(0)) == 0
    x = np.array([1.0, 2.0])
    third = wg.grad(lambda x: curvature.laplacian(lambda x: np.sum(x**4), x))(x)
    np.testing.assert_allclose(third, 24 * x)


def test_estimated_diagonal():
    H = curvature.hessian(f, X)
    want = np.diag(H.dense())
    found = curvature.diagonal(H, random(), samples=4000)
    spread = np.sqrt(np.sum(H.dense() ** 2, axis=1) - want**2)  # Bekas et al., the standard deviation of one term
    np.testing.assert_allclose(found.error, spread / np.sqrt(4000), rtol=0.1)
    assert np.all(abs(found.value - want) < 4.5 * found.error) and found.products == 4000


# traces ------------------------------------------------------------------------------------------------------------
def test_the_error_of_hutchinsons_trace_falls_as_the_root_of_the_samples():
    """Three decades of samples: errors against theory, standard errors against theory."""
    M = symmetric(np.linspace(-1.0, 3.0, 30))
    deviation = np.sqrt(2 * (np.sum(M**2) - np.sum(np.diag(M) ** 2)))
    counts = np.array([4, 40, 400, 4000])
    errors = []
    for V in counts:
        runs = [curvature.trace(M, random(seed), samples=int(V)) for seed in range(60)]
        errors.append(np.sqrt(np.mean([(run.value - np.trace(M)) ** 2 for run in runs])))
        if V >= 40:
            assert np.mean([run.error for run in runs]) == pytest.approx(deviation / np.sqrt(V), rel=0.05)
    np.testing.assert_allclose(errors, deviation / np.sqrt(counts), rtol=0.3)
    assert np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(-0.5, abs=0.05)


def test_a_trace_stops_at_its_tolerance():
    M = symmetric(np.linspace(1.0, 3.0, 30))
    found = curvature.trace(M, random(), samples=100_000, tolerance=0.01)
    assert found.error <= 0.01 * found.value and 16 <= found.products < 10_000
    assert found.value == pytest.approx(60.0, rel=0.05)
    assert curvature.trace(M, random(), samples=20, tolerance=1e-9).products == 20


def test_hutch_plus_plus():
    values = np.concatenate([[100.0, 50.0, 20.0, 10.0], np.full(46, 0.01)])
    M = symmetric(values)
    plain, better = (
        np.mean([(curvature.trace(M, random(s), samples=30, method=m).value - values.sum()) ** 2 for s in range(30)])
        for m in ("hutchinson", "hutch++")
    )
    assert better < 1e-4 * plain
    found = curvature.trace(M, random(5), samples=30, method="hutch++")
    assert found.products == 30 and abs(found.value - values.sum()) < 6 * found.error
    exact = curvature.trace(symmetric(np.array([1.0, 2.0, 3.0])), random(), samples=9, method="hutch++")
    assert exact.value == pytest.approx(6.0) and exact.error == 0


class Falling:
    """A matrix with the eigenvalues 1, 1/4, 1/9, ..., 1/n^2 and a cosine transform as eigenvectors."""

    def __init__(self, n):
        self.values, self.shape, self.dtype = np.arange(1.0, n + 1) ** -2, (n, n), np.dtype(float)

    def __matmul__(self, V):
        return idct(self.values[:, None] * dct(V, axis=0, norm="ortho"), axis=0, norm="ortho")


def test_hutch_plus_plus_falls_faster_than_the_root():
    """Three decades of errors and more while the products grow by two: at least as 1 / V, Hutchinson's as its root."""
    M, counts, errors = Falling(1000), (6, 60, 600), {}
    for method in ("hutchinson", "hutch++"):
        runs = [[curvature.trace(M, random(s), samples=V, method=method) for s in range(12)] for V in counts]
        errors[method] = [np.sqrt(np.mean([(run.value - M.values.sum()) ** 2 for run in row])) for row in runs]
        said = [np.sqrt(np.mean([run.error**2 for run in row])) for row in runs]
        np.testing.assert_allclose(said[1:], errors[method][1:], rtol=0.5)
    assert np.polyfit(np.log(counts), np.log(errors["hutchinson"]), 1)[0] == pytest.approx(-0.5, abs=0.2)
    assert np.all(np.diff(np.log(errors["hutch++"])) < -np.log(10))
    assert errors["hutch++"][0] > 1000 * errors["hutch++"][-1]


def test_batches_give_the_mean_and_the_error():
    M = symmetric(np.linspace(-1.0, 3.0, 10))
    found = curvature.trace(M, random(7), samples=100)
    v = np.concatenate([random_signs for random_signs in _signs(random(7), [64, 36], 10)])
    terms = np.einsum("ki,ij,kj->k", v, M, v)
    assert found.value == pytest.approx(terms.mean()) and found.error == pytest.approx(terms.std(ddof=1) / 10)


def _signs(rng, counts, n):
    return [rng.integers(0, 2, (k, n)) * 2.0 - 1.0 for k in counts]


# spectra -----------------------------------------------------------------------------------------------------------
def test_lanczos_keeps_extreme_eigenvalues_and_orthogonality():
    values = np.concatenate([[-5.0, 20.0], np.linspace(0.0, 1.0, 98)])
    M = symmetric(values)
    d, e = curvature.lanczos(lambda V: V @ M, random().normal(size=100), 60)
    ritz = np.linalg.eigvalsh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1))
    np.testing.assert_allclose(ritz[[0, -1]], [-5.0, 20.0], rtol=1e-12)
    assert np.sum(ritz > 1.5) == 1 and np.sum(ritz < -0.5) == 1  # without reorthogonalisation there would be ghosts


def test_lanczos_ends_where_the_span_is_invariant():
    M = np.diag([1.0, 2.0, 2.0, 2.0])
    d, e = curvature.lanczos(lambda V: V @ M, np.ones(4), 4)
    assert d.shape == (2,) and e.shape == (1,)
    np.testing.assert_allclose(np.linalg.eigvalsh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1)), [1.0, 2.0])


def test_lanczos_from_several_vectors_is_that_from_each(monkeypatch):
    """Products come in batches; a vector whose span is invariant goes out of them."""
    M, sizes = symmetric(np.linspace(-1.0, 3.0, 20)), []

    def rows(V):
        sizes.append(len(V))
        return V @ M

    V = np.stack([random(1).normal(size=20), np.linalg.eigh(M)[1][:, 3], random(2).normal(size=20)])
    together = spectrum.quadratures(rows, V, 6)
    assert sizes == [3, 2, 2, 2, 2, 2]
    for v, (nodes, weights) in zip(V, together, strict=True):
        d, e = curvature.lanczos(rows, v, 6)
        T = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
        np.testing.assert_allclose(nodes, np.linalg.eigvalsh(T), atol=1e-12)
        assert weights @ nodes**2 == pytest.approx(v @ M @ M @ v / (v @ v))
    monkeypatch.setattr(spectrum, "MEMORY", 8 * 20 * 6 * 2)  # two bases fit
    sizes.clear()
    apart = spectrum.quadratures(rows, V, 6)
    assert sizes == [2, 1, 1, 1, 1, 1, *[1] * 6]
    np.testing.assert_allclose(apart[2][0], together[2][0], rtol=1e-12)


def test_a_log_determinant_stops_at_its_tolerance():
    M = symmetric(np.geomspace(1.0, 100.0, 60))
    found = curvature.log_determinant(M, random(), samples=10_000, steps=30, tolerance=0.02)
    assert found.error <= 0.02 * found.value and 16 * 30 <= found.products < 10_000 * 30
    assert abs(found.value - np.linalg.slogdet(M)[1]) < 4 * found.error


def test_log_determinant():
    M = symmetric(np.geomspace(0.1, 10.0, 60) * 1.5)
    found = curvature.log_determinant(M, random(), samples=60, steps=40)
    assert abs(found.value - np.linalg.slogdet(M)[1]) < 4 * found.error
    values, Q = np.linalg.eigh(M)
    L = (Q * np.log(values)) @ Q.T  # the error is that of Hutchinson's estimate for the trace of log M
    deviation = np.sqrt(2 * (np.sum(L**2) - np.sum(np.diag(L) ** 2)))
    assert found.error == pytest.approx(deviation / np.sqrt(60), rel=0.3)
    assert curvature.log_determinant(np.eye(5) * 3, random(), samples=3).value == pytest.approx(5 * np.log(3))
    with pytest.raises(SingularPointError):
        curvature.log_determinant(np.diag([1.0, -1.0]), random())
    assert curvature.log_determinant(np.zeros((0, 0)), random()).value == 0


def test_spectral_density():
    values = np.sort(random(2).normal(size=400))
    M = symmetric(values)
    found = curvature.spectral_density(M, random(), samples=20, steps=60)
    assert found.weights.sum() == pytest.approx(1.0)
    for t in (-1.0, 0.0, 0.5, 2.0):
        assert found.below(t) == pytest.approx(np.mean(values < t), abs=0.03)
    grid = np.linspace(-5.0, 5.0, 2001)
    density = found.density(grid, 0.3)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-6)
    want = np.mean(np.exp(-(((grid[:, None] - values) / 0.3) ** 2) / 2), axis=1) / (0.3 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density, want, atol=0.03)
    square = found.mean(np.square)
    assert abs(square.value - np.mean(values**2)) < 4 * square.error < 0.3 and square.products == 20 * 60
    assert found.mean(lambda t: t < 0.5).value == pytest.approx(found.below(0.5))
    moments = [found.weights @ found.nodes**k for k in (1, 2)]
    np.testing.assert_allclose(moments, [values.mean(), np.mean(values**2)], atol=0.06)


@pytest.mark.parametrize("n", [8, 60])
@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
def test_eigenpairs(n, which):
    values = np.concatenate([[-9.0], np.linspace(0.0, 5.0, n - 3), [7.0, 8.0]])
    M = symmetric(values)
    want = {"largest": values[-2:], "smallest": values[:2], "magnitude": values[[0, -1]]}[which]
    found, vectors = curvature.eigenpairs(M, 2, which, rng=random())
    np.testing.assert_allclose(found, want, atol=1e-10)
    np.testing.assert_allclose(M @ vectors, vectors * found, atol=1e-8)
    np.testing.assert_allclose(curvature.eigenpairs(M, 2, which)[0], want, atol=1e-10)


def test_eigenpairs_of_a_hessian_have_its_structure():
    x = {"w": X.reshape(3, 4), "b": np.zeros(3)}
    H = curvature.hessian(lambda p: np.sum(np.cos(p["w"] @ A[:4, 0] + p["b"])), x)
    (value,), vector = curvature.eigenpairs(H, 1, "smallest")
    v = H.tree(vector[:, 0])
    assert v["w"].shape == (3, 4)
    np.testing.assert_allclose(H(v)["w"], value * v["w"], atol=1e-10)
    assert value == pytest.approx(np.linalg.eigvalsh(H.dense())[0])


# errors ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: curvature.hessian(np.sin, X),
        lambda: curvature.hessian(f, X, mode="sideways"),
        lambda: curvature.hessian(f, np.arange(N)),
        lambda: curvature.hessian(lambda z: np.abs(z) ** 2, 1j),
        lambda: curvature.hessian(f, X)(np.ones(3)),
        lambda: curvature.hessian(f, X).rows(np.ones((2, 3))),
        lambda: curvature.hessian(f, X).rows(np.ones(N)),
        lambda: curvature.hessian(f, X).rows(np.ones((2, N), complex)),
        lambda: curvature.hessian(f, X).tree(np.ones(3)),
        lambda: curvature.hessian(f, X).operator @ (1j * np.ones(N)),
        lambda: curvature.gauss_newton(lambda x: x * 1j, X),
        lambda: curvature.gauss_newton(residuals, X, lambda z: z),
        lambda: curvature.fisher(residuals, X, "gamma"),
        lambda: curvature.hessian_diagonal(f, X, chunk=0),
        lambda: curvature.trace(np.eye(3), 0),
        lambda: curvature.trace(np.ones((2, 3)), random()),
        lambda: curvature.trace("A", random()),
        lambda: curvature.trace(np.eye(3), random(), samples=0),
        lambda: curvature.trace(np.eye(3), random(), method="guess"),
        lambda: curvature.trace(np.eye(3), random(), method="hutch++", tolerance=0.1),
        lambda: curvature.diagonal(np.eye(3), random(), samples=2.5),
        lambda: curvature.spectral_density(np.eye(3), random(), steps=0),
        lambda: curvature.spectral_density(np.zeros((0, 0)), random()),
        lambda: curvature.eigenpairs(np.eye(3), 4),
        lambda: curvature.eigenpairs(np.eye(3), 1, "middle"),
    ],
)
def test_errors(wrong):
    with pytest.raises(WengertError):
        wrong()


def test_the_caller_is_told_what_to_write():
    with pytest.raises(ArgumentError, match=r"np.random.default_rng"):
        curvature.trace(np.eye(3), 0)
