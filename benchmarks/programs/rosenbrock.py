"""The Rosenbrock function of 10^6 variables, and its gradient.

    f(x) = sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2

Source: H. H. Rosenbrock, An automatic method for finding the greatest or least value of a function, 1960; in the
chained form of scipy.optimize.rosen.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

N = 1_000_000


def data() -> Data:
    return {"x": np.random.default_rng(0).uniform(-2.0, 2.0, N)}


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def wengert(data: Data) -> Subject:
    return Subject(rosenbrock, (data["x"],), (0,))


def jax(data: Data) -> Subject:
    import jax.numpy as jnp

    def rosenbrock(x):
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return Subject(rosenbrock, (jnp.asarray(data["x"]),), (0,))


def torch(data: Data) -> Subject:
    import torch

    def rosenbrock(x):
        return torch.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return Subject(rosenbrock, (torch.from_numpy(data["x"]),), (0,))


def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def rosenbrock(x):
        return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return Subject(rosenbrock, (data["x"],), (0,))


PROGRAM = Program(
    name="rosenbrock",
    title=f"Rosenbrock function, n = {N}",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
