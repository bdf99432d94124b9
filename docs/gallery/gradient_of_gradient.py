r"""The gradient of the gradient of the gradient.

A derivative is a program like the one that it was made from, so it can be differentiated again, as often as one
likes. For $f = \sin(x)\,e^{-x/5}$ the derivatives to order 6 are drawn, each `wg.grad` of the one before; the closed
form is $f^{(n)} = \operatorname{Im}\,(i - \tfrac15)^n e^{(i - 1/5)x}$. On the right: how the programs grow. What is
common to several orders is computed once, where the program is simplified, as it is before it is compiled.
"""

from typing import Any

import numpy as np
from pictures import BLUE, VERMILION, canvas, plt, save

import wengert as wg
from wengert.transforms.simplify import simplify

ORDERS = range(7)


def f(x: Any) -> Any:
    return np.sin(x) * np.exp(-x / 5)


def derivative(order: int) -> Any:
    """f', f'', ...: grad, applied `order` times."""
    g = f
    for _ in range(order):
        g = wg.grad(g)
    return g


def data() -> dict[str, Any]:
    """Each derivative on a grid, with its closed form, and the equations of its program, as recorded and simplified."""
    x = np.linspace(0.0, 12.0, 121)
    values = np.array([wg.vmap(derivative(n))(x) for n in ORDERS])
    exact = np.array([((1j - 0.2) ** n * np.exp((1j - 0.2) * x)).imag for n in ORDERS])
    recorded = [len(wg.trace(derivative(n))(1.0).equations) for n in ORDERS]
    simplified = [len(simplify(wg.trace(derivative(n))(1.0)).equations) for n in ORDERS]
    return {"x": x, "values": values, "exact": exact, "recorded": recorded, "simplified": simplified}


def picture(data: dict[str, Any]) -> Any:
    """The curves, and the sizes of the programs."""
    figure, (left, right) = canvas(8.6, 4.0, ncols=2, width_ratios=[1.7, 1])
    shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, len(ORDERS)))
    for n, colour in zip(ORDERS, shades, strict=True):
        left.plot(data["x"], data["values"][n], color=colour, linewidth=1.8, label=f"order {n}")
    left.set(xlabel="x", title=r"$\sin(x)\,e^{-x/5}$ and its derivatives")
    left.legend(ncols=2, fontsize=8.5, loc="lower right")
    right.plot(ORDERS, data["recorded"], "s-", color=VERMILION, label="as recorded")
    right.plot(ORDERS, data["simplified"], "o-", color=BLUE, label="as compiled")
    right.set(xlabel="order", ylabel="equations", yscale="log", title="the program")
    right.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
