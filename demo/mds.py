"""Multidimensional scaling: the loss, its scale and smoothness, and the fit of the map found to the true."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import wengert as wg
from demo.data import Places
from wengert import optimize


@dataclass(frozen=True)
class Problem:
    """L(W) = sum_ij (|W_i - W_j|^2 - D_ij)^2 over W of shape (N, k), D the squared distances scaled to mean 1."""

    places: Places
    seed: int = 0

    @cached_property
    def unit_km(self) -> float:
        """The root mean square distance: the unit of W."""
        return float(np.sqrt(np.mean(self.places.distances**2)))

    @cached_property
    def loss(self) -> Callable:
        D = (self.places.distances / self.unit_km) ** 2

        def loss(W):
            squares = np.sum(W * W, axis=1)  # |Wi - Wj|^2 = |Wi|^2 + |Wj|^2 - 2 Wi.Wj: no (N, N, k) array
            excess = squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D
            return np.sum(excess * excess)

        return loss

    @cached_property
    def start(self) -> np.ndarray:
        """Places thrown at random into a small ball: nothing of the geography is in it."""
        rng = np.random.default_rng(self.seed)
        return 0.1 * rng.standard_normal((self.places.count, self.places.dimension))

    @property
    def variables(self) -> int:
        return self.start.size

    @cached_property
    def best(self) -> optimize.Result:
        """The minimum, as closely as L-BFGS finds it."""
        return optimize.minimize(self.loss, self.start, options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000})

    @cached_property
    def smoothness(self) -> float:
        """L, the largest eigenvalue of the Hessian at the minimum: steps of 1/L are the largest that are safe there."""
        return optimize.smoothness(self.loss, self.best.x, iterations=60)

    def gap(self, values: np.ndarray) -> np.ndarray:
        """(L - L*) / (L(start) - L*): 1 at the start, 0 at the minimum."""
        lowest = 0.0 if self.places.dimension == 3 else self.best.fun  # chords fit a globe exactly
        return (values - lowest) / (self.loss(self.start) - lowest)

    @cached_property
    def gradient_cost(self) -> float:
        """Time of value_and_grad over the time of the loss alone: the calls that one value with gradient is worth."""
        both = wg.value_and_grad(self.loss)
        pairs = [(_seconds(self.loss, self.start), _seconds(both, self.start)) for _ in range(100)]
        plain, with_gradient = np.min(pairs, axis=0)  # the calls that other programs disturbed least
        return max(1.0, float(with_gradient / plain))

    def cost(self, result: optimize.Result) -> np.ndarray:
        """Calls of the loss, each value with gradient priced as `gradient_cost` calls; cumulative."""
        return result.evaluations + (self.gradient_cost - 1.0) * result.gradients

    def distance_error_km(self, W: np.ndarray) -> float:
        """Root mean square of the error of the map's distances, in km."""
        drawn = self.unit_km * np.sqrt(np.sum((W[:, None] - W[None]) ** 2, axis=-1))
        return float(np.sqrt(np.mean((drawn - self.places.distances) ** 2)))


def _seconds(f: Callable, x: np.ndarray) -> float:
    start = time.perf_counter()
    f(x)
    return time.perf_counter() - start


def procrustes(W: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The rotation, reflection, scale and shift of W nearest to `truth`: min |s W R + t - truth|_F.

    Distances know neither where the map lies nor which way round it is. Source: Schoenemann, Psychometrika 31
    (1966).
    """
    w, t = W - W.mean(axis=0), truth - truth.mean(axis=0)
    u, singular, vt = np.linalg.svd(w.T @ t)
    return (np.sum(singular) / np.sum(w * w)) * w @ (u @ vt) + truth.mean(axis=0)
