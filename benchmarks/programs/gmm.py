"""Log posterior of a Gaussian mixture model with a Wishart prior, and its gradient by all parameters.

    sum_n logsumexp_k(alpha_k + sum(q_k) - |L_k (x_n - mu_k)|^2 / 2) - N logsumexp(alpha) + prior,

where L_k is lower triangular with the diagonal exp(q_k) and, below it, the numbers l_k column by column. GradBench's
JAX multiplies by the diagonal apart; to put it into the matrix, as here, is twice as fast in JAX.
Source: GradBench's `gmm`, from ADBench. Sizes and distributions are theirs: d = 64, k = 25, n = 1000, gamma = 1, m = 0.
"""

import math

import numpy as np
from scipy.special import multigammaln

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

D, K, N = 64, 25, 1000
GAMMA, M = 1.0, 0


def data() -> Data:
    rng = np.random.default_rng(31337)
    return {
        "alpha": rng.standard_normal(K),
        "mu": rng.uniform(0.0, 1.0, (K, D)),
        "q": rng.standard_normal((K, D)),
        "l": rng.standard_normal((K, D * (D - 1) // 2)),
        "x": rng.standard_normal((N, D)),
    }


def constant(d: int, k: int, n: int) -> float:
    """What does not depend on the parameters."""
    free = d + M + 1
    prior = free * d * math.log(GAMMA / math.sqrt(2.0)) - float(multigammaln(0.5 * free, d))
    return -0.5 * n * d * math.log(2.0 * math.pi) + k * prior


def below_diagonal(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns below the diagonal, column by column."""
    columns, rows = np.triu_indices(d, 1)
    return rows, columns


# NumPy -----------------------------------------------------------------------------------------------------------
def logsumexp(x):
    top = np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=-1)) + top[..., 0]


def objective(alpha, mu, q, l, x):
    (n, d), k = x.shape, len(alpha)
    diagonals, logdets = np.exp(q), np.sum(q, axis=1)
    rows, columns = below_diagonal(d)
    factors = np.zeros((k, d, d))
    factors[:, rows, columns] = l
    factors[:, np.arange(d), np.arange(d)] = diagonals
    scaled = (x - mu[:, None, :]) @ np.swapaxes(factors, 1, 2)  # (k, n, d)
    terms = alpha + logdets - 0.5 * np.sum(scaled**2, axis=2).T
    prior = np.sum(0.5 * GAMMA**2 * (np.sum(diagonals**2, axis=1) + np.sum(l**2, axis=1)) - M * logdets)
    return constant(d, k, n) + np.sum(logsumexp(terms)) - n * logsumexp(alpha) - prior


def wengert(data: Data) -> Subject:
    return Subject(objective, tuple(data.values()), (0, 1, 2, 3))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax.numpy as jnp
    from jax.scipy.special import logsumexp

    def objective(alpha, mu, q, l, x):
        (n, d), k = x.shape, len(alpha)
        diagonals, logdets = jnp.exp(q), jnp.sum(q, axis=1)
        rows, columns = below_diagonal(d)
        factors = jnp.zeros((k, d, d)).at[:, rows, columns].set(l)
        factors = factors.at[:, jnp.arange(d), jnp.arange(d)].set(diagonals)
        scaled = (x - mu[:, None, :]) @ jnp.swapaxes(factors, 1, 2)
        terms = alpha + logdets - 0.5 * jnp.sum(scaled**2, axis=2).T
        prior = jnp.sum(0.5 * GAMMA**2 * (jnp.sum(diagonals**2, axis=1) + jnp.sum(l**2, axis=1)) - M * logdets)
        return constant(d, k, n) + jnp.sum(logsumexp(terms, axis=1)) - n * logsumexp(alpha) - prior

    return Subject(objective, tuple(jnp.asarray(a) for a in data.values()), (0, 1, 2, 3))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    rows, columns = (torch.from_numpy(i) for i in below_diagonal(D))
    fixed = constant(D, K, N)

    def objective(alpha, mu, q, l, x):
        diagonals, logdets = torch.exp(q), torch.sum(q, 1)
        factors = torch.zeros((K, D, D))
        factors[:, rows, columns] = l
        factors = factors + torch.diag_embed(diagonals)
        scaled = (x - mu[:, None, :]) @ factors.transpose(1, 2)
        terms = alpha + logdets - 0.5 * torch.sum(scaled**2, 2).T
        prior = torch.sum(0.5 * GAMMA**2 * (torch.sum(diagonals**2, 1) + torch.sum(l**2, 1)) - M * logdets)
        return fixed + torch.sum(torch.logsumexp(terms, 1)) - len(x) * torch.logsumexp(alpha, 0) - prior

    return Subject(objective, tuple(torch.from_numpy(a) for a in data.values()), (0, 1, 2, 3))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp
    from autograd.scipy.special import logsumexp

    rows, columns = below_diagonal(D)
    place = np.zeros((D * (D - 1) // 2, D, D))  # autograd assigns to no elements: a sum over places instead
    place[np.arange(len(rows)), rows, columns] = 1.0
    place = place.reshape(len(rows), D * D)

    def objective(alpha, mu, q, l, x):
        (n, d), k = x.shape, len(alpha)
        diagonals, logdets = anp.exp(q), anp.sum(q, axis=1)
        factors = anp.reshape(anp.dot(l, place), (k, d, d)) + diagonals[:, None, :] * np.eye(d)
        scaled = anp.matmul(x - mu[:, None, :], anp.swapaxes(factors, 1, 2))
        terms = alpha + logdets - 0.5 * anp.sum(scaled**2, axis=2).T
        prior = anp.sum(0.5 * GAMMA**2 * (anp.sum(diagonals**2, axis=1) + anp.sum(l**2, axis=1)) - M * logdets)
        return constant(d, k, n) + anp.sum(logsumexp(terms, axis=1)) - n * logsumexp(alpha) - prior

    return Subject(objective, tuple(data.values()), (0, 1, 2, 3))


PROGRAM = Program(
    name="gmm",
    title=f"Gaussian mixture model, d = {D}, k = {K}, n = {N}",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
