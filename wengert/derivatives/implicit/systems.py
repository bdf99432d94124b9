"""How systems with the Jacobian F_y are solved: by its matrix, by its sparse entries, or by products with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.intern import interned
from ...core.options import positive
from ...core.program import Program
from ...errors import ArgumentError, NotASolutionError, SingularPointError
from ...scipy.linalg import cho_solve
from ..sparse.compressed import Recovery
from ..sparse.dependence import first_order
from ..sparse.plan import in_rows
from ..sparse.request import as_colouring
from ..sparse.rules import UNKNOWN
from ..sparse.structure import Structure
from .certify import Regular, certified, check_step
from .equations import Equations
from .factored import Pattern, RegularSparse, sparse_solve
from .krylov import METHODS, Krylov, operator_solve
from .outside import Job, outside

TOL = 1e-6
Step = Callable[[np.ndarray, np.ndarray], np.ndarray]  # z, F(z) -> F_y^-1 F; NaN where there is none


class Dense:
    """The matrix, by columns in forward mode, and its LU or (positive=True) Cholesky factors."""

    def __init__(self, equations: Equations, check: Regular) -> None:
        self.equations, self.check = equations, check

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_y^-1 b, at a solution."""
        A, f = self.equations.jacobian(args, z), self.equations(*args, z)
        A = certified(A, f, z, check=self.check, lanes=(), again=False)
        if self.check.positive and A.shape[0]:
            return cho_solve((wnp.linalg.cholesky(A), True), b)
        return wnp.linalg.solve(A, b)

    def steps(self, args: Sequence[Any]) -> Step:
        """Newton's, on plain vectors."""

        def step(z: np.ndarray, f: np.ndarray) -> np.ndarray:
            try:
                return np.linalg.solve(np.asarray(self.equations.jacobian(args, z)), f)
            except np.linalg.LinAlgError:
                return np.full_like(f, np.nan)

        return step


class Sparse:
    """The entries, by JVPs compressed with a colouring of the columns, and SuperLU's factors."""

    def __init__(self, equations: Equations, check: Regular, sparsity: Any) -> None:
        self.equations, self.given = equations, sparsity is not None
        if self.given:
            self.recovery = recovery_of(equations.program, sparsity)
        else:
            self.recovery = interned(equations.program).remember(recovery_of, None)
        self.pattern = Pattern(self.recovery.colouring.structure.pattern)
        self.check = RegularSparse(check.what, check.tol, self.pattern)

    def entries(self, args: Sequence[Any], z: Any) -> Any:
        """Those of F_y, in CSR order."""
        push = lambda s: self.equations.along(args, z, s)
        products = in_rows(push, self.recovery.seeds()[1].astype(z.dtype), [self.equations.program.in_types[-1]])
        return self.recovery.picked([products.reshape(-1)])

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_y^-1 b, at a solution."""
        data, f = self.entries(args, z), self.equations(*args, z)
        if self.given:
            v = np.random.default_rng(0).standard_normal(self.pattern.n)
            true, by_entries = self.equations.along(args, z, v)[0], self.pattern.product(data, v)
            data = certified(data, true, by_entries, check=covers, lanes=(), again=False)
        data = certified(data, f, z, check=self.check, lanes=(), again=False)
        return sparse_solve(data, b, pattern=self.pattern, transposed=False)[0]

    def steps(self, args: Sequence[Any]) -> Step:
        """Newton's, on plain vectors."""

        def step(z: np.ndarray, f: np.ndarray) -> np.ndarray:
            factors = self.pattern.factors(np.asarray(self.entries(args, z))) if z.size else None
            return np.full_like(f, np.nan) if factors is None else factors.solve(f, "T")

        return step


def covers(data: np.ndarray, product: np.ndarray, by_entries: np.ndarray) -> None:
    """ArgumentError where a given structure leaves out entries: a product with the Jacobian differs."""
    off = np.abs(product - by_entries)
    if not (off <= 1e3 * np.sqrt(np.finfo(data.dtype).eps) * (1.0 + np.abs(product).max(initial=0.0))).all():
        raise ArgumentError(
            f"the sparsity given is too small: rows {np.flatnonzero(off > off.max() / 2)[:5]} of the Jacobian have "
            "entries that it leaves out",
            why="an entry that is left out is added to others of its colour, so that all of them are wrong",
            write="a structure that covers it (wg.sparse.pattern(F)(y0) finds one), or no sparsity=",
        )


class Products:
    """Products alone, by a Krylov method."""

    def __init__(self, equations: Equations, check: Regular, krylov: Krylov) -> None:
        self.equations, self.check, self.krylov = equations, check, krylov

    def solve(self, args: Sequence[Any], z: Any, b: Any) -> Any:
        """F_y^-1 b, at a solution."""
        (zero,) = outside(*args, z, job=Job(self.checked, [self.equations.program.in_types[-1]], "check"))
        return operator_solve(*args, z + zero, b, operator=self.tangent(), krylov=self.krylov)[0]

    def tangent(self) -> Program:
        """args, z, v -> F_y v."""
        n = len(self.equations.args)
        return self.equations.program.transform("derivative", (False,) * n + (True,), (True,))

    def steps(self, args: Sequence[Any], tol: float | None = None) -> Step:
        """Newton's, on plain vectors."""
        krylov, tangent = self.krylov.like(tol=tol or self.krylov.tol), self.tangent()

        def step(z: np.ndarray, f: np.ndarray) -> np.ndarray:
            return krylov(lambda v: np.asarray(tangent.evaluate([*args, z, v])[0]), f)

        return step

    def checked(self, *xs: Any) -> list[Any]:
        """Zeros, where a Newton step from z, to a tenth, is short."""
        *args, z = xs
        f = np.asarray(self.equations(*xs))
        check_step(self.steps(args, tol=0.1)(z, f), f, z, self.check.what, self.check.tol)
        return [np.zeros_like(f)]


System = Dense | Sparse | Products


def system_of(equations: Equations, linear: Any, tol: float, sparsity: Any = None, check: Any = None) -> System:
    """What `linear=` says. check: the certificate of a dense matrix, where it is another than that of equations."""
    positive(tol, "tol")
    if sparsity is not None and linear != "sparse":
        raise ArgumentError(
            f"a sparsity was given, and linear={linear!r}", why="only sparse factors use it", write="linear='sparse'"
        )
    check = check or Regular(equations.what, tol, linear == "cholesky")
    if isinstance(linear, Krylov) or linear in METHODS:
        return Products(equations, check, linear if isinstance(linear, Krylov) else Krylov(linear))
    if linear == "sparse":
        return Sparse(equations, check, sparsity)
    if linear in ("dense", "cholesky"):
        return Dense(equations, check)
    raise ArgumentError(
        f"there is no linear solver {linear!r}",
        why="derivatives of solutions are solutions of linear systems",
        write=f"linear= one of dense, sparse, {', '.join(METHODS)}, or a wg.implicit.Krylov; cholesky for minimize",
    )


def recovery_of(program: Program, sparsity: Any) -> Recovery:
    """How the entries of the Jacobian in the last input are found: by the structure of the program, or one given."""
    n, *_ = program.in_types[-1].shape
    if sparsity is None:
        active = [False] * (len(program.inputs) - 1) + [True]
        sparsity = Structure(first_order(program, active, [UNKNOWN] * len(active)))
    colouring = as_colouring(sparsity, "jacobian", "columns", "auto")
    if colouring.structure.shape != (n, n) or colouring.numbers[0]:
        raise ArgumentError(
            f"a sparsity of shape {colouring.structure.shape} was given for {n} unknowns, coloured by {colouring.mode}",
            why="it is that of the square Jacobian, computed by columns",
            write=f"a structure of shape {(n, n)}: wg.sparse.pattern(F)(y0), or a scipy.sparse matrix",
        )
    return Recovery(colouring)


# Newton's steps on plain vectors ---------------------------------------------------------------------------------
def length(step: np.ndarray, z: np.ndarray) -> float:
    """That of a step, beside 1 + |z|; infinite where there is none."""
    size = float(np.abs(step).max(initial=0.0))
    return size / (1.0 + float(np.abs(z).max(initial=0.0))) if np.isfinite(size) else np.inf


def tried(step: Step, z: np.ndarray, f: np.ndarray) -> np.ndarray:
    """A Newton step; NaN where there is none."""
    try:
        return step(z, f)
    except (NotASolutionError, SingularPointError):
        return np.full_like(f, np.nan)
