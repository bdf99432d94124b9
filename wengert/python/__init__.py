"""Python's own control flow on traced values: `if`, `while`, `for` become branches and loops of the program."""

from .adoption import adopt
from .printing import print

__all__ = ["adopt", "print"]
