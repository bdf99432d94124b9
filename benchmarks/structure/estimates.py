"""Estimates from products: Hutchinson's trace over three decades, a network's spectrum before and after training."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.structure.rows import Row, Target

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
N, REPEATS = 60, 64
SAMPLES = (4, 40, 400, 4000)


def well(x: Any) -> Any:
    """The logarithm of a sum of exponentials of random projections, and a well."""
    A = np.random.default_rng(7).standard_normal((N, N)) / 4.0
    return np.log(np.sum(np.exp(A @ x))) + np.sum(np.cos(x) * x[::-1] ** 2) / 10.0


def rows() -> list[Row]:
    """Errors against the number of products; ends of spectra, and what they took."""
    return [hutchinson(), *(falling(method) for method in ("hutchinson", "hutch++")), *spectrum()]


def hutchinson() -> Row:
    """Root mean square errors of many estimates, relative to the trace, and the slope of their logarithms."""
    H = wg.curvature.hessian(wg.jit(well), np.linspace(-1.0, 1.0, N))
    trace = float(np.trace(H.dense()))
    numbers = {}
    for V in SAMPLES:
        rng = np.random.default_rng(V)
        found = [wg.curvature.trace(H, rng, samples=V).value for _ in range(REPEATS)]
        numbers[f"V = {V}"] = float(np.sqrt(np.mean((np.array(found) - trace) ** 2)) / abs(trace))
    slope = float(np.polyfit(np.log(SAMPLES), np.log(list(numbers.values())), 1)[0])
    targets = (
        Target("exponent of V, of which -1/2 is the law", slope, "at most", -0.45),
        Target("exponent of V, of which -1/2 is the law", slope, "at least", -0.55),
    )
    return Row(f"trace of a Hessian, n = {N}, {REPEATS} runs", "relative errors", numbers, targets)


class Falling:
    """A matrix with the eigenvalues 1, 1/4, 1/9, ..., 1/n^2 and a cosine transform as eigenvectors."""

    def __init__(self, n: int) -> None:
        self.values, self.shape, self.dtype = np.arange(1.0, n + 1) ** -2, (n, n), np.dtype(float)

    def __matmul__(self, V: np.ndarray) -> np.ndarray:
        from scipy.fft import dct, idct

        return np.asarray(idct(self.values[:, None] * dct(V, axis=0, norm="ortho"), axis=0, norm="ortho"))


def falling(method: str) -> Row:
    """Where a few eigenvalues are large, Hutch++ takes their part of the trace exactly: at least as fast as 1 / V."""
    A, numbers = Falling(1000), {}
    for V in (6, 60, 600):
        rng = np.random.default_rng(V)
        found = np.array([wg.curvature.trace(A, rng, samples=V, method=method).value for _ in range(16)])
        numbers[f"V = {V}"] = float(np.sqrt(np.mean((found / A.values.sum() - 1) ** 2)))
    slope = float(np.polyfit(np.log([6, 60, 600]), np.log(list(numbers.values())), 1)[0])
    law = -0.5 if method == "hutchinson" else -1.0
    targets = (Target(f"exponent of V, of which {law:g} is the law", slope, "at most", law + 0.05),)
    return Row(f"trace by {method}, eigenvalues 1/i^2, n = 1000, 16 runs", "relative errors", numbers, targets)


def spectrum() -> list[Row]:
    """A residual network on handwritten digits: the ends of its Hessian's spectrum, by Lanczos quadrature."""
    sys.path.insert(0, str(GALLERY))
    import hessian_spectrum

    start = time.perf_counter()
    found = hessian_spectrum.data()
    seconds = time.perf_counter() - start
    (low, high), (low_after, high_after) = found["before"]["ends"], found["after"]["ends"]
    share, share_after = (found[name]["spectrum"].below(-0.01 * found[name]["ends"][1]) for name in ("before", "after"))
    numbers = {"smallest": low, "largest": high, "share below -1% of the largest": share}
    numbers_after = {"smallest": low_after, "largest": high_after, "share below -1% of the largest": share_after}
    title = "eigenvalues of a residual network's Hessian"
    before = Target("smallest over largest", low / high, "at most", -0.1)
    after = Target("smallest over largest", low_after / high_after, "at least", -0.01)
    note = f"2,208 weights, 300 images of digits; training and both spectra took {seconds:.1f} s"
    return [
        Row(f"{title}, before training", "", numbers, (before,), note),
        Row(f"{title}, after training", "", numbers_after, (after,)),
    ]
