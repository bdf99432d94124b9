"""One interface to each library: how its users compile, differentiate, wait for a result, and ask for memory."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from benchmarks.program import Subject

Call = Callable[[], Any]


class Library:
    """A library in one of its modes. Calls return only when the result is there.

    name: in tables. family: which text of a program it runs. package: what must be installed. compiles: is the first
    call of a function the one that compiles it?
    """

    name = family = package = ""
    compiles = False

    def function(self, subject: Subject) -> Call:
        """A call of the function itself."""
        raise NotImplementedError

    def gradient(self, subject: Subject) -> Call:
        """A call of the gradient, or of the program's own derivative."""
        raise NotImplementedError

    def warm(self) -> None:
        """Compile something trivial, so that what a compiler does once in a process is not counted to a program."""

    def memory(self, subject: Subject) -> int | None:
        """Peak bytes of one call of the gradient, arguments and results included; None where the library cannot say."""
        return None

    def work(self, subject: Subject) -> dict[str, float] | None:
        """Operations of function and gradient, and the seconds that LLVM takes for it; None where nobody says."""
        return None

    def arrays(self, result: Any) -> list[np.ndarray]:
        """A result, flat, as NumPy arrays."""
        if isinstance(result, dict):
            return [a for key in sorted(result) for a in self.arrays(result[key])]
        if isinstance(result, tuple | list):
            return [a for part in result for a in self.arrays(part)]
        return [np.asarray(result)]


class Wengert(Library):
    """Compiled: `wg.jit`."""

    name, family, package, compiles = "wengert", "wengert", "wengert", True

    def __init__(self) -> None:
        import wengert

        self.wg = wengert
        if not hasattr(wengert, "jit"):
            raise RuntimeError("this version of wengert has no jit")
        if hasattr(wengert, "set_threads"):
            wengert.set_threads(1)

    def warm(self) -> None:
        self.wg.jit(lambda x: x + 1.0)(1.0)

    def _gradient(self, subject: Subject) -> Callable:
        return self.wg.jit(subject.derivative or self.wg.grad(subject.f, argnums=subject.argnums))

    def function(self, subject: Subject) -> Call:
        f, args = self.wg.jit(subject.f), subject.args
        return lambda: f(*args)

    def gradient(self, subject: Subject) -> Call:
        g, args = self._gradient(subject), subject.args
        return lambda: g(*args)

    def memory(self, subject: Subject) -> int:
        return self._gradient(subject).memory(*subject.args)

    def work(self, subject: Subject) -> dict[str, float]:
        os.environ["WENGERT_CACHE_DIR"] = ""  # or there would be nothing left to compile
        reports = {
            "function": self.wg.jit(subject.f).report(*subject.args),
            "gradient": self._gradient(subject).report(*subject.args),
        }
        found = {what: sum((p.times or 0) * p.cost.flops for p in r.parts) for what, r in reports.items()}
        seconds = reports["gradient"].seconds
        return {**found, "llvm": seconds["optimise"] + seconds["machine code"]}


class WengertEager(Wengert):
    """One operation at a time."""

    name, compiles = "wengert eager", False

    def __init__(self) -> None:
        import wengert

        self.wg = wengert

    def warm(self) -> None:
        pass

    def function(self, subject: Subject) -> Call:
        f, args = self._traced(subject), subject.args
        return lambda: f(*args)

    def gradient(self, subject: Subject) -> Call:
        f, args = self._traced(subject), subject.args
        g = subject.derivative or self.wg.grad(f, argnums=subject.argnums)
        return lambda: g(*args)

    def memory(self, subject: Subject) -> None:
        return None

    def work(self, subject: Subject) -> None:
        return None

    def _traced(self, subject: Subject) -> Callable:
        """f, in whose module `np` is the traced language: so that np.zeros and np.array take part, as under jit."""
        sys.modules[subject.f.__module__].np = self.wg.numpy
        return subject.f


class Jax(Library):
    """JAX compiled, in double precision."""

    name, family, package, compiles = "JAX", "jax", "jax", True

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax = jax

    def warm(self) -> None:
        self._mode(lambda x: x + 1.0)(1.0)

    def _mode(self, f: Callable) -> Callable:
        return self.jax.jit(f)

    def _gradient(self, subject: Subject) -> Callable:
        return self._mode(subject.derivative or self.jax.grad(subject.f, argnums=subject.argnums))

    def function(self, subject: Subject) -> Call:
        return self._blocking(self._mode(subject.f), subject.args)

    def gradient(self, subject: Subject) -> Call:
        return self._blocking(self._gradient(subject), subject.args)

    def _blocking(self, f: Callable, args: tuple) -> Call:
        block = self.jax.block_until_ready
        return lambda: block(f(*args))

    def memory(self, subject: Subject) -> int:
        stats = self._gradient(subject).lower(*subject.args).compile().memory_analysis()
        return stats.temp_size_in_bytes + stats.output_size_in_bytes + stats.argument_size_in_bytes


class JaxEager(Jax):
    """JAX one operation at a time."""

    name, compiles = "JAX eager", False

    def _mode(self, f: Callable) -> Callable:
        return f

    def memory(self, subject: Subject) -> None:
        return None


class Torch(Library):
    """PyTorch one operation at a time: leaves that require gradients, backward(), and the gradients in `.grad`."""

    name, family, package = "PyTorch", "torch", "torch"

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        self.torch = torch

    def _mode(self, f: Callable) -> Callable:
        return f

    def function(self, subject: Subject) -> Call:
        f, args, torch = self._mode(subject.f), subject.args, self.torch

        def call() -> Any:
            with torch.no_grad():
                return f(*args)

        return call

    def gradient(self, subject: Subject) -> Call:
        if subject.derivative:
            g, args = self._mode(subject.derivative), subject.args
            return lambda: g(*args)
        f, args = self._mode(subject.f), list(subject.args)
        leaves = [args[i].clone().requires_grad_() for i in subject.argnums]
        for i, leaf in zip(subject.argnums, leaves, strict=True):
            args[i] = leaf

        def call() -> Any:
            for leaf in leaves:
                leaf.grad = None
            f(*args).backward()
            return tuple(leaf.grad for leaf in leaves)

        return call

    def arrays(self, result: Any) -> list[np.ndarray]:
        return super().arrays(result.detach().numpy() if isinstance(result, self.torch.Tensor) else result)


class TorchCompiled(Torch):
    """PyTorch compiled."""

    name, compiles = "PyTorch compiled", True

    def warm(self) -> None:
        self._mode(lambda x: x + 1.0)(self.torch.ones(4))

    def _mode(self, f: Callable) -> Callable:
        return self.torch.compile(f)


class Autograd(Library):
    """HIPS autograd: its own `numpy`."""

    name, family, package = "autograd", "autograd", "autograd"

    def __init__(self) -> None:
        import autograd

        self.autograd = autograd

    def function(self, subject: Subject) -> Call:
        return lambda: subject.f(*subject.args)

    def gradient(self, subject: Subject) -> Call:
        g = subject.derivative or self.autograd.grad(subject.f, argnum=subject.argnums)
        return lambda: g(*subject.args)


class C(Library):
    """A C program, compiled by `cc -O3 -march=native`: values only."""

    name, family = "C", "c"

    def function(self, subject: Subject) -> Call:
        return lambda: subject.f(*subject.args)


LIBRARIES: dict[str, type[Library]] = {
    c.name: c for c in (Wengert, WengertEager, Jax, JaxEager, Torch, TorchCompiled, Autograd, C)
}


def installed(name: str) -> bool:
    """Is the library there? Nothing is imported."""
    package = LIBRARIES[name].package
    return not package or importlib.util.find_spec(package) is not None


def versions() -> dict[str, str]:
    """Version of each package that is there, NumPy's included."""
    packages = ["numpy", *dict.fromkeys(c.package for c in LIBRARIES.values() if c.package)]
    return {p: _version(p) for p in packages if importlib.util.find_spec(p) is not None}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "source tree"
