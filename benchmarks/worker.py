"""One process for one program in one library: compiles it, hands back results, times it when asked."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timing

CACHES = ("XDG_CACHE_HOME", "WENGERT_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


class Failed(RuntimeError):
    """A library could not do what was asked: why, in a line."""


class _Bench:
    """The worker's end: one program, built for one library."""

    def __init__(self, program: str, library: str) -> None:
        from benchmarks.libraries import LIBRARIES
        from benchmarks.programs import program as find

        self.program, self.library = find(program), LIBRARIES[library]()
        self.subject = self.program.families[self.library.family](self.program.data())
        self.calls: dict[str, Any] = {}

    def first(self, what: str) -> tuple[float, list]:
        """Seconds of the first call, and its result."""
        if not self.calls:
            self.library.warm()
        start = time.perf_counter()
        call = self.calls[what] = getattr(self.library, what)(self.subject)
        result = call()
        seconds = time.perf_counter() - start
        if what == "gradient":
            result = self.subject.canonical(result)
        return seconds, self.library.arrays(result)

    def time(self, what: str, fill_s: float) -> list[timing.Sample]:
        return timing.samples(self.calls[what], fill_s)

    def memory(self) -> int | None:
        return self.library.memory(self.subject)

    def work(self) -> dict[str, float] | None:
        return self.library.work(self.subject)

    def traffic(self) -> float:
        """Seconds to copy as many bytes as the gradient's arguments and results have: no library can be faster."""
        arrays = [*self.library.arrays(self.subject.args), *self.library.arrays(self.calls["gradient"]())]
        half = np.zeros(sum(a.nbytes for a in arrays) // 2, np.uint8)
        copy = np.empty_like(half)
        return min(timing.samples(lambda: np.copyto(copy, half), 0.05)).wall_s

    def growth(self) -> int | None:
        return _growth(self.calls["gradient"])


def _growth(call: Any) -> int | None:
    """By how much one call raises this process' resident memory above what it is before, in bytes; None if unknown."""
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    except OSError:
        return None

    def kilobytes(key: str) -> int:
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))

    before = kilobytes("VmRSS")
    result = call()
    peak = kilobytes("VmHWM")
    del result
    return max(0, peak - before) * 1024


def _serve(program: str, library: str, pipe: Connection) -> None:
    """Answer (name of a method of _Bench, arguments) until None comes."""
    timing.pin()
    with tempfile.TemporaryDirectory() as folder:  # compilers find nothing that an earlier process left
        os.environ.update(dict.fromkeys(CACHES, folder))
        bench: _Bench | None = None
        while (request := pipe.recv()) is not None:
            method, args = request
            try:
                bench = bench or _Bench(program, library)
                pipe.send((True, getattr(bench, method)(*args)))
            except Exception as error:
                first_line = (str(error).strip().splitlines() or [""])[0]
                pipe.send((False, f"{type(error).__name__}: {first_line}"))


class Worker:
    """The parent's end of such a process."""

    def __init__(self, program: str, library: str) -> None:
        context = mp.get_context("spawn")  # nothing of this process is inherited but the environment
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=_serve, args=(program, library, end), daemon=True)
        self._process.start()
        end.close()

    def ask(self, timeout_s: float, method: str, *args: Any) -> Any:
        """The answer; Failed if there is none."""
        try:
            self._pipe.send((method, args))
            if not self._pipe.poll(timeout_s):
                self.close()
                raise Failed(f"more than {timeout_s:.0f} s")
            worked, answer = self._pipe.recv()
        except (EOFError, OSError):
            raise Failed("its process ended") from None
        if not worked:
            raise Failed(answer)
        return answer

    def close(self) -> None:
        """End the process, at once if it is busy."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()
