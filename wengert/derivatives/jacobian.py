"""Jacobians and Hessians with structures: column by column, row by row, or the cheaper way, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.call import Argnums, Call, Function, check_callable, name_of, named, positions
from ..core.trace import Tracer
from ..core.types import dtype_of, type_of
from ..errors import ArgumentError, MemoryLimitError, NonScalarOutputError
from . import sparse
from .columns import Blocks, columns_of, lanes_around, linearised, owned, pushed, rows_of
from .mode import Choice, Linearised, check_chunk, choose, fitting, held_bytes, parse_bytes, with_sparse

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]

MODES = ("auto", "forward", "reverse")


def jacfwd(fun: Function, argnums: Argnums = 0, has_aux: bool = False, holomorphic: bool = False) -> Function:
    """The Jacobian, column by column in forward mode: for functions with few inputs.

    Law: `J[i, j] = df_i/dx_j`; shape `(*y.shape, *x.shape)`, in the structure of the result with, at each leaf, the
    structure of the differentiated argument. All columns at once; `wg.jacobian(f, mode="forward", chunk=...)` takes so
    many at a time.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _Jacobian("jacfwd", fun, argnums, has_aux, holomorphic, "forward").function()


def jacrev(fun: Function, argnums: Argnums = 0, has_aux: bool = False, holomorphic: bool = False) -> Function:
    """The Jacobian, row by row in reverse mode: for functions with few outputs. Shapes as `jacfwd`.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.jacrev(lambda x: np.array([1.0, 2.0]) * x)(3.0)
    array([1., 2.])
    """
    return _Jacobian("jacrev", fun, argnums, has_aux, holomorphic, "reverse").function()


def jacobian(
    fun: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    mode: str = "auto",
    chunk: int | None = None,
    memory: int | str | None = None,
) -> Function:
    """The Jacobian in the mode that costs less, in chunks whose memory is bounded. Shapes as `jacfwd`.

    Law: `J[i, j] = df_i/dx_j`, as `J e_j` (forward) or `e_i^T J` (reverse) for unit vectors e.

    mode: "forward" or "reverse"; "auto" runs the function once and counts, on the linear program that this leaves, the
    operations and bytes of n columns forward and of m rows in reverse, each through the part of the program that it
    reaches. `jacobian(f).choice(*args)` is that count: what was chosen and why; and whether `wg.sparse.jacobian` would
    pay (it alone asks: to find the structure takes longer than many a Jacobian). Complex results of real arguments need
    forward mode, real results of complex arguments reverse; "auto" takes it.

    chunk: columns (or rows) computed at a time. memory: bytes that the tangents (or adjoints) of one chunk may take,
    as a number or as "1 GB", of which the chunk follows; 1 GiB unless given. What the function itself keeps for its
    linear program, and the Jacobian, are not in it. While a program is recorded (`wg.jit`) the chunks are one loop.

    Raises NonDifferentiableInputError; ArgumentError (mode, chunk, memory).

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.jacobian(lambda x: np.sin(x))(np.zeros(2))
    array([[1., 0.],
           [0., 1.]])
    >>> wg.jacobian(lambda x: np.sum(np.sin(x)) * np.ones(3)).choice(np.zeros(100)).mode
    'reverse'
    """
    return _Jacobian("jacobian", fun, argnums, has_aux, holomorphic, mode, chunk, memory).function()


def hessian(
    fun: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    mode: str = "auto",
    chunk: int | None = None,
    memory: int | str | None = None,
) -> Function:
    """The matrix of second derivatives: the Jacobian of the Jacobian.

    Law: `H[i, j] = d^2 f / dx_i dx_j`; shape `(*y.shape, *x.shape, *x.shape)`.

    The inner Jacobian is in the cheaper mode (reverse for a function with one result). mode, chunk and memory are those
    of the outer one: "forward" over it, "reverse" over it, or by count, which `hessian(f).choice(*args)` shows.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 4.0]))
    array([[8., 6.],
           [6., 0.]])
    """
    check_callable(fun, "hessian")
    first = jacobian(fun, argnums, has_aux, holomorphic)
    first.__name__ = name_of(fun)  # errors speak of the user's function
    return _Jacobian("hessian", first, argnums, has_aux, holomorphic, mode, chunk, memory).function()


class _Jacobian:
    """What was asked for: a function, the arguments to differentiate, a mode and a bound on memory."""

    def __init__(
        self,
        name: str,
        fun: Function,
        argnums: Argnums,
        has_aux: bool,
        holomorphic: bool,
        mode: str,
        chunk: int | None = None,
        memory: int | str | None = None,
    ) -> None:
        check_callable(fun, name)
        if not isinstance(mode, str) or mode not in MODES:
            raise ArgumentError(
                f"{name} has no mode {mode!r}",
                why="it is computed column by column (forward), row by row (reverse), or the cheaper way (auto)",
                write=f"mode= one of {', '.join(map(repr, MODES))}",
            )
        self.name, self.fun, self.argnums = name, fun, positions(argnums, name)
        self.has_aux, self.holomorphic, self.mode = has_aux, holomorphic, mode
        self.chunk, self.memory = check_chunk(chunk), parse_bytes(memory)
        self.bounded = chunk is not None or memory is not None or mode == "auto"

    def function(self) -> Callable[..., Any]:
        """The function that computes it, with `choice` beside it."""

        @named(self.name, self.fun)
        def jacobian_of(*args: Any, **kwargs: Any) -> Any:
            call = self.call(args, kwargs)
            values, blocks = self.blocks(call)
            call.check_results(self.name, values)
            J = call.result([call.rebuild([owned(b) for b in row]) for row in blocks])
            return (J, call.aux) if self.has_aux else J

        jacobian_of.choice = self.choice  # type: ignore[attr-defined]
        return jacobian_of

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """The call, with its arguments checked."""
        call = Call(self.fun, self.argnums, args, kwargs, self.has_aux)
        call.check_inputs(self.name, False)
        return call

    def blocks(self, call: Call) -> tuple[list[Any], Blocks]:
        """Values, and the blocks of the Jacobian."""
        if self.mode == "forward" and not self.bounded:
            return pushed(call, call.leaves, None, call.fun)
        at = linearised(call, call.leaves, call.fun)
        call.check_results(self.name, at.values)
        mode, chunk = self.way(at)
        if mode == "reverse" and not self.holomorphic:
            _check_real_outputs(self.name, call, at.values)
        return list(at.values), (columns_of if mode == "forward" else rows_of)(at, chunk, call.fun)

    def way(self, at: Linearised) -> tuple[str, int | None]:
        """The mode, and how many columns or rows at a time. Nothing is counted where nothing is to be chosen."""
        if self.mode == "auto":
            choice = self.chosen(at)
            return choice.mode, choice.chunk
        if not self.bounded:
            return self.mode, None
        passes = sum(at.sizes()[self.mode == "reverse"])
        held = lanes_around(at.primals) * held_bytes(at)
        return self.mode, fitting(passes, held, self.chunk, self.memory)

    def chosen(self, at: Linearised) -> Choice:
        """The mode and the chunk, by the count of the linear program."""
        return choose(at, self.mode, self.chunk, self.memory, lanes_around(at.primals))

    def choice(self, *args: Any, **kwargs: Any) -> Choice:
        """Which mode a call with these arguments takes, what each would cost, and how many columns at a time."""
        call = self.call(args, kwargs)
        at = linearised(call, call.leaves, call.fun)
        choice = self.chosen(at)
        plain = all(not isinstance(x, Tracer) and dtype_of(x).kind == "f" for x in call.leaves)
        if self.name != "jacobian" or self.has_aux or not plain:
            return choice
        try:
            colouring = sparse.jacobian(self.fun, self.argnums).colouring(*args, **kwargs)
        except MemoryLimitError:  # what the elements depend on is too much to be written down
            return choice
        rows, columns = colouring.numbers
        return with_sparse(choice, at, columns, rows, colouring.structure.nnz, colouring.structure.form)


def _check_real_outputs(name: str, call: Call, values: Sequence[Any]) -> None:
    for y in values:
        if dtype_of(y).kind == "c" and not all(dtype_of(x).kind == "c" for x in call.leaves):
            raise NonScalarOutputError(
                f"{name} of {name_of(call.fun)} has a complex result {type_of(y)} of real arguments",
                why="the adjoint of a real argument is real: half of the derivative would be lost",
                write="use wg.jacfwd, or differentiate the real and the imaginary part",
                where=call.source,
            )
