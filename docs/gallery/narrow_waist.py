r"""An arbitrary graph: neither mode is the best.

Forward mode multiplies the Jacobians of a program from the right, reverse mode from the left. In between there are as
many orders as ways to put brackets. Here n inputs are squeezed into two numbers, and n outputs are made of them: the
Jacobian is a product of an n × 2 and a 2 × n matrix. Each mode on its own makes n passes. Two reverse passes for the
first half and two forward ones for the second, multiplied, make four.

Which order is the best for an arbitrary graph is a hard problem (NP-complete; Naumann, 2008). Where you know the
waist, say so: `wg.jacrev` of what is before it, `wg.jacfwd` of what comes after.
"""

import time
from typing import Any

import numpy as np
from pictures import BLUE, GREEN, VERMILION, canvas, save

import wengert as wg

SIZES = (10, 30, 100, 300, 1000)
NAMES = {"forward": (BLUE, "o"), "reverse": (VERMILION, "s"), "both, to the waist": (GREEN, "D")}


def squeeze(x: Any) -> Any:
    """(n,) -> (2,)."""
    return np.stack([np.sum(np.sin(x)), np.sum(x**2) / x.size])


def spread(w: Any, n: int) -> Any:
    """(2,) -> (n,)."""
    t = np.linspace(0.0, 1.0, n)
    return np.exp(-t * w[1]) * np.cos(t * w[0])


def jacobians(n: int) -> dict[str, Any]:
    """For each way a function that computes the Jacobian."""
    f = lambda x: spread(squeeze(x), n)
    halves = lambda x: wg.jacfwd(lambda w: spread(w, n))(squeeze(x)) @ wg.jacrev(squeeze)(x)
    return {"forward": wg.jacfwd(f), "reverse": wg.jacrev(f), "both, to the waist": halves}


def seconds(run: Any) -> float:
    """The shortest of several runs, in seconds of this process."""
    taken = []
    for _ in range(5):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return max(min(taken), 1e-6)


def data(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Passes, seconds, and for the smallest size the Jacobians."""
    times = {name: [] for name in NAMES}
    for n in sizes:
        x = np.linspace(-1.0, 1.0, n)
        for name, J in jacobians(n).items():
            times[name].append(seconds(lambda J=J, x=x: J(x)))
    x = np.linspace(-1.0, 1.0, sizes[0])
    n = np.array(sizes)
    return {
        "n": n,
        "passes": {"forward": n, "reverse": n, "both, to the waist": np.full(n.size, 4)},
        "seconds": {name: np.array(column) for name, column in times.items()},
        "jacobians": {name: J(x) for name, J in jacobians(sizes[0]).items()},
    }


def picture(data: dict[str, Any]) -> Any:
    """Passes and time against n."""
    figure, axes = canvas(9.0, 3.9, ncols=2)
    for name, (colour, marker) in NAMES.items():
        size = 10 if name == "forward" else 6  # forward and reverse make the same number of passes
        axes[0].loglog(data["n"], data["passes"][name], marker + "-", color=colour, label=name, markersize=size)
        axes[1].loglog(data["n"], 1e3 * data["seconds"][name], marker + "-", color=colour, label=name)
    axes[0].set(title="n inputs, 2 in the middle, n outputs", ylabel="passes")
    axes[1].set(title="time of the Jacobian", ylabel="milliseconds")
    for ax in axes:
        ax.set(xlabel="n")
    axes[0].legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
