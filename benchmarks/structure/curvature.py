"""Curvature without the Hessian: products, diagonals, Laplacians."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure import clock
from benchmarks.structure.others import jax as find_jax
from benchmarks.structure.others import torch as find_torch
from benchmarks.structure.rows import Row, Target

IMAGES, SIZES, N = 256, (64, 64, 10), 200


def network(np: Any) -> Callable[[Any, Any], Any]:
    """tanh(x A) B of rows x, in one library's language."""
    return lambda weights, x: np.tanh(x @ weights[0]) @ weights[1]


def entropy(np: Any) -> Callable[[Any], Any]:
    """The sum of logarithms of sums of exponentials of rows: convex."""
    return lambda z: np.sum(np.log(np.sum(np.exp(z), 1)))


def well(np: Any, A: Any) -> Callable[[Any], Any]:
    """A function of N variables whose Hessian is dense."""
    return lambda x: np.log(np.sum(np.exp(A @ x))) + np.sum(x**4) / 12.0


def data() -> dict[str, Any]:
    """Weights, a direction, images; a matrix and a point."""
    rng = np.random.default_rng(0)
    weights, direction = ([rng.normal(size=s) / 8 for s in pairwise(SIZES)] for _ in range(2))
    return {
        "weights": weights,
        "direction": direction,
        "x": rng.normal(size=(IMAGES, SIZES[0])),
        "A": rng.normal(size=(N, N)) / 15,
        "point": np.linspace(-1.0, 1.0, N),
    }


def products_of_ours(d: dict[str, Any]) -> dict[str, clock.Call]:
    """H v and G v by this library."""
    f = lambda w: entropy(np)(network(np)(w, d["x"]))
    hessian = wg.jit(lambda w, v: wg.hvp(f, (w,), (v,)))
    gauss_newton = wg.jit(lambda w, v: wg.curvature.gauss_newton(lambda w: network(np)(w, d["x"]), w, entropy(np))(v))
    gradient = wg.jit(wg.grad(f))
    w, v = d["weights"], d["direction"]
    return {"H v": lambda: hessian(w, v), "G v": lambda: gauss_newton(w, v), "gradient": lambda: gradient(w)}


def products_of_jax(jax: Any, d: dict[str, Any]) -> dict[str, clock.Call]:
    """By hand: a JVP of the gradient; a JVP, one of the loss' gradient, a VJP."""
    jnp = jax.numpy
    w, v, x = (jax.tree.map(jnp.asarray, d[key]) for key in ("weights", "direction", "x"))
    model, loss = lambda w: network(jnp)(w, x), entropy(jnp)
    f = lambda w: loss(model(w))

    def gauss_newton(w, v):
        z, z_dot = jax.jvp(model, (w,), (v,))
        return jax.vjp(model, w)[1](jax.jvp(jax.grad(loss), (z,), (z_dot,))[1])[0]

    hessian, gauss_newton = jax.jit(lambda w, v: jax.jvp(jax.grad(f), (w,), (v,))[1]), jax.jit(gauss_newton)
    gradient = jax.jit(jax.grad(f))
    calls = {"H v": lambda: hessian(w, v), "G v": lambda: gauss_newton(w, v), "gradient": lambda: gradient(w)}
    return {name: lambda call=call: jax.block_until_ready(call()) for name, call in calls.items()}


def products_of_torch(torch: Any, d: dict[str, Any]) -> dict[str, clock.Call]:
    """By hand, with torch.func."""
    w, v = ([torch.from_numpy(a) for a in d[key]] for key in ("weights", "direction"))
    x = torch.from_numpy(d["x"])
    model, loss = lambda w: network(torch)(w, x), entropy(torch)
    f = lambda w: loss(model(w))
    grad, jvp, vjp = torch.func.grad, torch.func.jvp, torch.func.vjp

    def gauss_newton():
        z, z_dot = jvp(model, (w,), (v,))
        return vjp(model, w)[1](jvp(grad(loss), (z,), (z_dot,))[1])[0]

    return {"H v": lambda: jvp(grad(f), (w,), (v,))[1], "G v": gauss_newton, "gradient": lambda: grad(f)(w)}


def diagonals_of_ours(d: dict[str, Any]) -> dict[str, clock.Call]:
    """The diagonal of the Hessian and its sum, by this library."""
    f, x = well(np, d["A"]), d["point"]
    diagonal = wg.jit(lambda x: wg.curvature.hessian_diagonal(f, x))
    laplacian = wg.jit(lambda x: wg.curvature.laplacian(f, x))
    return {"diagonal": lambda: diagonal(x), "Laplacian": lambda: laplacian(x)}


def diagonals_of_jax(jax: Any, d: dict[str, Any]) -> dict[str, clock.Call]:
    """By hand: a JVP of a JVP along each axis, all axes at once."""
    jnp = jax.numpy
    f, x = well(jnp, jnp.asarray(d["A"])), jnp.asarray(d["point"])

    def second(x, e):
        return jax.jvp(lambda x: jax.jvp(f, (x,), (e,))[1], (x,), (e,))[1]

    diagonal = jax.jit(lambda x: jax.vmap(lambda e: second(x, e))(jnp.eye(N)))
    laplacian = jax.jit(lambda x: jnp.sum(jax.vmap(lambda e: second(x, e))(jnp.eye(N))))
    calls = {"diagonal": lambda: diagonal(x), "Laplacian": lambda: laplacian(x)}
    return {name: lambda call=call: call().block_until_ready() for name, call in calls.items()}


TITLES = {
    "gradient": f"gradient of a network {'-'.join(map(str, SIZES))}, batch {IMAGES}",
    "H v": "its product with the Hessian",
    "G v": "its product with the Gauss-Newton matrix",
    "diagonal": f"diagonal of a dense Hessian, n = {N}",
    "Laplacian": f"Laplacian, n = {N}",
}


def rows() -> list[Row]:
    """Each quantity in each library."""
    d, jax, torch = data(), find_jax(), find_torch()
    products, diagonals = {"wengert": products_of_ours(d)}, {"wengert": diagonals_of_ours(d)}
    if jax:
        products["JAX"], diagonals["JAX"] = products_of_jax(jax, d), diagonals_of_jax(jax, d)
    if torch:
        products["PyTorch"] = products_of_torch(torch, d)
    return [row(what, group) for group in (products, diagonals) for what in TITLES if what in group["wengert"]]


def row(what: str, group: dict[str, dict[str, clock.Call]]) -> Row:
    """One quantity."""
    calls = {name: calls[what] for name, calls in group.items()}
    clock.agree({name: call() for name, call in calls.items()})
    taken = clock.race(calls)
    targets = (
        [Target("time over that of JAX", taken["wengert"] / taken["JAX"], "at most", 1.0)] if "JAX" in taken else []
    )
    return Row(TITLES[what], "s", taken, tuple(targets))
