"""The public transformations: structured data in, structured data out. Signatures are JAX's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .core.axes import broadcast_axes, input_axes, mapped_size
from .core.call import (
    FLOAT0,
    Argnums,
    Call,
    Function,
    check_callable,
    check_sequences,
    check_tangent,
    is_number_like,
    name_of,
    named,
    positions,
    tangent_leaves,
)
from .core.program import Literal, Program
from .core.record import record
from .core.trace import Tracer, literal
from .core.tree import LEAF, describe, flatten, flatten_like
from .core.types import dtype_of, is_inexact, shape_of, type_of
from .derivatives.columns import owned
from .derivatives.jacobian import hessian, jacfwd, jacobian, jacrev
from .errors import (
    NonScalarOutputError,
    ShapeError,
)
from .primitives.shape import broadcast_to, transpose
from .transforms.batch import batch_flat
from .transforms.jvp import jvp_flat
from .transforms.linearize import linearize_flat
from .transforms.tape import Tape, run_tape
from .transforms.transpose import transpose_tape

__all__ = [
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]


# grad ------------------------------------------------------------------------------------------------------------
def grad(
    fun: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Function:
    r"""The gradient of a scalar-valued function, by reverse mode.

    Law: `grad(f)(x) = (df/dx_1, ..., df/dx_n)`, for the cost of a few evaluations of f, however large n is.

    fun: any Python function of NumPy arrays, numbers, or structures of them, with one real number as result. argnums:
    which positional arguments to differentiate (an int gives one gradient, a sequence gives a tuple). has_aux: fun
    returns `(value, auxiliary)` and the gradient function `(gradient, auxiliary)`. holomorphic: fun maps complex to
    complex holomorphically; the complex derivative is returned.

    Shapes: each gradient has the structure, shapes and dtypes of its argument. Complex arguments of a real-valued fun:
    `df/dRe(z) - i df/dIm(z)` (JAX's convention). Singular points: see the guide; abs'(0) = 0, norm'(0) = 0.

    Raises NonDifferentiableInputError (integer, boolean or other arguments), NonScalarOutputError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.grad(lambda x: np.sum(x**2) / 2)(np.array([3.0, 4.0]))
    array([3., 4.])
    """
    check_callable(fun, "grad")
    argnums = positions(argnums, "grad")

    @named("grad", fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, argnums, args, kwargs, has_aux)
        _, g = _value_and_grad(call, holomorphic, allow_int)
        return (g, call.aux) if has_aux else g

    return gradient


def value_and_grad(
    fun: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Function:
    """Like `grad`, returning `(value, gradient)`, or `((value, auxiliary), gradient)` with has_aux.

    >>> import wengert as wg
    >>> wg.value_and_grad(lambda x: x * x)(3.0)
    (9.0, np.float64(6.0))
    """
    check_callable(fun, "grad")
    argnums = positions(argnums, "grad")

    @named("value_and_grad", fun)
    def both(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, argnums, args, kwargs, has_aux)
        y, g = _value_and_grad(call, holomorphic, allow_int)
        return ((y, call.aux) if has_aux else y), g

    return both


def _value_and_grad(call: Call, holomorphic: bool, allow_int: bool) -> tuple[Any, Any]:
    call.check_inputs("grad", allow_int)
    if holomorphic:
        call.check_holomorphic("grad")
    values, tape, ins, nodes = linearize_flat(call, call.leaves, call.fun)
    y = _scalar_output(call, values, holomorphic)
    one = literal(dtype_of(y).type(1), y) if isinstance(y, Tracer) else dtype_of(y).type(1)
    return y, call.rebuild(_pull_back(tape, ins, nodes, [one], call.leaves))


def _pull_back(tape: Tape, ins: Any, nodes: Any, y_bars: Sequence[Any], leaves: Sequence[Any]) -> list[Any]:
    """Adjoints of the leaves: arrays of their own, in the dtypes of the leaves."""
    x_bars = transpose_tape(tape, ins, nodes, y_bars)
    taken = {id(y_bar) for y_bar in y_bars}
    return [_own(x_bar, x, taken) for x_bar, x in zip(x_bars, leaves, strict=True)]


def _own(x_bar: Any, x: Any, taken: set[int]) -> Any:
    """An adjoint as a result: of the primal's dtype, sharing memory with nothing."""
    if x_bar is None:
        return _zeros_like(x)
    if isinstance(x_bar, Tracer):
        return x_bar.snapshot()
    if type(x_bar) is np.ndarray:
        if x_bar.base is not None or id(x_bar) in taken or not x_bar.flags.writeable:
            x_bar = x_bar.copy()
        taken.add(id(x_bar))
    dtype = dtype_of(x)
    return x_bar if dtype_of(x_bar) == dtype and type(x_bar) is not float else dtype.type(x_bar)


def _zeros_like(x: Any) -> Any:
    """A symbolic zero as a result; float0 where x is discrete."""
    dtype = dtype_of(x)
    if not is_inexact(dtype):
        return np.zeros(shape_of(x), FLOAT0)[()]
    zero = literal(dtype.type(0), x)
    return broadcast_to(zero, shape=shape_of(x)) if isinstance(zero, Tracer) else np.zeros(shape_of(x), dtype)[()]


def _scalar_output(call: Call, values: list[Any], holomorphic: bool) -> Any:
    """The one number that the function returned, or NonScalarOutputError."""
    if call.out_tree is LEAF and type(values[0]) is np.float64 and not holomorphic:
        return values[0]
    if call.out_tree is not LEAF and call.out_tree != LEAF:
        tree = describe(call.out_tree) if call.out_tree is not None else ""
        found = "None" if tree == "None" else f"the structure {tree}"
    elif not is_number_like(values[0]):
        found = f"a {type(values[0]).__name__}"
    elif shape_of(values[0]) != ():
        found = f"an array {type_of(values[0])}"
    elif dtype_of(values[0]).kind == "c" and not holomorphic:
        found = f"a complex number {type_of(values[0])}"
    elif dtype_of(values[0]).kind == "f" and holomorphic:
        found = f"a real number {type_of(values[0])}, with holomorphic=True"
    elif not is_inexact(dtype_of(values[0])):
        found = f"{type_of(values[0])}, which has no derivative"
    else:
        return values[0]
    raise NonScalarOutputError(
        f"grad needs a function with one real number as result; {name_of(call.fun)} returned {found}",
        why="a gradient is the derivative of one number; arrays have Jacobians; holomorphic=True is for functions from "
        "complex to complex numbers, and for no others",
        write="reduce the result (np.sum), return extra results with has_aux=True, or use wg.jacobian or wg.vjp",
        where=call.source,
    )


# jvp, vjp, linearize ---------------------------------------------------------------------------------------------
def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Forward mode: the value and the directional derivative of `fun` at `primals` along `tangents`.

    Law: `jvp(f, (x,), (v,)) = (f(x), J(x) v)`, for the cost of about two evaluations of f and no memory beyond it.
    Structures, shapes and dtypes of tangents are those of primals; integer primals take None, or zeros.
    Raises TangentMismatchError, StructureError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    check_callable(fun, "jvp")
    check_sequences(primals, tangents, "jvp")
    call = Call(fun, tuple(range(len(primals))), tuple(primals), {}, has_aux)
    call.check_arrays("jvp")
    x_dots = tangent_leaves(call, tuple(tangents))
    values, y_dots = jvp_flat(call, call.leaves, x_dots, call.fun)
    call.check_results("jvp", values)
    y_dots = [_own_tangent(d, y) for d, y in zip(y_dots, values, strict=True)]
    out, out_dot = call.result(values), call.result(y_dots)
    return (out, out_dot, call.aux) if has_aux else (out, out_dot)


def linearize(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """The value of `fun` and its derivative at `primals` as a linear function, to be applied to many tangents.

    Law: `y, f_jvp = linearize(f, x)` gives `y = f(x)`, `f_jvp(v) = J(x) v`, without evaluating f again.

    >>> import numpy as np
    >>> import wengert as wg
    >>> y, f_jvp = wg.linearize(np.sin, 0.0)
    >>> f_jvp(3.0)
    np.float64(3.0)
    """
    check_callable(fun, "linearize")
    call, values, tape, ins, nodes = _linearize("linearize", fun, primals, has_aux)

    def f_jvp(*tangents: Any) -> Any:
        """Apply the derivative to tangents of the structure of the primals."""
        x_dots = tangent_leaves(call, tangents)
        with np.errstate(all="ignore"):
            y_dots = run_tape(tape, ins, nodes, x_dots)
        return call.result([_own_tangent(d, y) for d, y in zip(y_dots, values, strict=True)])

    out = call.result(values)
    return (out, f_jvp, call.aux) if has_aux else (out, f_jvp)


def vjp(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Reverse mode: the value of `fun` and the function that pulls an adjoint of the result back to the arguments.

    Law: `y, f_vjp = vjp(f, x)` gives `f_vjp(w) = (J(x)^T w,)`, one adjoint for each argument, in its structure.
    With has_aux the result is `(y, f_vjp, aux)`. Raises TangentMismatchError, StructureError.

    >>> import numpy as np
    >>> import wengert as wg
    >>> y, f_vjp = wg.vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> f_vjp(1.0)
    (np.float64(5.0), np.float64(2.0))
    """
    check_callable(fun, "vjp")
    call, values, tape, ins, nodes = _linearize("vjp", fun, primals, has_aux)

    def f_vjp(y_bar: Any) -> Any:
        """Pull back an adjoint that has the structure of the result."""
        assert call.out_tree is not None
        leaves = flatten_like(call.out_tree, y_bar, "the adjoint given to a vjp function")
        y_bars = [check_tangent(b, y, "adjoint", k, call) for k, (b, y) in enumerate(zip(leaves, values, strict=True))]
        return call.rebuild(_pull_back(tape, ins, nodes, y_bars, call.leaves))

    out = call.result(values)
    return (out, f_vjp, call.aux) if has_aux else (out, f_vjp)


def _linearize(transformation: str, fun: Function, primals: tuple[Any, ...], has_aux: bool) -> Any:
    call = Call(fun, tuple(range(len(primals))), primals, {}, has_aux)
    call.check_arrays(transformation)
    call.leaves = [x.copy() if type(x) is np.ndarray else x for x in call.leaves]  # the caller may change them later
    values, tape, ins, nodes = linearize_flat(call, call.leaves, call.fun)
    call.check_results(transformation, values)
    return call, values, tape, ins, nodes


def _own_tangent(y_dot: Any, y: Any) -> Any:
    """A tangent as a result; a symbolic zero becomes zeros (float0 where the value is discrete)."""
    if y_dot is None:
        return _zeros_like(y)
    if isinstance(y_dot, np.ndarray) and (y_dot.base is not None or not y_dot.flags.writeable):
        return y_dot.copy()
    return y_dot.snapshot() if isinstance(y_dot, Tracer) else y_dot


# second derivatives without a matrix -----------------------------------------------------------------------------
def hvp(fun: Function, primals: Any, tangents: Any) -> Any:
    """Hessian times vector, forward over reverse, without the Hessian.

    Law: `hvp(f, (x,), (v,)) = H(x) v`, for the cost of a few evaluations of f. The result has the structure of the
    primals: of x where there is one argument (given bare or in a tuple of one), a tuple where there are several. For
    many v at one x, `wg.curvature.hessian(f, x)` linearises the gradient once, and chooses between forward and reverse
    over reverse by what they cost (`.choice`).

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 0.0]),))
    array([6., 0.])
    """
    if not isinstance(primals, tuple):
        primals, tangents = (primals,), (tangents,)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(fun, argnums), primals, tangents)[1]


def elementwise_grad(fun: Function, argnum: int = 0) -> Function:
    """The derivative of a function that applies element by element, at every element at once: `grad(sum(f))`.

    Law: `elementwise_grad(f)(x)[i] = f'(x[i])`, shape of x.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.elementwise_grad(lambda x: x**2)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    check_callable(fun, "elementwise_grad")

    @named("elementwise_grad", fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, argnum, args, kwargs, False)
        call.check_inputs("elementwise_grad", False)
        values, tape, ins, nodes = linearize_flat(call, call.leaves, call.fun)
        seeds = [np.ones(shape_of(y), dtype_of(y)) for y in values]
        return call.rebuild(_pull_back(tape, ins, nodes, seeds, call.leaves))

    return derivative


# vmap ------------------------------------------------------------------------------------------------------------
def vmap(fun: Function, in_axes: Any = 0, out_axes: Any = 0, axis_size: int | None = None) -> Function:
    """Map a function over an axis of its arguments, in one run of the function on whole batches.

    Law: `vmap(f)(xs)[i] = f(xs[i])`. in_axes: which axis of each argument is mapped (int, None for not mapped, a
    tuple with one entry an argument, or structures of them); keyword arguments are mapped over axis 0. out_axes: where
    the axis goes in the results. Raises ShapeError where mapped lengths differ.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.vmap(np.dot)(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 4.])
    """
    check_callable(fun, "vmap")

    @named("vmap", fun)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        call = Call(fun, tuple(range(len(args))), args, {}, False, mapped_kwargs=kwargs)
        axes = input_axes(in_axes, args, kwargs, call)
        size = mapped_size(call, axes, axis_size)
        batched = [a is not None for a in axes]
        xs = [x if a is None else _move_axis(x, a, 0) for x, a in zip(call.leaves, axes, strict=True)]
        ys, on = batch_flat(call, size, xs, batched, call.fun)
        call.check_results("vmap", ys)
        assert call.out_tree is not None
        places = broadcast_axes(out_axes, call.result(list(range(len(ys)))), "out_axes")
        return call.result([_place(y, b, a, size, call) for y, b, a in zip(ys, on, places, strict=True)])

    return mapped


def _move_axis(x: Any, source: int, destination: int) -> Any:
    ndim = len(shape_of(x))
    source, destination = source % ndim, destination % ndim
    if source == destination:
        return x
    axes = [a for a in range(ndim) if a != source]
    axes.insert(destination, source)
    return transpose(x, axes=tuple(axes))


def _place(y: Any, batched: bool, axis: int | None, size: int, call: Call) -> Any:
    if axis is None:
        if batched:
            raise ShapeError(
                "vmap has out_axes=None for a result that differs between lanes",
                why="None says that all lanes give the same result, which is returned once",
                write="give the axis where the lanes of this result go",
                where=call.source,
            )
        return y
    if not batched:
        y = broadcast_to(y, shape=(size, *shape_of(y)))
    ndim = len(shape_of(y))
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"vmap puts the lanes of a result at axis {axis}, but with them it has {ndim} axes",
            why=f"one lane gives {type_of(y[0]) if size else 'an array'}, and the lanes are one axis more",
            write=f"out_axes between {-ndim} and {ndim - 1}",
            where=call.source,
        )
    return owned(_move_axis(y, 0, axis))


# trace -----------------------------------------------------------------------------------------------------------
def trace(fun: Function, abstract: bool = False) -> Callable[..., Program]:
    """Record a function as a `Program`: `trace(f)(*args)` runs it once and writes down every primitive.

    With arrays as arguments the function runs beside real values, so Python control flow on data just works; each
    decision taken is written down as an `assume` equation, which raises BranchChangedError where the program is
    evaluated at a point at which it would go the other way. With abstract=True, or `wg.ArrayType(shape, dtype)`
    among the arguments, only types are known, and such a decision raises AbstractValueError.

    The program prints readably, is called like the function, and is an argument to every transformation.

    >>> import numpy as np
    >>> import wengert as wg
    >>> program = wg.trace(lambda x: np.exp(x) * x)(2.0)
    >>> [eq.primitive.name for eq in program.equations]
    ['exp', 'mul']
    >>> program(0.0)
    np.float64(0.0)
    """
    check_callable(fun, "trace")

    @named("trace", fun)
    def traced(*args: Any, **kwargs: Any) -> Program:
        call = Call(fun, tuple(range(len(args))), args, {}, False, mapped_kwargs=kwargs)
        call.check_arrays("trace")
        leaves = [type_of(x) if abstract else x for x in call.leaves]
        program = record(call, leaves, name=name_of(fun), owner=call.fun)
        call.check_results("trace", [a.value for a in program.outputs if isinstance(a, Literal)])
        program.in_tree, program.out_tree = flatten((args, kwargs))[1], call.out_tree
        return program

    return traced
