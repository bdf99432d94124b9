"""Forward or reverse: the time of a Jacobian with 100 inputs against the number of outputs, in both modes.

    python docs/gallery/mode_crossover.py [folder]

Forward mode computes n = 100 columns, reverse mode m rows; a row and a column cost about the same. So the curves cross
near m = n, and `wg.jacobian(f)` takes the lower one by counting, before it has measured anything.
"""

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import wengert as wg

INPUTS, LAYERS = 100, 4
OUTPUTS = (1, 3, 10, 30, 100, 300, 1000)


class Data(NamedTuple):
    """For each number of outputs: seconds in both modes, and what wg.jacobian chose and why."""

    outputs: np.ndarray
    forward: np.ndarray
    reverse: np.ndarray
    choices: list[Any]

    @property
    def crossover(self) -> float:
        """The number of outputs from which on forward mode is the faster, interpolated between measured ones."""
        lead = np.log(self.forward / self.reverse)
        k = int(np.argmax(lead < 0))
        if k == 0:
            return float("nan")
        return float(np.exp(np.interp(0, [-lead[k - 1], -lead[k]], np.log(self.outputs[k - 1 : k + 1]))))


def network(outputs: int) -> Any:
    """Four layers of width 100 and one of `outputs`, of tanh: (100,) -> (outputs,)."""
    rng = np.random.default_rng(25)
    weights = [rng.normal(size=(INPUTS, INPUTS)) / 10 for _ in range(LAYERS)] + [rng.normal(size=(outputs, INPUTS))]

    def f(x: Any) -> Any:
        for w in weights:
            x = np.tanh(w @ x)
        return x

    return f


def seconds(run: Any, repeats: int) -> float:
    """The shortest of several runs, in seconds of this process."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def data(outputs: tuple[int, ...] = OUTPUTS, repeats: int = 20) -> Data:
    """Measure both modes."""
    x = np.linspace(-1, 1, INPUTS)
    rows = []
    for m in outputs:
        f = network(m)
        times = [
            seconds(lambda mode=mode, f=f: wg.jacobian(f, mode=mode)(x), repeats) for mode in ("forward", "reverse")
        ]
        rows.append((*times, wg.jacobian(f).choice(x)))
    forward, reverse, choices = zip(*rows, strict=True)
    return Data(np.array(outputs), np.array(forward), np.array(reverse), list(choices))


def figures() -> dict[str, Any]:
    """The picture."""
    import matplotlib.pyplot as plt

    d = data()
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axes.loglog(d.outputs, 1e3 * d.forward, "o-", color="#3b6fb6", label="forward: 100 columns")
    axes.loglog(d.outputs, 1e3 * d.reverse, "s-", color="#c1502e", label="reverse: one row for each output")
    chosen = [f if c.mode == "forward" else r for f, r, c in zip(d.forward, d.reverse, d.choices, strict=True)]
    axes.loglog(d.outputs, 1e3 * np.array(chosen), "k.", markersize=22, fillstyle="none", label='what mode="auto" took')
    axes.axvline(d.crossover, color="0.6", linewidth=1, linestyle="--")
    axes.annotate(f"m = {d.crossover:.0f}", (d.crossover, axes.get_ylim()[0]), (4, 6), textcoords="offset points")
    axes.set(xlabel="outputs m", ylabel="time of the Jacobian (ms)", title=f"Jacobian of {INPUTS} inputs and m outputs")
    axes.legend()
    return {"mode_crossover": figure}


def main(folder: str = ".") -> None:
    """Write the picture."""
    for name, figure in figures().items():
        figure.savefig(Path(folder) / f"{name}.svg")


if __name__ == "__main__":
    main(*sys.argv[1:2])
