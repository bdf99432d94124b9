"""100 rounds of z = a cos(z + i) + z sin(b - i), and the gradient by a and b.

Source: an example of a loop that is easy to run and hard to differentiate by hand, of which symbolic differentiation
makes an expression of exponential size (A. Géron, Hands-On Machine Learning, appendix on automatic differentiation).
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

ROUNDS = 100


def data() -> Data:
    return {"a": 0.3, "b": 0.2}


# NumPy -----------------------------------------------------------------------------------------------------------
def iterate(a, b):
    z = 0.0
    for i in range(ROUNDS):
        z = a * np.cos(z + i) + z * np.sin(b - i)
    return z


def wengert(data: Data) -> Subject:
    return Subject(iterate, tuple(data.values()), (0, 1))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def iterate(a, b):
        return jax.lax.fori_loop(0, ROUNDS, lambda i, z: a * jnp.cos(z + i) + z * jnp.sin(b - i), 0.0)

    return Subject(iterate, tuple(jnp.asarray(a) for a in data.values()), (0, 1))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def iterate(a, b):
        z = torch.zeros(())
        for i in range(ROUNDS):
            z = a * torch.cos(z + i) + z * torch.sin(b - i)
        return z

    return Subject(iterate, tuple(torch.tensor(a) for a in data.values()), (0, 1))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def iterate(a, b):
        z = 0.0
        for i in range(ROUNDS):
            z = a * anp.cos(z + i) + z * anp.sin(b - i)
        return z

    return Subject(iterate, tuple(data.values()), (0, 1))


PROGRAM = Program(
    name="iteration",
    title=f"z = a cos(z + i) + z sin(b - i), {ROUNDS} rounds",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
