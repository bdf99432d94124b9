r"""Rates of convergence: 1/k, n/k, 1/k².

For a smooth convex function, theory promises gradient descent a gap $f(x_k) - f^* \le 2 L R^2 / (k + 4)$, Nesterov's
method $2 L R^2 / (k + 1)^2$, and descent along random directions n times the first. The function is the worst that
there is (Nesterov, 2018, section 2.1.2): a chain of n = 40 variables, in which each step can tell only the next
variable that there is a minimum elsewhere. On the right the same chain with a spring that ties each variable to its
place: strongly convex, for which descent is linear, with the factor $1 - \mu/L$, and $1 - \mu/nL$ without gradients.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREEN, GREY, VERMILION, canvas, save

from wengert import optimize

N, L, MU, STEPS = 40, 2.0, 0.05, 3000
RUNS = {"gradient": ("gradient descent", BLUE), "nesterov": ("Nesterov", GREEN), "two-point": ("two-point", VERMILION)}


def chain(x: Any) -> Any:
    """Convex, L-smooth; f* = -L/8 (1 - 1/(n+1)) at x*_i = 1 - i/(n+1)."""
    return L / 4 * ((x[0] ** 2 + np.sum((x[1:] - x[:-1]) ** 2) + x[-1] ** 2) / 2 - x[0])


def tied(x: Any) -> Any:
    """mu-strongly convex, L-smooth; its minimum is 0, at 0."""
    return (1 - MU / L) * (chain(x) + L / 4 * x[0]) + MU / 2 * np.sum(x**2)


def data() -> dict[str, Any]:
    """Gaps and bounds of both functions; the two-point gaps are means of ten runs."""
    minimum, lowest = 1 - np.arange(1, N + 1) / (N + 1), -L / 8 * (1 - 1 / (N + 1))
    R2, k = np.sum(minimum**2), np.arange(STEPS + 1)
    found: dict[str, Any] = {"k": k}
    for name, f, start, low in (("convex", chain, np.zeros(N), lowest), ("strongly convex", tied, np.ones(N), 0.0)):
        blind = [
            optimize.zeroth_order_descent(
                f, start, 1 / (N * L), STEPS, rng=np.random.default_rng(seed), jit=True
            ).values
            for seed in range(10)
        ]
        found[name] = {
            "gradient": optimize.gradient_descent(f, start, 1 / L, STEPS, jit=True).values - low,
            "nesterov": optimize.nesterov(f, start, 1 / L, STEPS, jit=True).values - low,
            "two-point": np.mean(blind, axis=0) - low,
        }
    bounds = {
        "gradient": 2 * L * R2 / (k + 4),
        "nesterov": 2 * L * R2 / (k + 1) ** 2,
        "two-point": 2 * N * L * R2 / (k + 4),
    }
    linear = {name: L / 2 * N * (1 - MU / (many * L)) ** k for name, many in (("gradient", 1), ("two-point", N))}
    return {**found, "bounds": {"convex": bounds, "strongly convex": linear}}


def picture(data: dict[str, Any]) -> Any:
    """Gaps against steps with the bounds, for both functions."""
    figure, axes = canvas(9.4, 4.2, ncols=2)
    for ax, name in zip(axes, ("convex", "strongly convex"), strict=True):
        for run, (label, colour) in RUNS.items():
            ax.plot(data["k"][1:], np.maximum(data[name][run][1:], 1e-14), color=colour, label=label)
            if run in data["bounds"][name]:
                ax.plot(data["k"][1:], data["bounds"][name][run][1:], ":", color=colour, linewidth=1.3)
        ax.set(yscale="log", xlabel="steps k", title=name)
    axes[0].set(xscale="log", ylabel="gap to the minimum", ylim=(1e-6, 1e4))
    axes[1].set(ylim=(1e-10, 1e3))
    axes[1].plot([], [], ":", color=GREY, linewidth=1.3, label="bound of theory")
    axes[1].legend(loc="center right")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
