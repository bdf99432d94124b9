"""The executable grammar of programs: what every program must satisfy, after every pass."""

from __future__ import annotations

from ..errors import ProgramError
from .primitive import REGISTRY
from .program import Atom, Literal, Program, Var
from .types import type_of


def check(program: Program) -> Program:
    """Return the program if it obeys the grammar; ProgramError names the first equation that does not.

    1. a variable is assigned once, and before it is used;
    2. every primitive is registered, and its type rule gives the types that the outputs carry;
    3. a literal is a scalar;
    4. a constant's value has its variable's type; 5. nested programs obey the same grammar.
    """
    known: set[Var] = set()

    def define(var: Var, where: str) -> None:
        if var in known:
            raise _broken(program, where, "assigns a variable twice")
        known.add(var)

    def use(atom: Atom, where: str) -> None:
        if isinstance(atom, Literal):
            if atom.type.shape != ():
                raise _broken(program, where, f"has a literal of type {atom.type}; only scalars are literals")
        elif atom not in known:
            raise _broken(program, where, "uses a variable before it is assigned")

    for var in program.inputs:
        define(var, "the input list")
    for var, value in program.constants:
        define(var, "the constant list")
        if type_of(value) != var.type:
            raise _broken(program, "the constant list", f"holds a {type_of(value)} under the type {var.type}")
    for k, eq in enumerate(program.equations):
        where = f"equation {k} ({eq.primitive})"
        if REGISTRY.get(eq.primitive.name) is not eq.primitive:
            raise _broken(program, where, "applies a primitive that is not registered")
        for atom in eq.inputs:
            use(atom, where)
        found = eq.primitive.type_rule(*(a.type for a in eq.inputs), **eq.params)
        types = list(found) if eq.primitive.multiple else [found]
        if types != [v.type for v in eq.outputs]:
            raise _broken(program, where, f"has outputs {[v.type for v in eq.outputs]}, its type rule gives {types}")
        for var in eq.outputs:
            define(var, where)
        for nested in eq.programs:
            check(nested)
    for atom in program.outputs:
        use(atom, "the output list")
    return program


_WRITE = "report it; where the program was built by hand, one variable for each result, assigned before it is used"


def _broken(program: Program, where: str, what: str) -> ProgramError:
    return ProgramError(f"program {program.name}: {where} {what}", why=f"in\n{program}", write=_WRITE)
