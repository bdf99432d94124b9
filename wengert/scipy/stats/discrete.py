"""Discrete distributions: k is a whole number, the parameters are differentiated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sp

from .distribution import Discrete

__all__ = ["bernoulli", "binom", "geom", "nbinom", "poisson"]

COUNTS = (0, math.inf)


def _log_choose(n: Any, k: Any) -> Any:
    return sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1)


poisson = Discrete(
    "poisson",
    "mu",
    support=COUNTS,
    inner=0.0,
    logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1) - mu,
    cdf=lambda k, mu: sp.pdtr(np.floor(k), mu),
    sf=lambda k, mu: sp.pdtrc(np.floor(k), mu),
)
bernoulli = Discrete(
    "bernoulli",
    "p",
    support=(0, 1),
    inner=0.0,
    logpmf=lambda k, p: sp.xlogy(k, p) + sp.xlog1py(1 - k, -p),
    cdf=lambda k, p: np.where(k < 1, 1 - p, 1.0),
    sf=lambda k, p: np.where(k < 1, p, 0.0),
)
binom = Discrete(
    "binom",
    "n p",
    support=lambda n, p: (0, n),
    inner=0.0,
    logpmf=lambda k, n, p: _log_choose(n, k) + sp.xlogy(k, p) + sp.xlog1py(n - k, -p),
    cdf=lambda k, n, p: sp.bdtr(np.floor(k), n, p),
    sf=lambda k, n, p: sp.bdtrc(np.floor(k), n, p),
)
nbinom = Discrete(
    "nbinom",
    "n p",
    support=COUNTS,
    inner=0.0,
    logpmf=lambda k, n, p: sp.gammaln(k + n) - sp.gammaln(k + 1) - sp.gammaln(n) + n * np.log(p) + sp.xlog1py(k, -p),
    cdf=lambda k, n, p: sp.betainc(n, np.floor(k) + 1, p),
    sf=lambda k, n, p: sp.betaincc(n, np.floor(k) + 1, p),
)
geom = Discrete(
    "geom",
    "p",
    support=(1, math.inf),
    inner=1.0,
    logpmf=lambda k, p: sp.xlog1py(k - 1, -p) + np.log(p),
    logsf=lambda k, p: np.floor(k) * np.log1p(-p),
)
