"""Products with a curvature matrix that is never formed: Hessian, Gauss-Newton, Fisher."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as wnp
from ...core.call import Call, Function, check_callable, name_of
from ...core.trace import Tracer
from ...core.tree import flatten_like
from ...core.types import dtype_of, shape_of
from ...errors import ArgumentError, NonDifferentiableInputError, NonScalarOutputError
from ...primitives.shape import broadcast_to
from ...transforms.batch import batch_flat
from ...transforms.tape import run_tape
from ...transforms.transpose import transpose_tape
from ..columns import linearised, zeros_if_none
from ..mode import ABOUT, Choice, Linearised, Passes, forward_cost, held_bytes, reverse_cost
from ..taylor import tangents

Leaves = list[Any]
MEMORY = 2**28  # bytes that the tangents of products at one time may take


class Product:
    """A symmetric matrix over the elements of x, known by its products: `product(v)`, structured like x.

    The function was linearised once, at x; a product runs the linear program only (as machine code where the function
    is `wg.jit(f)`). mode: the composition that it takes. choice: for a Hessian, what both compositions cost and why
    this one was taken. n: rows and columns. operator: the same as a `scipy.sparse.linalg.LinearOperator` over vectors
    of all elements, leaf by leaf.
    """

    def __init__(
        self, call: Call, apply: Callable[[Leaves], Leaves], held: int, mode: str, choice: Choice | None = None
    ) -> None:
        self._call, self._apply, self.mode, self.choice = call, apply, mode, choice
        self._shapes = [shape_of(x) for x in call.leaves]
        self._dtypes = [dtype_of(x) for x in call.leaves]
        self.dtype = np.result_type(*self._dtypes) if self._dtypes else np.dtype(float)
        self.n = sum(map(math.prod, self._shapes))
        self.shape = (self.n, self.n)
        self._chunk = max(1, MEMORY // max(held, 1))

    def __call__(self, v: Any) -> Any:
        """The product with a tangent, which has the structure and the shapes of x."""
        products = self._apply(tangents(self._call, v))
        return self._call.rebuild([_owned(p) for p in products])

    def rows(self, V: Any) -> np.ndarray:
        """Products with many vectors of all elements: (k, n) -> (k, n), so many at once as memory allows."""
        V = wnp.asarray(V)
        self._check(V, 2)
        parts = [self._together(V[k : k + self._chunk]) for k in range(0, len(V), self._chunk)]
        return np.concatenate([np.zeros((0, self.n), self.dtype), *parts])

    def dense(self) -> np.ndarray:
        """The matrix itself: n products."""
        return self.rows(np.eye(self.n, dtype=self.dtype))

    def flat(self, tree: Any) -> np.ndarray:
        """A structure like x as a vector."""
        leaves = flatten_like(self._call.trees[0][1], tree, "a vector of the curvature")
        return np.concatenate([np.zeros(0, self.dtype), *(np.ravel(leaf) for leaf in leaves)])

    def tree(self, v: Any) -> Any:
        """A vector as a structure like x."""
        v = wnp.asarray(v)
        self._check(v, 1)
        return self._call.rebuild([p.reshape(p.shape[1:])[()] for p in self._leaves(v[None])])

    def _check(self, V: Any, rank: int) -> None:
        """ArgumentError unless these are vectors of all elements, and real."""
        if V.ndim != rank or V.shape[-1] != self.n or V.dtype.kind not in "fiub":
            shape = f"({self.n},)" if rank == 1 else f"(k, {self.n})"
            raise ArgumentError(
                f"curvature of {self.n} elements and an array of shape {V.shape}, {V.dtype}",
                why=f"its vectors are real, and have the {self.n} elements of x" + (", as rows" if rank > 1 else ""),
                write=f"a real array of shape {shape}",
            )

    @property
    def operator(self) -> Any:
        """The product as a `scipy.sparse.linalg.LinearOperator` of shape (n, n)."""
        from scipy.sparse.linalg import LinearOperator  # slow to import: only when asked for

        def one(v: Any) -> np.ndarray:
            return self.rows(np.reshape(v, (1, -1)))[0]

        def many(V: Any) -> np.ndarray:
            return self.rows(np.asarray(V).T).T

        return LinearOperator(self.shape, matvec=one, rmatvec=one, matmat=many, rmatmat=many, dtype=self.dtype)

    def _leaves(self, V: np.ndarray) -> Leaves:
        ends = np.cumsum([math.prod(s) for s in self._shapes])[:-1]
        parts = zip(np.split(V, ends, axis=1), self._shapes, self._dtypes, strict=False)
        return [p.reshape((len(V), *s)).astype(d) for p, s, d in parts]

    def _together(self, V: np.ndarray) -> np.ndarray:
        leaves = self._leaves(V)
        if len(V) == 1:
            ys = self._apply([x.reshape(x.shape[1:])[()] for x in leaves])
            return np.concatenate([np.zeros(0, self.dtype), *map(np.ravel, ys)])[None]
        outs, on = batch_flat(lambda *vs: self._apply(list(vs)), len(V), leaves, [True] * len(leaves))
        full = [y if b else broadcast_to(y, shape=(len(V), *shape_of(y))) for y, b in zip(outs, on, strict=True)]
        return np.concatenate([np.zeros((len(V), 0), self.dtype), *(np.reshape(y, (len(V), -1)) for y in full)], axis=1)


def _owned(x: Any) -> Any:
    return x if isinstance(x, Tracer) else np.array(x)[()]


# Hessian ---------------------------------------------------------------------------------------------------------
MODES = ("auto", "forward over reverse", "reverse over reverse")
OUTER = {"forward": MODES[1], "reverse": MODES[2]}


def hessian(fun: Function, x: Any, *, mode: str = "auto") -> Product:
    """Products with the Hessian of a function with one real number as result.

    Law: `hessian(f, x)(v) = H(x) v`. The gradient is linearised once; a product costs about as much as a gradient.
    mode: "forward over reverse" pushes v through the linearised gradient, "reverse over reverse" pulls it back, which
    is the same because H is symmetric; "auto" takes the one that costs less by count, and `.choice` is that count.

    x: real, a number, an array or a structure of them. Raises NonDifferentiableInputError, NonScalarOutputError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> H = wg.curvature.hessian(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    >>> H(np.array([1.0, 1.0]))
    array([ 6., 12.])
    >>> H.operator.shape
    (2, 2)
    >>> H.mode, H.choice.mode
    ('forward over reverse', 'forward')
    """
    if mode not in MODES:
        raise ArgumentError(
            f"a product with a Hessian has no mode {mode!r}",
            why="the second derivative is taken forward, or in reverse",
            write=f"mode= one of {', '.join(map(repr, MODES))}",
        )
    call = _real_call(fun, x, "hessian")
    at = linearised(lambda *xs: _gradient(call, call, xs), call.leaves, fun)
    choice = chosen(at, mode)
    apply = _push if choice.mode == "forward" else _pull
    return Product(call, lambda vs: apply(at, vs), held_bytes(at), OUTER[choice.mode], choice)


def chosen(at: Linearised, mode: str) -> Choice:
    """The derivative of the gradient: one tangent pushed forward, or one adjoint pulled back."""
    held = held_bytes(at)
    forward, reverse = (Passes(1, 1, cost(at, None), held) for cost in (forward_cost, reverse_cost))
    if mode != "auto":
        return Choice(mode.split()[0], "as asked for", forward, reverse, MEMORY)
    ratio = forward.cost.weight / max(reverse.cost.weight, 1)
    reason = f"by count a product forward costs {ratio:.2f} times one in reverse"
    return Choice("forward" if ratio <= ABOUT else "reverse", reason, forward, reverse, MEMORY)


def _gradient(f: Callable[..., Sequence[Any]], call: Call, xs: Sequence[Any]) -> Leaves:
    """The gradient of a flat function with one real result."""
    at = linearised(f, xs, call.fun)
    call.check_results("hessian", at.values)
    if len(at.values) != 1 or shape_of(at.values[0]) != () or dtype_of(at.values[0]).kind != "f":
        raise NonScalarOutputError(
            f"{name_of(call.fun)} has no Hessian: its result is not one real number",
            why="a Hessian is the second derivative of one number",
            write="reduce the result (np.sum), or use wg.curvature.gauss_newton for many results",
            where=call.source,
        )
    return _pull(at, [dtype_of(at.values[0]).type(1)])


def _push(at: Linearised, x_dots: Leaves) -> Leaves:
    with np.errstate(all="ignore"):
        y_dots = run_tape(at.tape, at.ins, at.nodes, x_dots)
    return [zeros_if_none(d, y) for d, y in zip(y_dots, at.values, strict=True)]


def _pull(at: Linearised, y_bars: Leaves) -> Leaves:
    x_bars = transpose_tape(at.tape, at.ins, at.nodes, y_bars)
    return [zeros_if_none(b, x) for b, x in zip(x_bars, at.primals, strict=True)]


def _real_call(fun: Function, x: Any, name: str) -> Call:
    check_callable(fun, name)
    call = Call(fun, 0, (x,), {}, False)
    call.check_inputs(name, False)
    if any(dtype_of(leaf).kind == "c" for leaf in call.leaves):
        raise NonDifferentiableInputError(
            f"{name} of {name_of(fun)} at a complex argument",
            why="curvature is a real symmetric matrix",
            write="the real and imaginary parts as arguments of their own",
            where=call.source,
        )
    return call


# Gauss-Newton and Fisher -----------------------------------------------------------------------------------------
def gauss_newton(fun: Function, x: Any, loss: Function | None = None) -> Product:
    """Products with the Gauss-Newton matrix of `loss(fun(x))`: the Hessian without the curvature of fun.

    Law: `gauss_newton(f, x, loss)(v) = J' H_loss(f(x)) J v`, J the Jacobian of f; without loss, of half the sum of
    squares, `J' J v`. Positive semidefinite where loss is convex. loss takes what fun returns, and returns one real
    number. (Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", 2002.)

    >>> import numpy as np
    >>> import wengert as wg
    >>> G = wg.curvature.gauss_newton(lambda x: x**2, np.array([1.0, 2.0]))
    >>> G(np.array([1.0, 1.0]))
    array([ 4., 16.])
    """
    call = _real_call(fun, x, "gauss_newton")
    at = linearised(call, call.leaves, fun)
    call.check_results("gauss_newton", at.values)
    if any(dtype_of(y).kind != "f" for y in at.values):
        raise NonScalarOutputError(
            f"{name_of(fun)} has results that are not real",
            why="residuals, and what a loss takes, are real numbers",
            write="the real and imaginary parts: np.stack([y.real, y.imag])",
            where=call.source,
        )
    held = held_bytes(at)
    if loss is None:
        return Product(call, lambda vs: _pull(at, _push(at, vs)), held, "transposed of forward")
    check_callable(loss, "gauss_newton")
    outer = _real_call(loss, call.result(at.values), "gauss_newton")
    top = linearised(lambda *ys: _gradient(outer, outer, ys), outer.leaves, loss)
    return Product(
        call, lambda vs: _pull(at, _push(top, _push(at, vs))), held + held_bytes(top), "transposed of forward"
    )


def _log_sum_exp(z: Any) -> Any:
    """Along the last axis; what is taken out of the sum and put back has no derivative."""
    top = wnp.max(z, axis=-1, keepdims=True)
    return wnp.sum(wnp.log(wnp.sum(wnp.exp(z - top), axis=-1, keepdims=True)) + top)


FAMILIES: dict[str, Function] = {
    "normal": lambda z: wnp.sum(z * z) / 2,
    "bernoulli": lambda z: wnp.sum(wnp.logaddexp(0.0 * z, z)),
    "categorical": _log_sum_exp,
    "poisson": lambda z: wnp.sum(wnp.exp(z)),
}


def fisher(fun: Function, x: Any, family: str | None = None) -> Product:
    """Products with the Fisher information of a statistical model, or with the empirical one.

    family: "normal" (unit variance), "bernoulli", "categorical" (last axis) or "poisson": fun gives the natural
    parameters z of independent observations (means, logits, logits, logarithms of rates), and the information is
    `J' A''(z) J` with the log-partition A of the family, whose second derivative is the covariance of the data. Without
    family: fun gives the log-likelihood of each observation, and the product is the empirical one,
    `sum_i g_i g_i' v` over their gradients g_i. (Martens, "New insights and perspectives on the natural gradient
    method", JMLR 21 (2020).) Sums over observations; divide for means.

    >>> import numpy as np
    >>> import wengert as wg
    >>> t = np.array([0.0, 1.0])
    >>> F = wg.curvature.fisher(lambda w: w[0] + w[1] * t, np.zeros(2), "bernoulli")
    >>> F.dense()
    array([[0.5 , 0.25],
           [0.25, 0.25]])
    """
    if family is None:
        return gauss_newton(fun, x)
    if family not in FAMILIES:
        raise ArgumentError(
            f"no family {family!r} of distributions",
            why=f"there are {', '.join(map(repr, FAMILIES))}",
            write="wg.curvature.gauss_newton(f, x, log_partition) for another exponential family",
        )
    return gauss_newton(fun, x, FAMILIES[family])
