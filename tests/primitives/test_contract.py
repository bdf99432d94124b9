"""Contractions: how einsum is computed, and that its rules fold into matrix products."""

import itertools

import numpy as np
import pytest

import wengert as wg
from wengert.primitives.contract import contraction, diag_matrix, diag_part, einsum, matmul, mT


def every_contraction(labels="ijk"):
    """Subscripts of two operands with these labels, each label in at least two of operands and result."""
    terms = ["".join(p) for n in range(len(labels) + 1) for p in itertools.permutations(labels, n)]
    for a, b in itertools.product(terms, repeat=2):
        for out in terms:
            if all((c in a) + (c in b) + (c in out) >= 2 for c in set(a + b + out)):
                yield f"{a},{b}->{out}"


def test_every_contraction_of_three_labels(rng):
    """Every way to contract, shape and value as numpy.einsum has them."""
    sizes = {"i": 2, "j": 3, "k": 4}
    count = 0
    for subscripts in every_contraction():
        a, b, _ = subscripts.replace("->", ",").split(",")
        xs = [np.asarray(rng.normal(size=[sizes[c] for c in labels])) for labels in (a, b)]
        found, expected = einsum(*xs, subscripts=subscripts), np.einsum(subscripts, *xs)
        assert np.shape(found) == expected.shape, subscripts
        np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=subscripts)
        count += 1
    assert count > 300


def test_contractions_are_planned_once():
    """The plan is kept for each subscripts."""
    assert contraction("ab,bc->ac") is contraction("ab,bc->ac")


@pytest.mark.parametrize("lengths", [(2, 0, 3), (0, 2, 0), (0, 0, 0)])
def test_empty_axes(lengths):
    """Sums over nothing are zero; there may be nothing to sum."""
    i, j, k = lengths
    np.testing.assert_array_equal(einsum(np.ones((i, j)), np.ones((j, k)), subscripts="ij,jk->ik"), np.zeros((i, k)))


def test_operands_that_blas_cannot_read(rng):
    """Broadcast and strided stacks."""
    a = np.broadcast_to(rng.normal(size=(3, 1)), (4, 3, 5))
    b = rng.normal(size=(4, 10, 4))[:, ::2, ::2]
    np.testing.assert_allclose(matmul(a, b), np.einsum("zij,zjk->zik", a, b))
    np.testing.assert_allclose(matmul(np.broadcast_to(2.0, (2, 3)), np.ones((3, 2))), np.full((2, 2), 6.0))


def test_the_gradient_of_a_network_is_matrix_products(rng):
    """Two layers: three products backwards, one forwards (the value itself is not asked for), and no einsum."""
    x, w1, w2 = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(5, 2))

    def loss(w1, w2):
        return np.sum(np.tanh(x @ w1) @ w2)

    program = wg.trace(wg.grad(loss, argnums=(0, 1)))(w1, w2)
    names = [eq.primitive.name for eq in program.equations]
    assert names.count("matmul") == 4
    assert "einsum" not in names


def test_vmap_of_a_shared_matrix_is_one_product(rng):
    """Lanes become rows."""
    w, xs = rng.normal(size=(3, 2)), rng.normal(size=(7, 5, 3))
    np.testing.assert_allclose(wg.vmap(lambda x: x @ w)(xs), xs @ w)
    np.testing.assert_allclose(wg.vmap(lambda x: w.T @ x, in_axes=1)(xs.T[:, :, 0]), (w.T @ xs.T[:, :, 0]).T)


def test_diagonals(rng):
    """The two are each other's transposes."""
    x, v = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3))
    np.testing.assert_allclose(np.sum(diag_matrix(v) * x), np.sum(v * diag_part(x)))
    np.testing.assert_array_equal(mT(x), np.swapaxes(x, 1, 2))
