"""One module of the table, measured in a process of its own."""

from __future__ import annotations

import importlib
import multiprocessing as mp
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

from benchmarks import timing
from benchmarks.structure.rows import Row
from benchmarks.worker import CACHES


class Part(NamedTuple):
    """What a module measured. failed: why there are no rows, or ""."""

    name: str
    heading: str
    rows: list[Row]
    failed: str


def part(name: str) -> Part:
    """Measure a module in a fresh process, pinned to one core."""
    try:
        with ProcessPoolExecutor(1, mp.get_context("spawn")) as pool:
            return pool.submit(_measured, name).result()
    except BrokenProcessPool:
        return Part(name, name, [], "its process ended")


def _measured(name: str) -> Part:
    timing.pin()
    with tempfile.TemporaryDirectory() as folder:  # compilers find nothing that an earlier process left
        os.environ.update(dict.fromkeys(CACHES, folder))
        heading = name
        try:
            module = importlib.import_module(f"benchmarks.structure.{name}")
            heading = (module.__doc__ or name).splitlines()[0].rstrip(".")
            return Part(name, heading, module.rows(), "")
        except Exception as error:  # the others are measured all the same
            first = (str(error).strip().splitlines() or [""])[0]
            return Part(name, heading, [], f"{type(error).__name__}: {first}")
