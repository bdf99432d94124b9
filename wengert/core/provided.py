"""Transformations that the rules of loops and calls ask for by name, provided by the layer above when it is imported.

A loop's derivative is a loop of the derivative of its body; a rule lives at its primitive, below the transformations.
So the rule asks for them here, and `transforms/` provides them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_PROVIDED: dict[str, Callable[..., Any]] = {}


def provide(f: F) -> F:
    """Make a transformation known under its name."""
    _PROVIDED[f.__name__] = f
    return f


def provided(name: str) -> Callable[..., Any]:
    """The transformation of this name."""
    return _PROVIDED[name]
