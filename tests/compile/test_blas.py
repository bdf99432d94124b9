"""Matrix products: which go to BLAS and how, against NumPy; transposes, strides, stacks, sums in place."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile.lower.blas import worthwhile
from wengert.compile.machine import lapack
from wengert.compile.stages import Stages

SIZES = {"i": 17, "j": 18, "k": 19, "l": 2, "m": 20, "n": 21}
PRODUCTS = {  # subscripts, and how many calls of BLAS (in loops) stand in the program
    "ij,jk->ik": 1,
    "ij,jk->ki": 1,
    "ji,jk->ik": 1,
    "ij,kj->ik": 1,
    "ji,kj->ki": 1,
    "lij,ljk->lik": 1,
    "lij,ljk->lki": 1,
    "lij,lkj->ilk": 1,
    "ijl,jk->kil": 1,
    "ijk,ijl->ilk": 1,
    "ij,kjl->kil": 1,
    "ij,klj->kil": 1,
    "ijkl,mk->ijlm": 1,
    "ijkl,ml->ijkm": 0,  # thin
    "ijkl,kmj->iml": 1,
    "ijkl,jm->ikml": 1,
    "ijl,ijkm->lmk": 1,
    "ijlk,lnmj->inkm": 1,
    "ij,j->i": 0,  # small
    "i,j->ij": 0,
    "ij,ij->": 0,
}
TOLERANCE = {"d": 1e-12, "D": 1e-12, "f": 1e-4, "F": 1e-4}
rng = np.random.default_rng(0)


def random(shape, dtype="d"):
    """Normal numbers."""
    x = rng.normal(size=shape)
    return np.asarray(x + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else x, dtype)


def text_of(f, *args):
    """LLVM's text of a function."""
    return Stages(wg.trace(f)(*(wg.ArrayType(x.shape, x.dtype) for x in args))).text()


def calls(f, *args):
    """How often BLAS is called from."""
    return text_of(f, *args).count("call void @blas.")


def agree(f, *args, tol=1e-12):
    """Compiled, a function gives what NumPy gives."""
    expected = f(*args)
    found = wg.jit(f)(*args)
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol * max(1, np.abs(expected).max(initial=0)))


@pytest.mark.parametrize("dtype", "dfDF")
@pytest.mark.parametrize("subscripts", PRODUCTS)
def test_contractions(subscripts, dtype):
    a, b = (random([SIZES[c] for c in labels], dtype) for labels in subscripts.partition("->")[0].split(","))
    agree(lambda a, b: np.einsum(subscripts, a, b), a, b, tol=TOLERANCE[dtype])
    if dtype == "D":  # small products of real numbers are written down
        assert calls(lambda a, b: np.einsum(subscripts, a, b), a, b) == PRODUCTS[subscripts]


VIEWS = {
    "transposed": lambda x: x.T,
    "every other row": lambda x: x[::2],
    "every other column": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1],
    "rows backwards": lambda x: x[:, ::-1],
    "a part": lambda x: x[3:15, 2:14],
    "a transposed part": lambda x: x[3:15, 2:14].T,
    "one row again and again": lambda x: np.broadcast_to(x[0], x.shape),
    "one column again and again": lambda x: np.broadcast_to(x[:, :1], x.shape),
}


@pytest.mark.parametrize("left", VIEWS)
def test_views(left):
    x, y, z = random((20, 20)), random((20, 20)), random((20, 20))

    def f(x, y, z):
        parts = []
        for view in VIEWS.values():
            a, b = VIEWS[left](x), view(y)
            n = min(a.shape[1], b.shape[0])
            product = a[:, :n] @ b[:n]
            parts.append(np.sum(product * z[: product.shape[0], : product.shape[1]]))
        return np.stack(parts)

    agree(f, x, y, z)


def test_transposes_are_folded_into_the_call():
    x, y = random((300, 200)), random((300, 200))
    for f in (lambda x, y: x @ y.T, lambda x, y: x.T @ y, lambda x, y: (y.T @ x).T):
        text = text_of(f, x, y)
        assert text.count("gemm(") == 2  # the call and its declaration
        assert "define internal" not in text  # nothing is copied
        agree(f, x, y)


def test_large_vectors():
    a, x = random((300, 301)), random(301)
    assert calls(lambda a, x: a @ x, a, x) == 1
    for f in (
        lambda a, x: a @ x,
        lambda a, x: x[:300] @ a,
        lambda a, x: a.T @ x[:300],
        lambda a, x: a[:, ::-1] @ x[::-1],
    ):
        agree(f, a, x)


def test_thin_products_are_loops():
    assert not worthwhile(1000, 1000, 3) and not worthwhile(3, 3, 100000) and not worthwhile(8, 8, 4)
    assert worthwhile(100, 100, 100) and worthwhile(1000, 1000, 1000)
    assert not calls(lambda x: (x[:, None] @ x[None]).sum(1), random(50))


def test_products_are_added_in_place():
    x, y, z = random((20, 20)), random((20, 20)), random(20)

    def f(x, y, z):
        a = np.tanh(x)
        b = a + a @ y  # what is added to is an operand as well
        c = b + b.T @ b.T
        d = c @ y + y @ c + z
        return d + d * (y @ y) + x @ y

    agree(f, x, y, z)


def test_a_bias_is_added_afterwards():
    x, w, b = random((200, 200)), random((200, 200)), random(200)
    for f in (lambda x, w, b: np.tanh(x @ w + b), lambda x, w, b: np.tanh(1 + x @ w.T) * b):
        assert text_of(f, x, w, b).count("define internal") == 1  # one loop, after the product
        agree(f, x, w, b)


def test_memory_of_results_may_hold_anything():
    f = wg.jit(lambda x: np.tanh(x @ x) @ x)
    assert np.isnan(f(np.full((20, 20), np.nan))).all()
    x = random((20, 20))
    np.testing.assert_allclose(f(x), np.tanh(x @ x) @ x, rtol=1e-12, atol=1e-12)


def test_nothing_is_skipped():
    x, y = np.zeros((20, 20)), np.full((20, 20), np.inf)
    assert np.isnan(wg.jit(lambda x, y: x @ y)(x, y)).all()


@pytest.mark.parametrize(
    "shapes", [((0, 20), (20, 30)), ((20, 0), (0, 30)), ((0, 20, 20), (0, 20, 20)), ((20, 30), (30, 0))]
)
def test_empty(shapes):
    a, b = (np.ones(s) for s in shapes)
    agree(lambda a, b: a @ b, a, b)
    agree(lambda a, b: 1 + a @ b, a, b)


def test_in_loops():
    x, w, v = random((5, 18, 200)), random((200, 200)) / 15, random((200, 200)) / 15

    def f(x, w, v):
        def step(h, x):
            h = np.tanh(h @ w + x @ v)
            return h, h[0]

        h, ys = wg.scan(step, 0 * x[0], x)
        return np.sum(h * h) + np.sum(ys)

    assert calls(f, x, w, v) == 2
    for g in (f, wg.grad(f, 0), wg.grad(f, 1), wg.grad(f, 2)):
        agree(g, x, w, v)


def test_gradient_of_a_perceptron():
    x, y, v, w = random((40, 30)), random((40, 10)), random((30, 20)), random((20, 10))

    def loss(v, w, x, y):
        return np.mean((np.tanh(x @ v) @ w - y) ** 2)

    g = wg.jit(wg.grad(loss, (0, 1)))(v, w, x, y)
    h = np.tanh(x @ v)
    e = 2 * (h @ w - y) / y.size
    np.testing.assert_allclose(g[1], h.T @ e, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(g[0], x.T @ ((e @ w.T) * (1 - h * h)), rtol=1e-11, atol=1e-13)


def test_threads():
    before = lapack.threads()
    if before is None:
        pytest.skip("SciPy stands on another library than OpenBLAS")
    try:
        assert lapack.set_threads(1) and lapack.threads() == 1
        agree(lambda a: a @ a, random((100, 100)))
    finally:
        lapack.set_threads(before)
    assert lapack.threads() == before
