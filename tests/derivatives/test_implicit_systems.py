"""Linear systems of derivatives: sparse, by products, preconditioned; and what is said of bad ones."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import linalg

import wengert as wg
import wengert.numpy as wnp
from wengert import implicit
from wengert.errors import (
    ArgumentError,
    IllConditionedWarning,
    InaccurateSolutionWarning,
    NotASolutionError,
    ShapeError,
    SingularPointError,
)

N = 6


@pytest.fixture
def matrix(rng):
    """A sparse matrix that is not symmetric."""
    return sp.csr_array(4 * np.eye(N) + np.diag(rng.normal(size=N - 1), 1) + np.diag(rng.normal(size=N - 2), -2))


# sparse systems --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", [None, "gmres", "bicgstab"])
def test_entries_against_the_dense_matrix(matrix, method, rng):
    coo, b = matrix.tocoo(), rng.normal(size=N)

    def dense(data, b):
        A = wnp.zeros((N, N))
        A[coo.row, coo.col] = data
        return np.linalg.solve(A, b)

    f = lambda data, b: implicit.linear_solve((data, (coo.row, coo.col)), b, method=method)
    args = coo.data, b
    for jacobian in (wg.jacfwd, wg.jacrev, lambda f, n: wg.jit(wg.jacrev(f, n))):
        for one, other in zip(jacobian(f, (0, 1))(*args), wg.jacobian(dense, (0, 1))(*args), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-8)
    if method is None:
        square = lambda f: lambda data: np.sum(f(data, b) ** 2)
        np.testing.assert_allclose(wg.hessian(square(f))(coo.data), wg.hessian(square(dense))(coo.data), atol=1e-12)
        wg.check_grads(f, args, order=2)
    np.testing.assert_allclose(implicit.linear_solve(matrix, b, method=method), dense(*args), rtol=1e-8)


def test_lanes_columns_repeated_places_and_dtypes(matrix, rng):
    b, A = rng.normal(size=(N, 3)), matrix.toarray()
    np.testing.assert_allclose(implicit.linear_solve(matrix, b), np.linalg.solve(A, b))
    f = lambda b: implicit.linear_solve(matrix, b)
    np.testing.assert_allclose(wg.vmap(f, 1, 1)(b), np.linalg.solve(A, b))
    np.testing.assert_allclose(wg.vmap(f)(np.stack([b, 2 * b])), np.linalg.solve(A, np.stack([b, 2 * b])))
    assert wg.grad(lambda b: np.sum(f(b)))(b) == pytest.approx(np.linalg.solve(A.T, np.ones((N, 3))))
    rows, columns = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    g = lambda d: implicit.linear_solve((d, (rows, columns)), np.ones(2))
    d = np.array([1.0, 1.0, 4.0, 2.0])  # [[2, 0], [2, 4]]
    np.testing.assert_allclose(g(d), [0.5, 0.0])
    np.testing.assert_allclose(wg.jacobian(g)(d)[:, :2], [[-0.25, -0.25], [0.125, 0.125]])
    lanes = wg.vmap(g)(np.stack([d, 2 * d]))
    np.testing.assert_allclose(lanes, [[0.5, 0.0], [0.25, 0.0]])
    assert implicit.linear_solve(matrix.astype(np.float32), np.ones(N, np.float32)).dtype == np.float32
    assert implicit.linear_solve(sp.csr_array((0, 0)), np.zeros(0)).shape == (0,)
    assert implicit.linear_solve(matrix, np.ones(N, int)) == pytest.approx(np.linalg.solve(A, np.ones(N)))


def test_sparse_refusals(matrix):
    with pytest.raises(SingularPointError, match="singular"):
        implicit.linear_solve(sp.csr_array(np.ones((2, 2))), np.ones(2))
    with pytest.raises(ShapeError, match="shape"):
        implicit.linear_solve(matrix, np.ones(N + 1))
    with pytest.raises(ShapeError, match="right side"):
        implicit.linear_solve(matrix, np.ones((N, 1, 1)))
    with pytest.raises(ArgumentError, match="entries"):
        implicit.linear_solve((np.ones(3), (np.arange(2), np.arange(2))), np.ones(2))
    with pytest.raises(ArgumentError, match="function"):
        implicit.linear_solve(lambda v: v, np.ones(2), method="cholesky")


def bratu(n, **options):
    """Minus the Laplacian of u = c exp(u) on the unit square, u = 0 on its boundary, n x n unknowns."""
    h2 = 1.0 / (n + 1) ** 2

    def equations(u, c):
        p = np.pad(u, 1)
        return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + h2 * c * np.exp(u)

    return lambda c: implicit.root(equations, np.zeros((n, n)), (c,), **options)


@pytest.mark.parametrize("options", [{"linear": "sparse"}, {"linear": "gmres"}, {"linear": "minres"}])
def test_a_differential_equation(options):
    dense, f = bratu(6), bratu(6, **options)
    np.testing.assert_allclose(f(1.0), dense(1.0), rtol=1e-9)
    np.testing.assert_allclose(wg.jacfwd(f)(1.0), wg.jacfwd(dense)(1.0), rtol=1e-8)
    total = lambda f: lambda c: np.sum(f(c) ** 2)
    assert wg.jit(wg.grad(total(f)))(1.0) == pytest.approx(wg.grad(total(dense))(1.0), rel=1e-8)
    assert wg.grad(wg.grad(total(f)))(1.0) == pytest.approx(wg.grad(wg.grad(total(dense)))(1.0), rel=1e-7)
    np.testing.assert_allclose(wg.vmap(f)(np.array([0.5, 1.0]))[1], dense(1.0), rtol=1e-9)


def test_a_structure_that_is_given():
    n = 6
    found = wg.sparse.pattern(lambda u: bratu_equations(u, n))(np.zeros((n, n)))
    for sparsity in (found, found.colouring("columns"), found.pattern):
        f = bratu(n, linear="sparse", sparsity=sparsity)
        np.testing.assert_allclose(wg.jacfwd(f)(1.0), wg.jacfwd(bratu(n))(1.0), rtol=1e-9)
    for sparsity in (sp.eye_array(3), found.colouring("rows")):
        with pytest.raises(ArgumentError, match="sparsity of shape"):
            bratu(n, linear="sparse", sparsity=sparsity)(1.0)
    with pytest.raises(ArgumentError, match="linear='sparse'"):
        bratu(n, sparsity=found)(1.0)
    u = bratu(n)(1.0)
    diagonal = bratu(n, linear="sparse", sparsity=sp.eye_array(n * n), solver=lambda F, _: u)
    with pytest.raises(ArgumentError, match="too small"):
        wg.jacfwd(diagonal)(1.0)


def bratu_equations(u, n):
    p = np.pad(u, 1)
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4 * u + np.exp(u) / (n + 1) ** 2


def test_ten_thousand_unknowns():
    """The energy's slope against that of the equation of the tangent, solved with SciPy's matrices alone."""
    n = 100
    f = bratu(n, linear="sparse")
    u, slope = wg.jvp(f, (1.0,), (1.0,))
    T = sp.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))
    A = sp.kron(T, sp.eye_array(n)) + sp.kron(sp.eye_array(n), T) + sp.diags_array(np.exp(u).ravel() / (n + 1) ** 2)
    by_hand = linalg.spsolve(A.tocsc(), -np.exp(u).ravel() / (n + 1) ** 2)
    np.testing.assert_allclose(slope.ravel(), by_hand, rtol=1e-9)


def test_newton_finds_what_hybr_finds_and_says_where_it_does_not():
    f = lambda **o: implicit.root(lambda y: np.stack([y[0] ** 2 + y[1] - 3, np.exp(y[0]) - y[1]]), np.ones(2), **o)
    np.testing.assert_allclose(f(method="newton"), f(), rtol=1e-12)
    steep = implicit.root(lambda y: np.arctan(y), 3.0, method="newton")  # full steps run away
    assert steep == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(NotASolutionError, match="newton"):
        implicit.root(lambda y: y**2 + 1.0, 0.7, method="newton")
    with pytest.raises(NotASolutionError, match="2 steps were not enough"):
        implicit.root(np.arctan, 3.0, method="newton", options={"maxiter": 2})


# products --------------------------------------------------------------------------------------------------------
D = np.logspace(0, 6, 40)
PRECONDITIONERS = {
    "cg": lambda v: v / D,
    "minres": sp.diags_array(1 / D),
    "gmres": np.diag(1 / D),
    "bicgstab": linalg.LinearOperator((40, 40), matvec=lambda v: v / D, rmatvec=lambda v: v / D),
}


@pytest.mark.parametrize("method", PRECONDITIONERS)
def test_preconditioners(method):
    """x = 1 / (D + c), in two iterations."""
    few = {"restart": 5, "maxiter": 1} if method == "gmres" else {"maxiter": 5}
    how = implicit.Krylov(method, preconditioner=PRECONDITIONERS[method], **few)
    f = lambda c: np.sum(implicit.linear_solve(lambda v: (D + c) * v, np.ones(40), method=how))
    assert wg.grad(f)(0.0) == pytest.approx(-np.sum(1 / D**2))
    assert wg.jit(wg.grad(f))(0.0) == pytest.approx(-np.sum(1 / D**2))
    assert wg.grad(wg.grad(f))(0.0) == pytest.approx(2 * np.sum(1 / D**3))
    g = lambda c: np.sum(implicit.root(lambda y: (D + c) * y - 1.0, np.zeros(40), linear=how))
    assert wg.grad(g)(0.0) == pytest.approx(-np.sum(1 / D**2))
    without = implicit.Krylov(method, **few)
    with pytest.raises(NotASolutionError, match="preconditioner"):
        implicit.linear_solve(lambda v: D * v, np.ones(40), method=without)


def test_preconditioners_of_the_transposed(rng):
    A = rng.normal(size=(N, N)) + 3 * np.eye(N)
    near = np.linalg.inv(A + 0.01 * rng.normal(size=(N, N)))
    how = implicit.Krylov("gmres", preconditioner=near)
    f = lambda b: np.sum(implicit.linear_solve(lambda v: A @ v, b, method=how))
    assert wg.grad(f)(np.ones(N)) == pytest.approx(np.linalg.solve(A.T, np.ones(N)))


def test_an_indefinite_operator():
    A = np.diag([1.0, -2.0, 3.0])
    f = lambda c: implicit.linear_solve(lambda v: A @ v + c * v, np.ones(3), method="minres")
    np.testing.assert_allclose(wg.jacobian(f)(0.0), [-1.0, -0.25, -1 / 9], rtol=1e-8)


def test_krylov_refusals():
    apply = lambda how: wg.grad(lambda b: np.sum(implicit.linear_solve(lambda v: 2 * v, b, method=how)))(np.ones(3))
    with pytest.raises(ArgumentError, match="transpose"):
        apply(implicit.Krylov("gmres", preconditioner=lambda v: v))
    with pytest.raises(ArgumentError, match=r"shape \(2, 2\)"):
        apply(implicit.Krylov("gmres", preconditioner=np.eye(2)))
    with pytest.raises(ArgumentError, match="traced"):
        wg.grad(lambda c: np.sum(apply(implicit.Krylov("gmres", preconditioner=c * np.eye(3)))))(1.0)
    with pytest.raises(ArgumentError, match="matrix-free"):
        implicit.Krylov("lsqr")


def test_cholesky(rng):
    A = rng.normal(size=(N, N))
    A, b = A @ A.T + np.eye(N), rng.normal(size=N)
    f = lambda A, b: implicit.linear_solve(A, b, method="cholesky")
    np.testing.assert_allclose(f(A, b), np.linalg.solve(A, b))
    np.testing.assert_allclose(wg.jacobian(f, 1)(A, b), np.linalg.inv(A))
    g = lambda c: np.sum(implicit.minimize(lambda y: np.sum(np.cosh(y - c)), np.zeros(3), linear="cholesky"))
    assert wg.grad(g)(0.3) == pytest.approx(3.0) and wg.jit(wg.grad(g))(0.3) == pytest.approx(3.0)
    found = lambda f, y: np.array([-0.5, 0.0])
    saddle = lambda c: implicit.minimize(
        lambda y: y[0] ** 2 - y[1] ** 2 + c * y[0], np.zeros(2), solver=found, linear=linear
    )
    linear = "cholesky"
    with pytest.raises(SingularPointError, match="no minimum"):
        wg.jacobian(saddle)(1.0)
    linear = "dense"
    np.testing.assert_allclose(wg.jacobian(saddle)(1.0), [-0.5, 0.0])


# what is said of solutions -----------------------------------------------------------------------------------------
def rough(a, off=1e-4, **options):
    return implicit.root(lambda y: y**2 - a, 1.0, solver=lambda f, y: 2.0 + off, **options)


@pytest.mark.parametrize("linear", ["dense", "sparse", "gmres"])
def test_a_rough_solution(linear):
    f = lambda a: rough(a, linear=linear)
    for derivative in (wg.grad(f), wg.jit(wg.grad(f)), wg.jacfwd(f)):
        with pytest.warns(InaccurateSolutionWarning, match=r"Newton step moves it by 1\.0e-04") as caught:
            assert derivative(4.0) == pytest.approx(0.25, rel=1e-4)
        assert caught[0].filename == __file__
        assert re.search(r"where: .*test_implicit_systems\.py:\d+", str(caught[0].message))
    with pytest.raises(NotASolutionError):
        wg.grad(lambda a: rough(a, 0.1, linear=linear))(4.0)
    wg.grad(lambda a: rough(a, 1e-8, linear=linear))(4.0)  # says nothing
    wg.grad(lambda a: rough(a, tol=1e-3, linear=linear))(4.0)


@pytest.mark.parametrize("linear", ["dense", "sparse"])
def test_an_ill_conditioned_system(linear):
    A = np.vander(np.linspace(0.0, 1.0, 12))
    f = lambda c: implicit.root(lambda y: A @ y - c, np.zeros(12), linear=linear, solver=lambda F, y: solution)
    solution = np.linalg.solve(A, np.ones(12))
    exponent = np.floor(np.log10(np.linalg.cond(A, 1)))
    for derivative in (wg.jacobian(f), wg.jit(wg.jacobian(f))):
        with pytest.warns(IllConditionedWarning, match="condition number of") as caught:
            derivative(1.0)
        number = float(re.search(r"condition number of (\S+)", str(caught[0].message))[1])
        assert abs(np.log10(number) - exponent) <= 2.0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=IllConditionedWarning)
        np.testing.assert_allclose(wg.jacobian(f)(1.0), solution, atol=1e-6)
    assert implicit.quality(lambda y: A @ y - 1.0, solution).condition == pytest.approx(np.linalg.cond(A), rel=1e-3)


@pytest.mark.parametrize("linear", ["dense", "sparse"])
def test_scaling_is_no_bad_condition(linear):
    d = np.array([1e-9, 1.0, 1e9])
    f = lambda c: implicit.root(lambda y: d * y - c, np.zeros(3), linear=linear, solver=lambda F, y: 1 / d)
    np.testing.assert_allclose(wg.jacobian(f)(1.0), 1 / d)


@pytest.mark.parametrize("linear", ["dense", "sparse"])
def test_a_singular_system(linear):
    f = lambda a: implicit.root(
        lambda y: np.stack([y[0] + y[1] - a, 2 * y[0] + 2 * y[1] - 2 * a]),
        np.ones(2),
        linear=linear,
        solver=lambda F, y: 0.5 * np.ones(2),
    )
    for derivative in (wg.jacobian(f), wg.jit(wg.jacobian(f))):
        with pytest.raises(SingularPointError, match="singular"):
            derivative(1.0)
