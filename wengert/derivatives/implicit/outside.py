"""outside: what a solver computes on plain arrays, as one primitive; its derivative is said by whoever applies it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...core.primitive import Constant, Primitive, Sample
from ...core.types import ArrayType


class Job:
    """What is done outside of programs: `run(*arrays) -> list of arrays`, and the types of its results."""

    def __init__(self, run: Callable[..., Sequence[Any]], types: Sequence[ArrayType], name: str) -> None:
        self.run, self.types, self.__name__ = run, list(types), name

    def __call__(self, *args: Any) -> list[Any]:
        """The results, in their types."""
        pairs = zip(self.run(*args), self.types, strict=True)
        return [np.asarray(y, t.dtype).reshape(t.shape)[()] for y, t in pairs]


class Lanes(Job):
    """The same for each lane of a vmap, one after the other."""

    def __init__(self, job: Job, size: int, batched: Sequence[bool]) -> None:
        def run(*args: Any) -> list[Any]:
            rows = [job(*(a[k] if on else a for a, on in zip(args, batched, strict=True))) for k in range(size)]
            return [np.array(ys) for ys in zip(*rows, strict=True)] if rows else [np.zeros(0) for _ in job.types]

        super().__init__(run, [ArrayType((size, *t.shape), t.dtype) for t in job.types], job.__name__)


def _batch(size: int, batched: Sequence[bool], *args: Any, job: Job) -> Any:
    ys = outside(*args, job=Lanes(job, size, batched))
    return ys, [True] * len(ys)


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    job = Job(lambda a, b: [np.floor(a) + np.floor(b)], [ArrayType((3,), np.float64)], "floors")
    yield Sample((rng.normal(size=3), rng.normal(size=3)), {"job": job})


outside = Primitive(
    "outside",
    lambda *args, job: job(*args),
    Constant(),
    type_rule=lambda *types, job: job.types,
    batch=_batch,
    samples=_samples,
    multiple=True,
)
