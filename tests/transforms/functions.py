"""Functions as users write them, whose derivatives the compiler is measured by, with small arguments."""

import numpy

import wengert as wg
from wengert.scipy.special import ndtr

np = wg.numpy


def mlp(params, x, y):
    """Cross-entropy of a perceptron of three layers."""
    for W, b in params[:-1]:
        x = np.tanh(x @ W + b)
    W, b = params[-1]
    z = x @ W + b
    top = np.max(z, axis=1, keepdims=True)
    return -np.mean((z - np.log(np.sum(np.exp(z - top), axis=1, keepdims=True)) - top)[np.arange(len(y)), y])


def logsumexp(x, axis=0):
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top, axis)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.sum((e / e.sum(axis=-1, keepdims=True)) ** 2)


def gmm(alphas, means, icf, x):
    """Log-likelihood of a Gaussian mixture."""
    k, d = means.shape
    q = np.exp(icf[:, :d])
    L = np.zeros((k, d, d))
    rows, columns = numpy.tril_indices(d, -1)
    L[:, rows, columns] = icf[:, d:]
    centred = x[:, None, :] - means
    scaled = q * centred + np.einsum("kij,nkj->nki", L, centred)
    main = np.sum(logsumexp(alphas + np.sum(icf[:, :d], 1) - 0.5 * np.sum(scaled**2, -1), 1))
    return main - len(x) * logsumexp(alphas) + 0.5 * (np.sum(q**2) + np.sum(icf[:, d:] ** 2))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(w, b, xs):
    """A recurrent network of one layer."""

    def step(carry, x):
        h, c = carry
        i, f, o, a = np.split(x @ w[0] + h @ w[1] + b, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(a)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h

    n = b.shape[0] // 4
    return np.mean(wg.scan(step, (np.zeros(n, xs.dtype), np.zeros(n, xs.dtype)), xs)[1] ** 2)


def newton(a):
    """A square root, to a tolerance."""
    step = lambda s: (0.5 * (s[0] + a / s[0]), s[1] + 1)
    return wg.while_loop(lambda s: np.abs(s[0] ** 2 - a) > 1e-10, step, (a, 0))[0]


def kalman(A, C, Q, R, ys):
    """Log-likelihood of a linear Gaussian model."""

    def step(carry, y):
        m, P, total = carry
        m, P = A @ m, A @ P @ A.T + Q
        S = C @ P @ C.T + R
        K = np.linalg.solve(S, C @ P).T
        r = y - C @ m
        total = total - 0.5 * (r @ np.linalg.solve(S, r) + np.linalg.slogdet(S)[1])
        return (m + K @ r, P - K @ S @ K.T, total), None

    n = len(A)
    return wg.scan(step, (np.zeros(n), np.eye(n), 0.0), ys)[0][2]


def lorenz(p, x):
    """A hundred steps of Runge and Kutta's method."""

    def f(x):
        return np.stack([p[0] * (x[1] - x[0]), x[0] * (p[1] - x[2]) - x[1], x[0] * x[1] - p[2] * x[2]])

    def step(i, x, h=0.01):
        k1 = f(x)
        k2 = f(x + h / 2 * k1)
        k3 = f(x + h / 2 * k2)
        return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + h * k3))

    return np.sum(wg.fori_loop(0, 100, step, x))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def kmeans(points, centers):
    return np.sum(np.min(np.sum((points[:, None, :] - centers) ** 2, -1), axis=1))


def black_scholes(S, K, t, r, sigma):
    d1 = (np.log(S / K) + (r + sigma**2 / 2) * t) / (sigma * np.sqrt(t))
    return np.sum(S * ndtr(d1) - K * np.exp(-r * t) * ndtr(d1 - sigma * np.sqrt(t)))


def nested(x):
    """A loop in a loop."""

    def outer(c, r):
        d = wg.fori_loop(0, 3, lambda j, d: np.sin(d * r) + d, c)
        return d * r, np.sum(d)

    c, ys = wg.scan(outer, x, numpy.linspace(0.1, 1, 5))
    return np.sum(c) + np.sum(ys)


def bundle(cameras, points, w):
    """Reprojection errors of cameras."""
    r, C, f, x0, k = cameras[:, 0:3], cameras[:, 3:6], cameras[:, 6], cameras[:, 7:9], cameras[:, 9:11]
    X = points - C
    angle = np.sqrt(np.sum(r * r, 1))
    c, s, axis = np.cos(angle), np.sin(angle), r / angle[:, None]
    turn = np.sum(axis * X, 1) * (1 - c)
    X = X * c[:, None] + np.cross(axis, X) * s[:, None] + axis * turn[:, None]
    x = X[:, :2] / X[:, 2:3]
    radius = np.sum(x * x, 1)
    x = x * (1 + k[:, 0] * radius + k[:, 1] * radius * radius)[:, None] * f[:, None] + x0
    return np.sum(x**2 * w[:, None])


def arguments(*shapes):
    """Positive random arrays."""
    rng = numpy.random.default_rng(len(shapes))
    return tuple(numpy.asarray(rng.uniform(0.3, 1.0, s)) for s in shapes)


layers = [arguments((m, n), (n,)) for m, n in [(8, 16), (16, 16), (16, 4)]]
model = (0.3 * numpy.eye(4), arguments((2, 4))[0], numpy.eye(4), numpy.eye(2), arguments((20, 2))[0])
options = arguments((9,), (9,), (9,), (9,), (9,))

# name: function, arguments, equations before and after at most
FUNCTIONS = {
    "mlp": (wg.value_and_grad(mlp), (layers, *arguments((32, 8)), numpy.arange(32) % 4), 78, 62),
    "logsumexp": (wg.grad(logsumexp), arguments((10,)), 23, 20),
    "softmax": (wg.grad(softmax), arguments((6, 10)), 38, 33),
    "gmm": (wg.value_and_grad(gmm, argnums=(0, 1, 2)), arguments((5,), (5, 3), (5, 6), (50, 3)), 130, 99),
    "lstm": (wg.value_and_grad(lstm, argnums=(0, 1)), arguments((2, 8, 32), (32,), (7, 8)), 82, 74),
    "newton": (wg.grad(newton), (numpy.asarray(2.0),), 18, 18),
    "kalman": (wg.grad(kalman, argnums=(0, 1)), model, 113, 87),
    "lorenz": (wg.grad(lorenz, argnums=(0, 1)), arguments((3,), (3,)), 264, 220),
    "rosenbrock": (wg.grad(rosenbrock), arguments((100,)), 21, 14),
    "hessian": (wg.hessian(rosenbrock), arguments((5,)), 32, 24),
    "hvp": (lambda x, v: wg.jvp(wg.grad(rosenbrock), (x,), (v,))[1], arguments((9,), (9,)), 33, 20),
    "kmeans": (wg.grad(kmeans, argnums=1), arguments((30, 4), (5, 4)), 23, 21),
    "black_scholes": (wg.grad(black_scholes, argnums=(0, 1, 2, 3, 4)), options, 76, 64),
    "nested": (wg.grad(nested), (numpy.asarray(0.4),), 17, 14),
    "bundle": (wg.grad(bundle, argnums=(0, 1, 2)), arguments((10, 11), (10, 3), (10,)), 207, 162),
    "logsumexp twice": (wg.hessian(logsumexp), arguments((4,)), 70, 47),
    "jacfwd in lanes": (wg.vmap(wg.jacfwd(lambda x: np.sin(x) * np.sum(x**2))), arguments((6, 3)), 26, 22),
    "jacrev": (wg.jacrev(lambda x: np.cumsum(np.exp(x)) / np.sum(x)), arguments((4,)), 22, 18),
}
