"""Jacobians by elimination: the public functions, and the plan that says what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.call import Argnums, Call, Function, check_callable, name_of, named, positions
from ...core.options import several
from ...core.program import Program
from ...core.record import record
from ...errors import ArgumentError
from ..columns import owned
from .graph import Elimination, Graph, Step
from .kept import searched
from .linearise import Linearisation
from .orders import COUNTS, RULES, best_rule
from .program import accumulation
from .shared import identity, merged

ORDERS = ("auto", "search", *RULES)
KEPT = 32  # plans of one function: for so many types of arguments
Order = str | Sequence[int | Step]


class Plan:
    """How the Jacobian of one function at arguments of certain types is accumulated, and what that costs.

    order: the rule that was taken, "search" or "given". steps: what is eliminated, `(v,)` a vertex, `(i, v, 1)` the
    edge i -> v in front of v, `(v, j, -1)` the edge v -> j behind v; `order=plan.steps` takes the same again.
    multiplications, additions: that are carried out. pairs: products of two edges, those by constants (1, -1, 2)
    too, the count of the literature. vertices, edges: of the graph, intermediate values and local Jacobians. costs:
    multiplications of every rule, by name. first, second: the programs, x -> y and local Jacobians, and local
    Jacobians -> the Jacobian's blocks.
    """

    def __init__(self, at: Linearisation, order: str, steps: Sequence[Step], count: str) -> None:
        state = Elimination(at.graph).run(steps)
        self.order, self.steps, self.count = order, tuple(steps), count
        self.multiplications, self.pairs, self.additions = state.multiplications, state.pairs, state.additions
        self.vertices, self.edges = len(at.graph.intermediate), len(at.graph.edges)
        self.name, self._at = at.first.name, at
        self.first = at.first
        self.second: Program = accumulation(at, steps)

    @property
    def costs(self) -> dict[str, int]:
        """What each rule would cost on this graph."""
        graph = self._at.graph
        return {
            name: getattr(Elimination(graph).run(rule(graph, self.count)), self.count) for name, rule in RULES.items()
        }

    def evaluate(self, leaves: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """Flat results, and the blocks of the Jacobian, row by row."""
        m, n = len(self._at.out_types), len(leaves)
        with np.errstate(all="ignore"):  # the function itself has run; slopes that nobody asked for may be infinite
            found = self.first.evaluate(leaves)
            blocks = self.second.evaluate(found[m:])
        return found[:m], [blocks[k * n : (k + 1) * n] for k in range(m)]

    def __str__(self) -> str:
        lines = [
            f"Jacobian of {self.name} by elimination ({self.order}):",
            f"  {self.vertices} vertices, {self.edges} edges",
            f"  {self.multiplications} multiplications, {self.additions} additions ({self.pairs} products of edges)",
        ]
        return "\n".join([*lines, f"  {self.count} of each rule:", *(f"    {k:<10}{v}" for k, v in self.costs.items())])

    __repr__ = __str__


def jacobian(
    fun: Function,
    argnums: Argnums = 0,
    order: Order = "auto",
    count: str = "multiplications",
    trials: int = 4000,
    seed: int = 0,
) -> Function:
    """The Jacobian by elimination of vertices: neither forward nor reverse mode, but what multiplies least.

    Law: `J[i, j] = df_i/dx_j`, the sum over the paths of the computational graph from x_j to f_i of the products of
    local derivatives. Shapes `(*y.shape, *x.shape)` and structures as `wg.jacfwd`. Every order gives the same
    derivative up to rounding; forward and reverse mode are two of them (Griewank and Walther, Evaluating Derivatives,
    chapters 9 and 10). It pays where functions have several inputs and several results, and for short programs of
    scalars most: wrap it in `wg.jit`.

    order: "forward", "reverse"; "markowitz" (smallest degree next), "cheapest" (fewest multiplications next),
    "lookahead" (least growth of the neighbours' degrees); "auto", the best of these; "search", from there on by
    simulated annealing over vertices and edges in so many `trials` with this `seed`; or steps, as `plan(*args).steps`
    has them. Plans are kept for programs that are equal, orders for graphs that are; an order that a search found is
    kept on disk too, beside compiled code. count: what an order is to have few of, "multiplications" that are carried
    out or "pairs" of edges.

    `jacobian(f).plan(*args)` says what is done, and how much. Real functions only. Singular points: as in the two
    modes, a zero factor stays zero beside an infinite one.

    Raises NonDifferentiableInputError; ArgumentError (order, count, trials); MemoryLimitError where an operation
    has a dense Jacobian of more than 2**24 entries.

    >>> import numpy as np
    >>> from wengert import elimination
    >>> f = lambda x: np.exp(x[0] * x[1]) * np.array([1.0, 2.0])
    >>> elimination.jacobian(f)(np.array([0.0, 3.0]))
    array([[3., 0.],
           [6., 0.]])
    """
    both = _Jacobian("elimination.jacobian", fun, argnums, order, count, trials, seed)

    @named("elimination.jacobian", fun)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        return both(args, kwargs)[1]

    jacobian_of.plan = both.plan  # type: ignore[attr-defined]
    return jacobian_of


def value_and_jacobian(
    fun: Function,
    argnums: Argnums = 0,
    order: Order = "auto",
    count: str = "multiplications",
    trials: int = 4000,
    seed: int = 0,
) -> Function:
    """`(value, Jacobian)`, the Jacobian by elimination: arguments and errors as `jacobian`.

    >>> from wengert import elimination
    >>> elimination.value_and_jacobian(lambda x: x * x)(3.0)
    (9.0, np.float64(6.0))
    """
    both = _Jacobian("elimination.value_and_jacobian", fun, argnums, order, count, trials, seed)

    @named("elimination.value_and_jacobian", fun)
    def value_and_jacobian_of(*args: Any, **kwargs: Any) -> Any:
        return both(args, kwargs)

    value_and_jacobian_of.plan = both.plan  # type: ignore[attr-defined]
    return value_and_jacobian_of


class _Jacobian:
    """What was asked for, the orders that were found for it, and the plans of the programs that were met last."""

    def __init__(
        self, name: str, fun: Function, argnums: Argnums, order: Order, count: str, trials: int, seed: int
    ) -> None:
        check_callable(fun, name)
        _check(name, order, count, trials)
        self.name, self.fun, self.argnums = name, fun, positions(argnums, name)
        self.order, self.count, self.trials, self.seed = order, count, trials, seed
        self.found: dict[Any, tuple[str, list[Step]]] = {}
        self.plans: dict[Any, Plan] = {}

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """Value and Jacobian, in their structures."""
        call, plan = self.planned(args, kwargs)
        values, blocks = plan.evaluate(call.leaves)
        return call.result(values), call.result([call.rebuild([owned(b) for b in row]) for row in blocks])

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """What a call with these arguments does."""
        return self.planned(args, kwargs)[1]

    def planned(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, Plan]:
        """The call, checked, and its plan."""
        call = Call(self.fun, self.argnums, args, kwargs, False)
        call.check_inputs(self.name, False)
        program = record(call, call.leaves, name=name_of(self.fun), owner=call.fun)
        call.check_results(self.name, [getattr(a, "value", 0.0) for a in program.outputs])
        return call, self.plan_of(merged(program))

    def plan_of(self, program: Program) -> Plan:
        """The plan, made once for programs that are equal: the function is recorded at each call, and may differ."""
        key = identity(program)
        plan = self.plans.get(key) if key is not None else None
        if plan is None:
            at = Linearisation(program)
            plan = Plan(at, *self.way(at.graph), self.count)
            if key is not None:
                self.plans[key] = plan
                if len(self.plans) > KEPT:
                    del self.plans[next(iter(self.plans))]
        return plan

    def way(self, graph: Graph) -> tuple[str, list[Step]]:
        """The order for a graph: found once for those that are equal."""
        key = graph.signature
        if key not in self.found:
            self.found[key] = self.ordered(graph)
        return self.found[key]

    def ordered(self, graph: Graph) -> tuple[str, list[Step]]:
        """The order for a graph, by name."""
        if not isinstance(self.order, str):
            return "given", _given(self.order, graph)
        if self.order == "auto":
            return best_rule(graph, self.count)
        if self.order == "search":
            return "search", searched(graph, self.count, self.trials, self.seed)
        return self.order, RULES[self.order](graph, self.count)


def _check(name: str, order: Order, count: str, trials: int) -> None:
    wrong = None
    if isinstance(order, str) and order not in ORDERS:
        wrong = f"order {order!r}", f"order= one of {', '.join(map(repr, ORDERS))}, or steps"
    elif count not in COUNTS:
        wrong = f"count {count!r}", f"count= one of {', '.join(map(repr, COUNTS))}"
    elif not isinstance(trials, int) or trials < 0:
        wrong = f"{trials!r} trials", "trials= a whole number, 0 or more"
    if wrong:
        raise ArgumentError(
            f"{name} has no {wrong[0]}",
            why="an order of elimination is a rule, the result of a bounded search, or given step by step",
            write=wrong[1],
        )


def _given(order: Sequence[int | Step], graph: Graph) -> list[Step]:
    """Steps from outside, which must eliminate every vertex."""
    if not all(isinstance(s, int | tuple | list) for s in several(order, tuple, "order")):
        raise ArgumentError(
            f"order={order!r}", why="a step is a vertex, or an edge and its end", write="order=plan.steps of a plan"
        )
    steps: list[Step] = [(s,) if isinstance(s, int) else tuple(s) for s in order]
    state = Elimination(graph)
    fits = all(len(s) == 1 or (len(s) == 3 and s[2] in (1, -1)) for s in steps)
    ends = {*graph.inputs, *graph.outputs}
    if not fits or any(s[0] in ends for s in steps if len(s) == 1) or state.run(steps).left(graph.intermediate):
        raise ArgumentError(
            "these steps do not eliminate the vertices of this graph",
            why=f"every intermediate vertex must go: {graph.intermediate[:20]}",
            write="order=plan.steps of a plan for the same function and types of arguments",
        )
    return steps
