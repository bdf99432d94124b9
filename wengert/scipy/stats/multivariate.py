"""Distributions of vectors: the multivariate normal, and the Dirichlet distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.stats
from scipy import special as sp

from ...core.types import shape_of
from ...errors import UnsupportedFunctionError
from ...numpy.dispatch import any_traced

__all__ = ["dirichlet", "multivariate_normal"]


class Multivariate:
    """A distribution of scipy.stats with logpdf and pdf; its other methods are SciPy's and refuse tracers."""

    def __init__(self, name: str) -> None:
        self.name, self.scipy = name, getattr(scipy.stats, name)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.scipy, name)

        def plain(*args: Any, **kwargs: Any) -> Any:
            if any_traced(args) or any_traced(kwargs.values()):
                raise UnsupportedFunctionError(
                    f"scipy.stats.{self.name}.{name} is not differentiated",
                    why="only densities and their logarithms are, here",
                    write="logpdf or pdf; or wg.stop_gradient(x) where the derivative is not wanted",
                )
            return method(*args, **kwargs)

        return plain

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density."""
        if any_traced((x, *args)) or any_traced(kwargs.values()):
            return self.log_density(x, *args, **kwargs)
        return self.scipy.logpdf(x, *args, **kwargs)

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density."""
        if any_traced((x, *args)) or any_traced(kwargs.values()):
            return np.exp(self.log_density(x, *args, **kwargs))
        return self.scipy.pdf(x, *args, **kwargs)

    def log_density(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density, of traced arguments."""
        raise NotImplementedError


class MultivariateNormal(Multivariate):
    """exp(-(x - mean)^T cov^-1 (x - mean) / 2) / sqrt(det(2 pi cov)); shapes (..., d), (d,), (d, d) -> (...)."""

    def log_density(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """By the Cholesky factor L of cov: -|L^-1 (x - mean)|^2/2 - log det L - d/2 log(2 pi)."""
        cov_shape, mean_shape = shape_of(cov), () if mean is None else shape_of(mean)
        d = cov_shape[-1] if len(cov_shape) == 2 else mean_shape[-1] if mean_shape else 1
        if len(cov_shape) < 2:
            cov = cov * np.eye(d)
        r = np.reshape(x, (*shape_of(x), 1)) if d == 1 and (not shape_of(x) or shape_of(x)[-1] != 1) else x
        r = r if mean is None else r - mean
        L = np.linalg.cholesky(cov)
        y = np.linalg.solve(L, np.reshape(r, (-1, d)).T)
        log_det = np.sum(np.log(np.diagonal(L)))
        out = -0.5 * np.sum(y * y, axis=0) - log_det - 0.5 * d * math.log(2 * math.pi)
        return np.reshape(out, shape_of(r)[:-1])


class Dirichlet(Multivariate):
    """prod_i x_i^(alpha_i - 1) / B(alpha); shapes (d,) or (d, n), (d,) -> () or (n,)."""

    def log_density(self, x: Any, alpha: Any) -> Any:
        """sum_i (alpha_i - 1) log x_i + log Gamma(sum alpha) - sum log Gamma(alpha_i)."""
        if shape_of(x)[0] + 1 == shape_of(alpha)[0]:
            x = np.concatenate([x, np.expand_dims(1 - np.sum(x, axis=0), 0)], axis=0)
        columns = np.reshape(alpha, (-1, *(1,) * (len(shape_of(x)) - 1)))
        log_beta = np.sum(sp.gammaln(alpha)) - sp.gammaln(np.sum(alpha))
        return np.sum(sp.xlogy(columns - 1, x), axis=0) - log_beta


multivariate_normal = MultivariateNormal("multivariate_normal")
dirichlet = Dirichlet("dirichlet")
