"""Sparse Hessian of the chained Rosenbrock function: sum of 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.rows import Row, Target
from benchmarks.structure.sparse_jacobian import greedy

N = 100_000


def text(np: Any) -> Any:
    """In one library's language."""

    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return rosenbrock


def coloured(jax: Any, x: np.ndarray, structure: sp.csr_array) -> dict[str, clock.Call]:
    """What a user of JAX writes by hand: columns of one colour in one HVP, then each entry from its product."""
    f, jnp = text(jax.numpy), jax.numpy
    colour = greedy(structure)
    seeds = jnp.asarray(np.eye(colour.max() + 1)[:, colour])
    rows, columns = structure.nonzero()
    places = jnp.asarray(colour[columns]), jnp.asarray(rows)

    @jax.jit
    def values(x):
        return jax.vmap(lambda s: jax.jvp(jax.grad(f), (x,), (s,))[1])(seeds)[places]

    x, gradient = jnp.asarray(x), jax.jit(jax.grad(f))
    made = lambda data: sp.csr_array((np.asarray(data), structure.indices, structure.indptr), structure.shape)
    return {
        "JAX, colours by hand": lambda: made(values(x)),
        "JAX, gradient": lambda: gradient(x).block_until_ready(),
    }


def rows() -> list[Row]:
    """The Hessian as csr_array, its values alone, beside gradients."""
    f, jax = text(np), find_jax()
    x = np.random.default_rng(0).normal(size=N)
    sparse = wg.sparse.hessian(f)
    values, gradient, structure = wg.jit(sparse.values), wg.jit(wg.grad(f)), sparse(x)
    calls = {
        "wengert": lambda: sparse(x),
        "wengert, values": lambda: values(x),
        "wengert, gradient": lambda: gradient(x),
    }
    if jax:
        calls |= coloured(jax, x, structure)
        clock.agree({name: calls[f"{name}, gradient"]() for name in ("wengert", "JAX")})
        clock.agree({name: calls[name]().data for name in ("wengert", "JAX, colours by hand")})
    taken = clock.race(calls)
    taken["wengert, structure and colours"] = clock.once(lambda: wg.sparse.hessian(f).colouring(x))
    targets = [Target("time over that of a gradient", taken["wengert"] / taken["wengert, gradient"], "at most", 20)]
    if jax:
        ratio = taken["wengert"] / taken["JAX, colours by hand"]
        targets.append(Target("time over that of JAX with colours by hand", ratio, "at most", 1.0))
    note = (
        f"{sparse.colouring(x).products} HVPs; structure and colours are found once, and kept; by hand they are given"
    )
    return [Row(f"n = {N}", "s", taken, tuple(targets), note)]
