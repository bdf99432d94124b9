"""What structures look like, structures at a point, and those of batches: blocks, never too small."""

import numpy as np
import pytest
import scipy.sparse as sp

import wengert as wg
import wengert.numpy as wnp
from wengert.derivatives.sparse.structure import Structure

X = np.array([1.0, -2.0, 0.0, 3.0, -1.5])


# forms -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("matrix", "form", "bandwidth"),
    [
        (sp.eye_array(4), "diagonal", (0, 0)),
        (sp.csr_array((3, 5)), "empty", (0, 0)),
        (sp.csr_array((0, 0)), "empty", (0, 0)),
        (np.ones((2, 3)), "dense", (1, 2)),
        (sp.diags_array([np.ones(8), np.ones(10), np.ones(9)], offsets=[-2, 0, 1], shape=(10, 10)),
         "banded, 2 below and 1 above the diagonal", (2, 1)),
        (sp.block_diag([np.ones((2, 3))] * 4), "4 blocks of 2 x 3", (1, 5)),
        (sp.block_diag([np.ones((2, 2)), np.ones((3, 1))]), "2 blocks of at most 3 x 2", (2, 1)),
        (sp.eye_array(4).tocsr()[[2, 0, 3, 1]], "4 blocks of 1 x 1", (2, 2)),
        (np.eye(9)[::-1] + np.eye(9) + np.eye(9, k=1), "rows of at most 3, columns of at most 3", (8, 8)),
    ],
)  # fmt: skip
def test_forms(matrix, form, bandwidth):
    structure = Structure(sp.csr_array(matrix))
    assert (structure.form, structure.bandwidth) == (form, bandwidth)
    assert form in repr(structure)


def test_blocks_are_rows_and_columns_that_belong_together(rng):
    blocks = [np.ones((m, n)) for m, n in rng.integers(1, 4, size=(20, 2))]
    rows, columns = (rng.permutation(sum(b.shape[axis] for b in blocks)) for axis in (0, 1))
    A = np.zeros((rows.size + 2, columns.size + 1))  # rows and a column without entries are in no block
    A[np.ix_(rows, columns)] = sp.block_diag(blocks).toarray()
    found = Structure(sp.csr_array(A)).blocks
    assert sorted((r.size, c.size) for r, c in found) == sorted(b.shape for b in blocks)
    assert [r[0] for r, _ in found] == sorted(r[0] for r, _ in found)
    for r, c in found:
        assert A[np.ix_(r, c)].all() and A[r].sum() == A[:, c].sum() == r.size * c.size
    assert Structure(sp.csr_array((3, 3))).blocks == []


# batches ---------------------------------------------------------------------------------------------------------
def symmetric(r):
    return np.outer(r, r) + np.diag(np.array([1.0, 2.0, 3.0]))


@wg.custom_jvp
def damped(r):
    return np.exp(-np.sum(r**2)) * r


damped.defjvp(lambda p, t: (damped(p[0]), damped(p[0]) * np.sum(t[0]) + t[0]))


@wg.custom_vjp
def doubled(r):
    return 2 * r


doubled.defvjp(lambda r: (2 * r, None), lambda _, y_bar: (2 * y_bar,))

LANES = {
    "product": lambda r: np.outer(r, r) @ r,
    "solve": lambda r: np.linalg.solve(symmetric(r), r),
    "eigh": lambda r: np.linalg.eigvalsh(symmetric(r)),
    "cholesky": lambda r: np.linalg.cholesky(symmetric(r)),
    "svd": lambda r: np.linalg.svd(symmetric(r))[1],
    "det": lambda r: np.linalg.det(symmetric(r)),
    "sort": np.sort,
    "argsort": lambda r: r[np.argsort(r)],
    "data index": lambda r: r[np.argmax(r)] * r,
    "median": np.median,
    "fft": lambda r: np.abs(np.fft.rfft(r)),
    "interp": lambda r: np.interp(r[0], np.arange(3.0), r) * r,
    "cumprod": np.cumprod,
    "convolve": lambda r: np.convolve(r, r),
    "softmax": lambda r: wg.scipy.special.softmax(r),
    "logsumexp": lambda r: wg.scipy.special.logsumexp(r) * r,
    "while": lambda r: wg.while_loop(lambda y: np.sum(y**2) < 9, lambda y: y + 0.5 * y[::-1] * y[::-1] + 0.1, r),
    "scan": lambda r: wg.scan(lambda c, x: (c * x, c + x), np.ones(()), r)[1],
    "cond": lambda r: wg.cond(r[0] > 0, lambda r: r * r[1], lambda r: r[::-1], r),
    "custom": damped,
    "custom reverse": lambda r: doubled(r) * r,
    "root": lambda a: wg.implicit.root(lambda y: y**3 + y - np.roll(a, 1) * np.sum(a), a),
}


@pytest.mark.parametrize("name", LANES)
def test_batches_are_block_diagonal(name, rng):
    x = np.abs(rng.normal(size=(7, 3))) + 0.1
    f = wg.vmap(LANES[name])
    J = wg.sparse.jacobian(f)
    exact = wg.jacobian(f)(x).reshape(-1, x.size)
    np.testing.assert_allclose(J(x).toarray(), exact, rtol=1e-9, atol=1e-11)
    height = exact.shape[0] // 7
    assert all(r.max() // height == r.min() // height == c[0] // 3 == c[-1] // 3 for r, c in J.structure(x).blocks)
    assert J.colouring(x).products <= 3


@pytest.mark.parametrize("name", ["product", "solve", "eigh", "det", "sort", "logsumexp", "softmax", "custom reverse"])
def test_hessians_of_sums_over_batches_are_block_diagonal(name, rng):
    x = np.abs(rng.normal(size=(5, 3))) + 0.1
    f = lambda x: np.sum(wg.vmap(LANES[name])(x) ** 2)
    H = wg.sparse.hessian(f)
    np.testing.assert_allclose(H(x).toarray(), wg.hessian(f)(x).reshape(15, 15), rtol=1e-8, atol=1e-9)
    assert all(r.max() // 3 == r.min() // 3 for r, _ in H.structure(x).blocks)
    assert H.colouring(x).products <= 3


def test_batches_of_matrices_along_any_axis(rng):
    x = rng.normal(size=(3, 4))
    structure = wg.sparse.pattern(wg.vmap(lambda r: r * np.sum(r), in_axes=1, out_axes=1))(x)
    assert structure.form == "4 blocks of 3 x 3" and structure.colouring().products == 3
    inner = wg.vmap(wg.vmap(lambda r: np.linalg.inv(np.outer(r, r) + np.eye(2))))
    assert wg.sparse.pattern(inner)(rng.normal(size=(2, 3, 2))).form == "6 blocks of 4 x 2"


def test_custom_derivatives_say_what_depends_on_what(rng):
    """The derivative counts, not the value: here it is that of a shift, of a function that depends on nothing."""

    @wg.custom_jvp
    def shift(x):
        return np.floor(x)

    shift.defjvp(lambda p, t: (np.floor(p[0]), np.roll(t[0], 1)))
    assert wg.sparse.pattern(shift)(X).nnz == 5
    np.testing.assert_array_equal(wg.sparse.jacobian(shift)(X).toarray(), np.roll(np.eye(5), 1, axis=0))

    @wg.custom_jvp
    def power(x):
        return x**3

    power.defjvp(lambda p, t: (power(p[0]), 3 * p[0] ** 2 * t[0]))
    assert wg.sparse.pattern(lambda x: np.sum(power(power(x))), kind="hessian")(X).form == "diagonal"


# at a point ------------------------------------------------------------------------------------------------------
CURVED = {
    "where": (lambda x: np.sum(np.where(x > 0, x * np.roll(x, 1), x**2)), 7),
    "zero slope": (lambda x: np.sum(x**3), 4),
    "zero factor": (lambda x: np.sum(x * x[::-1]) ** 2, 17),
    "order": (lambda x: np.sum(np.sort(x)[:2] ** 2), 2),
    "branch": (lambda x: wg.cond(x[0] > 0, lambda x: x[0] * x[1], lambda x: np.sum(x) ** 2, x), 2),
    "kink": (lambda x: np.sum(np.maximum(x, 0) ** 2), 3),
    "loop": (lambda x: np.sum(wg.fori_loop(0, 3, lambda i, y: y * x[i], x)), 9),
}


@pytest.mark.parametrize("name", CURVED)
def test_hessians_at_a_point(name):
    """By hand: what the second derivatives at X are that are not zero."""
    f, entries = CURVED[name]
    here = wg.sparse.pattern(f, kind="hessian", local=True)(X)
    everywhere = wg.sparse.pattern(f, kind="hessian")(X)
    exact = wg.hessian(f)(X) != 0
    assert here.nnz == entries == np.count_nonzero(exact)
    np.testing.assert_array_equal(here.pattern.toarray(), exact)
    assert everywhere.nnz > entries and not (here.pattern > everywhere.pattern).nnz


def test_local_hessians_of_what_cannot_be_followed_are_still_too_large(rng):
    for f in (np.prod, lambda x: np.linalg.norm(x) * np.sum(x), lambda x: np.linalg.det(np.outer(x, x) + np.eye(5))):
        here = wg.sparse.pattern(f, kind="hessian", local=True)(X).pattern.toarray()
        assert not ((np.abs(wg.hessian(f)(X)) > 1e-12) & ~here).any()


# indices that are data -------------------------------------------------------------------------------------------
def scattered(x):
    y = wnp.zeros((4, 5))
    y[np.arange(4), np.argsort(x)[:4]] = x[:4]
    y[1:3, np.argmin(x)] += x[3:] ** 2
    return y


def test_indices_that_are_data_stay_within_their_rows(rng):
    x = rng.normal(size=5)
    everywhere, here = (wg.sparse.pattern(scattered, local=local)(x).pattern.toarray() for local in (False, True))
    exact = wg.jacobian(scattered)(x).reshape(20, 5) != 0
    assert not (exact & ~everywhere).any() and not (exact & ~here).any()
    assert everywhere.sum() == 5 * (1 + 2 + 2 + 1)  # each row: its own element anywhere, and what is added to it
    np.testing.assert_allclose(wg.sparse.jacobian(scattered)(x).toarray(), wg.jacobian(scattered)(x).reshape(20, 5))
