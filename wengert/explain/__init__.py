"""What a derivative does, shown: tables of both modes, graphs, the five methods side by side, the cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .explanation import Explanation

__all__ = ["explain"]


def explain(
    fun: Callable[..., Any],
    *args: Any,
    directions: Any = None,
    seed: Any = None,
    output: int | None = None,
    by_hand: Any = None,
    step: float | None = None,
    unroll: bool = False,
    **kwargs: Any,
) -> Explanation:
    """Everything about the derivatives of `fun` at one point, as tables and pictures.

    The function is recorded once; what is shown is read off the programs that the library runs. Law, for each node v
    of the Wengert list and direction d: the tangent is `dv(x + t d)/dt` at t = 0; the adjoint is `d<seed, f>/dv`, the
    sum over the users u of v of `u_bar du/dv`.

    fun, args, kwargs: any function that can be differentiated, and its arguments: arrays, numbers and structures of
    them; strings, booleans and other objects are passed on as they are. Integers have no derivative. directions: the
    seeds of forward mode, each a tuple of tangents like the arguments, in a list or a dict by name (default: each unit
    vector, if there are at most 8; else each argument as a whole). seed: adjoints of the results, in their structure
    (default: ones); output: instead, the number of one element of the results. by_hand: the gradient as you worked it
    out, a function of the same arguments or `{"x": "2*x*y", ...}`, to be compared. step: that of the forward and the
    central difference (default: the best guess). unroll: show every round of Python's loops.

    Returns an Explanation: `.nodes`, `.forward`, `.reverse`, `.truth` (50 digits), `.methods`, `.curve`, `.cost`,
    `.graph`, `.extended_graph`, `.notes`; `print` it, let a notebook display it, or `.save("page.html")`. Each part is
    computed when it is first looked at. Raises NonDifferentiableInputError where no argument is a floating-point
    number, ArgumentError for an output or by_hand that does not fit.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def f(x1, x2):
    ...     return x1 * np.exp(-(x1**2 + x2**2) / 2)
    >>> e = wg.explain(f, 2.0, 0.5)
    >>> [f"{node.name} = {node.expression}" for node in e.nodes[2:5]]
    ['v1 = x1**2', 'v2 = x2**2', 'v3 = v1 + v2']
    >>> print(*(row.formula for row in e.reverse.rows[:2]), sep="; ")
    x̄1 = 2*x1*v̄1 + v6*f̄; x̄2 = 2*x2*v̄2
    >>> e.truth.texts[0]
    '-0.35829890480015885398763084283564423245144765494327'
    """
    # Here, and not above: a program that only differentiates need not load what shows it.
    from .explanation import Explanation
    from .point import Point

    return Explanation(Point(fun, args, kwargs, unroll), directions, seed, output, by_hand, step)
