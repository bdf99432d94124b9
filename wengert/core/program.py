"""The Wengert list: a program of equations in single-assignment form, evaluated and printed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, Source
from .primitive import Primitive
from .provided import provided
from .trace import handed_out, located, observer
from .tree import Structure, flatten_like, unflatten
from .types import ArrayType, type_of


class Var:
    """A name that is assigned once. `type` is what is known of its value."""

    __slots__ = ("type",)

    def __init__(self, type: ArrayType) -> None:
        self.type = type


class Literal:
    """A scalar constant, written where it is used."""

    __slots__ = ("type", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.type = type_of(value)


Atom = Var | Literal


class Equation:
    """`outputs = primitive[params](inputs)`, and the user's line it came from."""

    __slots__ = ("inputs", "outputs", "params", "primitive", "source")

    def __init__(
        self,
        primitive: Primitive,
        inputs: Sequence[Atom],
        params: dict[str, Any],
        outputs: Sequence[Var],
        source: Source | None = None,
    ) -> None:
        self.primitive, self.params, self.source = primitive, params, source
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)

    @property
    def programs(self) -> list[Program]:
        """The programs that it runs: bodies of loops, branches."""
        found = []
        for param in self.params.values():
            found += [p for p in (param if isinstance(param, tuple) else (param,)) if isinstance(p, Program)]
        return found

    @property
    def effect(self) -> bool:
        """Is it there for what it does, or a program that it runs?"""
        p = self.primitive  # those that run programs have flows
        return p.effect or (p.flows is not None and any(program.effect for program in self.programs))


class Program:
    """A function as a list of equations.

    inputs: variables of the flat arguments; constants: variables with the arrays that the function closed over;
    outputs: variables or literals. in_tree and out_tree are the structures of (args, kwargs) and of the result.
    A program is called like the function it was made from, and every transformation accepts it. quiet: its equations
    are derivatives, whose infinities are no news: loops run it without warnings.
    """

    def __init__(
        self,
        inputs: Sequence[Var],
        constants: Sequence[tuple[Var, Any]],
        equations: Sequence[Equation],
        outputs: Sequence[Atom],
        in_tree: Structure | None = None,
        out_tree: Structure | None = None,
        name: str = "program",
        quiet: bool = False,
    ) -> None:
        self.inputs, self.constants = tuple(inputs), tuple(constants)
        self.equations, self.outputs = tuple(equations), tuple(outputs)
        self.in_tree, self.out_tree, self.name, self.quiet = in_tree, out_tree, name, quiet
        self.__name__ = name
        self.derived: dict[Any, Any] = {}  # what was made of this program, by name and arguments

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "derived": {}}  # what is copied or pickled is the program, not what was made of it

    @property
    def in_types(self) -> list[ArrayType]:
        """Types of the flat arguments."""
        return [v.type for v in self.inputs]

    @property
    def out_types(self) -> list[ArrayType]:
        """Types of the flat results."""
        return [a.type for a in self.outputs]

    @property
    def effect(self) -> bool:
        """Does it contain equations that are there for what they do?"""
        if "effect" not in self.derived:
            self.derived["effect"] = any(eq.effect for eq in self.equations)
        return self.derived["effect"]  # type: ignore[no-any-return]

    def evaluate(self, args: Sequence[Any]) -> list[Any]:
        """Flat arguments to flat results: each equation applied in turn; values are dropped after their last use."""
        watch = observer.get()
        if watch is not None:
            return watch.evaluate(self, args)  # type: ignore[no-any-return]
        env: dict[Var, Any] = dict(self.constants)
        env.update(zip(self.inputs, args, strict=True))
        with located(self.equations) as equations:
            for eq, dead in zip(equations, self.last_uses(), strict=True):
                values = [a.value if isinstance(a, Literal) else env[a] for a in eq.inputs]
                outs = eq.primitive(*values, **eq.params)
                if eq.primitive.multiple:
                    env.update(zip(eq.outputs, outs, strict=True))
                else:
                    env[eq.outputs[0]] = outs
                for var in dead:
                    del env[var]
        return [a.value if isinstance(a, Literal) else handed_out(env[a]) for a in self.outputs]

    def last_uses(self) -> list[list[Var]]:
        """For each equation the variables that nobody uses after it."""
        last: list[list[Var]] | None = self.derived.get("last_uses")
        if last is None:
            seen: set[Var] = {a for a in self.outputs if isinstance(a, Var)}
            last = [[] for _ in self.equations]
            for k in range(len(self.equations) - 1, -1, -1):
                eq = self.equations[k]
                for var in (*eq.inputs, *eq.outputs):
                    if isinstance(var, Var) and var not in seen:
                        seen.add(var)
                        last[k].append(var)
            self.derived["last_uses"] = last
        return last

    def transform(self, name: str, *arguments: Any) -> Any:
        """A program made of this one by a transformation of `transforms/program.py`; made once, then remembered.

        jvp(active, outs)                  x, x_dot -> y, y_dot
        linearize(active, outs)            two programs: x -> y, residuals and residuals, x_dot -> y_dot
        derivative(active, outs)           x, x_dot -> y_dot
        transpose(linear, bars, outs)      x (the others), y_bar -> x_bar
        batch(size, batched, outs)         each with a batch axis first

        Masks over inputs and outputs say which tangents, adjoints or batch axes there are; outs says which of the
        result's are asked for, and zeros or copies are filled in where the program has none.
        """
        return self.remember(provided(f"{name}_program"), *arguments)

    def remember(self, make: Callable[..., Any], *arguments: Any) -> Any:
        """`make(program, *arguments)`, made once."""
        key = (make, arguments)
        if key not in self.derived:
            self.derived[key] = make(self, *arguments)
        return self.derived[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Structured arguments to the structured result."""
        if self.in_tree is None:
            leaves = list(args)
        else:
            leaves = flatten_like(self.in_tree, (args, kwargs), f"the arguments of program {self.name}")
        outs = self.evaluate(check_arguments(self, leaves))
        return unflatten(self.out_tree, outs) if self.out_tree is not None else outs

    def __str__(self) -> str:
        return program_text(self)

    __repr__ = __str__


def check_arguments(program: Program, args: Sequence[Any]) -> list[Any]:
    """The arguments, numbers converted to the recorded dtype; ShapeError where a type is not the recorded one."""
    checked = []
    for k, (expected, arg) in enumerate(zip(program.in_types, args, strict=True)):
        found = type_of(arg)
        if found.weak and np.can_cast(found.dtype, expected.dtype, "same_kind") and expected.shape == ():
            arg = arg if expected.weak else expected.dtype.type(arg)
        elif found != expected:
            raise ShapeError(
                f"argument {k} of program {program.name} is {found}, the program was recorded for {expected}",
                why="a program is specialised to the shapes and dtypes that it was recorded with",
                write="record it again with wg.trace(f) on arguments of the new type",
            )
        checked.append(arg)
    return checked


def variable_names() -> Iterator[str]:
    """a, b, ..., z, aa, ab, ...: the names under which variables are printed."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for n in itertools.count(1):
        for word in itertools.product(letters, repeat=n):
            yield "".join(word)


def program_text(program: Program, indent: str = "") -> str:
    """One line an equation: `name: type = primitive[params] inputs   # file:line`."""
    supply = variable_names()
    names: dict[Var, str] = {}

    def name(atom: Atom) -> str:
        if isinstance(atom, Literal):
            return f"{atom.value}"
        if atom not in names:
            names[atom] = next(supply)
        return names[atom]

    args = ", ".join(f"{name(v)}: {v.type}" for v in program.inputs)
    lines = [f"{indent}program {program.name}({args}):"]
    lines += [f"{indent}  {name(v)}: {v.type} = constant" for v, _ in program.constants]
    rows, bodies = [], []
    for eq in program.equations:
        params = ", ".join(f"{k}={_param_text(v)}" for k, v in eq.params.items() if v is not None)
        left = ", ".join(f"{name(v)}: {v.type}" for v in eq.outputs) or "_"
        right = f"{eq.primitive}{f'[{params}]' if params else ''} {' '.join(name(a) for a in eq.inputs)}"
        rows.append((f"{indent}  {left} = {right}".rstrip(), f"# {_where(eq.source)}" if eq.source else ""))
        bodies.append([program_text(p, indent + "      ") for p in eq.programs])
    width = min(max((len(text) for text, _ in rows), default=0), 76)
    for (text, comment), nested_texts in zip(rows, bodies, strict=True):
        lines.append(f"{text:<{width}}  {comment}".rstrip())
        lines += nested_texts
    results = ", ".join(name(a) for a in program.outputs)
    lines.append(f"{indent}  return {results}" if results else f"{indent}  return")
    return "\n".join(lines)


def _where(source: Source) -> str:
    text = source.text
    note = f" ({source.note})" if source.note else ""
    return f"{source.file.rsplit('/', 1)[-1]}:{source.line}{note}" + (f"  {text}" if text else "")


def _param_text(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], Program):
        return ", ".join(p.name for p in value)
    if hasattr(value, "__name__"):
        return str(value.__name__)
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
