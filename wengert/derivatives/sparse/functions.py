"""wg.sparse.jacobian, wg.sparse.hessian, wg.sparse.pattern: what users call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core.call import Argnums, Call, Function, check_callable, name_of, named, positions
from ...core.trace import Tracer
from ...errors import ArgumentError, UnsupportedFunctionError
from .compressed import Recovery
from .plan import Plan, Split
from .structure import Colouring, Structure

MEMORY = 2**28  # bytes of products that are held at once
WAYS = {"jacobian": "jvp", "hessian": "hvp"}


def jacobian(
    fun: Function,
    argnums: Argnums = 0,
    pattern: Any = None,
    mode: str = "auto",
    order: str = "auto",
) -> Function:
    """The Jacobian as a `scipy.sparse.csr_array`, from as few products as a colouring of its structure allows.

    Law: `J[i, j] = dy_i / dx_j`, shape `(y.size, x.size)`, elements in C order; for structured results or arguments
    a matrix for each pair of leaves, in the structure of the result with, at each leaf, that of the argument. All
    entries of the structure are stored, also those that happen to be zero, so matrices at different points fit.

    The structure is found from the program when a combination of types is first met, and kept with the colouring and
    the compiled products; floating-point arguments may change freely, integers and integer arrays are part of it.
    pattern: a Structure, a Colouring (mode and order then are its own) or a scipy.sparse matrix, instead; it is checked
    against a product in a random direction when it is first used. mode, order: as in `Structure.colouring`.

    `.structure(*args)`, `.colouring(*args)`: what is used. `.values(*args)`: the entries in the order of the structure
    (CSR), as an array: that can be compiled, mapped and differentiated, as a sparse matrix cannot.

    Raises ArgumentError (pattern too small, mode, order), NonDifferentiableInputError (complex inputs too),
    MemoryLimitError (a structure that is not sparse), UnsupportedFunctionError (inside wg.jit, wg.grad or wg.vmap).

    >>> import numpy as np
    >>> import wengert as wg
    >>> J = wg.sparse.jacobian(lambda x: x[1:] * x[:-1])
    >>> J(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    >>> J.colouring(np.zeros(1000))
    columns: 2 products for a matrix of 999 x 1000 with 1998 entries
    """
    return _Sparse("jacobian", fun, argnums, pattern, mode, order).function()


def hessian(
    fun: Function,
    argnums: Argnums = 0,
    pattern: Any = None,
    mode: str = "auto",
    order: str = "auto",
) -> Function:
    """The Hessian of a function with one result as a `scipy.sparse.csr_array`, by symmetric colouring.

    Law: `H[i, j] = d^2 f / dx_i dx_j`, shape `(x.size, x.size)`; a matrix for each pair of leaves of a structured
    argument. Products H s are forward over reverse. pattern, mode, order and the rest: as `wg.sparse.jacobian`; mode is
    "star" (read off directly), "acyclic" (fewer products, entries by substitution) or "columns".

    >>> import numpy as np
    >>> import wengert as wg
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> H = wg.sparse.hessian(rosenbrock)
    >>> H(np.ones(3)).toarray()
    array([[ 802., -400.,    0.],
           [-400., 1002., -400.],
           [   0., -400.,  200.]])
    >>> H.colouring(np.ones(1000))
    star: 3 products for a matrix of 1000 x 1000 with 2998 entries
    """
    return _Sparse("hessian", fun, argnums, pattern, mode, order).function()


def pattern(fun: Function, argnums: Argnums = 0, kind: str = "jacobian", local: bool = False) -> Function:
    """Where the Jacobian (or Hessian) of a function may be nonzero: `pattern(f)(*args)` is a Structure.

    Derived from the program: too large perhaps, never too small. It holds for all floating-point arguments of these
    types; with local=True for these arguments only, so that branches not taken, factors that are zero here, and
    indices that depend on data are resolved (first derivatives only). Raises ArgumentError, MemoryLimitError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.sparse.pattern(lambda x: np.maximum(x, x[::-1]))(np.arange(4.0))
    Structure of a jacobian: 4 x 4, 8 entries
    >>> wg.sparse.pattern(lambda x: np.maximum(x, x[::-1]), local=True)(np.arange(4.0))
    Structure of a jacobian: 4 x 4, 4 entries
    """
    check_kind(kind, local)
    sparse = _Sparse(kind, fun, argnums, None, "auto", "auto", "pattern")

    @named("sparse.pattern", fun)
    def pattern_of(*args: Any, **kwargs: Any) -> Structure:
        call, split = sparse.call(args, kwargs)
        return sparse.plan(call, split).structure(kind, split.data if local else None)

    return pattern_of


def check_kind(kind: str, local: bool) -> None:
    """ArgumentError for a kind that there is not."""
    if kind not in WAYS or (local and kind == "hessian"):
        raise ArgumentError(
            f"wg.sparse.pattern has no kind {kind!r}" + (" at a point (local=True)" if kind in WAYS else ""),
            why="a factor that is zero at a point still has a second derivative, so only Jacobians have local patterns",
            write='kind="jacobian", or kind="hessian" with local=False',
        )


class _Sparse:
    """What was asked for, and what is known of it by types."""

    def __init__(
        self, kind: str, fun: Function, argnums: Argnums, given: Any, mode: str, order: str, name: str = ""
    ) -> None:
        self.name = f"sparse.{name or kind}"
        check_callable(fun, self.name)
        self.kind, self.fun, self.argnums = kind, fun, positions(argnums, self.name)
        self.mode, self.order = mode, order
        self.given = None if given is None else as_colouring(given, kind, mode, order)
        self.plans: dict[Any, Plan] = {}
        self.recoveries: dict[Any, Recovery] = {}
        self.colourings: dict[Any, Colouring] = {}
        if self.given is None:
            Structure(sp.csr_array((0, 0), dtype=bool), kind).colouring(mode, order)  # are they known?

    def function(self) -> Callable[..., Any]:
        """The function that computes it, with what it is computed by beside it."""

        @named(self.name, self.fun)
        def derivative(*args: Any, **kwargs: Any) -> Any:
            call, split = self.call(args, kwargs)
            if any(isinstance(x, Tracer) for x in split.data):
                raise inside(self.name, self.fun)
            plan = self.plan(call, split)
            return self.assembled(call, plan, self.entries(plan, split))

        derivative.values = self.values  # type: ignore[attr-defined]
        derivative.colouring = self.colouring  # type: ignore[attr-defined]
        derivative.structure = lambda *args, **kwargs: self.colouring(*args, **kwargs).structure  # type: ignore[attr-defined]
        return derivative

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, Split]:
        """The call, with its arguments checked."""
        call = Call(self.fun, self.argnums, args, kwargs, False)
        call.check_inputs(self.name, False)
        return call, Split(call)

    def plan(self, call: Call, split: Split) -> Plan:
        """What belongs to these types; made once."""
        key = split.key
        found = self.plans.get(key)
        if found is None:
            found = self.plans[key] = Plan(self.fun, split)
            found.check(call, self.name, self.kind)
        return found

    def recovery(self, plan: Plan, split: Split) -> Recovery:
        """Seeds, and where entries are found; made once."""
        found = self.recoveries.get(plan)
        if found is None:
            colouring = self.coloured(plan)
            check_shape(self.name, colouring.structure, plan, self.kind)
            found = Recovery(colouring)
            if self.given is not None:
                self.check(plan, split, found)
            self.recoveries[plan] = found
        return found

    def coloured(self, plan: Plan) -> Colouring:
        """The colouring that is given, or that of the structure of the program."""
        if self.given is not None:
            return self.given
        if plan not in self.colourings:
            self.colourings[plan] = plan.structure(self.kind).colouring(self.mode, self.order)
        return self.colourings[plan]

    # evaluation --------------------------------------------------------------------------------------------------
    def entries(self, plan: Plan, split: Split, recovery: Recovery | None = None) -> Any:
        """The entries: all at once, or where that takes much memory so many products at a time."""
        recovery = self.recovery(plan, split) if recovery is None else recovery
        seeds, way = (recovery.rows, recovery.columns), WAYS[self.kind]
        width = 8 * max(sum(plan.in_sizes) + sum(plan.out_sizes), 1)
        traced = any(isinstance(x, Tracer) for x in split.data)
        if recovery.triangle is None and (traced or width * (len(seeds[0]) + len(seeds[1])) <= MEMORY):
            return plan.entries(recovery, way)(*seeds, *split.data)
        if traced:
            raise not_traced(self.name, self.fun)
        parts = [pieces(plan.products(w), s, split.data, width) for w, s in zip(("vjp", way), seeds, strict=True)]
        return recovery.picked([p for p in parts if p.size])

    def check(self, plan: Plan, split: Split, recovery: Recovery) -> None:
        """A pattern that is given must hold all that is nonzero: A v against a product, in a random direction."""
        if any(isinstance(x, Tracer) for x in split.data):
            raise inside(self.name, self.fun)
        pattern = recovery.colouring.structure.pattern
        v = np.random.default_rng(0).uniform(1, 2, pattern.shape[1])
        data = self.entries(plan, split, recovery)
        A = sp.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)
        exact = plan.products(WAYS[self.kind])(v[None], *split.data)[0]
        scale = abs(A) @ v + np.abs(exact)
        wrong = np.flatnonzero(np.abs(A @ v - exact) > 1e-3 * np.finfo(exact.dtype).eps ** 0.25 * scale)
        if wrong.size:
            raise too_small(self.name, self.fun, wrong)

    def values(self, *args: Any, **kwargs: Any) -> Any:
        """The entries in the order of the structure, as an array."""
        call, split = self.call(args, kwargs)
        return self.entries(self.plan(call, split), split)

    def colouring(self, *args: Any, **kwargs: Any) -> Colouring:
        """The colouring that a call with these arguments uses, with its structure."""
        call, split = self.call(args, kwargs)
        return self.coloured(self.plan(call, split))

    def assembled(self, call: Call, plan: Plan, data: Any) -> Any:
        """The sparse matrix, cut into blocks by leaves."""
        pattern = self.coloured(plan).structure.pattern
        A = sp.csr_array((data, pattern.indices.copy(), pattern.indptr.copy()), shape=pattern.shape)
        if self.kind == "hessian":
            return call.rebuild([call.rebuild(row) for row in blocks(A, plan.in_sizes, plan.in_sizes)])
        call.out_tree = plan.out_tree
        return call.result([call.rebuild(row) for row in blocks(A, plan.out_sizes, plan.in_sizes)])


def pieces(run: Callable[..., Any], seeds: Any, data: Sequence[Any], width: int) -> Any:
    """All products, flat, so many at a time that seeds and products of `width` bytes fit into the memory."""
    step = min(max(MEMORY // width, 1), max(len(seeds), 1))
    parts = [np.zeros((0,))]
    for start in range(0, len(seeds), step):
        part = np.zeros((step, seeds.shape[1]))  # one shape for all, so that one program serves
        count = min(step, len(seeds) - start)
        part[:count] = seeds[start : start + step]
        parts.append(run(part, *data)[:count].reshape(-1))
    return np.concatenate(parts[1:] or parts)


def blocks(A: Any, heights: Sequence[int], widths: Sequence[int]) -> list[list[Any]]:
    """The matrix cut at the ends of leaves."""
    if len(heights) == len(widths) == 1:
        return [[A]]
    ends, sides = (np.cumsum([0, *sizes]).tolist() for sizes in (heights, widths))
    return [
        [A[a : a + m, b : b + n] for b, n in zip(sides, widths, strict=False)]
        for a, m in zip(ends, heights, strict=False)
    ]


def as_colouring(given: Any, kind: str, mode: str, order: str) -> Colouring:
    """What the user gives, as a colouring."""
    if isinstance(given, Colouring):
        return given
    if not isinstance(given, Structure):
        if not sp.issparse(given):
            raise ArgumentError(
                f"pattern= is a {type(given).__name__}",
                why="a structure is given as what wg.sparse.pattern returns, or as a sparse matrix",
                write="pattern=scipy.sparse.csr_array(mask), of shape (elements of the result, elements of the input)",
            )
        given = Structure(given, kind)
    return given.colouring(mode, order)


def check_shape(name: str, structure: Structure, plan: Plan, kind: str) -> None:
    """ArgumentError where a structure is not that of this function."""
    n = sum(plan.in_sizes)
    expected = (sum(plan.out_sizes) if kind == "jacobian" else n, n)
    if structure.shape != expected or structure.kind != kind:
        raise ArgumentError(
            f"{name} of {name_of(plan.fun)} has shape {expected}, and was given a structure of a {structure.kind} of "
            f"shape {structure.shape}",
            why="a structure belongs to a function and to the shapes of its arguments",
            write="wg.sparse.pattern(f)(*args) for these arguments",
        )


def too_small(name: str, fun: Function, rows: Any) -> ArgumentError:
    """The error for a pattern that misses entries."""
    shown = ", ".join(map(str, rows[:5].tolist())) + (", ..." if rows.size > 5 else "")
    return ArgumentError(
        f"the pattern given to {name} of {name_of(fun)} is too small: rows {shown} differ from a product with a random "
        "direction",
        why="an entry that the pattern leaves out is added to others of its colour, so that all of them are wrong",
        write="a pattern that covers it (wg.sparse.pattern(f)(*args) finds one), or no pattern=",
    )


def not_traced(name: str, fun: Function) -> UnsupportedFunctionError:
    """The error for a substitution in traced values."""
    return UnsupportedFunctionError(
        f"{name} of {name_of(fun)} with an acyclic colouring is called inside another transformation",
        why="its entries are found by a sparse triangular system, which is solved by SciPy",
        write='mode="star"',
    )


def inside(name: str, fun: Function) -> UnsupportedFunctionError:
    """The error for a sparse matrix of traced values."""
    return UnsupportedFunctionError(
        f"{name} of {name_of(fun)} is called inside another transformation",
        why="a scipy.sparse matrix holds plain arrays, and under wg.jit, wg.grad or wg.vmap values are traced",
        write="wg.sparse.jacobian(f).values(*args): its entries as an array, in the order of .structure(*args); a "
        "given pattern= is checked where it is first used, which must be outside",
    )
