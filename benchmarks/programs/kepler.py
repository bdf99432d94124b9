"""Kepler's equation E - e sin E = M for 10^4 orbits, by Newton's iteration; the gradient of each E by its e and M.

Each orbit stops after a number of rounds of its own. The function is written for one orbit, and mapped (vmap). JAX has
no reverse mode through a while loop; with two inputs to one output, its users take forward mode. PyTorch and autograd
work on all orbits until the last has converged.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

ORBITS, TOLERANCE = 10_000, 1e-12


def data() -> Data:
    rng = np.random.default_rng(0)
    return {"eccentricity": rng.uniform(0.0, 0.9, ORBITS), "mean": rng.uniform(0.0, 2.0 * np.pi, ORBITS)}


# NumPy -----------------------------------------------------------------------------------------------------------
def anomaly(e, mean):
    E, step = mean, 1.0
    while abs(step) > TOLERANCE:
        step = (E - e * np.sin(E) - mean) / (1.0 - e * np.cos(E))
        E = E - step
    return E


def wengert(data: Data) -> Subject:
    import wengert as wg

    return Subject(wg.vmap(anomaly), tuple(data.values()), derivative=wg.vmap(wg.grad(anomaly, argnums=(0, 1))))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def anomaly(e, mean):
        def body(state):
            E, _ = state
            step = (E - e * jnp.sin(E) - mean) / (1.0 - e * jnp.cos(E))
            return E - step, step

        return jax.lax.while_loop(lambda state: jnp.abs(state[1]) > TOLERANCE, body, (mean, jnp.ones_like(mean)))[0]

    args = tuple(jnp.asarray(a) for a in data.values())
    return Subject(jax.vmap(anomaly), args, derivative=jax.vmap(jax.jacfwd(anomaly, argnums=(0, 1))))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def anomaly(e, mean):
        E, step = mean, torch.ones_like(mean)
        while torch.max(torch.abs(step)) > TOLERANCE:
            step = (E - e * torch.sin(E) - mean) / (1.0 - e * torch.cos(E))
            E = E - step
        return E

    def gradient(e, mean):
        e, mean = e.clone().requires_grad_(), mean.clone().requires_grad_()
        return torch.autograd.grad(torch.sum(anomaly(e, mean)), (e, mean))

    return Subject(anomaly, tuple(torch.from_numpy(a) for a in data.values()), derivative=gradient)


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd
    import autograd.numpy as anp

    def anomaly(e, mean):
        E, step = mean, 1.0
        while anp.max(anp.abs(step)) > TOLERANCE:
            step = (E - e * anp.sin(E) - mean) / (1.0 - e * anp.cos(E))
            E = E - step
        return E

    gradient = autograd.elementwise_grad(anomaly, argnum=(0, 1))
    return Subject(anomaly, tuple(data.values()), derivative=gradient)


PROGRAM = Program(
    name="kepler",
    title=f"Kepler's equation by Newton, {ORBITS} orbits",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
    left_out={"PyTorch compiled": "its graph breaks in every round, where the loop depends on data"},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
