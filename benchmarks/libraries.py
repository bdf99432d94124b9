"""One interface to each library: arrays, a function's value, its gradient, written as its users write."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy


class Wengert:
    """Plain NumPy arrays and functions."""

    package, shown = "wengert", "wengert"

    def __init__(self) -> None:
        import wengert

        self.np, self._grad = numpy, wengert.grad

    def array(self, value: Any) -> Any:
        return value

    def primal(self, f: Callable, *args: Any) -> Callable[[], Any]:
        return lambda: f(*args)

    def gradient(self, f: Callable, *args: Any) -> Callable[[], Any]:
        grad = self._grad(f, argnums=tuple(range(len(args))))
        return lambda: grad(*args)

    def numpy(self, result: Any) -> list[numpy.ndarray]:
        return [numpy.asarray(r) for r in result]


class Autograd(Wengert):
    """HIPS autograd: its own `numpy`, else the same."""

    package, shown = "autograd", "autograd"

    def __init__(self) -> None:
        import autograd
        import autograd.numpy

        self.np = autograd.numpy
        self._grad = lambda f, argnums: autograd.grad(f, argnum=argnums)


class Torch:
    """PyTorch: leaves that require gradients, backward(), and the gradients in `.grad`."""

    package, shown = "torch", "PyTorch"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.np = self._torch = torch

    def array(self, value: Any) -> Any:
        return self._torch.from_numpy(numpy.array(value))  # keeps double precision

    def primal(self, f: Callable, *args: Any) -> Callable[[], Any]:
        def call() -> Any:
            with self._torch.no_grad():
                return f(*args)

        return call

    def gradient(self, f: Callable, *args: Any) -> Callable[[], Any]:
        leaves = [a.clone().requires_grad_() for a in args]

        def call() -> Any:
            for leaf in leaves:
                leaf.grad = None
            f(*leaves).backward()
            return [leaf.grad for leaf in leaves]

        return call

    def numpy(self, result: Any) -> list[numpy.ndarray]:
        return [r.detach().numpy() for r in result]


class Jax:
    """JAX one operation at a time, in double precision where asked for."""

    package, shown = "jax", "JAX"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.np, self._jax = jax.numpy, jax

    def _prepared(self, f: Callable) -> Callable:
        return f

    def array(self, value: Any) -> Any:
        return self.np.asarray(value)

    def primal(self, f: Callable, *args: Any) -> Callable[[], Any]:
        prepared = self._prepared(f)
        return lambda: prepared(*args).block_until_ready()

    def gradient(self, f: Callable, *args: Any) -> Callable[[], Any]:
        prepared = self._prepared(self._jax.grad(f, argnums=tuple(range(len(args)))))
        return lambda: self._jax.block_until_ready(prepared(*args))

    def numpy(self, result: Any) -> list[numpy.ndarray]:
        return [numpy.asarray(r) for r in result]


class JaxJit(Jax):
    """JAX compiled; the time of compiling is not counted."""

    package, shown = "jax", "JAX jit"

    def _prepared(self, f: Callable) -> Callable:
        return self._jax.jit(f)


LIBRARIES: dict[str, type] = {c.shown: c for c in (Wengert, Autograd, Torch, Jax, JaxJit)}


def installed(shown: str) -> bool:
    """Is the library there? Nothing is imported."""
    return importlib.util.find_spec(LIBRARIES[shown].package) is not None


def versions() -> dict[str, str]:
    """Version of each library that is there, NumPy's included."""
    packages = ["numpy", *dict.fromkeys(c.package for c in LIBRARIES.values())]
    return {p: _version(p) for p in packages if importlib.util.find_spec(p) is not None}


def _version(package: str) -> str:
    try:
        return version(package)
    except importlib.metadata.PackageNotFoundError:
        return "source tree"
