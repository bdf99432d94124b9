"""The allocator's memory: keep what was freed, since the next gradient will ask for arrays of the same sizes again."""

from __future__ import annotations

import numpy as np


def keep_freed_memory() -> None:
    """Let the C library keep up to 64 MB of freed memory rather than hand it back to the system after every gradient.

    Arrays between 128 kB and 32 MB that a tape holds are freed together when it ends; glibc then returns their pages,
    and the next gradient pays for every page anew, which can cost four times the arithmetic. glibc raises both of its
    thresholds (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD) to the size of the largest block that was freed: so one block
    just below its limit of 32 MB is asked for and freed, untouched, which takes microseconds and no memory. Other C
    libraries are unaffected.
    """
    block = np.empty(2**25 - 2**16, np.uint8)
    del block
