r"""A gradient of a million inputs, and what it costs numerically.

$f(x) = \sin(x_1 x_2) + x_3^2$ has the gradient $(x_2 \cos x_1 x_2,\; x_1 \cos x_1 x_2,\; 2 x_3)$. Three inputs need 4
calls of f by forward differences, or 6 by central ones; reverse mode needs one pass and its way back. Here the sum of
many such terms is differentiated. Central differences call f twice for each input, so their time grows as the square
of n: measured up to where a second is spent, extrapolated from there. Reverse mode gives all slopes for a few times
the cost of one value, however many there are.
"""

import time
from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREY, VERMILION, canvas, save

import wengert as wg

SIZES = (3, 30, 300, 3_000, 30_000, 300_000, 3_000_000)
PATIENCE_S = 1.0


def f(x: Any) -> Any:
    """sum over the triples of x of sin(x1 x2) + x3^2."""
    x = x.reshape(-1, 3)
    return np.sum(np.sin(x[:, 0] * x[:, 1]) + x[:, 2] ** 2)


def point(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1.0, 1.0, n)


def seconds(run: Any, least: float = 0.02) -> float:
    """The shortest of several runs, in seconds of this process."""
    best, spent = float("inf"), 0.0
    while spent < least or best == float("inf"):
        start = time.process_time()
        run()
        taken = time.process_time() - start
        best, spent = min(best, taken), spent + max(taken, 1e-6)
    return best


def data(sizes: tuple[int, ...] = SIZES, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """For each size the calls of f and the times; of the differences, nan where it would take too long."""
    rows = []
    numerical = 0.0
    for n in sizes:
        x, counted = point(n), wg.numeric.counted(f)
        once = seconds(lambda x=x: f(x))
        reverse = seconds(lambda x=x: wg.grad(f)(x))
        if 2 * n * once <= patience_s:
            start = time.process_time()
            differences = wg.numeric.grad(counted)(x)
            numerical = time.process_time() - start
            assert np.allclose(differences, wg.grad(f)(x), atol=1e-6)
        else:
            numerical = float("nan")
        rows.append((once, reverse, numerical, counted.calls))
    once, reverse, numerical, calls = map(np.array, zip(*rows, strict=True))
    return {"n": np.array(sizes), "f": once, "reverse": reverse, "central": numerical, "calls": calls}


def picture(data: dict[str, Any]) -> Any:
    """Time against the number of inputs."""
    figure, ax = canvas(7.0, 4.4)
    n, known = data["n"], np.isfinite(data["central"])
    ax.loglog(n, data["f"], color=BLACK, linewidth=1.2, label="f itself")
    ax.loglog(n, data["reverse"], "o-", color=BLUE, label="gradient, reverse mode")
    ax.loglog(n[known], data["central"][known], "s-", color=VERMILION, label="gradient, 2n calls of f")
    last = np.flatnonzero(known)[-1]
    extrapolated = 2 * n[last:] * data["f"][last:]
    extrapolated = extrapolated * data["central"][last] / extrapolated[0]
    ax.loglog(n[last:], extrapolated, ":", color=VERMILION, linewidth=1.4)
    for seconds_, name in ((3600.0, "an hour"), (86400.0, "a day")):
        ax.axhline(seconds_, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.text(3.2, 1.5 * seconds_, name, color=GREY, fontsize=9)
    ax.set(xlabel="inputs n", ylabel="seconds", ylim=(1e-6, 1e6), title=r"$\sum\,\sin(x_1 x_2) + x_3^2$")
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.72))
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
