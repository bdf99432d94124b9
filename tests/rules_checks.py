"""What every primitive must satisfy, checked on its samples: the same functions judge right rules and wrong ones.

Each check takes a `Case` (a primitive at one sample) and raises AssertionError, or one of our errors, where a rule is
wrong. The truth is independent of the rules: extrapolated differences and complex steps of the implementation, inner
products, Python loops over lanes, and the program recorded on types alone.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rules_cases import (
    Arrays,
    Case,
    Flat,
    all_close,
    close,
    is_floating,
    jvp,
    pair,
    pushforward,
    random_like,
    same_type,
    truth,
    valid_tangents,
    vjp,
)
from wengert.core.check import check
from wengert.core.primitive import Constant, Elementwise, Linear
from wengert.core.record import record
from wengert.core.types import dtype_of, type_of
from wengert.transforms.batch import batch_flat
from wengert.transforms.jvp import jvp_flat
from wengert.transforms.linearize import linearize_flat

LANES = 3
EXACT = 1e-9  # relative: two ways to the same number


# the checks ------------------------------------------------------------------------------------------------------
def check_types(c: Case) -> None:
    """The type rule gives the types of the results, also for an argument that is a 0-d array or a NumPy scalar."""
    outs = c.outputs(*c.sample.args)
    rule = c.primitive.type_rule(*map(type_of, c.sample.args), **c.sample.params)
    types = list(rule) if c.primitive.multiple else [rule]
    assert len(types) == len(outs), f"type rule gives {len(types)} types for {len(outs)} results"
    for k, (y, t) in enumerate(zip(outs, types, strict=True)):
        same_type(y, t, f"type rule against value, result {k}")


def check_values(c: Case) -> None:
    """A traced application computes what the implementation computes, and leaves the arguments as they were."""
    before = [np.array(a, copy=True) if isinstance(a, np.ndarray) else a for a in c.sample.args]
    for a in c.sample.args:
        if isinstance(a, np.ndarray):
            a.flags.writeable = False
    expected = c.f(*c.xs)
    if c.xs:
        all_close(jvp_flat(c.f, c.xs, c.xs)[0], expected, 0, "value in forward mode")
        all_close(linearize_flat(c.f, c.xs)[0], expected, 0, "value in reverse mode")
        vjp(c.f, c.xs, [random_like(c.rng(), y) for y in expected])
    for a, b in zip(c.sample.args, before, strict=True):
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)


def check_derivatives(c: Case, order: int = 1) -> None:
    """Forward and reverse mode, and each over each up to the order, against differences and inner products."""
    if c.xs:
        rng = c.rng(1)
        v = valid_tangents(c, [random_like(rng, x) for x in c.xs])
        w = [random_like(rng, y) for y in c.f(*c.xs)]
        _check_derivatives(c, c.f, v, w, order, rng, "")


def _check_derivatives(c: Case, g: Flat, v: Arrays, w: Arrays, order: int, rng: np.random.Generator, of: str) -> None:
    d = [random_like(rng, x) for x in c.xs]
    x_dots = valid_tangents(c, d)
    forward = jvp(g, c.xs, x_dots)
    all_close(forward, truth(c, g, d), c.tolerance, f"forward mode{of}, against differences")
    all_close(pushforward(g, c.xs, x_dots), forward, EXACT, f"linearized{of}, against forward mode")
    u = [random_like(rng, y) for y in forward]
    x_bars = vjp(g, c.xs, u)
    for x_bar, x in zip(x_bars, c.xs, strict=True):
        same_type(x_bar, type_of(x), f"adjoint{of}")
    size = sum(float(np.sum(np.abs(b * t))) for b, t in zip(u, forward, strict=True))
    error = abs(pair(x_bars, x_dots) - pair(u, forward))
    assert error <= EXACT * max(1.0, size), f"reverse mode{of}, <A^T u, v> - <u, A v> = {error}"
    if order > 1:
        _check_derivatives(c, lambda *xs: jvp(g, xs, v), v, u, order - 1, rng, f" over forward{of}")
        u2 = [random_like(rng, x) for x in c.xs]
        _check_derivatives(c, lambda *xs: vjp(g, xs, w), v, u2, order - 1, rng, f" over reverse{of}")


def check_second_order(c: Case) -> None:
    """Each mode over each mode."""
    if c.sample.order >= 2:
        check_derivatives(c, 2)


def check_third_order(c: Case) -> None:
    """Each mode over each mode over each mode; of elementwise primitives always."""
    if c.sample.order >= 3 or (c.sample.order == 2 and isinstance(c.primitive.kind, Elementwise)):
        check_derivatives(c, 3)


def check_complex_step(c: Case) -> None:
    """Real arguments: the imaginary part of the implementation at x + i h d, exact to rounding."""
    if not c.xs or c.sample.wrap is not None or any(dtype_of(a).kind == "c" for a in (*c.xs, *c.f(*c.xs))):
        return
    v = [random_like(c.rng(2), x) for x in c.xs]
    h = 1e-30
    try:
        ys = c.f(*(x + 1j * h * d for x, d in zip(c.xs, v, strict=True)))
    except (TypeError, ValueError, NotImplementedError, np.exceptions.ComplexWarning):
        return  # the implementation takes no complex numbers
    if all(dtype_of(y).kind == "c" for y in ys):
        all_close(jvp(c.f, c.xs, v), [y.imag / h for y in ys], 1e-9, "forward mode, against the complex step")


def check_complex_arguments(c: Case) -> None:
    """An elementwise function that takes complex numbers is differentiated there too, along complex directions."""
    if not c.xs or not isinstance(c.primitive.kind, Elementwise) or any(dtype_of(x).kind != "f" for x in c.xs):
        return
    rng = c.rng(3)
    args = c.arguments([x + 0.3j * random_like(rng, x) for x in c.xs])
    moved = replace(c, sample=replace(c.sample, args=tuple(args)))
    try:
        moved.f(*moved.xs)
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        return  # the implementation takes no complex numbers
    check_derivatives(moved, min(2, c.sample.order))


def check_symbolic_zeros(c: Case) -> None:
    """A tangent or adjoint that is None is a zero: the parts of one argument (one result) at a time make the whole."""
    ys = c.f(*c.xs)
    if not c.xs or len(c.xs) + len(ys) == 2:
        return
    rng = c.rng(4)
    v = valid_tangents(c, [random_like(rng, x) for x in c.xs])
    w = [random_like(rng, y) for y in ys]
    whole, back = jvp(c.f, c.xs, v), vjp(c.f, c.xs, w)
    total: list[Any] = [np.zeros_like(y) for y in ys]
    for i in range(len(c.xs)):
        part = jvp(c.f, c.xs, [t if k == i else None for k, t in enumerate(v)])
        if c.sample.wrap is None:
            alone = [t if k == i else np.zeros_like(t) for k, t in enumerate(v)]
            all_close(part, truth(c, c.f, alone), c.tolerance, f"tangent of argument {i}, against differences")
        total = [s + p for s, p in zip(total, part, strict=True)]

        def of_one(x: Any, i: int = i) -> list[Any]:
            return c.f(*(x if k == i else a for k, a in enumerate(c.xs)))

        all_close(vjp(of_one, [c.xs[i]], w), [back[i]], EXACT, f"adjoint of argument {i} alone")
        all_close(jvp(of_one, [c.xs[i]], [v[i]]), part, EXACT, f"tangent of argument {i} alone")
    all_close(total, whole, EXACT, "tangents, one argument at a time")
    if len(ys) > 1:
        parts = [vjp(c.f, c.xs, [b if k == i else None for k, b in enumerate(w)]) for i in range(len(ys))]
        all_close([sum(p) for p in zip(*parts, strict=True)], back, EXACT, "adjoints, one result at a time")


def check_transpose_twice(c: Case) -> None:
    """The pullback is linear, and its pullback is the pushforward."""
    if not c.xs:
        return
    rng = c.rng(5)
    v = [random_like(rng, x) for x in c.xs]
    w = [random_like(rng, y) for y in c.f(*c.xs)]
    if not w:
        return
    again = vjp(lambda *y_bars: vjp(c.f, c.xs, y_bars), w, v)
    all_close(again, pushforward(c.f, c.xs, v), EXACT, "transposed twice")


def check_accumulate(c: Case) -> None:
    """Adding the transpose in place is adding the transpose."""
    p, kind = c.primitive, c.primitive.kind
    if p.accumulate is None or not c.xs:
        return
    y_bar = random_like(c.rng(6), c.outputs(*c.sample.args)[0])
    (i,) = [k for k in c.active if not isinstance(kind, Linear) or kind.differentiable(k)]
    args = [type_of(a) if k == i else a for k, a in enumerate(c.sample.args)]
    total = np.array(random_like(c.rng(7), c.sample.args[i]), ndmin=np.ndim(c.sample.args[i]))
    expected = total + kind.transposes[i](y_bar, *args, **c.sample.params)
    p.accumulate(total, y_bar, *args, **c.sample.params)
    close(total, expected, EXACT, "accumulated in place")


# vmap ------------------------------------------------------------------------------------------------------------
def batchable(c: Case) -> list[int]:
    """The arguments that are arrays."""
    return [i for i, a in enumerate(c.sample.args) if isinstance(a, np.ndarray)]


def lanes_of(c: Case, rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Different valid arguments of the same types."""
    lanes = [tuple(c.sample.args)]
    for k in range(1, LANES):
        candidates = [tuple(c.sample.wrap(*lane)) if c.sample.wrap else tuple(lane) for lane in _varied(c, k, rng)]
        lanes.append(next((lane for lane in candidates if _accepted(c, lane)), lanes[0]))
    return lanes


def _varied(c: Case, k: int, rng: np.random.Generator) -> Iterator[Arrays]:
    """Candidates for lane k: zeros and moved elements where the result is discrete, else small changes."""

    def change(f: Callable[[Any], Any]) -> list[Any]:
        return [f(a) if isinstance(a, np.ndarray) else a for a in c.sample.args]

    if isinstance(c.primitive.kind, Constant):
        yield change(lambda a: np.zeros_like(a) if k == LANES - 1 else rolled(a, k))
        yield change(lambda a: rolled(a, k))
    yield change(lambda a: a + 0.02 * np.asarray(random_like(rng, a)) if is_floating(a) else rolled(a, k))


def rolled(a: Any, k: int) -> Any:
    """The same elements in other places."""
    return np.roll(a.ravel(), k).reshape(a.shape)


def _accepted(c: Case, args: Arrays) -> bool:
    try:
        outs = c.outputs(*args)
    except (ValueError, IndexError, TypeError, ArithmeticError, np.linalg.LinAlgError, Warning):
        return False
    return all(type_of(a) == type_of(b) for a, b in zip(outs, c.outputs(*c.sample.args), strict=True))


def against_loop(f: Flat, lanes: Sequence[Arrays], batched: Sequence[bool], tolerance: float, what: str) -> None:
    """One run on all lanes against one run for each."""
    args = [np.stack([lane[i] for lane in lanes]) if on else lanes[0][i] for i, on in enumerate(batched)]
    values, own = batch_flat(f, len(lanes), args, batched)
    for n, lane in enumerate(lanes):
        expected = f(*(lane[i] if on else lanes[0][i] for i, on in enumerate(batched)))
        assert len(expected) == len(values)
        for k, (y, v, on) in enumerate(zip(expected, values, own, strict=True)):
            found = v[n] if on else v
            same_type(found, type_of(y), f"{what}, result {k}")
            close(found, y, tolerance, f"{what}, lane {n}, result {k}")


def subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every non-empty subset; beyond three items the single ones, the pairs and the whole."""
    sizes = range(1, len(items) + 1) if len(items) <= 3 else (1, 2, len(items))
    for n in sizes:
        yield from itertools.combinations(items, n)


def check_batch(c: Case) -> None:
    """vmap over every subset of the arguments, against a Python loop."""
    lanes = lanes_of(c, c.rng(8))
    for chosen in subsets(batchable(c)):
        batched = [i in chosen for i in range(len(c.sample.args))]
        against_loop(c.outputs, lanes, batched, EXACT, f"vmap over arguments {chosen}")


def check_batched_derivatives(c: Case) -> None:
    """vmap of forward and reverse mode, over tangents alone (as Jacobians are made) and over arguments too."""
    if not c.xs:
        return
    rng, n = c.rng(9), len(c.xs)
    xs = [[np.asarray(lane[i]) for i in c.active] for lane in lanes_of(c, rng)]
    xs = [[np.asarray(x) for x in c.valid(*lane)] for lane in xs]
    ys = c.f(*c.xs)
    for name, apply, like in (("forward", jvp, c.xs), ("reverse", vjp, ys)):
        others = [[np.asarray(random_like(rng, y)) for y in like] for _ in xs]
        lanes = [[*a, *b] for a, b in zip(xs, others, strict=True)]

        def g(*args: Any, apply: Any = apply) -> list[Any]:
            return apply(c.f, args[:n], args[n:])

        if like:
            against_loop(g, lanes, [False] * n + [True] * len(like), EXACT, f"vmap of {name} mode over directions")
            against_loop(g, lanes, [True] * (n + len(like)), EXACT, f"vmap of {name} mode over everything")
            against_loop(g, lanes, [True] * n + [False] * len(like), EXACT, f"vmap of {name} mode over arguments")


# programs --------------------------------------------------------------------------------------------------------
def recorded(f: Flat, args: Arrays, tolerance: float, what: str) -> None:
    """Recorded on types alone, the program obeys the grammar, and evaluated it gives what the function gives."""
    program = check(record(f, [type_of(a) if isinstance(a, np.ndarray) else a for a in args]))
    expected = f(*args)
    for k, (t, y) in enumerate(zip(program.out_types, expected, strict=True)):
        same_type(y, t, f"{what}, type of result {k}")
    all_close(program.evaluate(args), expected, tolerance, what)


def check_program(c: Case) -> None:
    """The primitive, recorded."""
    recorded(c.outputs, c.sample.args, 0, "recorded program")


def check_derivative_programs(c: Case) -> None:
    """Its derivatives, recorded: in forward mode, in reverse mode, and of the gradient."""
    if not c.xs:
        return
    rng, n = c.rng(10), len(c.xs)
    xs = [np.asarray(x) for x in c.xs]
    v = [np.asarray(t) for t in valid_tangents(c, [random_like(rng, x) for x in xs])]
    w = [np.asarray(random_like(rng, y)) for y in c.f(*xs)]
    recorded(lambda *a: jvp(c.f, a[:n], a[n:]), [*xs, *v], EXACT, "recorded forward mode")
    if w:
        recorded(lambda *a: vjp(c.f, a[:n], a[n:]), [*xs, *w], EXACT, "recorded reverse mode")
    if w and c.sample.order >= 2:

        def second(*a: Any) -> list[Any]:
            return jvp(lambda *xs: vjp(c.f, xs, a[2 * n :]), a[:n], a[n : 2 * n])

        recorded(second, [*xs, *v, *w], EXACT, "recorded forward over reverse mode")


# dtypes and memory layouts -------------------------------------------------------------------------------------------
SINGLE = {"d": np.float32, "D": np.complex64}
HALF = {"d": np.float16}
EXTENDED = {"d": np.longdouble, "D": np.clongdouble}


def in_format(c: Case, dtypes: dict[str, Any]) -> Case | None:
    """The case with its double precision arrays in another format.

    None where the implementation does not know the format, or computes in another (there the layer above converts).
    """

    def converted(x: Any) -> Any:
        double = isinstance(x, np.ndarray | np.generic) and x.dtype.char in dtypes
        return x.astype(dtypes[x.dtype.char]) if double else x

    moved = replace(c, sample=replace(c.sample, args=tuple(map(converted, c.sample.args))))
    try:
        with np.errstate(all="ignore"):
            ys = moved.f(*moved.xs)
    except (TypeError, NotImplementedError):
        return None
    precise = [np.finfo(dtype_of(y)).eps for y in ys]
    return moved if set(precise) <= {np.finfo(d).eps for d in dtypes.values()} else None


def derivatives_in_format(c: Case, moved: Case, tolerance: float) -> None:
    """Tangents have the dtype of the results and adjoints that of the arguments; values are as in double precision."""
    rng = c.rng(11)
    v = [random_like(rng, x) for x in c.xs]
    w = [random_like(rng, y) for y in c.f(*c.xs)]
    ys = moved.f(*moved.xs)
    x_dots = [t.astype(dtype_of(x)) for t, x in zip(v, moved.xs, strict=True)]
    y_bars = [b.astype(dtype_of(y)) for b, y in zip(w, ys, strict=True)]
    for y_dot, y, expected in zip(jvp(moved.f, moved.xs, x_dots), ys, jvp(c.f, c.xs, v), strict=True):
        assert dtype_of(y_dot) == dtype_of(y), f"tangent of {dtype_of(y)} is {dtype_of(y_dot)}"
        close(y_dot, expected, tolerance, f"tangent in {dtype_of(y)}")
    for x_bar, x, expected in zip(vjp(moved.f, moved.xs, y_bars), moved.xs, vjp(c.f, c.xs, w), strict=True):
        assert dtype_of(x_bar) == dtype_of(x), f"adjoint of {dtype_of(x)} is {dtype_of(x_bar)}"
        close(x_bar, expected, tolerance, f"adjoint in {dtype_of(x)}")


def check_single_precision(c: Case) -> None:
    """float32 in, float32 adjoints out; types as the rule says, values as in double precision."""
    low = in_format(c, SINGLE)
    if low is not None:
        check_types(low)
        derivatives_in_format(c, low, max(2e-3, 1e3 * c.tolerance))


def check_extended_precision(c: Case) -> None:
    """The same in longdouble."""
    high = in_format(c, EXTENDED)
    if high is not None:
        check_types(high)
        with contextlib.suppress(TypeError):  # SciPy knows the function in longdouble, but not its derivative
            derivatives_in_format(c, high, max(1e-8, c.tolerance))


def check_half_precision(c: Case) -> None:
    """float16: types alone, its three digits do not carry a derivative far."""
    low = in_format(c, HALF)
    if low is not None:
        check_types(low)
        rng = c.rng(13)
        ys = low.f(*low.xs)
        with np.errstate(all="ignore"):
            for y_dot, y in zip(jvp(low.f, low.xs, [random_like(rng, x) for x in low.xs]), ys, strict=True):
                assert dtype_of(y_dot) == dtype_of(y), f"tangent of {dtype_of(y)} is {dtype_of(y_dot)}"
            for x_bar, x in zip(vjp(low.f, low.xs, [random_like(rng, y) for y in ys]), low.xs, strict=True):
                assert dtype_of(x_bar) == dtype_of(x), f"adjoint of {dtype_of(x)} is {dtype_of(x_bar)}"


def layouts(a: Any) -> Iterator[Any]:
    """The same array, strided, reversed in memory, in Fortran order, and read-only."""
    if not isinstance(a, np.ndarray) or not a.ndim:
        yield from (a, a, a)
        return
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    yield wide[..., ::2]
    yield np.ascontiguousarray(a[..., ::-1])[..., ::-1]
    order = np.array(a, order="F")
    order.flags.writeable = False
    yield order


def check_layouts(c: Case) -> None:
    """How an array lies in memory changes nothing."""
    rng = c.rng(12)
    ys = c.outputs(*c.sample.args)
    v = [random_like(rng, x) for x in c.xs]
    w = [random_like(rng, y) for y in c.f(*c.xs)]
    for args in zip(*(layouts(a) for a in c.sample.args), strict=True):
        moved = replace(c, sample=replace(c.sample, args=args))
        all_close(moved.outputs(*args), ys, EXACT, "value at another memory layout")
        if c.xs:
            for name, apply, like in (("tangent", jvp, v), ("adjoint", vjp, w)):
                other = next(zip(*(layouts(a) for a in like), strict=True)) if like else []
                expected = apply(c.f, c.xs, like)
                all_close(apply(moved.f, moved.xs, other), expected, EXACT, f"{name} at another memory layout")


CHECKS: dict[str, Callable[[Case], None]] = {
    name.removeprefix("check_"): f for name, f in list(globals().items()) if name.startswith("check_")
}
