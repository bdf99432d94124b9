"""What was asked for, and what is known of it by the types of the arguments: found once, then looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core.call import Argnums, Call, Function, check_callable, name_of, named, positions
from ...core.trace import Tracer
from ...core.tree import unflatten
from ...errors import ArgumentError, MemoryLimitError, UnsupportedFunctionError
from .evaluation import Evaluation
from .plan import Plan, Split
from .structure import Colouring, Structure

Rebuild = Callable[[Sequence[Any]], Any]


class Request:
    """A function, the arguments to differentiate, a way to colour; a pattern, if the user gives one."""

    def __init__(
        self,
        kind: str,
        fun: Function,
        argnums: Argnums,
        given: Any = None,
        mode: str = "auto",
        order: str = "auto",
        check: bool = True,
        name: str = "",
    ) -> None:
        self.name = f"sparse.{name or kind}"
        check_callable(fun, self.name)
        self.kind, self.fun, self.argnums = kind, fun, positions(argnums, self.name)
        self.mode, self.order, self.checked = mode, order, check
        self.given = None if given is None else as_structure(given, kind)
        self.plans: dict[Any, Plan] = {}
        self.colourings: dict[Plan, Colouring] = {}
        self.evaluations: dict[Plan, Evaluation] = {}
        self.quick: dict[Any, Evaluation] = {}  # by the types of arguments that are arrays of real numbers
        Structure(sp.csr_array((0, 0), dtype=bool), kind).colouring(mode, order)  # are they known?

    def function(self) -> Callable[..., Any]:
        """The function that computes it, with what it is computed by beside it."""

        @named(self.name, self.fun)
        def derivative(*args: Any, **kwargs: Any) -> Any:
            quick = None if kwargs else self.quick.get(types_of(args))
            if quick is not None:
                entries = quick.entries([args[k] for k in quick.plan.places])
                return self.assembled(quick, entries, self.bare)
            call, split = self.call(args, kwargs)
            if any(isinstance(x, Tracer) for x in split.data):
                raise inside(self.name, self.fun)
            evaluation = self.evaluation(call, split)
            return self.assembled(evaluation, evaluation.entries(split.data), call.rebuild)

        derivative.values = self.values  # type: ignore[attr-defined]
        derivative.colouring = self.colouring  # type: ignore[attr-defined]
        derivative.structure = lambda *args, **kwargs: self.colouring(*args, **kwargs).structure  # type: ignore[attr-defined]
        return derivative

    def values(self, *args: Any, **kwargs: Any) -> Any:
        """The entries in the order of the structure, as an array."""
        quick = None if kwargs else self.quick.get(types_of(args))
        if quick is not None:
            return quick.entries([args[k] for k in quick.plan.places])
        call, split = self.call(args, kwargs)
        return self.evaluation(call, split).entries(split.data)

    def colouring(self, *args: Any, **kwargs: Any) -> Colouring:
        """The colouring that a call with these arguments uses, with its structure."""
        return self.coloured(self.plan(*self.call(args, kwargs)))

    # found once --------------------------------------------------------------------------------------------------
    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, Split]:
        """The call, with its arguments checked."""
        call = Call(self.fun, self.argnums, args, kwargs, False)
        call.check_inputs(self.name, False)
        return call, Split(call)

    def plan(self, call: Call, split: Split) -> Plan:
        """What belongs to these types."""
        key = split.key
        found = self.plans.get(key)
        if found is None:
            found = self.plans[key] = Plan(self.fun, split)
            found.check(call, self.name, self.kind)
        return found

    def evaluation(self, call: Call, split: Split) -> Evaluation:
        """What a call of these types runs."""
        plan = self.plan(call, split)
        found = self.evaluations.get(plan)
        if found is None:
            colouring = self.coloured(plan)
            doubted = self.doubted(plan, colouring.structure)
            found = self.evaluations[plan] = Evaluation(self.name, plan, colouring, doubted)
            key = types_of(call.args)
            if key is not None and not call.kwargs and len(plan.places) == len(call.args):
                self.quick[key] = found
        return found

    def coloured(self, plan: Plan) -> Colouring:
        """The colouring that is given, or one of the structure that is given, or of that of the program."""
        if plan not in self.colourings:
            mode = "columns" if plan.has_complex_results and self.mode == "auto" else self.mode
            weight = plan.row_weight if self.kind == "jacobian" and mode in ("auto", "both") else 1.0
            given = self.given if self.given is not None else plan.structure(self.kind)
            found = as_colouring(given, self.kind, mode, self.order, weight)
            check_shape(self.name, found.structure, plan, self.kind)
            if plan.has_complex_results and found.numbers[0]:
                raise complex_rows(self.name, self.fun)
            self.colourings[plan] = found
        return self.colourings[plan]

    def doubted(self, plan: Plan, structure: Structure) -> Any:
        """The entries that the program may have and a given structure has not; True where that is not known."""
        if self.given is None or not self.checked or (structure.origin and structure.origin == plan.origin):
            return None
        try:
            found = plan.structure(self.kind)
        except MemoryLimitError:
            return True
        missing = found.pattern > structure.pattern
        return missing if missing.nnz else None

    # the result --------------------------------------------------------------------------------------------------
    def bare(self, leaves: Sequence[Any]) -> Any:
        """One matrix for each differentiated argument, each of which is an array."""
        return leaves[0] if isinstance(self.argnums, int) else tuple(leaves)

    def assembled(self, evaluation: Evaluation, entries: Any, rebuild: Rebuild) -> Any:
        """Sparse matrices, a block for each pair of leaves."""
        rows = [rebuild(row) for row in evaluation.layout.filled(entries)]
        return rebuild(rows) if self.kind == "hessian" else unflatten(evaluation.plan.out_tree, rows)


def types_of(args: Sequence[Any]) -> Any:
    """What arrays of real numbers are known by; None where an argument is anything else."""
    found = []
    for x in args:
        if type(x) is not np.ndarray or x.dtype.kind != "f":
            return None
        found.append((x.shape, x.dtype))
    return tuple(found)


def as_structure(given: Any, kind: str) -> Structure | Colouring:
    """What the user gives."""
    if isinstance(given, Structure | Colouring):
        return given
    if not sp.issparse(given):
        raise ArgumentError(
            f"pattern= is a {type(given).__name__}",
            why="a structure is given as what wg.sparse.pattern returns, or as a sparse matrix",
            write="pattern=scipy.sparse.csr_array(mask), of shape (elements of the result, elements of the input)",
        )
    return Structure(given, kind)


def as_colouring(given: Any, kind: str, mode: str, order: str, weight: float = 1.0) -> Colouring:
    """The same as a colouring: its own, if it is one."""
    found = as_structure(given, kind)
    return found if isinstance(found, Colouring) else found.colouring(mode, order, weight)


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


def complex_rows(name: str, fun: Function) -> ArgumentError:
    """The error for rows of a complex result."""
    return ArgumentError(
        f"{name} of {name_of(fun)} is to be computed by rows, and a result is complex",
        why="the adjoint of a real argument is real: half of the derivative would be lost",
        write='mode="columns", or the real and the imaginary part as results',
    )


def inside(name: str, fun: Function) -> UnsupportedFunctionError:
    """The error for a sparse matrix of traced values."""
    return UnsupportedFunctionError(
        f"{name} of {name_of(fun)} is called inside another transformation",
        why="a scipy.sparse matrix holds plain arrays, and under wg.jit, wg.grad or wg.vmap values are traced",
        write="wg.sparse.jacobian(f).values(*args): its entries as an array, in the order of .structure(*args)",
    )
