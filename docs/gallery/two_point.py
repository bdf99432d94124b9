r"""What two values say about a gradient.

Without derivatives, the slope along one direction can still be had:
$s = (L(w + \varepsilon v) - L(w - \varepsilon v)) / 2\varepsilon$ from two calls. The two-point estimate
$G = d\, s\, v$ for a random unit vector v in d dimensions is right on average, $\mathbb{E}\,G = \nabla L$, and far
from it each time: $\mathbb{E}|G|^2 = d\,|\nabla L|^2$. All estimates lie on a circle (a sphere, in more dimensions)
through the origin with $d \nabla L$ as its diameter. The multi-point estimate asks along every axis and is exact up
to $O(\varepsilon^2)$, for 2d calls.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREY, ORANGE, VERMILION, canvas, save

import wengert as wg
from wengert import optimize

POINT = np.array([1.2, -0.6])


def loss(w: Any) -> Any:
    return 0.5 * w[0] ** 2 + w[1] ** 2 + 0.25 * np.sin(w[0] * w[1])


def data() -> dict[str, Any]:
    """Many two-point estimates, the multi-point one and the gradient, in 2 dimensions; mean squares in more."""
    rng = np.random.default_rng(2)
    draws = np.array([optimize.two_point(loss, POINT, rng) for _ in range(400)])
    moments = []
    for d in (1, 2, 4, 8, 16, 32, 64):
        slope = rng.standard_normal(d)
        g = [optimize.two_point(lambda w, slope=slope: slope @ w, np.zeros(d), rng) for _ in range(600)]
        moments.append((d, np.mean(np.sum(np.square(g), axis=1)) / np.sum(slope**2)))
    return {
        "draws": draws,
        "multi": optimize.multi_point(loss, POINT),
        "gradient": wg.grad(loss)(POINT),
        "moments": np.array(moments),
    }


def picture(data: dict[str, Any]) -> Any:
    """The estimates as arrows from the point, and their mean square against the dimension."""
    figure, (left, right) = canvas(9.0, 4.3, ncols=2, width_ratios=[1.2, 1])
    draws, gradient = data["draws"], data["gradient"]
    for g in draws[:60]:
        left.plot([0, g[0]], [0, g[1]], color=GREY, linewidth=0.6, alpha=0.4)
    left.plot(*draws.T, ".", color=ORANGE, markersize=5, label="two-point estimates")
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0}
    left.annotate("", gradient, (0, 0), arrowprops={**style, "color": BLUE, "linewidth": 2.6})
    left.plot([], [], color=BLUE, linewidth=2.6, label="gradient")
    left.plot(*draws.mean(axis=0), "X", color=VERMILION, markersize=9, label=f"mean of {len(draws)}")
    left.plot(*data["multi"], "o", color=BLACK, markerfacecolor="none", markersize=13, label="multi-point estimate")
    left.set(aspect="equal", xlabel="first component", ylabel="second component", title="two dimensions")
    left.margins(0.16)
    d, moment = data["moments"].T
    right.loglog(d, d, "--", color=GREY, linewidth=1.2, label="theory: d")
    right.loglog(d, moment, "o-", color=ORANGE, label="measured")
    right.set(xlabel="dimension d", ylabel=r"mean of $|G|^2\ /\ |\nabla L|^2$", title="the price of one direction")
    right.set_xticks(d, [f"{int(n)}" for n in d])
    right.minorticks_off()
    right.legend(loc="upper left")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
