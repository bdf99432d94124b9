"""Small programs for the eager engine: what an operation costs when each is called by itself.

Their text is the same in every library, but for the name of its NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from benchmarks.program import Data, Program, Subject

Build = Callable[[Any, Callable], tuple[Callable, tuple]]  # (the library's NumPy, its arrays) -> (f, arguments)


def _families(build: Build) -> dict[str, Callable[[Data], Subject]]:
    """The program in each library; the gradient is by all arguments."""

    def subject(np: Any, array: Callable) -> Subject:
        f, args = build(np, array)
        return Subject(f, args, tuple(range(len(args))))

    def jax(_: Data) -> Subject:
        import jax.numpy

        return subject(jax.numpy, jax.numpy.asarray)

    def torch(_: Data) -> Subject:
        import torch

        return subject(torch, lambda value: torch.from_numpy(numpy.array(value)))  # keeps the precision

    def autograd(_: Data) -> Subject:
        import autograd.numpy

        return subject(autograd.numpy, lambda value: value)

    return {"wengert": lambda _: subject(numpy, lambda value: value), "jax": jax, "torch": torch, "autograd": autograd}


def _program(name: str, title: str, build: Build, **options: Any) -> Program:
    return Program(f"eager_{name}", title, "eager", dict, _families(build), **options)


def _exp_tanh(size: int) -> Build:
    def build(np: Any, array: Callable) -> tuple[Callable, tuple]:
        x = numpy.random.default_rng(0).uniform(-1.0, 1.0, size)
        return (lambda x: np.sum(np.exp(x) * np.tanh(x))), (array(x),)

    return build


def _perceptron(dtype: str, width: int = 256, batch: int = 64) -> Build:
    def build(np: Any, array: Callable) -> tuple[Callable, tuple]:
        rng = numpy.random.default_rng(0)

        def normal(*shape: int) -> Any:
            return array((rng.standard_normal(shape) / numpy.sqrt(shape[0])).astype(dtype))

        inputs, wanted = normal(batch, width), normal(batch, width)

        def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
            error = np.tanh(inputs @ w1 + b1) @ w2 + b2 - wanted
            return np.mean(error * error)

        return loss, (normal(width, width), normal(width), normal(width, width), normal(width))

    return build


def _chain(body: Callable, size: int = 100_000) -> Build:
    def build(np: Any, array: Callable) -> tuple[Callable, tuple]:
        x = array(numpy.random.default_rng(0).uniform(-0.5, 0.5, size))
        return (lambda x: body(np, x)), (x,)

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


def _python_loop(np: Any, array: Callable) -> tuple[Callable, tuple]:
    start = array(0.0)

    def loop(a: Any, b: Any) -> Any:
        z = start
        for i in range(1000):
            z = a * np.cos(z + i) + z * np.sin(b - i)
        return z

    return loop, (array(0.3), array(0.2))


PROGRAMS = {
    p.name: p
    for p in (
        _program("scalar", "sum(exp(x) tanh(x)), 1 element", _exp_tanh(1)),
        _program("small", "sum(exp(x) tanh(x)), 1000 elements", _exp_tanh(1_000)),
        _program("large", "sum(exp(x) tanh(x)), 100000 elements", _exp_tanh(100_000)),
        _program("perceptron", "perceptron 256-256-256, batch 64, float64", _perceptron("float64")),
        _program("perceptron32", "perceptron 256-256-256, batch 64, float32", _perceptron("float32"), rtol=1e-3),
        _program("transcendental", "50 transcendental functions", _chain(_transcendental)),
        _program("multiply_add", "25 multiplications and 25 additions", _chain(_multiply_add)),
        _program("mixed", "50 mixed: means, slices, arithmetic", _chain(_mixed)),
        _program(
            "loop",
            "Python loop of 1000 scalar steps",
            _python_loop,
            left_out={"JAX": "unrolls a Python loop: iteration.py has it rewritten"},
            rtol=1e-7,
        ),
    )
}
