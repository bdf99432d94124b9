"""The user's function F(y) as a closed program of one vector; what is traced and F closes over becomes an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.body import Body
from ...core.call import check_callable, is_number_like, name_of
from ...core.program import Program
from ...core.provided import provided
from ...core.record import record
from ...core.trace import Tracer
from ...core.tree import flatten, unflatten
from ...core.types import ArrayType, dtype_of, shape_of, type_of, zeros
from ...errors import AbstractValueError, NonDifferentiableInputError, ShapeError, StructureError
from ...transforms.jvp import jvp_flat
from ...transforms.linearize import linearize_flat
from ...transforms.transpose import transpose_tape
from ..columns import pushed, zeros_if_none

Function = Callable[..., Any]


class Vector:
    """The leaves of a structure as one vector of real numbers, and back; on plain arrays and on tracers.

    A complex number is two real ones.
    """

    def __init__(self, tree: Any, what: str) -> None:
        leaves, self.tree = flatten(tree)
        for x in leaves:
            check_leaf(x, what)
        self.shapes = [shape_of(x) for x in leaves]
        self.dtypes = [dtype_of(x) if dtype_of(x).kind in "fc" else np.dtype(float) for x in leaves]
        self.complex = [d.kind == "c" for d in self.dtypes]
        counts = [ArrayType(s, float).size for s in self.shapes]
        self.sizes = [2 * n if c else n for n, c in zip(counts, self.complex, strict=True)]
        self.size = sum(self.sizes)
        self.dtype = np.result_type(*(np.empty(0, d).real.dtype for d in self.dtypes)) if leaves else np.dtype(float)
        self.type = ArrayType((self.size,), self.dtype)

    def flat(self, tree: Any) -> Any:
        """(n,): the leaves one after the other, in C order."""
        return joined(flatten(tree)[0], self.dtype)

    def whole(self, z: Any) -> Any:
        """The structure with the numbers of a vector."""
        return unflatten(self.tree, [p if isinstance(p, Tracer) else p[()] for p in self.leaves(z)])

    def leaves(self, z: Any, lanes: tuple[int, ...] = ()) -> list[Any]:
        """The leaves with the numbers of a vector, or of the rows of a matrix: z (*lanes, n)."""
        parts, at = [], 0
        for size, shape, dtype, pair in zip(self.sizes, self.shapes, self.dtypes, self.complex, strict=True):
            part = z[..., at : at + size]
            if pair:
                part = part[..., : size // 2] + 1j * part[..., size // 2 :]
            part = part.reshape((*lanes, *shape))
            parts.append(part if dtype == dtype_of(part) else part.astype(dtype))
            at += size
        return parts


def check_leaf(x: Any, what: str) -> None:
    """NonDifferentiableInputError for what is no number, or one that LAPACK does not know."""
    known = is_number_like(x) and dtype_of(x).kind in "fiuc"
    if known and (dtype_of(x).kind in "iu" or dtype_of(x) in (np.float32, np.float64, np.complex64, np.complex128)):
        return
    raise NonDifferentiableInputError(
        f"{what} holds values of type {dtype_of(x) if is_number_like(x) else type(x).__name__}",
        why="solutions are numbers of single or double precision: those of the solvers, and of LAPACK",
        write="arrays of float32, float64 or complex numbers",
    )


def halves(x: Any) -> tuple[Any, ...]:
    """A complex array as its real and imaginary part; a real one alone."""
    return (wnp.real(x), wnp.imag(x)) if dtype_of(x).kind == "c" else (x,)


def joined(leaves: Sequence[Any], dtype: Any) -> Any:
    """Arrays and numbers as one vector of this real dtype."""
    for x in leaves:
        if not is_number_like(x) or dtype_of(x).kind not in "fiucb":
            raise StructureError(
                f"a value of type {dtype_of(x) if is_number_like(x) else type(x).__name__} stands among equations",
                why="what is solved for, and what is to be zero, are numbers",
                write="arrays and numbers, and structures (dict, list, tuple, dataclass) of them",
            )
    parts = [wnp.ravel(half).astype(dtype) for x in leaves for half in halves(wnp.asarray(x))]
    if not any(isinstance(p, Tracer) for p in parts):
        return np.concatenate([np.zeros(0, dtype), *parts])
    return parts[0] if len(parts) == 1 else wnp.concatenate(parts)


class Equations:
    """A function F as `program(*args, *inputs) -> (m,)`: its args are what it closes over and is traced."""

    def __init__(self, program: Program, args: Sequence[Any], name: str, what: str) -> None:
        self.program, self.args, self.name, self.what = program, list(args), name, what

    def __call__(self, *args: Any) -> Any:
        """F, flat."""
        return self.program.evaluate(args)[0]

    def jacobian(self, args: Sequence[Any], z: Any) -> Any:
        """(m, n): dF/dz, by columns in forward mode."""
        _, blocks = pushed(lambda z: self.program.evaluate([*args, z]), [z], None)
        return blocks[0][0]

    def along(self, args: Sequence[Any], z: Any, z_dot: Any) -> list[Any]:
        """(dF/dz) z_dot."""
        ys, y_dots = jvp_flat(lambda z: self.program.evaluate([*args, z]), [z], [z_dot])
        return [zeros_if_none(d, y) for d, y in zip(y_dots, ys, strict=True)]

    def at(self, args: Sequence[Any]) -> tuple[Function, Function]:
        """F and its Jacobian as functions of one plain vector."""
        return lambda z: np.asarray(self(*args, z)), lambda z: np.asarray(self.jacobian(args, z))

    def gradient(self, half_squares: bool = False) -> Equations:
        """grad F of a function with one result; with half_squares, of |F|^2 / 2."""

        def run(*xs: Any) -> list[Any]:
            *args, z = xs
            values, tape, ins, nodes = linearize_flat(lambda z: self.program.evaluate([*args, z]), [z])
            y_bar = values[0] if half_squares else np.ones(1, dtype_of(values[0]))
            (z_bar,) = transpose_tape(tape, ins, nodes, [y_bar])
            return [zeros(type_of(z)) if z_bar is None else z_bar]

        return Equations(
            record(run, self.program.in_types, f"gradient of {self.name}"), self.args, self.name, self.what
        )


def equations_of(
    fun: Function, inputs: Sequence[Vector | ArrayType], what: str, results: int | None = None
) -> Equations:
    """F as a program. inputs: Vectors or types, one an argument of F; results: their number must be this, if given."""
    check_callable(fun, what)
    types = [v.type if isinstance(v, Vector) else v for v in inputs]
    dtype = np.result_type(*(t.dtype for t in types))

    def run(f: Function) -> Function:
        def flat(*zs: Any) -> Any:
            given = (v.whole(z) if isinstance(v, Vector) else z for v, z in zip(inputs, zs, strict=True))
            return joined(flatten(f(*given))[0], dtype)

        return flat

    try:
        body = Body(run(fun), types, fun)
    except AbstractValueError:  # Python decides on values: its branches and loops become part of the program
        body = Body(run(provided("adopt")(fun)), types, fun)
    program, args = following(body)
    if results is not None and program.out_types[0].size != results:
        raise ShapeError(
            f"{name_of(fun)} returned {program.out_types[0].size} numbers for {results} unknowns, to {what}",
            why="they have an isolated solution in general where there are as many of one as of the other",
            write="as many results as unknowns",
        )
    return Equations(program, args, name_of(fun), what)


def following(body: Body) -> tuple[Program, list[Any]]:
    """The program of a body with its plain constants inside, and its traced ones, which come first among its inputs."""
    p, n = body.program, len(body.constants)
    pairs = list(zip(p.inputs[:n], body.constants, strict=True))
    traced = [(v, x) for v, x in pairs if isinstance(x, Tracer)]
    plain = [*p.constants, *((v, x) for v, x in pairs if not isinstance(x, Tracer))]
    inputs = [*(v for v, _ in traced), *p.inputs[n:]]
    made = Program(inputs, plain, p.equations, p.outputs, name=p.name, quiet=p.quiet)
    return made, [x for _, x in traced]
