"""The functions by the names of wengert's primitives: how many arguments, and who writes them."""

from __future__ import annotations

from collections.abc import Callable

from . import exponential, logarithm, trigonometric
from .text import Code, Value

Algorithm = Callable[..., Value]

UNARY: dict[str, Algorithm] = {
    "cos": trigonometric.cos,
    "cosh": exponential.cosh,
    "exp": exponential.exp,
    "exp2": exponential.exp2,
    "expit": exponential.expit,
    "expm1": exponential.expm1,
    "log": logarithm.log,
    "log1p": logarithm.log1p,
    "sin": trigonometric.sin,
    "sinh": exponential.sinh,
    "tan": trigonometric.tan,
    "tanh": exponential.tanh,
}
BINARY: dict[str, Algorithm] = {}
TABLE: dict[str, tuple[int, Algorithm]] = {name: (1, f) for name, f in UNARY.items()}
TABLE |= {name: (2, f) for name, f in BINARY.items()}
NAMES = set(TABLE)
NUMBERS = {name: i for i, name in enumerate(sorted(TABLE))}  # of their attribute groups


def written(name: str, code: Code) -> str:
    """The definition of a function."""
    count, algorithm = TABLE[name]
    return code.definition(count, algorithm(code, *code.arguments(count)))
