"""Rounds of measurement: every library in turn, so that a slow minute of the machine falls on all alike."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy

from benchmarks import imports
from benchmarks.cases import CASES, Case
from benchmarks.libraries import LIBRARIES, installed
from benchmarks.worker import Worker

# {"case", "group", "seconds": {library: s}, "ratio": {library: gradient/primal}, "notes": {library: why not}}
Row = dict


def all_rows(rounds: int, advance: Callable[[str], None], only: str = "") -> list[Row]:
    """Measure every case whose name or group contains `only`."""
    workers = {shown: Worker(shown) for shown in LIBRARIES if installed(shown)}
    try:
        rows = [
            _row(i, case, workers, rounds, advance)
            for i, case in enumerate(CASES)
            if only in case.name or only in case.group
        ]
    finally:
        for worker in workers.values():
            worker.close()
    if only in "import":
        rows.append(_import_row(rounds, advance))
    return rows


def _row(i: int, case: Case, workers: dict[str, Worker], rounds: int, advance: Callable[[str], None]) -> Row:
    row: Row = {"case": case.name, "group": case.group, "seconds": {}, "ratio": {}, "notes": {}}
    row["notes"] |= {shown: "absent" for shown in case.libraries if shown not in workers}
    gradients = {}
    for shown in case.libraries:
        if shown in workers:
            try:
                gradients[shown] = workers[shown].ask("gradient", i)
            except RuntimeError as error:
                row["notes"][shown] = f"failed: {error}"
    _check_agreement(case, gradients)
    times: dict[str, list] = {shown: [] for shown in gradients}
    for _ in range(rounds):
        for shown in gradients:
            times[shown].append(workers[shown].ask("ratio" if case.ratio else "time", i))
    for shown, taken in times.items():
        row["seconds"][shown] = median(t[0] for t in taken) if case.ratio else median(taken)
        if case.ratio:
            row["ratio"][shown] = median(gradient / primal for gradient, primal in taken)
    advance(case.name)
    return row


def _check_agreement(case: Case, gradients: dict[str, list[numpy.ndarray]]) -> None:
    """All libraries must give one gradient; the first of them is the measure."""
    if not gradients:
        return
    reference_name, reference = next(iter(gradients.items()))
    for shown, gradient in gradients.items():
        for a, b in zip(gradient, reference, strict=True):
            scale = max(float(numpy.max(numpy.abs(b))), 1e-300)
            error = float(numpy.max(numpy.abs(a - b))) / scale
            if not error <= case.rtol:
                raise SystemExit(f"{case.name}: the gradients of {shown} and {reference_name} differ by {error:.1e}")


def _import_row(rounds: int, advance: Callable[[str], None]) -> Row:
    row: Row = {"case": "import, beyond NumPy", "group": "import", "seconds": {}, "ratio": {}, "notes": {}}
    present = [shown for shown in imports.MODULES if installed(shown)]
    row["notes"] |= {shown: "absent" for shown in imports.MODULES if shown not in present}
    times = {shown: [imports.seconds(shown)] for shown in present}  # the first reads the disk, and is dropped
    for _ in range(rounds):
        for shown in present:
            times[shown].append(imports.seconds(shown))
    row["seconds"] = {shown: median(taken[1:]) for shown, taken in times.items()}
    advance("import")
    return row
