"""LLVM's text, line by line: fresh names, labels, types, constants, slots on the stack."""

from __future__ import annotations

import functools
import struct
import sys
from typing import Any

import numpy as np

TYPES = {"float64": "double", "float32": "float", "bool": "i1"}


@functools.cache
def llvm_type(dtype: np.dtype[Any]) -> str:
    """The type of a value in a register: double, float, i1, i8 ... i64; complex numbers are pairs of these."""
    if dtype.kind == "c":
        return llvm_type(np.dtype(f"f{dtype.itemsize // 2}"))
    return TYPES.get(dtype.name) or f"i{8 * dtype.itemsize}"


@functools.cache
def memory_type(dtype: np.dtype[Any]) -> str:
    """The type of an element in memory: booleans are bytes."""
    return "i8" if dtype.kind == "b" else llvm_type(dtype)


def number(value: Any, dtype: np.dtype[Any]) -> Any:
    """A constant of a dtype, as text; a pair of texts where it is complex."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        z = dtype.type(value)
        return number(z.real, part), number(z.imag, part)
    if dtype.kind == "f" and dtype.name not in TYPES:  # bits that are passed on: NumPy computes with them
        return str(int.from_bytes(dtype.type(value).tobytes(), sys.byteorder))
    if dtype.kind == "f":
        x = float(dtype.type(value))  # LLVM writes a float as the double that it equals
        return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(np.asarray(value).astype(dtype)[()]))


class Writer:
    """The body of one function. Slots (allocas) stand in its first block."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.slots: list[str] = []
        self.stack: dict[str, tuple[str, int]] = {}  # slots: what they hold, and how many
        self.count = 0
        self.label = "entry"
        self.declared: set[str] = set()  # declarations of everything else

    def fresh(self) -> str:
        """A new name."""
        self.count += 1
        return f"%v{self.count}"

    def emit(self, text: str) -> str:
        """An instruction with a result."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {text}")

    def new_label(self, hint: str) -> str:
        """A new label."""
        self.count += 1
        return f"{hint}{self.count}"

    def begin(self, label: str) -> None:
        """Begin a block; the one before must have ended."""
        self.lines.append(f"{label}:")
        self.label = label

    def jump(self, label: str) -> None:
        """End the block."""
        self.lines.append(f"  br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """End the block by a decision."""
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")

    def slot(self, type: str, n: int = 1) -> str:
        """Room on the stack, where LLVM finds registers for it."""
        self.count += 1
        name = f"%s{self.count}"
        self.stack[name] = type, n
        self.slots.append(f"  {name} = alloca [{n} x {type}], align 64" if n > 1 else f"  {name} = alloca {type}")
        return name

    def declare(self, text: str) -> None:
        """A function from outside."""
        self.declared.add(text)

    def text(self) -> str:
        """The body."""
        return "\n".join(["entry:", *self.slots, *self.lines])
