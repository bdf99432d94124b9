"""Programs as users of NumPy write them: compiled, with derivatives, against eager evaluation and differences."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import wengert as wg

RNG = np.random.default_rng(0)


def close(got, want, rtol=1e-9, atol=1e-11):
    """Each result is what it should be, of the same dtype and shape."""
    got, want = (x if isinstance(x, tuple) else (x,) for x in (got, want))
    for a, b in zip(got, want, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol, atol)


def along(f, args, directions, h=1e-3):
    """The derivative of f along directions, by differences of sixth order."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    at = lambda s: f(*(a if v is None else a + s * h * v for a, v in zip(args, directions, strict=True)))
    return sum(w * (at(k) - at(-k)) for k, w in weights.items()) / h


# whole programs -----------------------------------------------------------------------------------------------------
def thomas(a, b, c, d):
    n = len(d)
    cp, dp = np.zeros(n), np.zeros(n)
    cp[0], dp[0] = c[0] / b[0], d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


def implicit_heat(u, k):
    n = len(u)
    a, b, c = np.full(n, -k), np.full(n, 1 + 2 * k), np.full(n, -k)
    a[0] = c[-1] = 0.0
    for _ in range(10):
        u = thomas(a, b, c, u)
    return np.sum(np.sin(u))


def adaptive(k, y):
    t, h, steps = 0.0, 0.1, 0
    while t < 1.0 and steps < 1000:
        h = min(h, 1.0 - t)
        f = -k * y + np.sin(t)
        euler = y + h * f
        heun = y + 0.5 * h * (f - k * euler + np.sin(t + h))
        if np.max(np.abs(heun - euler)) < 1e-3:
            t, y, h = t + h, heun, 1.2 * h
        else:
            h = 0.5 * h
        steps += 1
    return np.sum(y)


def gaussian_process(theta, x, y):
    scale, variance, noise = np.exp(theta)
    K = variance * np.exp(-0.5 * (x[:, None] - x) ** 2 / scale**2) + noise * np.eye(len(x))
    L = np.linalg.cholesky(K)
    a = scipy.linalg.solve_triangular(L, y, lower=True)
    return -0.5 * a @ a - np.sum(np.log(np.diag(L)))


def hidden_markov(pi, A, B, seen):
    alpha = pi + B[:, seen[0]]
    for o in seen[1:]:
        alpha = scipy.special.logsumexp(alpha[:, None] + A, axis=0) + B[:, o]
    return scipy.special.logsumexp(alpha)


def soft_dtw(x, y):
    R = np.full((len(x) + 1, len(y) + 1), 1e10)
    R[0, 0] = 0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            r = np.array([R[i - 1, j - 1], R[i - 1, j], R[i, j - 1]])
            R[i, j] = (x[i - 1] - y[j - 1]) ** 2 - 0.5 * scipy.special.logsumexp(-2 * r)
    return R[-1, -1]


def conv(x, w):
    h, k = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    out = np.zeros((h, k, w.shape[3]))
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            out += x[i : i + h, j : j + k] @ w[i, j]
    return out


def network(x, v, w):
    h = np.maximum(conv(x, v), 0).reshape(9, 2, 9, 2, -1).max(axis=(1, 3))
    return scipy.special.logsumexp(np.maximum(conv(h, w), 0))


def smoother(F, Q, ys):
    n, T = len(F), len(ys)
    m, P = np.zeros(n), np.eye(n)
    ms, Ps, guesses, Gs = np.zeros((T, n)), np.zeros((T, n, n)), np.zeros((T, n)), np.zeros((T, n, n))
    for t in range(T):
        m, P = F @ m, F @ P @ F.T + Q
        guesses[t], Gs[t] = m, P
        gain = P[:, 0] / (P[0, 0] + 0.3)
        m, P = m + gain * (ys[t] - m[0]), P - np.outer(gain, P[0])
        ms[t], Ps[t] = m, P
    for t in range(T - 2, -1, -1):
        G = np.linalg.solve(Gs[t + 1], F @ Ps[t]).T
        ms[t] += G @ (ms[t + 1] - guesses[t + 1])
    return np.sum(ms[:, 0] ** 2)


def cholesky(A):
    L = np.zeros_like(A)
    for i in range(len(A)):
        for j in range(i + 1):
            s = A[i, j] - L[i, :j] @ L[j, :j]
            L[i, j] = np.sqrt(s) if i == j else s / L[j, j]
    return np.sum(np.log(np.diag(L)))


def conjugate_gradients(A, b):
    x, r = np.zeros_like(b), b.copy()
    p, rs = r.copy(), r @ r
    while rs > 1e-12:
        Ap = A @ p
        step = rs / (p @ Ap)
        x += step * p
        r -= step * Ap
        new = r @ r
        p, rs = r + new / rs * p, new
    return np.sum(x**3)


def circuit(R, L, w):
    z = R + 1j * w * L + 1 / (0.01j * w)
    return np.sum(np.abs(10.0 / z) ** 2 * R) + np.sum(np.angle(z))


SQUARE = RNG.standard_normal((9, 9))
POSITIVE = SQUARE @ SQUARE.T + 9 * np.eye(9)
PROGRAMS = [
    (implicit_heat, (RNG.standard_normal(50), 0.3), (0, 1)),
    (adaptive, (2.0, np.array([1.0, 0.5, 2.0])), (1,)),
    (gaussian_process, (np.array([-1.0, 0.1, -2.0]), np.sort(RNG.random(17)), RNG.standard_normal(17)), (0, 2)),
    (hidden_markov, (*(np.log(RNG.random(s)) for s in (5, (5, 5), (5, 7))), RNG.integers(0, 7, 30)), (0, 1, 2)),
    (soft_dtw, (RNG.standard_normal(9), RNG.standard_normal(12)), (0, 1)),
    (network, (RNG.random((20, 20, 1)), RNG.random((3, 3, 1, 8)), 0.1 * RNG.random((3, 3, 8, 8))), (1, 2)),
    (smoother, (np.array([[1.0, 0.1], [0.0, 0.95]]), 0.05 * np.eye(2), RNG.standard_normal(30)), (0, 1)),
    (cholesky, (POSITIVE,), (0,)),
    (conjugate_gradients, (POSITIVE, RNG.standard_normal(9)), (1,)),
    (circuit, (10.0, 0.1, np.linspace(1.0, 100.0, 17)), (0, 1)),
]


@pytest.mark.parametrize("f, args, which", PROGRAMS, ids=lambda x: getattr(x, "__name__", ""))
def test_values_and_gradients(f, args, which):
    value, slopes = wg.jit(wg.value_and_grad(f, argnums=which))(*args)
    close(value, f(*args))
    directions = [RNG.standard_normal(np.shape(a)) if k in which else None for k, a in enumerate(args)]
    slope = sum(np.vdot(s, directions[k]) for k, s in zip(which, slopes, strict=True))
    close(slope, np.float64(along(f, args, directions, 1e-4)), 2e-6, 1e-7)


# what was once wrong -----------------------------------------------------------------------------------------------
def test_state_that_is_written_over_is_not_read_again():
    def f(A, b):
        total = 0.0
        for _ in range(20):
            a = b + 1
            b = b * 0.9
            total = total + np.sum(a / np.sum(b**2)) + np.sum(A @ a)
        return total

    A, b = RNG.standard_normal((20, 20)), RNG.random(20)
    close(wg.jit(f)(A, b), f(A, b))


def chebyshev(c, x):
    b0, b1 = np.zeros_like(x), np.zeros_like(x)
    for k in range(len(c) - 1, 0, -1):
        b0, b1 = c[k] + 2 * x * b0 - b1, b0
    return np.sum(c[0] + x * b0 - b1)


def test_arrays_that_share_memory_are_not_said_to_be_apart():
    c, x = RNG.standard_normal((3, 11)), RNG.random((3, 200))
    f = wg.vmap(wg.grad(chebyshev, argnums=(0, 1)))
    value = lambda c, x: np.sum(np.polynomial.chebyshev.chebval(x, c))
    c_bar, x_bar = wg.jit(f)(c, x)
    for k in range(3):
        slope = np.polynomial.chebyshev.chebval(x[k], np.polynomial.chebyshev.chebder(c[k]))
        close(x_bar[k], slope, 1e-9, 1e-10)
        close(c_bar[k], np.polynomial.chebyshev.chebvander(x[k], 10).sum(0), 1e-9, 1e-10)
        close(chebyshev(c[k], x[k]), value(c[k], x[k]))


def test_empty_arrays_of_two_axes():
    f = lambda x: np.sum(np.exp(x) * x)
    for shape in ((0, 3), (3, 0)):
        close(wg.jit(wg.hessian(f))(np.ones(shape)), np.zeros(shape + shape))


def leaky(x):
    y = x.copy()
    y[y < 0] *= 0.1
    y[y > 1] -= y.max()
    return np.sum(y**2)


def test_masks_that_are_not_known():
    x = RNG.standard_normal(40)
    close(wg.jit(leaky)(x), leaky(x))
    v = RNG.standard_normal(40)
    close(np.vdot(wg.jit(wg.grad(leaky))(x), v), along(leaky, (x,), (v,), 1e-5), 1e-6)
    close(wg.jit(wg.vmap(wg.grad(leaky)))(np.stack([x, 2 * x])), np.stack([wg.grad(leaky)(x), wg.grad(leaky)(2 * x)]))


def test_rows_by_a_mask():
    def f(A):
        B = A.copy()
        B[A[:, 0] > 0] += np.array([1.0, 2.0, 3.0])
        return B

    A = RNG.standard_normal((9, 3))
    close(wg.jit(f)(A), f(A))


def test_how_many_a_mask_holds_must_be_known():
    with pytest.raises(wg.errors.AbstractValueError, match="number of elements where a mask"):
        wg.jit(lambda x: np.sum(x[x > 0]))(RNG.standard_normal(5))


def test_products_that_wait_for_a_sum_are_read_before_their_factors_are_written_over():
    def f(x):
        a, b = np.sin(x), np.cos(x)
        c, d = a.copy(), b.copy()
        c[::2] = 0.1
        d[::2] = 0.2
        product = a @ b + b @ b
        return np.sum(np.tanh(c) * d) + product

    x, v = RNG.standard_normal(12), RNG.standard_normal(12)
    slope = along(f, (x,), (v,))
    close(np.vdot(wg.jit(wg.grad(f))(x), v), slope, 1e-8)
    value, tangent = wg.jit(lambda x, v: wg.jvp(f, (x,), (v,)))(x, v)
    close((value, tangent), (f(x), slope), 1e-8)
