r"""Dual numbers: forward mode in fifteen lines.

A dual number $a + b\varepsilon$ has $\varepsilon^2 = 0$, so that
$h(a + b\varepsilon) = h(a) + b\,h'(a)\,\varepsilon$: a function of it gives its value and its derivative at once. Put
$3 + \varepsilon$ for x and 4 for y into $f = x^2 y + y + 2$, and out comes $42 + 24\varepsilon$: the value is 42 and
the slope in x is 24. For the slope in y the whole is done again with $4 + \varepsilon$, once for each input.

The class below knows two operations, which is all that f needs. `wg.jvp` computes the same pairs for every function
of NumPy, on arrays, and does not mind being nested.
"""

from typing import Any, NamedTuple

from pictures import BLACK, BLUE, GREY, VERMILION, canvas, save

import wengert as wg


class Dual(NamedTuple):
    """value + slope e, with e^2 = 0."""

    value: float
    slope: float = 0.0

    def __add__(self, other: Any) -> "Dual":
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Any) -> "Dual":
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)


def nodes(x: Any, y: Any) -> dict[str, Any]:
    """Every node of f(x, y) = x^2 y + y + 2."""
    square = x * x
    product = square * y
    total = product + y
    return {"x": x, "y": y, "x²": square, "x² y": product, "x² y + y": total, "f": total + 2.0}


def data() -> dict[str, Any]:
    """The nodes in dual numbers, for both seeds, and the same by wg.jvp."""
    duals = {"x": nodes(Dual(3.0, 1.0), Dual(4.0)), "y": nodes(Dual(3.0), Dual(4.0, 1.0))}
    seeds = {"x": (1.0, 0.0), "y": (0.0, 1.0)}
    jvps = {}
    for name, seed in seeds.items():
        values, slopes = wg.jvp(lambda x, y: nodes(x, y), (3.0, 4.0), seed)
        jvps[name] = {k: (float(values[k]), float(slopes[k])) for k in values}
    return {"duals": duals, "jvp": jvps}


PLACES = {
    "x": (0.0, 3.0),
    "y": (2.0, 3.0),
    "x²": (0.0, 2.0),
    "x² y": (1.0, 1.0),
    "x² y + y": (2.0, 0.0),
    "2": (3.3, 0.0),
}
PLACES["f"] = (2.65, -1.0)
EDGES = [
    ("x", "x²"),
    ("x²", "x² y"),
    ("y", "x² y"),
    ("x² y", "x² y + y"),
    ("y", "x² y + y"),
    ("x² y + y", "f"),
    ("2", "f"),
]


def dual_text(dual: Dual) -> str:
    """`42 + 24 ε`."""
    if dual.slope == 0.0:
        return f"{dual.value:g}"
    return f"{dual.value:g} + {'' if dual.slope == 1.0 else f'{dual.slope:g} '}ε"


def picture(data: dict[str, Any]) -> Any:
    """The graph of f with a dual number at each node, for both seeds."""
    figure, axes = canvas(8.4, 4.6, ncols=2)
    for ax, seed, colour in zip(axes, ("x", "y"), (BLUE, VERMILION), strict=True):
        for a, b in EDGES:
            arrow = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 15, "shrinkB": 15, "linewidth": 1.2}
            ax.annotate("", PLACES[b], PLACES[a], arrowprops=arrow)
        box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
        for name, place in PLACES.items():
            dual = data["duals"][seed].get(name, Dual(2.0))
            label = name if name == "2" else f"{name} = {dual_text(dual)}"
            ax.text(*place, label, ha="center", va="center", bbox=box, color=BLACK)
        slope = data["duals"][seed]["f"].slope
        ax.set_title(f"seed in {seed}:  ∂f/∂{seed} = {slope:g}", color=colour)
        ax.set(xlim=(-0.75, 3.7), ylim=(-1.5, 3.5))
        ax.axis("off")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
