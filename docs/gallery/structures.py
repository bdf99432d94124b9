r"""A derivative with respect to a cat and a dog.

Programs keep their numbers in dicts, tuples, lists and classes, not in one long vector. The adjoint of a structure is
a structure of the same kind: for parameters {"cat": ..., "dog": ...} the gradient is a dict with the same keys, and
at each leaf an array of the shape of the leaf. Here a normal distribution is fitted to each of two made-up kinds of
animals, by `wg.optimize.minimize`, which takes the dict as it is. The arrows point against the adjoints of the two
means at the start, each component in units of its squared width: a step of Newton's method in the means, which ends
in the middle of the animals.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg

COLOURS = {"cat": BLUE, "dog": VERMILION}


def animals() -> dict[str, np.ndarray]:
    """Weight (kg) and height (cm) of 40 made-up cats and 40 made-up dogs: (40, 2) each."""
    rng = np.random.default_rng(9)
    return {
        "cat": rng.normal([4.5, 24.0], [0.9, 1.6], (40, 2)),
        "dog": np.clip(rng.normal([14.0, 42.0], [5.0, 8.0], (40, 2)), [3.0, 18.0], None),
    }


def loss(parameters: dict[str, Any], seen: dict[str, np.ndarray]) -> Any:
    """Mean negative logarithm of the density of two normal distributions, one for each animal."""
    total = 0.0
    for name, x in seen.items():
        p = parameters[name]
        z = (x - p["mean"]) / np.exp(p["log width"])
        total = total + np.mean(0.5 * z**2 + p["log width"])
    return total


def data() -> dict[str, Any]:
    """The parameters at the start with their gradient, and the fitted ones with theirs."""
    seen = animals()
    guess = {"mean": np.array([8.0, 30.0]), "log width": np.log([4.0, 10.0])}
    start = {"cat": guess, "dog": guess}
    fit = wg.optimize.minimize(loss, start, args=(seen,), tol=1e-12, jit=True)
    gradient = lambda parameters: wg.grad(loss)(parameters, seen)
    return {"seen": seen, "start": start, "gradient": gradient(start), "fitted": fit.x, "left": gradient(fit.x)}


def picture(data: dict[str, Any]) -> Any:
    """The animals, the fitted distributions, and where the adjoint of each mean points at the start."""
    figure, ax = canvas(7.2, 4.6)
    angle = np.linspace(0.0, 2.0 * np.pi, 100)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for name, colour in COLOURS.items():
        seen, fitted, start = data["seen"][name], data["fitted"][name], data["start"][name]
        ax.plot(*seen.T, "o" if name == "cat" else "^", color=colour, markersize=5, alpha=0.55, linewidth=0, label=name)
        for radius in (1.0, 2.0):
            ax.plot(*(fitted["mean"] + radius * np.exp(fitted["log width"]) * circle).T, color=colour, linewidth=1.2)
        slope = data["gradient"][name]["mean"]
        tip = start["mean"] - slope * np.exp(2 * start["log width"])
        ax.annotate("", tip, start["mean"], arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.2})
        text = f'gradient["{name}"]["mean"] = [{slope[0]:+.3f}, {slope[1]:+.3f}]'
        ax.text(0.02, 0.97 if name == "cat" else 0.91, text, color=colour, va="top", transform=ax.transAxes)
    ax.plot(*data["start"]["cat"]["mean"], "o", color=GREY, markersize=8, label="start of both means")
    ax.set(xlabel="weight (kg)", ylabel="height (cm)", title="The gradient has the structure of the parameters")
    ax.set(xlim=(1.0, 29.0), ylim=(17.0, 72.0))
    ax.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
