"""Import time: what `import library` adds after NumPy, each time in a fresh process."""

from __future__ import annotations

import os
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
    # An installed package has its bytecode; a source tree must be let write it, or compiling would be timed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout)
