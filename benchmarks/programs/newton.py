"""Damped Newton iteration for eight unknowns until the step is small; the gradient by the whole equation.

    A x + c x^3 = b,   x <- x - J(x)^-1 F(x) / 2 until max|J^-1 F| <= 1e-12;   the value is |x|^2

The number of rounds (some forty) is found by running it. JAX has no reverse mode through a while loop: its users bound
the rounds, here by 64, and leave out those that are not needed.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

N, TOLERANCE, BOUND = 8, 1e-12, 64


def data() -> Data:
    rng = np.random.default_rng(0)
    return {
        "A": rng.standard_normal((N, N)) + 2.0 * N * np.eye(N),
        "b": 10.0 * rng.standard_normal(N),
        "c": rng.uniform(1.0, 5.0, N),
    }


# NumPy -----------------------------------------------------------------------------------------------------------
def square_of_root(A, b, c):
    x, step = np.zeros_like(b), np.ones_like(b)
    while np.max(np.abs(step)) > TOLERANCE:
        step = np.linalg.solve(A + np.diag(3.0 * c * x**2), A @ x + c * x**3 - b)
        x = x - 0.5 * step
    return np.sum(x * x)


def wengert(data: Data) -> Subject:
    return Subject(square_of_root, tuple(data.values()), (0, 1, 2))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def square_of_root(A, b, c):
        def newton(state):
            x, _ = state
            step = jnp.linalg.solve(A + jnp.diag(3.0 * c * x**2), A @ x + c * x**3 - b)
            return x - 0.5 * step, step

        def body(_, state):
            going_on = jnp.max(jnp.abs(state[1])) > TOLERANCE
            return jax.lax.cond(going_on, newton, lambda state: state, state)

        x, _ = jax.lax.fori_loop(0, BOUND, body, (jnp.zeros_like(b), jnp.ones_like(b)))
        return jnp.sum(x * x)

    return Subject(square_of_root, tuple(jnp.asarray(a) for a in data.values()), (0, 1, 2))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def square_of_root(A, b, c):
        x, step = torch.zeros_like(b), torch.ones_like(b)
        while torch.max(torch.abs(step)) > TOLERANCE:
            step = torch.linalg.solve(A + torch.diag(3.0 * c * x**2), A @ x + c * x**3 - b)
            x = x - 0.5 * step
        return torch.sum(x * x)

    return Subject(square_of_root, tuple(torch.from_numpy(a) for a in data.values()), (0, 1, 2))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def square_of_root(A, b, c):
        x, step = np.zeros(N), np.ones(N)
        while anp.max(anp.abs(step)) > TOLERANCE:
            step = anp.linalg.solve(A + anp.diag(3.0 * c * x**2), A @ x + c * x**3 - b)
            x = x - 0.5 * step
        return anp.sum(x * x)

    return Subject(square_of_root, tuple(data.values()), (0, 1, 2))


PROGRAM = Program(
    name="newton",
    title=f"Newton iteration of unknown length, {N} unknowns",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
    left_out={"PyTorch compiled": "its graph breaks in every round, where the loop depends on data"},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
