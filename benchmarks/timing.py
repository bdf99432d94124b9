"""How a time is taken: one core, one thread, processor time, the mean over calls that fill a fixed time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def one_thread() -> None:
    """Ask every numerical library for one thread; call before they are imported (children inherit it)."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def pin() -> int | None:
    """Tie this process to the last core it may use; returns which. None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def seconds_per_call(call: Callable[[], object], fill_s: float = 0.04) -> float:
    """Mean time of one call, over as many calls as fill `fill_s` seconds (at least one).

    The time is that of the processor, all threads of this process together: on one core it is the time that the
    call takes when nothing else runs, and other programs do not count.
    """
    start = time.process_time()
    call()
    once = time.process_time() - start
    count = max(1, int(fill_s / max(once, 1e-9)))
    start = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - start) / count
