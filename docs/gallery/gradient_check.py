r"""A gradient check that catches a rule wrong by 0.05 percent.

For a random unit vector $\delta$, the difference
$(f(x + \varepsilon\delta) - f(x - \varepsilon\delta)) / 2\varepsilon$ and the inner product
$\nabla f(x) \cdot \delta$ are two ways to the same number: one needs only f, the other only the gradient. While the
step shrinks, their discrepancy falls as $\varepsilon^2$ if the gradient is right. If it is wrong, the discrepancy
comes to rest at the size of the mistake, and there is no doubt about which of the two it is.

Here the sine has a rule of its own, once right and once wrong by a factor of 1.0005. `wg.check_grads` does this for
every argument, in both modes and to any order, and names the argument and the element that are wrong.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg

X = np.array([0.3, -1.2, 2.0, 0.7])


def sine(factor: float) -> Any:
    """np.sin with a derivative that is `factor` times the right one."""
    rule = wg.custom_jvp(np.sin)
    rule.defjvp(lambda primals, tangents: (np.sin(primals[0]), factor * np.cos(primals[0]) * tangents[0]))
    return rule


def function(factor: float) -> Any:
    s = sine(factor)
    return lambda x: np.sum(s(x) * np.exp(-0.1 * x) + x * x[::-1])


def data() -> dict[str, Any]:
    """For steps and directions: the discrepancy of a right and of a wrong gradient; and what check_grads says."""
    rng = np.random.default_rng(4)
    directions = [d / np.linalg.norm(d) for d in rng.standard_normal((12, X.size))]
    steps = np.logspace(-10, 0, 41)
    found = {}
    for name, factor in (("right", 1.0), ("wrong", 1.0005)):
        f = function(factor)
        g = wg.grad(f)(X)
        differences = np.array([[(f(X + e * d) - f(X - e * d)) / (2 * e) for e in steps] for d in directions])
        found[name] = abs(differences - (np.array(directions) @ g)[:, None])
    wg.check_grads(function(1.0), (X,))
    try:
        wg.check_grads(function(1.0005), (X,))
        report = ""
    except wg.errors.GradientCheckError as error:
        report = str(error)
    mistake = abs(np.array(directions) @ (0.0005 * np.cos(X) * np.exp(-0.1 * X)))
    return {"steps": steps, "discrepancy": found, "mistake": mistake, "report": report}


def picture(data: dict[str, Any]) -> Any:
    """The median discrepancy over the directions, and their range."""
    figure, ax = canvas(7.0, 4.2)
    for name, colour in (("right", BLUE), ("wrong", VERMILION)):
        low, middle, high = np.quantile(np.maximum(data["discrepancy"][name], 1e-13), [0.1, 0.5, 0.9], axis=0)
        ax.fill_between(data["steps"], low, high, color=colour, alpha=0.15, linewidth=0)
        label = "the right gradient" if name == "right" else "a rule of the sine wrong by 0.05 %"
        ax.loglog(data["steps"], middle, color=colour, label=label)
    ax.axhline(np.median(data["mistake"]), color=GREY, linewidth=1, linestyle=":")
    ax.text(1.3e-10, 1.25 * np.median(data["mistake"]), "the mistake itself", color=GREY)
    ax.set(xlabel=r"step $\varepsilon$ along a random unit vector", ylabel="discrepancy", xlim=(1e-10, 1))
    ax.set_title("A wrong gradient does not come closer when the step shrinks")
    ax.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
