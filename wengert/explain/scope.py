"""How the variables of one straight list are written, what they hold, and which nodes they are."""

from __future__ import annotations

from typing import Any

from ..core.program import Atom, Literal, Var
from .infix import Text, number_text
from .names import Naming


class Scope:
    """Texts, values and nodes of the variables of the function's list, or of that of a loop's body."""

    def __init__(self, naming: Naming, values: dict[Var, Any]) -> None:
        self.naming, self.values = naming, values
        self.texts: dict[Var, Text] = {}  # of variables that stand for something outside
        self.places: dict[Var, int] = {}  # the index of a variable's node

    def text(self, atom: Atom) -> Text:
        """How it is written as an operand."""
        if isinstance(atom, Literal):
            return number_text(atom.value)
        return self.texts.get(atom) or Text(self.naming.found[atom])

    def value(self, atom: Atom) -> Any:
        """What it holds."""
        return atom.value if isinstance(atom, Literal) else self.values[atom]
