r"""The curse of dimension: iterations against the number of variables.

How many steps until the gap to the minimum is a thousandth of what it was at the start? With gradients, as many in a
thousand dimensions as in two: only $L/\mu$ matters, the ratio of the steepest to the flattest curvature, 4 here.
Without them, two values a step show one direction out of n, and n times more steps are needed. The multi-point
estimate asks along every axis and needs no more steps than the gradient, but 2n values for each.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREY, ORANGE, VERMILION, canvas, save

from wengert import optimize

SIZES, GOAL = (2, 4, 8, 16, 32, 64, 128), 1e-3
L, MU = 4.0, 1.0


def problem(n: int) -> tuple[Any, np.ndarray]:
    """A quadratic with curvatures evenly between MU and L, and its start."""
    scales = np.linspace(MU, L, n)
    return lambda x: np.sum(scales * x**2) / 2, np.ones(n)


def data(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Steps and calls of f of three methods, for each size; the two-point ones are medians of nine runs."""
    rows = []
    for n in sizes:
        f, start = problem(n)
        goal = {"target": GOAL * f(start), "jit": True}
        descent = optimize.gradient_descent(f, start, 1 / L, 10_000, **goal)
        axes = optimize.zeroth_order_descent(f, start, 1 / L, 10_000, directions=None, **goal)
        blind = [
            optimize.zeroth_order_descent(f, start, 1 / (n * L), 10_000, rng=np.random.default_rng(seed), **goal)
            for seed in range(9)
        ]
        steps = [descent.values.size - 1, axes.values.size - 1, np.median([r.values.size - 1 for r in blind])]
        calls = [descent.evaluations[-1], axes.evaluations[-1], np.median([r.evaluations[-1] for r in blind])]
        rows.append((steps, calls))
    steps, calls = np.array(rows).transpose(1, 2, 0)
    return {"n": np.array(sizes), "steps": steps, "calls": calls}


def picture(data: dict[str, Any]) -> Any:
    """Steps, and calls of f, against n."""
    figure, axes = canvas(9.0, 4.0, ncols=2)
    names = (("gradient descent", BLUE, "o"), ("multi-point", ORANGE, "D"), ("two-point", VERMILION, "s"))
    for ax, key, what in zip(axes, ("steps", "calls"), ("steps", "calls of f"), strict=True):
        for (name, colour, marker), row in zip(names, data[key], strict=True):
            size = 10 if name == "gradient descent" else 6  # the first two lie on one another: each shall be seen
            ax.loglog(data["n"], row, marker + "-", color=colour, label=name, markersize=size)
        ax.set(xlabel="variables n", title=f"{what} to a gap of 1/1,000", ylabel=what)
    line = data["steps"][0, 0] * data["n"]
    axes[0].loglog(data["n"], line, "--", color=GREY, linewidth=1.2, label="n times gradient descent")
    for ax in axes:
        ax.set_xticks(data["n"], [str(n) for n in data["n"]])
        ax.minorticks_off()
    axes[0].legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
