"""Log likelihood of 10^3 observations by the Kalman filter, and its gradient by all matrices of the model.

    x_t = F x_{t-1} + N(0, Q),   y_t = H x_t + N(0, R);   4 states (place and speed in the plane), 2 observed

Source: R. E. Kalman, A new approach to linear filtering and prediction problems, 1960; likelihood by the innovations.
"""

import numpy as np

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

STEPS = 1000
MODEL = (0, 1, 2, 3)


def data() -> Data:
    rng = np.random.default_rng(0)
    F, H = np.eye(4) + np.diag([0.1, 0.1], 2), np.eye(2, 4)
    F[2:, 2:] *= 0.99
    Q, R = 0.01 * np.eye(4) + 0.002, 0.1 * np.eye(2) + 0.02
    state, ys = np.zeros(4), np.empty((STEPS, 2))
    for t in range(STEPS):
        state = F @ state + rng.multivariate_normal(np.zeros(4), Q)
        ys[t] = H @ state + rng.multivariate_normal(np.zeros(2), R)
    return {"F": F, "H": H, "Q": Q, "R": R, "ys": ys}


# NumPy -----------------------------------------------------------------------------------------------------------
def log_likelihood(F, H, Q, R, ys):
    mean, covariance = np.zeros(len(F)), np.eye(len(F))
    total = -0.5 * ys.size * np.log(2.0 * np.pi)
    for y in ys:
        mean = F @ mean
        covariance = F @ covariance @ F.T + Q
        innovation = y - H @ mean
        S = H @ covariance @ H.T + R
        gain = np.linalg.solve(S, H @ covariance).T
        total -= 0.5 * (innovation @ np.linalg.solve(S, innovation) + np.linalg.slogdet(S)[1])
        mean = mean + gain @ innovation
        covariance = covariance - gain @ H @ covariance
    return total


def wengert(data: Data) -> Subject:
    return Subject(log_likelihood, tuple(data.values()), MODEL)


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def log_likelihood(F, H, Q, R, ys):
        def step(carry, y):
            total, mean, covariance = carry
            mean = F @ mean
            covariance = F @ covariance @ F.T + Q
            innovation = y - H @ mean
            S = H @ covariance @ H.T + R
            gain = jnp.linalg.solve(S, H @ covariance).T
            total -= 0.5 * (innovation @ jnp.linalg.solve(S, innovation) + jnp.linalg.slogdet(S)[1])
            return (total, mean + gain @ innovation, covariance - gain @ H @ covariance), None

        start = (-0.5 * ys.size * jnp.log(2.0 * jnp.pi), jnp.zeros(len(F)), jnp.eye(len(F)))
        return jax.lax.scan(step, start, ys)[0][0]

    return Subject(log_likelihood, tuple(jnp.asarray(a) for a in data.values()), MODEL)


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def log_likelihood(F, H, Q, R, ys):
        mean, covariance = torch.zeros(len(F)), torch.eye(len(F))
        total = -0.5 * ys.numel() * np.log(2.0 * np.pi)
        for y in ys:
            mean = F @ mean
            covariance = F @ covariance @ F.T + Q
            innovation = y - H @ mean
            S = H @ covariance @ H.T + R
            gain = torch.linalg.solve(S, H @ covariance).T
            total = total - 0.5 * (innovation @ torch.linalg.solve(S, innovation) + torch.linalg.slogdet(S)[1])
            mean = mean + gain @ innovation
            covariance = covariance - gain @ H @ covariance
        return total

    return Subject(log_likelihood, tuple(torch.from_numpy(a) for a in data.values()), MODEL)


# autograd --------------------------------------------------------------------------------------------------------
def autograd(data: Data) -> Subject:
    import autograd.numpy as anp

    def log_likelihood(F, H, Q, R, ys):
        mean, covariance = anp.zeros(len(F)), anp.eye(len(F))
        total = -0.5 * ys.size * anp.log(2.0 * anp.pi)
        for y in ys:
            mean = F @ mean
            covariance = F @ covariance @ F.T + Q
            innovation = y - H @ mean
            S = H @ covariance @ H.T + R
            gain = anp.linalg.solve(S, H @ covariance).T
            total = total - 0.5 * (innovation @ anp.linalg.solve(S, innovation) + anp.linalg.slogdet(S)[1])
            mean = mean + gain @ innovation
            covariance = covariance - gain @ H @ covariance
        return total

    return Subject(log_likelihood, tuple(data.values()), MODEL)


PROGRAM = Program(
    name="kalman",
    title=f"Kalman filter likelihood, {STEPS} steps",
    kind="loop",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "autograd": autograd},
    left_out={"PyTorch compiled": "writes out all rounds: compiling takes many minutes"},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
