"""Four methods on one problem: descent and L-BFGS with the gradient; two-point and multi-point without."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from rich.progress import Progress

from demo.mds import Problem
from wengert import optimize

GOAL = 1e-6  # of the gap between the loss at the start and its minimum
GD, LBFGS, MULTI, TWO = "gradient descent", "L-BFGS", "multi-point", "two-point"


@dataclass
class Run:
    """One method's run: what it found, its cost, its time, and its iterates at the costs asked for."""

    problem: Problem
    method: str
    result: optimize.Result
    seconds: float
    snapshots: list[np.ndarray] = field(default_factory=list)

    @property
    def gap(self) -> np.ndarray:
        return self.problem.gap(self.result.values)

    @property
    def cost(self) -> np.ndarray:
        return self.problem.cost(self.result)

    @property
    def arrival(self) -> int | None:
        """Index of the first iterate within the goal; None if it was not reached."""
        within = np.flatnonzero(self.gap <= GOAL)
        return int(within[0]) if within.size else None


class _Watch:
    """Callback that moves a progress bar, keeps iterates at given steps, and stops when the time is up."""

    def __init__(self, progress: Progress, label: str, problem: Problem, keep: set[int], limit_s: float) -> None:
        self.progress, self.problem, self.keep, self.snapshots = progress, problem, keep, []
        self.task = progress.add_task(label, total=-np.log10(GOAL))
        self.start, self.limit_s, self.shown = time.perf_counter(), limit_s, 0.0

    def __call__(self, k: int, x: np.ndarray, value: float) -> bool:
        if k in self.keep:
            self.snapshots.append(x)
        now = time.perf_counter()
        if now - self.shown > 0.1:
            gap = max(float(self.problem.gap(np.array(value))), GOAL)
            self.progress.update(self.task, completed=max(0.0, -np.log10(gap)))
            self.shown = now
        return now - self.start > self.limit_s

    def finish(self) -> float:
        self.progress.update(self.task, total=1, completed=1)
        return time.perf_counter() - self.start


def goal_value(problem: Problem) -> float:
    """The loss at which the gap is GOAL."""
    at_start = problem.loss(problem.start)
    lowest = 0.0 if problem.places.dimension == 3 else problem.best.fun
    return float(lowest + GOAL * (at_start - lowest))


def run(
    problem: Problem,
    method: str,
    progress: Progress,
    *,
    keep: set[int] = frozenset(),
    limit_s: float = 60.0,
    seed: int = 0,
) -> Run:
    """Run one method from the problem's start to the goal, or for `limit_s` seconds.

    Steps by theory, from the same L: 1/L with the gradient (and with multi-point, which is the whole gradient
    by central differences along the n axes, 2n calls a step), 1/(nL) for two-point (2 calls a step).
    """
    watch = _Watch(progress, f"{problem.places.title}: {method}", problem, keep, limit_s)
    common = {"target": goal_value(problem), "callback": watch}
    f, x, n, L = problem.loss, problem.start, problem.variables, problem.smoothness
    if method == GD:
        result = optimize.gradient_descent(f, x, 1.0 / L, 100_000, **common)
    elif method == MULTI:
        result = optimize.zeroth_order_descent(f, x, 1.0 / L, 100_000, directions=None, **common)
    elif method == TWO:
        rng = np.random.default_rng(seed)
        result = optimize.zeroth_order_descent(f, x, 1.0 / (n * L), 10_000_000, rng=rng, **common)
    else:
        result = optimize.minimize(f, x)
    return Run(problem, method, result, watch.finish(), watch.snapshots)
