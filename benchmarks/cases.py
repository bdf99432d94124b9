"""The functions whose gradients are timed. Each case: library -> (function, arguments)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

ALL = ("wengert", "autograd", "PyTorch", "JAX", "JAX jit")
EAGER = ("wengert", "autograd", "PyTorch")


@dataclass(frozen=True)
class Case:
    """One row of the tables.

    build:     library -> (f, arguments): a scalar function, in that library's own NumPy
    ratio:     is the time of the gradient also to be divided by the time of f?
    rtol:      how well the gradients of all libraries must agree before anything is timed
    """

    name: str
    group: str
    build: Callable[[Any], tuple[Callable, tuple]]
    libraries: tuple[str, ...] = ALL
    ratio: bool = False
    rtol: float = 1e-9


def _exp_tanh(size: int) -> Callable:
    def build(lib: Any) -> tuple[Callable, tuple]:
        np = lib.np
        x = numpy.random.default_rng(0).uniform(-1.0, 1.0, size)
        return (lambda x: np.sum(np.exp(x) * np.tanh(x))), (lib.array(x),)

    return build


def _perceptron(dtype: str, width: int = 256, batch: int = 64) -> Callable:
    def build(lib: Any) -> tuple[Callable, tuple]:
        np, rng = lib.np, numpy.random.default_rng(0)

        def normal(*shape: int) -> Any:
            return lib.array((rng.standard_normal(shape) / numpy.sqrt(shape[0])).astype(dtype))

        inputs, wanted = normal(batch, width), normal(batch, width)

        def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
            error = np.tanh(inputs @ w1 + b1) @ w2 + b2 - wanted
            return np.mean(error * error)

        return loss, (normal(width, width), normal(width), normal(width, width), normal(width))

    return build


def _chain(body: Callable, size: int = 100_000) -> Callable:
    def build(lib: Any) -> tuple[Callable, tuple]:
        x = lib.array(numpy.random.default_rng(0).uniform(-0.5, 0.5, size))
        return (lambda x: body(lib.np, x)), (x,)

    return build


def _transcendental(np: Any, x: Any) -> Any:
    for _ in range(10):
        x = np.log(np.cos(np.tanh(np.exp(np.sin(x)))))
    return np.sum(x)


def _multiply_add(np: Any, x: Any) -> Any:
    z = x
    for _ in range(25):
        z = z * x + 0.5
    return np.sum(z)


def _mixed(np: Any, x: Any) -> Any:
    z = x
    for _ in range(8):  # mean, subtract, two slices, multiply, subtract
        z = z - np.mean(z)
        z = z[1:] - 0.5 * z[:-1]
    return np.sum(z * np.tanh(z))


def _python_loop(lib: Any) -> tuple[Callable, tuple]:
    np, start = lib.np, lib.array(0.0)

    def loop(a: Any, b: Any) -> Any:
        z = start
        for i in range(1000):
            z = a * np.cos(z + i) + z * np.sin(b - i)
        return z

    return (_rewritten_loop(lib) if lib.shown == "JAX jit" else loop), (lib.array(0.3), lib.array(0.2))


def _rewritten_loop(lib: Any) -> Callable:
    """The same loop for JAX's compiler, which would unroll a Python loop: rewritten with fori_loop."""
    import jax

    np = lib.np

    def loop(a: Any, b: Any) -> Any:
        step = lambda i, z: a * np.cos(z + i) + z * np.sin(b - i)
        return jax.lax.fori_loop(0, 1000, step, np.zeros(()))

    return loop


CASES = [
    *(
        Case(f"sum(exp(x) tanh(x)), {size:,} element{'s' * (size > 1)}", "eager", _exp_tanh(size))
        for size in (1, 1_000, 100_000)
    ),
    Case("perceptron 256-256-256, batch 64, float64", "perceptron", _perceptron("float64")),
    Case("perceptron 256-256-256, batch 64, float32", "perceptron", _perceptron("float32"), rtol=1e-3),
    Case("50 transcendental functions", "chains", _chain(_transcendental), EAGER, ratio=True),
    Case("25 multiplications and 25 additions", "chains", _chain(_multiply_add), EAGER, ratio=True),
    Case("50 mixed: means, slices, arithmetic", "chains", _chain(_mixed), EAGER, ratio=True),
    Case("Python loop of 1,000 scalar steps", "loop", _python_loop, rtol=1e-7),
]
