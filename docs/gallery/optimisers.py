r"""Paths down a curved valley.

Rosenbrock's function $(1 - x)^2 + 100 (y - x^2)^2$ falls steeply into a curved valley and hardly at all along it.
Plain descent follows the walls; momentum and Nesterov's method remember where they were going; Adam scales each
variable by what its slopes were; a line search takes the step that pays; L-BFGS learns the curvature from the
gradients that it has seen. All of them are called alike, `wg.optimize.NAME(f, x0)`, and return their history, which
is drawn on the right by `result.plot()`.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, canvas, save

from wengert import optimize

START = np.array([-1.4, 1.6])


def f(p: Any) -> Any:
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


METHODS: dict[str, Any] = {
    "descent, step 0.001": (BLUE, lambda watch: optimize.gradient_descent(f, START, 1e-3, 2000, callback=watch)),
    "descent, line search": (SKY, lambda watch: optimize.gradient_descent(f, START, "armijo", 2000, callback=watch)),
    "momentum": (GREEN, lambda watch: optimize.momentum(f, START, 1e-3, 2000, beta=0.9, callback=watch)),
    "Nesterov": (ORANGE, lambda watch: optimize.nesterov(f, START, 1e-3, 2000, callback=watch)),
    "Adam": (PURPLE, lambda watch: optimize.adam(f, START, 0.05, 2000, callback=watch)),
    "L-BFGS": (VERMILION, lambda watch: optimize.minimize(f, START, callback=watch)),
}


def data() -> dict[str, Any]:
    """For each method its result and its path."""
    found = {}
    for name, (_, method) in METHODS.items():
        path = [START]
        result = method(lambda k, x, value, path=path: path.append(x) and None)
        found[name] = (result, np.array(path))
    return found


def picture(data: dict[str, Any]) -> Any:
    """The paths over the contours, and the values against the calls of f."""
    figure, (left, right) = canvas(9.4, 4.4, ncols=2, width_ratios=[1.25, 1])
    x, y = np.meshgrid(np.linspace(-1.8, 2.0, 200), np.linspace(-0.6, 3.3, 200))
    left.contour(x, y, f([x, y]), levels=np.geomspace(0.05, 2000, 14), colors="#c9d2da", linewidths=0.8)
    for name, (result, path) in data.items():
        colour = METHODS[name][0]
        left.plot(*path.T, "-", color=colour, linewidth=1.5, marker=".", markersize=3)
        result.plot(right, "evaluations", color=colour, linewidth=1.6, label=name)
    left.plot(*START, "o", color=BLACK, markersize=6)
    left.plot(1, 1, "*", color=BLACK, markersize=13)
    left.annotate("start", START, (8, 4), textcoords="offset points")
    left.annotate("minimum", (1, 1), (8, -12), textcoords="offset points")
    left.set(xlim=(-1.8, 2.0), ylim=(-0.6, 3.3), xlabel="x", ylabel="y", title="where they go")
    left.grid(visible=False)
    right.set(xscale="log", ylim=(1e-12, 1e3), title="how fast they come down")
    figure.legend(
        *right.get_legend_handles_labels(), loc="outside lower center", ncols=6, columnspacing=1.2, fontsize=9
    )
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
