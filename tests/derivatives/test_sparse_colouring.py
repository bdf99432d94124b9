"""Colourings: each entry is determined, by a checker of its own; counts against bounds and known optima."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

import wengert as wg
from wengert.derivatives.sparse.compressed import Recovery
from wengert.derivatives.sparse.orders import ORDERS
from wengert.derivatives.sparse.request import Request
from wengert.derivatives.sparse.structure import Structure


def random_pattern(rng, m, n, density, dense=0):
    A = rng.random((m, n)) < density
    A[rng.choice(m, min(dense, m), replace=False)] = True
    A[:, rng.choice(n, min(dense, n), replace=False)] = True
    return A


def grid(n):
    """The five-point stencil on an n x n grid."""
    line = sp.diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1])
    return (sp.kron(line, sp.eye_array(n)) + sp.kron(sp.eye_array(n), line)).tocsr()


def determined_directly(A, rows, columns):
    """For each entry: alone in its row among the columns of one colour, or in its column among the rows of one."""
    for i, j in np.argwhere(A):
        by_column = columns[j] >= 0 and A[i, columns == columns[j]].sum() == 1
        by_row = rows[i] >= 0 and A[rows == rows[i], j].sum() == 1
        if not (by_column or by_row):
            return False
    return True


def is_star(A, colours):
    """Neighbours differ, and no path of four vertices has two colours."""
    n = len(A)
    edges = [(i, j) for i, j in np.argwhere(A) if i != j]
    if any(colours[i] == colours[j] for i, j in edges) or any(colours[i] < 0 for i in range(n) if A[i].any()):
        return False
    for b, c in edges:
        ends = [np.flatnonzero(A[b]), np.flatnonzero(A[c])]
        for a, d in itertools.product(*ends):
            if len({a, b, c, d}) == 4 and colours[a] == colours[c] and colours[b] == colours[d]:
                return False
    return True


def is_acyclic(A, colours):
    """Neighbours differ, and the subgraph of any two colours has fewer edges than vertices in each component."""
    edges = [(i, j) for i, j in np.argwhere(A) if i < j]
    if any(colours[i] == colours[j] for i, j in edges):
        return False
    for a, b in itertools.combinations(range(max(colours, default=-1) + 1), 2):
        mine = np.isin(colours, [a, b])
        sub = sp.csr_array(A & ~np.eye(len(A), dtype=bool) & mine[:, None] & mine[None, :])
        components = sp.csgraph.connected_components(sub)[0]
        if sub.nnz // 2 != len(A) - components:
            return False
    return True


@pytest.mark.parametrize("order", ["auto", *ORDERS])
@pytest.mark.parametrize("mode", ["columns", "rows", "both", "auto"])
def test_every_entry_of_a_jacobian_is_determined(mode, order, rng):
    for m, n, density, dense in [(1, 1, 1, 0), (9, 7, 0.2, 0), (20, 30, 0.1, 1), (30, 20, 0.05, 2), (5, 5, 0, 0)]:
        A = random_pattern(rng, m, n, density, dense)
        way = Structure(sp.csr_array(A)).colouring(mode, order).way
        assert determined_directly(A, way.rows, way.columns)


@pytest.mark.parametrize("order", ["auto", *ORDERS])
def test_symmetric_colourings(order, rng):
    for n, density, dense in [(1, 1, 0), (12, 0.2, 0), (25, 0.1, 1), (40, 0.04, 0), (40, 0.1, 0), (6, 0, 0)]:
        A = random_pattern(rng, n, n, density, dense)
        A |= A.T
        structure = Structure(sp.csr_array(A), "hessian")
        assert is_star(A, structure.colouring("star", order).way.columns)
        assert is_acyclic(A, structure.colouring("acyclic", order).way.columns)


@pytest.mark.parametrize(("kind", "mode"), [("jacobian", "both"), ("jacobian", "rows"), ("jacobian", "columns"),
                                            ("hessian", "star"), ("hessian", "acyclic")])  # fmt: skip
def test_matrices_are_recovered_from_their_products(kind, mode, rng):
    for _ in range(5):
        A = random_pattern(rng, 30, 30, 0.07, 1) * rng.normal(size=(30, 30))
        A = A + A.T if kind == "hessian" else A
        structure = Structure(sp.csr_array(A != 0), kind)
        recovery = Recovery(structure.colouring(mode))
        products = [recovery.seeds()[0] @ A, recovery.seeds()[1] @ A.T]
        entries = recovery.picked([p.reshape(-1) for p in products if len(p)])
        pattern = structure.pattern
        found = sp.csr_array((entries, pattern.indices, pattern.indptr), shape=A.shape)
        np.testing.assert_allclose(found.toarray(), A, atol=1e-12)


def test_the_checkers_find_wrong_colourings():
    A = np.ones((2, 2), bool)
    none, same = np.array([-1, -1]), np.array([0, 0])
    assert not determined_directly(A, none, same)
    path = sp.diags_array([np.ones(3), np.ones(4), np.ones(3)], offsets=[-1, 0, 1]).toarray() != 0
    assert not is_star(path, np.array([0, 1, 0, 1])) and is_acyclic(path, np.array([0, 1, 0, 1]))
    assert not is_acyclic(path, np.array([0, 0, 1, 0]))
    ring = path.copy()
    ring[0, 3] = ring[3, 0] = True
    assert not is_acyclic(ring, np.array([0, 1, 0, 1]))


@pytest.mark.parametrize(
    ("pattern", "kind", "mode", "products"),
    [
        (sp.diags_array([np.ones(1000), np.ones(999)], offsets=[0, 1]), "jacobian", "auto", 2),
        (sp.diags_array([np.ones(999)] * 2 + [np.ones(1000)], offsets=[-1, 1, 0]), "jacobian", "auto", 3),
        (sp.diags_array([np.ones(999)] * 2 + [np.ones(1000)], offsets=[-1, 1, 0]), "hessian", "star", 3),
        (sp.diags_array([np.ones(999)] * 2 + [np.ones(1000)], offsets=[-1, 1, 0]), "hessian", "acyclic", 2),
        (sp.eye_array(50), "hessian", "star", 1),
        (sp.csr_array((4, 6)), "jacobian", "auto", 0),
        (sp.csr_array(np.ones((4, 6))), "jacobian", "auto", 4),
    ],
)
def test_known_optima(pattern, kind, mode, products):
    assert Structure(pattern, kind).colouring(mode).products == products


def test_an_arrow_needs_two_products_by_star_and_three_by_both(rng):
    A = np.eye(500)
    A[0] = A[:, 0] = 1
    assert Structure(sp.csr_array(A), "hessian").colouring("star").products == 2
    assert Structure(sp.csr_array(A)).colouring("both").products == 3
    assert Structure(sp.csr_array(A)).colouring("columns").products == 500


def test_orders_differ_and_the_best_is_taken():
    structure = Structure(grid(30))
    counts = {order: structure.colouring("columns", order).products for order in ORDERS}
    assert structure.colouring("columns").products == min(counts.values())
    assert 5 <= min(counts.values()) <= 8  # 5 is the optimum of the stencil
    assert Structure(grid(30), "hessian").colouring("star").products <= 7


def test_colouring_a_hundred_thousand_columns():
    n = 100_000
    band = sp.diags_array([np.ones(n - abs(k)) for k in range(-2, 3)], offsets=range(-2, 3))
    assert Structure(band).colouring("columns").products == 5
    assert Structure(band, "hessian").colouring("star", "natural").products <= 6
    arrow = sp.csr_array(sp.eye_array(n) + sp.csr_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(n, n)))
    assert Structure(arrow).colouring().products == 2


def test_a_weight_decides_between_rows_and_columns():
    """Two rows' products against three columns': rows, unless a VJP costs more than 3/2 JVPs."""
    pattern = sp.csr_array([[1, 1, 1, 0], [1, 1, 0, 1]])
    assert Structure(pattern).colouring().mode == "rows"
    assert Structure(pattern).colouring(weight=1.4).mode == "rows"
    assert Structure(pattern).colouring(weight=1.6).mode == "columns"
    arrow = sp.csr_array(sp.eye_array(30) + sp.csr_array(np.outer([1.0] + [0] * 29, np.ones(30))))
    assert Structure(arrow).colouring(weight=5).mode == "both"
    assert Structure(arrow).colouring(weight=50).mode == "columns"


def test_the_program_says_what_a_row_costs(rng):
    """Backwards, an index taken many times is many additions into one array: a VJP costs more than a JVP."""
    index = rng.integers(0, 50, size=(40, 50))
    f = lambda x: sum(x[i] for i in index)
    call, split = (request := Request("jacobian", f, 0)).call((rng.normal(size=50),), {})
    assert request.plan(call, split).row_weight > 1
    sum_weight = Request("jacobian", lambda x: np.sum(x), 0)
    assert 0.3 < sum_weight.plan(*sum_weight.call((rng.normal(size=50),), {})).row_weight < 3


def test_colourings_say_what_they_are():
    text = repr(wg.sparse.pattern(np.diff)(np.zeros(5)).colouring("rows"))
    assert text == "rows: 2 products for a matrix of 4 x 5 with 8 entries"
