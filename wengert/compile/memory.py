"""The bytes that a call of a compiled program takes, known before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from .loops.ir import Block, Call, nodes
from .stages import Stages


def calls(block: Block) -> Iterator[Call]:
    """The calls of a block and of the blocks in it."""
    return (node for node in nodes(block) if type(node) is Call)


def is_call_back(node: Call) -> bool:
    """Is it a call back into NumPy?"""
    return node.name.startswith("callback ")


class Memory(int):
    """The peak in bytes, as a number, with its parts.

    arguments, results: the caller's arrays. constants: arrays that the program closed over. working: the arena, where
    values live between loops. callbacks: what the largest call back into NumPy makes, before it is copied. stack_rows:
    bytes that each round of a while loop adds, for each stack that grows; how many rounds there are is not known, and
    they are not in the peak, save for the first rows, which are working memory.
    """

    arguments: int
    results: int
    constants: int
    working: int
    callbacks: int
    stack_rows: tuple[int, ...]

    @classmethod
    def of(cls, stages: Stages) -> Memory:
        """What a program on its way to machine code will take."""
        arguments = sum(b.nbytes for b in stages.inputs)
        results = sum(b.nbytes for b in stages.outputs)
        constants = sum(a.nbytes for a in stages.constants.arrays)
        made = [sum(r.buffer.nbytes for r in node.writes) for node in calls(stages.block) if is_call_back(node)]
        callbacks = max(made, default=0)
        memory = cls(arguments + results + constants + stages.arena + callbacks)
        memory.arguments, memory.results, memory.constants = arguments, results, constants
        memory.working, memory.callbacks = stages.arena, callbacks
        memory.stack_rows = tuple(b.nbytes for b in stages.stacks)
        return memory

    @property
    def peak(self) -> int:
        """All that is in use at once, stacks that grow apart."""
        return int(self)

    def __str__(self) -> str:
        rows = [
            (name, getattr(self, name))
            for name in ("arguments", "results", "constants", "working", "callbacks", "peak")
        ]
        lines = [f"{name:<10}{value:>16,} bytes" for name, value in rows]
        if self.stack_rows:
            lines.append(f"{'stacks':<10}{sum(self.stack_rows):>16,} bytes more for each round of a while loop")
        return "\n".join(lines)

    __repr__ = __str__
