"""Times of several ways to compute the same thing: checked to agree, then timed in turn."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.measure import difference

Call = Callable[[], Any]
PASSES = 4  # over all ways, so that a slow moment of the machine falls on all alike
SLOW_S = 1.0  # a call that takes longer is timed once


def race(calls: dict[str, Call], fill_s: float = 0.6) -> dict[str, float]:
    """Median wall time of each call, in seconds, after one that is not counted: that compiles."""
    taken: dict[str, list[timing.Sample]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(PASSES):
        for name, call in calls.items():
            if not taken[name] or taken[name][0].wall_s < SLOW_S:
                taken[name] += timing.samples(call, fill_s / PASSES)
    return {name: median(s.wall_s for s in samples) for name, samples in taken.items()}


def once(call: Call) -> float:
    """Wall time of a single call, in seconds: of what is done once and kept."""
    return timing.timed(call).wall_s


def agree(results: dict[str, Any], rtol: float = 1e-9) -> None:
    """All results are the first one, up to rtol of its largest element. Raises AssertionError that names the other."""
    (first, want), *others = results.items()
    for name, found in others:
        error = difference(arrays(found), arrays(want))
        if not error <= rtol:
            raise AssertionError(f"{name} differs from {first} by {error:.1e}")


def arrays(result: Any) -> list[np.ndarray]:
    """A result, flat, as NumPy arrays; sparse matrices are what they would be if they were dense."""
    if isinstance(result, dict):
        return [a for key in sorted(result) for a in arrays(result[key])]
    if isinstance(result, tuple | list):
        return [a for part in result for a in arrays(part)]
    return [np.asarray(result.toarray() if hasattr(result, "toarray") else result)]
