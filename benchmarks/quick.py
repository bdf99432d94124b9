"""`python -m benchmarks.programs.NAME`: one program in one library, called again and again, for a profiler.

python -m benchmarks.programs.gmm --library wengert --seconds 5
"""

from __future__ import annotations

import argparse
import time

from benchmarks import timing
from benchmarks.libraries import LIBRARIES
from benchmarks.program import Program


def main(program: Program) -> None:
    """Compile, then call the gradient (or the function) for some seconds; print what it took."""
    parser = argparse.ArgumentParser(description=program.title)
    parser.add_argument("--library", default="wengert", choices=list(LIBRARIES))
    parser.add_argument("--seconds", type=float, default=1.0, help="how long to call it")
    parser.add_argument("--function", action="store_true", help="the function alone, not its gradient")
    parser.add_argument("--memory", action="store_true", help="also ask the library for the gradient's peak memory")
    options = parser.parse_args()
    timing.pin()
    library = LIBRARIES[options.library]()
    subject = program.families[library.family](program.data())
    call = library.function(subject) if options.function else library.gradient(subject)
    start = time.perf_counter()
    call()
    first = time.perf_counter() - start
    taken = timing.summary(timing.samples(call, options.seconds))
    what = "function" if options.function else "gradient"
    print(f"{program.title}: {what} in {library.name}")
    print(f"  first call {first:.3g} s, then median {taken['wall']:.4g} s, minimum {taken['wall_min']:.4g} s", end="")
    print(f" (processor time {taken['cpu_min']:.4g} s)")
    if options.memory:
        print(f"  peak memory of the gradient {library.memory(subject)} bytes")
