"""A function at one point: recorded once, its calls opened, the value of every variable."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..compile.jit import Bound, Jit
from ..compile.machine.callers import Static
from ..core.call import check_callable, flat_results, is_number_like, name_of
from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.record import record
from ..core.trace import Tracer
from ..core.tree import Structure, flatten, leaf_path, unflatten
from ..core.types import ArrayType, dtype_of, is_inexact, type_of
from ..errors import NonDifferentiableInputError, WengertError, clearer
from ..python import adopt
from ..transforms.linearize import linearize_flat

Function = Callable[..., Any]

OPENED = {
    "jit": "compiled",
    "checkpoint": "checkpoint",
    "planned": "checkpoint",
}  # primitives that run a program once, as it stands


class Group(NamedTuple):
    """What a node stands in: a call, the branch that was taken, the body of a loop. key: tells groups apart."""

    kind: str
    name: str
    key: int
    rounds: int | None = None

    @property
    def label(self) -> str:
        """`compiled f`, `branch 1`, `loop of 100 rounds`."""
        return f"{self.kind} of {self.rounds} rounds" if self.kind == "loop" else f"{self.kind} {self.name}".strip()


class Point:
    """fun at args: the program that was recorded, and the same as one straight list of equations, with values.

    leaves: the arguments that are data; paths: how the user writes each; active: those that have derivatives.
    straight: calls opened, of branches the one that was taken; groups: for each of its equations, where it stood.
    """

    def __init__(self, fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any], unroll: bool = False) -> None:
        check_callable(fun, "explain")
        self.fun, args, kwargs = plain(fun, args, kwargs)
        self.name = name_of(self.fun)
        self.notes: list[str] = []
        everything, self.tree = flatten((args, kwargs))
        self.traced = [is_number_like(x) and type(x) is not bool for x in everything]
        self.static = [None if on else x for x, on in zip(everything, self.traced, strict=True)]
        self.leaves = [_own(x) for x, on in zip(everything, self.traced, strict=True) if on]
        names = parameter_paths(self.fun, self.tree)
        self.paths = [name for name, on in zip(names, self.traced, strict=True) if on]
        self.active = [is_inexact(dtype_of(x)) for x in self.leaves]
        self.out_tree: Structure | None = None
        self._check(everything)
        with silence(), np.errstate(all="ignore"):
            self.program = self._recorded(unroll)
            self.straight, self.groups, self.values = straightened(self.program, self.leaves)

    def flat(self, *leaves: Any) -> list[Any]:
        """The user's function as it stands, on flat arguments."""
        return self._run(self.fun, leaves)

    @functools.cached_property
    def seconds(self) -> float:
        """How long one evaluation takes."""
        with np.errstate(all="ignore"), silence():
            start = time.perf_counter()
            self.flat(*self.leaves)
            return time.perf_counter() - start

    @functools.cached_property
    def traceable(self) -> Callable[..., list[Any]]:
        """What modes run on: the function as it stands, as wg.grad does; where only wg.jit takes it, its program."""
        try:
            with np.errstate(all="ignore"), silence():
                linearize_flat(self.flat, self.leaves)
        except Exception as error:  # of whatever kind: what a function does with traced values is its own affair
            ours = clearer(error) or error
            what = ours.what if isinstance(ours, WengertError) else f"{type(error).__name__}: {error}"
            self.notes.append(f"Differentiated as under wg.jit, since as it stands: {what}.")
            return lambda *xs: self.straight.evaluate(xs)
        return self.flat

    def _run(self, fun: Function, leaves: Sequence[Any]) -> list[Any]:
        given = iter(leaves)
        full = [next(given) if on else x for x, on in zip(self.static, self.traced, strict=True)]
        args, kwargs = unflatten(self.tree, full)
        args = tuple(x.value if isinstance(x, Static) else x for x in args)
        kwargs = {k: x.value if isinstance(x, Static) else x for k, x in kwargs.items()}
        outs, self.out_tree = flat_results(fun(*args, **kwargs), self.fun, "explain")
        return outs

    def _recorded(self, unroll: bool) -> Program:
        """Python's loops and branches stay loops and branches, unless the function needs values to be recorded."""
        if not unroll:
            try:
                types = [type_of(x) for x in self.leaves]
                return record(lambda *xs: self._run(adopt(self.fun), xs), types, self.name, self.fun)
            except WengertError as error:
                self.notes.append(f"Python's control flow is shown as it ran here, loops unrolled: {error.what}.")
        return record(self.flat, self.leaves, self.name, self.fun)

    def _check(self, leaves: Sequence[Any]) -> None:
        if any(isinstance(x, Tracer | ArrayType) for x in leaves):
            raise NonDifferentiableInputError(
                f"explain got a traced value or a type as an argument of {self.name}",
                why="it shows values, which such an argument does not have",
                write="call wg.explain with arrays and numbers, outside of functions that are differentiated",
            )
        if not any(self.active):
            found = ", ".join(str(type_of(x)) for x in self.leaves) or "no numbers"
            raise NonDifferentiableInputError(
                f"explain needs a floating-point argument; {self.name} was given {found}",
                why="integers and booleans are discrete: there is no derivative in them",
                write="pass floats (3.0 instead of 3, x.astype(float))",
            )
        held = [p for p, on in zip(self.paths, self.active, strict=True) if not on]
        if held:
            self.notes.append(f"Integers, which have no derivative: {', '.join(held)}.")


def silence() -> contextlib.AbstractContextManager[Any]:
    """What the function prints is not printed again at each of the many times that it runs here."""
    return contextlib.redirect_stdout(io.StringIO())


def plain(fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Function, tuple[Any, ...], dict[str, Any]]:
    """The function under wg.jit, and its arguments, with those that are static there marked as such."""
    if isinstance(fun, Bound):
        return plain(fun.__func__, (fun.__self__, *args), kwargs)
    if not isinstance(fun, Jit):
        return fun, args, kwargs
    numbers = {k % len(args) for k in fun.static_argnums if -len(args) <= k < len(args)}
    args = tuple(Static(x) if k in numbers else x for k, x in enumerate(args))
    kwargs = {k: Static(x) if k in fun.static_argnames else x for k, x in kwargs.items()}
    return plain(fun.fun, args, kwargs)


def _own(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def parameter_paths(fun: Function, tree: Structure) -> list[str]:
    """How the user writes each leaf of (args, kwargs): `x1`, `params['w'][0]`."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    paths = []
    for k in range(tree.num_leaves):
        which, where, inner = re.fullmatch(r"\[(\d)\]\[([^\]]+)\](.*)", leaf_path(tree, k)).groups()  # type: ignore[union-attr]
        if which == "1":
            name = where.strip("'\"")
        elif int(where) < len(places):
            name = places[int(where)]
        else:
            name = f"{rest}[{int(where) - len(places)}]" if parameters else f"x{int(where) + 1}"
        paths.append(name + inner)
    return paths


# one straight list -----------------------------------------------------------------------------------------------
def straightened(program: Program, leaves: Sequence[Any]) -> tuple[Program, list[tuple[Group, ...]], dict[Var, Any]]:
    """The program at this point as one list of equations; for each the groups it stood in; values of all variables."""
    walk = _Walk(program, leaves)
    outputs = walk.program(program, program.inputs, ())
    straight = Program(
        program.inputs, list(walk.constants.items()), walk.equations, outputs, name=program.name, quiet=program.quiet
    )
    return straight, walk.groups, walk.values


class _Walk:
    """Evaluates a program and writes down what it runs."""

    def __init__(self, program: Program, leaves: Sequence[Any]) -> None:
        self.values: dict[Var, Any] = dict(zip(program.inputs, leaves, strict=True))
        self.constants: dict[Var, Any] = {}
        self.equations: list[Equation] = []
        self.groups: list[tuple[Group, ...]] = []
        self.key = 0

    def value(self, atom: Atom) -> Any:
        return atom.value if isinstance(atom, Literal) else self.values[atom]

    def program(self, program: Program, inputs: Sequence[Atom], path: tuple[Group, ...]) -> list[Atom]:
        """Run a program whose inputs are these atoms of the straight one; returns its results as such."""
        names: dict[Atom, Atom] = dict(zip(program.inputs, inputs, strict=True))
        for var, value in program.constants:
            self.constants[var] = self.values[var] = value
            names[var] = var
        for eq in program.equations:
            ins = [a if isinstance(a, Literal) else names[a] for a in eq.inputs]
            if eq.primitive.name in OPENED:
                inner = eq.params["program"]
                group = self.group(OPENED[eq.primitive.name], inner.name)
                outs = self.program(inner, ins, (*path, group))
            elif eq.primitive.name == "cond":
                k = int(self.value(ins[0]))
                group = self.group("branch", f"{k}" if len(eq.params["branches"]) > 2 else ("not taken", "taken")[k])
                outs = self.program(eq.params["branches"][k], ins[1:], (*path, group))
            else:
                outs = list(self.equation(eq, ins, path))
            names.update(zip(eq.outputs, outs, strict=True))
        return [a if isinstance(a, Literal) else names[a] for a in program.outputs]

    def equation(self, eq: Equation, ins: list[Atom], path: tuple[Group, ...]) -> Sequence[Atom]:
        """Compute, and write down; what is there for its effect alone is done (nothing is printed) and left out."""
        values = [self.value(a) for a in ins]
        if eq.primitive.effect:
            if eq.primitive.name != "print":
                eq.primitive(*values, **eq.params)
            return []
        results = eq.primitive(*values, **eq.params)
        outs = eq.outputs if not path else [Var(v.type) for v in eq.outputs]
        self.values.update(zip(outs, results if eq.primitive.multiple else [results], strict=True))
        self.equations.append(Equation(eq.primitive, ins, eq.params, outs, eq.source))
        self.groups.append(path)
        return outs

    def group(self, kind: str, name: str) -> Group:
        self.key += 1
        return Group(kind, name, self.key)
