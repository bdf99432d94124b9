"""What a plan takes once it is compiled: fused loops hold what they read to their end, and need fewer temporaries."""

from __future__ import annotations

from typing import Any

from ...compile.memory import Memory
from ...compile.stages import Stages
from ...core.dataflow import renamed
from ...core.program import Program
from ...primitives.planned import Halves


def compiled_bytes(halves: Halves) -> int:
    """The peak of the compiled program x, y_bar -> y, x_bar, found without compiling it."""
    first, back = halves.first, halves.back
    n, y_bars = len(first.inputs), len(back.inputs) - len(first.inputs)
    kept = len(back.inputs) - n - sum(halves.outs)
    results = first.outputs[: len(first.outputs) - kept]
    bars = back.inputs[n + kept :]
    names: dict[Any, Any] = dict(
        zip(back.inputs[: n + kept], [*first.inputs, *first.outputs[len(results) :]], strict=True)
    )
    names.update((v, v) for v in (*bars, *(v for v, _ in back.constants)))
    equations = [*first.equations, *renamed(back.equations, names)]
    constants = [*first.constants, *(c for c in back.constants if c[0] not in {v for v, _ in first.constants})]
    outputs = [*results, *(names.get(a, a) for a in back.outputs)]
    assert y_bars == kept + len(bars)
    return int(Memory.of(Stages(Program([*first.inputs, *bars], constants, equations, outputs, name=first.name))))
