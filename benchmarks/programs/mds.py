"""Multidimensional scaling: the loss of a map of the demo's cities, and its gradient by all places.

    L(W) = sum_ij (|W_i - W_j|^2 - D_ij)^2

over W of shape (n, 3), D the squares of distances through the Earth: the demo's problem, from its data.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject
from demo.data import cities


def data() -> Data:
    distances = cities().distances
    start = 0.1 * np.random.default_rng(0).standard_normal((len(distances), 3))
    return {"W": start, "D": distances**2 / np.mean(distances**2)}


# NumPy -----------------------------------------------------------------------------------------------------------
def loss(W, D):
    squares = np.sum(W * W, axis=1)
    excess = squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D
    return np.sum(excess * excess)


def wengert(data: Data) -> Subject:
    return Subject(loss, tuple(data.values()), (0,))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax.numpy as jnp

    def loss(W, D):
        squares = jnp.sum(W * W, axis=1)
        excess = squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D
        return jnp.sum(excess * excess)

    return Subject(loss, tuple(jnp.asarray(a) for a in data.values()), (0,))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def loss(W, D):
        squares = torch.sum(W * W, 1)
        excess = squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D
        return torch.sum(excess * excess)

    return Subject(loss, tuple(torch.from_numpy(a) for a in data.values()), (0,))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def loss(W, D):
        squares = anp.sum(W * W, axis=1)
        excess = squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D
        return anp.sum(excess * excess)

    return Subject(loss, tuple(data.values()), (0,))


PROGRAM = Program(
    name="mds",
    title="Multidimensional scaling, 124 cities",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
