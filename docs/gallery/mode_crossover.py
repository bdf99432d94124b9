r"""Forward or reverse: where the two modes cross.

Forward mode computes the Jacobian of n inputs and m outputs in n columns, reverse mode in m rows; a column and a row
cost about the same. So with n = 100 inputs the curves cross near m = 100, and `wg.jacobian(f)` takes the lower one: by
counting operations and bytes, before it has measured anything.

(With few outputs both curves are flat: all columns, or rows, go through one NumPy operation at a time, and starting it
takes longer than its work.)
"""

import time
from typing import Any, NamedTuple

import numpy as np
from pictures import BLACK, BLUE, GREY, VERMILION, canvas, save

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


def picture(d: Data) -> Any:
    """Time of both modes against the number of outputs, and which one was taken."""
    figure, ax = canvas(7.0, 4.4)
    ax.loglog(d.outputs, 1e3 * d.forward, "o-", color=BLUE, label="forward: 100 columns")
    ax.loglog(d.outputs, 1e3 * d.reverse, "s-", color=VERMILION, label="reverse: a row for each output")
    chosen = [f if c.mode == "forward" else r for f, r, c in zip(d.forward, d.reverse, d.choices, strict=True)]
    ax.loglog(d.outputs, 1e3 * np.array(chosen), "o", color=BLACK, markersize=15, fillstyle="none",
              label="taken by wg.jacobian")  # fmt: skip
    ax.axvline(d.crossover, color=GREY, linewidth=1, linestyle=":")
    ax.text(d.crossover * 1.06, ax.get_ylim()[0] * 1.1, f"m = {d.crossover:.0f}", color=GREY)
    ax.set(xlabel="outputs m", ylabel="time of the Jacobian (ms)")
    ax.set_title("Jacobian of 100 inputs and m outputs")
    ax.legend()
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
