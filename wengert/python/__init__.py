"""Python's own control flow on traced values: `if`, `while`, `for` become branches and loops of the program."""

from .adopt import adopt

__all__ = ["adopt"]
