"""The charts: the loss against the cost, and the price of having no gradient against the dimension."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from demo.methods import GD, GOAL, LBFGS, MULTI, TWO, Run
from demo.style import COLOURS, FAINT, GREY, GRID, TIMES, headline, save

# Where a method's name stands beside the end of its line: offset in points, and the end of the name that is there.
SIDES = {LBFGS: (-12, 8, "right"), GD: (8, 8, "left"), MULTI: (-8, 0, "right"), TWO: (8, 8, "left")}


def convergence(groups: list[list[Run]]) -> Path:
    """Loss against calls of the loss, both logarithmic: one panel a problem, one line a method."""
    figure, axes = plt.subplots(1, len(groups), figsize=(13, 6.2), sharey=True)
    figure.subplots_adjust(left=0.07, right=0.975, top=0.78, bottom=0.11, wspace=0.08)
    for ax, runs in zip(axes, groups, strict=True):
        places, variables = runs[0].problem.places, runs[0].problem.variables
        for run in runs:
            _line(ax, run)
        _mark_factor(ax, runs)
        ax.axhline(GOAL, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.set(xscale="log", yscale="log", xlim=(1.0, 1e6), ylim=(GOAL / 6, 2.5))
        ax.set_xlabel("cost, in calls of the loss")
        title = f"{places.count} {places.title}: {variables} variables"
        ax.set_title(title, loc="left", fontsize=11.5, pad=10)
        ax.grid(which="major", color=GRID)
    axes[0].set_ylabel("what is left of the loss:  (L \N{MINUS SIGN} L*) / (L at the start \N{MINUS SIGN} L*)")
    left, right = (runs[0].problem.gradient_cost for runs in groups)
    headline(
        figure,
        "Finding a map from its distances, with the gradient and without",
        "All methods from the same random start. A value with its gradient is priced by its measured time: "
        f"{left:.1f} calls of the loss on the left, {right:.1f} on the right.",
    )
    return save(figure, "convergence.png")


def _line(ax: Axes, run: Run) -> None:
    """One method, up to the goal, with its name where the line ends."""
    last = run.gap.size - 1 if run.arrival is None else run.arrival
    shown = np.unique(np.geomspace(1, last + 1, 1500).astype(int)) - 1
    cost, gap = run.cost[shown], np.maximum(np.minimum.accumulate(run.gap)[shown], GOAL)
    ax.plot(cost, gap, color=COLOURS[run.method], linewidth=2.2, solid_capstyle="round")
    name = run.method
    where, (dx, dy, side) = (cost[-1], gap[-1]), SIDES[name]
    if run.arrival is None:
        name, side, dx, dy = f"{name}, stopped", "left", 4, (9 if name == TWO else -16)
    elif name == MULTI:  # beside its line, higher up: its end is two-point's end
        i = int(np.argmax(gap < 1e-3))
        where = (cost[i], gap[i])
    style = {"color": COLOURS[run.method], "fontweight": "bold"}
    ax.annotate(name, where, (dx, dy), textcoords="offset points", ha=side, **style)


def _mark_factor(ax: Axes, runs: list[Run]) -> None:
    """An arrow from gradient descent's cost to two-point's, below the goal."""
    a, b = (next(run for run in runs if run.method == name) for name in (GD, TWO))
    if a.arrival is None or b.arrival is None:
        return
    start, end, y = a.cost[a.arrival], b.cost[b.arrival], GOAL / 2
    arrow = {"arrowstyle": "<->", "color": GREY, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (end, y), (start, y), arrowprops=arrow)
    ax.text(np.sqrt(start * end), y / 1.2, f"{TIMES} {end / start:.0f}", ha="center", va="top", color=GREY)


def dimension(points: list[tuple[int, float, float]]) -> Path:
    """Two-point steps per gradient step against the number of variables; the theory is the line y = n."""
    n, steps, costs = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    figure, ax = plt.subplots(figsize=(8.6, 6.4))
    figure.subplots_adjust(left=0.09, right=0.96, top=0.80, bottom=0.10)
    line = np.geomspace(n.min() / 1.3, n.max() * 1.5, 10)
    ax.plot(line, line, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.text(line[-1], line[-1] * 1.1, "theory: n", color=GREY, ha="right", va="bottom")
    marks = {"s": 46, "zorder": 3, "edgecolor": "white", "linewidth": 0.8}
    ax.scatter(n, steps, color=COLOURS[TWO], label="steps of one for each step of the other", **marks)
    ax.scatter(n, costs, color=COLOURS[GD], label="cost, gradients priced by their time", marker="D", **marks)
    ax.set(xscale="log", yscale="log", xlabel="variables, n", ylabel="two-point descent / gradient descent")
    ax.xaxis.set_major_locator(FixedLocator(np.unique(n)))
    ax.xaxis.set_minor_locator(NullLocator())
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ScalarFormatter())
    ax.grid(which="major", color=GRID)
    ax.legend(frameon=False, loc="upper left", handletextpad=0.2)
    headline(
        figure,
        "The price of doing without the gradient is the dimension",
        f"To bring the loss down to {GOAL:.0e} of its start, on random sets of cities. Two-point descent\n"
        f"made {np.median(steps / n):.2f} n steps (median) for each step of gradient descent.",
    )
    return save(figure, "dimension.png")
