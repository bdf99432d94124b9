"""numpy's products on traced arrays: values and types as NumPy's, derivatives against differences and closed forms."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.errors import ShapeError


def real(rng, *shapes):
    """Random arrays."""
    return [np.asarray(rng.normal(size=s)) for s in shapes]


def agrees(f, *args, order=2):
    """The traced value is NumPy's, and derivatives agree with differences."""
    expected = f(*args)
    found, _ = wg.vjp(f, *args)
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, atol=1e-12)
    wg.check_grads(f, args, order=order)


MATMUL = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 2)), ((1, 2, 3), (5, 3, 2)), ((4, 1, 2, 3), (5, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)),
    ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((5, 2, 3), (1, 3, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), MATMUL)
def test_matmul(a, b, rng):
    """All shapes: vectors, matrices, stacks that broadcast."""
    agrees(lambda x, y: x @ y, *real(rng, a, b))


@pytest.mark.parametrize(("a", "b"), [((), ()), ((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3, 2))])
def test_dot(a, b, rng):
    """Over the last axis and the last but one."""
    agrees(np.dot, *real(rng, a, b))


@pytest.mark.parametrize(("a", "b"), [((), (3,)), ((3,), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3))])
def test_inner(a, b, rng):
    """Over the last axes."""
    agrees(np.inner, *real(rng, a, b))


@pytest.mark.parametrize("axes", [0, 1, 2, (0, 1), ([0, 1], [1, 0]), ([-1], [0]), ((), ())])
def test_tensordot(axes, rng):
    """Axes as a number, a pair, and pairs of lists."""
    agrees(lambda x, y: np.tensordot(x, y, axes=axes), *real(rng, (3, 3), (3, 3)))


@pytest.mark.parametrize(("a", "b"), [((2,), (3,)), ((2, 3), (2,)), ((), (2,)), ((2, 1, 2), (3, 2)), ((0,), (2,))])
def test_kron(a, b, rng):
    """Also with different numbers of axes."""
    agrees(np.kron, *real(rng, a, b))


def test_outer_vdot_and_their_complex_kin(rng):
    """vdot, vecdot and vecmat conjugate their first operand."""
    a, b = real(rng, (2, 3), (2, 3))
    agrees(np.outer, a, b)
    agrees(np.vdot, a, b)
    agrees(np.vdot, a + 1j * b, b - 2j * a)
    agrees(np.vecdot, a + 1j * b, b[0] - 2j * a[0])
    agrees(lambda x, y: np.vecdot(x, y, axis=0), a, b)
    if hasattr(np, "matvec"):
        agrees(np.matvec, *real(rng, (4, 2, 3), (3,)))
        agrees(np.vecmat, a[0] + 1j * b[0], real(rng, (4, 3, 2))[0] + 0j)


def test_matmul_of_chosen_axes(rng):
    """The arguments of a generalized ufunc: axes, dtype, out."""
    a, b = real(rng, (3, 3, 2), (3, 3, 2))
    agrees(lambda x, y: np.matmul(x, y, axes=[(0, 1), (0, 1), (0, 1)]), a, b)
    agrees(lambda x: np.matmul(x, np.ones((2, 2), int), dtype=np.float64), a)

    def into(x):
        y = np.zeros_like(x @ x)
        np.matmul(x, x, out=y)
        return y

    agrees(into, a[:, :, 0])


EINSUM = [
    ("ij,jk", [(2, 3), (3, 4)]), ("ij,jk->ki", [(2, 3), (3, 4)]), ("ii", [(3, 3)]), ("ii->i", [(3, 3)]),
    ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]), ("ji", [(2, 3)]), ("i,i", [(3,), (3,)]),
    ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]), ("...ij,...jk", [(5, 1, 2, 3), (4, 3, 2)]),
    ("i...->...", [(3, 2)]), ("ijj,jk->ik", [(2, 3, 3), (3, 2)]), ("a,b,c->abc", [(2,), (3,), (2,)]),
    ("ijk,ijk->", [(2, 3, 2), (2, 3, 2)]), ("ij,ij->ij", [(2, 3), (1, 3)]), ("iji->j", [(2, 3, 2)]),
    ("i,->i", [(3,), ()]), ("ij,k->i", [(2, 3), (4,)]), (" i j , j k -> i k ", [(2, 3), (3, 4)]),
    ("iii->i", [(2, 2, 2)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]), ("ij,jk,ik->", [(2, 3), (3, 4), (2, 4)]),
    ("bik,bjk,bl->bijl", [(2, 3, 4), (2, 2, 4), (2, 3)]),
    ("ea,fb,abcd,gc,hd->efgh", [(2, 2), (2, 2), (2, 2, 2, 2), (2, 2), (2, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUM)
def test_einsum(subscripts, shapes, rng):
    """Traces, diagonals, ellipses, broadcasting, chains; every order of contraction."""
    xs = real(rng, *shapes)
    for optimize in (False, True, "optimal"):
        f = lambda *x, how=optimize: np.einsum(subscripts, *x, optimize=how)
        np.testing.assert_allclose(wg.vjp(f, *xs)[0], np.einsum(subscripts, *xs), atol=1e-12)
    agrees(f, *xs, order=1 if len(xs) > 3 else 2)


def test_einsum_by_lists_of_labels(rng):
    """The interleaved form, with and without the result's labels."""
    a, b = real(rng, (2, 3), (3, 2))
    agrees(lambda x, y: np.einsum(x, [0, 1], y, [1, 2]), a, b)
    agrees(lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), a, b)
    agrees(lambda x, y: np.einsum(x, [..., 1], y, [1, ...], [...]), a, b)


def test_einsum_arguments(rng):
    """A given path, a dtype, an operand that is not traced, and einsum_path on tracers."""
    a, b, c = real(rng, (2, 3), (3, 4), (4, 2))
    path = np.einsum_path("ij,jk,kl->il", a, b, c)[0]
    agrees(lambda x: np.einsum("ij,jk,kl->il", x, b, c, optimize=path), a)
    agrees(lambda x: np.einsum("ij,jk->ik", x, np.ones((3, 2), int)), a)
    paths = []
    wg.vjp(lambda x: paths.append(np.einsum_path("ij,jk,kl->il", x, b, c)[0]) or x, a)
    assert paths == [path]
    assert wg.grad(lambda x: np.einsum("ij->", x, dtype=np.float64))(a.astype(np.float32)).dtype == np.float32


def test_closed_forms(rng):
    """d tr(A^T X B) / dX = A B^T."""
    a, x, b = real(rng, (3, 2), (3, 4), (4, 2))
    np.testing.assert_allclose(wg.grad(lambda x: np.trace(a.T @ x @ b))(x), a @ b.T)
    np.testing.assert_allclose(wg.hessian(lambda v: v @ (a @ a.T) @ v)(x[:, 0]), 2 * a @ a.T)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_dtypes(dtype, rng):
    """Gradients in the dtype of the argument."""
    a = rng.normal(size=(2, 3)).astype(dtype)
    g = wg.grad(lambda a: np.sum(np.abs(a @ a.T) ** 2))(a)
    assert g.dtype == dtype


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x @ np.ones(4),
        lambda x: np.dot(x, np.ones(4)),
        lambda x: np.inner(x, np.ones(4)),
        lambda x: np.tensordot(x, np.ones(4), 1),
        lambda x: np.einsum("ij,jk->ik", x, np.ones((4, 4))),
        lambda x: np.vecdot(x, np.ones(4)),
    ],
)
def test_shapes_that_do_not_fit(f):
    """Our error, which is a ValueError as NumPy's."""
    with pytest.raises(ShapeError):
        wg.vjp(f, np.ones((2, 3)))


@pytest.mark.parametrize("subscripts", ["ij->zz", "ijk->i", "i1->i", "ij->k"])
def test_wrong_subscripts(subscripts):
    """ValueError, as in NumPy."""
    with pytest.raises(ValueError, match="einsum"):
        wg.vjp(lambda x: np.einsum(subscripts, x), np.ones((2, 3)))


def test_plain_arguments_are_left_to_numpy(rng):
    """The public functions are NumPy's where nothing is traced."""
    a, b = real(rng, (2, 3), (3, 2))
    for name, args in [
        ("dot", (a, b)),
        ("matmul", (a, b)),
        ("inner", (a, a)),
        ("tensordot", (a, b, 1)),
        ("kron", (a, b)),
    ]:
        found = getattr(wnp, name)(*args)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, getattr(np, name)(*args))
    np.testing.assert_array_equal(wnp.einsum("ij,jk", a, b), np.einsum("ij,jk", a, b))
