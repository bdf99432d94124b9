"""The cost of k-means, and for a step of Newton's method its gradient and the diagonal of its Hessian.

    f(C) = sum_n min_k |p_n - c_k|^2;   the Hessian is diagonal, so that its product with ones is its diagonal

Source: GradBench's `kmeans`. Sizes and distributions are theirs: k = 100, n = 10000, d = 16, uniform points of which
the last k are the centroids.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

K, N, D = 100, 10_000, 16


def data() -> Data:
    points = np.random.default_rng(0).uniform(0.0, 1.0, (N, D))
    return {"points": points, "centroids": points[-K:].copy()}


# NumPy -----------------------------------------------------------------------------------------------------------
def cost(points, centroids):
    squares = np.sum(points**2, axis=1)[:, None] + np.sum(centroids**2, axis=1) - 2.0 * points @ centroids.T
    return np.sum(np.min(squares, axis=1))


def wengert(data: Data) -> Subject:
    import wengert as wg

    def newton(points, centroids):
        gradient = wg.grad(lambda c: cost(points, c))
        return wg.jvp(gradient, (centroids,), (np.ones_like(centroids),))

    return Subject(cost, tuple(data.values()), derivative=newton)


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def cost(points, centroids):
        squares = jnp.sum(points**2, axis=1)[:, None] + jnp.sum(centroids**2, axis=1) - 2.0 * points @ centroids.T
        return jnp.sum(jnp.min(squares, axis=1))

    def newton(points, centroids):
        gradient = jax.grad(lambda c: cost(points, c))
        return jax.jvp(gradient, (centroids,), (jnp.ones_like(centroids),))

    return Subject(cost, tuple(jnp.asarray(a) for a in data.values()), derivative=newton)


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def cost(points, centroids):
        squares = torch.sum(points**2, 1)[:, None] + torch.sum(centroids**2, 1) - 2.0 * points @ centroids.T
        return torch.sum(torch.min(squares, 1).values)

    def newton(points, centroids):
        gradient = torch.func.grad(lambda c: cost(points, c))
        return torch.func.jvp(gradient, (centroids,), (torch.ones_like(centroids),))

    return Subject(cost, tuple(torch.from_numpy(a) for a in data.values()), derivative=newton)


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd
    import autograd.numpy as anp

    def cost(points, centroids):
        products = anp.dot(points, centroids.T)
        squares = anp.sum(points**2, axis=1)[:, None] + anp.sum(centroids**2, axis=1) - 2.0 * products
        return anp.sum(anp.min(squares, axis=1))

    def newton(points, centroids):
        def f(c):
            return cost(points, c)

        return autograd.grad(f)(centroids), autograd.hessian_vector_product(f)(centroids, np.ones_like(centroids))

    return Subject(cost, tuple(data.values()), derivative=newton)


PROGRAM = Program(
    name="kmeans",
    title=f"k-means with Hessian diagonal, k = {K}, n = {N}, d = {D}",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
