"""Sparse Jacobians and Hessians: patterns never too small, values against the dense ones and closed forms."""

import importlib
import itertools

import numpy as np
import pytest
import scipy.sparse as sp

import wengert as wg
import wengert.numpy as wnp
from wengert import errors

A = sp.random_array((7, 9), density=0.3, rng=np.random.default_rng(1)).toarray()
INDEX = np.array([3, 0, 3, 8, 3])


def banded(x):
    return x[2:] * x[:-2] - np.sin(x[1:-1])


def looped(x):
    for _ in range(3):
        x = x + 0.1 * np.roll(x, 1) * x
    return x


def scanned(x):
    c, ys = wg.scan(lambda c, row: (c * row, c + row**2), np.ones(()), x)
    return np.append(ys, c)


def counted(x):
    return wg.fori_loop(0, 8, lambda i, y: wnp.where(np.arange(9) == i, x[i] * x[i + 1], y), x)


def long_loop(x):
    return wg.fori_loop(0, 30_000, lambda i, y: y + 1e-6 * y * x, x)


def until(x):
    return wg.while_loop(lambda y: np.sum(y * y) < 50.0, lambda y: 1.5 * y, x)


def spreading(x):
    return wg.while_loop(lambda y: np.sum(y * y) < 500.0, lambda y: y + 0.5 * np.roll(y, 1), 1 + x * x)


def branched(x):
    return wg.cond(x[0] > 0, lambda x: x * x[1], lambda x: x[::-1], x)


def dense_row(x):
    return np.concatenate([x * x, [np.sum(np.exp(x))]])


def empty_rows(x):
    return np.concatenate([np.zeros(3), x[:2] ** 2, np.floor(x), [1.0]])


FUNCTIONS = {
    "elementwise": lambda x: np.exp(x) * x,
    "banded": banded,
    "indices": lambda x: x[INDEX] * x[INDEX[::-1]],
    "matrix": lambda x: A @ (x * x),
    "vector by matrix": lambda x: (x[:7] ** 2) @ A,
    "einsum": lambda x: np.einsum("ij,jk->ik", x.reshape(3, 3), x.reshape(3, 3)[:, :2]),
    "stack": lambda x: np.matmul(np.stack([x[:4].reshape(2, 2)] * 2), x[:8].reshape(2, 2, 2)),
    "row sums": lambda x: np.sum(x.reshape(3, 3) ** 2, axis=1),
    "extrema": lambda x: np.max(x.reshape(3, 3), axis=0),
    "products": lambda x: np.prod(x.reshape(3, 3), axis=0),
    "norms": lambda x: np.linalg.norm(x.reshape(3, 3), axis=0),
    "cumsum": lambda x: np.cumsum(x.reshape(3, 3) ** 2, axis=1),
    "cumprod": lambda x: np.cumprod(x.reshape(3, 3), axis=0),
    "sort": lambda x: np.sort(x.reshape(3, 3), axis=0),
    "where": lambda x: np.where(x > 0, x * x, x[::-1]),
    "convolve": lambda x: np.convolve(x, np.array([1.0, 0.0, 2.0])),
    "convolve both": lambda x: np.convolve(x[:3], x[3:] ** 2),
    "solve": lambda x: np.linalg.solve(x[:8].reshape(2, 2, 2) + 5 * np.eye(2), x[:4].reshape(2, 2, 1)),
    "fft": lambda x: np.abs(np.fft.fft(x.reshape(3, 3), axis=1)),
    "diagonal": lambda x: np.diag(x[:3]) @ np.diag(np.diag(x.reshape(3, 3))),
    "pad": lambda x: np.pad(np.diff(x), 2),
    "jit": wg.jit(banded),
    "checkpoint": wg.checkpoint(banded),
    "loop": looped,
    "scan": scanned,
    "fori": counted,
    "long loop": long_loop,
    "while": until,
    "spreading": spreading,
    "cond": branched,
    "dense row": dense_row,
    "empty rows": empty_rows,
    "scalar": lambda x: np.sum(x**3),
    "assignment": lambda x: assigned(x),
    "vmap": lambda x: wg.vmap(lambda r: np.outer(r, r) @ r)(x.reshape(3, 3)),
    "derivative": lambda x: wg.grad(lambda x: np.sum(banded(x) ** 2))(x),
}


def assigned(x):
    y = wnp.zeros(9)
    y[2:5] = x[:3] ** 2
    y[INDEX[:2]] += x[7]
    return y


# first derivatives -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobian_is_the_dense_one(name, rng):
    f, x = FUNCTIONS[name], rng.normal(size=9)
    exact = wg.jacobian(f)(x).reshape(-1, 9)
    J = wg.sparse.jacobian(f)(x)
    assert isinstance(J, sp.csr_array) and J.shape == exact.shape
    np.testing.assert_allclose(J.toarray(), exact, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_local_pattern_covers_the_point(name, rng):
    f, x = FUNCTIONS[name], rng.normal(size=9)
    exact = wg.jacobian(f)(x).reshape(-1, 9) != 0
    everywhere, here = (wg.sparse.pattern(f, local=local)(x).pattern.toarray() for local in (False, True))
    assert not (exact & ~here).any()
    assert not (here & ~everywhere).any()


# How many entries a tight pattern has, by hand.
TIGHT = {
    "elementwise": 9, "banded": 21, "indices": 7, "row sums": 9, "matrix": np.count_nonzero(A),
    "vector by matrix": np.count_nonzero(A), "cumsum": 18, "convolve": 18, "where": 17, "scan": 9 * 10 // 2 + 9,
    "loop": 36, "fori": 17, "dense row": 18, "empty rows": 2, "scalar": 9, "products": 9, "jit": 21, "pad": 16,
    "einsum": 6 * 5, "checkpoint": 21, "norms": 9,
}  # fmt: skip


@pytest.mark.parametrize("name", TIGHT)
def test_pattern_is_as_small_as_it_can_be(name):
    assert wg.sparse.pattern(FUNCTIONS[name])(np.ones(9)).nnz == TIGHT[name]


def test_pattern_at_a_point_knows_branches_zeros_and_indices():
    x = np.array([1.0, 0.0, 3.0])
    assert wg.sparse.pattern(lambda x: x * x[::-1], local=True)(x).nnz == 4
    assert wg.sparse.pattern(branched, local=True)(x).nnz == 2
    assert wg.sparse.pattern(lambda x: x[np.argsort(x)], local=True)(x).nnz == 3
    assert wg.sparse.pattern(lambda x: x[np.argsort(x)])(x).nnz == 9


# second derivatives ----------------------------------------------------------------------------------------------
FAST = [name for name in FUNCTIONS if name not in ("while", "long loop", "derivative", "vmap")]
SCALAR = {name: (lambda x, f=FUNCTIONS[name]: np.sum(f(x) ** 2)) for name in FAST} | {
    "linear": lambda x: np.sum(A @ x),
    "abs": lambda x: np.sum(np.abs(x) * x[::-1]),
    "division": lambda x: np.sum(x[1:] / (2 + x[:-1] ** 2)),
    "maximum": lambda x: np.sum(np.maximum(x, 0.0)),
    "partly linear": lambda x: np.sum(x[:3] ** 2) + np.sum(x),
}


WAYS = ["banded", "row sums", "dense row", "loop", "division", "abs", "partly linear"]


@pytest.mark.parametrize(
    ("name", "mode"), [*((n, "star") for n in SCALAR), *itertools.product(WAYS, ["acyclic", "columns"])]
)
def test_hessian_is_the_dense_one(name, mode, rng):
    f, x = SCALAR[name], rng.normal(size=9)
    exact = wg.hessian(f)(x)
    H = wg.sparse.hessian(f, mode=mode)(x)
    scale = max(np.abs(exact).max(), 1.0)
    np.testing.assert_allclose(H.toarray(), exact, rtol=1e-9, atol=1e-11 * scale)


@pytest.mark.parametrize(
    ("name", "nnz"), [("linear", 0), ("maximum", 0), ("partly linear", 3), ("division", 8 + 16), ("abs", 9 + 8)]
)
def test_second_derivatives_only_where_something_is_nonlinear(name, nnz):
    structure = wg.sparse.pattern(SCALAR[name], kind="hessian")(np.ones(9))
    assert structure.nnz <= nnz
    assert (structure.pattern != structure.pattern.T).nnz == 0


def test_second_derivatives_through_a_loop_of_unknown_length():
    def f(x):
        y = wg.while_loop(lambda y: y[0] < 3.0, lambda y: y + 0.1 * y * y, x)
        return np.sum(y)

    x = np.array([1.0, 0.5, 2.0])
    H = wg.sparse.hessian(f)
    assert H.structure(x).nnz == 3
    np.testing.assert_allclose(H(x).toarray(), wg.hessian(f)(x), rtol=1e-12)


# shapes, structures, types ---------------------------------------------------------------------------------------
def test_blocks_have_the_structures_of_result_and_argument(rng):
    def f(p, t):
        return {"a": p["u"][1:] * p["v"], "b": (np.sum(p["u"]), t * p["v"].reshape(2, 1))}

    p = {"u": rng.normal(size=3), "v": rng.normal(size=2)}
    J, exact = wg.sparse.jacobian(f)(p, 2.0), wg.jacobian(f)(p, 2.0)
    for block, dense in zip(leaves(J), leaves(exact), strict=True):
        np.testing.assert_allclose(block.toarray().ravel(), np.ravel(dense))
    assert J["a"]["u"].shape == (2, 3) and J["b"][0]["u"].shape == (1, 3)


def leaves(tree):
    found = []
    wg.tree_map(found.append, tree)
    return found


def test_several_arguments_in_any_order(rng):
    x, y = rng.normal(size=3), rng.normal(size=2)
    f = lambda x, y: x[:2] * y
    Jy, Jx = wg.sparse.jacobian(f, argnums=(1, 0))(x, y)
    np.testing.assert_allclose(Jx.toarray(), [[y[0], 0, 0], [0, y[1], 0]])
    np.testing.assert_allclose(Jy.toarray(), np.diag(x[:2]))
    H = wg.sparse.hessian(lambda x, y: np.sum(f(x, y)), argnums=(0, 1))(x, y)
    np.testing.assert_allclose(H[0][1].toarray(), [[1, 0], [0, 1], [0, 0]])
    assert H[0][0].nnz == H[1][1].nnz == 0


@pytest.mark.parametrize("x", [3.0, np.float64(3.0), np.array(3.0), np.float32(3.0)])
def test_scalars(x):
    J = wg.sparse.jacobian(lambda x: x**2)(x)
    assert J.shape == (1, 1) and J.toarray() == 6
    assert wg.sparse.hessian(lambda x: x**3)(x).toarray() == 18


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_empty_inputs_and_results(n, m):
    J = wg.sparse.jacobian(lambda x: np.concatenate([x[:0], np.ones(m)]))(np.zeros(n))
    assert J.shape == (m, n) and J.nnz == 0


def test_precision_is_that_of_the_function():
    x = np.linspace(0, 1, 5, dtype=np.float32)
    J = wg.sparse.jacobian(banded)(x)
    assert J.dtype == np.float32
    np.testing.assert_allclose(J.toarray(), wg.jacobian(banded)(x.astype(float)), rtol=1e-5)
    mixed = wg.sparse.jacobian(lambda p: p[0] * p[1])((x, x.astype(float)))
    np.testing.assert_allclose(mixed[0].toarray(), np.diag(x))


def test_half_precision_becomes_single_in_matrices():
    """SciPy has no sparse matrices of half precision."""
    x = np.array([1, 2, 3], np.float16)
    J = wg.sparse.jacobian(lambda x: x[1:] * x[:-1])
    assert J.values(x).dtype == np.float16 and J(x).dtype == np.float32
    np.testing.assert_array_equal(J(x).toarray(), [[2, 1, 0], [0, 3, 2]])


def test_matrices_share_nothing_that_can_be_changed(rng):
    x = rng.normal(size=9)
    J = wg.sparse.jacobian(banded)
    first, second = J(x), J(0 * x)
    exact = first.toarray()
    second.data[:] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        second.eliminate_zeros()
    copy = J(0 * x).copy()
    copy.eliminate_zeros()
    assert copy.nnz < first.nnz
    np.testing.assert_array_equal(first.toarray(), exact)
    np.testing.assert_array_equal(J(x).toarray(), exact)


def test_arrays_that_are_not_contiguous(rng):
    x = rng.normal(size=(6, 4)).T[::-2]
    f = lambda x: x[0] * x[1]
    np.testing.assert_allclose(wg.sparse.jacobian(f)(x).toarray(), wg.jacobian(f)(x).reshape(6, 12))


def test_complex_results_and_arguments(rng):
    x = rng.normal(size=4)
    f = lambda x: np.exp(1j * x[1:]) * x[:-1]
    J = wg.sparse.jacobian(f, mode="columns")(x)
    np.testing.assert_allclose(J.toarray(), wg.jacfwd(f)(x))
    total = lambda x: np.sum(f(x))  # one row, which a VJP would be enough for if it were real
    assert wg.sparse.jacobian(total).colouring(x).mode == "columns"
    np.testing.assert_allclose(wg.sparse.jacobian(total)(x).toarray(), wg.jacfwd(total)(x)[None])
    with pytest.raises(errors.NonDifferentiableInputError, match="real"):
        wg.sparse.jacobian(f)(x + 0j)


def test_other_arguments_change_freely_and_integers_are_structure(rng):
    x, a = rng.normal(size=4), rng.normal(size=4)
    J = wg.sparse.jacobian(lambda x, a, k: a * x[k] ** 2)
    for scale, k in itertools.product([1.0, 0.0, 2.0], [INDEX[:4] % 4, np.array([0, 1, 2, 3])]):
        exact = np.zeros((4, 4))
        exact[np.arange(4), k] = 2 * scale * a * x[k]
        np.testing.assert_allclose(J(x, scale * a, k).toarray(), exact)


def test_a_long_map_is_block_diagonal(rng):
    n = 30_000
    f = lambda x: wg.map(lambda row: row[::-1] ** 2 * np.array([1.0, 0.0]), x)
    x = rng.normal(size=(n, 2))
    J = wg.sparse.jacobian(f)
    assert J.structure(x).nnz == n and J.colouring(x).products == 1
    np.testing.assert_allclose(J(x)[::2].diagonal(1)[:3], [2 * x[0, 1], 0, 0])
    assert wg.sparse.pattern(wg.vmap(lambda row: np.outer(row, row) @ row))(x[:100]).nnz == 400


# counts ----------------------------------------------------------------------------------------------------------
def brusselator(y, n):
    """The right-hand side on an n x n grid with periodic ends, and its Jacobian by hand."""
    u, v = y[..., 0], y[..., 1]
    laplace = lambda z: sum(np.roll(z, s, axis) for s in (1, -1) for axis in (0, 1)) - 4 * z
    return np.stack([1 + u * u * v - 4.4 * u + 2 * laplace(u), 3.4 * u - u * u * v + 2 * laplace(v)], -1)


def brusselator_jacobian(y, n):
    u, v = y[..., 0].ravel(), y[..., 1].ravel()
    ring = sp.diags_array([np.ones(n - 1), np.ones(n - 1), [1], [1]], offsets=[1, -1, n - 1, 1 - n])
    L = 2 * (sp.kron(ring, sp.eye_array(n)) + sp.kron(sp.eye_array(n), ring) - 4 * sp.eye_array(n * n))
    parts = [[2 * u * v - 4.4, u * u], [3.4 - 2 * u * v, -u * u]]
    blocks = [[sp.diags_array(p) + (L if i == j else 0 * L) for j, p in enumerate(row)] for i, row in enumerate(parts)]
    order = np.arange(2 * n * n).reshape(2, n * n).T.ravel()
    return sp.block_array(blocks, format="csr")[order][:, order]


@pytest.mark.parametrize("folded", [0, 2**18])  # seeds that are arguments, and seeds that are constants
def test_brusselator(folded, rng, monkeypatch):
    monkeypatch.setattr(importlib.import_module("wengert.derivatives.sparse.plan"), "FOLDED", folded)
    y = rng.normal(size=(32, 32, 2))
    J = wg.sparse.jacobian(lambda y: brusselator(y, 32))
    assert J.structure(y).nnz == 2048 * 6
    assert J.colouring(y).products <= 10  # at least 6: the entries of a row
    assert abs(J(y) - brusselator_jacobian(y, 32)).max() < 1e-12


def test_bidiagonal_difference_needs_two_products():
    colouring = wg.sparse.jacobian(np.diff).colouring(np.zeros(1000))
    assert colouring.products == 2 and colouring.mode == "columns"
    assert colouring.structure.form == "banded, 0 below and 1 above the diagonal"


def test_dense_row_and_column_among_sparse_ones(rng):
    n = 200
    x = rng.normal(size=n)

    def arrow(x):
        return np.concatenate([[np.sum(x**2)], x[1:] * x[0]])

    J = wg.sparse.jacobian(arrow)
    assert J.colouring(x).products == 3 and J.colouring(x).mode == "both"
    np.testing.assert_allclose(J(x).toarray(), wg.jacobian(arrow)(x), rtol=1e-13)
    assert wg.sparse.jacobian(arrow, mode="columns").colouring(x).products == n


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hessian_of_a_chain_of_a_hundred_thousand(rng):
    x = rng.normal(size=100_000)
    H = wg.sparse.hessian(rosenbrock)
    assert H.structure(x).nnz == 299_998
    assert H.colouring(x).products == 3
    assert H.structure(x).colouring("acyclic").products == 2
    d = np.concatenate([1200 * x[:-1] ** 2 - 400 * x[1:] + 2, [0]]) + np.concatenate([[0], np.full(99_999, 200.0)])
    exact = sp.diags_array([d, -400 * x[:-1], -400 * x[:-1]], offsets=[0, 1, -1])
    assert abs(H(x) - exact).max() < 1e-9


# errors ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda x: wg.sparse.jacobian(lambda x: np.sum(np.exp(1j * x)), mode="rows")(x), errors.ArgumentError, "half"),
        (lambda x: wg.sparse.jacobian(banded, mode="star"), errors.ArgumentError, "mode"),
        (lambda x: wg.sparse.hessian(banded, order="best"), errors.ArgumentError, "order"),
        (lambda x: wg.sparse.pattern(banded, kind="gradient"), errors.ArgumentError, "gradient"),
        (lambda x: wg.sparse.hessian(banded)(x), errors.NonScalarOutputError, "one real number"),
        (lambda x: wg.sparse.jacobian(banded)(x.astype(int)), errors.NonDifferentiableInputError, "floating"),
        (lambda x: wg.sparse.jacobian(3.0), errors.StructureError, "function"),
        (lambda x: wg.jit(wg.sparse.jacobian(banded))(x), errors.UnsupportedFunctionError, "values"),
        (lambda x: wg.sparse.jacobian(lambda x: "no")(x), errors.StructureError, "str"),
        (
            lambda x: wg.sparse.pattern(lambda x: np.exp(np.sum(x)), kind="hessian")(np.zeros(20_000)),
            errors.MemoryLimitError,
            "dense",
        ),
    ],
)
def test_bad_input(make, error, says, rng):
    with pytest.raises(error, match=says):
        make(rng.normal(size=9))


# composition -----------------------------------------------------------------------------------------------------
def test_values_are_compiled_mapped_and_differentiated(rng):
    xs = rng.normal(size=(3, 9))
    J = wg.sparse.jacobian(banded)
    np.testing.assert_allclose(wg.jit(J.values)(xs[0]), J(xs[0]).data)
    np.testing.assert_allclose(wg.vmap(J.values)(xs), [J(x).data for x in xs])
    slope = wg.grad(lambda x: np.sum(J.values(x) ** 2))(xs[0])
    dense = wg.grad(lambda x: np.sum(wg.jacobian(banded)(x) ** 2))(xs[0])
    np.testing.assert_allclose(slope, dense, rtol=1e-12)
    H = wg.sparse.hessian(rosenbrock)
    np.testing.assert_allclose(wg.jit(wg.vmap(H.values))(xs), [H(x).data for x in xs])
    third = wg.grad(lambda x: np.sum(H.values(x)))(xs[0])
    np.testing.assert_allclose(third, wg.grad(lambda x: np.sum(wg.hessian(rosenbrock)(x)))(xs[0]), rtol=1e-10)


def test_values_within_a_compiled_loop(rng):
    """Newton's method with the diagonal of a sparse Jacobian, compiled as a whole."""
    f = lambda x: x**3 + 0.1 * x - 1.0
    values = wg.sparse.jacobian(f).values

    @wg.jit
    def solved(x):
        for _ in range(30):
            x = x - f(x) / values(x)
        return x

    x = rng.uniform(0.5, 2, size=5)
    np.testing.assert_allclose(f(solved(x)), 0, atol=1e-12)


def test_jacobian_of_a_gradient_is_the_hessian(rng):
    x = rng.normal(size=30)
    H = wg.sparse.hessian(rosenbrock)(x)
    J = wg.sparse.jacobian(wg.grad(rosenbrock))(x)
    np.testing.assert_allclose(H.toarray(), J.toarray(), atol=1e-10)


def test_products_in_pieces_when_memory_is_short(rng, monkeypatch):
    x = rng.normal(size=9)
    exact = wg.sparse.jacobian(looped)(x).toarray()
    monkeypatch.setattr(importlib.import_module("wengert.derivatives.sparse.evaluation"), "MEMORY", 300)
    np.testing.assert_array_equal(wg.sparse.jacobian(looped)(x).toarray(), exact)


def test_the_users_own_derivative_may_depend_on_anything(rng):
    @wg.custom_jvp
    def step(x):
        return np.floor(x)

    step.defjvp(lambda primals, tangents: (np.floor(primals[0]), np.roll(tangents[0], 1)))
    x = rng.normal(size=4)
    np.testing.assert_allclose(wg.sparse.jacobian(step)(x).toarray(), np.roll(np.eye(4), 1, axis=0))
