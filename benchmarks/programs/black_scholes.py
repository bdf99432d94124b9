"""Prices of 10^6 European call options by Black and Scholes, and their first-order Greeks.

    price = S Phi(d1) - K exp(-r T) Phi(d2),   d1 = (log(S / K) + (r + sigma^2 / 2) T) / (sigma sqrt(T)),
    d2 = d1 - sigma sqrt(T)

Each option depends on its own numbers alone, so that the gradient of the sum of all prices by (S, r, sigma, T) is
delta, rho, vega and minus theta of every option. Source: F. Black and M. Scholes, The pricing of options and corporate
liabilities, 1973.
"""

import numpy as np
from scipy.special import erf

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

N = 1_000_000


def data() -> Data:
    rng = np.random.default_rng(0)
    return {
        "spot": rng.uniform(50.0, 150.0, N),
        "strike": rng.uniform(50.0, 150.0, N),
        "rate": rng.uniform(0.0, 0.05, N),
        "volatility": rng.uniform(0.1, 0.5, N),
        "expiry": rng.uniform(0.1, 2.0, N),
    }


# NumPy -----------------------------------------------------------------------------------------------------------
def normal_cdf(x):
    return 0.5 * (1.0 + erf(x / np.sqrt(2.0)))


def total(spot, strike, rate, volatility, expiry):
    spread = volatility * np.sqrt(expiry)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * expiry) / spread
    d2 = d1 - spread
    return np.sum(spot * normal_cdf(d1) - strike * np.exp(-rate * expiry) * normal_cdf(d2))


def wengert(data: Data) -> Subject:
    return Subject(total, tuple(data.values()), (0, 2, 3, 4))


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax.numpy as jnp
    from jax.scipy.special import erf

    def normal_cdf(x):
        return 0.5 * (1.0 + erf(x / jnp.sqrt(2.0)))

    def total(spot, strike, rate, volatility, expiry):
        spread = volatility * jnp.sqrt(expiry)
        d1 = (jnp.log(spot / strike) + (rate + 0.5 * volatility**2) * expiry) / spread
        d2 = d1 - spread
        return jnp.sum(spot * normal_cdf(d1) - strike * jnp.exp(-rate * expiry) * normal_cdf(d2))

    return Subject(total, tuple(jnp.asarray(a) for a in data.values()), (0, 2, 3, 4))


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def normal_cdf(x):
        return 0.5 * (1.0 + torch.erf(x / np.sqrt(2.0)))

    def total(spot, strike, rate, volatility, expiry):
        spread = volatility * torch.sqrt(expiry)
        d1 = (torch.log(spot / strike) + (rate + 0.5 * volatility**2) * expiry) / spread
        d2 = d1 - spread
        return torch.sum(spot * normal_cdf(d1) - strike * torch.exp(-rate * expiry) * normal_cdf(d2))

    return Subject(total, tuple(torch.from_numpy(a) for a in data.values()), (0, 2, 3, 4))


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp
    from autograd.scipy.special import erf

    def normal_cdf(x):
        return 0.5 * (1.0 + erf(x / np.sqrt(2.0)))

    def total(spot, strike, rate, volatility, expiry):
        spread = volatility * anp.sqrt(expiry)
        d1 = (anp.log(spot / strike) + (rate + 0.5 * volatility**2) * expiry) / spread
        d2 = d1 - spread
        return anp.sum(spot * normal_cdf(d1) - strike * anp.exp(-rate * expiry) * normal_cdf(d2))

    return Subject(total, tuple(data.values()), (0, 2, 3, 4))


PROGRAM = Program(
    name="black_scholes",
    title=f"Black-Scholes Greeks of {N} options",
    kind="array",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
