"""The memory of GPT-2's training step, planned from shapes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.structure.rows import Row, Target

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
BATCH, SEQUENCE, BUDGET = 32, 1024, 8e9
PIECES = 16  # of the batch, for which the vocabulary's logits are made one after another


def rows() -> list[Row]:
    """What is kept without a budget and with one, by the model of ZeRO's section 3.2 and exactly."""
    sys.path.insert(0, str(GALLERY))
    import gpt2

    c = gpt2.CONFIGS["1.5B"]
    start = time.perf_counter()
    plan = gpt2.planned("1.5B", BATCH, SEQUENCE, BUDGET, pieces=PIECES)
    seconds = time.perf_counter() - start
    zero = gpt2.zero_bytes(c, SEQUENCE, BATCH)
    kept = {
        "ZeRO, section 3.2": zero,
        "scores of attention": gpt2.score_bytes(c, SEQUENCE, BATCH),
        "whole": plan.unlimited_kept,
        "planned": plan.kept,
    }
    targets = (
        Target("gigabytes by ZeRO's count", round(zero / 1e9, 1), "equal to", 60.4),
        Target("gigabytes planned", plan.kept / 1e9, "at most", 8.0),
        Target("extra work", plan.extra, "at most", 0.33),
    )
    note = "whole: everything that the gradient keeps, attention's scores too; half precision"
    title = f"GPT-2 1.5B, batch {BATCH}, sequence {SEQUENCE}"
    return [
        Row(title, "bytes", kept, targets, note),
        Row(
            f"{title}: tracing and planning", "s", {"wengert": seconds}, (Target("seconds", seconds, "at most", 30.0),)
        ),
    ]
