"""Programs as straight-line Python: what a loop runs at each step, without looking for tracers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .inplace import Sums, sum_lines
from .primitive import Primitive
from .program import Atom, Literal, Program, Var
from .trace import observer

Step = Callable[..., tuple[Any, ...]]
Swap = dict[Primitive, Callable[..., Any]]


def python_source(program: Program, swap: Swap, sums: Sums | None = None) -> tuple[str, dict[str, Any]]:
    """One line an equation, `v3 = sin(v1)`, and the names that the text uses.

    Each line calls the NumPy implementation of its primitive; a variable is deleted after its last use. swap: other
    implementations of some. sums: what is written over from round to round.
    """
    space: dict[str, Any] = {}
    names: dict[Var, str] = {}

    def constant(value: Any) -> str:
        name = f"c{len(space)}"
        space[name] = value
        return name

    def name(atom: Atom) -> str:
        if isinstance(atom, Literal):
            return constant(atom.value)
        return names.setdefault(atom, f"v{len(names)}")

    for var, value in program.constants:
        names[var] = constant(value)
    held = {v for v, _ in program.constants} | (sums.operands if sums is not None else set())
    lines = [f"def program({', '.join(name(v) for v in program.inputs)}):"]
    for eq, dead in zip(program.equations, program.last_uses(), strict=True):
        if sums is not None and eq in sums.replaced:
            held.update(v for v in (*eq.outputs, *dead))
            continue
        if sums is not None and eq in sums.terms:
            total, terms = sums.terms[eq]
            lines += [f"    {line}" for line in sum_lines(total, terms, name, constant)]
            lines.append(f"    {name(eq.outputs[0])} = {name(total)}")
            continue
        arguments = [name(a) for a in eq.inputs] + [f"{k}={constant(v)}" for k, v in eq.params.items()]
        left = ", ".join(name(v) for v in eq.outputs) + ("," if eq.primitive.multiple and eq.outputs else "")
        call = f"{constant(swap.get(eq.primitive, eq.primitive.impl))}({', '.join(arguments)})"
        lines.append(f"    {left} = {call}" if left else f"    {call}")
        if gone := [name(v) for v in dead if v not in held]:
            lines.append(f"    del {', '.join(gone)}")
    results = "".join(f"{name(a)}, " for a in program.outputs)
    lines.append(f"    return ({results})")
    return "\n".join(lines), space


def python_function(program: Program, swap: Swap | None = None, sums: Sums | None = None) -> Step:
    """The program as a Python function of plain arrays; made once for each program. wg.debug.nans() wants to look."""
    if observer.get() is not None:
        return interpreted(program)
    key = ("function", tuple(swap or ()), sums)
    made: Step | None = program.derived.get(key)
    if made is None:
        source, space = python_source(program, swap or {}, sums)
        exec(compile(source, f"<program {program.name}>", "exec"), space)
        made = program.derived[key] = space["program"]
    return made


def interpreted(program: Program) -> Step:
    """The same without making a function: for programs that run only a few times."""
    return lambda *args: tuple(program.evaluate(args))


SOON = 20  # runs of a program from which on it pays to make a Python function of it


def step_function(program: Program, times: int, swap: Swap | None = None, sums: Sums | None = None) -> Step:
    """What runs a program this many times more. swap: implementations that may be used instead of the usual ones."""
    runs = program.derived["runs"] = program.derived.get("runs", 0) + times
    return python_function(program, swap, sums) if runs >= SOON else interpreted(program)


def run(program: Program, args: Sequence[Any]) -> list[Any]:
    """Evaluate once on plain arrays; without warnings where the program is a derivative."""
    with quietly(program):
        return list(step_function(program, 1)(*args))


def quietly(program: Program) -> Any:
    """Without warnings where the program is a derivative: its infinities are no news."""
    return np.errstate(all="ignore") if program.quiet else contextlib.nullcontext()
