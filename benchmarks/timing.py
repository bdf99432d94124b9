"""How a time is taken: one core, one thread, wall and processor time of calls that fill a fixed time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
XLA_FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class Sample(NamedTuple):
    """The mean time of one call, over a few calls."""

    wall_s: float
    cpu_s: float


def one_thread() -> None:
    """Ask every numerical library for one thread; call before they are imported (children inherit it)."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    os.environ["XLA_FLAGS"] = XLA_FLAGS


def pin() -> int | None:
    """Tie this process to the last core it may use; returns which. None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def timed(call: Callable[[], Any], count: int = 1) -> Sample:
    """Time of one call: the mean over `count` of them.

    Processor time is that of all threads of this process together: on one core it is what the call takes when nothing
    else runs. Wall time is what a user waits.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        call()
    return Sample((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)


def samples(call: Callable[[], Any], fill_s: float = 0.4, sample_s: float = 0.01) -> list[Sample]:
    """Samples of at least `sample_s` each, as many as fill `fill_s` seconds; at least one."""
    taken = [timed(call)]
    count = max(1, round(sample_s / max(taken[0].wall_s, 1e-9)))
    if count > 1:  # one call was too short for the clock, and the first of all is no measure
        taken = [timed(call, count)]
        count = max(1, round(sample_s / max(taken[0].wall_s, 1e-9)))
    while sum(s.wall_s for s in taken) * count < fill_s:
        taken.append(timed(call, count))
    return taken


def summary(taken: list[Sample]) -> dict[str, float]:
    """Median and minimum, in seconds."""
    wall, cpu = zip(*taken, strict=True)
    return {"wall": median(wall), "wall_min": min(wall), "cpu": median(cpu), "cpu_min": min(cpu), "samples": len(taken)}
