"""wg.sparse.jacobian, wg.sparse.hessian, wg.sparse.pattern: what users call."""

from __future__ import annotations

from typing import Any

from ...core.call import Argnums, Function, named
from ...errors import ArgumentError
from .request import Request
from .structure import MODES, Structure


def jacobian(
    fun: Function,
    argnums: Argnums = 0,
    pattern: Any = None,
    mode: str = "auto",
    order: str = "auto",
    check: bool = True,
) -> Function:
    """The Jacobian as a `scipy.sparse.csr_array`, from as few products as a colouring of its structure allows.

    Law: `J[i, j] = dy_i / dx_j`, shape `(y.size, x.size)`, elements in C order; for structured results or arguments
    a matrix for each pair of leaves, in the structure of the result with, at each leaf, that of the argument. All
    entries of the structure are stored, also those that happen to be zero, so matrices at different points fit.

    The structure is found from the program when a combination of types is first met, and kept with the colouring and
    the compiled products; floating-point arguments may change freely, integers and integer arrays are part of it.
    pattern: a Structure, a Colouring (mode and order then are its own) or a scipy.sparse matrix, instead. Where it
    lacks entries that the program may have, or was found at a point, each call is checked against one more product, in
    a random direction; check=False trusts it. mode, order: as in `Structure.colouring`; a VJP weighs what it costs in
    JVPs, by count. The arrays of indices are read-only, and shared by the matrices of all calls.

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
    return Request("jacobian", fun, argnums, pattern, mode, order, check).function()


def hessian(
    fun: Function,
    argnums: Argnums = 0,
    pattern: Any = None,
    mode: str = "auto",
    order: str = "auto",
    check: bool = True,
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
    return Request("hessian", fun, argnums, pattern, mode, order, check).function()


def pattern(fun: Function, argnums: Argnums = 0, kind: str = "jacobian", local: bool = False) -> Function:
    """Where the Jacobian (or Hessian) of a function may be nonzero: `pattern(f)(*args)` is a Structure.

    Derived from the program: too large perhaps, never too small. It holds for all floating-point arguments of these
    types; with local=True for these arguments only, so that branches not taken, derivatives that are zero here, and
    indices that depend on data are resolved. Raises ArgumentError, MemoryLimitError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.sparse.pattern(lambda x: np.maximum(x, x[::-1]))(np.arange(4.0))
    Structure of a jacobian: 4 x 4, 8 entries (2 blocks of 2 x 2)
    >>> wg.sparse.pattern(lambda x: np.maximum(x, x[::-1]), local=True)(np.arange(4.0))
    Structure of a jacobian: 4 x 4, 4 entries (2 blocks of 2 x 1)
    """
    if kind not in MODES:
        raise ArgumentError(
            f"wg.sparse.pattern has no kind {kind!r}",
            why="it finds where first or second derivatives may be nonzero",
            write='kind="jacobian" or kind="hessian"',
        )
    request = Request(kind, fun, argnums, name="pattern")

    @named("sparse.pattern", fun)
    def pattern_of(*args: Any, **kwargs: Any) -> Structure:
        call, split = request.call(args, kwargs)
        return request.plan(call, split).structure(kind, split.data if local else None)

    return pattern_of
