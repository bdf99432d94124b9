"""Linear systems and factorisations: written out for small matrices, by LAPACK for others; each for stacks of matrices.

A matrix by rows is, for LAPACK, its transpose. It is worked on as it is; LAPACK is asked for the transposed problem.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.program import Atom, Equation, Var
from ..emit.library import PREFIX, call
from ..loops.ir import Axis, Ref, View
from .linalg_small import Arithmetic, Rows, cholesky, identity, lu, lu_solve, triangle_solve
from .lowering import RULES, Lowering, lowers
from .matrices import along, by_columns, element, is_by_columns, lapack, on_matrices, rounds, same_order, stop_if

WRITTEN_OUT = {"f": 8, "c": 4}  # rows of the largest matrices whose algorithms are written out
COLUMNS = 8  # right sides that are written out; more are a loop
SINGULAR = ("singular",)
SYSTEMS = {"solve", "solve_triangular"}


def is_small(a: View) -> bool:
    """Are these matrices small enough for algorithms that are written out?"""
    return max(a.shape[-2:]) <= WRITTEN_OUT[a.dtype.kind]


def callback_unless_native(rule: Callable[[Lowering, Equation], None]) -> Callable[[Lowering, Equation], None]:
    """The rule for the four dtypes of LAPACK; what has others is left to NumPy, what is empty needs no work."""

    def checked(low: Lowering, eq: Equation) -> None:
        mixed = eq.primitive.name in SYSTEMS and eq.inputs[0].type.dtype != eq.inputs[1].type.dtype
        if mixed or any(v.type.dtype.name not in PREFIX for v in (eq.inputs[0], eq.outputs[-1])):
            RULES["callback"](low, eq)
        elif any(0 in v.type.shape for v in eq.outputs):
            for v in eq.outputs:
                low.zeros(v)
        else:
            rule(low, eq)

    return checked


def prefixed(dtype: np.dtype[Any], name: str) -> str:
    """LAPACK's name: dgesv for gesv of float64."""
    return PREFIX[dtype.name] + name


def flipped(x: View) -> View:
    """The matrices transposed."""
    *stack, m, n = x.shape
    *steps, i, j = x.strides
    return View(x.buffer, (*stack, n, m), x.const, (*steps, j, i), x.terms)


def loaded(f: Any, ref: Ref, x: View) -> Rows:
    """The elements of one matrix."""
    m, n = x.shape[-2:]
    return [[f.load(element(ref, x, i, j)) for j in range(n)] for i in range(m)]


def stored(f: Any, ref: Ref, x: View, rows: Rows) -> None:
    """Write the elements of one matrix."""
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            f.store(element(ref, x, i, j), value)


def each_column(f: Any, b: View, rb: Ref, x: View, rx: Ref, solve: Callable[[Rows], Rows]) -> None:
    """x = solve(b) for all columns: written out together, or a loop over them."""
    n, k = b.shape[-2:]

    def some(rb: Ref, rx: Ref, columns: int) -> None:
        rows = [[f.load(element(rb, b, i, j)) for j in range(columns)] for i in range(n)]
        stored(f, rx, x, solve(rows))

    if k <= COLUMNS:
        some(rb, rx, k)
    else:
        axis = Axis(k)
        rounds(f, axis, {rx.buffer}, lambda: some(along(b, rb, axis, -1), along(x, rx, axis, -1), 1))


# solve -------------------------------------------------------------------------------------------------------------
@lowers("solve")
@callback_unless_native
def solve(low: Lowering, eq: Equation) -> None:
    """X with A X = B."""
    a, b = (low.view(x) for x in eq.inputs)
    if is_small(a):
        small_solve(low, eq, a, b)
        return
    factors = factored(low, eq, eq.inputs[0])
    if b.shape[-1] == 1:
        x = low.result(eq.outputs[0])
        work = x if x.strides[-2] == 1 else low.new(x.shape, x.dtype)
        low.copy(b, work)
    else:
        x = work = by_columns(low, b)
        low.assign(eq.outputs[0], x)
    n, k = b.shape[-2:]
    name = prefixed(b.dtype, "getrs")

    def body(f: Any, refs: Sequence[Ref]) -> None:
        stop_if(f, f.emit(f"icmp ne i32 {f.load(refs[2])}, 0"), SINGULAR)
        at, pivots, to = (f.address(refs[i]) for i in (0, 1, 4))
        lapack(f, name, SINGULAR, "T" if factors.transposed else "N", n, k, at, n, pivots, to, n)

    reads = [factors.lu, factors.pivots, factors.info, work]
    on_matrices(low, eq, name, reads, [work], (2, 1, 0, 2, 2), body)
    if work is not x:
        low.copy(work, x)


def small_solve(low: Lowering, eq: Equation, a: View, b: View) -> None:
    """The same, written out. A matrix by columns is solved as the transpose of one by rows: then LLVM sees that it has
    been factored before."""
    x = low.result(eq.outputs[0])
    transposed = is_by_columns(a)
    m = flipped(a) if transposed else a

    def body(f: Any, refs: Sequence[Ref]) -> None:
        ra, rb, rx = refs
        arithmetic = Arithmetic(f, a.dtype)
        factors = lu(arithmetic, loaded(f, ra, m))
        f.fails(factors.singular, SINGULAR)
        each_column(f, b, rb, x, rx, lambda v: lu_solve(arithmetic, factors, v, transposed))

    on_matrices(low, eq, "solve", [m, b], [x], (2, 2, 2), body)


class Factors(NamedTuple):
    """LU factors as LAPACK has them; info is not 0 where a pivot is. Are they those of the transposed matrices?"""

    lu: View
    pivots: View
    info: View
    transposed: bool


def factored(low: Lowering, eq: Equation, atom: Atom) -> Factors:
    """The LU factors of matrices; those of a matrix serve its transpose too, and are made once."""
    root, turned = original(low, atom)
    key = ("lu", root)
    if key not in low.memo:
        low.memo[key] = factorised(low, eq, low.view(root))
    found = low.memo[key]
    return found._replace(transposed=found.transposed != turned)


def original(low: Lowering, atom: Atom) -> tuple[Atom, bool]:
    """The variable of which this one is the transpose, if it is one, and whether it is."""
    if "transposes" not in low.memo:
        low.memo["transposes"] = {eq.outputs[0]: eq.inputs[0] for eq in low.program.equations if transposes(eq)}
    turned = False
    while isinstance(atom, Var) and atom in low.memo["transposes"]:
        atom, turned = low.memo["transposes"][atom], not turned
    return atom, turned


def transposes(eq: Equation) -> bool:
    """Does an equation exchange the last two axes?"""
    n = len(eq.outputs[0].type.shape) if eq.outputs else 0
    return eq.primitive.name == "transpose" and n > 1 and eq.params["axes"] == (*range(n - 2), n - 1, n - 2)


def factorised(low: Lowering, eq: Equation, a: View) -> Factors:
    """A P = L U of copies in the order in which they are."""
    n = a.shape[-1]
    work = same_order(low, a)
    pivots = low.new(a.shape[:-1], np.int32)
    info = low.new(a.shape[:-2], np.int32)
    name = prefixed(a.dtype, "getrf")

    def body(f: Any, refs: Sequence[Ref]) -> None:
        at, pivots, info = (f.address(r) for r in refs[1:])
        call(f, f"lapack.{name}", n, n, at, n, pivots, info)

    on_matrices(low, eq, name, [work], [work, pivots, info], (2, 2, 1, 0), body)
    return Factors(work, pivots, info, not is_by_columns(work))


# inv ---------------------------------------------------------------------------------------------------------------
@lowers("inv")
@callback_unless_native
def inv(low: Lowering, eq: Equation) -> None:
    """A^-1, in the order in which A is: the inverse of the transpose is the transpose of the inverse."""
    (a,) = (low.view(x) for x in eq.inputs)
    if is_small(a):
        small_inverse(low, eq, a)
        return
    factors = factored(low, eq, eq.inputs[0])
    y = low.copy(factors.lu) if not is_by_columns(factors.lu) else by_columns(low, factors.lu)
    n = a.shape[-1]
    work = low.new((BLOCK * n,), a.dtype)
    name = prefixed(a.dtype, "getri")

    def body(f: Any, refs: Sequence[Ref]) -> None:
        stop_if(f, f.emit(f"icmp ne i32 {f.load(refs[1])}, 0"), SINGULAR)
        pivots, at = f.address(refs[0]), f.address(refs[3])
        lapack(f, name, SINGULAR, n, at, n, pivots, f.pointer(work.buffer), BLOCK * n)

    on_matrices(low, eq, name, [factors.pivots, factors.info, y], [y], (1, 0, 2, 2), body, scratch=[work])
    by_rows_of_root = factors.transposed == (not is_by_columns(factors.lu))
    low.assign(eq.outputs[0], y if by_rows_of_root else flipped(y))


BLOCK = 64  # columns that LAPACK works on at once, at most


def small_inverse(low: Lowering, eq: Equation, a: View) -> None:
    """The same, written out: the solution of A X = 1."""
    y = low.result(eq.outputs[0])
    transposed = is_by_columns(a)
    matrix = flipped(a) if transposed else a

    def body(f: Any, refs: Sequence[Ref]) -> None:
        m = Arithmetic(f, a.dtype)
        factors = lu(m, loaded(f, refs[0], matrix))
        f.fails(factors.singular, SINGULAR)
        stored(f, refs[1], y, lu_solve(m, factors, identity(m, a.shape[-1]), transposed))

    on_matrices(low, eq, "inv", [matrix], [y], (2, 2), body)


# solve_triangular --------------------------------------------------------------------------------------------------
@lowers("solve_triangular")
@callback_unless_native
def solve_triangular(low: Lowering, eq: Equation) -> None:
    """X with T X = B."""
    a, b = (low.view(x) for x in eq.inputs)
    if is_small(a):
        small_triangular(low, eq, a, b)
        return
    if not readable(a):
        a = same_order(low, a)
    if is_by_columns(b):
        x = by_columns(low, b)
        low.assign(eq.outputs[0], x)
    else:
        x = low.result(eq.outputs[0])
        if not x.contiguous:
            x = low.new(x.shape, x.dtype)
        low.copy(b, x)
    lower, unit = eq.params["lower"], eq.params["unit"]
    what = zero_on_diagonal(eq, "an element of the diagonal")
    zero_check = not unit

    def body(f: Any, refs: Sequence[Ref]) -> None:
        if zero_check:
            check_diagonal(f, a, refs[0], what)
        divide_by_triangle(f, a, x, f.address(refs[0]), f.address(refs[2]), lower, unit)

    on_matrices(low, eq, "triangular solve", [a, x], [x], (2, 2, 2), body)
    if low.values.get(eq.outputs[0]) is not x:
        low.copy(x, low.values[eq.outputs[0]])  # type: ignore[arg-type]


def readable(a: View) -> bool:
    """Can LAPACK read these matrices where they are?"""
    steps, n = a.strides[-2:], a.shape[-1]
    return 1 in steps and max(steps) >= n


def zero_on_diagonal(eq: Equation, place: str) -> tuple[Any, ...]:
    """What a zero on the diagonal is called: SciPy solves one system, NumPy stacks of them."""
    return ("singular triangle", place) if len(eq.inputs[0].type.shape) == 2 else SINGULAR


def check_diagonal(f: Any, a: View, ref: Ref, what: Any) -> None:
    """No element of the diagonal may be zero."""
    axis = Axis(a.shape[-1])
    at = ref._replace(terms=(*ref.terms, (axis, a.strides[-1] + a.strides[-2])))
    rounds(f, axis, set(), lambda: f.fails(Arithmetic(f, a.dtype).is_zero(f.load(at)), what))


def divide_by_triangle(f: Any, a: View, x: View, at: str, to: str, lower: bool, unit: bool) -> None:
    """X = T^-1 X in place, from the left where X is by columns, from the right where it is by rows."""
    n, k = x.shape[-2:]
    from_left = is_by_columns(x) or k == 1
    lda = max(a.strides[-2:])
    by_columns_ = a.strides[-2] == 1
    triangle = "L" if lower == by_columns_ else "U"
    trans = "N" if by_columns_ == from_left else "T"
    diagonal = "U" if unit else "N"
    if k == 1:
        call(f, f"blas.{prefixed(x.dtype, 'trsv')}", triangle, trans, diagonal, n, at, lda, to, x.strides[-2])
        return
    shape, ldb = ((n, k), n) if from_left else ((k, n), k)
    side = "L" if from_left else "R"
    one = x.dtype.type(1)
    call(f, f"blas.{prefixed(x.dtype, 'trsm')}", side, triangle, trans, diagonal, *shape, one, at, lda, to, ldb)


def small_triangular(low: Lowering, eq: Equation, a: View, b: View) -> None:
    """The same, written out."""
    x = low.result(eq.outputs[0])
    lower, unit, n = eq.params["lower"], eq.params["unit"], a.shape[-1]

    def body(f: Any, refs: Sequence[Ref]) -> None:
        ra, rb, rx = refs
        m = Arithmetic(f, a.dtype)
        rows: Rows = [[None] * n for _ in range(n)]
        for i, j in itertools.product(range(n), range(n)):
            if (not unit) if i == j else (i > j) == lower:
                rows[i][j] = f.load(element(ra, a, i, j))
        inverses = None if unit else [m.inverse(rows[i][i]) for i in range(n)]
        if not unit:
            for i in range(n):
                f.fails(m.is_zero(rows[i][i]), zero_on_diagonal(eq, f"diagonal {i}"))
        each_column(f, b, rb, x, rx, lambda v: triangle_solve(m, rows, v, lower, inverses))

    on_matrices(low, eq, "triangular solve", [a, b], [x], (2, 2, 2), body)


# cholesky ----------------------------------------------------------------------------------------------------------
@lowers("cholesky")
@callback_unless_native
def cholesky_(low: Lowering, eq: Equation) -> None:
    """L with A = L L^H, of which the lower triangle is read. By rows, that is the upper triangle of the transpose."""
    (a,) = (low.view(x) for x in eq.inputs)
    if is_small(a):
        small_cholesky(low, eq, a)
        return
    if is_by_columns(a):
        y = by_columns(low, a)
        low.assign(eq.outputs[0], y)
    else:
        y = low.result(eq.outputs[0])
        if not y.contiguous:
            y = low.new(y.shape, y.dtype)
        low.copy(a, y)
    n = a.shape[-1]
    triangle = "L" if is_by_columns(y) else "U"
    name = prefixed(a.dtype, "potrf")

    def body(f: Any, refs: Sequence[Ref]) -> None:
        lapack(f, name, ("not positive definite",), triangle, n, f.address(refs[1]), n)
        clear_above(f, y, refs[1])

    on_matrices(low, eq, name, [y], [y], (2, 2), body)
    if low.values.get(eq.outputs[0]) is not y:
        low.copy(y, low.values[eq.outputs[0]])  # type: ignore[arg-type]


def clear_above(f: Any, x: View, ref: Ref) -> None:
    """Zeros above the diagonal."""
    m, n = x.shape[-2:]
    i, j = Axis(min(m, n)), Axis(n)
    down, right = x.strides[-2:]
    terms = (*ref.terms, (i, down + right), (j, right))
    at = ref._replace(const=ref.const + right, terms=terms)
    zero = Arithmetic(f, x.dtype).number(0)

    def row() -> None:
        bound = f.emit(f"sub i64 {n - 1}, {f.axes[i]}")
        f.counted(j, bound, lambda: f.store(at, zero), {ref.buffer})
        f.forget_all({ref.buffer})

    rounds(f, i, {ref.buffer}, row)


def small_cholesky(low: Lowering, eq: Equation, a: View) -> None:
    """The same, written out."""
    y = low.result(eq.outputs[0])

    def body(f: Any, refs: Sequence[Ref]) -> None:
        rows, bad = cholesky(Arithmetic(f, a.dtype), loaded(f, refs[0], a))
        f.fails(bad, ("not positive definite",))
        stored(f, refs[1], y, rows)

    on_matrices(low, eq, "cholesky", [a], [y], (2, 2), body)


# qr ----------------------------------------------------------------------------------------------------------------
@lowers("qr")
@callback_unless_native
def qr(low: Lowering, eq: Equation) -> None:
    """A = Q R by Householder's reflections."""
    (a,) = (low.view(x) for x in eq.inputs)
    m, n = a.shape[-2:]
    k = min(m, n)
    r = low.result(eq.outputs[1])
    work_a = by_columns(low, a)
    tau = low.new((*a.shape[:-2], k), a.dtype)
    work = low.new((BLOCK * n,), a.dtype)
    space = BLOCK * n
    name = prefixed(a.dtype, "geqrf")

    def factor(f: Any, refs: Sequence[Ref]) -> None:
        at, tau = f.address(refs[1]), f.address(refs[2])
        lapack(f, name, FACTORISATION, m, n, at, m, tau, f.pointer(work.buffer), space)

    on_matrices(low, eq, name, [work_a], [work_a, tau], (2, 2, 1), factor, scratch=[work])
    top = View(work_a.buffer, r.shape, 0, work_a.strides)
    low.copy(top, r)
    on_matrices(low, eq, "clear below", [r], [r], (2, 2), lambda f, refs: clear_above(f, flipped(r), refs[1]))
    q = View(work_a.buffer, eq.outputs[0].type.shape, 0, work_a.strides)
    build = prefixed(a.dtype, "ungqr" if a.dtype.kind == "c" else "orgqr")

    def vectors(f: Any, refs: Sequence[Ref]) -> None:
        tau, at = f.address(refs[0]), f.address(refs[2])
        lapack(f, build, FACTORISATION, m, k, k, at, m, tau, f.pointer(work.buffer), space)

    on_matrices(low, eq, build, [tau, q], [q], (1, 2, 2), vectors, scratch=[work])
    low.assign(eq.outputs[0], q)


FACTORISATION = ("factorisation",)
