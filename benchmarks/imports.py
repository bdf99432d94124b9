"""Import time: what `import library` adds after NumPy, each time in a fresh process."""

from __future__ import annotations

import subprocess
import sys

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


def seconds(shown: str) -> float:
    """One measurement, in a process of its own."""
    program = _PROGRAM.format(package=MODULES[shown])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout)
