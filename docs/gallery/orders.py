r"""The n-th derivative: nested gradients against a Taylor series.

Each nesting of `wg.grad` differentiates what the one before wrote down: the program grows by a constant factor with
every order. A Taylor series carried through the program (`wg.derivatives`) takes for each operation one recurrence over
the coefficients, $k\,y_k = \sum_{j<k} g_j\,(k-j)\,x_{k-j}$, and grows as $n^2$ (Griewank and Walther, Evaluating
Derivatives, chapter 13). Counted are the equations of both programs, which compute the same numbers.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg

NESTED, SERIES = np.arange(1, 7), np.arange(1, 21)
POINT = 0.3


def f(x: Any) -> Any:
    """Six rounds of sines and Gaussians: 42 operations."""
    for k in range(6):
        x = np.sin(x) * 0.9 + np.exp(-x * x) / (1.5 + k)
    return x


def data() -> dict[str, Any]:
    """Equations of the programs for each order, and the derivatives that they compute."""
    nested, values, g = [], [], f
    for _ in NESTED:
        g = wg.grad(g)
        program = wg.trace(g)(POINT)
        nested.append(len(program.equations))
        values.append(program(POINT))
    series = [len(wg.trace(lambda x, n=n: wg.derivatives(f, x, order=n))(POINT).equations) for n in SERIES]
    return {
        "primal": len(wg.trace(f)(POINT).equations),
        "nested": np.array(nested),
        "series": np.array(series),
        "by nesting": np.array(values),
        "by series": np.array(wg.derivatives(f, POINT, order=int(SERIES[-1]))),
    }


def picture(data: dict[str, Any]) -> Any:
    """Equations against the order."""
    figure, ax = canvas(7.0, 4.2)
    ax.semilogy(NESTED, data["nested"], "o-", color=VERMILION, label="nested gradients")
    ax.semilogy(SERIES, data["series"], "o-", color=BLUE, label="Taylor series")
    ax.axhline(data["primal"], color=GREY, linestyle="--", linewidth=1.2, label="the function itself")
    ax.set(xlabel="order n of the derivative", ylabel="equations of the program")
    ax.locator_params(axis="x", integer=True)
    ax.legend(loc="center right")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
