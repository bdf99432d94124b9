"""wg.print: prints values wherever the function runs, also in a recorded or compiled program."""

from __future__ import annotations

from typing import Any

from ..core.tree import flatten
from ..primitives.effects import Text, print_
from .values import is_numeric


def print(format: str, *values: Any, **named: Any) -> None:
    """Print `format.format(*values, **named)` each time the program runs, with the values that it has then.

    Works on plain values, under every transformation, where it prints the primal values, and inside loops, branches and
    compiled programs, where Python's own print would print once, while the program is recorded. Under vmap it prints a
    line for each lane. Values are arrays and numbers, in structures; other objects are printed as they are.

    >>> import wengert as wg
    >>> def f(x):
    ...     wg.print("x = {}, twice {y:.1f}", x, y=2 * x)
    ...     return x**2
    >>> wg.grad(f)(3.0)
    x = 3.0, twice 6.0
    np.float64(6.0)
    >>> program = wg.trace(f)(wg.ArrayType((), float))
    >>> program(1.5)
    x = 1.5, twice 3.0
    np.float64(2.25)
    """
    leaves, tree = flatten((values, named))
    others = tuple(... if is_numeric(x) else x for x in leaves)
    print_(True, *(x for x in leaves if is_numeric(x)), text=Text(format, tree, others))
