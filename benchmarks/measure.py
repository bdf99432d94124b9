"""Rounds of measurement: every library in turn, so that a slow minute of the machine falls on all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.libraries import LIBRARIES, installed
from benchmarks.program import Program
from benchmarks.worker import Failed, Worker

PASSES = 4  # over all libraries in each round
FILL_S = 0.15  # of each function, in each pass
SLOW_S = 1.0  # a call that takes longer is timed in the first pass of a round alone
SLOW_COMPILE_S = 5.0  # what takes longer to compile is compiled in the first round alone
TIMEOUT_S = 180.0

# {"name", "title", "kind", "results": {library: numbers}, "notes": {library: why there are none}}; numbers are
# {"gradient" and "function": timing.summary, "compile": {"gradient", "function": s}, "memory": bytes, "growth": bytes,
# "traffic": s}: see worker.py
Row = dict[str, Any]
WHATS = ("gradient", "function")


def names(program: Program, only: Sequence[str] = ()) -> list[str]:
    """The libraries in which a program is measured."""
    from benchmarks.program import LIBRARIES as BY_KIND

    asked = only or BY_KIND[program.kind]
    return [name for name in asked if LIBRARIES[name].family in program.families]


def row(program: Program, libraries: Sequence[str], rounds: int, told: Callable[[str], None]) -> Row:
    """Measure a program in some libraries. What fails in one of them is noted, and stops nothing else."""
    measured = _Measured(program, told)
    for name in libraries:
        if name in program.left_out:
            measured.notes[name] = program.left_out[name]
        elif not installed(name):
            measured.notes[name] = "not installed"
    for k in range(rounds):
        measured.round([name for name in libraries if name not in measured.notes], k)
    return measured.row(libraries)


class _Measured:
    """What is known of one program so far."""

    def __init__(self, program: Program, told: Callable[[str], None]) -> None:
        self.program, self.told = program, told
        self.notes: dict[str, str] = {}
        self.samples: dict[tuple[str, str], list[timing.Sample]] = {}
        self.first: dict[tuple[str, str], list[float]] = {}
        self.facts: dict[str, dict[str, Any]] = {}

    def round(self, libraries: list[str], k: int) -> None:
        """A fresh process for each library; only one of them works at a time."""
        libraries = [name for name in libraries if max(self.first.get((name, "gradient"), [0.0])) < SLOW_COMPILE_S]
        workers: dict[str, Worker] = {}
        try:
            results: dict[str, dict[str, list]] = {}
            for name in libraries:
                self.told(f"{self.program.name}: {name} compiles")
                workers[name] = Worker(self.program.name, name)
                self._guarded(name, lambda name=name: results.update({name: self._start(name, workers[name])}))
            if k == 0:
                self.notes |= disagreements(results, self.program.rtol)
            for p in range(PASSES):
                for name in libraries:
                    self.told(f"{self.program.name}: {name}, round {k + 1}")
                    self._guarded(name, lambda name=name, p=p: self._time(name, workers[name], p))
            for name in libraries if k == 0 else ():
                self._guarded(name, lambda name=name: self._memory(name, workers[name]))
        finally:
            for worker in workers.values():
                worker.close()

    def _guarded(self, name: str, work: Callable[[], Any]) -> None:
        if name not in self.notes:
            try:
                work()
            except Failed as error:
                self.notes[name] = f"failed: {error}"

    def _whats(self, name: str) -> tuple[str, ...]:
        return WHATS[1:] if LIBRARIES[name].family == "c" else WHATS

    def _start(self, name: str, worker: Worker) -> dict[str, list]:
        """First calls: their times are kept, their results handed back."""
        results = {}
        for what in self._whats(name):
            seconds, results[what] = worker.ask(TIMEOUT_S, "first", what)
            self.first.setdefault((name, what), []).append(seconds)
        return results

    def _time(self, name: str, worker: Worker, p: int) -> None:
        for what in self._whats(name):
            known = self.samples.setdefault((name, what), [])
            if p == 0 or known[-1].wall_s < SLOW_S:
                known.extend(worker.ask(TIMEOUT_S, "time", what, FILL_S))

    def _memory(self, name: str, worker: Worker) -> None:
        """Bytes, and the time that moving arguments and results takes; times are kept where this fails."""
        if LIBRARIES[name].family == "c":
            return
        self.facts[name] = facts = {}
        for fact in ("growth", "traffic", "memory", "work"):
            try:
                facts[fact] = worker.ask(TIMEOUT_S, fact)
            except Failed as error:
                self.notes[f"{name}, {fact}"] = f"failed: {error}"

    def row(self, libraries: Sequence[str]) -> Row:
        results: dict[str, Any] = {}
        for name in libraries:
            if name in self.notes:
                continue
            numbers: dict[str, Any] = {"compile": {}, **self.facts.get(name, {})}
            for what in self._whats(name):
                numbers[what] = timing.summary(self.samples[name, what])
                if LIBRARIES[name].compiles:
                    numbers["compile"][what] = max(0.0, median(self.first[name, what]) - numbers[what]["wall"])
            results[name] = numbers
        p = self.program
        return {"name": p.name, "title": p.title, "kind": p.kind, "results": results, "notes": self.notes}


def disagreements(results: dict[str, dict[str, list]], rtol: float) -> dict[str, str]:
    """Library -> how its values or gradients differ from the reference's: JAX, or the first that is there."""
    if not results:
        return {}
    reference = "JAX" if "JAX" in results else next(iter(results))
    found = {}
    for name, own in results.items():
        for what, arrays in own.items():
            error = difference(arrays, results[reference].get(what, arrays))
            if not error <= rtol:
                found[name] = f"failed: its {what} differs from {reference}'s by {error:.1e}"
    return found


def difference(these: list[np.ndarray], those: list[np.ndarray]) -> float:
    """The largest difference of any element, relative to the largest of its array; infinity if shapes differ."""
    if [a.shape for a in these] != [b.shape for b in those]:
        return np.inf
    worst = [0.0]
    for a, b in zip(these, those, strict=True):
        scale = max(float(np.max(np.abs(b), initial=0.0)), 1e-300)
        worst.append(float(np.max(np.abs(a - b), initial=0.0)) / scale)
    return float(np.max(worst))  # NaN if any is
