"""10^4 steps of the classical Runge-Kutta method through the Lorenz system; the gradient by start and parameters.

    x' = sigma (y - x),  y' = x (rho - z) - y,  z' = x y - beta z;   the value is |u(T)|^2

The step is 0.001, so that the time is 10: chaos magnifies a rounding error some ten thousand times by then, no more.
Source: E. N. Lorenz, Deterministic nonperiodic flow, 1963.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

STEPS, H = 10_000, 0.001


def data() -> Data:
    return {"start": np.array([1.0, 2.0, 3.0]), "parameters": np.array([10.0, 28.0, 8.0 / 3.0])}


# NumPy -----------------------------------------------------------------------------------------------------------
def velocity(u, parameters):
    x, y, z = u
    sigma, rho, beta = parameters
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def step(u, parameters):
    k1 = velocity(u, parameters)
    k2 = velocity(u + 0.5 * H * k1, parameters)
    k3 = velocity(u + 0.5 * H * k2, parameters)
    k4 = velocity(u + H * k3, parameters)
    return u + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def final_square(start, parameters):
    u = start
    for _ in range(STEPS):
        u = step(u, parameters)
    return np.sum(u * u)


def wengert(data: Data) -> Subject:
    return Subject(final_square, tuple(data.values()), (0, 1))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def velocity(u, parameters):
        x, y, z = u
        sigma, rho, beta = parameters
        return jnp.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    def step(u, parameters):
        k1 = velocity(u, parameters)
        k2 = velocity(u + 0.5 * H * k1, parameters)
        k3 = velocity(u + 0.5 * H * k2, parameters)
        k4 = velocity(u + H * k3, parameters)
        return u + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    def final_square(start, parameters):
        u = jax.lax.fori_loop(0, STEPS, lambda _, u: step(u, parameters), start)
        return jnp.sum(u * u)

    return Subject(final_square, tuple(jnp.asarray(a) for a in data.values()), (0, 1))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def velocity(u, parameters):
        x, y, z = u
        sigma, rho, beta = parameters
        return torch.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    def step(u, parameters):
        k1 = velocity(u, parameters)
        k2 = velocity(u + 0.5 * H * k1, parameters)
        k3 = velocity(u + 0.5 * H * k2, parameters)
        k4 = velocity(u + H * k3, parameters)
        return u + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    def final_square(start, parameters):
        u = start
        for _ in range(STEPS):
            u = step(u, parameters)
        return torch.sum(u * u)

    return Subject(final_square, tuple(torch.from_numpy(a) for a in data.values()), (0, 1))


PROGRAM = Program(
    name="lorenz",
    title=f"Lorenz system, {STEPS} Runge-Kutta steps",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch},
    left_out={
        "PyTorch compiled": "writes out all rounds: compiling takes many minutes",
        "autograd": "tens of seconds a call",
    },
)

if __name__ == "__main__":
    quick.main(PROGRAM)
