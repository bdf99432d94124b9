"""A callback that shows how a minimisation goes, and can stop it."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO


class Progress:
    """A line in the terminal with the step, the value and the time: `gradient_descent(f, x0, callback=Progress())`.

    every: seconds between two reports. limit: seconds after which the run is stopped. file: where the line goes; a
    terminal gets one line that is written over, a file a line for each report.

    >>> import sys
    >>> import numpy as np
    >>> from wengert import optimize
    >>> bar = optimize.Progress(every=0.0, file=sys.stdout)
    >>> _ = optimize.gradient_descent(lambda x: np.sum(x**2), np.ones(2), step=0.25, steps=2, callback=bar)
    step 0  f = 2  (... s)
    step 1  f = 0.5  (... s)
    step 2  f = 0.125  (... s)
    """

    def __init__(self, every: float = 0.5, limit: float | None = None, file: TextIO | None = None) -> None:
        self.every, self.limit, self.file = every, limit, file or sys.stderr
        self.start = self.shown = -float("inf")

    def __call__(self, k: int, x: Any, value: float) -> bool:
        now = time.perf_counter()
        if k == 0 or self.start < 0.0:
            self.start = now
        if now - self.shown >= self.every:
            self.shown = now
            line = f"step {k:,}  f = {value:.6g}  ({now - self.start:.1f} s)"
            self.file.write(f"\r\x1b[2K{line}" if self.file.isatty() else f"{line}\n")
            self.file.flush()
        return self.limit is not None and now - self.start > self.limit
