"""Sparse Jacobians: the Brusselator on a grid, and a difference stencil.

    u' = 1 + u^2 v - 4.4 u + a (u_xx + u_yy),  v' = 3.4 u - u^2 v + a (v_xx + v_yy),  periodic,

a = 10 over the square of the grid's spacing (Hairer and Wanner, Solving Ordinary Differential Equations II, 1996).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.rows import Row, Target

SIDE, POINTS = 32, 1000
ALPHA = 10.0 * (SIDE - 1) ** 2


def text(np: Any) -> Callable[[Any], Any]:
    """The right side, in one library's language: of a vector with u, then v."""

    def around(w):
        return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4.0 * w

    def brusselator(y):
        w = y.reshape(2, SIDE, SIDE)
        u, v = w[0], w[1]
        uuv = u * u * v
        du = 1.0 + uuv - 4.4 * u + ALPHA * around(u)
        dv = 3.4 * u - uuv + ALPHA * around(v)
        return np.stack([du, dv]).reshape(-1)

    return brusselator


def start() -> np.ndarray:
    """u = 22 y (1 - y)^(3/2), v = 27 x (1 - x)^(3/2)."""
    t = np.linspace(0.0, 1.0, SIDE)
    one = np.ones(SIDE)
    u, v = np.outer(one, 22.0 * t * (1.0 - t) ** 1.5), np.outer(27.0 * t * (1.0 - t) ** 1.5, one)
    return np.stack([u, v]).reshape(-1)


def stencil(u: Any) -> Any:
    """Differences of neighbours, squared."""
    return (u[1:] - u[:-1]) ** 2


def coloured(jax: Any, y: np.ndarray, structure: sp.csr_array) -> dict[str, clock.Call]:
    """What a user of JAX writes by hand: the columns of one colour in one JVP, then each entry from its product."""
    colour = greedy(structure)
    seeds = jax.numpy.asarray(np.eye(colour.max() + 1)[:, colour])
    rows, columns = structure.nonzero()
    places = jax.numpy.asarray(colour[columns]), jax.numpy.asarray(rows)
    f = text(jax.numpy)

    @jax.jit
    def values(y):
        products = jax.vmap(lambda s: jax.jvp(f, (y,), (s,))[1])(seeds)
        return products[places]

    dense, y = jax.jit(jax.jacfwd(f)), jax.numpy.asarray(y)
    made = lambda data: sp.csr_array((np.asarray(data), structure.indices, structure.indptr), structure.shape)
    return {
        "JAX, colours by hand": lambda: made(values(y)),
        "JAX, colours by hand, values": lambda: values(y).block_until_ready(),
        "JAX, dense": lambda: dense(y).block_until_ready(),
    }


def greedy(structure: sp.csr_array) -> np.ndarray:
    """Columns without a common row get one colour, column after column."""
    meet = (structure.T @ structure).tocsr()
    colour = np.full(structure.shape[1], -1)
    for j in range(len(colour)):
        taken = set(colour[meet.indices[meet.indptr[j] : meet.indptr[j + 1]]])
        colour[j] = next(c for c in range(len(colour)) if c not in taken)
    return colour


def rows() -> list[Row]:
    """The Brusselator's, and the products that a stencil takes."""
    colouring = wg.sparse.jacobian(stencil).colouring(np.zeros(POINTS))
    count = Target("JVPs", colouring.products, "equal to", 2)
    return [brusselator(), Row(f"stencil of {POINTS} points", "JVPs", {"wengert": colouring.products}, (count,))]


def brusselator() -> Row:
    """The Jacobian as scipy.sparse.csr_array, its values alone, and dense."""
    f, y, jax = text(np), start(), find_jax()
    sparse, dense = wg.sparse.jacobian(f), wg.jit(wg.jacobian(f))
    values, structure = wg.jit(sparse.values), sparse(y)
    structure.data[:] = 1.0
    matrices = {"wengert": lambda: sparse(y), "wengert, dense": lambda: dense(y)}
    arrays = {"wengert, values": lambda: values(y)}
    if jax:
        by_hand = coloured(jax, y, structure)
        arrays["JAX, colours by hand, values"] = by_hand.pop("JAX, colours by hand, values")
        matrices |= by_hand
    for calls in (matrices, arrays):
        clock.agree({name: call() for name, call in calls.items()})
    taken = clock.race(matrices | arrays)
    taken["wengert, structure and colours"] = clock.once(lambda: wg.sparse.jacobian(f).colouring(y))
    targets = [
        Target("time over that of the dense Jacobian", taken["wengert"] / taken["wengert, dense"], "at most", 1 / 50)
    ]
    for ours, of_jax in (("wengert", "JAX, colours by hand"), ("wengert, values", "JAX, colours by hand, values")):
        if jax:
            targets.append(Target(f"time of {ours} over that of {of_jax}", taken[ours] / taken[of_jax], "at most", 1.0))
    note = (
        f"{sparse.colouring(y).products} JVPs; structure and colours are found once, and kept; by hand they are given"
    )
    return Row(f"Brusselator, {SIDE} x {SIDE} x 2", "s", taken, tuple(targets), note)
