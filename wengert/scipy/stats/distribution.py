"""What all distributions of one variable share: the arguments, loc and scale, the support, and how methods follow.

A distribution is declared by functions of the standardised z = (x - loc) / scale and its shapes: `logpdf` (or `logpmf`)
and those of cdf, sf, logcdf, logsf, ppf, isf that have a formula; the others follow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats

from ...errors import UnsupportedFunctionError
from ...numpy.dispatch import any_traced

Formula = Callable[..., Any]


class Distribution:
    """A distribution of scipy.stats.

    shapes: names of the shape parameters. support: the interval of z, or a function of the shapes that gives it.
    inner: a point inside the support, where formulas are evaluated for points outside.
    """

    discrete = False

    def __init__(
        self,
        name: str,
        shapes: str = "",
        *,
        support: Any = (-np.inf, np.inf),
        inner: Any = 0.5,
        **formulas: Formula,
    ) -> None:
        self.scipy = getattr(scipy.stats, name)
        self.name, self.shapes, self.support, self.inner, self.formulas = name, shapes.split(), support, inner, formulas

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with these parameters."""
        return Frozen(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.scipy, name)

        def plain(*args: Any, **kwargs: Any) -> Any:
            if any_traced(args) or any_traced(kwargs.values()):
                raise self.unsupported(name)
            return method(*args, **kwargs)

        return plain if callable(method) else method

    def unsupported(self, method: str) -> UnsupportedFunctionError:
        """The error for a method without a derivative."""
        return UnsupportedFunctionError(
            f"scipy.stats.{self.name}.{method} is not differentiated",
            why="it has no derivative rule here",
            write="write it with logpdf, cdf or ppf of the distribution, or with wg.custom_jvp",
        )

    def parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any, Any]:
        """Shapes, loc and scale from positional and keyword arguments."""
        names = [*self.shapes, "loc", "scale"]
        values = {"loc": 0.0, "scale": 1.0} | dict(zip(names, args, strict=False)) | kwargs
        return [values[name] for name in self.shapes], values["loc"], values["scale"]

    def evaluate(self, method: str, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One of the methods, of traced arguments."""
        shapes, loc, scale = self.parameters(args, kwargs)
        with np.errstate(all="ignore"):  # SciPy's are silent too
            return self.standardised(method, x, shapes, loc, scale)

    def standardised(self, method: str, x: Any, shapes: list[Any], loc: Any, scale: Any) -> Any:
        """By the formulas in z = (x - loc) / scale, and the values outside the support."""
        if method in ("ppf", "isf"):
            return self.formula(method)(x, *shapes) * scale + loc
        z = (x - loc) / scale
        low, high = self.support(*shapes) if callable(self.support) else self.support
        below, above = z < low, z > high
        outside = below | above
        y = self.formula(method)(np.where(outside, self.inner, z), *shapes)
        if method in ("logpdf", "logpmf", "pdf", "pmf"):
            log = method.startswith("log")
            if not self.discrete:
                y = y - np.log(scale) if log else y / scale
            return np.where(outside | self.between(z), -np.inf if log else 0.0, y)
        first, last = (0.0, 1.0) if method in ("cdf", "logsf") else (1.0, 0.0)
        if method.startswith("log"):
            first, last = (0.0, -np.inf) if method == "logsf" else (-np.inf, 0.0)
        return np.where(below, first, np.where(above, last, y))

    def between(self, z: Any) -> Any:
        """Where a discrete distribution has no mass."""
        return False

    def formula(self, method: str) -> Formula:
        """The formula of a method, or one that follows from the others."""
        f = self.formulas
        if method in f:
            return f[method]
        follows = {
            "pdf": ("logpdf", np.exp),
            "pmf": ("logpmf", np.exp),
            "logcdf": ("cdf", np.log),
            "logsf": ("sf", np.log),
            "sf": ("logsf", np.exp) if "logsf" in f else ("cdf", lambda y: 1 - y),
            "cdf": ("logsf", lambda y: -np.expm1(y)) if "logsf" in f else ("logcdf", np.exp),
        }
        if method in follows:
            other, g = follows[method]
            if other in f or (other in ("cdf", "sf") and {"cdf", "sf", "logsf", "logcdf"} & set(f)):
                inner = self.formula(other)
                return lambda *args: g(inner(*args))
        mirror = {"isf": "ppf", "ppf": "isf"}.get(method)
        if mirror in f:
            return lambda q, *shapes: f[mirror](1 - q, *shapes)
        raise self.unsupported(method)


class Discrete(Distribution):
    """A distribution of whole numbers."""

    discrete = True

    def between(self, z: Any) -> Any:
        """Where a discrete distribution has no mass."""
        return z != np.floor(z)


class Frozen:
    """A distribution with its parameters."""

    def __init__(self, distribution: Distribution, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.distribution, self.args, self.kwargs = distribution, args, kwargs

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.distribution, name)
        return lambda *args: method(*args, *self.args, **self.kwargs)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Distribution, x: Any, *args: Any, **kwargs: Any) -> Any:
        if any_traced((x, *args)) or any_traced(kwargs.values()):
            return self.evaluate(name, x, args, kwargs)
        return getattr(self.scipy, name)(x, *args, **kwargs)

    method.__name__ = name
    return method


for _name in ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"):
    setattr(Distribution, _name, _method(_name))
for _name in ("pmf", "logpmf"):
    setattr(Discrete, _name, _method(_name))
