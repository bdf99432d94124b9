"""The bytes that a call of a compiled program takes, known before it runs."""

from __future__ import annotations

from .stages import Stages


class Memory(int):
    """The peak in bytes, as a number, with its parts.

    arguments, results: the caller's arrays. constants: arrays that the program closed over. working: the arena, where
    values live between loops. stack_rows: bytes that each round of a while loop adds, for each of the stacks that grow;
    how many rounds there are is not known, and they are not in the peak.
    """

    arguments: int
    results: int
    constants: int
    working: int
    stack_rows: tuple[int, ...]

    @classmethod
    def of(cls, stages: Stages) -> Memory:
        """What a program on its way to machine code will take."""
        arguments = sum(b.nbytes for b in stages.inputs)
        results = sum(b.nbytes for b in stages.outputs)
        constants = sum(a.nbytes for a in stages.constants.arrays)
        memory = cls(arguments + results + constants + stages.arena)
        memory.arguments, memory.results, memory.constants = arguments, results, constants
        memory.working = stages.arena
        memory.stack_rows = tuple(b.nbytes for b in stages.stacks)
        return memory

    @property
    def peak(self) -> int:
        """All that is in use at once, stacks that grow apart."""
        return int(self)

    def __str__(self) -> str:
        rows = [(name, getattr(self, name)) for name in ("arguments", "results", "constants", "working", "peak")]
        lines = [f"{name:<10}{value:>16,} bytes" for name, value in rows]
        if self.stack_rows:
            lines.append(f"{'stacks':<10}{sum(self.stack_rows):>16,} bytes more for each round of a while loop")
        return "\n".join(lines)

    __repr__ = __str__
