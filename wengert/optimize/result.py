"""What a minimisation found, what it cost, and how that looks as a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError

_AXES = {"iterations": "iterates", "evaluations": "calls of f", "gradients": "gradients", "seconds": "seconds"}


@dataclass(frozen=True)
class Result:
    """What a minimisation found and what it cost.

    x, fun: the last iterate, in the structure of x0, and f there. values: f at each iterate, the start included.
    evaluations: calls of f, cumulative, when `values[k]` became known; a call that also gives a gradient counts.
    gradients: gradients computed by then, cumulative; a Hessian-vector product counts as two. seconds: time by then,
    from the start of the run, by the wall clock. message: why it stopped. details: SciPy's own result, from `minimize`.

    >>> import numpy as np
    >>> from wengert import optimize
    >>> r = optimize.gradient_descent(lambda x: np.sum(x**2), np.ones(2), step=0.25, steps=3)
    >>> r.values, r.evaluations, r.message
    (array([2.     , 0.5    , 0.125  , 0.03125]), array([1, 2, 3, 4]), 'all 3 steps made')
    """

    x: Any
    fun: float
    values: np.ndarray
    evaluations: np.ndarray
    gradients: np.ndarray
    seconds: np.ndarray
    message: str
    details: Any = None

    def __repr__(self) -> str:
        cost = f"{self.evaluations[-1]:,} evaluations, {self.gradients[-1]:,} gradients, {self.seconds[-1]:.2g} s"
        return f"f = {self.fun:.9g} after {cost}\n{self.message}\nx = {self.x}"

    def plot(self, ax: Any = None, against: str = "iterations", lowest: float = 0.0, **line: Any) -> Any:
        """Draw `values - lowest` against iterations, evaluations, gradients or seconds; returns the axes.

        The scale is logarithmic where all that is drawn is positive. Give `ax` to draw several runs into one
        picture, with `label=` for its legend; further keywords go to `Axes.plot`. Needs matplotlib
        (`pip install "wengert[plot]"`). Raises ArgumentError for another name of `against`.
        """
        if against not in _AXES:
            raise ArgumentError(
                f"plot got against={against!r}",
                why="values are drawn against what their computation cost",
                write=f"against= one of {', '.join(map(repr, _AXES))}",
            )
        if ax is None:
            import matplotlib.pyplot as plt  # slow to import: only when asked for

            _, ax = plt.subplots(layout="constrained")
        cost = np.arange(self.values.size) if against == "iterations" else getattr(self, against)
        height = self.values - lowest
        ax.plot(cost, height, **line)
        if ax.get_yscale() == "linear" and np.all(height > 0.0):
            ax.set_yscale("log")
        ax.set(xlabel=_AXES[against], ylabel=f"f(x) \N{MINUS SIGN} {lowest:.6g}" if lowest else "f(x)")
        return ax
