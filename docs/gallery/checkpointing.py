r"""Checkpoints: memory against recomputation in a long loop.

Reverse mode goes back through a loop with the values that the rounds computed on the way there. All of them are kept,
or the carry of every k-th round only: then k rounds are run again at a time, for one more run of the loop. Here a
carry is two rows of numbers (positions and velocities), and a round that is kept one row (of cosines), so that
$2n/k + k$ rows are in memory instead of n. `wg.scan(..., checkpoint=k)` does this; `checkpoint=True` takes
$k = \sqrt n$. The bytes are known before anything runs: they are planned by `wg.jit(f).memory(x)`.
"""

import time
from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

import wengert as wg

ROUNDS, SIZE = 4096, 400
EVERY = (0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # 0: no checkpoints, all rounds are kept


def oscillators(every: int) -> Any:
    """The energy of damped oscillators after ROUNDS steps of time, as a function of their positions at the start."""

    def step(state: Any, _: Any) -> Any:
        x, v = state
        v = v - 0.01 * (np.sin(x) + 0.1 * v)
        return (x + 0.01 * v, v), None

    def energy(x: Any) -> Any:
        (x, v), _ = wg.scan(step, (x, np.zeros(SIZE)), length=ROUNDS, checkpoint=every)
        return np.sum(1 - np.cos(x) + v**2 / 2)

    return energy


def data() -> dict[str, Any]:
    """For each schedule the planned peak in bytes, the seconds of a gradient, and the gradient."""
    x = np.linspace(0.1, 2.0, SIZE)
    rows = []
    for every in EVERY:
        gradient = wg.jit(wg.grad(oscillators(every)))
        peak, slope = int(gradient.memory(x)), gradient(x)
        seconds = []
        for _ in range(2):
            start = time.process_time()
            gradient(x)
            seconds.append(time.process_time() - start)
        rows.append((peak, min(seconds), slope))
    bytes_, seconds, slopes = zip(*rows, strict=True)
    return {
        "every": np.array(EVERY),
        "bytes": np.array(bytes_),
        "seconds": np.array(seconds),
        "slopes": np.array(slopes),
    }


def picture(data: dict[str, Any]) -> Any:
    """Bytes and time against k; without checkpoints at the left."""
    figure, (top, bottom) = canvas(7.0, 5.2, nrows=2, sharex=True, height_ratios=[1.5, 1])
    k, megabytes = data["every"][1:], data["bytes"] / 1e6
    top.loglog(k, megabytes[1:], "o-", color=BLUE, label="planned peak")
    rows = 2 * ROUNDS / k + k  # two for each checkpoint, one for each round that is run again
    top.loglog(k, 8e-6 * SIZE * rows, "--", color=GREY, linewidth=1.4, label=r"theory: $2n/k + k$ rows")
    top.axhline(megabytes[0], color=VERMILION, linewidth=1.4)
    top.text(k[-1], megabytes[0] * 0.8, "all rounds kept", color=VERMILION, ha="right", va="top")
    top.set(ylabel="megabytes", title=f"A gradient through {ROUNDS} rounds on {SIZE} oscillators")
    top.legend(loc="lower left")
    bottom.semilogx(k, 1e3 * data["seconds"][1:], "o-", color=BLUE)
    bottom.axhline(1e3 * data["seconds"][0], color=VERMILION, linewidth=1.4)
    bottom.text(k[-1], 0.93e3 * data["seconds"][0], "all rounds kept", color=VERMILION, ha="right", va="top")
    bottom.set(ylabel="milliseconds", xlabel="a checkpoint every k rounds", ylim=(0, None))
    bottom.set_xticks(k, [str(n) for n in k])
    bottom.minorticks_off()
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
