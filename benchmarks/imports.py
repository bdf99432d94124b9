"""Import time: what `import library` adds after NumPy, each time in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median

from benchmarks.libraries import installed
from benchmarks.measure import Row

_PROGRAM = """
import os, numpy, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {{max(os.sched_getaffinity(0))}})
start = time.process_time()
import {package}
print(time.process_time() - start)
"""
MODULES = {
    "wengert": "wengert",
    "autograd": "autograd, autograd.numpy",
    "PyTorch": "torch",
    "JAX": "jax, jax.numpy",
}


def row(rounds: int, told: Callable[[str], None]) -> Row:
    """Median over rounds, of the libraries that are there."""
    notes = {name: "not installed" for name in MODULES if not installed(name)}
    taken: dict[str, list[float]] = {name: [] for name in MODULES}
    for _ in range(rounds + 1):
        for name in MODULES:
            told(f"import: {name}")
            if name not in notes:
                try:
                    taken[name].append(seconds(name))
                except subprocess.CalledProcessError as error:
                    notes[name] = f"failed: {error.stderr.strip().splitlines()[-1]}"
    # the first import reads the disk, and is dropped
    results = {name: {"import": {"cpu": median(taken[name][1:])}} for name in MODULES if name not in notes}
    return {"name": "import", "title": "import, beyond NumPy", "kind": "import", "results": results, "notes": notes}


def seconds(shown: str) -> float:
    """One measurement, in a process of its own."""
    program = _PROGRAM.format(package=MODULES[shown])
    # An installed package has its bytecode; a source tree must be let write it, or compiling would be timed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout)
