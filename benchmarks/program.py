"""What is measured: a program, written once for each library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Data = dict[str, Any]  # arrays and numbers

# Kind of a program -> the libraries in which it is measured, as far as it is written for them.
COMPILED = ("wengert", "JAX", "PyTorch", "PyTorch compiled", "autograd", "C")
LIBRARIES = {
    "array": COMPILED,
    "loop": COMPILED,
    "sparse": COMPILED,
    "call": COMPILED,
    "eager": ("wengert eager", "JAX", "JAX eager", "PyTorch", "autograd"),
}


@dataclass(frozen=True)
class Subject:
    """A program as one library's user writes it, uncompiled.

    f:          the function
    args:       its arguments, as that library's arrays
    argnums:    those by which its gradient is taken
    derivative: what is timed as the gradient, of the same arguments, where it is more than the gradient of a scalar f
    canonical:  result of the gradient -> what all libraries agree on (layouts differ)
    """

    f: Callable
    args: tuple
    argnums: tuple[int, ...] = ()
    derivative: Callable | None = None
    canonical: Callable[[Any], Any] = field(default=lambda result: result)


@dataclass(frozen=True)
class Program:
    """One row of the tables.

    name:      of its file
    title:     what it is, with its sizes
    kind:      key of LIBRARIES; to which of the targets it belongs
    data:      numbers from a fixed seed
    families:  "wengert", "jax", "torch", "autograd", "c" -> from the data, the program in that library
    left_out:  name of a library -> why it is not measured
    rtol:      how well values and gradients must agree, relative to the largest element
    """

    name: str
    title: str
    kind: str
    data: Callable[[], Data]
    families: dict[str, Callable[[Data], Subject]]
    left_out: dict[str, str] = field(default_factory=dict)
    rtol: float = 1e-9

    def __post_init__(self) -> None:
        if self.kind not in LIBRARIES:
            raise ValueError(f"{self.name}: kind is {self.kind!r}; it is one of {', '.join(LIBRARIES)}")
