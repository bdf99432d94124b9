r"""Expression swell: the size of a formula against the size of a program.

The derivative of a product of n factors, written as one formula, has n terms of n factors: its size grows as $n^2$.
Of a composition such as the logistic map $x \leftarrow 4x(1 - x)$ it more than doubles with each round. The program
that reverse mode makes has a few lines for each line of the program that was given, because it keeps the value of
each subexpression under a name. Symbolic differentiation and automatic differentiation apply the same rules; the
second applies them to programs.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREEN, VERMILION, canvas, save

import wengert as wg

FACTORS = (3, 6, 12, 24, 48)
ROUNDS = (1, 2, 3, 4, 5, 6)


def product(xs: Any) -> Any:
    """x_0 x_1 ... x_{n-1}."""
    y = xs[0]
    for x in xs[1:]:
        y = y * x
    return y


def logistic(x: Any, rounds: int) -> Any:
    for _ in range(rounds):
        x = 4 * x * (1 - x)
    return x


def size(expression: Any) -> int:
    """Operations of a formula written out."""
    import sympy

    return int(sympy.count_ops(expression))


def data() -> dict[str, Any]:
    """Operations of the derivative's formula, and equations of the derivative's program, of both functions."""
    import sympy

    products, maps = [], []
    for n in FACTORS:
        xs = sympy.symbols(f"x:{n}")
        formula = sum(size(product(xs).diff(x)) for x in xs)
        program = wg.trace(wg.grad(lambda p: product(p)))([1.0] * n)
        products.append((size(product(xs)), formula, len(program.equations)))
    x = sympy.Symbol("x")
    for rounds in ROUNDS:
        f = logistic(x, rounds)
        program = wg.trace(wg.grad(lambda x, rounds=rounds: logistic(x, rounds)))(0.3)
        maps.append((size(f), size(f.diff(x)), len(program.equations)))
    return {"product": np.array(products), "logistic": np.array(maps)}


def picture(data: dict[str, Any]) -> Any:
    """Both functions: formula, formula of the derivative, program of the derivative."""
    figure, axes = canvas(8.0, 3.9, ncols=2)
    for ax, key, n, xlabel in zip(
        axes, ("product", "logistic"), (FACTORS, ROUNDS), ("factors", "rounds of 4x(1 \N{MINUS SIGN} x)"), strict=True
    ):
        function, formula, program = data[key].T
        ax.plot(n, formula, "s-", color=VERMILION, label="derivative as a formula")
        ax.plot(n, program, "o-", color=BLUE, label="derivative as a program")
        ax.plot(n, function, "^--", color=GREEN, linewidth=1.2, markersize=5, label="the function as a formula")
        ax.set(yscale="log", xlabel=xlabel, ylabel="operations")
    axes[0].set(xscale="log", title="a product")
    axes[0].set_xticks(FACTORS, [str(n) for n in FACTORS])
    axes[0].minorticks_off()
    axes[1].set(title="the logistic map, composed")
    axes[0].legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
