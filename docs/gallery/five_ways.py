r"""Five ways to differentiate, side by side.

Two functions are differentiated in every way there is: $f = x^2 y + y + 2$ at (3, 4), whose gradient is (24, 10), and
a loop of a hundred rounds, $z \leftarrow a \cos(z + i) + z \sin(b - i)$, at (0.8, 0.3).

| way | what it needs | what it gives |
|---|---|---|
| by hand | a person and patience | a formula; of the loop, none |
| symbolic | an expression | a formula, often a large one; a loop has no expression |
| numerical | calls of f, d + 1 or 2d of them | numbers, half or two thirds of the digits right |
| forward mode | one pass for each input | numbers, right up to rounding |
| reverse mode | one pass there and one back for all inputs | numbers, right up to rounding |

The forward difference with step 1e-5 gives 24.000039999805264 for the first slope of f: five digits are right. (The
central difference of f is exact, because f is quadratic.) The error of the loop is measured against 50-digit
arithmetic; the last three ways leave what a hundred rounds of rounding leave. What is exactly right stands at the
left edge.
"""

from typing import Any, NamedTuple

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg

F_POINT, LOOP_POINT = (3.0, 4.0), (0.8, 0.3)
FLOOR = 1e-17  # where an error of zero is drawn


def f(x: Any, y: Any) -> Any:
    return x**2 * y + y + 2


def loop(a: Any, b: Any) -> Any:
    z = 0.0
    for i in range(100):
        z = a * np.cos(z + i) + z * np.sin(b - i)
    return z


class Way(NamedTuple):
    """A way to differentiate: its gradients of both functions (None: there is none), and the calls or passes of f."""

    name: str
    of_f: tuple[float, ...] | None
    of_loop: tuple[float, ...] | None
    passes: str


def symbolic_gradient() -> tuple[float, ...]:
    """SymPy's derivative of f."""
    import sympy

    x, y = sympy.symbols("x y")
    return tuple(float(f(x, y).diff(v).subs({x: F_POINT[0], y: F_POINT[1]})) for v in (x, y))


def forward_mode(fun: Any, point: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(wg.jvp(fun, point, seed)[1]) for seed in ((1.0, 0.0), (0.0, 1.0)))


def loop_truth() -> tuple[float, ...]:
    """The gradient of the loop in 50 digits, by differences with a step of 10^-25."""
    import mpmath

    def z_of(a: Any, b: Any) -> Any:
        z = mpmath.mpf(0)
        for i in range(100):
            z = a * mpmath.cos(z + i) + z * mpmath.sin(b - i)
        return z

    with mpmath.workdps(60):
        a, b, h = mpmath.mpf(LOOP_POINT[0]), mpmath.mpf(LOOP_POINT[1]), mpmath.mpf(10) ** -25
        return tuple(
            float((z_of(a + p * h, b + q * h) - z_of(a - p * h, b - q * h)) / (2 * h)) for p, q in ((1, 0), (0, 1))
        )


def data() -> dict[str, Any]:
    """All ways, and the gradient of the loop in 50 digits."""

    def numerical(name: str, passes: str, **how: Any) -> Way:
        slopes = [wg.numeric.grad(g, (0, 1), **how)(*at) for g, at in ((f, F_POINT), (loop, LOOP_POINT))]
        return Way(name, *(tuple(map(float, s)) for s in slopes), passes)

    reverse = [wg.grad(g, (0, 1))(*at) for g, at in ((f, F_POINT), (loop, LOOP_POINT))]
    x, y = F_POINT
    ways = [
        Way("by hand", (2 * x * y, x**2 + 1), None, "1 formula"),
        Way("symbolic", symbolic_gradient(), None, "1 formula"),
        numerical("forward difference, 1e-5", "3 calls", method="forward", step=1e-5),
        numerical("central difference", "4 calls", method="central"),
        numerical("complex step", "2 calls", method="complex"),
        Way("forward mode", forward_mode(f, F_POINT), forward_mode(loop, LOOP_POINT), "2 passes"),
        Way("reverse mode", *(tuple(map(float, g)) for g in reverse), "1 pass and back"),
    ]
    return {"ways": ways, "exact": (24.0, 10.0), "loop exact": loop_truth()}


def error(found: tuple[float, ...], exact: tuple[float, ...]) -> float:
    """The largest relative error of the two slopes."""
    return max(abs(a - b) / abs(b) for a, b in zip(found, exact, strict=True))


def picture(data: dict[str, Any]) -> Any:
    """Error of each way, one row each."""
    figure, ax = canvas(7.6, 4.0)
    ways, rows = data["ways"], range(len(data["ways"]))[::-1]
    for way, row in zip(ways, rows, strict=True):
        for found, exact, colour, marker, shift in (
            (way.of_f, data["exact"], BLUE, "o", 0.13),
            (way.of_loop, data["loop exact"], VERMILION, "s", -0.13),
        ):
            if found is None:
                ax.text(3 * FLOOR, row + shift, "a loop has no formula", color=colour, va="center", fontsize=9)
                continue
            value = max(error(found, exact), FLOOR)
            ax.plot([FLOOR, value], [row + shift] * 2, color=colour, linewidth=1.5, alpha=0.5)
            ax.plot(value, row + shift, marker, color=colour, markersize=7)
        ax.text(1e-1, row, way.passes, va="center", ha="right", color=GREY)
    ax.plot([], [], "o", color=BLUE, label="$x^2 y + y + 2$")
    ax.plot([], [], "s", color=VERMILION, label="the loop of 100 rounds")
    ax.set(xscale="log", xlim=(FLOOR / 2, 2e-1), yticks=list(rows), yticklabels=[way.name for way in ways])
    ax.set(xlabel="relative error of the gradient", title="Five ways to differentiate: how far off, for how much")
    ax.grid(axis="y", visible=False)
    figure.legend(loc="outside lower right", ncols=2)
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
