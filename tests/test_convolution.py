"""Convolution and pooling against loops written by hand; derivatives of order two, lanes, native code, adjoints."""

import itertools

import numpy as np
import pytest
import scipy.signal

import wengert as wg
from scipy_checks import agrees
from wengert.convolution import avg_pool, conv, conv_transpose, max_pool, windows
from wengert.errors import ShapeError

CASES = [  # x, w, stride, padding, dilation, groups
    ((2, 7), (3, 2, 3), 1, 0, 1, 1),
    ((2, 4, 9), (6, 2, 3), 2, 1, 2, 2),
    ((1, 2, 5, 6), (3, 2, 3, 2), (2, 1), (1, 0), (1, 2), 1),
    ((3, 4, 4), (3, 1, 2, 2), 1, "same", 1, 3),
    ((1, 1, 3, 4, 5), (2, 1, 2, 2, 2), 1, ((0, 1), (1, 0), (0, 0)), 1, 1),
    ((2, 2, 2, 6), (4, 2, 6), 3, 2, 1, 1),
]


def each(value, n):
    return (value,) * n if isinstance(value, int) else value


def by_hand(x, w, stride, padding, dilation, groups):
    """conv, one product at a time."""
    n = w.ndim - 2
    size, stride, dilation = w.shape[2:], each(stride, n), each(dilation, n)
    if padding == "same":
        padding = tuple(((k - 1) * d // 2, (k - 1) * d - (k - 1) * d // 2) for k, d in zip(size, dilation, strict=True))
    padding = tuple((p, p) if isinstance(p, int) else p for p in each(padding, n))
    lead = x.ndim - n
    x = np.pad(x, [(0, 0)] * lead + list(padding))
    counts = [(m - (k - 1) * d - 1) // s + 1 for m, k, s, d in zip(x.shape[lead:], size, stride, dilation, strict=True)]
    y = np.zeros((*x.shape[: lead - 1], w.shape[0], *counts))
    per = w.shape[0] // groups
    for o, i, c, k in itertools.product(range(w.shape[0]), np.ndindex(*counts), range(w.shape[1]), np.ndindex(*size)):
        m = tuple(s * a + d * b for s, a, d, b in zip(stride, i, dilation, k, strict=True))
        y[(..., o, *i)] += w[(o, c, *k)] * x[(..., o // per * w.shape[1] + c, *m)]
    return y


@pytest.mark.parametrize("case", CASES)
def test_conv(case, rng):
    """Every parameter, one to three axes; its transpose in x is conv_transpose."""
    shape, kernels, *parameters = case
    x, w = rng.normal(size=shape), rng.normal(size=kernels)
    names = dict(zip(("stride", "padding", "dilation", "groups"), parameters, strict=True))
    agrees(lambda x, w: conv(x, w, **names), lambda x, w: by_hand(x, w, *parameters), x, w)
    y, back = wg.vjp(lambda x: conv(x, w, **names), x)
    y_bar = rng.normal(size=y.shape)
    n = len(kernels) - 2
    bare = conv_transpose(y_bar, w, **names)
    extra = tuple(a - b for a, b in zip(shape[-n:], bare.shape[-n:], strict=True))
    np.testing.assert_allclose(conv_transpose(y_bar, w, extra=extra, **names), back(y_bar)[0], atol=1e-12)
    agrees(lambda y, w: conv_transpose(y, w, **names), lambda y, w: bare, y_bar, w, order=1)


def test_conv_is_scipys_correlation(rng):
    """And single precision stays so; integers are floats; lists are arrays."""
    x, w = rng.normal(size=(1, 8, 9)), rng.normal(size=(1, 1, 3, 2))
    np.testing.assert_allclose(conv(x, w)[0], scipy.signal.correlate2d(x[0], w[0, 0], "valid"))
    assert conv(x.astype("f"), w.astype("f")).dtype == wg.jit(conv)(x.astype("f"), w.astype("f")).dtype == np.float32
    np.testing.assert_array_equal(conv([[1, 2, 3]], [[[1, 1]]]), [[3.0, 5.0]])


@pytest.mark.parametrize("arguments", [{}, {"stride": (1, 2)}, {"padding": 1, "dilation": (2, 1)}])
def test_pooling(arguments, rng):
    """Means and maxima of windows by hand."""
    x = rng.normal(size=(2, 5, 6))

    def pooled(reduce, outside):
        stride, dilation = arguments.get("stride", (2, 2)), arguments.get("dilation", (1, 1))
        p = arguments.get("padding", 0)
        padded = lambda x: np.pad(x, [(0, 0), (p, p), (p, p)], constant_values=outside)
        rows, columns = (range(0, m + 2 * p - d, s) for m, d, s in zip((5, 6), dilation, stride, strict=True))
        window = lambda x, i, j: padded(x)[
            :, i : i + dilation[0] + 1 : dilation[0], j : j + dilation[1] + 1 : dilation[1]
        ]
        return lambda x: np.array([[reduce(window(x, i, j), (1, 2)) for j in columns] for i in rows]).transpose(2, 0, 1)

    agrees(lambda x: max_pool(x, (2, 2), **arguments), pooled(np.max, -np.inf), x)
    agrees(lambda x: avg_pool(x, (2, 2), **arguments), pooled(np.mean, 0.0), x)


def test_windows(rng):
    """NumPy's sliding_window_view, under its own name too; overlapping windows add up."""
    view = np.lib.stride_tricks.sliding_window_view
    x = rng.normal(size=(5, 6))
    agrees(lambda x: view(x, (2, 3)), lambda x: view(x, (2, 3)), x)
    agrees(lambda x: view(x, 2, axis=0), lambda x: view(x, 2, axis=0), x)
    agrees(lambda x: view(x, (2, 2), (1, 1)), lambda x: view(x, (2, 2), (1, 1)), x)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(windows(x, 3)))(np.ones(5)), [1, 2, 3, 2, 1])
    np.testing.assert_array_equal(windows(x, (2, 3)), view(x, (2, 3)))
    large = rng.normal(size=(40, 41))
    f = lambda x: np.sum(windows(x, (7, 8)) ** 3)
    np.testing.assert_allclose(wg.jit(wg.grad(f))(large), wg.grad(f)(large), rtol=1e-12)
    for bad in ((6, 2), (2, -1), (2, 2, 2)):
        with pytest.raises(ValueError, match="window"):
            wg.vjp(lambda x: view(x, bad), x)  # noqa: B023


def test_what_does_not_fit():
    """Each error names shapes."""
    x, w = np.ones((2, 5)), np.ones((3, 2, 3))
    for call in (
        lambda: conv(x, w[:, :1]),
        lambda: conv(x, w, groups=2),
        lambda: conv(x[0], w),
        lambda: conv(x, np.ones((3, 2, 6))),
        lambda: conv(x, w, stride=0),
        lambda: conv(x, w, stride=(1, 1)),
        lambda: conv(x, w, padding="full"),
        lambda: conv(x, np.ones(3)),
        lambda: conv_transpose(x, np.ones((2, 1, 3)), padding=9),
        lambda: max_pool(x, 6),
    ):
        with pytest.raises(ShapeError):
            call()
    assert conv(np.ones((0, 2, 5)), w).shape == (0, 3, 3)


def test_a_whole_network(rng):
    """Convolution, pooling and a dense layer: gradient compiled and by differences."""
    x, w, v = rng.normal(size=(2, 1, 8, 8)), rng.normal(size=(3, 1, 3, 3)), rng.normal(size=(27, 2))

    def loss(w, v):
        h = np.tanh(max_pool(conv(x, w), (2, 2)))
        return np.sum((h.reshape(2, -1) @ v) ** 2)

    wg.check_grads(loss, (w, v))
    for a, b in zip(wg.jit(wg.grad(loss, (0, 1)))(w, v), wg.grad(loss, (0, 1))(w, v), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_structure_of_derivatives():
    """Jacobians of convolution, its transpose and pooling are banded, and known to be."""
    w, x = np.array([[[1.0, 2.0, 4.0]]]), np.arange(8.0)
    for f, nonzero in (
        (lambda x: conv(x[None], w)[0], 18),
        (lambda x: conv_transpose(x[None], w)[0], 24),
        (lambda x: conv(x[None], w, stride=2, padding=1)[0], 11),
        (lambda x: avg_pool(x, 2), 8),
    ):
        found = wg.sparse.jacobian(f)(x)
        assert found.nnz == nonzero
        np.testing.assert_allclose(found.toarray(), wg.jacobian(f)(x))
